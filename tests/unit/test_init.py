"""What a server says becomes a target file: whole, commented, sound whatever it says, and never over another."""

from __future__ import annotations

import contextlib
import io
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.edge.kamal_proxy import Saved
from checks.formats.crontab import read_crontab
from checks.server.cron_jobs import CRONTAB as CRONTAB_OF
from commands import init
from commands.main import run
from discovery import backups, crontab, target_file
from discovery.backups import OWNERS, facts_in_backups, read_columns
from discovery.crontab import facts_in_crontab
from discovery.edge import facts_in_state
from discovery.engine import facts_in_containers, read_parts
from discovery.facts import Fact, Who, read_who
from runbook.model import rights
from runbook.model.question import Output
from runbook.model.target import Target
from runbook.model.target_file import TargetError, validated
from tests.unit.answering import looking
from tests.unit.test_containers import ANYTHING

WHO = Who("deploy", root=False, lab=False)
TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")
GIVEN = {"name": Fact("made", ""), "address": Fact("192.0.2.1", "")}
CRONTAB = """\
MAILTO=ops@service.example
*/5 * * * * /opt/fit/bin/monitor.sh >> /var/log/fit-monitor.log 2>&1
0 2 * * * cd /opt/fit && /opt/fit/bin/backup.sh >> /var/log/fit-backup.log 2>&1
"""


def container(name: str, image: str, *ports: str, **bindings: int) -> dict[str, Any]:
    """An inspection, as far as it is looked at."""
    return {
        "Name": f"/{name}",
        "Id": "0123456789abcdef" * 4,
        "Config": {"Image": image, "ExposedPorts": {port: {} for port in ports}, "Cmd": ["run"], "Entrypoint": None},
        "HostConfig": {
            "PortBindings": {f"{key[1:]}/tcp": [{"HostIp": "", "HostPort": str(to)}] for key, to in bindings.items()}
        },
        "NetworkSettings": {"Networks": {"kamal": {"IPAddress": "172.18.0.6"}}},
    }


def saved(target: str, *hosts: str) -> Saved:
    return Saved(
        hosts=hosts,
        targets=(target,),
        state="running",
        tls=True,
        certificate_path=None,
        key_path=None,
        acme_cache="/certs",
        health_path="/up",
        health_port=0,
    )


def rendered(facts: dict[str, Fact]) -> dict[str, Any]:
    return tomllib.loads(target_file.render(facts, target_file.Seen(WHO, facts, {}), Path("targets/made.toml")))


def test_containers_are_known_by_what_they_run_and_not_by_their_names() -> None:
    parts = read_parts(
        [
            container("front", "basecamp/kamal-proxy:v0.9.2"),
            container("data", "registry.example:5000/team/postgres:16", "5432/tcp"),
            container("cache", "redis:7"),
            container("fit-web-1", "fit:1", "3000/tcp"),
        ]
    )
    assert (parts.proxy, parts.db, parts.redis) == (("front",), ("data",), ("cache",))


def test_of_two_databases_none_is_chosen() -> None:
    facts = facts_in_containers([container("a", "postgres:16", "5432/tcp"), container("b", "postgres:16", "5432/tcp")])
    assert facts["containers.db"] == Fact(None, "there is more than one container of the db: a, b")


def test_the_edges_ports_are_those_that_the_proxy_publishes() -> None:
    behind_another = facts_in_containers([container("front", "kamal-proxy", _80=8080)])
    in_front = facts_in_containers([container("front", "kamal-proxy", _80=80, _443=443)])
    assert (in_front["edge.https_port"].value, in_front["edge.http_port"].value) == (443, 80)
    assert behind_another["edge.https_port"].value is None
    assert "something else may be in front of it" in behind_another["edge.https_port"].source


def test_a_port_that_only_the_server_itself_reaches_is_not_the_edges() -> None:
    front = container("front", "kamal-proxy", _80=8080)
    front["HostConfig"]["PortBindings"]["80/tcp"][0]["HostIp"] = "127.0.0.1"
    assert facts_in_containers([front])["edge.http_port"].value is None


