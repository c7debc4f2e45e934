"""What a comparison of a room is made of: one piece of work, done by several packages on the same data.

A module in `reduction/` or `matching/` has a tuple `CONTESTS`; `reduce.py` and `match.py` find and run them.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OURS = "getframes"
LEAST_S = 0.5
"""CPU time of a sample: some systems count it in steps of 10 ms."""


def timed(work: Callable[[], Any], least_s: float = LEAST_S) -> tuple[float, float]:
    """CPU time and time that passes for one round of work [s], which is repeated until there is enough of it to measure."""
    rounds, wall, cpu = 0, time.perf_counter(), cpu_s()
    while rounds == 0 or cpu_s() - cpu < least_s:
        work()
        rounds += 1
    return (cpu_s() - cpu) / rounds, (time.perf_counter() - wall) / rounds


def cpu_s() -> float:
    """CPU time of this process and of those that it started and that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


@dataclass(frozen=True)
class Figure:
    """Something that is not a time: how well two results agree, memory, traffic.

    Attributes
    ----------
    name, unit : str
        What it is.
    value : float
        What was found.
    other : float, optional
        What another side has.
    ranked : bool
        Whether less is better, so that their ratio says something.
    target : str
        What it has to be; empty where nothing was promised.
    met : bool, optional
        Whether it is.
    """

    name: str
    unit: str
    value: float
    target: str = ""
    met: bool | None = None
    other: float | None = None
    ranked: bool = True


@dataclass(frozen=True)
class Contest:
    """One piece of work.

    Attributes
    ----------
    name : str
        What is done, such as ``"median of 25 x 2048 x 2048 uint16"``.
    data : callable
        Writes what the work needs into a folder: ``data(folder, quick)``. `quick` asks for the smallest that still works.
    sides : mapping of str to callable
        ``side(folder)`` of each package imports it, loads what is not part of the work, and returns a function without parameters: the work. "getframes" is
        ours. Its result is an array, a tuple of arrays, or None.
    targets : mapping of str to float
        How many times less CPU time ours has to take than another side.
    figures : callable, optional
        ``figures(results, measured, quick)`` from the results of all sides and what was measured of each (`cpu_s`, `wall_s`, `peak_bytes`).
    rounds : int
        How often each side is timed.
    """

    name: str
    data: Callable[[Path, bool], None]
    sides: Mapping[str, Callable[[Path], Callable[[], Any]]]
    targets: Mapping[str, float] = field(default_factory=dict)
    figures: Callable[[dict[str, Any], dict[str, dict[str, Any]], bool], list[Figure]] | None = None
    rounds: int = 3
