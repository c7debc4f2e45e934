"""Times the same public calls on this getframes and on another installation of a package with its interface.

::

    python benches/compare.py --peer-python /path/to/python [--only 'expose/*'] [--rounds 7] [-o STEM]

The interpreter that runs this file is one side, the one given the other; both import the package by its name.
Both sides stay on one core with one thread and take turns, sample by sample, so that what else the machine
does falls on both. Times are medians of CPU time unless the table says otherwise; peak memory is taken in a
process of its own. Rows that lose are written too, and a case that fails is named.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import median
from typing import Any

import cases
from machine import machine
from side import Side, SideError, Worker
from table import Row, Table, page, write

TABLES = {
    "frames": "Frames",
    "stages": "Frames with more stages",
    "measure": "Measurement and calibration",
    "truth": "Frames with truth",
    "ramps": "Nondestructive ramps",
    "catalog": "Catalogs",
    "dataset": "Data sets",
    "small": "Overhead",
    "threads": "Threads",
    "memory": "Peak memory",
    "start": "Start",
}
TABLE_OF = {
    **dict.fromkeys(("expose", "binned", "workspace", "dark_frame", "expose_spectral"), "frames"),
    "variant": "stages",
    "to_photons": "measure",
    "measure": "measure",
    "ramp reads": "ramps",
    **dict.fromkeys(("catalog", "galaxies"), "catalog"),
    "small": "small",
}
CONDITIONS_OF = {
    "frames": ("expose", "binned", "workspace", "dark_frame", "expose_spectral"),
    "stages": ("variant",),
    "measure": ("to_photons", "measure"),
    "truth": ("expose, truth attached", "expose, truth read"),
    "ramps": ("ramp reads",),
    "catalog": ("catalog", "galaxies"),
    "dataset": ("dataset",),
    "small": ("small",),
}
STARTS = {
    "import getframes": ("import getframes", 0.25),
    "getframes presets": ("from getframes.cli import main; main(['presets'])", 0.35),
    "import getframes, and Camera": ("from getframes import Camera", None),
    "import numpy, for comparison": ("import numpy", None),
}
MIB = 2**20
MEMORY_SLACK_MIB = 64.0
SMALL_LIMIT_US = 50.0
DATASET_TARGET = 4.0
CEILING_SHARE = 0.7
THREADS_TARGET = 1.6


@dataclass(frozen=True)
class Campaign:
    """Both sides, what is to be measured, and what failed."""

    ours: Side
    peer: Side
    cores: Sequence[int]
    rounds: int
    only: Sequence[str]
    failures: list[str] = field(default_factory=list)

    def wants(self, name: str) -> bool:
        """Whether a case was asked for."""
        return any(fnmatchcase(name, pattern) for pattern in self.only)

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """Announce a case; a side that cannot do it is noted, and the rest goes on."""
        print(name, file=sys.stderr, flush=True)
        try:
            yield
        except SideError as error:
            print(f"  failed: {error}", file=sys.stderr, flush=True)
            self.failures.append(f"{name}: {error}")

    def alternate(self, workers: dict[str, Worker], case: cases.Case) -> dict[str, Any]:
        """Samples of one case on every side, taken in turns."""
        for worker in workers.values():
            worker.ask("prepare", case.name)
        samples: dict[str, Any] = {name: {"cpu_s": [], "wall_s": []} for name in workers}
        for _ in range(self.rounds):
            for name, worker in workers.items():
                for clock, seconds in worker.ask("sample", case.name).items():
                    samples[name][clock].append(seconds)
        for worker in workers.values():
            worker.ask("release")
        return samples


def timed(campaign: Campaign) -> Iterator[Row]:
    """Cases that are timed on both sides."""
    with campaign.ours.worker() as ours, campaign.peer.worker() as peer:
        for name, case in cases.TIMED.items():
            if campaign.wants(name):
                with campaign.attempt(name):
                    yield _timed_row(case, campaign.alternate({"ours": ours, "peer": peer}, case))


def _timed_row(case: cases.Case, samples: dict[str, Any]) -> Row:
    what = case.name.partition("/")[0]
    table = "truth" if "truth" in what else TABLE_OF[what]
    ours, peer = (case.value(median(samples[side]["cpu_s"])) for side in ("ours", "peer"))
    ratio = peer / ours
    target, met = "", None
    if case.target is not None:
        target, met = f">= {case.target:g}x", ratio >= case.target
    elif table == "small":
        target, met = f"<= {SMALL_LIMIT_US:g} us", ours <= SMALL_LIMIT_US
    return Row(TABLES[table], _spaced(case.name), case.unit, ours, peer, ratio, target, met, samples)


def datasets(campaign: Campaign) -> Iterator[Row]:
    """Items a second of a data set, and what writing alone allows."""
    if not campaign.wants(cases.DATASET.name):
        return
    with campaign.attempt(cases.DATASET.name), campaign.ours.worker() as ours, campaign.peer.worker() as peer:
        samples = campaign.alternate({"ours": ours, "peer": peer}, cases.DATASET)
        samples["ceiling"] = campaign.alternate({"ours": ours}, cases.CEILING)["ours"]
        for clock, words in (("cpu_s", "CPU time"), ("wall_s", "wall clock")):
            yield from _dataset_rows(
                {side: median(taken[clock]) for side, taken in samples.items()}, words, samples
            )


def _dataset_rows(seconds: dict[str, float], words: str, samples: dict[str, Any]) -> Iterator[Row]:
    ours, peer, most = (cases.DATASET.value(seconds[side]) for side in ("ours", "peer", "ceiling"))
    met = ours >= DATASET_TARGET * peer or ours >= CEILING_SHARE * most
    target = f">= {DATASET_TARGET:g}x or >= {CEILING_SHARE * most:.0f}"
    table, unit = TABLES["dataset"], cases.DATASET.unit
    yield Row(table, f"to_npz, {words}", unit, ours, peer, ours / peer, target, met, samples)
    yield Row(table, f"the same bytes written, checksummed and renamed, {words}", unit, most)


def threads(campaign: Campaign) -> Iterator[Row]:
    """Two threads against one, on ours; wall clock."""
    names = [name for name in cases.THREADED if campaign.wants(f"threads/{name}")]
    if not names or len(campaign.cores) < 2:
        return
    one, two = (Side(campaign.ours.python, threads=count, cores=campaign.cores) for count in (1, 2))
    with two.worker() as double, one.worker() as single:
        for name in names:
            with campaign.attempt(f"threads/{name}"):
                case = cases.TIMED[name]
                samples = campaign.alternate({"two": double, "one": single}, case)
                fast, slow = (case.value(median(samples[count]["wall_s"])) for count in ("two", "one"))
                met, target = slow / fast >= THREADS_TARGET, f">= {THREADS_TARGET:g}x"
                yield Row(
                    TABLES["threads"], _spaced(name), case.unit, fast, slow, slow / fast, target, met, samples
                )


def memory(campaign: Campaign) -> Iterator[Row]:
    """Peak memory above what was there before the call, a process a row."""
    for case in cases.MEMORY.values():
        if not campaign.wants(case.name):
            continue
        with campaign.attempt(case.name):
            samples = {"ours": campaign.ours.alone("memory", case.name)}
            samples["peer"] = campaign.peer.alone("memory", case.name)
            ours, peer = (samples[side]["peak_bytes"] / MIB for side in ("ours", "peer"))
            limit = samples["ours"]["needed_bytes"] / MIB + MEMORY_SLACK_MIB
            name, target = _spaced(case.name.partition("/")[2]), f"<= {limit:.0f} MiB"
            yield Row(TABLES["memory"], name, "MiB", ours, peer, peer / ours, target, ours <= limit, samples)


def starts(campaign: Campaign) -> Iterator[Row]:
    """How long an interpreter takes to start and do one thing."""
    for name, (statement, limit) in STARTS.items():
        if campaign.wants(f"start/{name}"):
            with campaign.attempt(f"start/{name}"):
                yield _start_row(campaign, name, statement, limit)


def _start_row(campaign: Campaign, name: str, statement: str, limit: float | None) -> Row:
    samples: dict[str, Any] = {"ours": [], "peer": []}
    for number in range(campaign.rounds + 1):
        for side, interpreter in (("ours", campaign.ours), ("peer", campaign.peer)):
            taken = interpreter.run(statement)
            if number:  # the first reads files that the next find in memory
                samples[side].append(taken)
    ours, peer = (median(one["cpu_s"] for one in samples[side]) for side in ("ours", "peer"))
    ratio = None if "numpy" in name else peer / ours
    target, met = ("", None) if limit is None else (f"<= {limit:g} s", ours <= limit)
    return Row(TABLES["start"], name, "s", ours, peer, ratio, target, met, samples)


def written(campaign: Campaign, sides: dict[str, dict[str, str]], rows: Sequence[Row], stem: Path) -> str:
    """Write the page and the numbers behind it; returns the page."""
    facts = {
        "measured": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        **sides,
        "rounds": campaign.rounds,
        "conditions": cases.CONDITIONS,
        "failures": campaign.failures,
    }
    ours, peer = (f"getframes {sides[side]['getframes']}" for side in ("ours", "peer"))
    text = page(f"{ours} against {peer}", _introduction(facts), _tables(ours, peer), rows, campaign.failures)
    write(stem, text, facts, rows)
    return text


def _introduction(facts: dict[str, Any]) -> list[str]:
    machine_line = ", ".join(f"{key} {value}" for key, value in facts["machine"].items())
    runs = [
        "- {0}: getframes {getframes}, Python {python}, numpy {numpy}".format(side, **facts[side])
        for side in ("ours", "peer")
    ]
    method = (
        f"Measured {facts['measured']} with `benches/compare.py`: one core, one thread, both sides in "
        f"alternation, the median of {facts['rounds']} samples of CPU time where the table does not say "
        "otherwise. A ratio above 1 means that ours is better."
    )
    return [method, "\n".join([f"- machine: {machine_line}", *runs])]


def _tables(ours: str, peer: str) -> list[Table]:
    """The tables in their order, with the conditions of what is in them."""
    notes = {
        table: "\n".join(f"- {what}: {cases.CONDITIONS[what]}" for what in whats)
        for table, whats in CONDITIONS_OF.items()
    }
    notes["threads"] = "Wall clock of this package alone; calls as above."
    notes["memory"] = (
        "Peak of the resident memory above that of a process with the package imported and the camera made. "
        "The limit is what nobody can do without (inputs, outputs and fixed maps; for the catalog its table, "
        f"the catalog's copy of it and the map) + {MEMORY_SLACK_MIB:g} MiB."
    )
    notes["start"] = "CPU time of `python -c`, the start of the interpreter included."
    columns = {"threads": ("two threads", "one thread")}
    return [
        Table(title, *columns.get(key, (ours, peer)), notes.get(key, "")) for key, title in TABLES.items()
    ]


def _spaced(name: str) -> str:
    return name.replace("/", " ")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer-python", required=True, help="interpreter of the other installation")
    parser.add_argument(
        "--only", nargs="+", default=["*"], metavar="PATTERN", help="cases by name: 'expose/*' 'start/*'"
    )
    parser.add_argument("--rounds", type=int, default=7, help="samples a side (default 7)")
    parser.add_argument("--core", type=int, help="the core to stay on (default: the last)")
    default = Path(__file__).parent / "results" / "compare"
    parser.add_argument("-o", "--output", type=Path, default=default, help="results, without suffix")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write, and print the page; 1 when a case failed."""
    options = _options(arguments)
    cores = sorted(os.sched_getaffinity(0))
    core = cores[-1] if options.core is None else options.core
    os.sched_setaffinity(0, {core})  # for the processes that only start
    ours, peer = Side(sys.executable, cores=[core]), Side(options.peer_python, peer=True, cores=[core])
    sides = {"ours": ours.alone("describe"), "peer": peer.alone("describe")}
    if sides["ours"].pop("where") == sides["peer"].pop("where"):
        raise SideError(f"{options.peer_python} imports the same getframes as {sys.executable}")
    campaign = Campaign(ours, peer, cores, options.rounds, options.only)
    rows = [row for measure in (timed, datasets, threads, memory, starts) for row in measure(campaign)]
    print(written(campaign, sides, rows, options.output))
    return 1 if campaign.failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SideError as error:
        sys.exit(f"compare.py: {error}")
