"""What a sample of pixels says about the maps behind it: widths without the scatter of the measurement, and outliers apart from the core.

A variance from n frames scatters, even where all pixels are alike: ln s of Gaussian noise has the mean ln sigma + (psi(v/2) - ln(v/2)) / 2 and the variance
psi'(v/2) / 4, with v = n - 1 (psi and psi' the digamma and trigamma functions). Both are taken off.

Pixels with random telegraph noise are a second, narrow group above the core in ln s; the two are told apart by the likelihood of a mixture of two normal
distributions of the same width (expectation maximization on a histogram).

Sources: Bartlett and Kendall 1946, doi:10.2307/2983618 (moments of ln s^2); Dempster, Laird and Rubin 1977, doi:10.1111/j.2517-6161.1977.tb01600.x.
"""

from __future__ import annotations

from math import exp, lgamma, log, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_BINS = 2000
_ROUNDS = 100
_BY_CHANCE = 3.2e-5
"""Fraction of a normal distribution more than four widths above its mean."""


class Groups(NamedTuple):
    """A core and the outliers above it, in a logarithm.

    Attributes
    ----------
    mean, width : float
        Of the core.
    fraction : float
        Fraction of outliers.
    distance : float
        From the core to them.
    """

    mean: float
    width: float
    fraction: float
    distance: float


def digamma(x: float) -> float:
    """psi(x) for x > 0 to 1e-10 (Abramowitz and Stegun 6.3.18, after a shift to x > 8)."""
    below = 0.0
    while x < 8.0:
        below += 1.0 / x
        x += 1.0
    y = 1.0 / (x * x)
    return log(x) - 0.5 / x - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y / 240))) - below


def trigamma(x: float) -> float:
    """psi'(x) for x > 0 to 1e-9 (Abramowitz and Stegun 6.4.12, after a shift to x > 8)."""
    below = 0.0
    while x < 8.0:
        below += 1.0 / (x * x)
        x += 1.0
    y = 1.0 / (x * x)
    return 1.0 / x + y / 2 + (y / x) * (1 / 6 - y * (1 / 30 - y * (1 / 42 - y / 30))) + below


def unbiased_deviation(count: int) -> float:
    """Mean of the sample standard deviation of `count` Gaussian values over the true one (c4), with ddof = 1."""
    return sqrt(2.0 / (count - 1)) * exp(lgamma(count / 2.0) - lgamma((count - 1) / 2.0))


def trimmed_mean_of_variances(degrees: int, low: float, high: float) -> float:
    """Mean of sample variances of unit Gaussian noise between two percentiles: what cutting the tails of a skewed distribution does to its mean."""
    root = np.linspace(0.0, sqrt(degrees + 12.0 * sqrt(2.0 * degrees) + 60.0), 200_001)
    chi2 = (root[1:] ** 2 + root[:-1] ** 2) / 2.0
    density = np.exp((degrees / 2.0 - 0.5) * np.log(chi2) - chi2 / 2.0)  # d(chi2) = 2 root d(root)
    below = np.cumsum(density) / density.sum()
    kept = (below >= low / 100.0) & (below <= high / 100.0)
    return float(np.sum(chi2[kept] * density[kept]) / np.sum(density[kept])) / degrees


def groups(values: Array) -> Groups:
    """The core of a distribution and a group of outliers above it; no outliers where none stand apart."""
    middle = float(np.median(values))
    width = 1.4826 * float(np.median(np.abs(values - middle)))
    if not width > 0.0:
        return Groups(float(values.mean()), 0.0, 0.0, 0.0)
    low, high = middle - 8.0 * width, middle + 40.0 * width
    count, edges = np.histogram(np.clip(values, low, high), _BINS, (low, high))
    at, weight = (edges[1:] + edges[:-1]) / 2.0, count / values.size
    far = at > middle + 4.0 * width
    fraction = float(weight[far].sum())
    alone = Groups(float(values.mean()), float(values.std()), 0.0, 0.0)
    if fraction * values.size < 5.0 + 4.0 * _BY_CHANCE * values.size:
        return alone
    found = _maximized(
        at, weight, Groups(middle, width, fraction, float(np.average(at[far], weights=weight[far])) - middle)
    )
    if found.fraction * values.size < 5.0 or found.distance < 1.5 * found.width:
        return alone
    return found


def _maximized(at: Array, weight: Array, start: Groups) -> Groups:
    mean, width, fraction, distance = start
    for _ in range(_ROUNDS):
        odds = log(fraction / (1.0 - fraction)) + distance * (at - mean - distance / 2.0) / width**2
        share = 1.0 / (1.0 + np.exp(-np.clip(odds, -500.0, 500.0)))
        inside, outside = weight * (1.0 - share), weight * share
        fraction = float(outside.sum())
        if not 0.0 < fraction < 1.0:
            break
        mean = float((inside * at).sum()) / (1.0 - fraction)
        distance = float((outside * at).sum()) / fraction - mean
        squares = (inside * (at - mean) ** 2 + outside * (at - mean - distance) ** 2).sum()
        width = sqrt(float(squares))
    return Groups(mean, width, fraction, distance)


def log_normal_width(variance: float, mean: float) -> float:
    """Width of a log-normal map from its variance and mean: (ln(1 + V / m^2))^1/2, and 0 where chance made V negative."""
    return sqrt(log(1.0 + max(variance, 0.0) / mean**2)) if mean > 0 else 0.0
