"""The lab's server is what the runbook's readers know; seen over ssh by testinfra, with other eyes than the suite's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import testinfra
import testinfra.host

from lab.provisioning import GIT
from lab.psyfit.app.people import password, staff_email
from lab.server import Server

RELEASE = "docker inspect --format '{{.Config.Image}}' "
ENVIRONMENT = "/var/www/psyfit/.kamal/secrets"
NO_PERSON = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def host(lab: Server) -> Any:
    """The server by ssh, as root."""
    return testinfra.host.get_host("ssh://root@psyfit", ssh_config=str(lab.state / "ssh_config"))


@pytest.mark.only_looks
@pytest.mark.parametrize("process", ["sshd", "cron", "dockerd"])
def test_a_process_of_a_server_runs(host: Any, process: str) -> None:
    assert host.process.filter(comm=process)


@pytest.mark.only_looks
def test_the_accounts_have_their_rights(host: Any) -> None:
    assert "docker" in host.user("deploy").groups
    assert host.user("guest").groups == ["guest"]
    assert host.run("sudo -u deploy sudo -n true").rc == 0
    assert host.run("sudo -u guest sudo -n true").rc != 0


@pytest.mark.only_looks
def test_the_secrets_are_for_root_alone(host: Any) -> None:
    secrets = host.file(ENVIRONMENT)
    assert (secrets.user, secrets.mode) == ("root", 0o600)


@pytest.mark.only_looks
def test_the_clone_belongs_to_an_account_of_its_own_and_git_trusts_no_folder(host: Any) -> None:
    assert host.file("/var/www/psyfit").user == "deploy"
    assert host.run("git config --system --get-all safe.directory").stdout == ""
    assert "dubious ownership" in host.run("git -C /var/www/psyfit status").stderr


@pytest.mark.only_looks
def test_the_clone_stands_at_its_origin(host: Any) -> None:
    assert host.file("/var/www/psyfit").is_directory
    assert host.run(f"{GIT} fetch -q && {GIT} status -sb --porcelain").stdout == "## main...origin/main\n"


@pytest.mark.only_looks
def test_the_backup_keys_private_half_is_the_operators_alone(host: Any, lab: Server) -> None:
    assert "\nsec:" not in host.run("gpg --list-secret-keys --with-colons").stdout
    assert "\npub:" in host.run("gpg --list-keys --with-colons").stdout
    assert any((lab.state / "gnupg" / "private-keys-v1.d").iterdir())


@pytest.mark.only_looks
def test_a_week_of_backups_is_there_plain_and_encrypted(host: Any) -> None:
    names = host.file("/var/backups/psyfit").listdir()
    assert len([name for name in names if name.endswith(".sql.gz")]) >= 7
    assert len([name for name in names if name.endswith(".sql.gz.gpg")]) == 3


@pytest.mark.only_looks
def test_there_is_a_week_of_work_in_the_database(host: Any) -> None:
    count = (
        "select sum((xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %I', tablename), "
        "false, true, '')))[1]::text::int), count(*) from pg_tables where schemaname = 'public'"
    )
    rows, tables = sql(host, count).split("|")
    assert int(rows) >= 50_000
    assert int(tables) >= 8
    assert int(sql(host, "select count(*) from pg_constraint where contype = 'f'")) >= 8
    assert int(sql(host, "select count(*) from pg_matviews")) == 1
    assert int(sql(host, "select count(*) from pg_views where schemaname = 'public'")) >= 1
    assert int(sql(host, "select count(*) from pg_extension where extname <> 'plpgsql'")) >= 1


@pytest.mark.only_looks
def test_the_password_is_asked_for_over_tcp(host: Any) -> None:
    wrong = "docker exec -e PGPASSWORD=wrong psyfit-db psql -h psyfit-db -U psyfit_prod psyfit_production -c 'select 1'"
    assert "password authentication failed" in host.run(wrong).stderr


@pytest.mark.only_looks
def test_redis_asks_for_a_password(host: Any) -> None:
    assert "NOAUTH" in host.run("docker exec psyfit-redis redis-cli ping").stdout


@pytest.mark.only_looks
@pytest.mark.parametrize(
    ("container", "size", "files"),
    [("psyfit-db", "10m", "3"), ("psyfit-redis", "10m", "3"), ("psyfit-web-", "50m", "5")],
)
def test_logs_are_rotated_and_containers_come_back(host: Any, container: str, size: str, files: str) -> None:
    names = host.check_output(f"docker ps --all --filter name=^{container} --format '{{{{.Names}}}}'").split()
    for told in json.loads(host.check_output(f"docker inspect {' '.join(names)}")):
        assert told["HostConfig"]["LogConfig"]["Config"] == {"max-size": size, "max-file": files}
        assert told["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


@pytest.mark.only_looks
def test_no_secret_is_in_an_argument(host: Any, lab: Server) -> None:
    secrets = json.loads((lab.state / "secrets.json").read_text())
    arguments = host.check_output("ps axww -o args=")
    assert [name for name, value in secrets.items() if value in arguments] == []


# The stand-in app


@dataclass(frozen=True)
class Answer:
    status: int
    version: str
    body: Any
    cookie: str = ""


@pytest.fixture(scope="module")
def app(lab: Server, host: Any) -> Callable[..., Answer]:
    """Ask the running release on the server itself."""
    port = 3000

    def ask(path: str, data: str | None = None, cookie: str = "") -> Answer:
        name = lab.running_web()
        address = host.check_output(
            f"docker inspect --format '{{{{range .NetworkSettings.Networks}}}}{{{{.IPAddress}}}}{{{{end}}}}' {name}"
        ).strip()
        post = f"-X POST -H 'Content-Type: application/json' -d '{data}'" if data else ""
        sent = f"-H 'Cookie: {cookie}'" if cookie else ""
        text = host.check_output(f"curl -s -m 10 -D - {post} {sent} http://{address}:{port}{path}")
        head, _, body = text.replace("\r", "").partition("\n\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head.splitlines()[1:])}
        return Answer(
            int(head.split()[1]),
            headers["x-app-version"],
            json.loads(body) if body[:1] == "{" else body,
            headers.get("set-cookie", "").partition(";")[0],
        )

    return ask


def sql(host: Any, statement: str) -> str:
    command = "docker exec -i psyfit-db psql -U psyfit_prod -d psyfit_production -At -f -"
    return str(host.check_output(f"printf %s {json.dumps(statement)} | {command}")).strip()


@pytest.mark.only_looks
@pytest.mark.parametrize(
    ("path", "status"), [("/up", 200), ("/api/v1/health", 200), ("/api/v1/clinics", 200), ("/nowhere", 404)]
)
def test_every_answer_names_the_version(app: Callable[..., Answer], path: str, status: int) -> None:
    answer = app(path)
    assert (answer.status, answer.version) == (status, "1.1.0")


def test_a_check_in_is_written_once_for_its_token(app: Callable[..., Answer], host: Any) -> None:
    token = f"test-{time.time_ns()}"
    before = int(sql(host, "select count(*) from check_ins"))
    first, again = (app("/api/v1/check-ins", json.dumps({"token": token})) for _ in range(2))
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    assert int(sql(host, "select count(*) from check_ins")) == before + 1
    sql(host, f"delete from check_ins where token = '{token}'")


def test_a_log_in_opens_a_session_that_ends_and_failures_lock_the_account(
    app: Callable[..., Answer], host: Any
) -> None:
    email = staff_email(8)
    mine = "account_id = (select id from accounts where staff_id = 8)"

    def log_in(secret: str) -> Answer:
        return app("/api/v1/session", json.dumps({"email": email, "password": secret}))

    def logged_in(answer: Answer) -> bool:
        return app("/api/v1/session", cookie=answer.cookie).status == 200

    try:
        opened = log_in(password(email))
        assert (opened.status, opened.body["data"]) == (201, {"kind": "staff"})
        assert logged_in(opened)
        for minutes, lasts in ((14, True), (15, False)):
            sql(host, f"update sessions set used_at = now() - interval '{minutes} minutes' where {mine}")
            assert logged_in(opened) == lasts
        refused = [log_in("wrong") for _ in range(5)]
        locked = log_in(password(email))
        assert {(one.status, str(one.body)) for one in (*refused, locked)} == {(401, str(locked.body))}
        sql(host, "update accounts set locked_at = now() - interval '31 minutes' where staff_id = 8")
        assert log_in(password(email)).status == 201
    finally:
        sql(host, f"delete from sessions where {mine}")
        sql(host, "update accounts set failed_attempts = 0, locked_at = null where staff_id = 8")


@pytest.mark.only_looks
def test_a_person_is_stored_encrypted(lab: Server) -> None:
    dump = lab.run("docker exec psyfit-db pg_dump -U psyfit_prod psyfit_production", seconds=60).required().out
    assert "hanako" not in dump
    assert "花子" not in dump


@pytest.mark.only_looks
def test_migrations_are_told_as_up(host: Any, lab: Server) -> None:
    told = host.check_output(f"docker exec {lab.running_web()} bin/rails db:migrate:status")
    assert len([line for line in told.splitlines() if line.split()[:1] == ["up"]]) >= 8
    assert "down" not in told


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("RAILS_MASTER_KEY=00000000000000000000000000000000", "AEAD authentication tag verification failed"),
        ("ATTR_ENCRYPTED_KEY=", "ATTR_ENCRYPTED_KEY environment variable must be set"),
        ("POSTGRES_PASSWORD=wrong", "password authentication failed"),
        ("DATABASE_HOST=127.0.0.1", 'connection to server at "127.0.0.1"'),
    ],
)
def test_the_app_does_not_start_without_what_it_needs(host: Any, lab: Server, change: str, line: str) -> None:
    name = lab.running_web()
    image = host.check_output(RELEASE + name).strip()
    told = host.run(
        f"docker run --rm --network kamal --env-file {ENVIRONMENT} -e DATABASE_HOST=psyfit-db "
        f"-e DATABASE_NAME=psyfit_production -e DATABASE_USER=psyfit_prod -e {change} {image}"
    )
    assert told.rc == 1
    assert line in told.stdout + told.stderr
