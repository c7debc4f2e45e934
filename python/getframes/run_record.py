"""What a run did: wall and CPU time and counts of each step."""

from __future__ import annotations

import json
import logging
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike

T = TypeVar("T")

_LOG = logging.getLogger("getframes.run_record")


@dataclass
class Step:
    """One step of a run; times and counts add up when it is entered again.

    Attributes
    ----------
    name : str
        What was done.
    wall_s, cpu_s : float
        Time on the clock, and of all threads of the process together [s].
    calls : int
        How often it was entered.
    count : int
        How many things it worked on; 0 where there is nothing to count.
    unit : str
        What those are: frame, star, byte, ...
    """

    name: str
    wall_s: float = 0.0
    cpu_s: float = 0.0
    calls: int = 0
    count: int = 0
    unit: str = ""

    @contextmanager
    def timed(self, count: int = 0) -> Iterator[Step]:
        """Add the time of the block, also where it ends in an error, and `count`."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield self
        finally:
            self.wall_s += time.perf_counter() - wall
            self.cpu_s += time.process_time() - cpu
            self.calls += 1
            self.count += count


@dataclass
class RunRecord:
    """The record of one run.

    ::

        record = RunRecord("generate", seed=1)
        with record.step("simulate", 1, "frame"):
            frame = camera.bias_frame(seed=1)
        record.save("frame.run.json")

    Attributes
    ----------
    name : str
        What was run.
    about : dict
        What else is worth knowing: the seed, the input, the outputs; plain values.
    steps : dict of Step
        In the order in which they were first entered.
    """

    name: str
    about: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    _started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    _wall: float = field(default_factory=time.perf_counter)
    _cpu: float = field(default_factory=time.process_time)

    @contextmanager
    def step(self, name: str, count: int = 0, unit: str = "") -> Iterator[Step]:
        """Time a block as part of the step `name`, which worked on `count` things."""
        step = self.steps.setdefault(name, Step(name, unit=unit))
        with step.timed(count):
            yield step
        counted = f", {step.count} {step.unit}" if step.count else ""
        _LOG.info("%s: %.3f s%s", name, step.wall_s, counted)

    def over(self, items: Iterable[T], name: str, unit: str) -> Iterator[T]:
        """Pass items through; the time it takes to make each is that of the step `name`."""
        iterator = iter(items)
        step = self.steps.setdefault(name, Step(name, unit=unit))
        while True:
            with step.timed():
                try:
                    item = next(iterator)
                except StopIteration:
                    step.calls -= 1
                    return
                step.count += 1
            yield item

    def as_dict(self) -> dict[str, Any]:
        """The record so far, as JSON can hold it."""
        return {
            "run": self.name,
            "started": self._started.isoformat(timespec="seconds"),
            **self.about,
            "wall_s": round(time.perf_counter() - self._wall, 6),
            "cpu_s": round(time.process_time() - self._cpu, 6),
            "peak_memory_bytes": peak_memory_bytes(),
            "steps": [_rounded(step) for step in self.steps.values()],
        }

    def save(self, path: str | PathLike[str]) -> None:
        """Write the record as JSON, in place of an older one.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        from getframes.io.atomic import write_text

        write_text(path, json.dumps(self.as_dict(), indent=1) + "\n")

    def __str__(self) -> str:
        """The record as a table."""
        now = self.as_dict()
        total = Step("total", now["wall_s"], now["cpu_s"])
        width = max(len(step.name) for step in (*self.steps.values(), total))
        lines = [f"{'step':<{width}}  {'wall/s':>9}  {'CPU/s':>9}  {'count':>9}"]
        for step in (*self.steps.values(), total):
            counted = f"{step.count:>9} {step.unit}" if step.count else ""
            lines.append(f"{step.name:<{width}}  {step.wall_s:9.3f}  {step.cpu_s:9.3f}  {counted}".rstrip())
        memory = now["peak_memory_bytes"]
        return "\n".join(lines + ([f"peak memory {memory / 2**20:.0f} MiB"] if memory else []))


def peak_memory_bytes() -> int | None:
    """The most memory this process has had so far [bytes]; None where the system does not tell."""
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:  # not a POSIX system
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return int(getrusage(RUSAGE_SELF).ru_maxrss) * unit


def _rounded(step: Step) -> dict[str, Any]:
    return {
        "step": step.name,
        "wall_s": round(step.wall_s, 6),
        "cpu_s": round(step.cpu_s, 6),
        "calls": step.calls,
        "count": step.count,
        "unit": step.unit,
    }
