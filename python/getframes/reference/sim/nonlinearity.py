"""Nonlinearity of the response to charge q, with u = q / W and W the full well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from getframes.reference.image import Image


def quadratic(charge_e: Image, coefficient: float, well_e: float) -> Image:
    """q * max(0, 1 - a u) [e-]."""
    return charge_e * np.maximum(0.0, 1.0 - coefficient * charge_e / well_e)


def polynomial(charge_e: Image, coefficients: Sequence[float], well_e: float) -> Image:
    """q * max(0, 1 + c1 u + c2 u^2 + ...) [e-]."""
    u = charge_e / well_e
    factor = np.polynomial.polynomial.polyval(u, [1.0, *coefficients])
    return charge_e * np.maximum(0.0, factor)


def inverse(response_e: Image, coefficients: Sequence[float], well_e: float) -> Image:
    """The q of the rising branch through 0, |q| <= 4 W, whose response is given [e-]; beyond the branch, its end."""
    low, high = (_branch_end(coefficients, side) for side in (-1.0, 1.0))
    below, above = np.full(response_e.shape, low), np.full(response_e.shape, high)
    for _ in range(100):
        middle = (below + above) / 2.0
        is_less = _bent(middle, coefficients) < response_e / well_e
        below, above = np.where(is_less, middle, below), np.where(is_less, above, middle)
    charge: Image = (below + above) / 2.0 * well_e
    return charge


def _bent(u: Image, coefficients: Sequence[float]) -> Image:
    bent: Image = u * np.polynomial.polynomial.polyval(u, [1.0, *coefficients])
    return bent


def _branch_end(coefficients: Sequence[float], side: float) -> float:
    """Where the slope of u (1 + c1 u + ...) first vanishes on one side of 0, 4 at most."""
    slope = np.polynomial.Polynomial([0.0, 1.0, *coefficients]).deriv()
    roots = slope.roots() * side
    real = roots.real[abs(roots.imag) < 1e-7]
    return side * float(min([4.0, *real[real > 0.0]]))
