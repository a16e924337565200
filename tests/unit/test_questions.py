"""Every declared question only reads. This holds the catalogue to it, word by word."""

from __future__ import annotations

import re
from itertools import takewhile

import pytest

from commands import doctor
from conftest import CATALOGUE
from runbook import observer
from runbook.question import Command, Containers, Dns, Http, Images, Question, Tls, facts_of
from runbook.target import load

READERS = {
    "[",
    ":",
    "awk",
    "break",
    "cat",
    "cksum",
    "curl",
    "cut",
    "crontab",
    "date",
    "df",
    "docker",
    "du",
    "echo",
    "exec",
    "exit",
    "find",
    "fold",
    "git",
    "grep",
    "gzip",
    "head",
    "id",
    "ls",
    "od",
    "openssl",
    "printf",
    "readlink",
    "sed",
    "set",
    "sha256sum",
    "stat",
    "sudo",
    "tail",
    "tar",
    "tr",
    "uniq",
    "zcat",
}
SHELL_WORDS = {"if", "then", "else", "fi", "do", "done", "while", "until", "!", "{", "}"}
LOOK_ONLY = {
    "crontab": r"crontab -l( -u \S+)?",
    "curl": r"curl -s( -o /dev/null)? -w \S+ --noproxy \S+ --max-time \d+ \S+",
    "date": r"date( -f -)?( \S+)?",
    "docker": r"docker (volume ls -q|network ls --format Q|cp \S+:\S+ -|ps -aq --no-trunc|images -q --no-trunc|"
    r"(image )?inspect( --format Q)? \S+|info --format Q|system df -v --format Q|logs --tail \d+ Q|"
    r"exec \S+ (cat( --)? \S+|kamal-proxy list)|exec -e PGOPTIONS=Q \S+ sh -c Q sh \S+ Q|"
    r"exec -e PGOPTIONS=Q -e PGCONNECT_TIMEOUT=3 --env-file /dev/stdin \S+ sh -c Q sh \S+ Q \S+|"
    r"exec --env-file /dev/stdin \S+ redis-cli -h \S+ ping)",
    "exec": r"exec( <.*)?",
    "find": r"find (?!.*-(delete|fprint|ok|execdir))(?!.*-exec (?!stat )).*",
    "git": r"git( --no-optional-locks)?( -c \S+)+ -C \S+ (rev-parse HEAD|ls-files -v|ls-tree --name-only HEAD \S+|"
    r"status --porcelain=v2 --branch --untracked-files=normal|ls-remote --exit-code origin refs/heads/main)",
    "gzip": r"gzip -dc",
    "openssl": r"openssl pkey -pubout",
    "sed": r"sed (?!.*(-i|--in-place)).*",
    "sudo": r"sudo -n true",
}
SELECTING = {
    *("clock_timestamp", "coalesce", "concat_ws", "count", "current_database", "current_setting", "extract", "format"),
    *("format_type", "json_agg", "json_build_array", "pg_backend_pid", "pg_blocking_pids"),
    *("max", "md5", "pg_control_system", "pg_database_size", "pg_encoding_to_char", "pg_get_constraintdef"),
    *("pg_get_expr", "pg_get_functiondef", "pg_get_indexdef", "pg_get_triggerdef", "pg_get_viewdef", "pg_table_size"),
    *("query_to_xml", "quote_ident", "quote_literal", "starts_with", "string_agg", "to_regclass", "unnest", "xpath"),
}
"""The functions of PostgreSQL that a statement may call; `query_to_xml` selects by a text that is looked at too."""
QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"")
HARMLESS_REDIRECTION = re.compile(r"\d?>&\d|\d?>\s*/dev/null")

TARGET = load("lab")
DECLARED = {name: question for question, name in CATALOGUE.names.items()}
DECLARED["doctor.WHO"] = doctor.WHO
SCRIPTS = {name: one.told(facts_of(TARGET)) for name, one in DECLARED.items() if isinstance(one, Command)} | {
    "containers without the socket": observer.CONTAINERS_BY_COMMAND,
    "images without the socket": observer.IMAGES_BY_COMMAND,
}


