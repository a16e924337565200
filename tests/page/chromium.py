"""The machine's Chromium, without a window; where there is none it is installed, as the lab installs its engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from lab import Refused, host_engine

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-liberation")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser.

    Raises:
        Refused: There is none, and it cannot be installed here.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_program(), args=["--no-sandbox"])  # root has no sandbox
        yield browser
        browser.close()


def _program() -> str:
    if _found() is None and host_engine.can_install():
        host_engine.install(*PACKAGES)
    program = _found()
    if program is None:
        raise Refused("the report's own tests need Chromium: install it (package chromium on Debian)")
    return program


def _found() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
