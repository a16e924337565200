"""What a server says of itself, so that its target file can be written: each fact, or why it could not be told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Generic, TypeVar

from checks.backups import HEADS, read_heads
from checks.containers import CONTAINERS, is_release
from checks.cron import CRONTAB, Crontab, appends_all_to, read_crontab, settings_of, words_of
from checks.edge import HTTP_PORT, LISTENING, published, read_listening
from checks.health import HEALTH
from checks.in_database import in_database
from checks.nginx import CONFIGURATION, read_site
from checks.offsite import SETTING
from checks.openpgp import NotOpenPgp, read_message
from checks.owned import read_owned
from checks.proxy import STATE, Saved, host_of, port_of, read_state
from checks.saved import read_volumes
from runbook import rights
from runbook.look import Look, reading
from runbook.outcome import Undetermined
from runbook.question import Command, Inspection, Output, Question

WHO = Command("id -un; id -u; if [ -e /etc/psyfit-lab ]; then echo lab; else echo server; fi")
SUDO = Command("sudo -n true")
DOCKER_ROOT = Command("docker info --format '{{{{.DockerRootDir}}}}'", needs=rights.DOCKER, lane="docker")
FIND_SCRIPTS = Command("find /var/www /srv /opt /home -maxdepth 4 -path '*/bin/backup.sh' 2>/dev/null || :")
FIND_BACKUPS = Command(
    "find /var/backups /var/www /srv /opt /home -maxdepth 4 -name '*_????????_??????.sql.gz*' 2>/dev/null || :",
    needs=rights.ROOT,
)
OWNERS = Command("stat -L -c '%a %U %n' -- {folders}", needs=rights.ROOT)
FIND_DOMAIN = Command(
    r"grep -shoE '(--host[= ]|host:[[:space:]]*|DOMAIN=|https://)[A-Za-z0-9.-]+[.][A-Za-z]+' "
    "{app}/bin/*.sh {app}/config/deploy*.yml {app}/config/proxy-options || :"
)
DATABASES = in_database("SELECT datname FROM pg_database WHERE NOT datistemplate AND datallowconn", database="postgres")
ROW_TIMES = in_database(
    "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attname IN ('created_at', 'inserted_at') "
    "AND atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype) "
    "ORDER BY pg_table_size(pg_class.oid) DESC LIMIT 3",
)
"""The columns that say when a row was made, of the largest tables: names only."""

ENCRYPTED_COLUMNS = in_database(
    "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
    "AND (attname LIKE '%_ciphertext' OR attname LIKE '%_bidx') "
    "ORDER BY relname, attnum",
)
"""The columns whose names say that the service encrypts them, or looks them up blindly."""

LOCK_TIMES = in_database(
    "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attname = 'locked_at' "
    "AND atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype) "
    "ORDER BY relname",
)
"""The columns that Rails' usual library of log-ins would have for when an account was locked."""

A = TypeVar("A")
Value = str | int | tuple[str, ...]
SCRIPTS = ("backup.sh", "monitor.sh", "cleanup-docker.sh")
LOGS = {"backup.sh": "paths.backup_log", "monitor.sh": "paths.monitor_log", "cleanup-docker.sh": "paths.cleanup_log"}
BACKUP_FILE = re.compile(r"(?!pre_restore_)(?P<database>.+)_\d{8}_\d{6}\.sql\.gz(\.gpg)?")
ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
"""An account's name: it stands in lines that are pasted as root."""

COLUMN = re.compile(r"(\w+)\|(\w+)", re.ASCII)


@dataclass(frozen=True)
class Fact:
    """One key of a target file.

    Attributes:
        value: What the server says; None where it could not be told.
        told: Where that comes from, or why it could not be told; nothing where whoever asks has given it.
        recipients: Of the key of the backups: the ids of those that the newest encrypted backup is for.
    """

    value: Value | None
    told: str
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Who:
    """As whom the server sees us, and whether it says of itself that it is a lab."""

    account: str
    root: bool
    lab: bool


@dataclass(frozen=True)
class Parts:
    """The containers that play a part, by their names; several where more than one could."""

    proxy: tuple[str, ...]
    db: tuple[str, ...]
    redis: tuple[str, ...]


