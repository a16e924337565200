"""The folder of a run: its record, the reports made from it, and the sums of all files."""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reporting import html, junit
from runbook import folders
from runbook.record import Run

SUMS = "SHA256SUMS"


def write(run: Run, folder: Path) -> Path:
    """Write ``run.json``, ``junit.xml``, ``report.html`` and ``SHA256SUMS``; return the report that a person reads.

    The record comes first, so that it stands even where a report cannot be made of it. The run's ``evidence.jsonl``
    is expected in the folder already, closed.

    Raises:
        OSError: The folder cannot be written.
    """
    with _record_not_walked():
        _put(folder / "run.json", run.model_dump_json(indent=2) + "\n")
        _put(folder / "junit.xml", junit.render(run))
        report = _put(folder / "report.html", html.render(run))
        _put(folder / SUMS, "".join(_sums(folder)))
    return report


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


def _put(path: Path, text: str) -> Path:
    """Write a file whole or not at all: readers see the old one or the new one, never a part."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with folders.opened(unfinished) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return path


def _sums(folder: Path) -> Iterator[str]:
    """One line for each file, as ``sha256sum --check`` reads them, in the order of the names."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != SUMS:
            yield f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
