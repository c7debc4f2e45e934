"""A Moffat profile, f(r) = (beta - 1) / (pi alpha^2) (1 + r^2 / alpha^2)^-beta."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.reference.deposit.pixels import circle, draw

if TYPE_CHECKING:
    from getframes.reference.deposit.pixels import Stars
    from getframes.reference.image import Image

LOST, REACH_FWHM, NARROWEST = 1e-3, 16.0, 0.2


def moffat(shape: tuple[int, int], stars: Stars, fwhm_px: float, beta: float, panels: int = 1) -> Image:
    """Image of stars (x, y, flux), drawn to the circle that holds 0.999 of the light."""
    fwhm = max(fwhm_px, NARROWEST)
    alpha = fwhm / (2.0 * np.sqrt(2.0 ** (1.0 / beta) - 1.0))
    exponent = min(-np.log(LOST) / (beta - 1.0), 600.0)
    reach = max(min(alpha * np.sqrt(np.expm1(exponent)), REACH_FWHM * fwhm), 1.5) + 0.5

    def density(u: Image, v: Image) -> Image:
        value: Image = (beta - 1.0) / (np.pi * alpha**2) * (1.0 + (u**2 + v**2) / alpha**2) ** -beta
        return value

    return draw(shape, stars, density, circle(reach), panels)
