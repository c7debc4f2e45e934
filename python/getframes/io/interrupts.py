"""Ctrl-C where it must not strike."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put a Ctrl-C that comes inside the block off until its end.

    For short calls that share locks with other threads. Python raises `KeyboardInterrupt` between any two steps of the main thread, also when
    a condition of the standard library has just taken its lock and nobody knows yet that it has to be given back; the threads of a
    pool then wait for that lock, and whoever waits for them waits forever. In other threads than the main one, where no
    `KeyboardInterrupt` is raised, this does nothing.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return
    came: list[tuple[int, object]] = []
    signal.signal(signal.SIGINT, lambda *call: came.append(call))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if came:
            usual(*came[0])  # type: ignore[arg-type]


def steadily(items: Iterable[T]) -> Iterator[T]:
    """Pass items through; each is taken `uninterrupted`, and a Ctrl-C strikes between them."""
    iterator = iter(items)
    while True:
        with uninterrupted():
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


class Ending(Protocol):
    """An event of threads or of processes."""

    def is_set(self) -> bool: ...


_worker = threading.local()


def listen(ending: Ending) -> None:
    """In a thread or process of a pool: what `heed` asks whether the pool ends."""
    _worker.ending = ending


def heed() -> None:
    """For work that takes long, called now and then: ends it where it is that of a pool that is being closed, does nothing elsewhere.

    Raises
    ------
    KeyboardInterrupt
        If the pool ends.
    """
    ending: Ending | None = getattr(_worker, "ending", None)
    if ending is not None and ending.is_set():
        raise KeyboardInterrupt


@contextmanager
def thread_pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads that a Ctrl-C cannot hang, where calls of it and of its futures are `uninterrupted`.

    What has not begun when the block ends is left undone; what has is waited for.
    """
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    finally:
        with uninterrupted():
            pool.shutdown(wait=True, cancel_futures=True)
