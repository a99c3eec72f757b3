"""Keeping BLAS to the thread that calls it, where there are threads already."""

from __future__ import annotations

import functools
import threading
from typing import Any, Final

from beyondacc.run.forks import renewed

__all__ = ["SINGLE_BLAS"]


class _SingleBlas:
    """Inside a ``with`` block BLAS starts no threads, if threadpoolctl is there to tell it; says whether it is.

    The number is that of the whole process: it is put back when the last of several blocks ends.
    """

    def __init__(self) -> None:
        self._lock, self._depth = threading.Lock(), 0
        self._limit: Any = None
        renewed(self)

    def renew(self) -> None:
        """Take a new lock, in a forked process, which is inside of none of the blocks of its parent's threads."""
        limit, self._limit = self._limit, None
        self._lock, self._depth = threading.Lock(), 0
        if limit is not None:
            limit.restore_original_limits()

    def __enter__(self) -> bool:
        controller = _controller()
        with self._lock:
            if self._depth == 0 and controller is not None:
                self._limit = controller.limit(limits=1, user_api="blas")
            self._depth += 1
        return controller is not None

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0 and self._limit is not None:
                self._limit.restore_original_limits()
                self._limit = None


@functools.cache
def _controller() -> Any:
    try:
        import threadpoolctl  # noqa: PLC0415 - comes with scikit-learn and implicit
    except ImportError:
        return None
    return threadpoolctl.ThreadpoolController()


SINGLE_BLAS: Final = _SingleBlas()
