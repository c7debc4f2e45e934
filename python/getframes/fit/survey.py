"""Fitting a whole scene: the loop over patches.

A patch is checked out, fitted by a worker, and checked in. The state is saved after each check-in; where patches come back so fast that saving would take more than a
sixth of the time, after several. What goes wrong with a patch flags its sources, is told at the end, and stops nothing but what cannot go on: files that cannot be
written or read. Ctrl-C, a kill or a power cut lose the patches that are under way or not saved yet; the same call does them again, with the same result.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from os import PathLike
from time import monotonic
from typing import TYPE_CHECKING, Any

from getframes.errors import GetframesError, InputError, OutputError, require
from getframes.fit.blas import one_blas_thread
from getframes.fit.dealing import NothingAvailableError
from getframes.fit.patch_work import Fit, PatchOutcome, PatchTask, PatchWork, fit_named
from getframes.fit.scene import SuperScene
from getframes.fit.source_flag import SourceFlag
from getframes.io.interrupts import uninterrupted
from getframes.io.tasks import LostWorkerError, outcomes

if TYPE_CHECKING:
    from getframes.fit.patcher import Patcher
    from getframes.run_record import RunRecord

_PAUSE = 5.0
"""Between two saves, in units of the time that one takes."""
RECORD = "fit.run.json"
"""The record of a run, beside the state."""

_LOG = logging.getLogger("getframes.fit")


@dataclass(frozen=True)
class SurveyReport:
    """What became of a scene.

    Attributes
    ----------
    patches : int
        Fitted now.
    failed : dict
        What went wrong, by the number of the patch.
    doubtful : dict
        What makes fits doubtful, by the number of the patch.
    flagged : dict
        Ids of sources that are not fitted, or whose fit is doubtful, by the name of their flag.
    rows : tuple of str
        What is wrong with rows of the catalog.
    record : RunRecord
        Time and counts of each step.
    images : tuple of str
        What of the images tells nothing.
    """

    patches: int
    failed: dict[int, str]
    doubtful: dict[int, tuple[str, ...]]
    flagged: dict[str, tuple[int, ...]]
    rows: tuple[str, ...]
    record: RunRecord = field(compare=False, repr=False)
    images: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 where every patch was fitted, else 1."""
        return 1 if self.failed else 0

    def told(self) -> list[str]:
        """What is not as it should be, a line each."""
        lines = [f"catalog: {text}" for text in self.rows]
        lines += [f"images: {text}" for text in self.images]
        lines += [f"patch {number}: {text}" for number, text in sorted(self.failed.items())]
        for number, texts in sorted(self.doubtful.items()):
            lines += [f"patch {number}: {text}" for text in texts]
        for name, ids in self.flagged.items():
            shown = ", ".join(map(str, ids[:10])) + (", ..." if len(ids) > 10 else "")
            lines.append(f"{len(ids)} sources are flagged {name}: {shown}")
        return lines

    def save(self, path: str | PathLike[str]) -> None:
        """Write the record, with what went wrong; errors as in `RunRecord.save`."""
        self.record.about |= {"patches": self.patches, "told": self.told()}
        self.record.save(path)


