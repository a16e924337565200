"""Pictures of the report, to be looked at after a change: ``python -m tests.page.pictures FOLDER [RUN.json]``."""

from __future__ import annotations

import sys
from pathlib import Path

from reporting import html
from runbook.model.record import Run
from tests.page.chromium import chromium
from tests.page.test_page import RUNS, SCHEMES, WIDTHS


def main() -> None:
    """Write each run at each width, light and dark, and on paper."""
    folder = Path(sys.argv[1])
    runs = {name: made() for name, made in RUNS.items()}
    if sys.argv[2:]:
        runs = {"given": Run.model_validate_json(Path(sys.argv[2]).read_bytes())}
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for name, run in runs.items():
            file = folder / f"{name}.html"
            file.write_text(html.render(run), encoding="utf-8")
            for scheme in SCHEMES:
                for width in WIDTHS:
                    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                    page.goto(file.absolute().as_uri())
                    page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
                    page.close()
            page = browser.new_page()
            page.goto(file.absolute().as_uri())
            page.pdf(path=folder / f"{name}.pdf", prefer_css_page_size=True)
            page.close()


if __name__ == "__main__":
    main()