@pytest.mark.parametrize("target", ["fit-web-17a:3000", "172.18.0.6:3000", "0123456789ab:3000"])
def test_the_route_tells_service_domain_port_and_what_releases_are_called(target: str) -> None:
    facts = facts_in_state(
        {"fit": saved(target, "www.fit.example", "fit.example")}, [container("fit-web-17a", "fit:17a")]
    )
    values = {key: fact.value for key, fact in facts.items()}
    assert values == {
        "containers.proxy_service": "fit",
        "domain": "fit.example",
        "containers.web_prefix": "fit-web-",
        "containers.web_port": 3000,
    }
    assert "www.fit.example too" in facts["domain"].source


def test_of_two_services_of_the_proxy_none_is_chosen() -> None:
    facts = facts_in_state({"a": saved("a-1:80", "a.example"), "b": saved("b-1:80", "b.example")}, [])
    assert {fact.value for fact in facts.values()} == {None}


def test_a_proxy_that_serves_any_name_tells_no_domain() -> None:
    assert facts_in_state({"fit": saved("fit-web-1:80", "*")}, [])["domain"].value is None


def test_the_crontab_tells_account_folder_and_logs() -> None:
    facts = facts_in_crontab(read_crontab(CRONTAB), "deploy")
    assert {key: fact.value for key, fact in facts.items()} == {
        "cron.account": "deploy",
        "paths.app": "/opt/fit",
        "paths.backup_log": "/var/log/fit-backup.log",
        "paths.monitor_log": "/var/log/fit-monitor.log",
        "paths.cleanup_log": None,
    }


def test_a_crontab_without_the_backup_is_not_the_services() -> None:
    assert facts_in_crontab(read_crontab("0 2 * * * /usr/bin/certbot renew\n"), "root") == {}


def test_the_backups_names_tell_folder_and_database() -> None:
    facts = facts_in_backups(
        [
            "/data/backups/fit_production_20260214_020000.sql.gz",
            "/data/backups/fit_production_20260215_020000.sql.gz.gpg",
            "/data/backups/pre_restore_fit_production_20260215_020000.sql.gz",
            "/home/deploy/other_20260215_020000.sql.gz",
        ],
        "",
    )
    assert (facts["paths.backups"].value, facts["backups.database"].value) == ("/data/backups", "fit_production")


THEIRS = ("/home/deploy/other_20260215_020000.sql.gz", "/srv/other/other_20260215_020000.sql.gz.gpg")
OURS = "/data/backups/fit_production_20260214_020000.sql.gz"


@pytest.mark.parametrize(
    ("account", "owned", "trusted"),
    [
        ("root", "700 root /data/backups\n755 deploy /home/deploy\n700 other /srv/other\n", (OURS,)),
        (None, "700 root /data/backups\n755 deploy /home/deploy\n700 other /srv/other\n", (OURS,)),
        ("deploy", "700 root /data/backups\n755 deploy /home/deploy\n700 other /srv/other\n", (OURS, THEIRS[0])),
        ("root", "1777 root /data/backups\n755 deploy /home/deploy\n700 other /srv/other\n", ()),
    ],
    ids=["root's", "nobody's", "the job's account's", "everybody's"],
)
def test_a_folder_into_which_others_can_put_files_does_not_say_where_the_backups_are(
    account: str | None, owned: str, trusted: tuple[str, ...]
) -> None:
    asked = OWNERS.with_values(folders=("/data/backups", "/home/deploy", "/srv/other"))
    snapshot = looking(TARGET, {asked: Output(0, owned, "")})
    found, why = backups._trusted(snapshot, (OURS, *THEIRS), Fact(account, ""))
    assert found == trusted
    assert "others than" in why


def test_whose_a_folder_is_has_to_be_known() -> None:
    asked = OWNERS.with_values(folders=("/data/backups",))
    snapshot = looking(TARGET, {asked: Output(1, "", "Permission denied")})
    found, why = backups._trusted(snapshot, (OURS,), Fact("root", ""))
    assert (found, "Permission denied" in why) == ((), True)


def test_what_is_guessed_is_called_a_guess() -> None:
    for fact in facts_in_backups([OURS], "").values():
        assert fact.source.startswith("a guess")


def test_only_plain_names_become_columns() -> None:
    assert read_columns(["visits|created_at", 'odd"name|created_at', "", "no bar"]) == ("visits.created_at",)


