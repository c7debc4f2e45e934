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
    levels: Image | float = 0.0,
    zero: Image | float = 0.0,
    scale: float = 1.0,
    coefficients: Sequence[float] = (),
    full_well_e: float = 1.0,
    dark: Image | float = 0.0,
    dark_scale: float = 1.0,
    flat: Image | float = 1.0,
    factor: float = 1.0,
) -> Image:
    """(g(k (n - o - b)) - s d) f / w; NaN where w is not positive or the result is not finite. `levels` is a column."""
    signal = (np.asarray(counts, np.float64) - levels - np.asarray(zero)) * scale
    straight = inverse_nonlinearity(signal, coefficients, full_well_e) if any(coefficients) else signal
    with np.errstate(invalid="ignore"):
        numerator = straight - dark_scale * np.asarray(dark, np.float64)
        return _finite(numerator * factor / _lit(flat))


def uncertainty(
    counts: ArrayLike,
    *,
    read: Image | float,
    shot: float,
    expected: Image | float | None = None,
    levels: Image | float = 0.0,
    zero: Image | float = 0.0,
    zero_sigma: Image | float = 0.0,
    zero_weight: float = 1.0,
    dark: Image | float = 0.0,
    dark_sigma: Image | float = 0.0,
    dark_scale: float = 1.0,
    flat: Image | float = 1.0,
    flat_sigma: Image | float = 0.0,
    factor: float = 1.0,
) -> Image:
    """Standard deviation of `calibration` for a straight response:

    (f/w)^2 (V + (u/w)^2 sigma_w^2), V = r^2 + c max(q, 0) + beta sigma_b^2 + s^2 sigma_d^2, q = n - o - b and u = q - s d; or, where the light `expected`
    is e, q = e w/f + s d and u^2 = (e w/f)^2 + V.
    """
    signal = np.asarray(counts, np.float64) - levels - np.asarray(zero)
    response = _lit(flat)
    with np.errstate(invalid="ignore"):
        dark_charge = dark_scale * np.asarray(dark, np.float64)
        measured = (signal - dark_charge) / response
        light = measured if expected is None else expected / factor
        charge = signal if expected is None else light * np.asarray(flat, np.float64) + dark_charge
        variance = np.square(read) + shot * np.maximum(charge, 0.0)
        variance = (
            variance + zero_weight * np.square(zero_sigma) + np.square(dark_scale * np.asarray(dark_sigma))
        )
        variance = np.maximum(variance, 0.0)
        square = np.square(light) + (0.0 if expected is None else variance / np.square(response))
        sigma = np.sqrt(variance + square * np.square(flat_sigma)) * factor / response
        return np.asarray(np.where(np.isfinite(measured), sigma, np.nan))


def flags(
    counts: ArrayLike,
    calibrated: Image,
    *,
    saturation: float,
    bits: Sequence[int],
    flat: Image | float = 1.0,
    planes: Sequence[ArrayLike] = (),
) -> NDArray[np.uint16]:
    """Bits of a frame and its masters, of full pixels, of those without response, and of those that are not finite."""
    full, without, bad = (np.uint16(bit) for bit in bits)
    lit = np.asarray(flat) > 0.0
    found = np.where(np.asarray(counts) >= saturation, full, np.uint16(0))
    found = found | np.where(lit, np.where(np.isfinite(calibrated), np.uint16(0), bad), without)
    for plane in planes:
        found = found | np.asarray(plane, np.uint16)
    return np.asarray(found, np.uint16)


def _lit(flat: ArrayLike) -> Image:
    response = np.asarray(flat, np.float64)
    return np.asarray(np.where(response > 0.0, response, np.nan))


def _finite(image: Image) -> Image:
    return np.asarray(np.where(np.isfinite(image), image, np.nan))
