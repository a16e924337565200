"""``runbook init``: looks at a server and writes its target file. Nothing on the server is changed."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from checks.docker.containers import CONTAINERS
from checks.formats.openpgp import NotOpenPgp, key_ids
from commands import open_drill_notice
from discovery import facts, server
from discovery.facts import Fact, Value, Who
from discovery.target_file import YOURS_TO_KNOW, Seen, one_line, render
from runbook.drill import journal
from runbook.model import exits, renamed, rights
from runbook.model.outcome import Undetermined
from runbook.model.rights import Right
from runbook.model.target import SshSettings, Target
from runbook.model.target_file import TARGETS, TargetError, validated
from runbook.observation.evidence import Evidence
from runbook.observation.observer import Observer
from runbook.observation.redaction import Redactor
from runbook.observation.snapshot import Snapshot
from runbook.process import signals

UNKNOWN_DOMAIN = "unknown.invalid"
"""Stands for the domain until it is told; nothing is ever sent to it."""

NEVER_A_SERVERS = (
    "address",
    "github.",
    "ssh.config",
    "edge.ca_file",
    "dns.",
    "offsite.endpoint",
    "offsite.key_variable",
    "offsite.secret_variable",
    "offsite.credentials",
    "attestations",
)
"""Beginnings of keys that say where this machine sends what it keeps secret."""


def init(
    *,
    host: Annotated[str, Parameter(help="The server's address.")],
    user: Annotated[str | None, Parameter(help="The account; your ssh configuration's by default.")] = None,
    port: Annotated[int, Parameter(help="The port of its sshd.")] = 22,
    ssh_config: Annotated[Path | None, Parameter(help="Another ssh_config file than your own.")] = None,
    name: Annotated[str, Parameter(help="What the target is called.")] = "production",
    output: Annotated[Path | None, Parameter(help="The file to write; targets/NAME.toml by default.")] = None,
    domain: Annotated[str | None, Parameter(help="The service's domain, if the server does not reveal it.")] = None,
    https_port: Annotated[int | None, Parameter(help="Where HTTPS is reached from here.")] = None,
    http_port: Annotated[int | None, Parameter(help="Where plain HTTP is reached from here.")] = None,
    ca_file: Annotated[Path | None, Parameter(help="An authority of your own, in place of the system's.")] = None,
    encryption_key: Annotated[
        Path | None, Parameter(help="The public half of the key that backups are encrypted to.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        Parameter(
            name="--set", negative=(), help="KEY=VALUE: what else you know, such as edge.database_page=/clinics."
        ),
    ] = None,
) -> int:
    """Look at a server and write its target file, commented, with what it could not tell marked."""
    path = output or TARGETS / f"{name}.toml"
    given: dict[str, Value | None] = {
        **dict(map(_key_and_value, set_ or ())),
        "name": name,
        "address": host,
        "domain": domain,
        "ssh.user": user,
        "ssh.port": port,
        "ssh.config": str(ssh_config.absolute()) if ssh_config else None,
        "edge.https_port": https_port,
        "edge.http_port": http_port,
        "edge.ca_file": str(ca_file.absolute()) if ca_file else None,
    }
    if encryption_key is not None:
        given["backups.encryption_key"] = str(encryption_key.absolute())
    asked = {key: Fact(value, "") for key, value in given.items() if value is not None}
    target = _provisional(asked, path)
    if path.exists():
        raise TargetError(f"{path}: exists already; `runbook init` overwrites nothing, so move it or give --output")
    try:
        seen = _look(target, _given(path))
    except _Unreachable as error:
        return _unreachable(error)
    yours = {key: Fact(None, f"only you know {what}") for key, what in YOURS_TO_KNOW.items()}
    facts = _sound({**yours, **_a_servers(seen.facts), **asked}, target)
    if encryption_key is not None:
        facts["backups.encryption_key"] = _key_fact(encryption_key, seen.facts["backups.encryption_key"])
    _write(path, render(facts, seen, path))
    return _show(path, facts, seen)


class _Unreachable(Exception):
    def __init__(self, reason: str, line: str | None) -> None:
        super().__init__(reason)
        self.line = line


def _key_and_value(text: str) -> tuple[str, Value]:
    """``KEY=VALUE``, the value as TOML writes it, or a text without quotes."""
    key, _, written = (part.strip() for part in text.partition("="))
    try:
        value = tomllib.loads(f"value = {written}")["value"]
    except tomllib.TOMLDecodeError:
        value = written
    return renamed.target_key(key), tuple(value) if isinstance(value, list) else value


def _provisional(asked: Mapping[str, Fact], path: Path) -> Target:
    """A target of what is given, to look through.

    Raises:
        TargetError: Something that is given cannot stand in a target file.
    """
    return validated(
        _as_table({"domain": Fact(UNKNOWN_DOMAIN, ""), "environment": Fact("production", ""), **asked}), path
    )


def _as_table(facts: Mapping[str, Fact]) -> dict[str, object]:
    table: dict[str, object] = {}
    for key, fact in facts.items():
        section, _, last = key.rpartition(".")
        place = table.setdefault(section, {}) if section else table
        if fact.value is not None and isinstance(place, dict):
            place[last] = list(fact.value) if isinstance(fact.value, tuple) else fact.value
    return table


def _a_servers(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """What a server may tell: never where secrets are sent, or which; that is said with ``--set`` or in the file."""
    return {key: fact for key, fact in facts.items() if not key.startswith(NEVER_A_SERVERS) or fact.value is None}


def _sound(facts: Mapping[str, Fact], target: Target) -> dict[str, Fact]:
    """The facts, those of them marked that no target file could hold: what a server says is foreign."""
    sound = {}
    base = {key: Fact(value, "") for key, value in (("name", "x"), ("address", target.address))}
    for key, fact in facts.items():
        try:
            str(fact.value).encode()
            validated(
                _as_table({"domain": Fact(UNKNOWN_DOMAIN, ""), "environment": Fact("lab", ""), **base, key: fact}),
                Path(),
            )
            sound[key] = fact
        except (TargetError, UnicodeEncodeError):
            sound[key] = Fact(None, f"the server says {fact.value!r}, which no target file can hold")
    return sound


@contextmanager
def _observing(target: Target) -> Iterator[Observer]:
    redactor = Redactor()
    observer = Observer(target, Evidence(redactor), redactor, journal.NAMES)
    try:
        yield observer
    finally:
        with signals.deferred():
            observer.close()


def _look(target: Target, given: str) -> Seen:
    """Look as the account itself, and as root where it may be; say first what a drill has left open.

    Raises:
        _Unreachable: There is no SSH connection to the server.
    """
    with _observing(target) as observer:
        snapshot = Snapshot(observer)
        try:
            who = facts.who_is_asking(snapshot)
        except Undetermined as error:
            raise _Unreachable(str(error), observer.line(named=target.domain != UNKNOWN_DOMAIN)) from None
        sudo = _refusal(snapshot) if not who.root else None
        if who.root or sudo is not None:
            open_drill_notice.asked(observer, given)()
            return _seen(snapshot, who, {} if sudo is None else {rights.ROOT: sudo})
    become = SshSettings.model_validate({**target.ssh.model_dump(), "become": "sudo -n"})
    with _observing(target.model_copy(update={"ssh": become})) as observer:
        open_drill_notice.asked(observer, given)()
        seen = _seen(Snapshot(observer), who, {})
    return replace(seen, facts={**seen.facts, "ssh.become": Fact("sudo -n", "it may, without a password")})


def _refusal(snapshot: Snapshot) -> str | None:
    """Why sudo does not make root of the account; None where it does."""
    try:
        snapshot.ask(facts.SUDO).required("sudo")
    except Undetermined as error:
        return error.reason
    return None


def _seen(snapshot: Snapshot, who: Who, missing: dict[Right, str]) -> Seen:
    facts = server.facts_of_server(snapshot, who)
    facts["environment"] = (
        Fact("lab", "it has /etc/psyfit-lab")
        if who.lab
        else Fact("production", "a server does not say: change it to staging if it is one")
    )
    facts["ssh.user"] = Fact(who.account, "as the server sees it")
    try:
        snapshot.ask(CONTAINERS)
    except Undetermined as error:
        missing = {rights.DOCKER: error.reason, **missing}
    return Seen(who, facts, missing)


def _key_fact(path: Path, seen: Fact) -> Fact:
    """The key that is given, beside what the backups say."""
    try:
        ids = key_ids(path.read_bytes())
    except OSError as error:
        raise TargetError(f"{path}: cannot be read ({error.strerror}); expected the public half of a key") from None
    except NotOpenPgp as error:
        raise TargetError(f"{path}: {error}; expected the public half of a key") from None
    fits = not ids.isdisjoint(seen.recipients)
    told = "it is the one that the newest encrypted backup is for" if fits else f"not compared: {seen.source}"
    return Fact(str(path.absolute()), told)


def _write(path: Path, text: str) -> None:
    """Write the file as a whole or not at all, and never over another.

    Raises:
        TargetError: It is there already, or cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", encoding="utf-8") as part:
            part.write(text)
            part.flush()
            os.fsync(part.fileno())
            Path(part.name).chmod(0o644)
            os.link(part.name, path)
    except OSError as error:
        raise TargetError(f"{path}: cannot be written ({error.strerror}); expected a new file") from None


