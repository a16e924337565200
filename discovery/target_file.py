"""The target file that is written of what was seen: each value with what told it, or why it could not be told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from discovery.facts import Fact, Value, Who
from runbook.model.rights import Right
from runbook.model.target import Target

EXAMPLES = {
    "ssh.become": "sudo -n",
    "dns.resolver": "192.0.2.53",
    "backups.keyring": "~/.gnupg",
    "offsite.bucket": "psyfit-backups",
    "offsite.endpoint": "https://s3.example",
    "offsite.key_variable": "RUNBOOK_S3_KEY",
    "offsite.secret_variable": "RUNBOOK_S3_SECRET",
}

HEAD = """\
# {domain} as `runbook init` saw it on {address}, as account {account}. Facts only: no secrets belong here.
# Read it once: what could not be determined is marked. Then: runbook verify --target {target}
"""

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
        return [f"# could not be determined: {last}: {_comment_safe(fact.source)}{taken}"]
    comment = "; ".join(filter(None, (purpose, fact.source)))
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
