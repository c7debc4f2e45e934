"""Parameters as coordinates in which all reals are allowed, with the density of their prior, in NumPy float64: the definition the Rust kernel must meet.

A prior is a row: law, lower, upper, mean, sigma. Laws: 0 flat, 1 uniform, 2 log-uniform, 3 normal, 4 normal between bounds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

Array = NDArray[np.float64]

FLAT, UNIFORM, LOG_UNIFORM, NORMAL, BOUNDED = range(5)


def place(priors: Array, coordinates: Array) -> Array:
    """Value, dx/du, ln p(x), d ln p/du, ln dx/du and d ln(dx/du)/du of each coordinate, shape (6, n)."""
    return np.stack([_place(row, float(u)) for row, u in zip(priors, coordinates, strict=True)], axis=1)


def coordinate(priors: Array, values: Array) -> Array:
    """The coordinates of values (n,); NaN where a value is not between its bounds."""
    return np.array([_coordinate(row, float(x)) for row, x in zip(priors, values, strict=True)], np.float64)


def _place(row: Array, u: float) -> Array:
    law, lower, upper, mean, sigma = row
    if law == FLAT:
        return np.array([u, 1.0, 0.0, 0.0, 0.0, 0.0])
    if law == NORMAL:
        return np.array([mean + sigma * u, sigma, -0.5 * u**2, -u, np.log(sigma), 0.0])
    if law == LOG_UNIFORM:
        log_x, rate, log_rate, bend = _between(np.log(lower), np.log(upper), u)
        value = np.exp(log_x)
        return np.array([value, value * rate, -log_x, -rate, log_x + log_rate, rate + bend])
    value, slope, log_slope, bend = _between(lower, upper, u)
    off = (value - mean) / sigma if law == BOUNDED else 0.0
    return np.array([value, slope, -0.5 * off**2, -off * slope / sigma, log_slope, bend])


def _between(lower: float, upper: float, u: float) -> tuple[float, float, float, float]:
    """x, dx/du, ln dx/du and its slope of a logistic step from one bound to the other."""
    width = upper - lower
    value = lower + width * expit(u) if u < 0.0 else upper - width * expit(-u)
    log_slope = np.log(width) + log_expit(u) + log_expit(-u)
    return value, width * expit(u) * expit(-u), log_slope, expit(-u) - expit(u)


def _coordinate(row: Array, value: float) -> float:
    law, lower, upper, mean, sigma = row
    if law == FLAT:
        return value
    if law == NORMAL:
        return float((value - mean) / sigma)
    if not lower < value < upper:
        return np.nan
    if law == LOG_UNIFORM:
        lower, value, upper = np.log([lower, value, upper])
    return float(np.log(value - lower) - np.log(upper - value))
