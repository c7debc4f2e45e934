"""Integrals of a density of light over the pixels of a patch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.reference.image import Image

    Density = Callable[[Image, Image], Image]
    Stars = Iterable[tuple[float, float, float]]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)


def star_pixel(position: float) -> int:
    """The pixel that holds a position; halves to even."""
    return int(np.rint(position))


def draw(
    shape: tuple[int, int], stars: Stars, density: Density, covered: NDArray[np.bool_], panels: int = 1
) -> Image:
    """Image of stars (x, y, flux): flux times the integral of `density` over each covered pixel.

    `covered`, shape (2 m + 1, 2 n + 1), says which pixels about the star's own are drawn. Each pixel is cut
    into `panels` by `panels` squares of 12 by 12 Gauss-Legendre nodes.
    """
    image = np.zeros(shape)
    half_y, half_x = (count // 2 for count in covered.shape)
    offsets, weights = _rule(panels)
    for x, y, flux in stars:
        column, row = star_pixel(x), star_pixel(y)
        for dy, dx in np.argwhere(covered) - (half_y, half_x):
            j, i = row + dy, column + dx
            if 0 <= j < shape[0] and 0 <= i < shape[1]:
                values = density(i - x + offsets, (j - y + offsets)[:, None])
                image[j, i] += flux * float(weights @ values @ weights)
    return image


def circle(radius: float) -> NDArray[np.bool_]:
    """Pixels whose centres lie within a radius of the star's pixel."""
    steps = np.arange(-int(radius), int(radius) + 1)
    inside: NDArray[np.bool_] = steps**2 + steps[:, None] ** 2 <= radius**2
    return inside


def _rule(panels: int) -> tuple[Image, Image]:
    starts = (np.arange(panels) + 0.5) / panels - 0.5
    offsets = (starts[:, None] + NODES / (2.0 * panels)).ravel()
    return offsets, np.tile(WEIGHTS / (2.0 * panels), panels)