def who_is_asking(look: Look, question: Command = WHO) -> Who:
    """As whom the server sees us.

    Raises:
        Undetermined: There is no line to it, or its answer cannot be read.
    """
    with reading("the account"):
        return read_who(look.ask(question).required("the account").lines)


def facts_of_server(look: Look, who: Who) -> dict[str, Fact]:
    """Each key of a target file that a server can tell, by its dotted name."""
    facts = {**_of_cron(look, who), **_of_engine(look)}
    facts |= _of_backups(look, facts)
    if facts["domain"].value is None:
        facts["domain"] = _domain_in_files(look, facts)
    return facts


def read_who(lines: Sequence[str]) -> Who:
    """Read the answer to `WHO`; what an account's start-up files print stands before it.

    Raises:
        ValueError: It is another answer.
    """
    account, number, kind = lines[-3:]
    if ACCOUNT.fullmatch(account) is None or kind not in ("lab", "server"):
        raise ValueError("it names no account")
    return Who(account, int(number) == 0, kind == "lab")


@dataclass(frozen=True)
class _Heard(Generic[A]):
    """An answer, or why there is none, and what a command that failed has said itself."""

    answer: A | None
    why: str
    said: str = ""


def _ask(look: Look, question: Question[A]) -> _Heard[A]:
    said = ""
    try:
        answer = look.ask(question)
        if isinstance(answer, Output):
            said = answer.err
            answer.required("the answer")
    except Undetermined as error:
        return _Heard(None, f"the account lacks the right {error.right.name}" if error.right else error.reason, said)
    return _Heard(answer, "")


def _lines(heard: _Heard[Output]) -> tuple[str, ...]:
    return heard.answer.lines if heard.answer else ()


def _of_cron(look: Look, who: Who) -> dict[str, Fact]:
    whys = []
    for account in dict.fromkeys(("root", who.account)):
        heard = _ask(look, CRONTAB.about(cron_account=account))
        table = read_crontab(heard.answer.out) if heard.answer else Crontab((), ())
        if found := facts_in_crontab(table, account):
            return found | facts_of_copies(heard.answer.out if heard.answer else "", account)
        none = heard.answer is not None or "no crontab for" in heard.said
        whys.append(f"the crontab of {account} runs no backup.sh" if none else heard.why)
    why = "; ".join(whys)
    facts = {key: Fact(None, why) for key in ("cron.account", "paths.app", *LOGS.values())}
    folders = sorted({str(PurePosixPath(line).parent.parent) for line in _lines(_ask(look, FIND_SCRIPTS))})
    if len(folders) == 1:
        facts["paths.app"] = Fact(folders[0], f"a guess: the folder above the server's only bin/backup.sh ({why})")
    return facts


def facts_in_crontab(table: Crontab, account: str) -> dict[str, Fact]:
    """What the lines that run the service's scripts tell; nothing where none runs the backup."""
    scripts = dict(_scripts_in(table))
    if "backup.sh" not in scripts:
        return {}
    path, _ = scripts["backup.sh"]
    told = f"from the crontab of {account}"
    facts = {"cron.account": Fact(account, told), "paths.app": Fact(str(path.parent.parent), told)}
    for name, key in LOGS.items():
        log = scripts[name][1] if name in scripts else None
        why = f"the crontab of {account} appends nothing of {name} to a log"
        facts[key] = Fact(log, told) if log else Fact(None, why)
    return facts


def facts_of_copies(crontab: str, account: str) -> dict[str, Fact]:
    """Where cron's job copies the backups to; nothing where its crontab names no bucket."""
    bucket = settings_of(crontab).get(SETTING)
    if not bucket:
        return {}
    return {
        "offsite.bucket": Fact(bucket, f"from the crontab of {account}"),
        "offsite.credentials": Fact(None, "only you know which key may read in that bucket"),
    }


def _scripts_in(table: Crontab) -> Iterator[tuple[str, tuple[PurePosixPath, str | None]]]:
    """Each of the service's scripts that a line runs, with its path and the log that the line appends to."""
    for line in table.lines:
        words = words_of(line.command)
        logs = [word for word in words if word.startswith("/") and appends_all_to(line.command, word)]
        for word in words:
            path = PurePosixPath(word)
            if path.name in SCRIPTS and path.is_absolute() and path.parent.name == "bin":
                yield path.name, (path, logs[-1] if logs else None)


