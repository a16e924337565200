"""A target: one server, described by a TOML file of facts. Secrets never stand in it."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from runbook import renamed
from runbook.exits import WrongUse

TARGETS = Path(__file__).resolve().parent.parent / "targets"


class TargetError(WrongUse):
    """A target file that cannot be used: one sentence that names file, key and what is expected."""


def _expand(path: Path) -> Path:
    return path.expanduser()


def _absolute(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("an absolute path on the server")
    return path


def _no_control_characters(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("text without control characters")
    return text


def _name_of_a_thing(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", text):
        raise ValueError("a name of letters, digits, '.', '_' and '-'")
    return text


def _name_or_prefix(text: str) -> str:
    try:
        _name_of_a_thing(text.removesuffix("*"))
    except ValueError:
        raise ValueError("a name of letters, digits, '.', '_' and '-', or the beginning of one with a '*'") from None
    return text


def _url_path(text: str) -> str:
    if not re.fullmatch(r"/[!-~]*", text):
        raise ValueError("the path of a URL, from its '/' on")
    return text


def _host(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", text):
        return text
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise ValueError("a host name or an IP address") from None


def _column(text: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*", text):
        raise ValueError("table.column, in small letters, digits and '_'")
    return text


def _variable(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("the name of an environment variable")
    return text


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("an IP address") from None


def _repository(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9_.-]+", text):
        raise ValueError("owner/name of a repository on GitHub")
    return text


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?(/[!-~]*)?", text):
        raise ValueError("an address that begins with https:// or http://")
    return text.rstrip("/")


def _api(text: str) -> str:
    address = _web_address(text)
    if not re.match(r"https://|http://(127[.][0-9.]+|localhost)(:|/|$)", address):
        raise ValueError("an address that begins with https://: a token is sent there")
    return address


def _bucket(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", text):
        raise ValueError("the name of an S3 bucket: 3 to 63 small letters, digits, '.' and '-'")
    return text


def _prefix(text: str) -> str:
    if not re.fullmatch(r"([!-.0-~][!-~]*/)?", text):
        raise ValueError("what the names of objects begin with, such as 'backups/psyfit/'")
    return text


def _region(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]+", text):
        raise ValueError("a region, such as 'ap-northeast-1'")
    return text


LocalPath = Annotated[Path, AfterValidator(_expand)]
ServerPath = Annotated[str, AfterValidator(_no_control_characters), AfterValidator(_absolute)]
Name = Annotated[str, AfterValidator(_name_of_a_thing)]
NameOrPrefix = Annotated[str, AfterValidator(_name_or_prefix)]
UrlPath = Annotated[str, AfterValidator(_url_path)]
Host = Annotated[str, AfterValidator(_host)]
Repository = Annotated[str, AfterValidator(_repository)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
ApiAddress = Annotated[str, AfterValidator(_api)]
Bucket = Annotated[str, AfterValidator(_bucket)]
Prefix = Annotated[str, AfterValidator(_prefix)]
Region = Annotated[str, AfterValidator(_region)]
Variable = Annotated[str, AfterValidator(_variable)]
Column = Annotated[str, AfterValidator(_column)]
Address = Annotated[str, AfterValidator(_ip_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(ge=1)]
Hours = Annotated[int, Field(ge=1)]
Days = Annotated[int, Field(ge=1)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Ssh(_Table):
    """How the server is reached.

    Attributes:
        user: The account; None leaves it to the ssh configuration.
        config: An ssh_config file to read in place of ``~/.ssh/config``.
        become: How the account becomes root, where it may; None asks as the account itself.
        local: Look at this machine itself, without ssh.
    """

    user: Name | None = None
    port: Port = 22
    config: LocalPath | None = Field(default=None, strict=False)
    become: Literal["sudo -n"] | None = None
    local: bool = False

    def way(self) -> list[str]:
        """The options that lead OpenSSH's programs there, in front of the address."""
        return [
            *(["-F", str(self.config)] if self.config else []),
            *(["-l", self.user] if self.user else []),
            *("-p", str(self.port)),
        ]


class Edge(_Table):
    """What stands in front, as seen from outside.

    Attributes:
        ca_file: The certificate authority to trust in place of the system's own.
        database_page: The path of a page that lists rows of the database, and nobody's personal data.
    """

    https_port: Port = 443
    http_port: Port = 80
    ca_file: LocalPath | None = Field(default=None, strict=False)
    database_page: UrlPath | None = None


class Dns(_Table):
    """Whom to ask what the domain leads to.

    Attributes:
        resolver: Its IP address; None asks nobody.
    """

    resolver: Address | None = None
    port: Port = 53


