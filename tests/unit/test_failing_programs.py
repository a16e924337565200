"""What a question comes to where one of its programs fails: never to an answer that looks like a good one.

Under test is the declared text itself, run by sh, with the program that fails first on its PATH.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from checks.backups.backup_files import LIST
from checks.backups.volume_archives import COMPARED, read_contents
from checks.database.migrations import IN_IMAGE
from checks.deploy.crash_causes import LAST_WORDS
from checks.edge.kamal_proxy_commands import CALLED
from checks.server.ports_and_logs import DELETED_LOGS, SERVICE_LOGS
from runbook.model.question import Command, Output

WITHOUT_FILES = 'case "$*" in *-f*) echo "usage: date" >&2; exit 1;; esac; exec /bin/date "$@"'
WITHOUT_LINKS = 'case "$*" in *-lname*) exit 1;; esac; exec /usr/bin/find "$@"'
DOCKER = 'case "$1" in inspect) echo /app;; logs) echo words;; cp) cat "$ARCHIVE"; exit "$COPIED";; esac'


def run(question: Command, place: Path, programs: Mapping[str, str], **environment: str) -> Output:
    """What sh makes of a question about this place, where these programs are called before the machine's own."""
    own = place / "own"
    own.mkdir()
    for name, body in programs.items():
        (own / name).write_text(f"#!/bin/sh\n{body}\n")
        (own / name).chmod(0o755)
    logs = {name: str(place / f"{name}.log") for name in ("monitor_log", "backup_log", "cleanup_log")}
    script = question.render({"app": str(place), "backups": str(place), "docker_root": str(place), **logs})
    ended = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": f"{own}:/usr/bin:/bin", "LC_ALL": "C", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return Output(ended.returncode, ended.stdout, ended.stderr)


FAILS = "echo 'usage: another version' >&2; exit 2"


@pytest.mark.parametrize(
    ("question", "programs"),
    [
        (LIST, {"date": WITHOUT_FILES}),
        (DELETED_LOGS, {"find": WITHOUT_LINKS}),
        (SERVICE_LOGS, {"stat": 'case "$*" in *monitor*) exit 1;; esac'}),
        (LAST_WORDS.with_values(containers=["web"]), {"grep": FAILS, "docker": DOCKER}),
        (CALLED, {"sed": FAILS}),
    ],
    ids=["times in names", "processes' files", "one of two logs", "known words", "scripts"],
)
def test_a_program_that_fails_is_not_one_that_found_nothing(
    question: Command, programs: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("monitor_log.log", "backup_log.log", "bin/a.sh"):
        (tmp_path / name).write_text("a line\n")
    assert run(question, tmp_path, programs).status != 0


def test_what_these_questions_come_to_where_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "a.sh").write_text("docker exec p kamal-proxy list  # docker exec p kamal-proxy rm\n")
    assert run(CALLED, tmp_path, {}).out.splitlines().count("docker exec p kamal-proxy list") == 1


def archive(*names: str, ended: bool) -> bytes:
    """A tar of empty files; without its end it is what a copy leaves that broke off between two of them."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    return made.getvalue() if ended else made.getvalue()[: 512 * len(names)]


@pytest.mark.parametrize(
    ("ended", "copied", "status"), [(True, "0", 0), (False, "1", 1), (True, "3", 3)], ids=["whole", "cut off", "failed"]
)
def test_a_copy_of_the_migrations_that_broke_off_is_not_taken_for_all_of_them(
    ended: bool, copied: str, status: int, tmp_path: Path
) -> None:
    (tmp_path / "a.tar").write_bytes(archive("migrate/1_a.rb", "migrate/2_b.rb", ended=ended))
    told = run(
        IN_IMAGE.with_values(release="web"), tmp_path, {"docker": DOCKER}, ARCHIVE=f"{tmp_path}/a.tar", COPIED=copied
    )
    assert told.status == status
    assert told.lines == ("migrate/1_a.rb", "migrate/2_b.rb")


@pytest.mark.parametrize(
    ("why", "unread"), [("Permission denied", 1), ("Input/output error", 1), ("No such file or directory", 0)]
)
def test_files_of_a_volume_that_cannot_be_read_are_counted_but_for_those_that_are_gone(
    why: str, unread: int, tmp_path: Path
) -> None:
    volume, file = tmp_path / "volume", tmp_path / "v.tar.gz"
    volume.mkdir()
    (volume / "x").write_text("x")
    with tarfile.open(file, "w:gz") as made:
        made.add(volume, ".")
    asked = COMPARED.with_values(folder=str(volume), file=str(file), made="9999999999")
    told = run(asked, tmp_path, {"stat": f"echo \"stat: cannot statx 'x': {why}\" >&2; exit 1"})
    assert read_contents(told.required("the volume").out)["unread"] == unread
