"""Being stopped: Ctrl-C, SIGTERM and SIGHUP end a command in the same way, with one line and nothing half-written."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self

__all__ = ["Stops"]

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")
_AGAIN: Final = 0.05  # seconds until a signal that got lost is sent anew


class Stops:
    """While this is entered, each of the signals raises a `KeyboardInterrupt` in the main thread.

    So whatever cleans up after Ctrl-C cleans up after all of them. A signal that is ignored, as under nohup, or that
    the program around this one handles, stays as it is.

    Parameters
    ----------
    to_the_end
        Whether the process ends after this: then a further signal ends it at once, without a traceback.
    """

    def __init__(self, *, to_the_end: bool) -> None:
        self.heard: signal.Signals | None = None
        self._to_the_end = to_the_end
        self._before: dict[signal.Signals, Any] = {}
        self._hook: Any = None

    def __enter__(self) -> Self:
        self._hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
        if threading.current_thread() is threading.main_thread():
            for name in _NAMES:
                number = getattr(signal, name, None)
                if number and signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}:
                    self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        sys.unraisablehook = self._hook
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if self._to_the_end else handler)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self.heard = signal.Signals(number)
        raise KeyboardInterrupt

    def _unraisable(self, found: Any) -> None:
        """Send a signal anew that came while Python ran what cannot raise, such as a callback of an import."""
        if not (self.heard and found.exc_type is KeyboardInterrupt):
            self._hook(found)
            return
        again = threading.Timer(_AGAIN, _send, [self.heard])
        again.daemon = True
        again.start()

    def judge(self, code: int, line: str) -> tuple[int, str]:
        """Return the exit code and the line to print of a command that failed: those of the signal if there was one."""
        if self.heard is None:
            return (code, "interrupted") if code == 130 else (code, line)
        how = "" if self.heard is signal.SIGINT else f" by {self.heard.name}"
        return 128 + self.heard, f"interrupted{how}"

    @staticmethod
    def say(line: str) -> None:
        """Print a last line on standard error, if anybody reads that."""
        with contextlib.suppress(OSError, ValueError):
            if line:
                print(line, file=sys.stderr, flush=True)  # noqa: T201 - the message of a command
        try:
            sys.stdout.flush()
        except OSError:  # else Python complains when it flushes at exit
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _send(number: signal.Signals) -> None:
    if hasattr(signal, "pthread_kill"):  # the main thread may wait for a lock, from which only its own signals wake it
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)
