"""`getframes reduce`: the raw frames of a folder, calibrated as a pipeline file says.

Masters are made from the frames that belong together, and every science frame takes those of its camera, size, filter, temperature, exposure and nearest night.
A bad file stops nothing and is told at the end. Started again, the same command makes what is missing, and what other settings or other raw frames have changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "reduce"
summary = "calibrate the raw frames of a folder"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("pipeline", type=Path, metavar="PIPELINE", help="TOML file; see configs/reduce/")
    parser.add_argument(
        "--list", action="store_true", help="say what there is, by night and type, and do nothing"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="frames at a time; the cores when left out")
    parser.add_argument("--processes", action="store_true", help="processes in place of threads")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler that shall do the work")


def run(options: Namespace) -> int:
    """Reduce the frames; exit code 1 where some could not be."""
    from getframes.cli.problems import warn
    from getframes.pipeline import Plan, read_pipeline, reduce_folder
    from getframes.reduce.batch import told
    from getframes.run_record import RunRecord

    settings = read_pipeline(options.pipeline)
    if options.list:
        print(Plan.of(settings))
        return 0
    record = RunRecord(name, {"pipeline": str(options.pipeline)})
    report = reduce_folder(
        settings,
        workers=options.workers,
        processes=options.processes,
        scheduler=options.scheduler,
        record=record,
    )
    print(f"{settings.out}: {len(report.done)} calibrated, {len(report.skipped)} were there")
    if not (report.done or report.skipped or report.failed):
        warn(
            f"no science frame in {settings.raw_folder} ({settings.input['pattern']}); --list says what there is"
        )
    for line in told(report.failed):
        warn(line)
    if options.profile:
        print(record)
    return report.exit_code
