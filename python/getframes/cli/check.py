"""`getframes check`: read an experiment file, and say what it will need before anything is made.

Memory, disk and time are estimates; the time is measured on a small part of the sensor.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "check"
summary = "check an experiment file, and say what memory, disk and time it will need"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("experiment", type=Path, metavar="EXPERIMENT", help="TOML file")
    parser.add_argument("--truth", action="store_true", help="count the truth as well, as `generate --truth`")


def run(options: Namespace) -> int:
    """Print what the experiment is and needs; exit code 2 where it cannot be run."""
    from getframes.cli.estimate import needs_of
    from getframes.cli.findings import missing_of, summary_of, warnings_of
    from getframes.cli.problems import DONE, MISUSED, warn
    from getframes.config.experiment import read_experiment

    experiment = read_experiment(options.experiment)
    print(*summary_of(experiment), sep="\n")
    missing = missing_of(experiment)
    if missing:
        for stage in missing:
            print(f"missing stage  {stage}")
        warn(f"{options.experiment}: this version does not have every stage that the camera needs")
        return MISUSED
    needs = needs_of(experiment, truth=options.truth)
    print(*needs.lines(), sep="\n")
    for text in (*warnings_of(experiment), *needs.warnings()):
        warn(text)
    return DONE
