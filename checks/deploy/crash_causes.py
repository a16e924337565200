"""The last words of releases that are not well, of causes that the runbook knows; nothing else of their logs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Literal

from checks.docker.containers import Container, fleet
from checks.edge.health_api import health
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

LAST_WORDS = Command(
    cleandoc(
        r"""signs='AEAD authentication tag verification failed(: [A-Z_]+ is not the key)?'
    signs="$signs|ActiveSupport::MessageEncryptor::InvalidMessage"
    signs="$signs|[A-Z_]+ environment variable must be set|Missing encryption key to decrypt"
    signs="$signs|could not connect to server(: [A-Za-z ]+)?|could not translate host name"
    signs="$signs|connection to server (at|on)[^:]* failed(: (FATAL: *)?[A-Za-z ]+)?"
    signs="$signs|the log itself could not be read"
    for one in {containers}; do
      printf 'container\t%s\n' "$one"
      found=$({{ docker logs --tail 200 "$one" 2>&1 || echo "the log itself could not be read"; }} |
        grep -aoE -e "$signs")
      [ "$?" -le 1 ] || exit
      [ -z "$found" ] || printf '%s\n' "$found" | tail -n 1
    done"""
    ),
    needs=rights.DOCKER,
    lane="docker",
    seconds=10,
)
"""Of each log the last words that are a known cause's: never a line, for a line may be about somebody."""

Cause = Literal["a wrong key", "a missing key", "the database is unreachable"]

CAUSES: dict[str, Cause] = {
    r"AEAD authentication tag verification failed|ActiveSupport::MessageEncryptor::InvalidMessage": "a wrong key",
    r"[A-Z_]+ environment variable must be set|Missing encryption key": "a missing key",
    r"could not connect to server|connection to server (at|on)|could not translate host name": (
        "the database is unreachable"
    ),
}
"""libpq says “could not connect to server” up to version 13, and names the server since."""

UNREADABLE = "the log itself could not be read"
YOUNG_SECONDS = 600


@dataclass(frozen=True)
class LastWords:
    """The last known cause in the log of a release that is not well."""

    release: Container
    cause: Cause
    words: str

    def __str__(self) -> str:
        return f"{self.release.name} says “{self.words}”"


def last_words(snapshot: Snapshot) -> tuple[LastWords, ...]:
    """What the releases say that failed, or that run and do not reach their database."""
    found = snapshot.observe(fleet)
    asked = [one for one in found.releases if is_failing(one)]
    asked += [one for one in found.running_releases if one not in asked and not _reaches_database(snapshot)]
    if not asked:
        return ()
    told = snapshot.ask(LAST_WORDS.with_values(containers=[one.name for one in asked])).required("the releases' logs")
    with reading("the releases' logs"):
        words = read_last_words(told.out)
        causes = {name: cause_of(said) for name, said in words.items() if said != UNREADABLE}
    unreadable = [name for name, said in words.items() if said == UNREADABLE]
    if unreadable:
        raise Undetermined(f"the log of {', '.join(unreadable)} could not be read")
    return tuple(LastWords(one, causes[one.name], words[one.name]) for one in asked if one.name in causes)


def is_failing(release: Container) -> bool:
    """Whether it ended otherwise than in good order, or starts over and over. Of one that runs, the words are past."""
    if not release.running:
        return not release.ended_in_order
    again = release.restarts > 0 and (release.up_seconds is None or release.up_seconds < YOUNG_SECONDS)
    return release.restarting or again


def _reaches_database(snapshot: Snapshot) -> bool:
    """What a release said of its database is past where the application says that it reaches it."""
    try:
        answer = snapshot.observe(health)
    except Undetermined:
        return True
    return not answer.from_application or answer.database == "ok"


def read_last_words(text: str) -> dict[str, str]:
    """The last words of each container that had any, by its name.

    Raises:
        ValueError: Words stand before the first container.
    """
    words: dict[str, str] = {}
    name = None
    for line in lines_of(text):
        kind, tab, rest = line.partition("\t")
        if kind == "container" and tab:
            name = rest
        elif name is None:
            raise ValueError("words of no container")
        else:
            words[name] = line
    return words


def cause_of(words: str) -> Cause:
    """The cause that these words stand for.

    Raises:
        ValueError: They stand for none.
    """
    for sign, cause in CAUSES.items():
        if re.match(sign, words):
            return cause
    raise ValueError("these are not known words")


def saying(words: Iterable[LastWords], cause: Cause) -> tuple[LastWords, ...]:
    """Those that say this cause."""
    return tuple(one for one in words if one.cause == cause)
