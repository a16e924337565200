"""The table of the runbook's lines: what the project keeps of each, and which scenarios account for it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from runbook.model.exits import UsageError
from traceability.runbook_lines import Kind, Line

TABLE = Path(__file__).resolve().parent.parent / "coverage.toml"


class TableError(UsageError):
    """A table that cannot be used: one sentence that names the file and what is wrong."""


class Entry(BaseModel):
    """One line of the runbook, without its text.

    Attributes:
        digest: Of the line's words.
        fact: What it is about, in our words.
        by: The ids of the scenarios by which it is looked at or carried out.
        aside: Why no scenario can.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    section: str
    kind: Kind
    digest: str
    fact: str = ""
    by: tuple[str, ...] = ()
    aside: str | None = None


class _Entries(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    lines: tuple[Entry, ...]


def load(path: Path = TABLE) -> tuple[Entry, ...]:
    """Read the table, in the runbook's order.

    Raises:
        TableError: It is missing, or says something else than such a table may.
    """
    try:
        return _Entries.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).lines
    except OSError as error:
        said = f"cannot be read ({error.strerror})"
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        said = f"is not TOML ({error})"
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = f"key {'.'.join(map(str, first['loc']))}: {first['msg']}"
    raise TableError(f"{path}: {said}; expected a table of the runbook's lines")


def written(line: Line) -> str:
    """The entry of a line as the table has it, for whoever puts it in."""
    return f'{{ section = "{line.section}", kind = "{line.kind}", digest = "{line.digest}", fact = "", by = [] }},'
