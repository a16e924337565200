"""The way of an alert: what the monitor looks at, which programs cron's jobs find, and whether mail goes out.

Nothing is sent: the queue and the mail log tell how it went with what was sent before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import Literal

from checks.cron import CRONTAB, settings_of
from runbook import rights
from runbook.look import Look, reading
from runbook.outcome import Undetermined
from runbook.question import Command, lines_of

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

QUEUE = Command("mailq", needs=rights.ROOT)

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
        / [*][*] |status=bounced/ {{ lines++; last = "refused" }}
        / == |status=deferred/ {{ lines++; last = "put off" }}
        END {{ printf "log\t%s\t%d\t%s\n", log_file, lines, last }}' "$log"
    done"""
    ),
    needs=rights.ROOT,
)
"""How the last mail to the alerts' address went, by each mail log. The address itself stays where it is, and stands in
no argument either: every account of the server sees those."""

CRONS_PATH = "/usr/bin:/bin"
EMPTY_QUEUES = ("mail queue is empty", "mqueue is empty")

Delivery = Literal["delivered", "refused", "put off"]


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
    """What one mail log says of the alerts' address. ``last`` is None where it says nothing of it."""

    path: str
    lines: int
    last: Delivery | None


def programs(look: Look) -> Programs:
    """What cron's jobs find: by the PATH that a script sets, else by the crontab's, else by cron's own."""
    told, listed = look.ask(PROGRAMS, CRONTAB)
    outer = settings_of(listed.required("the crontab").out if listed.status == 0 else "").get("PATH", CRONS_PATH)
    with reading("the programs of cron's jobs"):
        return read_programs(told.required("the programs of cron's jobs").out, outer)


def watched_words(look: Look) -> frozenset[str]:
    """The words and numbers in monitor.sh that say what it watches."""
    told = look.ask(WATCHED).required("monitor.sh")
    return frozenset(told.lines)


def waiting_mails(look: Look) -> int:
    """How many mails wait in the queue of the server's mail transfer agent."""
    told = look.ask(QUEUE)
    if told.status == 127:
        raise Undetermined("the server has no mailq, which tells of mails that wait")
    with reading("the queue of mails"):
        return read_queue(told.required("the queue of mails").out)


def last_delivery(look: Look) -> MailLog | None:
    """What the newest mail log with a word of the alerts' address says of it; None where none has."""
    told = look.ask(DELIVERIES).required("the mail log")
    with reading("the mail log"):
        logs = read_deliveries(told.out)
    if not logs:
        raise Undetermined("there is no mail log in /var/log, or no ALERT_EMAIL")
    return next((one for one in reversed(logs) if one.last), None)


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
                raise ValueError("there is a line of another form")
    return Programs(
        {script: tuple(path.split(":")) for script, path in paths.items()},
        {name: tuple(folders) for name, folders in places.items()},
    )


def read_queue(text: str) -> int:
    """How many mails wait, by what mailq prints: postfix and sendmail count them, exim names each one's sender.

    Raises:
        LookupError: The line that counts them holds no number.
    """
    if any(words in text.lower() for words in EMPTY_QUEUES):
        return 0
    total = [line.split() for line in lines_of(text) if line.startswith(("-- ", "\t\tTotal requests:"))]
    counted = [int(word) for words in total for word in words if word.isdecimal()]
    if total:
        return counted[-1]
    return sum("<" in line for line in lines_of(text))


def read_deliveries(text: str) -> list[MailLog]:
    """Read the answer to `DELIVERIES`.

    Raises:
        ValueError: A line is of another form.
    """
    found: list[MailLog] = []
    for line in lines_of(text):
        match line.split("\t"):
            case ["log", path, lines, ("delivered" | "refused" | "put off") as last]:
                found.append(MailLog(path, int(lines), last))
            case ["log", path, lines, ""]:
                found.append(MailLog(path, int(lines), None))
            case _:
                raise ValueError("there is a line of another form")
    return found
