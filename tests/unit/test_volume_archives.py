"""What has to be saved beside the database is judged by its archives, and what is in them is counted on the server."""

from __future__ import annotations

import contextlib
import subprocess
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backups.backup_files import LIST, Backup
from checks.backups.encrypted_backups import HEADS, NOT_ENCRYPTED, EncryptedBackup
from checks.backups.volume_archives import (
    COMPARED,
    Contents,
    archives,
    contents_of_archives,
    plain_key_archives,
    read_contents,
    sealed_archives,
    volumes_of_releases,
)
from checks.docker.containers import CONTAINERS
from checks.formats.openpgp import ANYBODY
from runbook.model.outcome import Mismatch, NotApplicable, Undetermined
from runbook.model.question import Output, Question
from runbook.model.target import BackupsSettings, Target
from runbook.model.template import template_values
from steps import saved
from tests.unit.answering import looking

TARGET = Target(
    name="t", environment="lab", address="127.0.0.1", domain="example.test", backups=BackupsSettings(volumes=("files",))
)
NOW = 1_771_002_000
HOUR = 3600
KEY = frozenset({"A"})
LISTED = f"""now {NOW}
folder
file 10 {NOW} /b/psyfit_production_20260213_020000.sql.gz
file 10 {NOW} /b/pre_restore_psyfit_production_20260213_020000.sql.gz
file 10 {NOW} /b/files_20260213_020000.tar.gz
file 10 {NOW} /b/files_20260213_020000.sql.gz
file 10 {NOW} /b/files_20260214_020000.tar.gz.gpg
file 10 {NOW} /b/files_20260214_020000.tar.gz.part
file 10 {NOW} /b/psyfit_keys_20260214_020000.tar.gpg
named 20260213_020000 {NOW - 24 * HOUR}
named 20260214_020000 {NOW}
"""


def archive(name: str, hours: float = 1) -> Backup:
    made = datetime.fromtimestamp(NOW - hours * HOUR, UTC)
    return Backup(f"/b/{name}", 10, made, made, datetime.fromtimestamp(NOW, UTC))


def found(**archives: tuple[Backup, ...]) -> dict[str, tuple[Backup, ...]]:
    return {"files": (), "psyfit_keys": (), **archives}


def sealed(*recipients: str, by_passphrase: bool = False, flaw: str | None = None) -> dict[str, EncryptedBackup]:
    one = EncryptedBackup(archive("psyfit_keys_1.tar.gpg"), recipients, by_passphrase, flaw)
    return {"psyfit_keys": one, "files": one}


def test_archives_are_known_by_the_beginning_of_their_names() -> None:
    seen = looking(TARGET, {LIST: Output(0, LISTED, "")}).observe(archives)
    assert {name: [one.name for one in files] for name, files in seen.items()} == {
        "files": ["files_20260213_020000.tar.gz", "files_20260214_020000.tar.gz.gpg"],
        "psyfit_keys": ["psyfit_keys_20260214_020000.tar.gpg"],
    }


def test_what_is_in_an_encrypted_archive_is_not_asked() -> None:
    snapshot = looking(TARGET, {LIST: Output(0, LISTED, "")})
    assert snapshot.observe(contents_of_archives) == ()
    with pytest.raises(NotApplicable, match="only the holder of the private key"):
        saved.the_archives_are_whole(())


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        ((), "no archive of files"),
        ((archive("files_1.tar.gz", 25),), "25.0 h ago"),
        ((archive("f", -1),), "60 min ahead of the clock"),
        ((archive("f", -1.1 / 60),), "66 s ahead of the clock"),
    ],
)
def test_a_volume_without_a_new_archive_is_told(files: tuple[Backup, ...], seen: str) -> None:
    snapshot = looking(TARGET, {})
    for hours in (-1 / 60, 24.9):
        saved.the_files_are_saved(snapshot, found(files=(archive("files_1.tar.gz", hours),)), 25)
    with pytest.raises(Mismatch, match=seen):
        saved.the_files_are_saved(snapshot, found(files=files), 25)


def test_without_a_volume_that_has_to_be_saved_nothing_is_judged() -> None:
    target = TARGET.model_copy(update={"backups": BackupsSettings()})
    with pytest.raises(NotApplicable, match=r"backups\.volumes"):
        saved.the_files_are_saved(looking(target, {}), {"psyfit_keys": ()}, 25)


