"""A headless Chromium, and the report opened in it as a reader does: from a file, by nobody's server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from reporting import html
from runbook.model.record import Run
from tests.page.chromium import chromium

ANSWER_MILLISECONDS = 10_000

Scheme = Literal["light", "dark"]


@dataclass
class Opened:
    """A page, and what happened while it was open.

    Attributes:
        asked: Every address that the browser asked for, the page's own first.
        complaints: What came on the console, and errors of its script.
    """

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the report of a run: ``opened(run, width=360, scheme="dark", at="#evidence-4", script=False)``."""
    contexts = []

    def open_it(run: Run, *, width: int = 1440, scheme: Scheme = "light", at: str = "", script: bool = True) -> Opened:
        file = tmp_path / "report.html"
        file.write_text(html.render(run), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script
        )
        context.set_default_timeout(ANSWER_MILLISECONDS)
        contexts.append(context)
        found = Opened(context.new_page())
        found.page.on("request", lambda request: found.asked.append(request.url))
        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.goto(f"{file.as_uri()}{at}")
        return found

    yield open_it
    for context in contexts:
        context.close()
