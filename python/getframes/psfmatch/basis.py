"""The matching kernel of one place: K with source * K = target, by linear least squares in a basis.

Law: K = argmin |A * K - B|^2 + r |K|^2  with  sum K = 1,  A and B the stamps of source and target, * the full convolution (nothing is lost at the
border of a stamp), r = ridge times the zero lag of the autocorrelation of A.

Two bases. *pixel*: every pixel of the kernel is free; the normal matrix holds the autocorrelation of A, the right side the correlation of A with B.
*alard-lupton*: three Gaussians of fixed widths times polynomials (Alard and Lupton 1998, doi:10.1086/305984; the widths and degrees that the pipelines
use), which is smooth by construction and has 27 free numbers.

The ridge bounds what noise is amplified where A has no power: along a wave of power P the kernel keeps P / (P + r) of what would be exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from getframes._native import psf as native
from getframes.errors import require
from getframes.psfmatch.models import resized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Stamp = NDArray[np.float64]

BASES = ("pixel", "alard-lupton")
WIDTHS_PX = (0.7, 1.5, 3.0)
DEGREES = (4, 2, 2)
_STEP, _LEAST_RIDGE = 2.0, 1e-12
_MOST_STEPS = 60


@dataclass(frozen=True, eq=False)
class NodeKernel:
    """The kernel of one place.

    Attributes
    ----------
    x, y : float
        Where it is [px].
    kernel : array (side, side)
        Of sum 1.
    source, target : array
        Stamps that it was solved for.
    residual : float
        |A * K - B| / |B|.
    noise_gain : float
        sqrt(sum K^2): noise of the matched image over noise of the image.
    ridge : float
        What was used, in units of the zero lag of the autocorrelation; larger than asked for where the noise gain had to be bounded.
    condition : float
        Largest over smallest power of the source, ridge included.
    """

    x: float
    y: float
    kernel: Stamp
    source: Stamp
    target: Stamp
    residual: float
    noise_gain: float
    ridge: float
    condition: float

    @property
    def achieved(self) -> Stamp:
        """The PSF after matching, source * K, in the size of the target."""
        return resized(full_convolution(self.source, self.kernel), self.target.shape[0])

    @property
    def difference(self) -> Stamp:
        """source * K - target, over the full convolution."""
        return difference(self.source, self.kernel, self.target)


def solve(
    stamps: Sequence[tuple[Stamp, Stamp]],
    places: Sequence[tuple[float, float]],
    side: int,
    ridge: float,
    basis: str,
    most_gain: float,
) -> list[NodeKernel]:
    """The kernels of some places from (source, target); where the noise gain is above its bound, the ridge grows until it is not."""
    require(basis in BASES, "MatchConfig", "basis", f"one of {', '.join(BASES)}", basis)
    if basis == "pixel":
        kernels, ridges = _of_pixels(stamps, side, ridge, most_gain)
    else:
        made = [_of_gaussians(source, target, side, ridge, most_gain) for source, target in stamps]
        kernels, ridges = (np.array(each) for each in zip(*made, strict=True))
    return [
        _measured(kernel, *pair, at, float(used))
        for kernel, pair, at, used in zip(kernels, stamps, places, ridges, strict=True)
    ]


def _measured(
    kernel: Stamp, source: Stamp, target: Stamp, at: tuple[float, float], ridge: float
) -> NodeKernel:
    """A kernel, and what it is worth."""
    power = np.abs(np.fft.rfft2(source, s=[source.shape[0] + kernel.shape[0]] * 2)) ** 2
    added = ridge * float((source**2).sum())
    return NodeKernel(
        *at,
        kernel,
        source,
        target,
        residual=relative_residual(source, kernel, target),
        noise_gain=float(np.sqrt((kernel**2).sum())),
        ridge=ridge,
        condition=float((power.max() + added) / (power.min() + added)),
    )


def _of_pixels(
    stamps: Sequence[tuple[Stamp, Stamp]], side: int, ridge: float, most_gain: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kernels all pixels of which are free, and the ridges that bound their noise gains."""
    lags = np.array([_correlation(source, source, side - 1) for source, _ in stamps])
    rights = np.array([_correlation(source, target, side // 2) for source, target in stamps])
    zero_lags = lags[:, side - 1, side - 1]
    ridges, kernels = np.full(len(stamps), ridge), np.empty_like(rights)
    noisy = np.arange(len(stamps))
    for _ in range(_MOST_STEPS):
        made = np.empty((noisy.size, side, side))
        native.node_kernels(lags[noisy], rights[noisy], ridges[noisy] * zero_lags[noisy], made)
        kernels[noisy] = made
        noisy = noisy[np.sqrt((made**2).sum(axis=(1, 2))) > most_gain]
        if not noisy.size:
            break
        ridges[noisy] = np.maximum(ridges[noisy], _LEAST_RIDGE) * _STEP
    return kernels, ridges


def _of_gaussians(
    source: Stamp, target: Stamp, side: int, ridge: float, most_gain: float
) -> tuple[Stamp, float]:
    """The kernel of sum 1 in the functions of `gaussian_basis`, and the ridge that bounds its noise gain.

    Sums run in einsum: those of BLAS depend on its threads. A system of 27 is too small for them.
    """
    functions = gaussian_basis(side)
    size = max(source.shape[0] + side - 1, target.shape[0])
    columns = np.stack(
        [np.pad(full_convolution(source, f), (size - source.shape[0] - side + 1) // 2) for f in functions]
    )
    wanted, sums = np.pad(target, (size - target.shape[0]) // 2), functions.sum(axis=(1, 2))
    normal, gram = (np.einsum("iyx,jyx->ij", each, each) for each in (columns, functions))
    sides = np.stack([np.einsum("iyx,yx->i", columns, wanted), sums], axis=1)
    zero_lag = float((source**2).sum())
    for _ in range(_MOST_STEPS):
        free, unit = np.linalg.solve(normal + ridge * zero_lag * gram, sides).T
        values = free + unit * (1.0 - (sums * free).sum()) / (sums * unit).sum()
        kernel = np.einsum("i,iyx->yx", values, functions)
        # The constraint to the last bit.
        kernel /= kernel.sum()
        if np.sqrt((kernel**2).sum()) <= most_gain:
            break
        ridge = max(ridge, _LEAST_RIDGE) * _STEP
    return kernel, ridge


@lru_cache(maxsize=8)
def gaussian_basis(side: int) -> NDArray[np.float64]:
    """The functions of the Alard-Lupton basis, shape (27, side, side), each of unit square sum."""
    at = np.arange(side) - side // 2
    made = []
    for width, degree in zip(WIDTHS_PX, DEGREES, strict=True):
        bell, u = np.exp(-0.5 * (at / width) ** 2), at / width
        for power in range(degree + 1):
            for y_power in range(power + 1):
                function = np.outer(bell * u**y_power, bell * u ** (power - y_power))
                made.append(function / np.sqrt((function**2).sum()))
    functions = np.stack(made)
    functions.flags.writeable = False
    return functions


def full_convolution(one: Stamp, two: Stamp) -> Stamp:
    """The convolution of two stamps, nothing cut off."""
    side = one.shape[0] + two.shape[0] - 1
    shape = [_quick(side)] * 2
    product = np.fft.irfft2(np.fft.rfft2(one, s=shape) * np.fft.rfft2(two, s=shape), s=shape)
    return np.asarray(product[:side, :side])


def difference(source: Stamp, kernel: Stamp, target: Stamp) -> Stamp:
    """source * kernel - target, in the size of the larger."""
    made = full_convolution(source, kernel)
    side = max(made.shape[0], target.shape[0])
    return np.asarray(
        np.pad(made, (side - made.shape[0]) // 2) - np.pad(target, (side - target.shape[0]) // 2)
    )


def relative_residual(source: Stamp, kernel: Stamp, target: Stamp) -> float:
    """|source * kernel - target| / |target|."""
    rest = difference(source, kernel, target)
    return float(np.sqrt((rest**2).sum() / (target**2).sum()))


def _correlation(one: Stamp, two: Stamp, reach: int) -> NDArray[np.float64]:
    """sum_p one(p - d) two(p) for lags d of up to `reach` in each axis, positions counted from the middle pixel."""
    both = full_convolution(one[::-1, ::-1], two)
    middle = both.shape[0] // 2
    both, middle = np.pad(both, reach), middle + reach
    return np.asarray(both[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1])


def _quick(least: int) -> int:
    """A length without large prime factors, for which transforms are fast."""
    length = least
    while True:
        rest = length
        for factor in (2, 3, 5, 7):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1
