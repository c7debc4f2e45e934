"""The work of a pipeline: masters, then frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from getframes.config.pipeline import PipelineSettings
from getframes.errors import require_count
from getframes.io.folders import alone_in
from getframes.io.progress import progress
from getframes.pipeline.masters import MasterFiles
from getframes.pipeline.plan import Plan
from getframes.reduce.batch import BatchReport, run_batch
from getframes.run_record import RunRecord

RECORD = "reduce.run.json"
"""The record of a run, in the folder of the results."""


def reduce_folder(
    settings: PipelineSettings,
    *,
    workers: int | None = None,
    processes: bool = False,
    scheduler: Any = None,
    record: RunRecord | None = None,
) -> BatchReport:
    """Reduce the raw frames of a folder; started again, make what is missing or of other settings.

    Parameters
    ----------
    settings : PipelineSettings
        What is to be done; see `read_pipeline`.
    workers, processes, scheduler
        As in `getframes.reduce.calibrate_files`.
    record : RunRecord, optional
        Is added to.

    Returns
    -------
    BatchReport
        Of the science frames; bad calibration frames are in `failed` too. Written to ``reduce.run.json`` as well.

    Raises
    ------
    MissingFileError
        If the folder of the raw frames has gone.
    OutputError
        If the folder of the results cannot be written, its disk is full, or another run is writing there.
    DomainError
        If `workers` is no positive integer.
    InputError
        If the scheduler cannot be reached.
    """
    if workers is not None:
        require_count(workers, "", "workers")
    record = record or RunRecord("reduce", {"settings": str(settings.path)})
    with alone_in(settings.out):
        with record.step("find"):
            plan = Plan.of(settings)
        failed = dict(plan.failed)
        made = MasterFiles(plan, failed)
        for master in progress(plan.masters.values(), len(plan.masters), "masters"):
            with record.step("masters", 1, "master"):
                made.make(master)
        done: list[Path] = []
        skipped: list[Path] = []
        for frames in plan.nights.values():
            ready = made.ready(frames)
            report = run_batch(
                ready,
                settings.out,
                made.loaded(ready),
                settings.options,
                cosmic_rays=settings.cosmic_rays,
                overwrite=settings.output["overwrite"],
                record=record,
                workers=workers,
                processes=processes,
                scheduler=scheduler,
            )
            done += report.done
            skipped += report.skipped
            failed |= report.failed
        report = BatchReport(tuple(sorted(done)), tuple(sorted(skipped)), failed, record)
        report.save(settings.out / RECORD)
    return report
