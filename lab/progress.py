"""What the lab is doing, step by step: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """Shows each step as it begins and, on a terminal, how long it took."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self._begun = time.monotonic()

    def elapsed_seconds(self) -> float:
        return time.monotonic() - self._begun

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show ``what`` while the body runs."""
        if not self.console.is_terminal:
            self.say(f"{self.elapsed_seconds():6.1f} s  {what}")
            yield
            return
        begun = time.monotonic()
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as live:
            live.add_task(what, total=None)
            yield
        self.say(f"[green]✓[/green] {what} [dim]{time.monotonic() - begun:.1f} s[/dim]", markup=True)

    def say(self, line: str, *, markup: bool = False) -> None:
        """Print one line that stays."""
        self.console.print(line, markup=markup, soft_wrap=True)