def run(
    scene: SuperScene,
    patcher: Patcher,
    task: str | Fit = "optimize",
    *,
    target_niter: int | None = None,
    visits: int = 1,
    workers: int | None = None,
    processes: bool = False,
    scheduler: Any = None,
    out: str | PathLike[str] | None = None,
    config: str = "",
    record: RunRecord | None = None,
    **options: Any,
) -> SurveyReport:
    """Fit a scene, patch by patch, sweep by sweep; started again, go on.

    The result does not depend on the workers; see `SuperScene`.

    Parameters
    ----------
    scene : SuperScene
        The sources and their state.
    patcher : Patcher
        The images.
    task : {"optimize", "sample"} or callable
        `getframes.fit.optimize`, `getframes.fit.sample`, or a function that takes a patch and gives a `PatchFit`.
    target_niter : int, optional
        Sweep until every source has so many draws; as many as one visit makes when left out. Of "sample".
    visits : int
        Sweep until every source was in so many patches. Of "optimize", and of a function.
    workers : int, optional
        Threads or processes; as many as `getframes.num_threads` when left out.
    processes : bool
        Processes in place of threads. A script then needs its ``if __name__ == "__main__":``.
    scheduler : str or dask.distributed.Client, optional
        A Dask scheduler, or its address. Its workers need getframes, and have to see the images and `out`. Every task carries the patcher: images in a pixel store
        travel as names, those in memory with all their pixels.
    out : path, optional
        Folder for a file of each patch; made if it is not there.
    config : str
        Text that goes into each of these files.
    record : RunRecord, optional
        Is added to.
    **options
        Of the task.

    Returns
    -------
    SurveyReport
        Also written to ``fit.run.json`` beside the state.

    Raises
    ------
    DomainError
        If there is no such task, scene and images do not go together, or a number is impossible.
    OutputError
        If the state or a patch cannot be written, or another run has the state.
    InputError
        If a store or the scheduler cannot be reached.
    """
    from getframes.io.atomic import make_folder
    from getframes.io.folders import alone_in, remove_unfinished
    from getframes.io.progress import progress
    from getframes.run_record import RunRecord

    require(
        patcher.bands == scene.bands,
        "",
        "bands of the images",
        f"those of the scene, {scene.bands}",
        patcher.bands,
    )
    require(
        patcher.sky == scene.sky,
        "",
        "images",
        f"{'with' if scene.sky else 'without'} WCS, as the catalog",
        patcher,
    )
    fit, kind = (fit_named(task), task) if isinstance(task, str) else (task, getattr(task, "__name__", "fit"))
    sampling = kind == "sample"
    draws = int(options.get("draws", 500)) * int(options.get("chains", 4))
    target = (draws if target_niter is None else target_niter) if sampling else 0
    record = record or RunRecord("fit", {"state": str(scene.path)})
    folder = None if out is None else make_folder(out)
    work = PatchWork(patcher=patcher, fit=fit, kind=kind, options=options, out=folder, config=config)
    with alone_in(scene.path.parent):
        remove_unfinished(scene.path.parent, scene.path.suffix)
        patches = _Patches(scene, target, 0 if sampling else visits)
        results = outcomes(work, patches, workers=workers, processes=processes, scheduler=scheduler)
        kept = _Kept(scene)
        with one_blas_thread(), closing(results), kept:  # type: ignore[type-var]
            for outcome in record.over(progress(results, None, kind, "patch"), kind, "patch"):
                kept.keep(outcome.task, outcome.value, outcome.error)
        if folder is not None:
            remove_unfinished(folder, ".h5")  # of workers that were killed
        report = SurveyReport(
            kept.count,
            kept.failed,
            kept.doubtful,
            _flagged(scene),
            tuple(map(str, scene.catalog.problems)),
            record,
            tuple(patcher.idle(scene.sources, float(scene.catalog.roi[scene.catalog.good].max(initial=0.0)))),
        )
        report.save(scene.path.with_name(RECORD))
    return report


class _Patches(Iterator[PatchTask]):
    """The patches that may be fitted now; asked again when others are done, there may be more."""

    def __init__(self, scene: SuperScene, target_niter: int, visits: int) -> None:
        self.scene, self.target_niter, self.visits = scene, target_niter, visits

    def __next__(self) -> PatchTask:
        scene = self.scene
        if not scene.sweeping and not scene.undone(self.target_niter, visits=self.visits):
            raise StopIteration
        try:
            region, active, fixed = scene.checkout_region(target_niter=self.target_niter, visits=self.visits)
        except NothingAvailableError:
            raise StopIteration from None
        return PatchTask(region, active, fixed, *scene.bounds_and_covs(active), *scene.progress_of(active))


class _Kept:
    """What has come back so far, saved when the block ends, however it ends."""

    def __init__(self, scene: SuperScene) -> None:
        self.scene, self.count = scene, 0
        self.next_save_s = 0.0
        self.failed: dict[int, str] = {}
        self.doubtful: dict[int, tuple[str, ...]] = {}

    def __enter__(self) -> _Kept:
        return self

    def __exit__(self, *_: object) -> None:
        with uninterrupted():
            self.scene.save()

    def _save(self) -> None:
        """Save the state, unless a save has just been made."""
        began = monotonic()
        if began >= self.next_save_s:
            self.scene.save()
            self.next_save_s = monotonic() + _PAUSE * (monotonic() - began)

    def keep(self, task: PatchTask, found: PatchOutcome | None, error: Exception | None) -> None:
        """Check a patch in; raise what no other patch would survive."""
        if isinstance(error, OutputError) or (
            isinstance(error, InputError) and not isinstance(error, LostWorkerError)
        ):
            raise error
        number = task.region.id
        if found is not None:
            try:
                self.scene.checkin_region(
                    task.active,
                    task.fixed,
                    found.parameters,
                    found.draws,
                    found.covariance,
                    sources=found.sources,
                    flags=found.flags,
                    save=False,
                )
            except GetframesError as wrong:
                error = wrong
        if error is not None:
            known = isinstance(error, GetframesError)
            self.failed[number] = str(error) if known else f"unexpected {type(error).__name__}: {error}"
            self.scene.checkin_region(task.active, task.fixed, flags=SourceFlag.FAILED, save=False)
        elif found is not None and found.problems:
            self.doubtful[number] = found.problems
        self.count += 1
        self._save()
        _LOG.debug("patch %d: %s", number, self.failed.get(number, "done"))


def _flagged(scene: SuperScene) -> dict[str, tuple[int, ...]]:
    flags, ids = scene.flags, scene.sources["id"]
    found = {str(flag.name): tuple(ids[flags & flag != 0].tolist()) for flag in SourceFlag}
    return {name: which for name, which in found.items() if which}
