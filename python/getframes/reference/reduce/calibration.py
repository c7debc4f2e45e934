"""Calibration in NumPy float64: the definition that the Rust kernel must meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

BEYOND = 1.25
"""How far beyond the full well a curve is inverted, where it rises that far."""
FLAT = 1e-3
"""Slope below which a curve counts as flat."""

Image = NDArray[np.float64]


def curve(u: ArrayLike, coefficients: Sequence[float]) -> Image:
    """u (1 + c1 u + c2 u^2 ...)."""
    return np.asarray(np.polynomial.Polynomial([0.0, 1.0, *coefficients])(np.asarray(u, np.float64)))


def branch(coefficients: Sequence[float]) -> float:
    """Largest u, at most `BEYOND`, up to which the curve rises."""
    turns = (np.polynomial.Polynomial([0.0, 1.0, *coefficients]).deriv() - FLAT).roots()
    real = turns[np.abs(turns.imag) < 1e-12].real
    return float(min([BEYOND, *real[real > 0.0]]))


def inverse_nonlinearity(charge_e: ArrayLike, coefficients: Sequence[float], full_well_e: float) -> Image:
    """Charge before the response bent it [e-]: itself below zero, the root on the rising branch, a straight line through the end of the branch above."""
    charge = np.asarray(charge_e, np.float64)
    top = branch(coefficients)
    end = float(curve(top, coefficients))
    v = np.clip(charge / full_well_e, 0.0, end)
    low, high = np.zeros_like(v), np.full_like(v, top)
    for _ in range(100):
        middle = 0.5 * (low + high)
        below = curve(middle, coefficients) < v
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    u = 0.5 * (low + high)
    return np.asarray(charge * np.divide(u, v, out=np.ones_like(v), where=v > 0.0))


def calibration(
    counts: ArrayLike,
    *,
    zero_adu: float,
    scale: float,
    coefficients: Sequence[float],
    full_well_e: float,
    dark: ArrayLike,
    weight: ArrayLike,
    factor: float,
) -> Image:
    """(g(k (n - b)) - d) f w."""
    charge = (np.asarray(counts, np.float64) - zero_adu) * scale
    straight = inverse_nonlinearity(charge, coefficients, full_well_e)
    return np.asarray((straight - np.asarray(dark)) * factor * np.asarray(weight))
