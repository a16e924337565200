"""The folder of a run: its record, the reports made from it, and the sums of all files."""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from reporting import html, junit
from runbook.model.record import Run
from runbook.process import private_files

RECORD, REPORT, SUMS = "run.json", "report.html", "SHA256SUMS"


def write(run: Run, folder: Path) -> Path:
    """Write ``run.json``, ``junit.xml``, ``report.html`` and ``SHA256SUMS``; return the report that a person reads.

    They are written together or not at all: a record tells how its run ended, and where a report cannot be written
    that is another end. The run's ``evidence.jsonl`` is expected in the folder already, closed.

    Raises:
        OSError: The folder cannot be written.
    """
    with _record_not_walked():
        _put_all(
            {
                folder / RECORD: lambda: run.model_dump_json(indent=2) + "\n",
                folder / "junit.xml": lambda: junit.render(run),
                folder / REPORT: lambda: html.render(run),
            }
        )
    _put_sums(folder)
    return folder / REPORT


def write_record(run: Run, folder: Path) -> None:
    """Write ``run.json`` alone, where its reports cannot be, and then the sums, where they can.

    Raises:
        OSError: The folder cannot be written.
    """
    _put_all({folder / RECORD: lambda: run.model_dump_json(indent=2) + "\n"})
    _put_sums(folder)


@contextmanager
def _record_not_walked() -> Iterator[None]:
    """What is there outlives the reports: the garbage collector would walk a large record again and again for nothing.

    It is a quarter of the time that the reports of 10,000 results take, and what makes them more than linear.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _put_sums(folder: Path) -> None:
    sums = "".join(_sums(folder))
    _put_all({folder / SUMS: lambda: sums})


def _put_all(files: Mapping[Path, Callable[[], str]]) -> None:
    """Write these files, all or none, each whole: readers see the old one or the new one, never a part."""
    unfinished = {path: path.with_name(f".{path.name}.unfinished") for path in files}
    try:
        for path, text in files.items():
            with private_files.opened(unfinished[path]) as file:
                file.write(text())
                file.flush()
                os.fsync(file.fileno())
        for path, part in unfinished.items():
            part.replace(path)
    finally:
        for part in unfinished.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _sums(folder: Path) -> Iterator[str]:
    """One line for each file, as ``sha256sum --check`` reads them, in the order of the names."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != SUMS:
            yield f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
