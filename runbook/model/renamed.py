"""What is called otherwise now: each name that somebody may have kept, beside the one of today (``renamed.toml``).

Records, attestations, target files, notes on a server and command lines outlive a name. Whoever reads an old one takes
the new one in its place and says so in one sentence, so that nothing that was kept is lost when a name gets better.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_TABLE: Mapping[str, Mapping[str, str]] = tomllib.loads((Path(__file__).parent / "renamed.toml").read_text())

SCENARIOS = _TABLE["scenarios"]
FAULTS = _TABLE["faults"]
TARGET_KEYS = _TABLE["target"]
TAGS = _TABLE["tags"]

_WORD = re.compile(r"[\w+.-]+", re.ASCII)


class SaidTwice(ValueError):
    """A table has a key under its old name and under its new one."""


def scenario(name: str) -> str:
    """The id of today of a scenario that had this id once, or has it now."""
    return SCENARIOS.get(name, name)


def fault(name: str) -> str:
    """The id of today of a fault that had this id once, or has it now."""
    return FAULTS.get(name, name)


def tag(name: str) -> str:
    """The tag of today: ``needs-one-release-runs`` is ``depends-on-exactly-one-release-runs``."""
    word, _, other = name.partition("-")
    if word in TAGS and other:
        return f"{TAGS[word]}-{scenario(other)}"
    for begins in TAGS.values():
        if name.startswith(f"{begins}-"):
            return f"{begins}-{scenario(name.removeprefix(f'{begins}-'))}"
    return name


def target_key(key: str) -> str:
    """The key of today, dotted, of a key of a target file; an old one is said."""
    for old, new in TARGET_KEYS.items():
        if key == old or key.startswith(f"{old}."):
            say(sentence("key", old, new))
            return new + key.removeprefix(old)
    return key


def sentence(kind: str, old: str, new: str) -> str:
    """What a person has to know who has used an old name."""
    return f"the {kind} {old} is called {new} now"


def sentences(ids: Iterable[str]) -> tuple[str, ...]:
    """One sentence for each of these ids of scenarios that is an old one."""
    return tuple(sentence("scenario", one, SCENARIOS[one]) for one in dict.fromkeys(ids) if one in SCENARIOS)


@cache
def say(told: str) -> None:
    """Tell whoever runs this, once, however often the old name is read."""
    print(told, file=sys.stderr)


def in_expression(expression: str) -> str:
    """An expression for pytest's ``-k`` or ``-m`` with the names of today; each old one is said.

    Ids are known with hyphens, as they stand in a report, and with underscores, as pytest calls the tests.
    """

    def today(found: re.Match[str]) -> str:
        old = found[0]
        begin = "test_" if old.startswith("test_") else ""
        plain = old.removeprefix(begin)
        hyphens = plain.replace("_", "-")
        new = tag(scenario(hyphens))
        if new == hyphens:
            return old
        say(sentence("tag" if hyphens.partition("-")[0] in TAGS else "scenario", hyphens, new))
        return begin + (new if hyphens == plain else new.replace("-", "_"))

    return _WORD.sub(today, expression)


def in_target(table: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A target file's table with the keys of today, and one sentence for each old key.

    Raises:
        SaidTwice: A key stands there under both names.
    """
    found, told = {key: dict(value) if isinstance(value, dict) else value for key, value in table.items()}, []
    for old, new in TARGET_KEYS.items():
        (*above, last), (*_, renamed) = old.split("."), new.split(".")
        inside = found.get(above[0]) if above else found
        if not isinstance(inside, dict) or last not in inside:
            continue
        if renamed in inside:
            raise SaidTwice(f"key {new} is there twice, as {old} too; expected {new} alone")
        value = inside.pop(last)
        inside[renamed] = value
        told.append(sentence("table" if isinstance(value, dict) else "key", old, new))
    return found, tuple(told)


def old_tags(tags: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each of these tags that begins as a tag did once, with the one of today."""
    return ((one, tag(one)) for one in sorted(tags) if one.partition("-")[0] in TAGS)
