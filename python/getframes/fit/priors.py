"""Priors of parameters: what is known of a source before its pixels are seen.

Each is a density of one parameter, in the unit of the parameter: offsets and sizes in arcsec, fluxes in the unit of the catalog.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from getframes.errors import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLAT, UNIFORM, LOG_UNIFORM, NORMAL, BOUNDED = range(5)
"""Numbers of the laws in the rows that the kernels take."""


@dataclass(frozen=True, slots=True)
class Uniform:
    """The same density between two bounds.

    Attributes
    ----------
    lower, upper : float
        The bounds [unit of the parameter].
    """

    lower: float
    upper: float

    def __post_init__(self) -> None:
        _require_bounds(self)

    def within(self, lower: float, upper: float) -> Uniform:
        """This prior, with what is outside these bounds cut off."""
        return Uniform(max(self.lower, lower), min(self.upper, upper))

    @property
    def row(self) -> tuple[float, ...]:
        """The prior as the kernels take it: law, lower, upper, mean, sigma."""
        return (UNIFORM, self.lower, self.upper, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class LogUniform:
    """The same density of the logarithm between two bounds.

    Attributes
    ----------
    lower, upper : float
        The bounds, above 0 [unit of the parameter].
    """

    lower: float
    upper: float

    def __post_init__(self) -> None:
        _require_bounds(self)
        require(self.lower >= 1e-300, self, "lower", "> 0", self.lower)

    def within(self, lower: float, upper: float) -> LogUniform:
        """This prior, with what is outside these bounds cut off."""
        return LogUniform(max(self.lower, lower), min(self.upper, upper))

    @property
    def row(self) -> tuple[float, ...]:
        """The prior as the kernels take it: law, lower, upper, mean, sigma."""
        return (LOG_UNIFORM, self.lower, self.upper, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Normal:
    """A normal density, cut off at two bounds if these are finite.

    Attributes
    ----------
    mean, sigma : float
        Mean and standard deviation, before anything is cut off [unit of the parameter].
    lower, upper : float
        The bounds, both finite or none [unit of the parameter].
    """

    mean: float
    sigma: float
    lower: float = -math.inf
    upper: float = math.inf

    def __post_init__(self) -> None:
        require(math.isfinite(self.mean), self, "mean", "finite", self.mean)
        require(0.0 < self.sigma < math.inf, self, "sigma", "> 0 and finite", self.sigma)
        if self.is_bounded:
            _require_bounds(self)

    @property
    def is_bounded(self) -> bool:
        """Whether something is cut off."""
        return math.isfinite(self.lower) or math.isfinite(self.upper)

    def within(self, lower: float, upper: float) -> Normal:
        """This prior, with what is outside these bounds cut off."""
        return Normal(self.mean, self.sigma, max(self.lower, lower), min(self.upper, upper))

    @property
    def row(self) -> tuple[float, ...]:
        """The prior as the kernels take it: law, lower, upper, mean, sigma."""
        if self.is_bounded:
            return (BOUNDED, self.lower, self.upper, self.mean, self.sigma)
        return (NORMAL, 0.0, 1.0, self.mean, self.sigma)


@dataclass(frozen=True, slots=True)
class Flat:
    """No knowledge: every value is as likely. For fluxes and backgrounds, which pixels alone can tell."""

    @property
    def row(self) -> tuple[float, ...]:
        """The prior as the kernels take it: law, lower, upper, mean, sigma."""
        return (FLAT, 0.0, 1.0, 0.0, 1.0)


Prior = Uniform | LogUniform | Normal | Flat


def prior_within(prior: Prior | None, lower: float, upper: float) -> Prior:
    """A prior between bounds: uniform, or `Flat`, where there is none.

    Raises
    ------
    DomainError
        If one bound is finite and the other is not, or nothing of the prior is between them.
    """
    bounded = math.isfinite(lower) or math.isfinite(upper)
    if prior is None or isinstance(prior, Flat):
        return Uniform(lower, upper) if bounded else Flat()
    return prior.within(lower, upper) if bounded else prior


def rows_of(priors: list[Prior]) -> NDArray[np.float64]:
    """Priors as the kernels take them, shape (n, 5)."""
    return np.array([prior.row for prior in priors], np.float64).reshape(-1, 5)


def _require_bounds(prior: Uniform | LogUniform | Normal) -> None:
    for name in ("lower", "upper"):
        value = getattr(prior, name)
        require(math.isfinite(value), prior, name, "finite", value)
    require(prior.lower < prior.upper, prior, "lower", f"below upper ({prior.upper!r})", prior.lower)
