"""What a fit costs: CPU time over the sources of a patch and over exposures, wall time over workers, memory over the size of a survey.

::

    python benches/scaling.py FOLDER [--only 'optimize*' ...] [--quick] [-o STEM] [--pictures FOLDER]

Every figure is measured by a process of its own, on a thread for each worker, and kept in FOLDER: what is there is not measured again, so that the bench can be stopped and started
again. With -o the page and the numbers are written to STEM.md and STEM.json; results/scaling is what the documentation shows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from contests import THREAD_VARIABLES
from machine import machine, measured_on
from surveying.growth import growth
from table import Row, Table, page, write

BY_GROUP, BY_EXPOSURES, BY_WORKERS, BY_SURVEY, BY_PATCH = (
    "Sources of a patch",
    "Exposures",
    "Workers",
    "Memory of surveys",
    "Memory of patches",
)
GROUPS = 1, 2, 4, 8, 16, 32
EXPOSURES = 1, 2, 4, 8, 16, 32
SURVEYS = 25, 100, 400
USUAL_GROUP, USUAL_EXPOSURES = 4, 6
LEAST_SOURCES, LARGEST = {"optimize": 16, "sample": 8}, {"optimize": 32, "sample": 16}
"""Of a survey, and sources of the largest patch."""
NOTES = {
    BY_GROUP: f"CPU time, {USUAL_EXPOSURES} exposures in three bands; files of patches and the state are written. Effective draws are those of the parameter in the middle: of 200 draws those of the worst are chance.",
    BY_EXPOSURES: f"CPU time, {USUAL_GROUP} sources in a patch.",
    BY_WORKERS: f"Wall time, {USUAL_GROUP} sources in a patch, {USUAL_EXPOSURES} exposures.",
    BY_SURVEY: f"Peak of the resident memory of a process that optimizes all patches of {USUAL_GROUP} sources from a pixel store; 115 MB of it are Python and what it imports.",
    BY_PATCH: "The same, of surveys of 32 sources.",
}
TABLES = [Table(title, "getframes", "", note) for title, note in NOTES.items()]


@dataclass(frozen=True)
class Cell:
    """One thing to measure.

    Attributes
    ----------
    table : str
        Where it is shown.
    task : str
        Of `getframes.fit.run`.
    sources, group, exposures, workers : int
        Of the survey, of a patch, of the survey, and threads.
    """

    table: str
    task: str
    sources: int
    group: int = USUAL_GROUP
    exposures: int = USUAL_EXPOSURES
    workers: int = 1

    @property
    def name(self) -> str:
        """Its own."""
        numbers = f"{self.sources}_{self.group}_{self.exposures}_{self.workers}"
        return f"{self.table.split()[-1]}_{self.task}_{numbers}"


def cells(quick: bool) -> Iterator[Cell]:
    """All of them; more patches where they are small, so that each takes seconds."""
    most = 4 if quick else 32
    for task in ("optimize", "sample"):
        least, largest = LEAST_SOURCES[task], min(most, LARGEST[task])
        for group in GROUPS:
            if group <= largest:
                yield Cell(BY_GROUP, task, max(group, least), group=group)
        for exposures in EXPOSURES:
            if exposures <= 2 * largest:
                yield Cell(
                    BY_EXPOSURES, task, least if task == "optimize" else USUAL_GROUP, exposures=exposures
                )
        for workers in (1, 2):
            yield Cell(BY_WORKERS, task, 8 if quick else 16 if task == "sample" else 32, workers=workers)
    for sources in SURVEYS[: 1 if quick else None]:
        yield Cell(BY_SURVEY, "optimize", sources)
    for group in GROUPS[:-1]:
        if group <= most:
            yield Cell(BY_PATCH, "optimize", 32, group=group)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was asked for."""
    options = _options(arguments)
    if options.cell:
        from surveying.cost import measured

        print(json.dumps(measured(options.folder, **json.loads(options.cell))))
        return 0
    options.folder.mkdir(parents=True, exist_ok=True)
    found: list[tuple[Cell, dict[str, Any]]] = []
    for cell in cells(options.quick):
        kept = options.folder / f"{cell.name}.json"
        if not kept.exists() and any(fnmatchcase(cell.name, pattern) for pattern in options.only or ["*"]):
            print(cell.name, file=sys.stderr, flush=True)
            kept.write_text(in_own_process(cell, options))
        if kept.exists():
            found.append((cell, json.loads(kept.read_text())))
    rows = list(rows_of(found))
    facts = {
        "measured": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "cells": [{**asdict(cell), **told} for cell, told in found],
    }
    place = f"{measured_on(facts)}; one thread where nothing is said."
    text = page("The cost of a fit", [place], TABLES, rows)
    print(text)
    if options.output:
        write(options.output, text, facts, rows)
    if options.pictures:
        from surveying.costs_picture import costs

        costs(found).save(options.pictures / "fit_costs.png", optimize=True)
    return 0


