"""The picture in the README, made anew from a recorded run: ``python -m tests.page.readme_picture RUN.json``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from commands.pytest_runner import ROOT
from reporting import html
from runbook.model.record import Run
from tests.page.chromium import chromium

PICTURE = ROOT / "docs" / "report.png"
WIDTH, HEIGHT = 1000, 690


def main() -> None:
    """Write what a person sees first of the report of this run."""
    run = Run.model_validate_json(Path(sys.argv[1]).read_bytes())
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        file = Path(folder) / "report.html"
        file.write_text(html.render(run), encoding="utf-8")
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", device_scale_factor=1.5
        )
        page.goto(file.as_uri())
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
