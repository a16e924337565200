"""Every declared question only reads. This holds each to it, word by word.

A word that is not known as a reader is a finding, so that each new one is looked at by a person once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from types import ModuleType
from typing import Any

from linting.finding import Finding, place_of_value
from runbook.model.git_as_owner import ASK_GIT
from runbook.model.outside_questions import DnsQuery, GitHubGet, HttpGet, PortProbe, S3Get, TlsHandshake
from runbook.model.question import Command, ListContainers, ListImages, Question
from runbook.model.target import Target
from runbook.model.template import template_values

READERS = frozenset(
    {
        "[",
        ":",
        "awk",
        "break",
        "cat",
        "cksum",
        "continue",
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
        "gpg",
        "grep",
        "gzip",
        "head",
        "id",
        "ls",
        "mailq",
        "od",
        "openssl",
        "printf",
        "pwd",
        "read",
        "readlink",
        "sed",
        "set",
        "sha256sum",
        "shift",
        "stat",
        "sudo",
        "tail",
        "tar",
        "timeout",
        "tr",
        "uniq",
        "wait",
        "zcat",
    }
)
SHELL_WORDS = frozenset({"if", "then", "else", "fi", "do", "done", "while", "until", "!", "{", "}"})

LOOK_ONLY = {
    "crontab": r"crontab -l( -u \S+)?",
    "curl": r"curl -s( -o /dev/null)? -w \S+ --noproxy \S+ --max-time \d+ \S+",
    "date": r"date( -f -)?( \S+)?",
    "docker": r"docker ((volume|network) ls --format Q|cp \S+:\S+ -|"
    r"ps -aq --no-trunc|images -q --no-trunc|"
    r"(image )?inspect( --format Q)? \S+|info --format Q|system df -v --format Q|logs( --timestamps)? --tail \d+ Q|"
    r"events --since Q --until Q( --filter event=\w+)+ --format Q|"
    r"exec \S+ (cat( --)? \S+|kamal-proxy (list|help)|ls -R \S+|stat -c %Y \S+)|"
    r"exec -e PGOPTIONS=Q \S+ sh -c Q sh \S+ Q|"
    r"exec -e PGOPTIONS=Q -e PGCONNECT_TIMEOUT=3 --env-file /dev/stdin \S+ sh -c Q sh \S+ Q \S+|"
    r"exec --env-file /dev/stdin \S+ redis-cli -h \S+ ping|"
    r"exec -i -e PGOPTIONS=Q \S+ sh -c Q sh \S+ Q|logs Q|history --no-trunc --format Q Q)",
    "exec": r"exec( \d?<.*)?",
    "find": r"find (?!.*-(delete|fprint|ok|execdir))(?!.*-exec (?!stat )).*",
    "gpg": r"gpg --no-options --homedir /nonexistent --batch --no-tty --lock-never --no-auto-check-trustdb "
    r"--no-autostart Q --no-default-keyring --keyring Q --with-colons --fixed-list-mode --list-keys",
    "gzip": r"gzip -dc",
    "mailq": r"mailq",
    "openssl": r"openssl (pkey -pubout|x509( -noout -fingerprint -sha256)?)",
    "sed": r"sed (?!.*(-i|--in-place)).*",
    "sudo": r"sudo -n true",
    "tar": r"tar (-tf -|--list .*)",
    "timeout": r"timeout \d openssl s_client -connect \S+ -servername \S+ </dev/null",
}
ASKING_GIT = {
    "ask_git": r"ask_git \S+ (rev-parse HEAD|ls-files -v|ls-tree --name-only HEAD \S+|"
    r"status --porcelain=v2 --branch --untracked-files=normal|ls-remote --exit-code origin refs/heads/main|"
    r"ls-files -- \S+ \S+|rev-list --all --count -- \S+ \S+|"
    r"cat-file --batch-all-objects --batch --unordered --buffer)",
}
"""What git may be asked, by `ASK_GIT` alone: a script that defines a function of this name otherwise is a finding."""

BECOMING_THE_OWNER = {
    "as_owner": r"as_owner git (config (core\.sshCommand|--list --name-only --show-origin)|"
    r"-c core\.fsmonitor=false -c core\.hooksPath=/dev/null Q)",
    "cd": r"cd -P -- Q",
    "env": r"env GIT_CEILING_DIRECTORIES=Q \$calm Q",
    "getent": r"getent passwd Q",
    "no": r"no (77|78) Q",
    "open_to_others": r"open_to_others Q",
    "setpriv": r"setpriv --reuid=Q --regid=Q --clear-groups --no-new-privs "
    r"env -i PATH=Q HOME=Q GIT_CEILING_DIRECTORIES=Q \$calm Q",
}
"""What is known in `ASK_GIT` alone, and only so: it passes on what it is given (``"$@"``, here ``Q``)."""

SELECTING = {
    *("clock_timestamp", "coalesce", "concat_ws", "count", "current_database", "current_setting", "extract", "format"),
    *("format_type", "json_agg", "json_build_array", "pg_backend_pid", "pg_blocking_pids"),
    *("max", "md5", "pg_control_system", "pg_database_size", "pg_encoding_to_char", "pg_get_constraintdef"),
    *("pg_get_expr", "pg_get_functiondef", "pg_get_indexdef", "pg_get_triggerdef", "pg_get_viewdef", "pg_table_size"),
    *("query_to_xml", "quote_ident", "quote_literal", "starts_with", "string_agg", "to_regclass", "unnest", "xpath"),
}
"""The functions of PostgreSQL that a statement may call; `query_to_xml` selects by a text that is looked at too."""
RESERVED = {*ASKING_GIT, *BECOMING_THE_OWNER} - {"cd"}
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"")
_WRITING_AWK = re.compile(r'system\s*\(|getline|print[^;}\n]*[>|]\s*"|\|\s*"')
_HARMLESS = re.compile(r"\d?>&\d|\d?>\s*/dev/null|\d?<&-")
READ_ONLY_SESSION = "-e PGOPTIONS='-c default_transaction_read_only=on "
KINDS = (Command, ListContainers, DnsQuery, GitHubGet, HttpGet, ListImages, PortProbe, S3Get, TlsHandshake)
"""A question of another kind could do anything."""

LONGEST_SECONDS = 600
FACTS = template_values(Target(name="any", environment="lab", address="127.0.0.1", domain="service.example"))


def findings(modules: Sequence[ModuleType]) -> Iterator[Finding]:
    """The questions of these modules that could do more than read, each where it is written."""
    places: dict[Question[Any], tuple[ModuleType, str]] = {}
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, Question) and (value not in places or _is_written_in(module, name)):
                places[value] = module, name
    for question, (module, name) in places.items():
        called = f"{module.__name__.rpartition('.')[2]}.{name}"
        for what in faults_of(question):
            yield Finding(
                *place_of_value(module, name),
                f"the question {called} is not read-only: {what}",
                "words that only read; linting/questions.py lists them",
            )


def faults_of(question: Question[Any]) -> Iterator[str]:
    """Why this question could do more than read, one phrase each."""
    if not isinstance(question, KINDS):
        yield f"its kind {type(question).__name__} is not known"
    elif isinstance(question, Command):
        yield from faults_in(question.render(FACTS))
    elif isinstance(question, S3Get) and not question.read.startswith(("get_", "head_", "list_")):
        yield f"{question.read} is more than reading"
    if not 0 < question.seconds <= LONGEST_SECONDS:
        yield f"it may take {question.seconds:g} s"


def faults_in(script: str) -> Iterator[str]:
    """Why this shell text could do more than read, one phrase each."""
    if ASK_GIT in script:
        yield from _faults_of_words(ASK_GIT, LOOK_ONLY | BECOMING_THE_OWNER)
        yield from _faults_of_words(script.replace(ASK_GIT, "", 1), LOOK_ONLY | ASKING_GIT)
    else:
        yield from _faults_of_words(script, LOOK_ONLY)
    bare = re.sub(r"<(\w+)>", r"\1", _QUOTED.sub("Q", script))
    if ">" in _HARMLESS.sub("", bare):
        yield "it writes to a file"
    if "awk" in script and any(_WRITING_AWK.search(program) for program in _QUOTED.findall(script)):
        yield "an awk program of it writes or starts something"
    if "psql" in script:
        yield from _faults_in_sql(script)


def _faults_of_words(script: str, look_only: Mapping[str, str]) -> Iterator[str]:
    """What is not known to read; a script's own functions are known, but for those that only `ASK_GIT` may define."""
    own_functions = set(re.findall(r"(\w+)\(\) \{", script))
    if script != ASK_GIT:
        yield from (f"it defines {name} itself" for name in sorted(own_functions & RESERVED))
    for command in commands_of(script):
        word = command.split()[0]
        if command in own_functions:  # where it is defined, or called with nothing
            continue
        if word not in READERS | own_functions | look_only.keys():
            yield f"{word!r} is not known as a reader, in: {command}"
        elif word in look_only and not re.fullmatch(look_only[word], command):
            yield f"this does more than read: {command}"


