"""The weakenings that may stay unnoticed, each with the reason (``explained.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.weakening import Weakening

TABLE = Path(__file__).with_suffix(".toml")
ANY = "*"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Explained:
    """Weakenings of one function that change the same expression in the same way.

    Attributes:
        file: The module, by its path in the project.
        function: As `Weakening.function` says it.
        what: As `Weakening.what` says it; ``*`` stands for all of the function.
        why: Why nothing can notice it, or why it lets nothing pass.
    """

    file: str
    function: str
    what: str
    why: str

    def is_of(self, weakening: Weakening) -> bool:
        """Whether it explains this one."""
        path = str(weakening.path.relative_to(ROOT))
        same = (self.file, self.function) == (path, weakening.function)
        return same and self.what in (ANY, weakening.what)


def load(path: Path = TABLE) -> tuple[Explained, ...]:
    """The whole table."""
    modules = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Explained(file, function, what, group["why"])
        for file, groups in modules.items()
        for group in groups
        for function, changes in group["of"].items()
        for what in changes
    )


def why(table: Iterable[Explained], weakening: Weakening) -> str | None:
    """Why this one may stay unnoticed; None where nobody has said."""
    return next((one.why for one in table if one.is_of(weakening)), None)