def plain_keys(archives: tuple[Backup, ...], plain: str = "") -> tuple[str, ...]:
    """The archives of the keys that are plain, where the server says so of this one's first octets."""
    listed = "".join(f"file 10 {NOW} {one.path}\n" for one in archives)
    sealed_ones = [one for one in archives if one.encrypted]
    heads = "".join(f"head {one.path} {'plain' if one.name == plain else '85'}\n" for one in sealed_ones)
    answers: dict[Question[Any], object] = {
        LIST: Output(0, f"now {NOW}\nfolder\n{listed}", ""),
        HEADS.with_values(files=[one.path for one in sealed_ones]): Output(0, heads, ""),
    }
    return looking(TARGET, answers).observe(plain_key_archives)


def test_keys_in_plain_are_told_and_so_are_none() -> None:
    snapshot = looking(TARGET, {})
    good, plain = archive("psyfit_keys_1.tar.gpg"), archive("psyfit_keys_2.tar")
    saved.the_keys_are_saved(snapshot, found(psyfit_keys=(good,)), 25)
    saved.no_plain_keys(plain_keys((good,)))
    with pytest.raises(Mismatch, match=r"seen: psyfit_keys_2\.tar;"):
        saved.no_plain_keys(plain_keys((good, plain)))
    with pytest.raises(Mismatch, match="seen: none"):
        saved.the_keys_are_saved(snapshot, found(), 25)
    with pytest.raises(Mismatch, match="plain ones alone"):
        saved.the_keys_are_sealed_rightly(snapshot, {}, KEY)


def test_keys_that_lie_there_plain_under_the_name_of_an_encrypted_archive_are_plain() -> None:
    snapshot, one = looking(TARGET, {}), sealed(flaw=NOT_ENCRYPTED)["psyfit_keys"]
    older, newest = archive("psyfit_keys_1.tar.gpg", 48), archive("psyfit_keys_2.tar.gpg")
    with pytest.raises(Mismatch, match=rf"seen: {older.name};.*8\.2"):
        saved.no_plain_keys(plain_keys((older, newest), plain=older.name))
    with pytest.raises(Mismatch, match=r"expected: an archive that is encrypted; .*it is not encrypted.*8\.2"):
        saved.the_keys_are_sealed_rightly(snapshot, {"psyfit_keys": one}, KEY)


@pytest.mark.parametrize(
    "archives",
    [sealed("B"), sealed("A", "B"), sealed(), sealed("A", by_passphrase=True), sealed("A", flaw="it breaks off")],
)
def test_an_archive_is_whole_and_for_the_backup_key_alone(archives: dict[str, EncryptedBackup]) -> None:
    snapshot = looking(TARGET, {})
    saved.the_keys_are_sealed_rightly(snapshot, sealed("A"), KEY)
    for judge in (saved.the_keys_are_sealed_rightly, saved.the_files_are_sealed_rightly):
        with pytest.raises(Mismatch):
            judge(snapshot, archives, KEY)


def test_an_archive_that_hides_who_opens_it_is_not_told() -> None:
    with pytest.raises(Undetermined, match="does not reveal its recipient key"):
        saved.the_keys_are_sealed_rightly(looking(TARGET, {}), sealed(ANYBODY), KEY)


def test_without_a_key_to_compare_with_it_is_not_told() -> None:
    with pytest.raises(Undetermined, match=r"names no backups\.encryption_key"):
        saved.the_keys_are_sealed_rightly(looking(TARGET, {}), sealed("A"), None)


def test_old_archives_are_told_but_not_the_newest_seven() -> None:
    old = tuple(archive(f"files_{number}.tar.gz", 24 * 40) for number in range(8))
    saved.old_archives_are_removed(found(files=old[1:]), 32, 7)
    saved.old_archives_are_removed(found(files=(archive("files_0.tar.gz", 24 * 32), *old[1:])), 32, 7)
    with pytest.raises(Mismatch, match=r"seen: files_0\.tar\.gz;"):
        saved.old_archives_are_removed(found(files=(archive("files_0.tar.gz", 24 * 32 + 0.1), *old[1:])), 32, 7)


