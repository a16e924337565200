"""What of a crontab leaves its server is enough to judge it by, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from checks.edge.certificate_renewal import CERTBOT, read_certbot
from checks.edge.kamal_proxy_commands import read_calls
from checks.formats.crontab import CronLine, Crontab, read_crontab, settings_of
from checks.formats.shell_words import appends_all_to, words_of
from checks.server.cron_environment import WITHIN
from checks.server.cron_jobs import CRONTAB
from runbook.model.question import Output

APP = "/var/www/psyfit"
MONITOR = f"{APP}/bin/monitor.sh"
LOG = "/var/log/psyfit-monitor.log"


def told(folder: Path, text: str, status: int = 0) -> Output:
    """What the question's own script answers where this is the account's crontab."""
    (folder / "table").write_bytes(text.encode())
    program = folder / "crontab"
    program.write_text(f"#!/bin/sh\ncat {folder}/table\nexit {status}\n")
    program.chmod(0o755)
    script = CRONTAB.render({"app": APP, "cron_account": "deploy"})
    environment = {"LC_ALL": "C", "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", script], capture_output=True, timeout=10, env=environment)
    return Output(done.returncode, done.stdout.decode(), done.stderr.decode())


JUDGED = [
    f"*/5 * * * * {MONITOR} >> {LOG} 2>&1",
    f"0 2 * * * {MONITOR} >>{LOG} 2>&1 || true",
    f"0 2 * * * {MONITOR} -v 2>> {LOG} >> {LOG} x",
    f"0 2 * * * {MONITOR} &>> {LOG}",
    f"0 2 * * * {MONITOR} > {LOG} 2>&1",
    f"@daily bash -lc '{MONITOR} >> {LOG} 2>&1'",
    f"@daily bash -lc '{MONITOR} >> {LOG}' 2>&1",
    f"@midnight su - deploy -c 'cd {APP} && bin/monitor.sh >> {LOG} 2>&1'",
    f"0 0\t* * 0  flock -n /x -c \"bash -c '{MONITOR} -v'\"",
    f'0 3 * * sun A=1 nice -n 10 {MONITOR}; echo "it\'s done" >> {LOG} 2>&1',
    f"0 3 * * 0 cd {APP} && bin/monitor.sh --day=$(date +\\%u) >> {LOG} 2>&1",
    f"0 3 * * 0 {MONITOR} --day=$(date +%u) >> {LOG} 2>&1",
    f"0 3 * * 0 echo '# no comment' | {MONITOR} >> \"{LOG}\" 2>&1 # a comment >> {LOG} 2>&1",
    f"0 3 * * 0 {MONITOR} # >> {LOG} 2>&1",
    f"0 3 * * 0 {MONITOR} 'a\\' >> {LOG} 2>&1",
    f"0 3 * * 0 {MONITOR} a\\' b\\ c >> {LOG} 2>&1",
    "0 4 1 * * docker exec kamal-proxy kamal-proxy renew-ssl > /dev/null 2>&1",
    '0 4 1 * * docker exec -i "$PROXY" kamal-proxy ls && docker exec a kamal-proxy rm x',
    "0 25 * * * true",
    "hello",
    "5/15 * * * * true",
    "0 2 L * * true",
    "@never true",
    "@daily",
    "0 2 * * *",
    f"*/5 * * * * {MONITOR}\r",
    f"*/5 * * * * {MONITOR}\\r",
    f"# 0 2 * * * {MONITOR}",
    f"@reboot {MONITOR}",
    'BACKUP_ENCRYPT_KEY="a b"\nPATH = /opt/x/bin:/usr/bin\nBACKUP_S3_BUCKET=psyfit-offsite\nEMPTY=\n  # c\n',
]
"""As people write them, right and wrong."""


def judgement(text: str) -> object:
    """All that is made of a crontab anywhere."""
    read = read_crontab(text)

    def of(line: CronLine) -> object:
        names = [found[1] for found in WITHIN.finditer(line.command)]
        paths = [word for word in words_of(line.command) if word.startswith("/")]
        return line.schedule, paths, names, appends_all_to(line.command, LOG), read_calls([line.command])

    flaws = [flaw.number for flaw in read.flaws]
    settings = settings_of(text)
    return flaws, [of(line) for line in read.lines], sorted(settings), settings.get("PATH")


@pytest.mark.parametrize("text", JUDGED)
@pytest.mark.parametrize("end", ["\n", ""])
def test_what_leaves_the_server_is_judged_as_the_whole_crontab(tmp_path: Path, text: str, end: str) -> None:
    whole = f"MAILTO=ops\n{text}{end}"
    assert judgement(told(tmp_path, whole).out) == judgement(whole)


def test_where_there_is_no_crontab_that_is_told(tmp_path: Path) -> None:
    assert told(tmp_path, "", status=1).status == 1
    assert read_crontab(told(tmp_path, "").out) == Crontab((), ())


SECRETS = r"""
# SECRET
MAILTO=SECRET@x.example
API_TOKEN=SECRET
BACKUP_ENCRYPT_KEY="SECRET and SECRET"
SECRET.x=1
0 2 * * * curl -fsS -u SECRET:SECRET https://hc-ping.com/SECRET > /dev/null
0 2 * * * mysqldump -pSECRET psyfit | gzip > /tmp/x && redis-cli -a SECRET ping
0 2 * * * curl -H "Authorization: Basic SECRET" 'https://hooks.slack.com/services/SECRET/SECRET'
0 2 * * * TOKEN=SECRET PIN='SECRET root' A="root SECRET" /x/y --token=SECRET --key SECRET --to=SECRET@x.example
0 2 * * * /x/y%SECRET
0 2 * * * /x/y \%SECRET `SECRET` $(SECRET) ${SECRET} {SECRET} "a\"SECRET" 'a\' SECRET
0 2 * * * /x/y # SECRET
SECRET SECRET SECRET SECRET SECRET SECRET
@SECRET SECRET
"""


def test_nothing_else_of_a_crontab_leaves_the_server(tmp_path: Path) -> None:
    answer = told(tmp_path, SECRETS).out
    assert "/dev/null" in answer
    assert "API_TOKEN=[redacted]" in answer
    assert "SECRET" not in answer


def test_a_value_in_quotes_is_not_told_either_where_its_words_are_known(tmp_path: Path) -> None:
    answer = told(tmp_path, "0 2 * * * PASSWORD='root' B=\"nginx 123\" /x/y\n").out
    assert answer == "0 2 * * * PASSWORD='[redacted]' B=\"[redacted] [redacted]\" /x/y\n"


# Certbot's lines and hooks


def certbots(folder: Path) -> str:
    """What the question about certbot answers where its files and cron's are in this folder."""
    program = folder / "crontab"
    program.write_text(f"#!/bin/sh\ncat {folder}/own\n")
    program.chmod(0o755)
    script = CERTBOT.render({"app": APP, "files": ("/x.pem",)}).replace("/etc/", f"{folder}/")
    environment = {"LC_ALL": "C", "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=10, env=environment)
    return done.stdout.replace(f"{folder}/", "/etc/")


def test_of_certbots_hooks_and_lines_only_what_is_read_leaves_the_server(tmp_path: Path) -> None:
    for name in ("letsencrypt/renewal", "cron.d"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "letsencrypt/renewal/psytech.jp.conf").write_text(
        "authenticator = webroot\nwebroot_path = /srv/w,\naccount = SECRET\n"
        "renew_hook = curl https://x/SECRET?t=%SECRET && systemctl reload nginx\npre_hook = SECRET\n"
    )
    (tmp_path / "letsencrypt/cli.ini").write_text(
        "post-hook = TOKEN=SECRET nginx -s reload\nemail = SECRET@x.example\n"
    )
    (tmp_path / "cron.d/certbot").write_text(
        "0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system && certbot -q renew --email SECRET\n"
    )
    (tmp_path / "own").write_text("17 3 * * * certbot renew && curl https://hc-ping.com/SECRET\n")
    answer = certbots(tmp_path)
    assert "SECRET" not in answer
    read = read_certbot(answer.splitlines())
    (kept,) = read.configured
    assert (kept.authenticator, kept.webroot, bool(kept.stops_before)) == ("webroot", "/srv/w", True)
    assert "reload nginx" in kept.hook
    assert "nginx -s reload" in read.hooks[0]
    assert len(read.runs) == 2
    assert "-d /run/systemd/system" in read.runs[0]


@pytest.mark.parametrize("line", ["0 2 * * * /x/y " + "a " * 500_000, "0 2 * * * " + "nginx-" * 170_000 + "!"])
def test_a_line_longer_than_cron_takes_is_told_as_one_word_and_at_once(line: str, tmp_path: Path) -> None:
    assert told(tmp_path, f"{line}\n#{line}\n").out.splitlines() == ["[redacted]", "#"]
