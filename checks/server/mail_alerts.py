"""The way of an alert: what the monitor looks at, which programs cron's jobs find, and whether mail goes out.

Nothing is sent: the queue and the mail log tell how it went with what was sent before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import PurePosixPath
from typing import Literal

from checks.formats.crontab import settings_of
from checks.server.cron_jobs import CRONTAB
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

PROGRAMS = Command(
    cleandoc(
        r"""for script in monitor backup; do
      for file in {app}/bin/$script.sh {app}/bin/common.sh; do
        [ ! -e "$file" ] || sed -nE 's/^[[:space:]]*(export[[:space:]]+)?PATH=([^[:space:];]+).*/\2/p' -- "$file" |
          awk -v script="$script" '{{ print "path", script ".sh", $1 }}'
      done
    done
    own="/opt/*/bin /root/bin /root/.local/bin /snap/bin"
    for folder in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin $own; do
      for program in aws curl df docker gpg gzip mail openssl sendmail; do
        [ ! -x "$folder/$program" ] || echo "program $program $folder"
      done
    done"""
    ),
)
"""The PATH that the scripts set themselves, and where the programs are that they need."""

WATCHED = Command(
    "exec < {app}/bin/monitor.sh || exit; grep -vE '^[[:space:]]*#' | "
    "grep -oiE '/api/v1/health|/up|psyfit-(web|db|redis)|openssl|x509|certificate|df|backup|[0-9]+' | "
    "tr '[:upper:]' '[:lower:]' | awk '(/[^0-9]/ || length($0) < 4) && !seen[$0]++'"
)
"""Which of these words stand in the script, and which numbers that may be a threshold; nothing else of it comes back:
longer numbers may be a telephone's or a part of a token."""

QUEUE = Command(
    cleandoc(
        r"""for folder in $(printf '%s' "$PATH" | tr ':' ' '); do
      if [ -x "$folder/mailq" ]; then
        printf 'program %s\n' "$(readlink -f -- "$folder/mailq")"
        [ ! -x /usr/sbin/nullmailer-send ] || echo 'beside nullmailer'
        break
      fi
    done
    printed=$(mailq); status=$?
    [ -z "$printed" ] || printf '%s\n' "$printed" | sed -E 's/[^ <>(),;|]+@[^ <>(),;|]+/somebody@a.domain/g'
    exit $status"""
    ),
    needs=rights.ROOT,
)
"""Whose program it is comes first: several print nothing where nothing waits, and so does what does not work.

To whom a mail goes stays on the server.
"""

DELIVERIES = Command(
    cleandoc(
        r"""address=$(for file in {app}/.env /etc/environment /var/spool/cron/crontabs/{cron_account}; do
      [ ! -e "$file" ] || cat -- "$file" || exit
    done | sed -nE 's/^(export )?ALERT_EMAIL *= *["\x27]?([^"\x27, ]+).*/\2/p' | tail -n 1)
    [ -n "$address" ] || exit 0
    exim=/var/log/exim4/mainlog; others="/var/log/mail.log.1 /var/log/mail.log /var/log/maillog"
    for log in $exim.1 $exim $others; do
      [ ! -e "$log" ] || exec < "$log" || exit
      [ ! -e "$log" ] || address=$address awk -v log_file="$log" '
        index($0, ENVIRON["address"]) == 0 {{ next }}
        / (=>|->) |status=sent/ {{ lines++; last = "delivered" }}
        / [*][*] |status=bounced/ {{ lines++; last = "bounced" }}
        / == |status=deferred/ {{ lines++; last = "deferred" }}
        {{ named++ }}
        END {{ printf "log\t%s\t%d\t%s\n", log_file, lines ? lines : named, last }}' "$log"
    done"""
    ),
    needs=rights.ROOT,
)
"""How the last mail to the alerts' address went, by each mail log. The address itself stays where it is, and stands in
no argument either: every account of the server sees those."""

CRONS_PATH = "/usr/bin:/bin"

