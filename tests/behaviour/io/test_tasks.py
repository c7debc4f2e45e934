"""The same work on many things: nothing is lost, whatever happens to one of them."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from getframes.errors import DomainError, InputError
from getframes.io import tasks
from getframes.io.interrupts import heed
from getframes.io.tasks import LostWorkerError, outcomes

posix = pytest.mark.skipif(os.name != "posix", reason="needs signals")


def squared(task: int) -> int:
    if task % 5 == 3:
        raise ValueError(f"cannot square {task}")
    return task**2


def deadly(folder: Path, task: int) -> int:
    """Task 3 ends its process always, task 5 the first time."""
    first = folder / f"{task}"
    if task == 3 or (task == 5 and not first.exists()):
        first.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task**2


def unsendable(task: int) -> Any:
    return threading.Lock() if task == 2 else task


@pytest.mark.parametrize("processes", [False, True])
@pytest.mark.parametrize("workers", [1, 3])
def test_every_task_has_its_outcome(processes: bool, workers: int) -> None:
    found = list(outcomes(squared, range(40), workers=workers, processes=processes))
    assert sorted(outcome.task for outcome in found) == list(range(40))
    for task, value, error in found:
        assert value == (None if task % 5 == 3 else task**2)
        assert (type(error), str(error)) == (
            (ValueError, f"cannot square {task}") if error else (type(None), "None")
        )
        assert (error is None) == (task % 5 != 3)


def test_no_tasks() -> None:
    assert list(outcomes(squared, [])) == []


def test_tasks_are_taken_as_they_are_needed() -> None:
    """A list of ten thousand frames is not put into the pool at once."""
    taken: list[int] = []

    def numbers() -> Any:
        for task in range(100):
            taken.append(task)
            yield task

    running = outcomes(str, numbers(), workers=2)
    next(running)
    assert len(taken) <= 5
    running.close()  # type: ignore[attr-defined]


class Countdown:
    """Tasks of which each can be had when the one before is done."""

    def __init__(self, count: int) -> None:
        self.left, self.ready = count, True

    def __iter__(self) -> Countdown:
        return self

    def __next__(self) -> int:
        if not (self.ready and self.left):
            raise StopIteration
        self.left, self.ready = self.left - 1, False
        return self.left


@pytest.mark.parametrize("processes", [False, True])
def test_tasks_that_follow_from_outcomes(processes: bool) -> None:
    follow(processes=processes, workers=2)


def follow(**pool: Any) -> None:
    tasks, values = Countdown(5), []
    for outcome in outcomes(str, tasks, **pool):
        values.append(outcome.value)
        tasks.ready = True
    assert values == ["4", "3", "2", "1", "0"]


def deaf(_: int) -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@posix
def test_processes_are_deaf_to_an_interrupt_before_they_have_read_their_work() -> None:
    """One that died of it would leave its starter waiting at the pipe; the starter hears it all the same."""
    (found,) = outcomes(deaf, [1], workers=1, processes=True)
    assert found.value is True
    assert not deaf(1)


@posix
def test_a_process_that_dies_takes_no_other_work_with_it(tmp_path: Path) -> None:
    found = {
        outcome.task: outcome
        for outcome in outcomes(partial(deadly, tmp_path), range(8), workers=2, processes=True)
    }
    assert {task: outcome.value for task, outcome in found.items() if task != 3} == {
        n: n**2 for n in range(8) if n != 3
    }
    assert isinstance(found[3].error, LostWorkerError)
    assert "3 processes ended while they worked on it" in str(found[3].error)


def test_results_that_cannot_be_sent() -> None:
    found = {outcome.task: outcome for outcome in outcomes(unsendable, range(5), workers=2, processes=True)}
    assert [found[task].value for task in (0, 1, 3, 4)] == [0, 1, 3, 4]
    assert isinstance(found[2].error, Exception)


@posix
@pytest.mark.parametrize("processes", [False, True])
def test_an_interrupt_ends_the_run(processes: bool) -> None:
    """What is under way is finished, the rest is not begun."""
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        for outcome in outcomes(partial(_slow, 0.02), range(1000), workers=2, processes=processes):
            done.append(outcome.task)
            if len(done) == 5:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.05)
    assert len(done) < 50


@posix
@pytest.mark.parametrize("processes", [False, True])
def test_work_that_heeds_it_ends_with_the_run(processes: bool, tmp_path: Path) -> None:
    """Otherwise it would take until the end of a test run."""
    began = time.monotonic()
    strike = threading.Thread(target=_strike_when, args=(tmp_path / "begun",))
    strike.start()
    with pytest.raises(KeyboardInterrupt):
        list(outcomes(partial(_endless, tmp_path / "begun"), [1, 2], workers=1, processes=processes))
    strike.join()
    assert time.monotonic() - began < 20.0
    heed()  # does nothing here


def _endless(begun: Path, _: int) -> None:
    begun.touch()
    for _ in range(6000):
        heed()
        time.sleep(0.01)


def _strike_when(begun: Path) -> None:
    while not begun.exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def _slow(seconds: float, task: int) -> int:
    time.sleep(seconds)
    return task


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "two"])
def test_workers_are_checked(workers: Any) -> None:
    with pytest.raises(DomainError, match="workers must be a positive integer"):
        list(outcomes(squared, [1], workers=workers))


def test_not_both() -> None:
    with pytest.raises(DomainError, match="processes must be left out with a scheduler"):
        list(outcomes(squared, [1], processes=True, scheduler="tcp://localhost:1"))


class TestCluster:
    """On a real cluster of processes."""

    @pytest.fixture(scope="class")
    @staticmethod
    def cluster() -> Any:
        distributed = pytest.importorskip("distributed")
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=None
        ) as cluster:
            yield cluster

    def test_every_task_has_its_outcome(self, cluster: Any) -> None:
        found = {
            outcome.task: outcome
            for outcome in outcomes(squared, range(20), scheduler=cluster.scheduler_address)
        }
        assert sorted(found) == list(range(20))
        assert all(found[n].value == n**2 for n in range(20) if n % 5 != 3)
        assert str(found[3].error) == "cannot square 3"

    def test_tasks_that_follow_from_outcomes(self, cluster: Any) -> None:
        follow(scheduler=cluster.scheduler_address)

    def test_a_worker_is_killed_half_way(self, cluster: Any) -> None:
        victim = next(iter(cluster.workers.values())).pid
        found = []
        for outcome in outcomes(partial(_slow, 0.05), range(40), scheduler=cluster.scheduler_address):
            found.append(outcome)
            if len(found) == 15:
                os.kill(victim, signal.SIGKILL)
        assert sorted(outcome.task for outcome in found) == list(range(40))
        assert all(outcome.error is None and outcome.value == outcome.task for outcome in found)


def test_no_scheduler_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(tasks, "_PATIENCE", "1s")
    with pytest.raises(InputError, match=r"cannot reach the Dask scheduler tcp://127\.0\.0\.1:9"):
        list(outcomes(squared, [1], scheduler="tcp://127.0.0.1:9"))
    with pytest.raises(InputError, match="cannot reach the Dask scheduler nonsense"):
        list(outcomes(squared, [1], scheduler="nonsense"))
