"""Threads that the kernels use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from getframes._native import core
from getframes.errors import require

if TYPE_CHECKING:
    from types import TracebackType


class set_num_threads:  # noqa: N801 - a function that is also a context manager
    """Set the number of threads; as a context manager, until the block ends.

    The default is `GETFRAMES_NUM_THREADS`, else the CPUs this process may run on. The number changes no bit of any result.

    >>> with set_num_threads(1):
    ...     frame = camera.expose(100.0, 1.0, seed=1)  # doctest: +SKIP

    Parameters
    ----------
    n : int or None
        Threads, >= 1; None means the default again.

    Raises
    ------
    DomainError
        If `n` is no positive integer.
    """

    def __init__(self, n: int | None) -> None:
        require(n is None or (int(n) == n and n >= 1), "", "n", "an integer >= 1, or None", n)
        self._before = core.num_threads()
        core.set_num_threads(0 if n is None else int(n))

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        core.set_num_threads(self._before)


def num_threads() -> int:
    """Threads that kernels use now."""
    return core.num_threads()


def check_environment() -> None:
    """Raise `DomainError` when `GETFRAMES_NUM_THREADS` is set to something that is no positive integer."""
    text = os.environ.get("GETFRAMES_NUM_THREADS")
    require(
        text is None or (text.isdigit() and int(text) >= 1),
        "",
        "GETFRAMES_NUM_THREADS",
        "an integer >= 1",
        text,
    )