EXIMS_MAIL = re.compile(r"\s{0,3}\d+[mhdwy]\s.*\b[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}\b.*", re.ASCII)
"""Age, size, the message's id, and its sender or why it cannot be read."""
EXIMS_RECIPIENT = re.compile(r"\s{8}[ D] \S.*")
POSTFIXS_TOTAL = re.compile(r"-- \d+ \w+ in (\d+) Requests?\.", re.ASCII)
SENDMAILS_TOTAL = re.compile(r"\s*Total requests: (\d+)", re.ASCII)
OPENSMTPDS_MAIL = re.compile(r"[0-9a-f]{16}(\|[^|]*){11,}")
NULLMAILERS_MAIL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  (\d+|\?{5}) bytes", re.ASCII)
SILENT_WHERE_EMPTY = ("exim", "mailq.exim", "nullmailer", "smtpctl", "mailq.opensmtpd", "ssmtp")
"""Programs that print nothing where nothing waits; the last keeps no queue at all."""

Delivery = Literal["delivered", "bounced", "deferred"]


@dataclass(frozen=True)
class Programs:
    """Which programs each of cron's jobs finds.

    Attributes:
        paths: The folders in which each job looks, by the names of the scripts.
        places: The folders in which each program is.
    """

    paths: Mapping[str, tuple[str, ...]]
    places: Mapping[str, tuple[str, ...]]

    def missing(self, script: str, names: Iterable[str]) -> tuple[str, ...]:
        """Those of these programs that this job does not find."""
        folders = set(self.paths[script])
        return tuple(name for name in names if not folders & set(self.places.get(name, ())))


@dataclass(frozen=True)
class MailLog:
    """What one mail log says of the alerts' address.

    Attributes:
        lines: Those that tell how a mail to it went; where none does, those that name it at all.
        last: None where none tells how one went.
    """

    path: str
    lines: int
    last: Delivery | None


def programs(snapshot: Snapshot) -> Programs:
    """What cron's jobs find: by the PATH that a script sets, else by the crontab's, else by cron's own."""
    told, listed = snapshot.ask(PROGRAMS, CRONTAB)
    none = listed.status != 0 and "no crontab for" in listed.err
    outer = settings_of("" if none else listed.required("the crontab").out).get("PATH", CRONS_PATH)
    with reading("the programs of cron's jobs"):
        return read_programs(told.required("the programs of cron's jobs").out, outer)


def watched_words(snapshot: Snapshot) -> frozenset[str]:
    """The words and numbers in monitor.sh that say what it watches."""
    told = snapshot.ask(WATCHED).required("monitor.sh")
    return frozenset(told.lines)


def waiting_mails(snapshot: Snapshot) -> int:
    """How many mails wait in the queue of the server's mail transfer agent."""
    told = snapshot.ask(QUEUE)
    if told.status == 127:
        raise Undetermined("the server has no mailq to list queued mail")
    with reading("the mail queue"):
        program, printed = read_program(told.required("the mail queue").out)
        return read_queue(program, printed)


def last_delivery(snapshot: Snapshot) -> MailLog | None:
    """What the newest mail log with a word of the alerts' address says of it; None where none has."""
    told = snapshot.ask(DELIVERIES).required("the mail log")
    with reading("the mail log"):
        logs = read_deliveries(told.out)
    if not logs:
        raise Undetermined("there is no mail log in /var/log, or no ALERT_EMAIL")
    told_of = next((one for one in reversed(logs) if one.last), None)
    if told_of is None and (others := [one.path for one in logs if one.lines]):
        raise Undetermined(f"{', '.join(others)} mentions the alerts' address, but in no known form of line")
    return told_of


