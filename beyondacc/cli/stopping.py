"""Being stopped: Ctrl-C, SIGTERM and SIGHUP end a command in the same way, with one line and nothing half-written."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Final, Self

__all__ = ["Stops"]

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")
_AGAIN: Final = 0.05  # seconds until a signal that got lost is sent anew
_PATIENCE: Final = 5.0  # seconds until a process that was stopped ends, whatever it waits for


class Stops:
    """While this is entered, each of the signals raises a `KeyboardInterrupt` in the main thread.

    So whatever cleans up after Ctrl-C cleans up after all of them. A signal that is ignored, as under nohup, or that
    the program around this one handles, stays as it is.

    Parameters
    ----------
    to_the_end
        Whether the process ends after this. Then a further signal ends it at once, without a traceback, and after some
        seconds it ends in any case: a thread may be in a long computation, and an exception in the wrong place leaves
        locks of Python's own pools of threads taken for good.
    """

    def __init__(self, *, to_the_end: bool) -> None:
        self.heard: signal.Signals | None = None
        self._to_the_end = to_the_end
        self._said = False
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
        first = self.heard is None
        self.heard = signal.Signals(number)
        if first and self._to_the_end:
            _thread.start_new_thread(self._end_anyway, ())  # takes no lock that the main thread may hold
        raise KeyboardInterrupt

    def _end_anyway(self) -> None:
        time.sleep(_PATIENCE)
        if files := sys.modules.get("beyondacc.files.atomic"):  # nothing is open where it was not even imported
            files.abandon()
        code, line = self.judge(130, "")
        self.say(line)
        os._exit(code)

    def _unraisable(self, found: Any) -> None:
        """Send a signal anew that came while Python ran what cannot raise, such as a callback of an import."""
        if not (self.heard and found.exc_type is KeyboardInterrupt):
            self._hook(found)
            return
        _thread.start_new_thread(_send, (self.heard,))

    def judge(self, code: int, line: str) -> tuple[int, str]:
        """Return the exit code and the line to print of a command that failed: those of the signal if there was one."""
        if self.heard is None:
            return (code, "interrupted") if code == 130 else (code, line)
        how = "" if self.heard is signal.SIGINT else f" by {self.heard.name}"
        return 128 + self.heard, f"interrupted{how}"

    def say(self, line: str) -> None:
        """Print a last line on standard error, once, if anybody reads that."""
        with contextlib.suppress(OSError, ValueError):
            if line and not self._said:
                self._said = True
                print(line, file=sys.stderr, flush=True)  # noqa: T201 - the message of a command
        try:
            sys.stdout.flush()
        except OSError:  # else Python complains when it flushes at exit
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _send(number: signal.Signals) -> None:
    time.sleep(_AGAIN)
    if hasattr(signal, "pthread_kill"):  # the main thread may wait for a lock, from which only its own signals wake it
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)
