"""A round Gaussian, integrated over pixels exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from getframes.reference.deposit.pixels import star_pixel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.reference.deposit.pixels import Stars
    from getframes.reference.image import Image

REACH_SIGMA = 5.0


def fractions(sigma: float, offsets: NDArray[np.floating[Any]]) -> Image:
    """Phi((u + 1/2) / sigma) - Phi((u - 1/2) / sigma), through the tail where it is small."""
    near = (np.abs(offsets) - 0.5) / sigma
    far = (np.abs(offsets) + 0.5) / sigma
    fraction: Image = special.ndtr(-near) - special.ndtr(-far)
    return fraction


def gaussian(shape: tuple[int, int], stars: Stars, sigma_px: float) -> Image:
    """Image of stars (x, y, flux) behind a Gaussian of standard deviation `sigma_px`."""
    image = np.zeros(shape)
    half = max(int(np.ceil(REACH_SIGMA * sigma_px)), 1)
    for x, y, flux in stars:
        columns = _on_image(star_pixel(x), half, shape[1])
        rows = _on_image(star_pixel(y), half, shape[0])
        patch = np.outer(fractions(sigma_px, rows - y), fractions(sigma_px, columns - x))
        image[np.ix_(rows, columns)] += flux * patch
    return image


def _on_image(centre: int, half: int, count: int) -> NDArray[np.int64]:
    return np.arange(max(centre - half, 0), min(centre + half + 1, count))
