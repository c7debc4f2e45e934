"""The convolution of PSF matching."""

from typing import Any

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
