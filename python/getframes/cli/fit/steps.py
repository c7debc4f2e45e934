"""What the steps that fit patches have in common: their options, and how they tell what became of a scene."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

MOST_LINES = 40
"""Of what is not as it should be, on standard error."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options of a step that fits patches."""
    parser.add_argument("fit", type=Path, metavar="FILE", help="TOML file; see configs/fit/")
    parser.add_argument("--workers", type=int, metavar="N", help="patches at a time; the cores when left out")
    parser.add_argument("--processes", action="store_true", help="processes in place of threads")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler that shall do the work")
    parser.add_argument("--retry", action="store_true", help="fit again what failed before")
    parser.add_argument(
        "--report",
        action="store_true",
        help="write a page of what was found, report/index.html of the results",
    )


def run_steps(options: Namespace, tasks: Iterable[str] | None) -> int:
    """Do steps of a fit file, all that it has when None; exit code 1 where a patch failed."""
    from getframes.cli.fit.results import RECORD, report_of
    from getframes.cli.problems import DONE, warn
    from getframes.config.fit import read_fit
    from getframes.errors import require
    from getframes.pipeline.fit import SceneFit

    settings = read_fit(options.fit)
    patches = settings.output["patches"]
    require(
        patches or not options.report, f"{settings.path}: output", "patches", "true for --report", patches
    )
    work = SceneFit.of(settings)
    if options.retry:
        work.scene.retry()
    code = DONE
    wanted = (
        ("optimize", *(["sample"] if settings.sample is not None else [])) if tasks is None else tuple(tasks)
    )
    for task in wanted:
        with _told_at_the_end(options.verbose):
            report = work.run(
                task, workers=options.workers, processes=options.processes, scheduler=options.scheduler
            )
        print(f"{settings.out}: {task}: {report.patches} patches fitted, {len(report.failed)} failed")
        code = max(code, report.exit_code)
    lines = report.told()
    for line in lines[:MOST_LINES]:
        warn(line)
    if len(lines) > MOST_LINES:
        warn(f"{len(lines) - MOST_LINES} more lines are in {settings.out / RECORD}")
    if options.report:
        print(report_of(settings.out, overwrite=True))
    if options.profile:
        print(work.record)
    return code


@contextmanager
def _told_at_the_end(verbose: bool) -> Iterator[None]:
    """Without -v the log does not say what the report says; an interrupt says that nothing is lost."""
    from getframes.cli.problems import warn

    log = logging.getLogger("getframes.fit")
    before = log.level
    log.setLevel(before if verbose else logging.ERROR)
    try:
        yield
    except KeyboardInterrupt:
        warn("interrupted: the same command goes on where this one ended")
        raise
    finally:
        log.setLevel(before)