def _of_engine(look: Look) -> dict[str, Fact]:
    inspected = _ask(look, CONTAINERS)
    if inspected.answer is None:
        keys = ("proxy", "db", "redis", "web_prefix", "proxy_service", "web_port")
        missing = [f"containers.{key}" for key in keys]
        missing += ["domain", "edge.https_port", "edge.http_port", "backups.volumes"]
        return {key: Fact(None, inspected.why) for key in (*missing, "paths.docker")}
    root = _ask(look, DOCKER_ROOT)
    facts = facts_in_containers(inspected.answer)
    facts["paths.docker"] = Fact(root.answer.out.strip(), "from docker info") if root.answer else Fact(None, root.why)
    facts |= _of_proxy(look, facts["containers.proxy"], inspected.answer)
    if facts["edge.https_port"].value is None and facts["domain"].value is not None:
        facts |= _of_nginx(look, str(facts["domain"].value))
    facts["backups.volumes"] = _volumes(inspected.answer, facts["containers.web_prefix"])
    others = others_among(inspected.answer, facts)
    if others:
        facts["containers.allowed"] = Fact(
            None, f"{', '.join(others)} is on the server too; name here what belongs there"
        )
    return facts


def facts_in_containers(inspected: Iterable[Inspection]) -> dict[str, Fact]:
    """What the containers tell by their names, images and ports."""
    listed = tuple(inspected)
    parts = read_parts(listed)
    facts = {f"containers.{name}": _only(vars(parts)[name], f"container of the {name}") for name in vars(parts)}
    proxy = next((one for one in listed if _name(one) == facts["containers.proxy"].value), None)
    for key, port in (("edge.https_port", "443/tcp"), ("edge.http_port", "80/tcp")):
        number = _published(proxy, port)
        why = f"the proxy publishes no port {port} to everybody: something else may be in front of it"
        facts[key] = Fact(number, "as the proxy publishes it") if number else Fact(None, why)
    return facts


def _volumes(inspected: Iterable[Inspection], prefix: Fact) -> Fact:
    if prefix.value is None:
        return Fact(None, prefix.told)
    try:
        with reading("the releases' volumes"):
            found = tuple(read_volumes(inspected, str(prefix.value)))
    except Undetermined as error:
        return Fact(None, error.reason)
    return Fact(found, "as the web releases have them") if found else Fact(None, "no web release has a volume")