def container(name: str, *mounts: Mapping[str, str]) -> dict[str, Any]:
    return {"Name": f"/{name}", "Mounts": list(mounts)}


def test_a_volume_that_nobody_saves_is_told_with_its_releases() -> None:
    volume, other, folder = (
        {"Type": "volume", "Name": "files", "Source": "/v/files"},
        {"Type": "volume", "Name": "exports", "Source": "/v/exports"},
        {"Type": "bind", "Source": "/etc"},
    )
    inspected = (
        container("psyfit-web-2", volume, other, folder),
        container("psyfit-web-1", volume),
        container("psyfit-db", {"Type": "volume", "Name": "db", "Source": "/v/db"}),
    )
    snapshot = looking(TARGET, {CONTAINERS: inspected})
    volumes = snapshot.observe(volumes_of_releases)
    assert volumes == {"exports": ("psyfit-web-2",), "files": ("psyfit-web-1", "psyfit-web-2")}
    with pytest.raises(Mismatch, match="seen: exports of psyfit-web-2;"):
        saved.every_volume_is_named(snapshot, volumes)
    saved.every_volume_is_named(snapshot, {"files": ("psyfit-web-1",)})
    saved.every_volume_is_named(snapshot, {})
    none = looking(TARGET.model_copy(update={"backups": BackupsSettings()}), {})
    with pytest.raises(NotApplicable, match="no web release has a volume"):
        saved.every_volume_is_named(none, {})
    with pytest.raises(Mismatch, match="seen: exports of psyfit-web-2, files of psyfit-web-1, psyfit-web-2;"):
        saved.every_volume_is_named(none, volumes)


# What is in an archive


def test_a_volume_that_no_container_has_cannot_be_compared() -> None:
    listed = LISTED.replace("files_20260214_020000.tar.gz.gpg", "files_20260214_020000.tar.gz")
    snapshot = looking(TARGET, {LIST: Output(0, listed, ""), CONTAINERS: (container("psyfit-web-1"),)})
    with pytest.raises(Undetermined, match="no container mounts the volume"):
        snapshot.observe(contents_of_archives)


COUNTED = "tar {}\nfiles 1\nbytes 5\nkept 3\nmissing 2\nunread 0\n"


def counted(tar: int, modified: int, unread: int = 0) -> tuple[Contents, ...]:
    """What is seen of a plain archive that tar ended with this, beside a volume without any and keys in plain."""
    target = TARGET.model_copy(update={"backups": BackupsSettings(volumes=("files", "empty"))})
    listed = f"now {NOW}\nfolder\nfile 10 {modified} /b/files_1.tar.gz\nfile 10 {modified} /b/psyfit_keys_1.tar\n"
    volume = {"Type": "volume", "Name": "files", "Source": "/v/files"}
    question = COMPARED.with_values(folder="/v/files", file="/b/files_1.tar.gz", made=str(modified))
    answers: dict[Question[Any], object] = {
        LIST: Output(0, listed, ""),
        CONTAINERS: ({"Name": "/none", "Mounts": None}, container("psyfit-web-1", volume)),
        question: Output(0, COUNTED.format(tar).replace("unread 0", f"unread {unread}"), ""),
    }
    return looking(target, answers).observe(contents_of_archives)


def test_an_archive_that_is_not_whole_is_told_unless_it_is_still_written() -> None:
    (whole,) = counted(0, NOW)
    assert whole == Contents("files_1.tar.gz", True, 1, 5, 3, 2)
    saved.the_archives_are_whole((whole,))
    with pytest.raises(Mismatch, match=r"files_1\.tar\.gz lacks 2 of the 3 files"):
        saved.the_files_are_in_it((whole,))
    with pytest.raises(Mismatch, match=r"files_1\.tar\.gz cannot be read to its last byte"):
        saved.the_archives_are_whole(counted(1, NOW - 60))
    with pytest.raises(Undetermined, match="less than a minute ago"):
        counted(1, NOW - 59)


def test_a_volume_of_which_something_could_not_be_read_is_not_taken_for_saved() -> None:
    with pytest.raises(Undetermined, match="2 files or folders of the volume"):
        counted(0, NOW, unread=2)


