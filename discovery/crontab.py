"""What root's crontab shows: the scripts that run at night, and their logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from checks.backups.offsite_copies import SETTING
from checks.formats.crontab import Crontab, read_crontab, settings_of
from checks.formats.shell_words import appends_all_to, words_of
from checks.server.cron_jobs import CRONTAB
from discovery.facts import Fact, Who, ask, lines_heard
from runbook.model.question import Command
from runbook.observation.snapshot import Snapshot

FIND_SCRIPTS = Command("find /var/www /srv /opt /home -maxdepth 4 -path '*/bin/backup.sh' 2>/dev/null || :")

SCRIPTS = ("backup.sh", "monitor.sh", "cleanup-docker.sh")
LOGS = {"backup.sh": "paths.backup_log", "monitor.sh": "paths.monitor_log", "cleanup-docker.sh": "paths.cleanup_log"}


def facts_of_cron(snapshot: Snapshot, who: Who) -> dict[str, Fact]:
    whys = []
    for account in dict.fromkeys(("root", who.account)):
        heard = ask(snapshot, CRONTAB.with_values(cron_account=account))
        table = read_crontab(heard.answer.out) if heard.answer else Crontab((), ())
        if found := facts_in_crontab(table, account):
            return found | facts_of_copies(heard.answer.out if heard.answer else "", account)
        none = heard.answer is not None or "no crontab for" in heard.said
        whys.append(f"the crontab of {account} runs no backup.sh" if none else heard.why)
    why = "; ".join(whys)
    facts = {key: Fact(None, why) for key in ("cron.account", "paths.app", *LOGS.values())}
    folders = sorted({str(PurePosixPath(line).parent.parent) for line in lines_heard(ask(snapshot, FIND_SCRIPTS))})
    if len(folders) == 1:
        facts["paths.app"] = Fact(folders[0], f"a guess: the folder above the server's only bin/backup.sh ({why})")
    return facts


def facts_in_crontab(table: Crontab, account: str) -> dict[str, Fact]:
    """What the lines that run the service's scripts tell; nothing where none runs the backup."""
    scripts = dict(_scripts_in(table))
    if "backup.sh" not in scripts:
        return {}
    path, _ = scripts["backup.sh"]
    told = f"from the crontab of {account}"
    facts = {"cron.account": Fact(account, told), "paths.app": Fact(str(path.parent.parent), told)}
    for name, key in LOGS.items():
        log = scripts[name][1] if name in scripts else None
        why = f"the crontab of {account} appends nothing of {name} to a log"
        facts[key] = Fact(log, told) if log else Fact(None, why)
    return facts


def facts_of_copies(crontab: str, account: str) -> dict[str, Fact]:
    """Where cron's job copies the backups to; nothing where its crontab names no bucket."""
    bucket = settings_of(crontab).get(SETTING)
    if not bucket:
        return {}
    return {
        "offsite.bucket": Fact(bucket, f"from the crontab of {account}"),
        "offsite.credentials": Fact(None, "only you know which key may read in that bucket"),
    }


def _scripts_in(table: Crontab) -> Iterator[tuple[str, tuple[PurePosixPath, str | None]]]:
    """Each of the service's scripts that a line runs, with its path and the log that the line appends to."""
    for line in table.lines:
        words = words_of(line.command)
        logs = [word for word in words if word.startswith("/") and appends_all_to(line.command, word)]
        for word in words:
            path = PurePosixPath(word)
            if path.name in SCRIPTS and path.is_absolute() and path.parent.name == "bin":
                yield path.name, (path, logs[-1] if logs else None)