def _faults_in_sql(script: str) -> Iterator[str]:
    """Between the shells' quotes stand the option that makes the session read only, and the statement."""
    if READ_ONLY_SESSION not in script:
        yield "its session in the database is not read only"
    statements = [found[1:-1] for found in _QUOTED.findall(script) if "SELECT" in found]
    if len(statements) != 1:
        yield f"it has {len(statements)} statements in place of one"
    for statement in statements:
        if not re.match("(SELECT|WITH) ", statement) or re.search(r";|\b(INTO|UPDATE)\b", statement):
            yield "its statement does more than select"
        if unknown := sorted(set(re.findall(r"(?<![/\w])(\w+)\(", statement)) - SELECTING):
            yield f"the function {unknown[0]} of PostgreSQL is not known as one that selects"


def commands_of(script: str) -> list[str]:
    """The simple commands of a shell script, what stands in quotes as one word ``Q``."""
    inner = [found[1:-1] for found in _QUOTED.findall(script) if found.startswith('"') and "$(" in found]
    bare = "\n".join([_QUOTED.sub("Q", script), *inner]).replace("\\\n", " ")
    bare = re.sub(r"\$\(\(.*?\)\)", "N", bare)
    bare = re.sub(r"<(\w+)>", r"\1", bare)  # a value that an earlier answer tells
    parts = re.split(r"\$\(|\|\|?|&&|[;\n()]|(?<!>)&(?!\d)", _HARMLESS.sub("", bare))
    return [command for part in parts if (command := _without_shell_words(part.split()))]


def _without_shell_words(words: list[str]) -> str:
    skipped = list(takewhile(lambda word: word in SHELL_WORDS or re.match(r"\w+=|</dev/null$", word), words))
    rest = words[len(skipped) :]
    if not rest or rest[0] == "for" or rest[0].endswith("()"):
        return ""
    return " ".join(rest).rstrip("} ")


def _is_written_in(module: ModuleType, name: str) -> bool:
    """Whether the module has made this question, and not taken it from another."""
    return place_of_value(module, name)[1] > 1
