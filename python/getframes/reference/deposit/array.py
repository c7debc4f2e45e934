"""A PSF given as an array of pixel fractions: squares of even light, overlapped with the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from getframes.reference.deposit.pixels import Stars
    from getframes.reference.image import Image


def array(shape: tuple[int, int], stars: Stars, kernel: Image) -> Image:
    """Image of stars (x, y, flux) behind `kernel`, whose middle lies on the star."""
    image = np.zeros(shape)
    for x, y, flux in stars:
        across = _overlaps(shape[1], kernel.shape[1], x)
        down = _overlaps(shape[0], kernel.shape[0], y)
        image += flux * (down @ kernel @ across.T)
    return image


def _overlaps(pixels: int, squares: int, position: float) -> Image:
    """Overlap of each pixel of the image with each of the kernel, along one axis."""
    centres = position + np.arange(squares) - (squares - 1) / 2.0
    overlap: Image = np.maximum(1.0 - np.abs(np.arange(pixels)[:, None] - centres), 0.0)
    return overlap