class Containers(_Table):
    """The containers by name; web releases by prefix.

    Attributes:
        allowed: Others that belong on the server, by name or, with a ``*`` at its end, by prefix.
    """

    web_prefix: Name = "psyfit-web-"
    db: Name = "psyfit-db"
    redis: Name = "psyfit-redis"
    proxy: Name = "kamal-proxy"
    proxy_service: Name = "psyfit-web"
    allowed: tuple[NameOrPrefix, ...] = Field(default=(), strict=False)
    web_port: Port = 3000


class Paths(_Table):
    """Where things are on the server."""

    app: ServerPath = "/var/www/psyfit"
    backups: ServerPath = "/var/backups/psyfit"
    monitor_log: ServerPath = "/var/log/psyfit-monitor.log"
    backup_log: ServerPath = "/var/log/psyfit-backup.log"
    cleanup_log: ServerPath = "/var/log/psyfit-cleanup.log"
    docker: ServerPath = "/var/lib/docker"


class Backups(_Table):
    """What a backup is known by.

    Attributes:
        database: The database that a dump must be of; it begins the file's name.
        freshness_columns: ``table.column`` pairs with a time stamp that tell how old a dump's content is.
        encrypted_columns: ``table.column`` pairs that the service itself encrypts, their blind indexes among them.
        encryption_key: The public half of the key that encrypted backups must be encrypted to.
        keyring: The GnuPG home, where the suite runs, that holds the private half; it never leaves that.
        volumes: The Docker volumes whose files have to be saved; each begins the names of its archives.
        keys: What the names of the keys' archives begin with: those of ``.kamal/secrets`` and ``.env``.
    """

    database: Name = "psyfit_production"
    freshness_columns: tuple[Column, ...] = Field(default=(), strict=False)
    encrypted_columns: tuple[Column, ...] = Field(default=(), strict=False)
    encryption_key: LocalPath | None = Field(default=None, strict=False)
    keyring: LocalPath | None = Field(default=None, strict=False)
    volumes: tuple[Name, ...] = Field(default=(), strict=False)
    keys: Name = "psyfit_keys"


class OffSite(_Table):
    """Where the backups are copied to, and whose key may read there.

    Attributes:
        bucket: The S3 bucket; None where nothing is copied, or nobody is to look.
        prefix: What the names of the copies begin with; the backup's own name follows.
        endpoint: Where S3 is spoken; None stands for Amazon's own in the region.
        credentials: A file with the key, as the AWS CLI keeps them, its section ``default``.
        key_variable: In the place of that file, the environment variable with the key's id.
        secret_variable: The one with its secret.
    """

    bucket: Bucket | None = None
    prefix: Prefix = "backups/psyfit/"
    endpoint: WebAddress | None = None
    region: Region = "ap-northeast-1"
    credentials: LocalPath | None = Field(default=None, strict=False)
    key_variable: Variable | None = None
    secret_variable: Variable | None = None


class Objectives(_Table):
    """What a recovery is to keep to.

    Attributes:
        rto_seconds: How long it may take to have the database back from a backup (RTO, the database's part).
        rpo_hours: How old the newest row may be that a backup brings back (RPO).
    """

    rto_seconds: Seconds = 3600
    rpo_hours: Hours = 25


class Probe(_Table):
    """What a drill's probe asks of the edge beside its database page, while the drill changes what is behind it.

    Attributes:
        slow_page: A page that takes some seconds; None where there is none.
        post_path: Where a POST of a token in JSON writes one row, and no second one for the same token; None where
            there is nothing of that kind.
        post_row: ``table.column`` in which that token then stands; the column is also its name in the JSON.
        version_header: The header in which an answer names its release's version.
    """

    slow_page: UrlPath | None = None
    post_path: UrlPath | None = None
    post_row: Column = "check_ins.token"
    version_header: Name = "X-App-Version"

    @property
    def post_table(self) -> str:
        """The table in which a POST writes its row."""
        return self.post_row.partition(".")[0]

    @property
    def post_column(self) -> str:
        """The column of its token."""
        return self.post_row.partition(".")[2]


class Drills(_Table):
    """How often drills are to be held.

    Attributes:
        restore_interval_days: Within how many days a restore drill with an encrypted backup has to pass.
    """

    restore_interval_days: Days = 92


class GitHub(_Table):
    """The repository whose workflow deploys the service.

    Attributes:
        repository: ``owner/name``; None where it is not to be asked for.
        token_variable: The environment variable that holds the token; None asks without one.
    """

    api: ApiAddress = "https://api.github.com"
    repository: Repository | None = None
    token_variable: Name | None = None