def commands_of(script: str) -> list[str]:
    """The simple commands of a shell script, what stands in quotes as one word ``Q``."""
    inner = [found[1:-1] for found in QUOTED.findall(script) if found.startswith('"') and "$(" in found]
    bare = "\n".join([QUOTED.sub("Q", script), *inner])
    bare = re.sub(r"\$\(\(.*?\)\)", "N", bare)
    bare = re.sub(r"<(\w+)>", r"\1", bare)  # a value that an earlier answer tells
    parts = re.split(r"\$\(|\|\|?|&&|[;\n()]|(?<!>)&(?!\d)", HARMLESS_REDIRECTION.sub("", bare))
    return [command for part in parts if (command := _without_shell_words(part.split()))]


def _without_shell_words(words: list[str]) -> str:
    skipped = list(takewhile(lambda word: word in SHELL_WORDS or re.match(r"\w+=", word), words))
    rest = words[len(skipped) :]
    if not rest or rest[0] == "for" or rest[0].endswith("()"):
        return ""
    return " ".join(rest).rstrip("} ")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_commands_words_are_those_of_readers(name: str) -> None:
    own_functions = set(re.findall(r"(\w+)\(\) \{", SCRIPTS[name]))
    for command in commands_of(SCRIPTS[name]):
        word = command.split()[0]
        assert word in READERS | own_functions, f"{word!r} is not known as a reader, in: {command}"
        if word in LOOK_ONLY:
            assert re.fullmatch(LOOK_ONLY[word], command), f"this is more than looking: {command}"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_command_writes_to_no_file(name: str) -> None:
    bare = re.sub(r"<(\w+)>", r"\1", QUOTED.sub("Q", SCRIPTS[name]))
    assert ">" not in HARMLESS_REDIRECTION.sub("", bare)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_awk_program_writes_or_starts_anything(name: str) -> None:
    for program in QUOTED.findall(SCRIPTS[name]) if "awk" in SCRIPTS[name] else ():
        assert not re.search(r'system\s*\(|getline|print[^;}\n]*[>|]\s*"|\|\s*"', program)


@pytest.mark.parametrize("name", [name for name in SCRIPTS if "psql" in SCRIPTS[name]])
def test_a_statement_only_selects_and_could_do_nothing_else(name: str) -> None:
    """Between the shells' quotes stand the option that makes the session read only, and the statement."""
    assert "-e PGOPTIONS='-c default_transaction_read_only=on " in SCRIPTS[name]
    (statement,) = [found[1:-1] for found in QUOTED.findall(SCRIPTS[name]) if "SELECT" in found]
    assert re.match("(SELECT|WITH) ", statement)
    assert not re.search(r";|\b(INTO|UPDATE)\b", statement)
    assert set(re.findall(r"(?<![/\w])(\w+)\(", statement)) <= SELECTING


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
        "certificate",
        "key",
        "table",
        "column",
        "mark",
        "release",
    }
    assert set(re.findall(r"(?<![\w<])<(\w+)>", SCRIPTS[name])) <= told


@pytest.mark.parametrize("name", DECLARED)
def test_every_question_has_a_time_limit_and_a_known_kind(name: str) -> None:
    question: Question[object] = DECLARED[name]
    assert isinstance(question, Command | Containers | Dns | Images | Http | Tls)
    assert 0 < question.seconds <= 600


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
    ],
)
def test_this_test_would_see_a_command_that_changes_something(script: str, word: str) -> None:
    seen = [
        command
        for command in commands_of(script)
        if command.split()[0] not in READERS
        or ((pattern := LOOK_ONLY.get(command.split()[0])) and not re.fullmatch(pattern, command))
    ]
    assert any(word in command for command in seen)
