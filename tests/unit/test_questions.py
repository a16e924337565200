"""Every declared question only reads: the rules themselves, and all that is asked beside the check modules."""

from __future__ import annotations

import re

import pytest

from commands import doctor
from conftest import CATALOGUE
from linting import questions
from runbook import journal, observer
from runbook.question import Command, Question, facts_of
from runbook.target import load

TARGET = load("lab")
DECLARED = {name: question for question, name in CATALOGUE.names.items()}
DECLARED["doctor.WHO"] = doctor.WHO
DECLARED["journal.OPEN"] = journal.OPEN
SCRIPTS = {name: one.told(facts_of(TARGET)) for name, one in DECLARED.items() if isinstance(one, Command)} | {
    "containers without the socket": observer.CONTAINERS_BY_COMMAND,
    "images without the socket": observer.IMAGES_BY_COMMAND,
}
SQL = (
    "docker exec -e PGOPTIONS='-c default_transaction_read_only=on -c x' db sh -c 'exec psql \"$1\"' sh service \"%s\""
)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_command_only_reads(name: str) -> None:
    assert list(questions.faults_in(SCRIPTS[name])) == []


@pytest.mark.parametrize("name", DECLARED)
def test_every_question_only_reads_and_has_a_time_limit(name: str) -> None:
    assert list(questions.faults_of(DECLARED[name])) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_word_of_a_template_is_known(name: str) -> None:
    """An unknown one stands as <name> in the plan; only what an earlier answer tells may."""
    told = {
        "file",
        "files",
        "folders",
        "containers",
        "pids",
        "first",
        "width",
        "url",
        "log",
        "ending",
        "mounts",
        "sources",
        "cache",
        "certificate",
        "key",
        "port",
        "table",
        "column",
        "minutes",
        "mark",
        "release",
        "folder",
        "made",
        "images",
    }
    assert set(re.findall(r"(?<![\w<])<(\w+)>", SCRIPTS[name])) <= told


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("rm -rf /tmp/x", "rm"),
        ("cat x | tee y", "tee"),
        ("if true; then reboot; fi", "reboot"),
        ('echo "$(docker stop db)"', "docker stop db"),
        ("{ touch x; }", "touch"),
        ("docker exec db psql", "docker exec db psql"),
        ("curl -s -X POST http://x", "curl -s -X POST http://x"),
        ("find / -name x -delete", "-delete"),
        ("sed -i s/a/b/ file", "sed -i"),
        ("timeout 3 reboot", "reboot"),
        ("openssl x509 -in a -out b", "openssl x509"),
        ("cat x > y", "it writes to a file"),
        ("awk '{ print > \"x\" }' y", "an awk program"),
        ("awk 'BEGIN { system(\"x\") }'", "an awk program"),
        (SQL % "SELECT a FROM b; DROP TABLE b", "does more than select"),
        (SQL % "SELECT a INTO c FROM b", "does more than select"),
        (SQL % "SELECT pg_terminate_backend(1)", "pg_terminate_backend"),
        (SQL.replace("read_only=on", "read_only=off") % "SELECT 1", "not read only"),
        (SQL.replace(" %s", ""), "0 statements"),
    ],
)
def test_a_command_that_changes_something_is_seen(script: str, word: str) -> None:
    assert any(word in fault for fault in questions.faults_in(script))


def test_a_question_of_an_unknown_kind_or_without_an_end_is_seen() -> None:
    class Other(Question[str]):
        pass

    assert [*questions.faults_of(Other())] == ["its kind Other is not known"]
    assert [*questions.faults_of(Command("id -u", seconds=9000))] == ["it may take 9000 s"]