def test_what_an_accounts_start_up_files_print_is_passed_over() -> None:
    assert read_who(["Welcome", "deploy", "1000", "server"]) == WHO


def test_the_file_is_a_target_file() -> None:
    facts = {
        **GIVEN,
        "environment": Fact("production", ""),
        "domain": Fact("fit.example", "from the proxy"),
        "backups.freshness_columns": Fact(("a.created_at", "b.created_at"), ""),
        "edge.https_port": Fact(8443, ""),
        "paths.app": Fact(None, "nobody knows"),
    }
    target = validated(rendered(facts), Path("made.toml"))
    assert target.backups.freshness_columns == ("a.created_at", "b.created_at")
    assert target.edge.https_port == 8443
    assert target.paths.app == "/var/www/psyfit"


def test_what_could_not_be_told_is_marked_with_why_and_with_what_is_taken() -> None:
    facts = {**GIVEN, "domain": Fact(None, "no proxy"), "paths.app": Fact(None, "nobody knows")}
    text = target_file.render(facts, target_file.Seen(WHO, facts, {}), Path("made.toml"))
    assert '# could not be determined: app: nobody knows; default: "/var/www/psyfit"' in text.splitlines()
    assert "# could not be determined: domain: no proxy" in text.splitlines()
    with pytest.raises(TargetError, match="key environment is missing"):
        validated(tomllib.loads(text), Path("made.toml"))


def test_what_is_given_with_the_command_has_no_source_beside_it() -> None:
    facts = {**GIVEN, "domain": Fact("fit.example", "from the proxy"), "ssh.user": Fact("as given", "")}
    lines = target_file.render(facts, target_file.Seen(WHO, facts, {}), Path("made.toml")).splitlines()
    assert 'user = "as given"' in [line.partition("  #")[0] for line in lines]
    assert not any("; as given" in line for line in lines)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Output(1, "", "no crontab for whomever"), "the crontab of root runs no backup.sh"),
        (Output(1, "no crontab for root", ""), "the answer could not be read: the command ended with 1"),
    ],
)
def test_only_the_program_itself_says_that_there_is_no_crontab(asked: Output, why: str) -> None:
    question = CRONTAB_OF.with_values(cron_account="root")
    snapshot = looking(TARGET, {question: asked, crontab.FIND_SCRIPTS: Output(0, "", "")})
    assert crontab.facts_of_cron(snapshot, Who("root", root=True, lab=False))["cron.account"].source.startswith(why)


@pytest.mark.parametrize(("recipients", "fits"), [(("0123456789ABCDEF",), True), ((), False)])
def test_a_key_is_compared_with_those_that_the_backups_are_for_and_not_with_what_is_said_of_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recipients: tuple[str, ...], fits: bool
) -> None:
    monkeypatch.setattr(init, "key_ids", lambda _: frozenset({"0123456789ABCDEF"}))
    key = tmp_path / "key.asc"
    key.write_bytes(b"a key")
    seen = Fact(None, "whatever words, 0123456789ABCDEF among them", recipients)
    assert init._key_fact(key, seen).source.startswith("it is the one") is fits


KEYS = ["domain", "containers.db", "paths.app", "edge.https_port", "cron.account", "backups.freshness_columns"]


@given(key=st.sampled_from(KEYS), value=st.text(max_size=20) | st.integers(), told=st.text(max_size=40))
def test_whatever_a_server_says_the_file_is_one_and_holds_it_or_marks_it(key: str, value: str | int, told: str) -> None:
    base = {**GIVEN, "domain": Fact("fit.example", ""), "environment": Fact("lab", "")}
    target = validated(rendered(base), Path("made.toml"))
    facts = init._sound({**base, key: Fact(value, told)}, target)
    table = rendered(facts)
    section, _, last = key.rpartition(".")
    place = table.get(section, {}) if section else table
    assert place.get(last) == (facts[key].value if facts[key].value is not None else None)
    if key != "domain":
        validated(table, Path("made.toml"))


HOSTILE = st.text() | st.lists(
    st.sampled_from(
        [
            *"\n\r\f\v\x1c\x1d\x1e\x85\u2028\u2029\x7f\x9b\ud800\"'#]=",
            "[github]",
            'api = "https://evil.example"',
            "\x1b[2J",
            "x",
        ]
    ),
    max_size=8,
).map("".join)