def test_files_that_are_not_in_the_archive_are_told_and_of_none_nothing() -> None:
    empty, full, new = (
        Contents(name, True, files, 0, kept, 0) for name, files, kept in (("a", 0, 0), ("b", 1, 0), ("c", 0, 1))
    )
    for one in (full, new):
        saved.the_files_are_in_it((empty, one))
    with pytest.raises(NotApplicable, match="the volumes are empty"):
        saved.the_files_are_in_it((empty,))
    with pytest.raises(Mismatch, match=r"seen: d lacks 1 of the 2 files of the volume that are older than it;"):
        saved.the_files_are_in_it((full, Contents("d", True, 1, 0, 2, 1)))


@pytest.mark.parametrize("text", ["tar 0\n", COUNTED.format(0).replace("3", "-1"), f"{COUNTED.format(0)}more 1\n"])
def test_counts_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="other words"):
        read_contents(text)


def test_of_the_encrypted_archives_the_newest_is_read_whatever_plain_ones_there_are() -> None:
    plain = f"file 10 {NOW} /b/files_20260215_020000.tar.gz\nnamed 20260215_020000 {NOW + 24 * HOUR}\n"
    listed = LISTED + plain
    paths = ["/b/files_20260214_020000.tar.gz.gpg", "/b/psyfit_keys_20260214_020000.tar.gpg"]
    heads = "".join(f"head {path} 840c03{'A' * 16}01d20101\n" for path in paths)
    answers: dict[Question[Any], object] = {
        LIST: Output(0, listed.replace(f"file 10 {NOW}", f"file 10 {NOW - 60}"), ""),
        HEADS.with_values(files=paths): Output(0, heads, ""),
    }
    seen = looking(TARGET, answers).observe(sealed_archives)
    assert {name: one.file.path for name, one in seen.items()} == dict(
        zip(("files", "psyfit_keys"), paths, strict=True)
    )


def compared(volume: Path, file: Path, made: int) -> Contents:
    """What the declared command answers for these, and what is made of it."""
    script = COMPARED.with_values(folder=str(volume), file=str(file), made=str(made)).render(template_values(TARGET))
    told = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    )
    assert told.returncode == 0, told.stderr
    answer = read_contents(told.stdout)
    assert answer["unread"] == 0
    return Contents("x", answer["tar"] == 0, answer["files"], answer["bytes"], answer["kept"], answer["missing"])


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """Two files, one with a name that needs care."""
    folder = tmp_path / "volume"
    (folder / "ab").mkdir(parents=True)
    (folder / "ab" / "abcd").write_bytes(b"12345")
    (folder / "検査 1\n\\.pdf").write_bytes(b"123")
    return folder


def archived(volume: Path, path: Path, *left_out: str) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as made:
        made.add(volume, ".", filter=lambda one: None if Path(one.name).name in left_out else one)
    return path


def test_an_archive_is_compared_with_its_volume(volume: Path, tmp_path: Path) -> None:
    later = int(datetime.now(UTC).timestamp()) + 10
    whole = archived(volume, tmp_path / "whole.tar.gz")
    assert compared(volume, whole, later) == Contents("x", True, 2, 8, 2, 0)
    assert compared(volume, archived(volume, tmp_path / "part.tar.gz", "abcd"), later).missing == 1
    (volume / "ab" / "abcd").write_bytes(b"123456")
    assert compared(volume, whole, later).missing == 1, "a file of another size is another file"
    assert compared(volume, whole, later - 1000).kept == 0, "what has changed since is not asked for"


def test_an_archive_that_is_cut_off_is_not_whole(volume: Path, tmp_path: Path) -> None:
    whole = archived(volume, tmp_path / "whole.tar.gz").read_bytes()
    cut = tmp_path / "cut.tar.gz"
    for length in (0, len(whole) // 2, len(whole) - 4):
        cut.write_bytes(whole[:length])
        assert not compared(volume, cut, 0).whole


WORDS = st.sampled_from(["tar", "files", "bytes", "kept", "missing", "unread", "0", "-1", "x", "9" * 30])


@given(st.one_of(st.text(max_size=12), st.lists(st.tuples(WORDS, WORDS).map(" ".join), max_size=6).map("\n".join)))
def test_a_foreign_answer_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert read_contents(text).keys() == {"tar", "files", "bytes", "kept", "missing", "unread"}
