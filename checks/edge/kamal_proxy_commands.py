"""The commands that kamal-proxy has, and those that jobs and scripts of the server call of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from inspect import cleandoc

from checks.server.cron_jobs import crontab
from runbook.model import rights
from runbook.model.question import Command
from runbook.observation.snapshot import Snapshot, reading

HELP = Command("docker exec {proxy} kamal-proxy help", needs=rights.DOCKER, lane="docker")
CALLED = Command(
    cleandoc(
        r"""text=$(for file in {app}/bin/*.sh /etc/crontab /etc/cron.d/*; do
      [ ! -e "$file" ] || sed 's/#.*//' -- "$file" || exit
    done) || exit
    printf '%s\n' "$text" | grep -oE 'docker +exec( +-[^ ]+)* +[^ ]+ +kamal-proxy +[a-z][a-z-]*' |
      sed -E 's/ +-[^ ]+//g' || :"""
    ),
    needs=rights.ROOT,
)
"""The calls alone come back, without docker's options and without the arguments after the command's name."""

CALL = re.compile(r"docker +exec(?: +-\S+)* +\S+ +kamal-proxy +([a-z][a-z-]*)")
ALIASES = {"ls": "list", "rm": "remove"}
"""Which its help does not name."""


@dataclass(frozen=True)
class ProxyCommands:
    """By their names, as they are typed."""

    offered: frozenset[str]
    called: tuple[str, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Those that are called and not offered."""
        return tuple(one for one in self.called if ALIASES.get(one, one) not in self.offered)


def proxy_commands(snapshot: Snapshot) -> ProxyCommands:
    """What the proxy has, and what the account's crontab, the system's and the service's scripts call of it."""
    told, found = snapshot.ask(HELP, CALLED)
    by_cron = [line.command for line in snapshot.observe(crontab).lines]
    with reading("the proxy's help"):
        offered = read_help(told.required("the proxy's help").lines)
    return ProxyCommands(offered, read_calls([*found.required("what calls the proxy").lines, *by_cron]))


def read_help(lines: Iterable[str]) -> frozenset[str]:
    """The commands of the proxy's own help.

    Raises:
        LookupError: It names none.
    """
    text = "\n".join(lines)
    listed = re.search(r"^Available Commands:\n((?:  \S.*\n)+)", text, re.MULTILINE)
    if listed is None:
        raise LookupError("it names no command")
    return frozenset(line.split()[0] for line in listed[1].splitlines())


def read_calls(lines: Iterable[str]) -> tuple[str, ...]:
    """The commands of the proxy that these lines of shell call, each once, in alphabetical order."""
    return tuple(sorted({found[1] for line in lines for found in CALL.finditer(line)}))
