"""Chance that is the same on every build."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta


class Chance(random.Random):
    """Draws that depend on nothing but the name they are drawn under.

    What is made in one part so does not change when another part draws more or less.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"psyfit {name}")

    def uuid(self) -> str:
        """A random UUID."""
        return str(uuid.UUID(int=self.getrandbits(128), version=4))

    def instants(self, count: int, start: datetime, end: datetime) -> list[datetime]:
        """Instants in order, whole seconds, spread evenly over the time from start to before end."""
        slot = (end - start).total_seconds() / count
        return [start + timedelta(seconds=int(slot * (n + self.random()))) for n in range(count)]
