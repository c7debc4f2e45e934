"""Convolution with a kernel that varies over the image: one convolution for each part, times its surface."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.polynomial.chebyshev import chebgrid2d
from numpy.typing import NDArray
from scipy.signal import convolve as one_kernel

Array = NDArray[np.float64]


def convolve(image: Array, kernels: Array, surfaces: Sequence[Array | None], *, edge: str) -> Array:
    """sum_r S_r (K_r * image), shape (height, width)."""
    reach = kernels.shape[1] // 2
    around = np.pad(image, reach, mode="reflect") if edge == "reflect" else np.pad(image, reach)
    total = np.zeros(image.shape)
    for kernel, surface in zip(kernels, surfaces, strict=True):
        part = one_kernel(around, kernel, mode="valid", method="direct")
        total += part if surface is None else part * values(surface, image.shape)
    return total


def values(surface: Array, shape: tuple[int, ...]) -> Array:
    """A surface at the pixels of an image: Chebyshev polynomials of y (rows of coefficients) and x, from -1 to 1 over the pixel centres."""
    v, u = (np.linspace(-1.0, 1.0, side) if side > 1 else np.zeros(1) for side in shape)
    return np.asarray(chebgrid2d(v, u, surface))
