"""The list of backups, and what an encrypted one shows without its private key, are read rightly."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backups import backup_files, encrypted_backups, encryption_key, newest_backup
from checks.backups.backup_files import LIST, Backup, read_list
from checks.backups.encrypted_backups import HEADS, PARTS, EncryptedBackup, read_heads, read_parts
from checks.formats.ages import Ago
from checks.formats.openpgp import (
    HEAD_BYTES,
    CutOff,
    Head,
    Message,
    NotOpenPgp,
    Part,
    end_of_parts,
    key_ids,
    read_head,
    read_length,
    read_message,
)
from checks.formats.pg_dump import READ
from drills.restore.session_key import BEGINNING, _shown_by_gpg
from drills.restore.session_key import SESSION_KEY as SESSION_KEY_TOLD
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Output, Question
from runbook.model.target import PathsSettings, Target
from runbook.model.template import template_values
from tests.unit.answering import looking

TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")
SESSION_KEY = bytes([0x84, 10, 3]) + bytes.fromhex("0123456789ABCDEF") + b"\1"
PASSPHRASE = bytes([0x8C, 4, 4, 9, 0, 8])
SEALED = bytes([0xD2, 5]) + b"12345"
PART_BYTES = 512
LISTED = """now 1771002000
file 10 1770915600 /b/psyfit_production_20260213_020000.sql.gz
file 30 1771002000 /b/psyfit_production_20260214_020000.sql.gz.gpg
file 20 1771001999 /b/psyfit_production_before the move.sql.gz
file 20 1771001999 /b/psyfit_production_20260214_020001.sql.gz.part
named 20260213_020000 1770915600
named 20260214_020000 1771002000
"""


# The list


def test_backups_are_listed_oldest_first() -> None:
    assert [(one.size_bytes, one.encrypted) for one in read_list(LISTED)] == [(10, False), (20, False), (30, True)]


def test_a_name_without_a_time_leaves_the_files_own() -> None:
    _, nameless, _ = read_list(LISTED)
    assert nameless.named_at is None
    assert nameless.made_at == datetime.fromtimestamp(1771001999, UTC)


def test_the_time_in_a_name_comes_before_the_files_own() -> None:
    (one,) = read_list("now 9\nfile 1 8 /b/a_20260213_020000.sql.gz\nnamed 20260213_020000 5\n")
    assert one.made_at == datetime.fromtimestamp(5, UTC)


def test_what_was_written_to_just_now_may_be_unfinished() -> None:
    assert [one.may_be_unfinished for one in read_list(LISTED)] == [False, True, True]


def test_none_are_none() -> None:
    assert read_list("now 1771002000\n") == []


@given(st.text())
def test_any_list_is_read_or_refused(text: str) -> None:
    for reader in (read_list, read_heads, read_parts):
        with contextlib.suppress(ValueError, LookupError):
            reader(text)
    with contextlib.suppress(ValueError, LookupError):
        read_list(f"now 1\nfile 1 {text}\nnamed {text}")


def _list_of(folder: Path) -> Output:
    """What the declared command answers for this folder of backups."""
    target = TARGET.model_copy(update={"paths": PathsSettings(backups=str(folder))})
    command = ["sh", "-c", LIST.render(template_values(target))]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    return Output(done.returncode, done.stdout, done.stderr)


def _seen(answer: Output) -> tuple[Backup, ...]:
    return looking(TARGET, {LIST: answer}).observe(backup_files.backups)


def test_a_folder_that_is_a_link_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/psyfit_production_20260213_020000.sql.gz").write_bytes(b"x")
    (tmp_path / "link").symlink_to("there")
    (found,) = _seen(_list_of(tmp_path / "link"))
    assert (found.size_bytes, found.named_at is not None) == (1, True)


@pytest.mark.parametrize("there", [True, False])
def test_an_empty_folder_and_none_hold_no_backup(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "backups"
    if there:
        folder.mkdir()
    answer = _list_of(folder)
    assert (answer.status == 0) is there
    assert _seen(answer) == ()


def test_a_file_that_is_rotated_away_meanwhile_takes_no_other_with_it() -> None:
    said = "stat: cannot statx '/b/psyfit_production_20260101_020000.sql.gz': No such file or directory\n"
    found = _seen(Output(1, LISTED.replace("\n", "\nfolder\n", 1), said))
    assert len(found) == 3


def test_a_file_that_is_told_to_be_gone_takes_no_listing_with_it() -> None:
    assert len(_seen(Output(0, LISTED, "no such file"))) == 3


def test_a_listing_that_failed_otherwise_is_no_listing() -> None:
    with pytest.raises(Undetermined):
        _seen(Output(1, LISTED, "find: Input/output error\n"))


def test_what_is_beside_the_dumps_of_the_database_is_no_backup() -> None:
    beside = ("/b/other_20260213_020000.sql.gz", "/b/psyfit_production_20260213_020000.tar")
    assert len(_seen(Output(0, LISTED + "".join(f"file 1 1 {path}\n" for path in beside), ""))) == 3


def test_plain_ones_are_read_whole_and_encrypted_ones_by_their_heads() -> None:
    sealed = f"{PLAIN}.gpg"
    octets = SESSION_KEY + SEALED
    listed = f"now 1771002000\nfile 1 1 {PLAIN}\nfile {len(octets)} 1 {sealed}\n"
    answers: dict[Question[Any], object] = {
        LIST: Output(0, listed, ""),
        READ.with_values(file=PLAIN): Output(0, DUMPED, ""),
        HEADS.with_values(files=[sealed]): Output(0, f"head {sealed} {octets.hex()}\n", ""),
    }
    snapshot = looking(TARGET, answers)
    assert [one.file.path for one in snapshot.observe(backup_files.plain_backups)] == [PLAIN]
    assert [one.file.path for one in snapshot.observe(encrypted_backups.encrypted_backups)] == [sealed]


# The newest one

PLAIN = "/b/psyfit_production_20260214_010000.sql.gz"
DUMPED = "begins 1\ncompletes 1\nafter 0\nbytes 100\ngzip 0\n"


def _newest(dumped: str = DUMPED, modified: int = 1770998400, columns: tuple[str, ...] = ()) -> Any:
    """The newest backup, made an hour ago, as it is seen by what is in it."""
    listed = f"now 1771002000\nfile 10 {modified} {PLAIN}\nnamed 20260214_010000 1770998400\n"
    target = TARGET.model_copy(update={"backups": TARGET.backups.model_copy(update={"freshness_columns": columns})})
    answers: dict[Question[Any], object] = {
        LIST: Output(0, listed, ""),
        READ.with_values(file=PLAIN): Output(0, dumped, ""),
    }
    return looking(target, answers).observe(newest_backup.newest_backup)


def test_its_age_is_by_its_name_where_nothing_else_tells_it() -> None:
    found = _newest()
    assert (found.flaw, found.age.made, found.age.by) == (None, Ago(3600), "its name")


def test_its_age_cannot_be_told_where_rows_should_and_there_are_none() -> None:
    assert _newest(columns=("a.created_at",)).age is None


def test_one_that_is_not_whole_is_told_unless_it_is_still_written() -> None:
    broken = DUMPED.replace("gzip 0", "gzip 1")
    assert _newest(broken).flaw == "it cannot be decompressed to its last byte"
    assert _newest(broken, modified=1771001940).flaw
    assert _newest(modified=1771001941).flaw is None
    with pytest.raises(Undetermined, match="less than a minute ago"):
        _newest(broken, modified=1771001941)


def test_where_there_is_none_there_is_no_newest() -> None:
    assert looking(TARGET, {LIST: Output(0, "now 1771002000\n", "")}).observe(newest_backup.newest_backup) is None


def test_an_armoured_backup_is_not_judged() -> None:
    path = "/b/psyfit_production_20260214_020000.sql.gz.gpg"
    answers: dict[Question[Any], object] = {
        LIST: Output(0, f"now 1771002000\nfile 99 1770998400 {path}\n", ""),
        HEADS.with_values(files=[path]): Output(0, f"head {path} {b'-----BEGIN PGP MESSAGE'.hex()}\n", ""),
    }
    with pytest.raises(Undetermined, match="is armoured"):
        looking(TARGET, answers).observe(newest_backup.newest_backup)


# An encrypted backup


def test_where_none_is_encrypted_none_is_read() -> None:
    assert looking(TARGET, {LIST: Output(0, "now 1771002000\n", "")}).observe(encrypted_backups.encrypted_backups) == ()


def test_without_a_key_of_the_target_there_is_no_key_to_compare() -> None:
    assert looking(TARGET, {}).observe(encryption_key.backup_key) is None


def _sealed(octets: bytes, size: int, age_seconds: int = 3600, parts: str = "") -> EncryptedBackup:
    """What is seen of one encrypted backup that begins like this."""
    now, path = 1771002000, "/b/psyfit_production_20260214_020000.sql.gz.gpg"
    listed = f"now {now}\nfolder\nfile {size} {now - age_seconds} {path}\n"
    heads = Output(0, f"head {path} {octets.hex()}\n", "")
    in_parts = PARTS.with_values(file=path, first=str(len(SESSION_KEY) + 1), width=str(1 + PART_BYTES))
    answers: dict[Question[Any], object] = {
        LIST: Output(0, listed, ""),
        HEADS.with_values(files=[path]): heads,
        in_parts: Output(0, parts, ""),
    }
    snapshot = looking(TARGET, answers)
    (one,) = snapshot.observe(encrypted_backups.encrypted_backups)
    return one


def test_a_whole_encrypted_backup_has_no_flaw() -> None:
    octets = SESSION_KEY + SEALED
    assert _sealed(octets, len(octets), age_seconds=1).flaw is None


def test_one_that_names_no_key_hides_who_opens_it() -> None:
    octets = bytes([0x84, 10, 3, *bytes(8), 1]) + SEALED
    assert _sealed(octets, len(octets)).hides_recipients
    assert not _sealed(SESSION_KEY + SEALED, len(octets)).hides_recipients


def test_one_that_is_not_whole_has_a_flaw() -> None:
    assert _sealed(SESSION_KEY + SEALED[:-1], len(SESSION_KEY + SEALED) - 1).flaw == "1 bytes are missing at its end"


@pytest.mark.parametrize(
    ("octets", "flaw"),
    [
        (SESSION_KEY, "it ends before its data"),
        (SESSION_KEY + SEALED[:2], "5 bytes are missing at its end"),
        (SESSION_KEY + bytes([0xC9, 1, 0]), "it has no integrity protection"),
    ],
)
def test_why_one_is_not_whole(octets: bytes, flaw: str) -> None:
    assert _sealed(octets, len(octets)).flaw == flaw


@pytest.mark.parametrize(
    ("last", "flaw"),
    [
        ("191", None),
        ("190", "1 bytes follow after its end"),
        ("192", "it breaks off inside its data"),
        ("224", "it breaks off inside its data"),
    ],
)
def test_one_in_parts_ends_with_its_last_part(last: str, flaw: str | None) -> None:
    first = len(SESSION_KEY) + 1
    end = first + 1 + PART_BYTES
    parts = f"part {first} 233\npart {end} {last}\n"
    assert _sealed(SESSION_KEY + bytes([0xD2, 233]), end + 1 + 191, parts=parts).flaw == flaw


def test_one_that_is_not_whole_and_may_still_be_written_is_undetermined() -> None:
    with pytest.raises(Undetermined, match="written to less than a minute ago"):
        _sealed(SESSION_KEY + SEALED[:-1], len(SESSION_KEY + SEALED) - 1, age_seconds=59)


@pytest.mark.parametrize(
    "octets", [SESSION_KEY * 40, SESSION_KEY * 40 + SESSION_KEY[:1], SESSION_KEY * 40 + SESSION_KEY[:5]]
)
def test_more_recipients_than_are_read_are_undetermined_and_no_flaw(octets: bytes) -> None:
    with pytest.raises(Undetermined, match="than the 16384 bytes that are read"):
        _sealed(octets, len(octets) + 1)
    assert _sealed(octets, len(octets)).flaw


def test_as_many_bytes_are_read_as_is_said() -> None:
    assert f"head -c {HEAD_BYTES} " in encrypted_backups.HEADS.script


# What leaves the server of a file that is called encrypted

WRITTEN_PLAIN = [
    b"RAILS_MASTER_KEY=0123456789abcdef\n" * 900,
    b"\x1f\x8b\x08\0" + b"SECRET" * 40,
    b".kamal/secrets" + bytes(86) + b"SECRET" * 400,
    "école.env".encode() + b"SECRET" * 400,
    "患者.csv".encode() + b"SECRET" * 400,
    "患者".encode("euc-jp") + b"SECRET" * 400,
    b"\xcb\x0bb\0\0\0\0\0SECRET",
    b"\xa3\x01SECRET",
    bytes([0xD2, 9, 5]) + b"SECRET" * 400,
    bytes([0xC3, 200, 4]) + b"SECRET",
    bytes([0xC1, 0xFF, 0, 1, 0, 0, 3]) + b"SECRET" * 4000,
    bytes(5000),
]
"""Plain under the name of an encrypted file: text, gzip, tar (also with names that begin with a high bit), what gpg has
only packed or signed, and what by chance begins as a packet does."""


def _on_server(question: Command, folder: Path, contents: Sequence[bytes]) -> list[str]:
    """What the server answers for files with these contents, one after the other."""
    files = [folder / f"{number}_20260214_020000.tar.gpg" for number in range(len(contents))]
    for file, octets in zip(files, contents, strict=True):
        file.write_bytes(octets)
    asked = (
        [question.with_values(files=list(map(str, files)))]
        if question is HEADS
        else [question.with_values(file=str(file)) for file in files]
    )
    environment = {**os.environ, "LC_ALL": "C"}
    done = [
        subprocess.run(["sh", "-c", one.render({})], capture_output=True, text=True, check=True, env=environment)
        for one in asked
    ]
    return [line for one in done for line in one.stdout.splitlines()]


@pytest.mark.parametrize("question", [HEADS, BEGINNING])
def test_no_octet_of_a_file_that_is_not_encrypted_leaves_the_server(question: Command, tmp_path: Path) -> None:
    told = [line.rpartition(" ")[2] for line in _on_server(question, tmp_path, WRITTEN_PLAIN)]
    assert told == ["plain"] * len(WRITTEN_PLAIN)


def test_what_is_not_encrypted_is_told_to_be_that() -> None:
    path = "/b/psyfit_production_20260214_020000.sql.gz.gpg"
    answers: dict[Question[Any], object] = {
        LIST: Output(0, f"now 1771002000\nfile 99 1770998400 {path}\n", ""),
        HEADS.with_values(files=[path]): Output(0, f"head {path} plain\n", ""),
    }
    (found,) = looking(TARGET, answers).observe(encrypted_backups.encrypted_backups)
    assert found.plain
    assert found.flaw == "it is not encrypted, despite its name"


@pytest.mark.parametrize("question", [HEADS, BEGINNING])
def test_the_evidence_keeps_no_octet_of_a_backup(question: Command) -> None:
    assert not question.keep_answer


DATA_ITSELF = b"\1DATA-ITSELF" * 3000


def _messages() -> list[bytes]:
    """Encrypted files whose packets are framed in every way that there is."""
    keyed = [SESSION_KEY, PASSPHRASE, bytes([0xC1, 12, 3]) + bytes(11), bytes([0x85, 1, 0, 3]) + bytes(255)]
    keyed += [bytes([0xC1, 0xC1, 0x40, 3]) + bytes(511), bytes([0xC3, 0xFF, 0, 0, 0, 9, 4]) + bytes(8)]
    keyed += [bytes([0x86, 0, 0, 0, 12, 3]) + bytes(11), SESSION_KEY + PASSPHRASE, SESSION_KEY * 3]
    data = [b"\xd2\x05", b"\xd2\xc1\x00", b"\xd2\xff\0\1\0\0", b"\xd2\xed", b"\xd4\xe0", b"\xc9\x20", b"\xa6\0\0\1\0"]
    foreign = [b"\xcb\x05", b"\x07", b"\xcb\xe1", b"\xb7"]
    return [one + other for one in keyed for other in (*data, *foreign)]


def _as_read(octets: bytes) -> Message | type[NotOpenPgp]:
    try:
        return read_message(octets)
    except NotOpenPgp as error:
        return type(error)


def test_of_an_encrypted_file_what_opens_it_leaves_the_server_and_not_its_data(tmp_path: Path) -> None:
    whole = [beginning + DATA_ITSELF for beginning in _messages()]
    told = [bytes.fromhex(line.rpartition(" ")[2]) for line in _on_server(HEADS, tmp_path, whole)]
    assert [_as_read(one) for one in told] == [_as_read(one) for one in whole]
    assert not [one for one in told if b"DATA" in one]


def test_of_armour_only_its_beginning_leaves_the_server(tmp_path: Path) -> None:
    armoured = b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nSECRET"
    (line,) = _on_server(HEADS, tmp_path, [armoured])
    assert bytes.fromhex(line.rpartition(" ")[2]) == b"-----BEGIN PGP"


def test_a_file_that_is_cut_off_before_its_data_is_told_as_far_as_it_goes(tmp_path: Path) -> None:
    beginnings = [(SESSION_KEY + SEALED)[:length] for length in range(5, len(SESSION_KEY) + 1)]
    told = [bytes.fromhex(line.rpartition(" ")[2]) for line in _on_server(HEADS, tmp_path, [b"", *beginnings])]
    assert told == [b"", *beginnings]


# Packets


def test_recipients_are_read() -> None:
    message = read_message(SESSION_KEY + SEALED)
    assert message.recipients == ("0123456789ABCDEF",)
    assert message.sealed
    assert message.data == Head(tag=18, body=len(SESSION_KEY) + 2, length=5)


def test_a_passphrase_is_seen() -> None:
    message = read_message(PASSPHRASE + SESSION_KEY + SEALED)
    assert message.by_passphrase


def test_data_without_a_seal_is_seen() -> None:
    assert not read_message(SESSION_KEY + bytes([0xC9, 1, 0])).sealed


@pytest.mark.parametrize("octets", [b"", b"\0\0\0", b"garbage", SEALED[:1], SESSION_KEY[:9], b"\xcb\1x"])
def test_what_is_no_encrypted_file_is_refused(octets: bytes) -> None:
    with pytest.raises(NotOpenPgp):
        read_message(octets)


@pytest.mark.parametrize(
    ("octets", "length", "size"),
    [
        (b"\x00", 0, 1),
        (b"\xbf", 191, 1),
        (b"\xc0\x00", 192, 2),
        (b"\xdf\xff", 8383, 2),
        (b"\xff\x00\x01\x00\x00", 65536, 5),
        (b"\xff\x01\x00\x00\x00\x07", 1 << 24, 5),
    ],
)
def test_lengths_are_read(octets: bytes, length: int, size: int) -> None:
    assert read_length(octets) == (length, size)


@pytest.mark.parametrize("octets", [b"", b"\xc0", b"\xdf", b"\xff\0\0\1", b"\xe0\0\0\0\0", b"\xfe\0\0\0\0"])
def test_a_length_that_is_cut_off_or_not_final_is_none(octets: bytes) -> None:
    with pytest.raises(CutOff):
        read_length(octets)


@pytest.mark.parametrize(
    ("octets", "head"),
    [
        (b"\xd2\xdf\xff", Head(18, 3, 8383)),
        (b"\xd2\xe0", Head(18, 1, None)),
        (b"\xff\xfe", Head(63, 1, None)),
        (b"\xd2\xff\0\1\0\0", Head(18, 6, 65536)),
        (b"\x84\x0a", Head(1, 2, 10)),
        (b"\x85\1\2", Head(1, 3, 258)),
        (b"\x86\0\1\0\0", Head(1, 5, 65536)),
        (b"\xbc\0", Head(15, 2, 0)),
    ],
)
def test_a_packets_beginning_is_read_in_both_formats(octets: bytes, head: Head) -> None:
    assert read_head(octets) == head
    assert read_head(b"\0\0" + octets + b"\0", 2) == replace(head, body=head.body + 2)


@pytest.mark.parametrize(
    ("octets", "cut_off"),
    [
        *dict.fromkeys((b"", b"\xd2", b"\xd2\xc0", b"\x84", b"\x85\1", b"\x86\0\0\1"), True).items(),
        *dict.fromkeys((b"\x7f\x01", b"\x87\0"), False).items(),
    ],
)
def test_a_packets_beginning_that_is_cut_off_is_told_from_none(octets: bytes, cut_off: bool) -> None:
    with pytest.raises(NotOpenPgp) as told:
        read_head(octets)
    assert isinstance(told.value, CutOff) is cut_off


@pytest.mark.parametrize(("data", "sealed"), [(b"\xc9\0", False), (b"\xd2\0", True), (b"\xd4\0", True)])
def test_a_message_is_read_up_to_its_data(data: bytes, sealed: bool) -> None:
    other = bytes([0xC1, 9, 3]) + b"\xab" * 8
    message = read_message(SESSION_KEY + PASSPHRASE + other + data + b"anything")
    assert message.recipients == ("0123456789ABCDEF", "AB" * 8)
    assert (message.by_passphrase, message.sealed, message.data is not None) == (True, sealed, True)


def test_a_message_without_its_data_is_read_as_far_as_it_goes() -> None:
    assert read_message(PASSPHRASE) == Message((), by_passphrase=True, sealed=False, data=None)
    assert read_message(SESSION_KEY) == Message(("0123456789ABCDEF",), by_passphrase=False, sealed=False, data=None)


@pytest.mark.parametrize(
    "octets",
    [
        bytes([0x84, 8, 3]) + b"7bytes.",
        bytes([0x84, 10, 6]) + b"9 bytes..",
        bytes([0xC1, 0xE3, 3]) + b"in parts",
        SESSION_KEY + bytes([0xCB, 0]),
    ],
    ids=["too short", "of another version", "in parts", "of another kind"],
)
def test_a_message_with_another_packet_before_its_data_is_none(octets: bytes) -> None:
    with pytest.raises(NotOpenPgp) as told:
        read_message(octets + SEALED)
    assert not isinstance(told.value, CutOff)


def _packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, len(body)]) + body


PRIMARY, SUBKEY = b"\4primary", b"\4and a subkey"
CERTIFICATE = _packet(6, PRIMARY) + _packet(13, b"\4 somebody") + _packet(14, SUBKEY) + _packet(14, b"\3old")
IDS = {
    hashlib.sha1(b"\x99" + bytes([0, len(body)]) + body, usedforsecurity=False).hexdigest()[-16:].upper()
    for body in (PRIMARY, SUBKEY)
}
ARMOURED = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\n%s\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"


def test_the_ids_of_a_certificate_are_those_of_its_keys_of_version_4() -> None:
    first, second = (ARMOURED % base64.b64encode(one) for one in (CERTIFICATE[:10], CERTIFICATE[10:]))
    assert key_ids(CERTIFICATE) == IDS
    assert key_ids(b"\n" + first + second) == IDS
    assert key_ids(first.replace(b"\n", b"\r\n") + second) == IDS


@pytest.mark.parametrize(
    "certificate", [b"", CERTIFICATE[:-1], _packet(13, PRIMARY), _packet(6, b"\3old"), b"\xc6\xe1" + PRIMARY]
)
def test_what_is_no_certificate_has_no_ids(certificate: bytes) -> None:
    with pytest.raises(NotOpenPgp):
        key_ids(certificate)


@pytest.mark.parametrize(
    ("last", "end"),
    [
        (b"\5", 16),
        (b"\xdf\xff", 10 + 2 + 8383),
        (b"\xe0", None),
        (b"\xfe", None),
        (b"\xff\0\0\1\0", 10 + 5 + 256),
    ],
)
def test_a_packet_in_parts_ends_with_a_final_length(last: bytes, end: int | None) -> None:
    assert end_of_parts([Part(1, b"\5"), Part(10, last)]) == end


def test_a_packet_in_parts_without_any_or_with_a_last_one_that_is_cut_off_does_not_end() -> None:
    assert end_of_parts([]) is None
    with pytest.raises(CutOff):
        end_of_parts([Part(10, b"")])


@pytest.mark.parametrize("length", range(1, len(SESSION_KEY + SEALED) - 5))
def test_a_beginning_that_is_cut_off_is_told_from_a_wrong_one(length: int) -> None:
    octets = (SESSION_KEY + SEALED)[:length]
    if length in (len(SESSION_KEY) - 1, len(SESSION_KEY)):  # the key's id is there, and the data is not
        assert read_message(octets).data is None
    else:
        with pytest.raises(CutOff):
            read_message(octets)


@given(st.binary())
def test_any_bytes_are_read_or_refused(octets: bytes) -> None:
    for reader in (read_message, key_ids, read_head, read_length):
        with contextlib.suppress(ValueError):
            reader(octets)
    with contextlib.suppress(ValueError):
        key_ids(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + octets + b"\n-----END PGP PUBLIC KEY BLOCK-----\n")


# What gpg itself makes


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A key ring with one key, where gpg is."""
    if shutil.which("gpg") is None:
        pytest.skip("there is no gpg here")
    folder = tmp_path_factory.mktemp("gpg")
    folder.chmod(0o700)
    quickly_made = ("--default-new-key-algo", "ed25519/cert,sign+cv25519/encr")
    _gpg(folder, *quickly_made, "--passphrase", "", "--quick-generate-key", "backup@example.test", "default", "default")
    yield folder
    subprocess.run(["gpgconf", "--homedir", str(folder), "--kill", "all"], check=True)


