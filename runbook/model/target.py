"""A target: one server, described by a TOML file of facts. Secrets never stand in it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from runbook.model.target_values import (
    Address,
    ApiAddress,
    Bucket,
    Column,
    Days,
    Host,
    Hours,
    LocalPath,
    Name,
    NameOrPrefix,
    Port,
    Prefix,
    Region,
    Repository,
    Seconds,
    ServerPath,
    UrlPath,
    Variable,
    WebAddress,
)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SshSettings(_Table):
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


class EdgeSettings(_Table):
    """What stands in front, as seen from outside.

    Attributes:
        ca_file: The certificate authority to trust in place of the system's own.
        database_page: The path of a page that lists rows of the database, and nobody's personal data.
    """

    https_port: Port = 443
    http_port: Port = 80
    ca_file: LocalPath | None = Field(default=None, strict=False)
    database_page: UrlPath | None = None


class DnsSettings(_Table):
    """Whom to ask what the domain leads to.

    Attributes:
        resolver: Its IP address; None asks nobody.
    """

    resolver: Address | None = None
    port: Port = 53


class ContainersSettings(_Table):
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


class PathsSettings(_Table):
    """Where things are on the server."""

    app: ServerPath = "/var/www/psyfit"
    backups: ServerPath = "/var/backups/psyfit"
    monitor_log: ServerPath = "/var/log/psyfit-monitor.log"
    backup_log: ServerPath = "/var/log/psyfit-backup.log"
    cleanup_log: ServerPath = "/var/log/psyfit-cleanup.log"
    docker: ServerPath = "/var/lib/docker"


class BackupsSettings(_Table):
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


class OffsiteSettings(_Table):
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


class ObjectivesSettings(_Table):
    """What a recovery is to keep to.

    Attributes:
        rto_seconds: How long it may take to have the database back from a backup (RTO, the database's part).
        rpo_hours: How old the newest row may be that a backup brings back (RPO).
    """

    rto_seconds: Seconds = 3600
    rpo_hours: Hours = 25


class ProbeSettings(_Table):
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


class DrillsSettings(_Table):
    """How often drills are to be held.

    Attributes:
        restore_interval_days: Within how many days a restore drill with an encrypted backup has to pass.
    """

    restore_interval_days: Days = 92


class GitHubSettings(_Table):
    """The repository whose workflow deploys the service.

    Attributes:
        repository: ``owner/name``; None where it is not to be asked for.
        token_variable: The environment variable that holds the token; None asks without one.
    """

    api: ApiAddress = "https://api.github.com"
    repository: Repository | None = None
    token_variable: Name | None = None


class LoginPolicySettings(_Table):
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


class CronSettings(_Table):
    """Whose crontab runs the jobs."""

    account: Name = "root"


class Target(_Table):
    """One server: facts only. ``attestations`` is the file in which people attest what only they can do."""

    name: Name
    environment: Literal["lab", "staging", "production"]
    address: Host
    domain: Host
    ssh: SshSettings = SshSettings()
    edge: EdgeSettings = EdgeSettings()
    dns: DnsSettings = DnsSettings()
    containers: ContainersSettings = ContainersSettings()
    paths: PathsSettings = PathsSettings()
    backups: BackupsSettings = BackupsSettings()
    offsite: OffsiteSettings = OffsiteSettings()
    objectives: ObjectivesSettings = ObjectivesSettings()
    cron: CronSettings = CronSettings()
    github: GitHubSettings = GitHubSettings()
    drills: DrillsSettings = DrillsSettings()
    login_policy: LoginPolicySettings = LoginPolicySettings()
    probe: ProbeSettings = ProbeSettings()
    attestations: LocalPath | None = Field(default=None, strict=False)
