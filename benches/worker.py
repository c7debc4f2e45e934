"""One side of a comparison: times cases with the interpreter that it was started with.

Started as ``python worker.py [--cores N ...]``, it answers one JSON request a line,
``{"do": ..., "case": ...}``, with one JSON line:

describe
    versions of Python, numpy and getframes, and where getframes lies
prepare
    makes the call of a case, runs it once, and settles how many calls a sample takes
sample
    the time of one call [s], CPU and wall clock, mean over the calls of one sample
release
    lets the case go
memory
    peak memory of a case above what was there before it [bytes]; for a process of its own
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases

SAMPLE_S = 0.1
"""A sample is repeated calls that take about this long, or one call."""


class Stopwatch:
    """Times one prepared case."""

    def __init__(self, case: cases.Case) -> None:
        self.case = case
        self.prepared = case.prepare()
        self.calls = 1
        self.sample()
        once = self.sample()["wall_s"]
        if self.prepared.reset is None:
            self.calls = max(1, min(100_000, int(SAMPLE_S / max(once, 1e-7))))

    def sample(self) -> dict[str, float]:
        """CPU and wall-clock time of one call [s]."""
        call = self.prepared.call
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(self.calls):
            call()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        if self.prepared.reset is not None:
            self.prepared.reset()
        return {"cpu_s": cpu / self.calls, "wall_s": wall / self.calls}


def describe() -> dict[str, str]:
    """What this side is."""
    import numpy

    import getframes

    return {
        "getframes": str(getframes.__version__),
        "python": ".".join(map(str, sys.version_info[:3])),
        "numpy": str(numpy.__version__),
        "where": str(Path(getframes.__file__).parent),
    }


def status_bytes(field: str) -> int:
    """A field of this process's memory status [bytes]."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def peak_memory(case: cases.MemoryCase) -> dict[str, int]:
    """Peak of the resident memory between the two marks of a case, above that at the first one [bytes]."""
    readings: list[int] = []

    def mark() -> None:
        if not readings:
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
            readings.append(status_bytes("VmRSS"))
        else:
            readings.append(status_bytes("VmHWM"))

    needed = case.run(mark)
    before, peak = readings
    return {"peak_bytes": peak - before, "needed_bytes": needed}


def answers() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function from requests to answers, with the case that is prepared."""
    held: dict[str, Stopwatch] = {}

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        do, name = request["do"], request.get("case", "")
        if do == "describe":
            return describe()
        if do == "prepare":
            held.clear()
            held[name] = Stopwatch(cases.ALL[name])
            return {"calls": held[name].calls}
        if do == "sample":
            return held[name].sample()
        if do == "release":
            held.clear()
            return {}
        if do == "memory":
            return peak_memory(cases.MEMORY[name])
        raise ValueError(f"do must be describe, prepare, sample, release or memory, got {do!r}")

    return answer


def main() -> None:
    """Answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, nargs="+", help="stay on these cores")
    cores = parser.parse_args().cores
    if cores:
        os.sched_setaffinity(0, cores)
    answer = answers()
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:  # the other side has to learn of it, whatever it is
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