def _gpg(ring: Path, *arguments: str, told: bytes = b"") -> bytes:
    command = ["gpg", "--homedir", str(ring), "--batch", "--quiet", "--trust-model", "always", *arguments]
    done = subprocess.run(command, input=told, capture_output=True, check=True)
    return done.stdout


def _end(folder: Path, octets: bytes) -> int | None:
    """Where the encrypted data in parts end, as the declared command and its reader tell."""
    file = folder / "sealed.gpg"
    file.write_bytes(octets)
    data = read_message(octets[:2048]).data
    assert data is not None
    assert data.length is None
    width = 1 + (1 << (octets[data.body] - 224))
    command = PARTS.with_values(file=str(file), first=str(data.body), width=str(width)).render(template_values(TARGET))
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, env={"LC_ALL": "C"})
    return end_of_parts(read_parts(done.stdout))


@pytest.mark.parametrize("armour", [(), ("--armor",)])
def test_the_ids_of_a_key_are_those_that_gpg_encrypts_to(ring: Path, armour: tuple[str, ...]) -> None:
    exported = _gpg(ring, *armour, "--export")
    sealed = _gpg(ring, "--encrypt", "--recipient", "backup@example.test", told=b"x")
    assert set(read_message(sealed).recipients) <= key_ids(exported)


