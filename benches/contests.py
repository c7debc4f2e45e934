"""Runs contests and makes pages of them; see contest.py for what one is."""

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
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from contest import LEAST_S, OURS, Contest, timed
from machine import machine, measured_on
from table import Row, Table, page, write

HERE = Path(__file__).parent
THREAD_VARIABLES = ("GETFRAMES_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Comparison:
    """The contests of a room.

    Attributes
    ----------
    title : str
        Of the page.
    script : str
        The program that runs them, which starts itself for every side.
    folder : str
        Where the modules of contests are.
    packages : tuple of str
        Whose versions are told.
    described : str
        What the program says about itself.
    """

    title: str
    script: str
    folder: str
    packages: tuple[str, ...]
    described: str

    def contests(self) -> list[Contest]:
        """Every contest of every module."""
        modules = sorted(path.stem for path in (HERE / self.folder).glob("*.py") if path.stem != "__init__")
        return [
            contest
            for name in modules
            for contest in importlib.import_module(f"{self.folder}.{name}").CONTESTS
        ]

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Measure, print, and write what was asked for."""
        options = self._options(arguments)
        if options.side:
            return self._one_side(options)
        rows, failures = [], []
        for contest in self.contests():
            if any(fnmatchcase(contest.name, pattern) for pattern in options.only or ["*"]):
                try:
                    rows += list(self.compared(contest, options))
                except subprocess.CalledProcessError as error:
                    failures.append(f"{contest.name}: {error}")
        facts = {
            "measured": time.strftime("%Y-%m-%d"),
            "machine": machine(),
            "versions": self.versions(),
            "threads": options.threads,
        }
        introduction = [
            f"{measured_on(facts)}.",
            "Versions: "
            + ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
            + f". Threads: {options.threads}.",
        ]
        if options.merge:
            introduction.append(
                "The rows of a contest are of one run; those of another contest may be of another."
            )
            rows = merged(json.loads(options.output.with_suffix(".json").read_text())["rows"], rows)
        text = page(self.title, introduction, [self.table], rows, failures)
        print(text)
        if options.output:
            write(options.output, text, facts, rows)
        return 1 if failures else 0

    def compared(self, contest: Contest, options: argparse.Namespace) -> Iterator[Row]:
        """The rows of one contest."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            contest.data(folder, options.quick)
            measured = {side: self._measured(contest, side, folder, options) for side in contest.sides}
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
            yield Row(
                self.table.title,
                f"{contest.name}, {side}",
                "s",
                ours,
                other,
                other / ours,
                words,
                met,
                samples,
            )
        for figure in contest.figures(results, measured, options.quick) if contest.figures else ():
            met = None if options.quick else figure.met
            known = figure.other is not None and figure.ranked and figure.value != 0
            ratio = figure.other / figure.value if known else None
            name = f"{contest.name}: {figure.name}"
            yield Row(
                self.table.title, name, figure.unit, figure.value, figure.other, ratio, figure.target, met
            )

    def versions(self) -> dict[str, str]:
        """Of everything that takes part and is there."""
        found = {OURS: str(importlib.import_module(OURS).__version__)}
        for name in ("numpy", *self.packages):
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                continue
        return found

    @property
    def table(self) -> Table:
        """Of everything measured."""
        note = "CPU time, and how many times less ours is; other figures say what they are."
        return Table(self.title, OURS, "other", note)

    def _measured(
        self, contest: Contest, side: str, folder: Path, options: argparse.Namespace
    ) -> dict[str, Any]:
        print(f"{contest.name}, {side}", file=sys.stderr, flush=True)
        command = [sys.executable, self.script, "--side", contest.name, side, str(folder)]
        environment = dict(os.environ, **dict.fromkeys(THREAD_VARIABLES, str(options.threads)))
        subprocess.run([*command, *(["--quick"] if options.quick else [])], env=environment, check=True)
        return json.loads((folder / f"{side}.json").read_text())

    def _one_side(self, options: argparse.Namespace) -> int:
        """In a process of its own: the work of one side, timed."""
        from worker import status_bytes

        name, side, folder = options.side
        contest = next(contest for contest in self.contests() if contest.name == name)
        work = contest.sides[side](Path(folder))
        clear = Path("/proc/self/clear_refs")
        measured: dict[str, Any] = {"cpu_s": [], "wall_s": []}
        if clear.exists():
            clear.write_text("5")  # the peak begins anew
            before = status_bytes("VmRSS")
        result = work()
        if clear.exists():
            measured["peak_bytes"] = status_bytes("VmHWM") - before
        for _ in range(1 if options.quick else contest.rounds):
            cpu, wall = timed(work, LEAST_S / 10 if options.quick else LEAST_S)
            measured["cpu_s"].append(cpu)
            measured["wall_s"].append(wall)
        (Path(folder) / f"{side}.result").write_bytes(pickle.dumps(result))
        (Path(folder) / f"{side}.json").write_text(json.dumps(measured))
        return 0

    def _options(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        parser = argparse.ArgumentParser(
            description=self.described, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        parser.add_argument("--quick", action="store_true", help="small data, one round")
        parser.add_argument("--only", nargs="+", metavar="PATTERN", help="contests by name")
        parser.add_argument("--threads", type=int, default=1, help="threads of every side (default 1)")
        parser.add_argument("--merge", action="store_true", help="keep the other rows of the results")
        parser.add_argument("-o", "--output", type=Path, help="results, without suffix")
        parser.add_argument("--side", nargs=3, metavar=("CONTEST", "SIDE", "FOLDER"), help=argparse.SUPPRESS)
        return parser.parse_args(arguments)


def merged(before: list[dict[str, Any]], now: list[Row]) -> list[Row]:
    """The rows of an earlier run, with those of this one in their places; new ones come last."""
    fresh = {row.name: row for row in now}
    return [*(fresh.pop(row["name"], None) or Row(**row) for row in before), *fresh.values()]
