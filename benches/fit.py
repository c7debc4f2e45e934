"""Measures the fitting room: one module a subject in fitting/, each with the rows that it measures.

::

    python benches/fit.py [--quick] [--only 'likelihood*'] [-o STEM]

With -o the page and the numbers are written to STEM.md and STEM.json; results/fit is what the documentation shows. Subjects that --only leaves out keep the rows that STEM.json
has of them. One thread.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from machine import machine, measured_on
from table import Row, Table, page, write

import getframes

SUBJECTS = sorted(path.stem for path in (Path(__file__).parent / "fitting").glob("*.py"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was asked for."""
    options = _options(arguments)
    getframes.set_num_threads(1)
    rows, tables = [], []
    before = known(options.output) if options.only else []
    for subject in SUBJECTS:
        module = importlib.import_module(f"fitting.{subject}")
        tables.append(Table(module.TITLE, "getframes", "other", module.NOTE))
        if any(fnmatchcase(subject, pattern) for pattern in options.only or ["*"]):
            rows += module.rows(options.quick)
        else:
            rows += [row for row in before if row.table == module.TITLE]
    facts = {"measured": time.strftime("%Y-%m-%d"), "machine": machine()}
    text = page("Fitting", [f"{measured_on(facts)}; one thread."], tables, rows)
    print(text)
    if options.output:
        write(options.output, text, facts, rows)
    return 0


def known(stem: Path | None) -> list[Row]:
    """The rows of an earlier run; none where there was none."""
    path = stem and stem.with_suffix(".json")
    if not path or not path.is_file():
        return []
    return [Row(**row) for row in json.loads(path.read_text())["rows"]]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small data, one round")
    parser.add_argument("--only", nargs="+", metavar="PATTERN", help="subjects by name")
    parser.add_argument("-o", "--output", type=Path, help="results, without suffix")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
