"""The same work on many things: in threads, in processes, or on a Dask cluster.

What fails is told beside what is done, and stops nothing. A process that dies takes no work with it: what it had is done again, and only a task that ends three
processes is given up. Work and tasks travel by pickle; what is large belongs into files, and their names travel.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import closing, contextmanager
from functools import partial
from importlib import import_module
from itertools import islice
from typing import Any, NamedTuple

from getframes.errors import InputError, require, require_count
from getframes.io.interrupts import listen, uninterrupted

_TRIES = 3
_LOOK_S = 0.2
_PATIENCE = "10s"  # with a scheduler that does not answer

Work = Callable[[Any], Any]


class Outcome(NamedTuple):
    """What became of one task.

    Attributes
    ----------
    task : object
        As given.
    value : object
        What the work returned; None where it failed.
    error : Exception or None
        Why it failed.
    """

    task: Any
    value: Any = None
    error: Exception | None = None


class LostWorkerError(InputError):
    """A task ended the process that worked on it, each time that it was tried."""


def outcomes(
    work: Work,
    tasks: Iterable[Any],
    *,
    workers: int | None = None,
    processes: bool = False,
    scheduler: Any = None,
) -> Iterator[Outcome]:
    """Do the work on every task; outcomes come as they are ready.

    Parameters
    ----------
    work : callable
        Takes a task. Where there are processes or a scheduler it must be picklable, and so must tasks and results.
    tasks : iterable
        What to work on. An iterator that has nothing to give is asked again after each outcome, so that tasks may follow from outcomes.
    workers : int, optional
        Threads or processes; as many as `getframes.num_threads` when left out. A scheduler has its own.
    processes : bool
        Processes in place of threads. Each starts afresh ("spawn"), so that a script needs its ``if __name__ == "__main__":``.
    scheduler : str or dask.distributed.Client, optional
        A Dask scheduler, or its address.

    Raises
    ------
    DomainError
        If `workers` is no positive integer, or both processes and a scheduler are asked for.
    InputError
        If the scheduler cannot be reached.
    """
    require(not processes or scheduler is None, "", "processes", "left out with a scheduler", processes)
    if scheduler is not None:
        return _on_cluster(work, tasks, scheduler)
    from getframes.threads import num_threads

    count = num_threads() if workers is None else require_count(workers, "", "workers")
    return _in_pool(_processes(work, count) if processes else _threads(work, count), tasks, 2 * count)


class _Pool:
    """An executor that can be started again, and what it calls.

    `start` takes an event that its workers listen to, which `event` makes: work that heeds it ends when the pool is closed.
    """

    def __init__(self, start: Callable[[Any], Executor], event: Callable[[], Any], call: Work) -> None:
        self._start, self._event, self._call = start, event, call
        self._begin()

    def _begin(self) -> None:
        self._ending = self._event()
        self._executor = self._start(self._ending)

    def submit(self, task: Any) -> Future[Outcome]:
        try:
            return self._executor.submit(self._call, task)
        except BrokenExecutor as error:
            broken: Future[Outcome] = Future()
            broken.set_exception(error)
            return broken

    def alone(self, task: Any) -> Outcome:
        """The outcome of a task that is suspected to end processes."""
        with uninterrupted():
            for _ in range(_TRIES):
                future = self.submit(task)
                if not _is_broken(future):
                    return _outcome(future, task)
                self.restart()
        return _lost(task)

    def restart(self) -> None:
        self.close()
        self._begin()

    def close(self) -> None:
        with uninterrupted():
            self._ending.set()
            self._executor.shutdown(wait=True, cancel_futures=True)


def _threads(work: Work, count: int) -> _Pool:
    def start(ending: threading.Event) -> Executor:
        return ThreadPoolExecutor(count, initializer=listen, initargs=(ending,))

    return _Pool(start, threading.Event, partial(_attempt, work))


def _processes(work: Work, count: int) -> _Pool:
    import multiprocessing

    threads = max(1, (os.cpu_count() or 1) // count)
    context = multiprocessing.get_context("spawn")

    def start(ending: Any) -> Executor:
        return _Processes(count, context, _prepare, (work, threads, ending))

    return _Pool(start, partial(_SharedFlag, context), _prepared_attempt)


class _SharedFlag:
    """An event of processes without a lock, which one that is killed could keep."""

    def __init__(self, context: Any) -> None:
        self._value = context.RawValue("b", 0)

    def set(self) -> None:
        self._value.value = 1

    def is_set(self) -> bool:
        return bool(self._value.value)


class _Processes(ProcessPoolExecutor):
    """Processes that leave Ctrl-C to the one that starts them from their first step on.

    One that died of it before it had read its work would leave the one that writes the work waiting forever: that holds both ends of the pipe.
    """

    def submit(self, *call: Any, **named: Any) -> Future[Any]:
        with _inherited_deafness():
            return super().submit(*call, **named)


@contextmanager
def _inherited_deafness() -> Iterator[None]:
    """Block SIGINT, where there are masks, in this thread and in the processes that it starts; what comes meanwhile waits."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_pool(pool: _Pool, tasks: Iterable[Any], most: int) -> Iterator[Outcome]:
    """Outcomes of a pool in which at most so many tasks wait.

    When a process dies nobody knows which task it was. All that were under way are tried again, each alone, so that no other task shares the blame.
    """
    remaining = iter(tasks)
    waiting: dict[Future[Outcome], Any] = {}
    with closing(pool):
        while True:
            with uninterrupted():
                waiting |= {pool.submit(task): task for task in islice(remaining, most - len(waiting))}
            if not waiting:
                return
            ready = _first(waiting)
            if any(map(_is_broken, ready)):
                with uninterrupted():
                    ready = wait(waiting).done
                    pool.restart()
            for future in ready:
                task = waiting.pop(future)
                yield pool.alone(task) if _is_broken(future) else _outcome(future, task)