def _unreachable(error: _Unreachable) -> int:
    console = Console(stderr=True, highlight=False)
    _say(console, f"nothing was written: {error}")
    if error.line:
        _say(console, error.line)
    return exits.UNDETERMINED


def _show(path: Path, facts: Mapping[str, Fact], seen: Seen) -> int:
    console = Console(highlight=False)
    untold = {key: fact.source for key, fact in facts.items() if fact.value is None}
    for right, said in seen.missing.items():
        _say(console, ("✗ missing right: ", "bold yellow"), (right.name, "bold"), f": {said}")
        _say(console, (f"    lets it {right.purpose}", "dim"))
        _say(console, f"    grant: {right.grant.replace('USER', seen.who.account)}")
    for key, why in _by_reason(untold):
        _say(console, ("? could not be determined: ", "yellow"), key, f" ({why})")
    _say(console, f"Written: {path}")
    if facts["domain"].value is None:
        _say(console, "Fill in the key domain before you go on.")
    _say(console, f"Next: runbook verify --target {_given(path)}")
    return exits.UNDETERMINED if untold or seen.missing else exits.COMPLIANT


def _say(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print one line of these texts, with their styles where they have one; nothing in them steers a terminal."""
    texts = [(part, "") if isinstance(part, str) else part for part in parts]
    console.print(Text.assemble(*((one_line(text), style) for text, style in texts)), soft_wrap=True)


def _given(path: Path) -> str:
    """What ``--target`` is given for this file."""
    return str(path) if path.parent != TARGETS else path.stem


def _by_reason(untold: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Keys that could not be determined for one reason, together."""
    keys: dict[str, list[str]] = {}
    for key, why in untold.items():
        keys.setdefault(why, []).append(key)
    return ((", ".join(together), why) for why, together in keys.items())
