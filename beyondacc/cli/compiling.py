"""What a command shows while kernels are compiled: a bar on a terminal, else one line."""

from __future__ import annotations

import sys
import threading
from typing import Any

__all__ = ["end", "hide", "show", "steps"]


class _Shown:
    """A bar, from the first variant that is compiled until something else is printed."""

    def __init__(self, *, bar: bool) -> None:
        self.lock = threading.Lock()
        self.bars = bar and sys.stderr.isatty()
        self.said = False
        self.progress: Any = None
        self.task: Any = None
        self.done = 0
        self.total: int | None = None  # not known but of a warm-up

    def compiled(self, count: int) -> None:
        """Take note of one more variant; kernels are compiled in any thread."""
        from beyondacc.kernels import jit  # noqa: PLC0415 - heavy

        with self.lock:
            if not self.bars:
                if not self.said:
                    print(f"compiling kernels, {jit.once()}", file=sys.stderr)  # noqa: T201 - meant to be seen
            elif self.progress is None:
                self._start(f"compiling kernels, {jit.once()}")
            self.said = True
            if self.progress is not None:
                self.progress.update(self.task, count=count)

    def step(self, done: int, total: int) -> None:
        """Take note of how far it is."""
        with self.lock:
            self.done, self.total = done, total
            if self.progress is not None:
                self.progress.update(self.task, completed=done, total=total)

    def stop(self) -> None:
        """Take the bar away."""
        with self.lock:
            if self.progress is not None:
                self.progress.stop()
                self.progress = None

    def _start(self, text: str) -> None:
        from rich import console, progress  # noqa: PLC0415 - only where it is looked at

        columns = (
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=20),
            progress.TextColumn("{task.fields[count]} compiled", markup=False),
            progress.TimeElapsedColumn(),
        )
        self.progress = progress.Progress(*columns, console=console.Console(stderr=True))
        self.task = self.progress.add_task(text, total=self.total, completed=self.done, count=0)
        self.progress.start()


_SHOWN = _Shown(bar=False)


def show(*, quiet: bool = False, bar: bool = True) -> None:
    """From now on say on standard error that kernels are compiled, once one is.

    Parameters
    ----------
    quiet
        Say nothing.
    bar
        Whether there may be a bar: not where there are others.
    """
    from beyondacc.kernels import jit  # noqa: PLC0415 - heavy

    global _SHOWN  # noqa: PLW0603 - there is one terminal
    hide()
    _SHOWN = _Shown(bar=bar)
    jit.tell((lambda _: None) if quiet else _SHOWN.compiled)


def steps(done: int, total: int) -> None:
    """Say how much of a warm-up is done."""
    _SHOWN.step(done, total)


def hide() -> None:
    """Take the bar away, as before anything else is printed."""
    _SHOWN.stop()


def end() -> None:
    """Show nothing more: the command ends."""
    hide()
    if (jit := sys.modules.get("beyondacc.kernels.jit")) is not None:
        jit.tell()
