"""What every part of a record has in common: frozen, closed, and of text that any file and screen can hold."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

_SURROGATES = re.compile("[\ud800-\udfff]")


class Recorded(BaseModel):
    """One part of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _takes_any_text(cls, given: Any) -> Any:
        """Half a character is one legal string in JSON and in Python, and no file or screen can hold it."""
        return {name: sound(value) for name, value in given.items()} if isinstance(given, dict) else given


def sound(value: Any) -> Any:
    """The value; of a text, or several, what stands for no character replaced."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
    return tuple(map(sound, value)) if isinstance(value, tuple) else value