def others_among(inspected: Iterable[Inspection], facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """The containers that play no part in the service, as far as its parts are known."""
    known = {facts[f"containers.{part}"].value for part in ("proxy", "db", "redis")}
    prefix = facts["containers.web_prefix"].value
    names = sorted(map(_name, inspected))
    return tuple(one for one in names if one not in known and not (prefix and one.startswith(str(prefix))))


def read_parts(inspected: Iterable[Inspection]) -> Parts:
    """Sort containers by what they run; an inspection that cannot be read plays no part."""
    found: dict[str, list[str]] = {"proxy": [], "db": [], "redis": []}
    for one in inspected:
        part = _part(one)
        if part is not None and _name(one):
            found[part].append(_name(one))
    return Parts(**{part: tuple(sorted(names)) for part, names in found.items()})


def _part(one: Inspection) -> str | None:
    config = _table(one.get("Config"))
    image = str(config.get("Image")).rpartition("/")[2].partition(":")[0]
    ports = _table(config.get("ExposedPorts"))
    if image == "kamal-proxy":
        return "proxy"
    if "5432/tcp" in ports or image in ("postgres", "postgis"):
        return "db"
    return "redis" if "6379/tcp" in ports or image == "redis" else None


def _of_proxy(look: Look, proxy: Fact, inspected: Iterable[Inspection]) -> dict[str, Fact]:
    keys = ("containers.proxy_service", "containers.web_prefix", "containers.web_port", "domain")
    if proxy.value is None:
        return {key: Fact(None, proxy.told) for key in keys}
    state = _ask(look, STATE.about(proxy=str(proxy.value)))
    if state.answer is None:
        return {key: Fact(None, state.why) for key in keys}
    try:
        with reading("the proxy's state file"):
            return facts_in_state(read_state(state.answer.out), inspected)
    except Undetermined as error:
        return {key: Fact(None, error.reason) for key in keys}


def facts_in_state(services: Mapping[str, Saved], inspected: Iterable[Inspection]) -> dict[str, Fact]:
    """What the proxy's route tells; of several services that one which leads to the domain's root has to be named."""
    service = _only(tuple(services), "service of the proxy")
    if service.value is None:
        keys = ("proxy_service", "web_prefix", "web_port")
        return {key: Fact(None, service.told) for key in (*(f"containers.{key}" for key in keys), "domain")}
    saved = services[str(service.value)]
    told = "from the proxy's state file"
    facts = {"containers.proxy_service": Fact(service.value, told), "domain": _domain(saved.hosts)}
    target = next(iter(saved.targets), None)
    prefix = _prefix(host_of(target), inspected) if target else None
    why = f"the proxy routes to {target or 'nothing'}, which is not a release with a name that ends in its version"
    facts["containers.web_prefix"] = Fact(prefix, told) if prefix else Fact(None, why)
    facts["containers.web_port"] = Fact(port_of(target), told) if target else Fact(None, why)
    return facts


def _of_nginx(look: Look, domain: str) -> dict[str, Fact]:
    """The ports of the edge where nginx stands in front of the proxy; nothing where it does not."""
    configuration, listening = _ask(look, CONFIGURATION), _ask(look, LISTENING)
    try:
        with reading("nginx's configuration"):
            site = read_site(configuration.answer.out, domain, HEALTH.path) if configuration.answer else None
            ports = read_listening(_lines(listening))
    except Undetermined as error:
        return {"edge.https_port": Fact(None, error.reason)}
    if site is None:
        return {}
    facts = {"edge.https_port": Fact(site.port, "as nginx has it, which terminates TLS in front of the proxy")}
    if HTTP_PORT in ports:
        facts["edge.http_port"] = Fact(HTTP_PORT, "as the server listens")
    return facts


def _domain(hosts: Sequence[str]) -> Fact:
    named = sorted((host for host in hosts if "*" not in host), key=lambda host: (host.startswith("www."), len(host)))
    others = f"; it serves {', '.join(named[1:])} too" if named[1:] else ""
    if not named:
        return Fact(None, "the proxy serves any host name")
    return Fact(named[0], f"from the proxy's state file{others}")


def _prefix(host: str, inspected: Iterable[Inspection]) -> str | None:
    """What the names of all releases begin with: all but the version at the end."""
    for one in inspected:
        networks = _table(_table(one.get("NetworkSettings")).get("Networks")).values()
        addresses = {_table(network).get("IPAddress") for network in networks}
        if host == _name(one) or host in addresses or (len(host) >= 12 and str(one.get("Id")).startswith(host)):
            prefix = f"{_name(one).rpartition('-')[0]}-"
            return prefix if prefix != "-" and is_release(_name(one), prefix) else None
    return None


def _of_backups(look: Look, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    listed = _ask(look, FIND_BACKUPS)
    paths, why = _trusted(look, _lines(listed), facts["cron.account"])
    found = facts_in_backups(paths, listed.why or why)
    db = facts["containers.db"]
    if found["backups.database"].value is None and db.value is not None:
        names = _ask(look, DATABASES.about(db=str(db.value)))
        own = tuple(name for name in _lines(names) if name != "postgres")
        found["backups.database"] = Fact(None, names.why) if names.why else _only(own, "database of the service")
    database = found["backups.database"]
    for key, question, told, none in (
        (
            "backups.freshness_columns",
            ROW_TIMES,
            "a guess, from the largest tables; remove those that do not get new rows every day",
            "no table has a column created_at",
        ),
        (
            "backups.encrypted_columns",
            ENCRYPTED_COLUMNS,
            "a guess, by their names",
            "no column has a name that ends in _ciphertext or _bidx",
        ),
    ):
        if db.value is None or database.value is None:
            found[key] = Fact(None, db.told if db.value is None else database.told)
            continue
        named = _ask(look, question.about(db=str(db.value), database=str(database.value)))
        columns = read_columns(_lines(named))
        found[key] = Fact(columns, told) if columns else Fact(None, named.why or none)
    found["login_policy.locked_at"] = _lock_times(look, db, database)
    sealed = [line for line in paths if line.endswith(".gpg")]
    found["backups.encryption_key"] = _key(look, max(sealed, default=None))
    return found


def _trusted(look: Look, paths: Sequence[str], account: Fact) -> tuple[tuple[str, ...], str]:
    """The files in folders into which root alone, or whoever makes the backups, can put one, or why there are none.

    A file that anybody else can put there is a claim of his.
    """
    folders = tuple(sorted({str(PurePosixPath(path).parent) for path in paths}))
    if not folders:
        return (), ""
    owners = {"root", str(account.value or "root")}
    try:
        with reading("whose the backups' folders are"):
            told = read_owned(look.ask(OWNERS.about(folders=folders)).required("whose the backups' folders are").out)
    except Undetermined as error:
        return (), error.reason
    trusted = {one.path for one in told if one.owner in owners and not one.mode & 0o022}
    others = (
        f"others than {' and '.join(sorted(owners))} can write to the folders of the files that are named like a backup"
    )
    return tuple(path for path in paths if str(PurePosixPath(path).parent) in trusted), others


def _lock_times(look: Look, db: Fact, database: Fact) -> Fact:
    if db.value is None or database.value is None:
        return Fact(None, db.told if db.value is None else database.told)
    named = _ask(look, LOCK_TIMES.about(db=str(db.value), database=str(database.value)))
    if named.answer is None:
        return Fact(None, named.why)
    return _only(read_columns(named.answer.lines), "column locked_at, of when an account was locked")


def facts_in_backups(paths: Iterable[str], why: str) -> dict[str, Fact]:
    """Where the backups are and of which database, guessed by the names of files: the folder that holds most."""
    seen: Counter[tuple[str, str]] = Counter()
    for line in paths:
        path = PurePosixPath(line)
        if match := BACKUP_FILE.fullmatch(path.name):
            seen[str(path.parent), match["database"]] += 1
    if not seen:
        why = why or "no file is named like a backup"
        return {"paths.backups": Fact(None, why), "backups.database": Fact(None, why)}
    ((folder, database), count), *_ = seen.most_common(1)
    told = f"a guess, by the names of {count} backups"
    return {"paths.backups": Fact(folder, told), "backups.database": Fact(database, told)}


def read_columns(lines: Iterable[str]) -> tuple[str, ...]:
    """``table.column`` for each row of psql's answer."""
    return tuple(f"{found[1]}.{found[2]}" for line in lines if (found := COLUMN.fullmatch(line)))


def _key(look: Look, path: str | None) -> Fact:
    if path is None:
        return Fact(None, "no encrypted backup is seen")
    head = _ask(look, HEADS.about(files=(path,)))
    try:
        octets = read_heads(head.answer.out)[path] if head.answer else b""
        if octets is None:
            return Fact(None, f"the newest backup that is called encrypted, {path}, is not")
        recipients = read_message(octets).recipients if octets else ()
    except (NotOpenPgp, ValueError, LookupError) as error:
        return Fact(None, f"the newest encrypted backup could not be read: {error}")
    if not recipients:
        return Fact(None, head.why or "the encrypted backups do not reveal their recipient key")
    ids = ", ".join(recipients)
    return Fact(
        None,
        f"the newest encrypted backup is for key {ids}; its public half is yours to name: "
        f"gpg --armor --export {recipients[0]} > backup-key.asc",
        recipients,
    )


def _domain_in_files(look: Look, facts: Mapping[str, Fact]) -> Fact:
    app, without = facts["paths.app"], facts["domain"]
    if app.value is None:
        return without
    named = _lines(_ask(look, FIND_DOMAIN.about(app=str(app.value))))
    names = {re.split(r"[=/]|:\s*|\s", line)[-1].lower() for line in named}
    if len(names) != 1:
        return without
    return Fact(next(iter(names)), f"a guess: the only name in the files of {app.value} ({without.told})")


def _only(names: tuple[str, ...], what: str) -> Fact:
    """The only one; else why none can be chosen."""
    if len(names) == 1:
        return Fact(names[0], f"the only {what}")
    return Fact(None, f"there is more than one {what}: {', '.join(names)}" if names else f"there is no {what}")


def _published(proxy: Inspection | None, port: str) -> int | None:
    try:
        found = [one.port for one in published(proxy, port) if one.to_everybody]
    except (LookupError, TypeError, ValueError):
        return None
    return found[0] if found else None


def _name(one: Inspection) -> str:
    return str(one.get("Name", "")).removeprefix("/")


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
