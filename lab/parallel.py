"""Things that do not need each other, done at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, wait


def begin(job: Callable[[], object]) -> Future[None]:
    """Start one thing. Its thread never keeps the process from ending."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            job()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    threading.Thread(target=run, daemon=True).start()
    return future


def together(*jobs: Callable[[], object]) -> None:
    """Do all of these; the first that fails is raised at once, and the others are not waited for."""
    done, _ = wait([begin(job) for job in jobs], return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()
