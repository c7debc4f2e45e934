"""The posterior of a patch: priors, likelihood, and the coordinates that optimizer and sampler move in."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, ShapeError, require
from getframes.fit.priors import Flat, Prior, prior_within, rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.fit.patch import Patch, PatchExposure

    Numbers = NDArray[np.float64]

EDGE = 1e-4
"""Share of the range between two bounds by which a start at one of them is moved inside: coordinates reach no bound."""


@dataclass(frozen=True, eq=False)
class PatchModel:
    """The posterior density of a patch, made by `prepare_model`.

    Its coordinates are all reals: a logit of what has bounds, a multiple of what has a normal prior. Fluxes and backgrounds whose prior is flat or normal without
    bounds are none of them: they are integrated exactly. D coordinates, N + B parameters: those of the patch, then the backgrounds.

    Attributes
    ----------
    patch : Patch
        As it was given, with the errors that are used.
    names : tuple of str
        Of the parameters, ``rhalf[17]``, and of the backgrounds, ``background[image][0]``.
    priors : tuple
        Prior of each of them, within its bounds.
    sampled : array of int
        Which of them is each coordinate.
    posterior : getframes._native.fit.Posterior
        The density, in Rust.
    """

    patch: Patch
    names: tuple[str, ...]
    priors: tuple[Prior, ...]
    sampled: NDArray[np.intp]
    posterior: Any

    @property
    def n_fitted(self) -> int:
        """Parameters of the sources; backgrounds come after them."""
        return len(self.patch.names)

    def value_and_gradient(self, coordinates: Numbers) -> tuple[float, Numbers]:
        """ln of the posterior density of coordinates (D,) and its gradient (D,); fluxes and backgrounds without bounds integrated."""
        value, gradient = self.posterior.value_and_gradient(_as_coordinates(coordinates))
        return float(value), gradient

    def summit(self, coordinates: Numbers) -> tuple[float, Numbers]:
        """ln of the posterior density of the parameters at coordinates (D,) and the best fluxes and backgrounds, and its gradient (D,)."""
        value, gradient = self.posterior.summit(_as_coordinates(coordinates))
        return float(value), gradient

    def parameters(self, coordinates: Numbers, z: Numbers | None = None) -> Numbers:
        """Parameters and backgrounds (n, N + B) at coordinates (n, D).

        Those that are no coordinates are drawn from their normal density there by standard normal numbers `z` (n, linear parameters), or are its mean.
        """
        coordinates = np.ascontiguousarray(coordinates, np.float64)
        shape = (len(coordinates), self.patch.n_linear)
        normals = np.zeros(shape) if z is None else np.ascontiguousarray(z, np.float64)
        return np.concatenate(self.posterior.conditional(coordinates, normals), axis=1)

    def coordinates(self, parameters: Numbers) -> Numbers:
        """Coordinates (D,) of the parameters of the patch (N,); what is at a bound is moved inside by 1e-4 of the range.

        Raises
        ------
        ShapeError
            If there are not N parameters.
        DomainError
            If a parameter is not within its bounds.
        """
        if np.shape(parameters) != (self.n_fitted,):
            raise ShapeError(f"parameters must have shape {(self.n_fitted,)}, got {np.shape(parameters)}")
        inside = [
            _inside(self.names[place], self.priors[place], float(parameters[place])) for place in self.sampled
        ]
        return np.asarray(self.posterior.coordinates(np.array(inside, np.float64)))

    def slopes(self, coordinates: Numbers) -> Numbers:
        """d(parameter) / d(coordinate) of each coordinate (D,)."""
        return np.asarray(self.posterior.place(_as_coordinates(coordinates))[1])

    def chi2(self, parameters: Numbers) -> float:
        """Sum of squared residuals in units of their errors, of parameters and backgrounds (N + B,)."""
        likelihood, shapes = self.posterior.likelihood, self.patch.n_shapes
        value, *_ = likelihood.value_and_gradient(
            np.ascontiguousarray(parameters[:shapes]), np.ascontiguousarray(parameters[shapes:])
        )
        return -2.0 * float(value)


def prepare_model(patch: Patch, *, max_snr: float | None = None) -> PatchModel:
    """The posterior of a patch.

    Parameters
    ----------
    patch : Patch
        Sources and pixels. A field without a prior is uniform within its bounds; a flux without bounds is flat.
    max_snr : float, optional
        Cap of the signal-to-noise ratio of a pixel: errors of brighter ones are inflated to ``abs(data) / max_snr``, since no profile is true to a thousandth.

    Raises
    ------
    DomainError
        If no pixel counts, a place or shape has neither bounds nor a prior, only one bound, or bounds that allow \\|g\\| >= 1, or `max_snr` is not above 0.
    """
    if max_snr is not None:
        require(max_snr > 0.0, "", "max_snr", "> 0", max_snr)
        patch = replace(patch, exposures=tuple(_capped(each, max_snr) for each in patch.exposures))
    require(patch.n_pixels > 0, patch, f"pixels of patch {patch.id}", "> 0 with a weight", patch.n_pixels)
    priors = [*_priors(patch), *[Flat()] * (patch.n_linear - patch.sources["flux"].size)]
    linear = np.arange(patch.n_shapes, len(priors))
    bounded = [place for place in linear if not _integrable(priors[place])]
    native: Any = import_module("getframes._native")
    rows = rows_of(priors)
    posterior = native.fit.Posterior(patch.likelihood(), rows[: patch.n_shapes], rows[patch.n_shapes :])
    sampled = np.array([*range(patch.n_shapes), *bounded], np.intp)
    return PatchModel(patch, (*patch.names, *_background_names(patch)), tuple(priors), sampled, posterior)


def _priors(patch: Patch) -> list[Prior]:
    made = []
    for number, (name, (lower, upper)) in enumerate(zip(patch.names, patch.bounds.tolist(), strict=True)):
        field, source = name.removesuffix("]").split("[")
        owner = f"{field} of source {source}"
        try:
            prior = prior_within(patch.priors.get(name, patch.priors.get(field)), lower, upper)
        except DomainError as error:
            raise DomainError(f"prior of {owner}: {error}") from None
        if number < patch.n_shapes:
            known = not isinstance(prior, Flat)
            require(known, "", f"prior of {owner}", "given, or both bounds", (lower, upper))
        made.append(prior)
    _require_ellipses(patch, made)
    return made


def _require_ellipses(patch: Patch, priors: list[Prior]) -> None:
    """Bounds of g1 and g2 have to stay within the unit circle: outside there is no ellipse."""
    for first, name in enumerate(patch.names):
        if name.startswith("g1["):
            corner = [
                max(abs(getattr(each, "lower", math.inf)), abs(getattr(each, "upper", math.inf)))
                for each in priors[first : first + 2]
            ]
            source = name.removesuffix("]").split("[")[1]
            reach = math.hypot(*corner)
            require(reach < 1.0, "", f"bounds of g1 and g2 of source {source}", "within |g| < 1", reach)


def _integrable(prior: Prior) -> bool:
    return isinstance(prior, Flat) or not math.isfinite(getattr(prior, "lower", math.inf))


def _inside(name: str, prior: Prior, value: float) -> float:
    lower, upper = getattr(prior, "lower", -math.inf), getattr(prior, "upper", math.inf)
    require(lower <= value <= upper, "", f"start of {name}", f"within its bounds [{lower}, {upper}]", value)
    if not math.isfinite(lower):
        return value
    margin = EDGE * (upper - lower)
    return min(max(value, lower + margin), upper - margin)


def _capped(exposure: PatchExposure, max_snr: float) -> PatchExposure:
    with np.errstate(divide="ignore"):
        most = (max_snr / np.where(np.isfinite(exposure.data), exposure.data, 0.0)) ** 2
    return replace(exposure, weight=np.minimum(exposure.weight, most))


def _background_names(patch: Patch) -> list[str]:
    return [f"background[{each.name}][{term}]" for each in patch.exposures for term in range(each.background)]


def _as_coordinates(coordinates: Numbers) -> Numbers:
    return np.ascontiguousarray(coordinates, np.float64)