def read_programs(text: str, outer: str) -> Programs:
    """Read the answer to `PROGRAMS`; ``outer`` is the PATH that a job starts with.

    Raises:
        ValueError: A line is of another form.
    """
    paths = {"monitor.sh": outer, "backup.sh": outer}
    places: dict[str, list[str]] = {}
    for line in lines_of(text):
        match line.split(" ", 2):
            case ["path", script, path] if script in paths:
                paths[script] = path.strip("\"'").replace("${PATH}", paths[script]).replace("$PATH", paths[script])
            case ["program", name, folder]:
                places.setdefault(name, []).append(folder)
            case _:
                raise ValueError("there is an unexpected line")
    return Programs(
        {script: tuple(path.split(":")) for script, path in paths.items()},
        {name: tuple(folders) for name, folders in places.items()},
    )


def read_program(text: str) -> tuple[str, str]:
    """Whose mailq it is, by the file that is run, and what it printed.

    Raises:
        ValueError: It does not begin with the program.
    """
    first, _, printed = text.partition("\n")
    if not first.startswith("program "):
        raise ValueError("it does not say which program mailq is")
    name = PurePosixPath(first.removeprefix("program ")).name
    beside, _, rest = printed.partition("\n")
    if beside != "beside nullmailer":
        return name, printed
    return "nullmailer" if name == "mailq" else name, rest


def read_queue(program: str, printed: str) -> int:
    """How many mails wait, by what mailq printed: of the forms that are known here, and of no other.

    Args:
        program: The file's name that is run by this name.
        printed: What it printed.

    Raises:
        ValueError: It is of another form, or nothing by a program of which it is not known what that means.
    """
    lines = [line for line in lines_of(printed) if line.strip()]
    for known in (_by_exim, _by_postfix, _by_sendmail, _by_dma, _by_opensmtpd, _by_nullmailer):
        if lines and (waiting := known(lines)) is not None:
            return waiting
    if not lines and program.startswith(SILENT_WHERE_EMPTY):
        return 0
    said = f"it begins with “{lines[0].strip()}”" if lines else "it is empty"
    raise ValueError(f"the output of {program} is not understood: {said}")


def _by_exim(lines: Sequence[str]) -> int | None:
    mails = [line for line in lines if EXIMS_MAIL.fullmatch(line)]
    others = [line for line in lines if line not in mails and not EXIMS_RECIPIENT.fullmatch(line)]
    return len(mails) if mails and not others else None


def _by_postfix(lines: Sequence[str]) -> int | None:
    """Its last line counts them; dma says in the same words that there are none."""
    if list(lines) == ["Mail queue is empty"]:
        return 0
    total = POSTFIXS_TOTAL.fullmatch(lines[-1])
    return int(total[1]) if total and lines[0].startswith("-Queue ID-") else None


def _by_sendmail(lines: Sequence[str]) -> int | None:
    """Its last line counts those of all its queues."""
    total = SENDMAILS_TOTAL.fullmatch(lines[-1])
    return int(total[1]) if total else None


def _by_dma(lines: Sequence[str]) -> int | None:
    mails = [line for line in lines if line.startswith("ID\t: ")]
    known = ("ID\t: ", "From\t: ", "To\t: ", "--")
    return len(mails) if mails and all(line.startswith(known) for line in lines) else None


def _by_opensmtpd(lines: Sequence[str]) -> int | None:
    return len(lines) if all(map(OPENSMTPDS_MAIL.fullmatch, lines)) else None


def _by_nullmailer(lines: Sequence[str]) -> int | None:
    return len(lines) if all(map(NULLMAILERS_MAIL.fullmatch, lines)) else None


def read_deliveries(text: str) -> list[MailLog]:
    """Read the answer to `DELIVERIES`.

    Raises:
        ValueError: A line is of another form.
    """
    found: list[MailLog] = []
    for line in lines_of(text):
        match line.split("\t"):
            case ["log", path, lines, ("delivered" | "bounced" | "deferred") as last]:
                found.append(MailLog(path, int(lines), last))
            case ["log", path, lines, ""]:
                found.append(MailLog(path, int(lines), None))
            case _:
                raise ValueError("there is an unexpected line")
    return found
