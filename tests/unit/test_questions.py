"""Every declared question only reads: the rules themselves, and all that is asked beside the check modules."""

from __future__ import annotations

import re

import pytest

from commands import doctor
from conftest import CATALOGUE
from linting import questions
from runbook.drill import journal
from runbook.model.git_as_owner import ASK_GIT
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Output, Question
from runbook.model.target_file import load
from runbook.model.template import template_values
from runbook.observation import observer, reply

TARGET = load("lab")
DECLARED = {name: question for question, name in CATALOGUE.names.items()}
DECLARED["doctor.WHO"] = doctor.WHO
DECLARED["doctor.TOUCH_CLONE"] = doctor.TOUCH_CLONE
DECLARED["doctor.TOUCH_GITHUB"] = doctor.TOUCH_GITHUB
DECLARED["journal.OPEN"] = journal.OPEN
SCRIPTS = {name: one.render(template_values(TARGET)) for name, one in DECLARED.items() if isinstance(one, Command)} | {
    "containers without the socket": observer.CONTAINERS_BY_COMMAND,
    "images without the socket": observer.IMAGES_BY_COMMAND,
}
SQL = (
    "docker exec -e PGOPTIONS='-c default_transaction_read_only=on -c x' db sh -c 'exec psql \"$1\"' sh service \"%s\""
)


SAID_BY_OURSELVES = re.compile(r'\becho "([^"]*)" >&2;?\s*exit 1\b')


def test_where_a_question_says_itself_that_it_may_not_look_that_is_a_missing_right() -> None:
    """Programs say it in words that the observer knows; a script that says it for them must use the same."""
    missing, others = set(), set()
    for name, script in SCRIPTS.items():
        for sentence in SAID_BY_OURSELVES.findall(script):
            try:
                reply.require_allowed(Output(1, "", sentence), DECLARED[name])
                others.add(sentence)
            except Undetermined as error:
                assert error.right is DECLARED[name].needs, name
                missing.add(sentence)
    assert len(missing) >= 5
    assert others == {"grep tells no words of command lines here"}


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
        ("git -C /var/www/psyfit rev-parse HEAD", "'git' is not known"),
        (f"{ASK_GIT}\ngit -C /var/www/psyfit rev-parse HEAD", "'git' is not known"),
        (f"{ASK_GIT}\nask_git /var/www/psyfit push", "ask_git /var/www/psyfit push"),
        (f"{ASK_GIT}\nask_git /var/www/psyfit -c core.pager=x rev-parse HEAD", "does more than read"),
        (f"{ASK_GIT}\nas_owner git push", "'as_owner' is not known"),
        (f"{ASK_GIT}\nsetpriv --reuid=0 --regid=0 --clear-groups id", "'setpriv' is not known"),
        (f"{ASK_GIT}\nenv git push", "'env' is not known"),
        (f"{ASK_GIT}\nas_owner() {{ git push; }}", "it defines as_owner itself"),
        ("ask_git /var/www/psyfit rev-parse HEAD", "'ask_git' is not known"),
        ('ask_git() { git -C "$@"; }; ask_git /x push', "it defines ask_git itself"),
        (f"{ASK_GIT.replace('--no-new-privs', '')}\nask_git /x rev-parse HEAD", "it defines ask_git itself"),
        ("sudo -n -u deploy git status", "sudo -n -u deploy"),
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
