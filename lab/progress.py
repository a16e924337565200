"""What the lab is doing, step by step: live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """Shows each step as it begins and, on a terminal, how long it took; steps may run side by side."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self._live: Progress | None = None
        self._running = 0

    def elapsed_seconds(self) -> float:
        """Seconds since these steps were begun."""
        return time.monotonic() - self._begun

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show ``what`` while the body runs."""
        if not self.console.is_terminal:
            self.say(f"{self.elapsed_seconds():6.1f} s  {what}")
            yield
            return
        begun = time.monotonic()
        with self._shown(what):
            yield
        self.say(f"[green]✓[/green] {what} [dim]{time.monotonic() - begun:.1f} s[/dim]", markup=True)

    def say(self, line: str, *, markup: bool = False) -> None:
        """Print one line that stays."""
        self.console.print(line, markup=markup, soft_wrap=True)

    @contextmanager
    def _shown(self, what: str) -> Iterator[None]:
        # A console can show one live display only, so all running steps share it.
        with self._lock:
            if self._live is None:
                columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
                self._live = Progress(*columns, console=self.console, transient=True)
                self._live.start()
            live = self._live
            task = live.add_task(what, total=None)
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                live.remove_task(task)
                self._running -= 1
                if self._running == 0:
                    live.stop()
                    self._live = None