def flat(table: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Each key of a file, dotted."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return found


@given(
    account=HOSTILE,
    values=st.dictionaries(st.sampled_from([*KEYS, "paths.docker", "github.api", "ssh.user"]), HOSTILE),
    told=HOSTILE,
)
def test_whatever_a_server_answers_the_file_has_the_keys_that_were_meant_and_no_other(
    account: str, values: dict[str, str], told: str
) -> None:
    base = {**GIVEN, "domain": Fact("fit.example", ""), "environment": Fact("lab", "")}
    target = validated(rendered(base), Path("made.toml"))
    facts = init._sound({**base, **init._a_servers({key: Fact(value, told) for key, value in values.items()})}, target)
    text = target_file.render(
        facts, target_file.Seen(Who(account, root=False, lab=False), facts, {}), Path("made.toml")
    )
    assert flat(tomllib.loads(text)) == {key: fact.value for key, fact in facts.items() if fact.value is not None}
    assert "github.api" not in facts
    assert text.encode()
    assert all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize(
    "account", ["a\x0cgithub.api = 1", "x; rm -rf /", "\x1b]0;x", "", "a b", "-a", "a\x85b", "架空"]
)
def test_what_is_no_name_of_an_account_is_not_taken_for_one(account: str) -> None:
    with pytest.raises(ValueError, match="names no account"):
        read_who([account, "1000", "server"])


@given(said=HOSTILE, told=HOSTILE)
def test_nothing_that_a_server_says_steers_the_terminal(said: str, told: str) -> None:
    facts = {**GIVEN, "domain": Fact(None, told), "paths.app": Fact(None, said)}
    with contextlib.redirect_stdout(io.StringIO()) as screen:
        init._show(
            Path("made.toml"), facts, target_file.Seen(Who(said, root=False, lab=False), facts, {rights.DOCKER: told})
        )
    with contextlib.redirect_stderr(screen):
        init._unreachable(init._Unreachable(said, told))
    lines = screen.getvalue().split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) <= 11  # one more than is said: nothing adds one


@pytest.mark.parametrize("api", ["http://evil.example", "http://127.evil.example", "http://localhost.evil.example/"])
def test_a_token_is_sent_to_no_address_without_encryption(api: str) -> None:
    base = {**GIVEN, "domain": Fact("fit.example", ""), "environment": Fact("lab", ""), "github.api": Fact(api, "")}
    with pytest.raises(TargetError, match="begins with https://: a token is sent there"):
        validated(rendered(base), Path("made.toml"))


@given(
    inspected=st.lists(st.dictionaries(st.sampled_from(["Name", "Config", "HostConfig", "Id"]), ANYTHING), max_size=3)
)
def test_foreign_inspections_do_no_harm(inspected: list[dict[str, Any]]) -> None:
    facts = facts_in_containers(inspected)
    assert set(facts) == {
        *("containers.proxy", "containers.db", "containers.redis"),
        *("edge.https_port", "edge.http_port"),
    }


@given(text=st.text())
def test_a_foreign_crontab_does_no_harm(text: str) -> None:
    assert set(facts_in_crontab(read_crontab(text), "root")) <= {
        *("cron.account", "paths.app"),
        *("paths.backup_log", "paths.monitor_log", "paths.cleanup_log"),
    }


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "made.toml"
    path.write_text("mine")
    assert run(["init", "--host", "192.0.2.1", "--output", str(path)]) == 2
    captured = capsys.readouterr()
    assert path.read_text() == "mine"
    assert captured.err.startswith(f"{path}: exists already;")
    assert captured.err.count("\n") == 1


def test_a_file_that_comes_meanwhile_is_not_overwritten_either(tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    path.write_text("mine")
    with pytest.raises(TargetError, match="cannot be written"):
        init._write(path, "theirs")
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_written_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    init._write(path, "name = 1\n")
    assert path.read_text() == "name = 1\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_wrong_address_is_told_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--host=-oProxyCommand=x", "--output", str(tmp_path / "made.toml")]) == 2
    assert re.search(
        r"key address is '-oProxyCommand=x'; expected a host name or an IP address", capsys.readouterr().err
    )
