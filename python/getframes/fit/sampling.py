"""Draws from the posterior of a patch by the No-U-turn sampler."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import GetframesError, ShapeError, require, require_count
from getframes.fit.blas import one_blas_thread
from getframes.fit.differences import hessian, inverse, steps
from getframes.fit.model import PatchModel, prepare_model
from getframes.fit.optimizing import climb
from getframes.fit.posterior import STATISTICS, Posterior
from getframes.io.progress import counting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from getframes.fit.patch import Patch

    Numbers = NDArray[np.float64]

FAR, NEARER = 8.0, 3.0
"""Coordinates of a start beyond FAR, where a logit is within 3e-4 of its bound and as good as flat, are moved to NEARER: from 0.0003 to 0.05 of the way."""
CLIMB = 100
"""Iterations from the most probable parameters to the most probable coordinates."""
LEAST = 1e-3
"""Least eigenvalue of the first guess of the precision, scaled to a diagonal of 1."""
TRIES = 6
"""How often a start where the density has no value is moved half way to the middle."""

logger = logging.getLogger("getframes.fit")


def sample(
    patch: Patch,
    draws: int = 500,
    warmup: int = 300,
    *,
    chains: int = 4,
    cov: Numbers | None = None,
    weight: float = 10.0,
    max_treedepth: int = 8,
    target_accept: float = 0.8,
    keep_warmup: bool = False,
    from_optimum: bool = True,
    max_snr: float | None = None,
    progress: bool | Callable[[int, int], None] = False,
    seed: int | None = None,
) -> Posterior:
    """Draws from the joint posterior of the parameters of a patch.

    The sampler moves in places, shapes, and what else has bounds; fluxes and backgrounds without bounds are integrated, and then drawn from their normal density
    at each draw. Trajectories run in coordinates whitened by a covariance: `cov`, or that of earlier draws, which a patch has, or the inverse of the second derivatives where the chains
    start. It counts as `weight` draws when it is blended with that of the warm-up. A seed gives the same draws whatever the threads.

    Parameters
    ----------
    patch : Patch
        Sources and pixels.
    draws, warmup : int
        Of each chain: those that are kept, and those before, in which step size and covariance are learned.
    chains : int
        Run side by side on the threads of getframes.
    cov : array (N, N), optional
        Covariance of the parameters of the patch, as `Posterior.warm_start` gives it.
    weight : float
        Draws that the first covariance counts for.
    max_treedepth : int
        A trajectory has at most 2^max_treedepth steps.
    target_accept : float
        Mean acceptance that the step size is set for.
    keep_warmup : bool
        Keep the draws of the warm-up as `Posterior.warmup`.
    from_optimum : bool
        Climb from the values of the sources to the most probable ones first.
    max_snr : float, optional
        Cap of the signal-to-noise ratio of a pixel; see `prepare_model`.
    progress : bool or callable
        Show a bar on a terminal, or call with draws that are done and all of them.
    seed : int, optional
        Of the draws; by default that of the patch.

    Returns
    -------
    Posterior
        What makes it doubtful is in `Posterior.problems` and in the log; it is no error.

    Raises
    ------
    DomainError
        As `prepare_model`; if a number breaks its rule, a parameter starts outside its bounds, or the density has no value where chains start.
    ShapeError
        If `cov` is not (N, N).
    SingularError
        If no pixel tells a flux without a prior.
    KeyboardInterrupt
        On Ctrl-C; there are no draws then.
    """
    draws, chains = require_count(draws, "", "draws"), require_count(chains, "", "chains")
    max_treedepth = require_count(max_treedepth, "", "max_treedepth")
    require(warmup >= 0 and int(warmup) == warmup, "", "warmup", "an integer >= 0", warmup)
    require(weight > 0.0, "", "weight", "> 0 draws", weight)
    require(0.0 < target_accept < 1.0, "", "target_accept", "in (0, 1)", target_accept)
    model = prepare_model(patch, max_snr=max_snr)
    given = model.coordinates(patch.parameters)
    key = np.random.SeedSequence(patch.seed if seed is None else seed)
    random = np.random.Generator(np.random.Philox(key))
    with one_blas_thread():
        middle = crest(model, climb(model, given)) if from_optimum else off_bounds(given)
        saved = _saved(patch) if cov is None else cov
        covariance = guessed(model, middle) if saved is None else pulled(model, middle, saved)
        start = starts(model, middle, covariance, random, chains)
    with _reporting(progress, chains * (draws + warmup)) as report:
        positions, said = model.posterior.sample(
            start,
            middle,
            covariance,
            draws=draws,
            warmup=int(warmup),
            seed=int(key.generate_state(1, np.uint64)[0]),
            max_treedepth=max_treedepth,
            target_accept=target_accept,
            weight=weight,
            progress=report,
        )
    z = random.normal(size=(positions.shape[0] * positions.shape[1], patch.n_linear))
    values = model.parameters(positions.reshape(-1, positions.shape[2]), z).reshape(*positions.shape[:2], -1)

    told = dict(zip(STATISTICS, np.moveaxis(said, 2, 0), strict=True))
    before, after = slice(int(warmup)), slice(int(warmup), None)

    def part(of: slice, **more: Any) -> Posterior:
        return Posterior(
            names=model.names,
            draws=values[:, of],
            statistics={name: numbers[:, of] for name, numbers in told.items()},
            n_fitted=model.n_fitted,
            seed=patch.seed if seed is None else seed,
            **more,
        )

    made = part(
        after,
        warmup=part(before) if keep_warmup else None,
        warmup_gradients=int(told["n_steps"][:, before].sum()),
    )
    for problem in made.problems():
        logger.warning("patch %s: %s", patch.id, problem)
    return made


def _saved(patch: Patch) -> Numbers | None:
    """Covariance of draws that comes with a patch; None where a source has none.

    That of an optimum is not taken: a parameter at a bound has a width there, and no covariance, which stretched over its logit is ten times too wide, and makes trajectories
    five times as long as those in the second derivatives where chains start.
    """
    known = patch.covariance is not None and bool(np.all(np.diag(patch.covariance) > 0.0))
    return patch.covariance if known and bool(np.all(patch.draws > 0)) else None


def off_bounds(at: Numbers) -> Numbers:
    """Coordinates (D,), those of parameters at a bound moved to where their density has a slope."""
    return np.where(np.abs(at) > FAR, np.copysign(NEARER, at), at)


def crest(model: PatchModel, at: Numbers) -> Numbers:
    """Where the density of the coordinates is largest (D,), climbing from the most probable parameters.

    The two differ by what coordinates are stretched. A parameter that is most probable at its bound has its coordinate at infinity, and its draws have not.
    """
    from scipy.optimize import minimize

    start = off_bounds(at)
    lower = np.linalg.cholesky(guessed(model, start))

    def loss(z: Numbers) -> tuple[float, Numbers]:
        try:
            value, gradient = model.value_and_gradient(start + lower @ z)
        except GetframesError:
            return np.inf, np.zeros(z.size)
        return -value, -(lower.T @ gradient)

    found = minimize(loss, np.zeros(len(at)), jac=True, method="L-BFGS-B", options={"maxiter": CLIMB})
    return np.asarray(start + lower @ found.x)


def guessed(model: PatchModel, at: Numbers) -> Numbers:
    """Inverse of the second derivatives of -ln p at coordinates (D,), made positive where they are not."""
    density = model.value_and_gradient
    covariance, raised = inverse(hessian(density, at, steps(density, at)), LEAST)
    if raised:
        logger.info(
            "patch %s: %d of %d combinations are not curved where chains start",
            model.patch.id,
            raised,
            len(at),
        )
    return covariance


def pulled(model: PatchModel, at: Numbers, covariance: Numbers) -> Numbers:
    """A covariance of the parameters of the patch (N, N) as one of the coordinates (D, D).

    Raises
    ------
    ShapeError
        If it is not (N, N).
    DomainError
        If it is not finite, or has a variance that is not above 0.
    """
    size = model.n_fitted
    if np.shape(covariance) != (size, size):
        raise ShapeError(f"cov must have shape {(size, size)}, got {np.shape(covariance)}")
    sound = bool(np.all(np.isfinite(covariance)) and np.all(np.diag(covariance) > 0.0))
    require(sound, "", "cov", "finite, with variances > 0", float(np.min(np.diag(covariance))))
    chosen = np.asarray(covariance, np.float64)[np.ix_(model.sampled, model.sampled)]
    slopes = model.slopes(at)
    made = chosen / np.outer(slopes, slopes)
    scale = np.sqrt(np.diag(made))
    values, vectors = np.linalg.eigh(made / np.outer(scale, scale))
    return np.ascontiguousarray(((vectors * np.maximum(values, LEAST)) @ vectors.T) * np.outer(scale, scale))


def starts(
    model: PatchModel, middle: Numbers, covariance: Numbers, random: np.random.Generator, chains: int
) -> Numbers:
    """Coordinates that chains start at (chains, D): normal about the middle.

    Raises
    ------
    DomainError
        If the density has no value near the middle.
    """
    lower = np.linalg.cholesky(covariance)
    made = []
    for number in range(chains):
        off = lower @ random.normal(size=len(middle))
        for _ in range(TRIES):
            if _has_value(model, middle + off):
                break
            off = 0.5 * off
        else:
            owner = f"ln posterior of patch {model.patch.id}"
            value, _ = model.value_and_gradient(middle + off)
            require(False, "", f"{owner} where chain {number} starts", "finite, with a gradient", value)
        made.append(middle + off)
    return np.ascontiguousarray(made)


def _has_value(model: PatchModel, at: Numbers) -> bool:
    value, gradient = model.value_and_gradient(at)
    return bool(np.isfinite(value) and np.all(np.isfinite(gradient)))


@contextmanager
def _reporting(progress: bool | Callable[[int, int], None], total: int) -> Iterator[Any]:
    if callable(progress):
        yield lambda done: progress(done, total)
        progress(total, total)
        return
    if not progress:
        yield None
        return
    with counting(total, "draws", "draw") as report:
        yield report
