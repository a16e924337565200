"""``runbook init``: looks at a server and writes its target file. Nothing on the server is changed."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from checks import discovery
from checks.containers import CONTAINERS
from checks.discovery import Fact, Value, Who
from checks.openpgp import NotOpenPgp, key_ids
from commands import banner
from runbook import endings, exits, renamed, rights
from runbook.evidence import Evidence
from runbook.look import Look
from runbook.observer import Observer
from runbook.outcome import Undetermined
from runbook.redaction import Redactor
from runbook.rights import Right
from runbook.target import TARGETS, Ssh, Target, TargetError, validated

EXAMPLES = {
    "ssh.become": "sudo -n",
    "dns.resolver": "192.0.2.53",
    "backups.keyring": "~/.gnupg",
    "offsite.bucket": "psyfit-backups",
    "offsite.endpoint": "https://s3.example",
    "offsite.key_variable": "RUNBOOK_S3_KEY",
    "offsite.secret_variable": "RUNBOOK_S3_SECRET",
}
UNKNOWN_DOMAIN = "unknown.invalid"
"""Stands for the domain until it is told; nothing is ever sent to it."""

HEAD = """\
# {domain} as `runbook init` saw it on {address}, as account {account}. Facts only: no secrets belong here.
# Read it once: what could not be determined is marked. Then: runbook verify --target {target}
"""

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

YOURS_TO_KNOW = {
    "edge.database_page": "a page that lists rows of the database, and nobody's personal data",
    "probe.slow_page": "a page that takes some seconds, for the drill that rolls back",
    "probe.post_path": "where a POST of a token writes one row, for the same drill",
}
"""What no server tells."""

PURPOSES = {
    "address": "every question goes to this address, ...",
    "domain": "... under this name (SNI, Host)",
    "ssh.user": "the account",
    "ssh.become": "how the account becomes root",
    "ssh.config": "another ssh_config file than your own",
    "edge.ca_file": "an authority of your own, in place of the system's",
    "dns.resolver": "which resolver to ask for the domain, when an SSH connection to the server has failed",
    "backups.freshness_columns": "table.column: how old a dump's content is",
    "backups.encrypted_columns": "table.column: what the service itself encrypts, blind indexes too",
    "backups.encryption_key": "the public half that backups are encrypted to",
    "backups.volumes": "Docker volumes whose files are saved too, as VOLUME_<time>.tar.gz",
    "backups.keys": "what the names of the keys' archives begin with",
    "backups.keyring": "the GnuPG home with the private half; it stays where you are",
    "offsite.bucket": "where the backups are copied to",
    "offsite.prefix": "the names of the copies: this, and the backup's own name",
    "offsite.endpoint": "where S3 is spoken, if not by Amazon",
    "offsite.region": "the bucket's",
    "offsite.credentials": "a key that may only read there, in a file as the AWS CLI keeps them",
    "offsite.key_variable": "in the place of that file: the environment variable with the key's id",
    "offsite.secret_variable": "the one with its secret",
    "login_policy.user_minutes": "the variable with the minutes after which a user's unused session ends",
    "login_policy.staff_minutes": "the same of the staff",
    "login_policy.attempts": "the variable with how many failed logins lock an account",
    "login_policy.lockout_minutes": "the variable with the minutes that it then stays locked",
    "login_policy.locked_at": "table.column: when an account was locked; only counts are asked of it",
    "objectives.rto_seconds": "RTO: how long the restore of the database may take",
    "objectives.rpo_hours": "RPO: how old its newest row may then be",
}


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


@dataclass(frozen=True)
class Seen:
    """What was seen of a server.

    Attributes:
        facts: By key of the target file.
        missing: The rights that the account does not have, and what was said when they were tried.
    """

    who: Who
    facts: dict[str, Fact]
    missing: dict[Right, str]


class _Unreachable(Exception):
    def __init__(self, reason: str, line: str | None) -> None:
        super().__init__(reason)
        self.line = line


def render(facts: Mapping[str, Fact], seen: Seen, path: Path) -> str:
    """The target file. What could not be determined stands as a comment, so that the default holds."""
    domain = facts["domain"].value or "a server"
    head = {"domain": domain, "address": facts["address"].value, "account": seen.who.account, "target": path}
    lines = HEAD.format(**{name: _comment_safe(str(value)) for name, value in head.items()}).split("\n")[:-1]
    table = ""
    for key in _keys():
        section, _, last = key.rpartition(".")
        entry = _entry(last, key, facts.get(key))
        if entry and section != table:
            lines += ["", f"[{section}]"]
            table = section
        lines += entry
    return "\n".join(lines) + "\n"


def _keys() -> Iterator[str]:
    """All keys of a target file, in the order of the model, tables last."""
    tables = {name: field.annotation for name, field in Target.model_fields.items()}
    yield from (name for name, kind in tables.items() if not hasattr(kind, "model_fields"))
    for name, kind in tables.items():
        for key in getattr(kind, "model_fields", ()):
            if f"{name}.{key}" != "ssh.local":
                yield f"{name}.{key}"


def _entry(last: str, key: str, fact: Fact | None) -> list[str]:
    purpose = PURPOSES.get(key, "")
    if fact is None:
        return [f"# {last} = {_written(_usual(key) or EXAMPLES.get(key, '~/file'))}  # {purpose}"] if purpose else []
    if fact.value is None:
        usual = _usual(key)
        taken = f"; default: {_written(usual)}" if usual else ""
        return [f"# could not be determined: {last}: {_comment_safe(fact.told)}{taken}"]
    comment = "; ".join(filter(None, (purpose, fact.told)))
    return [f"{last} = {_written(fact.value)}" + (f"  # {_comment_safe(comment)}" if comment else "")]


def _usual(key: str) -> Value | None:
    """What holds where a file says nothing."""
    section, _, last = key.rpartition(".")
    if not section:
        return None
    usual = getattr(Target.model_fields[section].default, last)
    return usual if isinstance(usual, str | int | tuple) and usual else None


def _written(value: Value | None) -> str:
    """A value as TOML writes it."""
    if isinstance(value, tuple):
        return f"[{', '.join(_written(one) for one in value)}]"
    text = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in text)


def _comment_safe(text: str) -> str:
    """A value as it may stand in a comment: in one line whatever it holds, and with nothing that TOML refuses there."""
    return one_line(" ".join(text.split()))


def one_line(text: str) -> str:
    """What a server said, without anything that could end a line or steer a terminal."""
    return "".join(sign if sign.isprintable() else " " if sign.isspace() else "�" for sign in text)


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
    observer = Observer(target, Evidence(redactor), redactor, {})
    try:
        yield observer
    finally:
        with endings.deferred():
            observer.close()


def _look(target: Target, given: str) -> Seen:
    """Look as the account itself, and as root where it may be; say first what a drill has left open.

    Raises:
        _Unreachable: There is no SSH connection to the server.
    """
    with _observing(target) as observer:
        look = Look(observer)
        try:
            who = discovery.who_is_asking(look)
        except Undetermined as error:
            raise _Unreachable(str(error), observer.line(named=target.domain != UNKNOWN_DOMAIN)) from None
        sudo = _refusal(look) if not who.root else None
        if who.root or sudo is not None:
            banner.asked(observer, given)()
            return _seen(look, who, {} if sudo is None else {rights.ROOT: sudo})
    become = Ssh.model_validate({**target.ssh.model_dump(), "become": "sudo -n"})
    with _observing(target.model_copy(update={"ssh": become})) as observer:
        banner.asked(observer, given)()
        seen = _seen(Look(observer), who, {})
    return replace(seen, facts={**seen.facts, "ssh.become": Fact("sudo -n", "it may, without a password")})


def _refusal(look: Look) -> str | None:
    """Why sudo does not make root of the account; None where it does."""
    try:
        look.ask(discovery.SUDO).required("sudo")
    except Undetermined as error:
        return error.reason
    return None


def _seen(look: Look, who: Who, missing: dict[Right, str]) -> Seen:
    facts = discovery.facts_of_server(look, who)
    facts["environment"] = (
        Fact("lab", "it has /etc/psyfit-lab")
        if who.lab
        else Fact("production", "a server does not say: change it to staging if it is one")
    )
    facts["ssh.user"] = Fact(who.account, "as the server sees it")
    try:
        look.ask(CONTAINERS)
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
    told = "it is the one that the newest encrypted backup is for" if fits else f"not compared: {seen.told}"
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
    untold = {key: fact.told for key, fact in facts.items() if fact.value is None}
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
