"""What a worker does with a patch: collect its pixels, fit it, write it down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import DomainError, did_you_mean
from getframes.fit.patch import Patch
from getframes.fit.patcher import Patcher
from getframes.fit.region import Region
from getframes.fit.source import Rows
from getframes.fit.source_flag import doubts
from getframes.io.interrupts import heed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class PatchFit:
    """What came out of a patch of N parameters.

    Attributes
    ----------
    parameters : array (N,) or longer
        New values; those of backgrounds after them.
    covariance : array (N, N)
        Of the N.
    draws : int
        Draws made; 0 of an optimum.
    problems : tuple of str
        What makes it doubtful.
    unsure : array (N,) of bool, or bool
        Parameters that were not found.
    chains : Posterior or None
        The draws.
    attempts : tuple
        How an optimum was found.
    """

    parameters: Numbers
    covariance: Numbers
    draws: int = 0
    problems: tuple[str, ...] = ()
    unsure: NDArray[np.bool_] | bool = False
    chains: Any = None
    attempts: tuple[Any, ...] = ()


Fit = Callable[..., PatchFit]


class PatchTask(NamedTuple):
    """A patch that was checked out; all that travels to a worker.

    Attributes
    ----------
    region, active, fixed
        As `SuperScene.checkout_region` gives them.
    bounds, covariance : arrays (N, 2), (N, N) or None
        As `SuperScene.bounds_and_covs` gives them.
    visits, draws : array (A,) of int
        As `SuperScene.progress_of` gives them.
    """

    region: Region
    active: Rows
    fixed: Rows
    bounds: Numbers
    covariance: Numbers | None
    visits: NDArray[np.int64]
    draws: NDArray[np.int64]


class PatchOutcome(NamedTuple):
    """What a worker sends back.

    Attributes
    ----------
    sources : structured array
        Those that were fitted; none where there are no pixels.
    parameters, covariance : arrays (N,), (N, N), or None
        Of them.
    draws : int
        Draws made.
    problems : tuple of str
        What makes it doubtful.
    flags : array of int, or 0
        Bits of `SourceFlag` of each of the sources.
    """

    sources: Rows
    parameters: Numbers | None = None
    covariance: Numbers | None = None
    draws: int = 0
    problems: tuple[str, ...] = ()
    flags: NDArray[np.int32] | int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class PatchWork:
    """The work on a patch, for `getframes.io.tasks.outcomes`.

    Attributes
    ----------
    patcher : Patcher
        Has the pixels.
    fit : callable
        Takes a patch and the options.
    kind : str
        What the fit is called.
    options : mapping
        Of the fit.
    out : Path or None
        Folder of the files of patches; None for none.
    config : str
        Text that goes into each file.
    """

    patcher: Patcher
    fit: Fit
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    out: Path | None = None
    config: str = ""

    def __call__(self, task: PatchTask) -> PatchOutcome:
        """Fit a patch; errors are those of the fit, and of reading and writing."""
        patch = self.patcher.build_patch(
            task.region,
            task.active,
            task.fixed,
            bounds=task.bounds,
            covariance=task.covariance,
            visits=task.visits,
            draws=task.draws,
        )
        if not len(patch.sources):
            return PatchOutcome(patch.sources)
        found = self.fit(patch, **self.options)
        if self.out is not None:
            self.write(patch, found)
        count = len(patch.names)
        finite = bool(np.isfinite(found.parameters).all())  # if not, it fails when it is checked in
        unseen = np.isin(patch.names, [name for name in patch.priors if name not in self.patcher.priors])
        flags = doubts(patch, found.parameters, found.covariance, found.unsure, unseen) if finite else 0
        values = found.parameters[:count]
        return PatchOutcome(patch.sources, values, found.covariance, found.draws, found.problems, flags)

    def write(self, patch: Patch, found: PatchFit) -> Path:
        """Write what became of a patch into a file of the folder; errors as in `write_patch`."""
        from getframes.fit.patch_file import write_patch

        assert self.out is not None
        path = self.out / patch_file_name(self.kind, patch.id)
        about = {"task": self.kind, "config": self.config, "problems": "\n".join(found.problems)}
        write_patch(
            path,
            patch,
            found.parameters,
            found.covariance,
            about=about,
            chains=found.chains,
            attempts=found.attempts,
        )
        return path


def patch_file_name(kind: str, number: int) -> str:
    """Name of the file of a patch."""
    return f"{kind}_{number:08d}.h5" if number >= 0 else f"{kind}_by_hand_{-number:08d}.h5"


def fit_named(name: str) -> Fit:
    """The fit of this name.

    Raises
    ------
    DomainError
        If there is none.
    """
    if name not in _FITS:
        raise DomainError(f"task must be one of {', '.join(_FITS)}, got {name!r}{did_you_mean(name, _FITS)}")
    return _FITS[name]


def _optimized(patch: Patch, **options: Any) -> PatchFit:
    from getframes.fit.optimizing import optimize

    found = optimize(patch, **options)
    return PatchFit(
        parameters=found.parameters,
        covariance=found.fitted_covariance,
        problems=() if found.converged else (found.status,),
        unsure=not found.converged,
        attempts=found.attempts,
    )


def _heeding(_done: int, _total: int) -> None:
    heed()


def _sampled(patch: Patch, **options: Any) -> PatchFit:
    from getframes.fit.sampling import sample

    found = sample(patch, **{"progress": _heeding, **options})
    weight = options.get("weight", 0.0) if patch.covariance is not None else 0.0
    return PatchFit(
        parameters=found.mean,
        covariance=found.warm_start(patch.covariance, weight=weight),
        draws=len(found.flat),
        problems=tuple(found.problems()),
        unsure=found.unsure[: found.n_fitted],
        chains=found,
    )


_FITS: Mapping[str, Fit] = {"optimize": _optimized, "sample": _sampled}
