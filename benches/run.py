"""Times this package alone: ns per pixel of every camera, catalogs, data sets, and what threads give.

::

    python benches/run.py [--quick] [--only 'expose/*'] [-o STEM]

One thread, CPU time; the threads table uses wall clock and needs an idle machine. `--quick` takes one sample
of the small cases. With `-o` the page and the numbers are written to STEM.md and STEM.json.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import median
from typing import Any

import cases
from machine import machine
from table import Row, Table, page, write
from worker import Stopwatch, describe

QUICK = ("expose/andor_ocam2k/*", "dark_frame/andor_ocam2k/*", "expose/generic_emccd/*", "small/*")
THREADS = (1, 2, 4, 8)
FRAMES, THREADED = "One thread", "Threads"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the page."""
    options = _options(arguments)
    rounds = 1 if options.quick else options.rounds
    only = options.only or (QUICK if options.quick else ["*"])
    rows = [*alone(only, rounds), *threaded(only, rounds)]
    this = describe()
    box = ", ".join(f"{key} {value}" for key, value in machine().items())
    introduction = [f"Python {this['python']}, numpy {this['numpy']}; {box}"]
    text = page(f"getframes {this['getframes']}", introduction, _tables(), rows)
    if options.output is not None:
        this.pop("where")
        write(options.output, text, {"machine": machine(), "ours": this, "rounds": rounds}, rows)
    print(text)
    return 0


def alone(only: Sequence[str], rounds: int) -> Iterator[Row]:
    """Every case on one thread, CPU time."""
    from getframes import set_num_threads

    for name, case in cases.ALL.items():
        if _wanted(name, only):
            with set_num_threads(1):
                samples = _samples(case, rounds)
            value = case.value(median(samples["cpu_s"]))
            yield Row(FRAMES, name.replace("/", " "), case.unit, value, samples=samples)


def threaded(only: Sequence[str], rounds: int) -> Iterator[Row]:
    """Some cases on more and more threads, wall clock."""
    from getframes import set_num_threads

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for name in cases.THREADED:
        if not _wanted(f"threads/{name}", only):
            continue
        case, first = cases.TIMED[name], None
        for count in (count for count in THREADS if count <= cores):
            with set_num_threads(count):
                samples = _samples(case, rounds)
            value = case.value(median(samples["wall_s"]))
            first = value if first is None else first
            row = f"{name.replace('/', ' ')}, {count} threads"
            yield Row(THREADED, row, case.unit, value, first, first / value, samples=samples)


def _samples(case: cases.Case, rounds: int) -> dict[str, Any]:
    print(case.name, file=sys.stderr, flush=True)
    stopwatch = Stopwatch(case)
    taken = [stopwatch.sample() for _ in range(rounds)]
    return {clock: [one[clock] for one in taken] for clock in ("cpu_s", "wall_s")}


def _tables() -> list[Table]:
    conditions = "\n".join(f"- {what}: {how}" for what, how in cases.CONDITIONS.items())
    return [
        Table(FRAMES, "measured", "", f"CPU time.\n\n{conditions}"),
        Table(THREADED, "measured", "one thread", "Wall clock."),
    ]


def _wanted(name: str, only: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in only)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one sample of the small cases")
    parser.add_argument("--only", nargs="+", metavar="PATTERN", help="cases by name")
    parser.add_argument("--rounds", type=int, default=5, help="samples (default 5)")
    parser.add_argument("-o", "--output", type=Path, help="results, without suffix")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
