"""The runbook's facts in plain pytest-testinfra, as one writes them there: one property after another.

Run by `make bench` with ``--hosts=ssh://…``. The last line says how many commands were run for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

APP = "/var/www/psyfit"
BACKUPS = "/var/backups/psyfit"
SCRIPTS = [f"{APP}/bin/{name}.sh" for name in ("monitor", "backup", "cleanup-docker", "deploy", "restore")]
LOGS = [f"/var/log/psyfit-{name}.log" for name in ("monitor", "backup", "cleanup")]
SECRETS = [f"{APP}/.env", f"{APP}/.kamal/secrets"]
KEYS = ["RAILS_MASTER_KEY", "SECRET_KEY_BASE", "ATTR_ENCRYPTED_KEY", "BLIND_INDEX_KEY", "POSTGRES_PASSWORD"]
PROGRAMS = ["curl", "docker", "openssl", "df", "gzip", "gpg", "sendmail"]
WORK = ["deploy.sh", "cleanup-docker.sh", "backup.sh", "restore.sh", "pg_dump", "db:migrate"]
PARTS = ["web", "kept", "psyfit-db", "psyfit-redis", "kamal-proxy"]
DISKS = ["/", BACKUPS, "/var/lib/docker", "/var/log"]
RUNNING = [one for one in PARTS if one != "kept"]
DOMAIN = "psytech.jp"
SHOWN = ["-dates", "-subject", "-issuer", "-ext subjectAltName", "-fingerprint", "-checkend 1209600"]
COMMANDS = ["mailq", "docker images", "docker volume ls", "docker network ls", "uptime", "date"]

STATE: dict[str, Callable[[Any], object]] = {
    "status": lambda seen: seen["State"]["Status"] in ("running", "exited"),
    "health": lambda seen: seen["State"].get("Health", {}).get("Status", "healthy") in ("healthy", "unhealthy"),
    "exit code": lambda seen: seen["State"]["ExitCode"] in (0, 137, 143),
    "out of memory": lambda seen: not seen["State"]["OOMKilled"],
    "restarts": lambda seen: seen["RestartCount"] < 3,
    "restart policy": lambda seen: seen["HostConfig"]["RestartPolicy"]["Name"] in ("always", "unless-stopped"),
    "image": lambda seen: ":" in seen["Config"]["Image"],
    "log files": lambda seen: seen["HostConfig"]["LogConfig"]["Type"],
    "mounts": lambda seen: isinstance(seen["Mounts"], list),
    "network": lambda seen: "kamal" in seen["NetworkSettings"]["Networks"],
}
STATEMENTS = [
    "SELECT count(*) FROM pg_stat_activity",
    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND now() - query_start > interval '5 s'",
    "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'",
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
    "SHOW max_connections",
    "SELECT count(*) FROM pg_stat_user_tables",
    "SELECT count(*) FROM pg_extension",
    "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT max(version) FROM schema_migrations",
    "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()",
    "SELECT pg_database_size(current_database())",
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
]


@pytest.fixture(scope="session", autouse=True)
def _counted() -> Iterator[None]:
    """How many commands are run."""
    from testinfra.backend.base import BaseBackend

    count = [0]
    plain = BaseBackend.run_local

    def run_local(self: Any, command: str, *arguments: str) -> Any:
        count[0] += 1
        return plain(self, command, *arguments)

    BaseBackend.run_local = run_local
    yield
    print(f"\ncommands {count[0]}")


@pytest.fixture(scope="module")
def names(host: Any) -> dict[str, str]:
    """The containers by the part that they play."""
    running = host.check_output("docker ps --format '{{.Names}}' --filter name=psyfit-web").splitlines()
    every = host.check_output("docker ps -a --format '{{.Names}}' --filter name=psyfit-web").splitlines()
    web, kept = running[0], next(one for one in every if one not in running)
    return {**{one: one for one in PARTS}, "web": web, "kept": kept}


@pytest.fixture(scope="module")
def backups(host: Any) -> list[str]:
    """Every dump and every archive."""
    return [f"{BACKUPS}/{name}" for name in sorted(host.file(BACKUPS).listdir()) if "." in name]


@pytest.mark.parametrize("path", SCRIPTS)
@pytest.mark.parametrize("fact", ["exists", "is_file", "mode", "user", "group", "size"])
def test_script(host: Any, path: str, fact: str) -> None:
    assert getattr(host.file(path), fact)


@pytest.mark.parametrize("path", LOGS)
@pytest.mark.parametrize("fact", ["exists", "size", "mtime", "user", "mode"])
def test_log(host: Any, path: str, fact: str) -> None:
    assert getattr(host.file(path), fact)


@pytest.mark.parametrize("path", SECRETS)
@pytest.mark.parametrize("fact", ["exists", "mode", "user"])
def test_secrets(host: Any, path: str, fact: str) -> None:
    assert getattr(host.file(path), fact)


@pytest.mark.parametrize("fact", ["mode", "user", "size", "mtime", "sha256sum"])
def test_every_backup(host: Any, backups: list[str], fact: str) -> None:
    assert all(getattr(host.file(path), fact) for path in backups)


def test_every_backup_can_be_read(host: Any, backups: list[str]) -> None:
    for path in backups:
        reading = "gpg --batch --list-packets" if path.endswith(".gpg") else "gzip -t"
        assert host.run(f"{reading} {path}").rc in (0, 2)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_host_key(host: Any, kind: str) -> None:
    assert host.file(f"/etc/ssh/ssh_host_{kind}_key.pub").content_string


@pytest.mark.parametrize("part", ["web", "kept"])
def test_volumes(host: Any, names: dict[str, str], part: str) -> None:
    assert [one for one in host.docker(names[part]).inspect()["Mounts"] if one["Type"] == "volume"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("fact", STATE)
def test_container(host: Any, names: dict[str, str], part: str, fact: str) -> None:
    assert STATE[fact](host.docker(names[part]).inspect())


@pytest.mark.parametrize("part", RUNNING)
def test_container_runs(host: Any, names: dict[str, str], part: str) -> None:
    assert host.docker(names[part]).is_running


@pytest.mark.parametrize("part", RUNNING)
@pytest.mark.parametrize("file", ["memory", "cpu"])
def test_resources(host: Any, names: dict[str, str], part: str, file: str) -> None:
    told = host.check_output(f"docker inspect --format '{{{{.Id}}}}' {names[part]}")
    assert host.run(f"find /sys/fs/cgroup -path '*{told}*' -name '{file}.*' -exec cat {{}} + | head -5").rc == 0


@pytest.mark.parametrize("statement", STATEMENTS)
def test_database(host: Any, statement: str) -> None:
    psql = f'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -Atc "{statement}"'
    assert host.run("docker exec psyfit-db sh -c %s", psql).rc == 0


@pytest.mark.parametrize("part", ["web", "kept", "psyfit-db"])
def test_container_log(host: Any, names: dict[str, str], part: str) -> None:
    assert host.run(f"docker logs --tail 100 {names[part]}").rc == 0


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("part", ["web", "kept"])
def test_variable(host: Any, names: dict[str, str], key: str, part: str) -> None:
    assert host.run(f"docker inspect --format '{{{{.Config.Env}}}}' {names[part]} | grep -q {key}=").rc in (0, 1)


def test_proxy_list(host: Any) -> None:
    assert "running" in host.check_output("docker exec kamal-proxy kamal-proxy list")


def test_proxy_commands(host: Any) -> None:
    assert "deploy" in host.check_output("docker exec kamal-proxy kamal-proxy help")


def test_proxy_state(host: Any) -> None:
    assert host.run("docker cp kamal-proxy:/home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state - | wc -c").rc == 0


def test_redis(host: Any) -> None:
    assert host.run("docker exec psyfit-redis redis-cli ping").rc == 0


@pytest.mark.parametrize("script", ["monitor.sh", "backup.sh", "cleanup-docker.sh"])
@pytest.mark.parametrize("fact", ["runs", "appends"])
def test_crontab(host: Any, script: str, fact: str) -> None:
    (line,) = [one for one in host.check_output("crontab -l").splitlines() if script in one]
    assert ">>" in line if fact == "appends" else line.split()[5].endswith(script)


def test_cron(host: Any) -> None:
    assert host.process.filter(comm="cron")


@pytest.mark.parametrize("port", [22, 80, 443])
def test_port(host: Any, port: int) -> None:
    assert host.socket(f"tcp://0.0.0.0:{port}").is_listening


@pytest.mark.parametrize("path", DISKS)
@pytest.mark.parametrize("of", ["-P", "-P -i"])
def test_disk(host: Any, path: str, of: str) -> None:
    assert host.run(f"df {of} {path}").rc == 0


@pytest.mark.parametrize(
    "command",
    ["rev-parse HEAD", "rev-parse --abbrev-ref HEAD", "status --porcelain", "ls-remote origin main", "ls-files .env"],
)
def test_clone(host: Any, command: str) -> None:
    assert host.run(f"sudo -n -u deploy git -C {APP} {command}").rc == 0


@pytest.mark.parametrize("fact", SHOWN)
def test_certificate(host: Any, fact: str) -> None:
    shown = f"openssl s_client -connect 127.0.0.1:443 -servername {DOMAIN} </dev/null 2>/dev/null"
    assert host.run(f"{shown} | openssl x509 -noout {fact}").rc == 0


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/clinics"])
@pytest.mark.parametrize("form", ["%{http_code}", "%{content_type}"])
def test_page(host: Any, path: str, form: str) -> None:
    curl = f"curl -sk --resolve {DOMAIN}:443:127.0.0.1 -o /dev/null -w '{form}'"
    assert host.check_output(f"{curl} https://{DOMAIN}{path}")


def test_redirect(host: Any) -> None:
    assert host.check_output(f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: {DOMAIN}' http://127.0.0.1/") == "301"


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(host: Any, name: str) -> None:
    assert host.exists(name)


@pytest.mark.parametrize("name", WORK)
def test_nothing_is_under_way(host: Any, name: str) -> None:
    assert host.run(f"pgrep -f '[{name[0]}]{name[1:]}'").rc in (0, 1)


@pytest.mark.parametrize("command", COMMANDS)
def test_server(host: Any, command: str) -> None:
    assert host.run(command).rc == 0
