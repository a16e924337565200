"""How many examples hypothesis tries: some at every save, many in soak. None is held to a time, for machines differ."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("save", deadline=None, max_examples=40)
settings.register_profile("soak", deadline=None, max_examples=500)
settings.load_profile("save")
