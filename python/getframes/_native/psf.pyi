"""The convolution of PSF matching."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

def convolve(
    images: tuple[NDArray[Any], NDArray[Any]],
    kernels: NDArray[Any],
    surfaces: list[NDArray[Any] | None],
    *,
    edge: str,
) -> None:
    """sum_r S_r (K_r * image), from the first into the second of two C-contiguous images, both float32 or both float64.

    `kernels` is (n, side, side) float64, side odd. A surface holds Chebyshev coefficients (degrees in y, degrees in x); None is 1 everywhere. Outside the
    image is 0 (`edge` "zero") or the image again ("reflect").
    """

def node_kernels(
    lags: NDArray[np.float64],
    rights: NDArray[np.float64],
    ridges: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Kernels of sum 1 of n places into `out` (n, side, side).

    From the autocorrelations of the stamps, `lags` (n, 2 side - 1, 2 side - 1), their correlations with the reference, `rights` (n, side, side), and `ridges` (n).
    """

def components(rows: NDArray[np.float64], scores: NDArray[np.float64], parts: NDArray[np.float64]) -> None:
    """Principal components of `rows` (n, pixels) into `scores` (n, rank) and `parts` (rank, pixels), rank the smaller of n and pixels."""