def _first(waiting: Iterable[Future[Outcome]]) -> set[Future[Outcome]]:
    """Those that are done, one at least; a Ctrl-C strikes between two looks."""
    done: set[Future[Outcome]] = set()
    while not done:
        with uninterrupted():
            done = wait(waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED).done
    return done


def _outcome(future: Future[Outcome], task: Any) -> Outcome:
    """What a future holds; what cannot be pickled is an error of the task."""
    error = future.exception()
    return future.result() if error is None else Outcome(task, error=_told(error))


def _is_broken(future: Future[Outcome]) -> bool:
    return isinstance(future.exception(), BrokenExecutor)


def _lost(task: Any) -> Outcome:
    return Outcome(task, error=LostWorkerError(f"{_TRIES} processes ended while they worked on it"))


def _told(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else InputError(f"{type(error).__name__}: {error}")


def _attempt(work: Work, task: Any) -> Outcome:
    try:
        return Outcome(task, work(task))
    except Exception as error:
        return Outcome(task, error=error)


_prepared: Work | None = None


def _prepare(work: Work, threads: int, ending: Any) -> None:
    """In a new process: take the work, share the cores, and leave Ctrl-C to the process that started it."""
    global _prepared
    from getframes.threads import set_num_threads

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_num_threads(threads)
    listen(ending)
    _prepared = work


def _prepared_attempt(task: Any) -> Outcome:
    assert _prepared is not None
    return _attempt(_prepared, task)


def _on_cluster(work: Work, tasks: Iterable[Any], scheduler: Any) -> Iterator[Outcome]:
    """Outcomes from a Dask cluster, which gives the tasks of a worker that dies to others."""
    client, close = _client(scheduler)
    return _from_client(work, tasks, client, close)


def _from_client(
    work: Work, tasks: Iterable[Any], client: Any, close: Callable[[], None]
) -> Iterator[Outcome]:
    distributed: Any = import_module("distributed")
    submitted: dict[Any, Any] = {}
    remaining = iter(tasks)
    try:
        ready = distributed.as_completed(loop=client.loop)
        while True:
            for task in remaining:
                future = client.submit(_attempt, work, task, pure=False)
                submitted[future] = task
                ready.add(future)
            if not submitted:
                return
            future = next(ready)
            task, error = submitted.pop(future), future.exception()
            if future.cancelled():
                raise InputError(f"the Dask scheduler {client.scheduler.address} was lost")
            if error is None:
                yield future.result()
            else:
                yield (
                    _lost(task)
                    if isinstance(error, distributed.KilledWorker)
                    else Outcome(task, error=_told(error))
                )
    finally:
        client.cancel(list(submitted))
        close()


def _client(scheduler: Any) -> tuple[Any, Callable[[], None]]:
    """A client of a scheduler, and what to do with it in the end: one that was given stays open."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise InputError(
            "a Dask scheduler needs the extra getframes[dask]: pip install 'getframes[dask]'"
        ) from error
    if not isinstance(scheduler, str):
        return scheduler, lambda: None
    try:
        client = distributed.Client(scheduler, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot reach the Dask scheduler {scheduler}: {error}") from error
    return client, client.close
