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
