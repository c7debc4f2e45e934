"""Diffraction by an aperture with a central obstruction.

f(r) = pi / (4 rho^2 (1 - e^2)) (2 J1(v) / v - e^2 2 J1(e v) / (e v))^2, v = pi r / rho, rho = lambda / D.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from getframes.reference.deposit.pixels import circle, draw

if TYPE_CHECKING:
    from getframes.reference.deposit.pixels import Stars
    from getframes.reference.image import Image

REACH, NARROWEST = 14.0, 0.2


def airy(
    shape: tuple[int, int], stars: Stars, resolution_px: float, obstruction: float = 0.0, panels: int = 1
) -> Image:
    """Image of stars (x, y, flux) at lambda / D = `resolution_px`, drawn to 14 lambda / D."""
    resolution = max(resolution_px, NARROWEST)
    squared = obstruction**2

    def density(u: Image, v: Image) -> Image:
        argument = np.pi * np.hypot(u, v) / resolution
        amplitude = _jinc(argument) - squared * _jinc(obstruction * argument)
        value: Image = np.pi / (4.0 * resolution**2 * (1.0 - squared)) * amplitude**2
        return value

    return draw(shape, stars, density, circle(max(REACH * resolution, 1.5) + 0.5), panels)


def _jinc(v: Image) -> Image:
    small = np.abs(v) < 1e-4
    safe = np.where(small, 1.0, v)
    value: Image = np.where(small, 1.0 - v**2 / 8.0, 2.0 * special.j1(safe) / safe)
    return value
