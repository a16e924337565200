"""Controls: which sections of the runbook support evidence for which control of which framework.

None is ever met by a scenario alone; whether it is stays with those who audit it.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runbook.model.exits import UsageError
from runbook.model.record import Control
from runbook.suite.features import Scenario, section_order

NOTHING_COVERED = "all of it"
"""What is not covered of a control that no scenario can support: it is named, so that nobody takes it for forgotten."""

CONTROLS = Path(__file__).resolve().parents[2] / "controls.toml"


class ControlsError(UsageError):
    """A table of controls that cannot be used: one sentence that names the file and what is wrong.

    ``what`` is what is wrong alone.
    """

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}; expected a table of controls")
        self.what = what


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Table):
    """One control.

    Attributes:
        title: Its official short name; ours where the framework gives it none.
        beyond: What of it no scenario covers.
    """

    title: str
    beyond: str

    @property
    def supportable(self) -> bool:
        """Whether a scenario can support evidence for any part of it."""
        return not self.beyond.startswith(NOTHING_COVERED)


class Framework(_Table):
    """A framework and those of its controls that a service like this one is asked for.

    Attributes:
        ids: The regular expression that each of its identifiers matches.
    """

    name: str
    ids: str
    controls: dict[str, Entry]


class Controls(_Table):
    """The table.

    Attributes:
        sections: The identifiers of the controls that a section supports evidence for.
        frameworks: By a short name.
    """

    sections: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    frameworks: dict[str, Framework] = Field(default_factory=dict)

    def of(self, section: str) -> tuple[str, ...]:
        """The controls of a section; of one without a line of its own those of its chapter."""
        return self.sections.get(section) or self.sections.get(section.partition(".")[0]) or ()

    def listed(self) -> Iterator[tuple[str, str, Entry]]:
        """Every control, as framework, identifier and what it is, in the table's order."""
        for framework in self.frameworks.values():
            for identifier, entry in framework.controls.items():
                yield framework.name, identifier, entry

    def overstated(self) -> Iterator[tuple[str, str]]:
        """Each section that names a control which no scenario can support, and that control."""
        unsupportable = {identifier for _, identifier, entry in self.listed() if not entry.supportable}
        for section, named in self.sections.items():
            yield from ((section, one) for one in named if one in unsupportable)

    def unknown(self) -> Iterator[str]:
        """Identifiers that a section names and no framework has, and those that its framework cannot have."""
        known = {identifier for _, identifier, _ in self.listed()}
        yield from dict.fromkeys(one for named in self.sections.values() for one in named if one not in known)
        for framework in self.frameworks.values():
            yield from (one for one in framework.controls if not re.fullmatch(framework.ids, one))


def recorded(controls: Controls, scenarios: Iterable[Scenario]) -> tuple[Control, ...]:
    """The controls for a run's record, each with its sections and how many of these scenarios each section has."""
    counted = Counter(one.section for one in scenarios)
    sections = sorted({*controls.sections, *counted}, key=section_order)
    return tuple(
        Control(
            framework=framework,
            id=identifier,
            title=entry.title,
            beyond=entry.beyond,
            sections={one: counted[one] for one in sections if identifier in controls.of(one)},
        )
        for framework, identifier, entry in controls.listed()
    )


def load(path: Path = CONTROLS) -> Controls:
    """Read the table.

    Raises:
        ControlsError: It is missing, or says something else than a table of controls may.
    """
    try:
        table: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return Controls.model_validate(table)
    except OSError as error:
        raise ControlsError(path, f"cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ControlsError(path, f"is not TOML ({error})") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ControlsError(path, f"key {key}: {first['msg']}") from None
