"""The most probable parameters of a patch, and their covariance."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import GetframesError, require
from getframes.fit.blas import one_blas_thread
from getframes.fit.differences import curvature, hessian, inverse, steps
from getframes.fit.model import PatchModel, prepare_model
from getframes.io.interrupts import heed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.fit.patch import Patch

    Numbers = NDArray[np.float64]

CLOSE = 1e-4
"""ln p that an optimum may be below its quadratic extrapolation: a hundredth of a standard deviation."""
AT_BOUND = 2e-4
"""Share of the range between two bounds within which a parameter is at one of them."""
FLAT = 30.0
"""Coordinates beyond which a logit has no slope that can be told from 0; the parameter is within 1e-13 of the range of its bound there."""
INSIDE = (6.0, 4.5, 3.0, 1.5)
"""Coordinates that one at a bound is tried at where the density rises inwards: from 0.0025 to 0.2 of the way. At the bound itself a logit has no slope."""
ITERATIONS = 500
"""Of one attempt, at most."""
LEAST = 1e-6
"""Least eigenvalue of a second derivative that is scaled to a diagonal of 1."""
NOWHERE = 1e10
"""How much less probable than all that was seen a place is where the density has no value."""

logger = logging.getLogger("getframes.fit")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of an optimizer.

    Attributes
    ----------
    method : str
        Of `scipy.optimize.minimize`, and from where.
    log_posterior : float
        What it reached.
    to_go : float
        ln p that is missing to the top of the parabola there; infinite where there is none.
    iterations, gradients : int
        What it took.
    message : str
        How it ended.
    """

    method: str
    log_posterior: float
    to_go: float
    iterations: int
    gradients: int
    message: str

    def __str__(self) -> str:
        return (
            f"{self.method}: ln p = {self.log_posterior:.6g}, {self.to_go:.2g} to go "
            f"after {self.iterations} iterations, {self.gradients} gradients ({self.message})"
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Optimum:
    """The most probable parameters of a patch.

    Attributes
    ----------
    names : tuple of str
        Of the parameters, those of the patch and then the backgrounds, P in all.
    parameters : array (P,)
        Where the posterior density of the parameters is largest.
    covariance : array (P, P)
        Inverse of its second derivatives there. What is at a bound has the width of the density on its inner side, and no covariance.
    n_fitted : int
        How many are of sources; they come first.
    chi2 : float
        Sum of squared residuals in units of their errors.
    n_pixels : int
        Pixels that count.
    log_posterior : float
        ln of the density, constants left out.
    converged : bool
        Whether the top is within 1e-4 of ln p.
    status : str
        How it ended, in words.
    at_bounds : tuple of str
        Parameters that are at one of their bounds.
    attempts : tuple of Attempt
        What was tried, the last one last. More than one means that the first was not enough.
    """

    names: tuple[str, ...]
    parameters: Numbers
    covariance: Numbers
    n_fitted: int
    chi2: float
    n_pixels: int
    log_posterior: float
    converged: bool
    status: str
    at_bounds: tuple[str, ...]
    attempts: tuple[Attempt, ...]

    @property
    def fitted(self) -> Numbers:
        """The parameters of the sources (N,), as `Patch.filled` takes them."""
        return self.parameters[: self.n_fitted]

    @property
    def fitted_covariance(self) -> Numbers:
        """Their covariance (N, N)."""
        return self.covariance[: self.n_fitted, : self.n_fitted]

    @property
    def sigma(self) -> Numbers:
        """Standard deviations (P,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def iterations(self) -> int:
        """Iterations of all attempts."""
        return sum(each.iterations for each in self.attempts)

    @property
    def gradients(self) -> int:
        """Gradients of all attempts, those of second derivatives left out."""
        return sum(each.gradients for each in self.attempts)


def optimize(patch: Patch, *, max_snr: float | None = None, max_iterations: int = ITERATIONS) -> Optimum:
    """The most probable parameters of a patch, from those that its sources have now.

    The density is that of the parameters themselves, not of the coordinates that a sampler uses: with uniform priors it is the least-squares fit. L-BFGS-B runs in
    coordinates scaled by their curvature. Where it ends at a bound from which the density rises inwards, it goes on from inside. If it ends more than 1e-4 of ln p
    from the top it is run again in coordinates whitened by the second derivatives, then a trust region with these second derivatives, then L-BFGS-B from two
    places around. All are reported in `Optimum.attempts`; the most probable is returned, with
    `converged` False and a warning in the log if none was near a top.

    Parameters
    ----------
    patch : Patch
        Sources and pixels.
    max_snr : float, optional
        Cap of the signal-to-noise ratio of a pixel; see `prepare_model`.
    max_iterations : int
        Of each attempt.

    Raises
    ------
    DomainError
        As `prepare_model`; if a parameter starts outside its bounds, or the density has no value there.
    SingularError
        If no pixel tells a flux without a prior.
    """
    require(max_iterations >= 1, "", "max_iterations", ">= 1", max_iterations)
    model = prepare_model(patch, max_snr=max_snr)
    search = _Search(model, max_iterations)
    with one_blas_thread():
        search.run(model.coordinates(patch.parameters))
        return search.optimum()


def climb(model: PatchModel, start: Numbers) -> Numbers:
    """Coordinates (D,) of the most probable parameters, climbing from others."""
    search = _Search(model, ITERATIONS)
    search.run(start)
    return search.top.at


@dataclass(frozen=True, eq=False)
class _Place:
    """Coordinates, ln p there, which of them are free and which are at a bound that ln p rises from, and what is known of the second derivatives of the free."""

    at: Numbers
    value: float
    gradient: Numbers
    free: NDArray[np.bool_]
    stuck: NDArray[np.bool_]
    step: Numbers
    covariance: Numbers
    to_go: float


class _Search:
    """Attempts one after the other, each from the best place so far."""

    def __init__(self, model: PatchModel, max_iterations: int) -> None:
        self.model = model
        self.max_iterations = max_iterations
        self.attempts: list[Attempt] = []
        self.best: _Place | None = None
        self.worst = -np.inf

    def run(self, start: Numbers) -> None:
        value, gradient = self.model.summit(start)
        sound = bool(np.isfinite(value) and np.all(np.isfinite(gradient)))
        owner = f"ln posterior of patch {self.model.patch.id}"
        require(sound, "", f"{owner} at the start", "finite, with a gradient", value)
        self.worst = -value
        self._climb("the start", start)
        for method, around in (("L-BFGS-B", 0), ("trust-exact", 0), ("L-BFGS-B", 1), ("L-BFGS-B", 2)):
            if self.top.stuck.any():
                self._climb("inside a bound", self._inside(self.top))
            if self.top.to_go < CLOSE:
                break
            logger.info("patch %s: %s", self.model.patch.id, self.attempts[-1])
            reached = self.top
            axes = _axes(reached)
            moved = axes @ np.random.default_rng(around).normal(size=len(axes)) if around else 0.0
            where = "a place around" if around else "there, whitened"
            self._attempt(method, where, reached.at + moved, axes)

    def optimum(self) -> Optimum:
        place, model = self.top, self.model
        parameters = model.parameters(place.at[None])[0]
        converged = place.to_go < CLOSE
        status = "converged" if converged else f"not converged: {self.attempts[-1]}"
        if not converged:
            logger.warning("patch %s: %s", model.patch.id, status)
        held = [model.names[number] for number in model.sampled[~place.free]]
        if held:
            logger.info("patch %s: at a bound: %s", model.patch.id, ", ".join(held))
        return Optimum(
            names=model.names,
            parameters=parameters,
            covariance=_covariance(model, place),
            n_fitted=model.n_fitted,
            chi2=model.chi2(parameters),
            n_pixels=model.patch.n_pixels,
            log_posterior=place.value,
            converged=converged,
            status=status,
            at_bounds=tuple(held),
            attempts=tuple(self.attempts),
        )

    @property
    def top(self) -> _Place:
        """The best place so far."""
        assert self.best is not None
        return self.best

    def _loss(self, coordinates: Numbers) -> tuple[float, Numbers]:
        """-ln p; where it has no value, one that no search stays at."""
        heed()
        try:
            value, gradient = self.model.summit(coordinates)
        except GetframesError:
            value, gradient = np.nan, coordinates
        if not (np.isfinite(value) and np.all(np.isfinite(gradient))):
            return self.worst + NOWHERE, np.zeros(len(coordinates))
        self.worst = max(self.worst, -value)
        return -value, -gradient

    def _climb(self, where: str, start: Numbers) -> None:
        self._attempt("L-BFGS-B", where, start, np.diag(1.0 / np.sqrt(curvature(self.model.summit, start))))

    def _inside(self, place: _Place) -> Numbers:
        """Coordinates of a place (D,), those that are stuck at a bound where ln p is largest on the way inside."""
        tried = [np.where(place.stuck, np.clip(place.at, -reach, reach), place.at) for reach in INSIDE]
        return min(tried, key=lambda at: self._loss(at)[0])

    def _attempt(self, method: str, where: str, start: Numbers, axes: Numbers) -> None:
        """Runs a method in coordinates v, u = start + axes v."""
        from scipy.optimize import minimize

        def loss(v: Numbers) -> tuple[float, Numbers]:
            value, gradient = self._loss(start + axes @ v)
            return value, axes.T @ gradient

        extra: dict[str, Any] = {"options": {"maxiter": self.max_iterations}}
        if method == "trust-exact":
            extra["hess"] = lambda v: hessian(
                lambda w: _negative(loss(w)), np.asarray(v), np.full(len(v), 0.05)
            )
        done = minimize(loss, np.zeros(len(start)), jac=True, method=method, **extra)
        place = self._known(start + axes @ done.x)
        self.attempts.append(
            Attempt(
                f"{method} from {where}",
                place.value,
                place.to_go,
                int(done.nit),
                int(done.nfev),
                str(done.message),
            )
        )
        if self.best is None or place.value > self.best.value or place.to_go < CLOSE <= self.best.to_go:
            self.best = place

    def _known(self, at: Numbers) -> _Place:
        value, gradient = self.model.summit(at)
        held = _at_bounds(self.model, at)
        free, stuck = ~held, _rises_inwards(self.model, at, held)
        step = steps(self.model.summit, at)
        matrix = hessian(_frozen(self.model, at, free), at[free], step[free])
        covariance, raised = inverse(matrix, LEAST)
        to_go = 0.5 * float(gradient[free] @ covariance @ gradient[free])
        unknown = bool(raised or stuck.any())
        return _Place(at, value, gradient, free, stuck, step, covariance, np.inf if unknown else to_go)


def _negative(pair: tuple[float, Numbers]) -> tuple[float, Numbers]:
    return -pair[0], -pair[1]


def _frozen(model: PatchModel, at: Numbers, free: NDArray[np.bool_]) -> Any:
    """The density of the free coordinates."""

    def density(some: Numbers) -> tuple[float, Numbers]:
        coordinates = at.copy()
        coordinates[free] = some
        value, gradient = model.summit(coordinates)
        return value, gradient[free]

    return density


def _at_bounds(model: PatchModel, at: Numbers) -> NDArray[np.bool_]:
    values = model.posterior.place(at)[0]
    made = np.zeros(len(at), np.bool_)
    for number, place in enumerate(model.sampled):
        lower, upper = (getattr(model.priors[place], side, np.nan) for side in ("lower", "upper"))
        made[number] = min(values[number] - lower, upper - values[number]) < AT_BOUND * (upper - lower)
    return made


def _rises_inwards(model: PatchModel, at: Numbers, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the coordinates at a bound (D,) are at no maximum: ln p rises inwards, by more than CLOSE if the slope were the same over the range."""
    if not held.any():
        return held
    seen = np.clip(at, -FLAT, FLAT)
    _, gradient = model.summit(np.where(held, seen, at))
    return np.asarray(held & (-np.sign(at) * gradient > CLOSE * np.exp(-np.abs(seen))))


def _axes(place: _Place) -> Numbers:
    """Axes in which the density at a place is about round."""
    axes = np.diag(place.step)
    axes[np.ix_(place.free, place.free)] = np.linalg.cholesky(place.covariance)
    return axes


def _covariance(model: PatchModel, place: _Place) -> Numbers:
    """Of all parameters: what the coordinates leave open, what the pixels leave open at fixed coordinates, and what is at a bound."""
    moves = np.diag(place.step)[place.free]
    ends = model.parameters(np.concatenate([place.at + moves, place.at - moves]))
    count = len(moves)
    slopes = (ends[:count] - ends[count:]).T / (2.0 * place.step[place.free])
    size = model.patch.n_linear
    at = np.tile(place.at, (size + 1, 1))
    drawn = model.parameters(at, np.concatenate([np.eye(size), np.zeros((1, size))]))
    spread = (drawn[:-1] - drawn[-1]).T
    covariance = slopes @ place.covariance @ slopes.T + spread @ spread.T
    for number in np.flatnonzero(~place.free):
        where = model.sampled[number]
        prior: Any = model.priors[where]
        slope = abs(place.gradient[number]) / model.slopes(place.at)[number]
        covariance[where, where] = (
            min(1.0 / max(slope, 1e-300), (prior.upper - prior.lower) / np.sqrt(12.0)) ** 2
        )
    return np.asarray(covariance)