def in_own_process(cell: Cell, options: argparse.Namespace) -> str:
    """What a process of its own measures, on a thread for each worker."""
    environment = dict(os.environ, **dict.fromkeys(THREAD_VARIABLES, str(cell.workers)))
    told = {name: value for name, value in asdict(cell).items() if name != "table"}
    told["stored"] = cell.table in (BY_SURVEY, BY_PATCH)
    told["draws"] = 20 if options.quick else 100
    command = [sys.executable, __file__, str(options.folder), "--cell", json.dumps(told)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def rows_of(found: Sequence[tuple[Cell, dict[str, Any]]]) -> Iterator[Row]:
    """Rows of the page, and how figures grow."""
    for title, over in ((BY_GROUP, "group"), (BY_EXPOSURES, "exposures")):
        for task in ("optimize", "sample"):
            some = [
                (getattr(cell, over), told)
                for cell, told in found
                if (cell.table, cell.task) == (title, task)
            ]
            for size, told in some:
                words = f"{task}, {size} {'sources' if over == 'group' else 'exposures'}"
                yield Row(title, f"{words}: sources a second", "1/s", told["sources_per_cpu_s"], samples=told)
                yield Row(title, f"{words}: a gradient", "ms", told["gradient_ms"])
                if task == "optimize":
                    yield Row(title, f"{words}: gradients of a patch", "", told["gradients_per_patch"])
                else:
                    yield Row(
                        title,
                        f"{words}: gradients an effective draw",
                        "",
                        told["gradients_per_effective_draw"],
                    )
            if len(some) > 2:
                power = growth(
                    [size for size, _ in some], [1.0 / told["sources_per_cpu_s"] for _, told in some]
                )
                yield Row(title, f"{task}: CPU time of a source grows as the power", "", power)
    for task in ("optimize", "sample"):
        wall = {cell.workers: told for cell, told in found if (cell.table, cell.task) == (BY_WORKERS, task)}
        for workers, told in wall.items():
            gain = wall[1]["wall_s"] / told["wall_s"] if workers > 1 and 1 in wall else None
            yield Row(BY_WORKERS, f"{task}, {workers} workers", "s", told["wall_s"])
            if gain:
                yield Row(BY_WORKERS, f"{task}: times as fast as one worker", "", gain)
    for title, over in ((BY_SURVEY, "sources"), (BY_PATCH, "group")):
        for cell, told in found:
            if cell.table == title:
                words = f"{getattr(cell, over)} {'sources' if over == 'sources' else 'sources in a patch'}"
                yield Row(title, words, "MB", (told["before_bytes"] + told["peak_bytes"]) / 1e6, samples=told)
                if title == BY_SURVEY:
                    yield Row(title, f"{words}: pixels of the survey", "MB", told["pixel_bytes"] / 1e6)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of figures that are known; made where it is not there")
    parser.add_argument("--quick", action="store_true", help="small data")
    parser.add_argument("--only", nargs="+", metavar="PATTERN", help="figures by name")
    parser.add_argument("-o", "--output", type=Path, help="results, without suffix")
    parser.add_argument("--pictures", type=Path, help="folder for the picture")
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
