"""Measures the reduction room against ccdproc, astroscrappy and NumPy, in one run on one machine.

::

    python benches/reduce.py [--quick] [--only 'median*'] [--threads N] [-o STEM]

Every side of a contest works in a process of its own, on the same files: the median of its CPU time (all threads, the system's share included) and the peak
of its resident memory above that before the work. `--quick` takes small data and one round. With `-o` the page and the numbers are written to STEM.md and
STEM.json; results/reduce is what the documentation shows.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import median
from typing import Any

from contest import OURS, Contest
from machine import machine
from table import Row, Table, page, write

HERE = Path(__file__).parent
THREAD_VARIABLES = ("GETFRAMES_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
TABLE = Table("Reduction", OURS, "other", "CPU time; a figure that is not one has no other side.")


def contests() -> list[Contest]:
    """Every contest of every module in reduction/."""
    modules = sorted(path.stem for path in (HERE / "reduction").glob("*.py") if path.stem != "__init__")
    return [contest for name in modules for contest in importlib.import_module(f"reduction.{name}").CONTESTS]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was asked for."""
    options = _options(arguments)
    if options.side:
        return _one_side(options)
    rows, failures = [], []
    for contest in contests():
        if any(fnmatchcase(contest.name, pattern) for pattern in options.only or ["*"]):
            try:
                rows += list(compared(contest, options))
            except subprocess.CalledProcessError as error:
                failures.append(f"{contest.name}: {error}")
    facts = {
        "measured": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": versions(),
        "threads": options.threads,
    }
    introduction = [
        "Measured {} on {processor}, {cores} cores, {memory}, {system}.".format(
            facts["measured"], **facts["machine"]
        ),
        "Versions: "
        + ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
        + f". Threads: {options.threads}.",
    ]
    text = page("Reduction", introduction, [TABLE], rows, failures)
    print(text)
    if options.output:
        write(options.output, text, facts, rows)
    return 1 if failures else 0


def compared(contest: Contest, options: argparse.Namespace) -> Iterator[Row]:
    """The rows of one contest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contest.data(folder, options.quick)
        measured = {side: _measured(contest, side, folder, options) for side in contest.sides}
        results = {side: pickle.loads((folder / f"{side}.result").read_bytes()) for side in contest.sides}
    ours = median(measured[OURS]["cpu_s"])
    for side in contest.sides:
        if side == OURS:
            continue
        other = median(measured[side]["cpu_s"])
        target = contest.targets.get(side)
        met = None if target is None or options.quick else other / ours >= target
        words = "" if target is None else f">= {target:g}x"
        samples = {OURS: measured[OURS], side: measured[side]}
        yield Row(TABLE.title, f"{contest.name}, {side}", "s", ours, other, other / ours, words, met, samples)
    for figure in contest.figures(results, measured, options.quick) if contest.figures else ():
        met = None if options.quick else figure.met
        yield Row(
            TABLE.title,
            f"{contest.name}: {figure.name}",
            figure.unit,
            figure.value,
            None,
            None,
            figure.target,
            met,
        )


def versions() -> dict[str, str]:
    """Of everything that takes part and is there."""
    found = {}
    for name in (OURS, "numpy", "astropy", "ccdproc", "astroscrappy"):
        try:
            found[name] = str(importlib.import_module(name).__version__)
        except ImportError:
            continue
    return found


def _measured(contest: Contest, side: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    print(f"{contest.name}, {side}", file=sys.stderr, flush=True)
    command = [sys.executable, __file__, "--side", contest.name, side, str(folder)]
    environment = dict(os.environ, **dict.fromkeys(THREAD_VARIABLES, str(options.threads)))
    subprocess.run([*command, *(["--quick"] if options.quick else [])], env=environment, check=True)
    return json.loads((folder / f"{side}.json").read_text())


def _one_side(options: argparse.Namespace) -> int:
    """In a process of its own: the work of one side, timed."""
    from worker import status_bytes

    name, side, folder = options.side
    contest = next(contest for contest in contests() if contest.name == name)
    work = contest.sides[side](Path(folder))
    clear = Path("/proc/self/clear_refs")
    measured: dict[str, Any] = {"cpu_s": [], "wall_s": []}
    for _ in range(1 if options.quick else contest.rounds):
        result = None
        if clear.exists():
            clear.write_text("5")  # the peak begins anew
            before = status_bytes("VmRSS")
        wall, cpu = time.perf_counter(), _cpu_s()
        result = work()
        measured["cpu_s"].append(_cpu_s() - cpu)
        measured["wall_s"].append(time.perf_counter() - wall)
        if clear.exists():
            measured.setdefault("peak_bytes", status_bytes("VmHWM") - before)
    (Path(folder) / f"{side}.result").write_bytes(pickle.dumps(result))
    (Path(folder) / f"{side}.json").write_text(json.dumps(measured))
    return 0


def _cpu_s() -> float:
    """CPU time of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small data, one round")
    parser.add_argument("--only", nargs="+", metavar="PATTERN", help="contests by name")
    parser.add_argument("--threads", type=int, default=1, help="threads of every side (default 1)")
    parser.add_argument("-o", "--output", type=Path, help="results, without suffix")
    parser.add_argument("--side", nargs=3, metavar=("CONTEST", "SIDE", "FOLDER"), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
