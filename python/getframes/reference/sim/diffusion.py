"""Charge diffusion on an oversampled map.

Source: Janesick 2001, *Scientific Charge-Coupled Devices*, doi:10.1117/3.374903.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, special

if TYPE_CHECKING:
    from getframes.reference.image import Image


def line(sigma: float) -> Image:
    """A Gaussian integrated over samples -r ... r, r = ceil(4 sigma + 1/2), of sum 1 [1]."""
    radius = int(np.ceil(4.0 * sigma + 0.5))
    edges = np.arange(-radius, radius + 2) - 0.5
    weights: Image = np.diff(special.ndtr(edges / sigma))
    return weights / float(weights.sum())


def diffusion(light: Image, sigma: float) -> Image:
    """The map convolved with the Gaussian along both axes; nothing outside it."""
    weights = line(sigma)
    columns = ndimage.convolve1d(light, weights, axis=0, mode="constant")
    spread: Image = ndimage.convolve1d(columns, weights, axis=1, mode="constant")
    return spread