class LogIn(_Table):
    """How the service is told when it logs people out and locks accounts, and where it keeps which are locked.

    Attributes:
        user_minutes: The variable of a web release with the minutes after which a user's unused session ends.
        staff_minutes: The same of the staff.
        attempts: The variable with how many failed log-ins lock an account.
        lockout_minutes: The variable with the minutes that it then stays locked.
        locked_at: ``table.column`` with the time at which an account was locked, one row an account; None where
            nobody is to count them.
    """

    user_minutes: Variable = "SESSION_TIMEOUT_USER_MINUTES"
    staff_minutes: Variable = "SESSION_TIMEOUT_STAFF_MINUTES"
    attempts: Variable = "LOCKOUT_ATTEMPTS"
    lockout_minutes: Variable = "LOCKOUT_MINUTES"
    locked_at: Column | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables, in the order of the keys."""
        return self.user_minutes, self.staff_minutes, self.attempts, self.lockout_minutes


class Cron(_Table):
    """Whose crontab runs the jobs."""

    account: Name = "root"


class Target(_Table):
    """One server: facts only. ``attestations`` is the file in which people attest what only they can do."""

    name: Name
    environment: Literal["lab", "staging", "production"]
    address: Host
    domain: Host
    ssh: Ssh = Ssh()
    edge: Edge = Edge()
    dns: Dns = Dns()
    containers: Containers = Containers()
    paths: Paths = Paths()
    backups: Backups = Backups()
    offsite: OffSite = OffSite()
    objectives: Objectives = Objectives()
    cron: Cron = Cron()
    github: GitHub = GitHub()
    drills: Drills = Drills()
    login_policy: LogIn = LogIn()
    probe: Probe = Probe()
    attestations: LocalPath | None = Field(default=None, strict=False)


def load(name_or_path: str, folder: Path = TARGETS) -> Target:
    """Read a target by its name (a file in ``targets/``) or by the path of its file.

    Raises:
        TargetError: The file is missing, is not TOML, or says something else than a target file may.
    """
    path = _find(name_or_path, folder)
    try:
        text = path.read_bytes().decode()
        table = tomllib.loads(text)
    except OSError as error:
        raise TargetError(f"{path}: cannot be read ({error.strerror}); expected a target file (TOML)") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetError(f"{path}: is not TOML ({error}); expected a target file") from None
    return validated(table, path)


def _find(name_or_path: str, folder: Path) -> Path:
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        return Path(name_or_path).expanduser()
    return folder / f"{name_or_path}.toml"


def validated(table: dict[str, Any], path: Path) -> Target:
    """The target that a table describes; ``path`` is the file that it came from, for the message.

    Raises:
        TargetError: The table says something else than a target file may.
    """
    try:
        table, old_names = renamed.in_target(table)
        target = Target.model_validate(table)
    except renamed.SaidTwice as error:
        raise TargetError(f"{path}: {error}") from None
    except ValidationError as error:
        raise TargetError(f"{path}: {_one_sentence(error)}") from None
    for sentence in old_names:
        renamed.say(f"{path}: {sentence}")
    return target


def _one_sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(_written(str(part)) for part in first["loc"]) or "the file"
    known = ", ".join(_keys_beside(first["loc"]))
    match first["type"]:
        case "missing":
            return f"key {key} is missing; expected {_expectation(first['loc'])}"
        case "extra_forbidden":
            return f"key {key} is unknown; expected one of {known}"
        case "value_error":
            return f"key {key} is {_shown(first['input'])}; expected {first['ctx']['error']}"
        case "model_type":
            return f"key {key} is {_shown(first['input'])}; expected a table [{key}]"
        case _:
            return f"key {key} is {_shown(first['input'])}; expected {_wanted(first['msg'])}"


def _written(key: str) -> str:
    """A part of a key as TOML writes it."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _shown(key)


def _wanted(message: str) -> str:
    return re.sub(r"^Input should be (a valid )?", "", message)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _tables(location: Iterable[int | str]) -> type[BaseModel]:
    model: type[BaseModel] = Target
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            break
        model = field.annotation
    return model


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    return sorted(_tables(location[:-1]).model_fields)


def _expectation(location: tuple[int | str, ...]) -> str:
    field = _tables(location[:-1]).model_fields.get(str(location[-1])) if location else None
    options = getattr(field.annotation, "__args__", None) if field else None
    if options and all(isinstance(option, str) for option in options):
        return "one of " + ", ".join(options)
    return "a value"
