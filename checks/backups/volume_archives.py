"""What has to be saved beside the database: the files that the releases keep in volumes, and the keys.

Names of uploaded files stay on the server: they are compared there, and only counts come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from inspect import cleandoc

from checks.backups.backup_files import ARCHIVES, Backup, saved_files
from checks.backups.encrypted_backups import HEADS, EncryptedBackup, read_encrypted, read_heads
from checks.docker.containers import CONTAINERS, is_release
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Inspection, lines_of
from runbook.observation.snapshot import Snapshot, reading

SECONDS_PER_ARCHIVE = 600.0

COMPARED = Command(
    cleandoc(
        r"""find {folder} -maxdepth 0 >/dev/null || exit
    exec < {file} || exit
    {{
      tar --list --verbose --numeric-owner --quoting-style=escape --gzip --file=- 2>/dev/null; echo "tar $?"
      QUOTING_STYLE=escape find {folder} -type f -links 1 ! -newerct @{made} -exec stat -c 'kept %s %N' -- {{}} + 2>&1
    }} | awk '
    /^tar [0-9]+$/ {{ status = $2; next }}
    /^(find|stat): / {{ if ($0 !~ /: No such file or directory$/) unread++; next }}
    /^-/ {{
      size = $3; for (i = 1; i <= 5; i++) sub(/^[^ ]+ +/, ""); sub(/.*\//, "")
      saved[size " " $0]++; files++; bytes += size; next
    }}
    /^kept / {{
      size = $2; sub(/.*\//, "")
      kept++; if (saved[size " " $0]-- < 1) missing++
    }}
    END {{ print "tar", status; print "files", files + 0; print "bytes", bytes + 0; print "kept", kept + 0
      print "missing", missing + 0; print "unread", unread + 0 }}'"""
    ),
    needs=rights.ROOT,
    seconds=SECONDS_PER_ARCHIVE,
    lane="slow",
)
"""One plain archive read whole, beside the files of its volume that have not changed since it was begun.

A file is the same by its name, without its folder, and its size. One that is gone meanwhile has not to be saved; what
could not be read is counted, for what is in it was not compared.
"""


@dataclass(frozen=True)
class Contents:
    """What one plain archive of a volume holds.

    Attributes:
        whole: It could be read to its last byte.
        files: How many files are in it.
        bytes: Theirs, together.
        kept: How many files of the volume are older than it.
        missing: How many of these are not in it, by name and size.
    """

    archive: str
    whole: bool
    files: int
    bytes: int
    kept: int
    missing: int

    def __str__(self) -> str:
        if not self.whole:
            return f"{self.archive} cannot be read to its last byte"
        return f"{self.archive} lacks {self.missing} of the {self.kept} files of the volume that are older than it"


def archives(snapshot: Snapshot) -> dict[str, tuple[Backup, ...]]:
    """By what their names begin with: the archives of each volume to be saved, and of the keys, oldest first."""
    found, own = snapshot.observe(saved_files), snapshot.target.backups
    return {
        name: tuple(one for one in found if one.name.startswith(f"{name}_") and one.name.endswith(ARCHIVES))
        for name in (*own.volumes, own.keys)
    }


def sealed_archives(snapshot: Snapshot) -> dict[str, EncryptedBackup]:
    """The newest encrypted archive of each of these, by its packets, where there is one."""
    newest = {name: one for name, found in snapshot.observe(archives).items() for one in found if one.encrypted}
    return dict(zip(newest, read_encrypted(snapshot, list(newest.values())), strict=True))


def plain_key_archives(snapshot: Snapshot) -> tuple[str, ...]:
    """The names of the archives of the keys that anybody can read, whatever their names say."""
    found = snapshot.observe(archives)[snapshot.target.backups.keys]
    sealed = [one.path for one in found if one.encrypted]
    if not sealed:
        return tuple(one.name for one in found)
    told = snapshot.ask(HEADS.with_values(files=sealed)).required("the archives of the keys")
    with reading("the archives of the keys"):
        heads = read_heads(told.out)
        return tuple(one.name for one in found if not one.encrypted or heads[one.path] is None)


def contents_of_archives(snapshot: Snapshot) -> tuple[Contents, ...]:
    """What is in the newest archive of each volume, those that are encrypted left out."""
    volumes = snapshot.target.backups.volumes
    newest = {volume: found[-1] for volume, found in snapshot.observe(archives).items() if volume in volumes and found}
    plain = {volume: one for volume, one in newest.items() if not one.encrypted}
    if not plain:
        return ()
    inspected = snapshot.ask(CONTAINERS)
    with reading("the containers' volumes"):
        folders = read_folders(inspected)
    if unknown := [volume for volume in plain if volume not in folders]:
        raise Undetermined(f"where the files of {', '.join(unknown)} are is not known: no container mounts the volume")
    answers = snapshot.ask_all(
        COMPARED.with_values(folder=folders[volume], file=one.path, made=str(int(one.made_at.timestamp())))
        for volume, one in plain.items()
    )
    return tuple(
        _contents(one, told.required(f"the archive {one.name}").out)
        for one, told in zip(plain.values(), answers, strict=True)
    )


def volumes_of_releases(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Each volume that a web release has, running or not, and which have it."""
    inspected = snapshot.ask(CONTAINERS)
    with reading("the releases' volumes"):
        return read_volumes(inspected, snapshot.target.containers.web_prefix)


def read_volumes(inspected: Iterable[Inspection], prefix: str) -> dict[str, tuple[str, ...]]:
    """The volumes of the web releases among these containers.

    Raises:
        LookupError, TypeError: It is no inspection.
    """
    found: dict[str, list[str]] = {}
    for name, volume, _ in _volumes(inspected):
        if is_release(name, prefix):
            found.setdefault(volume, []).append(name)
    return {volume: tuple(sorted(names)) for volume, names in sorted(found.items())}


def read_folders(inspected: Iterable[Inspection]) -> dict[str, str]:
    """Where on the server the files of each volume of these containers are.

    Raises:
        LookupError, TypeError: It is no inspection.
    """
    return {volume: folder for _, volume, folder in _volumes(inspected)}


def _volumes(inspected: Iterable[Inspection]) -> Iterator[tuple[str, str, str]]:
    """A container's name, a volume that it has, and where its files are."""
    for one in inspected:
        for mount in one["Mounts"] or ():
            if mount["Type"] == "volume":
                yield str(one["Name"]).removeprefix("/"), str(mount["Name"]), str(mount["Source"])


def read_contents(text: str) -> Mapping[str, int]:
    """Read the answer to `COMPARED`.

    Raises:
        ValueError: It is of another form.
    """
    rows = [line.split(" ") for line in lines_of(text)]
    told = {word: int(number) for word, number in rows}
    if told.keys() != {"tar", "files", "bytes", "kept", "missing", "unread"} or min(told.values()) < 0:
        raise ValueError("there are other words than those asked for")
    return told


def _contents(one: Backup, text: str) -> Contents:
    with reading(f"the archive {one.name}"):
        told = read_contents(text)
    if told["tar"] != 0 and one.may_be_unfinished:
        raise Undetermined(f"the archive {one.name} is not intact, but was written to less than a minute ago")
    if told["unread"]:
        raise Undetermined(f"{told['unread']} files or folders of the volume beside {one.name} could not be read")
    return Contents(one.name, told["tar"] == 0, told["files"], told["bytes"], told["kept"], told["missing"])