@pytest.mark.parametrize("size", [1, 511, 8192, 16384, 100_000, 1_000_003])
def test_a_message_in_parts_ends_where_its_file_ends(ring: Path, tmp_path: Path, size: int) -> None:
    options = ("--encrypt", "--compress-algo", "none", "--recipient", "backup@example.test")
    sealed = _gpg(ring, *options, told=os.urandom(size))
    data = read_message(sealed[:2048]).data
    assert data is not None
    if data.length is None:
        assert _end(tmp_path, sealed) == len(sealed)
    else:
        assert data.body + data.length == len(sealed)


@pytest.mark.parametrize("cut", [1, 500, 3000, 8193, 20_000, 90_000])
def test_a_message_in_parts_that_is_cut_off_does_not_end_with_its_file(ring: Path, tmp_path: Path, cut: int) -> None:
    sealed = _gpg(ring, "--encrypt", "--recipient", "backup@example.test", told=os.urandom(100_000))
    assert _end(tmp_path, sealed[:-cut]) != len(sealed) - cut


@pytest.mark.parametrize("size", [1, 100_000])
def test_what_a_drill_asks_for_is_enough_for_gpg_to_tell_the_key_of_the_message(
    ring: Path, tmp_path: Path, size: int
) -> None:
    sealed = _gpg(ring, "--encrypt", "--recipient", "backup@example.test", told=os.urandom(size))
    (beginning,) = _on_server(BEGINNING, tmp_path, [sealed])
    assert SESSION_KEY_TOLD.search(_shown_by_gpg(ring, bytes.fromhex(beginning)))


def test_a_length_overwritten_in_the_middle_shows(ring: Path, tmp_path: Path) -> None:
    sealed = bytearray(_gpg(ring, "--encrypt", "--recipient", "backup@example.test", told=os.urandom(100_000)))
    sealed[30_000:40_000] = bytes(10_000)
    assert _end(tmp_path, bytes(sealed)) != len(sealed)
