"""How far a study is: bars on a terminal, plain lines in a log, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from beyondacc.texts import visible

__all__ = ["Meter", "meter"]

_SECONDS = 10.0  # between lines about the training of one model


class Meter:
    """Is told what happens, and shows nothing."""

    def model(self, name: str) -> None:
        """Take note that the turn of a model has come."""

    def step(self, unit: str, done: int, total: int, text: str) -> None:
        """Take note of a step of its training, such as an epoch, as `Model.fit` tells it."""

    def trained(self) -> None:
        """Take note that it has recommended."""

    def run(self, name: str) -> None:
        """Take note that a run is evaluated."""


class _Lines(Meter):
    """A line for each model, and now and then for its training, with the seconds since the start."""

    def __init__(self, n_models: int, n_runs: int) -> None:
        self.n_models = n_models
        self.n_runs = n_runs
        self.started = time.perf_counter()
        self.turn = 0
        self.done = 0
        self.name = ""
        self.said = self.started

    def model(self, name: str) -> None:
        self.turn += 1
        self.name = name
        self._say(f"model {self.turn} of {self.n_models}: {name}; {self.done} of {self.n_runs} runs evaluated")

    def step(self, unit: str, done: int, total: int, text: str) -> None:
        if time.perf_counter() - self.said >= _SECONDS:
            self._say(f"{self.name}: {unit} {done} of {total}{f', {text}' if text else ''}")

    def run(self, name: str) -> None:  # noqa: ARG002 - a line for each run would be too many
        self.done += 1
        if self.done == self.n_runs:
            self._say(f"all {self.n_runs} runs evaluated")

    def _say(self, text: str) -> None:
        self.said = time.perf_counter()
        print(f"[{self.said - self.started:6.1f} s] {visible(text)}", file=sys.stderr)  # noqa: T201 - it was asked for


class _Bars(Meter):
    """A bar for the models, one for the steps of one in training, one for the runs; elapsed and remaining time."""

    def __init__(self, progress: Any, n_models: int, n_runs: int) -> None:
        self.progress = progress
        self.models = progress.add_task("models", total=n_models)
        self.steps = progress.add_task("steps", visible=False)
        self.runs = progress.add_task("runs", total=n_runs)

    def model(self, name: str) -> None:
        self.progress.update(self.models, description=visible(f"model {name}"))
        self.progress.reset(self.steps, visible=False)  # its time starts anew

    def step(self, unit: str, done: int, total: int, text: str) -> None:
        # the last thing that a model tells is what it is judged by
        told = text.rpartition(", ")[2] or f"{unit}s"
        self.progress.update(self.steps, description=visible(told), completed=done, total=total, visible=True)

    def trained(self) -> None:
        self.progress.update(self.steps, visible=False)
        self.progress.update(self.models, advance=1)

    def run(self, name: str) -> None:
        self.progress.update(self.runs, description=visible(name), advance=1)


@contextmanager
def meter(*, show: bool, n_models: int, n_runs: int) -> Iterator[Meter]:
    """Give the meter that fits standard error."""
    if not show:
        yield Meter()
    elif not sys.stderr.isatty():
        yield _Lines(n_models, n_runs)
    else:
        from rich import console, progress  # noqa: PLC0415 - only where it is looked at

        columns = (
            progress.TextColumn("{task.description:<26.26}", markup=False),  # all columns fit into 80
            progress.BarColumn(bar_width=12),
            progress.MofNCompleteColumn(),
            progress.TextColumn("elapsed"),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
        )
        with progress.Progress(*columns, console=console.Console(stderr=True)) as shown:
            yield _Bars(shown, n_models, n_runs)
