"""Whether draws of the fit mean what they say, and what they cost: one module a subject in draws/, each with scenes that are measured one by one.

::

    python benches/posterior.py [--quick] [--only calibration truth optimum samplers] [--merge | --resume] [--seconds S] [-o STEM]

With -o the page and the numbers of every scene are written to STEM.md and STEM.json; results/posterior is what the documentation shows. The whole takes forty minutes of one
core: with --seconds it ends early and writes what it has, and --resume goes on from there. One thread.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from machine import machine, measured_on
from table import Table, page, write

sys.path.insert(0, str(Path(__file__).parents[1]))

import getframes

SUBJECTS = ("calibration", "truth", "optimum", "samplers")
PACKAGES = ("numpy", "scipy", "galsim", "emcee", "nutpie", "jax", "numpyro")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was asked for."""
    options = _options(arguments)
    getframes.set_num_threads(1)
    found = _before(options)
    _measure(found, options)
    tables, rows = [], []
    for subject in SUBJECTS:
        if found.get(subject):
            module = importlib.import_module(f"draws.{subject}")
            tables.append(Table(module.TITLE, "getframes", "other", module.NOTE))
            rows += module.rows(found[subject])
    if options.quick:
        rows = [replace(row, met=None) for row in rows]
    facts = {"measured": time.strftime("%Y-%m-%d"), "machine": machine(), "versions": _versions()}
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    text = page(
        "Draws of the fit", [f"{measured_on(facts)}; one thread.", f"Versions: {versions}."], tables, rows
    )
    print(text)
    if options.output:
        write(options.output, text, {**facts, "scenes": found}, rows)
    return 1 if any(row.met is False for row in rows) else 0


def _before(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What was measured earlier, where it is to be kept."""
    known = options.output and options.output.with_suffix(".json")
    if not known or not known.exists():
        return {}
    found: dict[str, dict[str, Any]] = json.loads(known.read_text(encoding="utf-8"))["scenes"]
    if options.resume:
        return found
    return {name: scenes for name, scenes in found.items() if options.merge and name not in options.only}


def _measure(found: dict[str, dict[str, Any]], options: argparse.Namespace) -> None:
    """Puts the scenes that are missing into what was found, until time is over, but one at least; Ctrl-C ends it early too."""
    modules = {subject: importlib.import_module(f"draws.{subject}") for subject in options.only}
    every = [
        (subject, scene) for subject, module in modules.items() for scene in module.scenes(options.quick)
    ]
    begun = time.monotonic()
    for subject, scene in every:
        known = found.setdefault(subject, {})
        if scene in known:
            continue
        before = time.process_time()
        try:
            known[scene] = modules[subject].measured(scene)
        except KeyboardInterrupt:
            break
        known[scene]["cpu_s"] = round(time.process_time() - before, 2)
        print(f"{subject}, {scene}: {known[scene]['cpu_s']} s", file=sys.stderr, flush=True)
        if time.monotonic() - begun > options.seconds:
            break


def _versions() -> dict[str, str]:
    """Of everything that takes part and is there."""
    found = {"getframes": getframes.__version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few scenes")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, default=list(SUBJECTS), help="subjects")
    parser.add_argument("--merge", action="store_true", help="keep the other subjects of the results")
    parser.add_argument("--resume", action="store_true", help="keep all, and measure what the results lack")
    parser.add_argument(
        "--seconds", type=float, default=math.inf, metavar="S", help="begin no other scene after that"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="STEM", help="results, without suffix")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
