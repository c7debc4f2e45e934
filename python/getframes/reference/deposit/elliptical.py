"""A Gaussian with two widths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.reference.deposit.pixels import draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.reference.deposit.pixels import Stars
    from getframes.reference.image import Image

REACH_SIGMA, NARROWEST = 5.0, 0.085


def elliptical(
    shape: tuple[int, int],
    stars: Stars,
    sigma_along_px: float,
    sigma_across_px: float,
    angle_deg: float,
    panels: int = 1,
) -> Image:
    """Image of stars (x, y, flux); the angle is from +x towards +y, the patch the ellipse of 5 sigma."""
    along, across = max(sigma_along_px, NARROWEST), max(sigma_across_px, NARROWEST)
    angle = np.radians(angle_deg)
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = axes @ np.diag([along**2, across**2]) @ axes.T
    norm = 1.0 / (2.0 * np.pi * along * across)

    def density(u: Image, v: Image) -> Image:
        value: Image = norm * np.exp(-0.5 * _quadratic(covariance, u, v))
        return value

    widened = covariance + 0.25 * np.eye(2)
    return draw(shape, stars, density, _ellipse(widened), panels)


def _quadratic(covariance: Image, u: Image, v: Image) -> Image:
    (xx, xy), (_, yy) = covariance
    form: Image = (yy * u**2 - 2.0 * xy * u * v + xx * v**2) / (xx * yy - xy**2)
    return form


def _ellipse(covariance: Image) -> NDArray[np.bool_]:
    half_x, half_y = (int(REACH_SIGMA * np.sqrt(variance)) for variance in np.diag(covariance))
    u = np.arange(-half_x, half_x + 1.0)
    v = np.arange(-half_y, half_y + 1.0)[:, None]
    inside: NDArray[np.bool_] = _quadratic(covariance, u, v) <= REACH_SIGMA**2
    return inside
