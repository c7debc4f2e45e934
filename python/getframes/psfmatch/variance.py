"""Variance of what a kernel makes of pixels with independent noise.

Law: v'(p) = sum_q w_p(q)^2 v(q), w_p(q) the weight of pixel q in the sum at p. Inside of the image w is K, so that v' = K^2 * v. At the edge

    renormalize    w = K s / (sum of K over the image): v' = (K^2 * v) (s / that sum)^2
    reflect        a pixel q that is also seen in the mirror counts with the sum of both weights, and v' with the square of the sum

Not modelled: covariance of neighbouring pixels, before and after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.psfmatch.kernel import VaryingKernel, border, scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.floating[Any]]

_TOLERANCE = 1e-4
"""What components of K^2 that are left out may add to, as a share of K^2."""


def propagated(kernel: VaryingKernel, variance: Plane, edge: str) -> Plane:
    """Variance of ``kernel.convolve(image, edge=edge)``, shape (height, width); `variance` is finite and of a type that the kernel convolves."""
    # Rounding of a transform, and of components left out, may fall below nothing.
    made: Plane = np.maximum(kernel.mapped(np.square, _TOLERANCE).sums(variance, "zero"), 0.0)
    if edge == "reflect":
        _mirror(kernel, variance, made)
        return made
    if edge == "renormalize":
        covered = kernel.sums(np.ones_like(variance), "zero")
    for strip in border(kernel.shape, kernel.side):
        made[strip] *= (kernel.sum / covered[strip]) ** 2 if edge == "renormalize" else np.nan
    return made


def _mirror(kernel: VaryingKernel, variance: Plane, out: Plane) -> None:
    """Writes the variance of the pixels that see the mirrored image, a row or column of them at a time."""
    (height, width), reach = kernel.shape, kernel.side // 2
    around = np.pad(variance.astype(np.float64), reach)
    seen = np.lib.stride_tricks.sliding_window_view(around, (kernel.side, kernel.side))
    parts = kernel.sum * kernel.parts[:, ::-1, ::-1]
    above, below, left, right = border(kernel.shape, kernel.side)
    beside = [*range(width)[left[1]], *range(width)[right[1]]]
    rows, columns = left[0], slice(reach, width - reach)

    def write(folded: NDArray[np.float64], where: tuple[slice, slice]) -> None:
        out[where] = _variances(folded, _weights(kernel, where), seen[where])

    for y in (*range(height)[above[0]], *range(height)[below[0]]):
        row, folded = slice(y, y + 1), _folded(parts, y, height, axis=1)
        write(folded, (row, columns))
        for x in beside:
            write(_folded(folded, x, width, axis=2), (row, slice(x, x + 1)))
    for x in beside:
        write(_folded(parts, x, width, axis=2), (rows, slice(x, x + 1)))


def _weights(kernel: VaryingKernel, where: tuple[slice, slice]) -> NDArray[np.float64]:
    """What each part counts at some pixels, shape (rows, columns, parts)."""
    v, u = (scaled(np.arange(n)[some], n) for some, n in zip(where, kernel.shape, strict=True))
    surfaces = [np.polynomial.chebyshev.chebgrid2d(v, u, surface) for surface in kernel.surfaces]
    return np.stack([np.ones((v.size, u.size)), *surfaces], axis=-1)


def _folded(parts: NDArray[np.float64], at: int, length: int, axis: int) -> NDArray[np.float64]:
    """Parts, as they lie over the image about row or column `at`, with what is beyond it put where the mirror shows it."""
    side = parts.shape[axis]
    places = at + np.arange(side) - side // 2
    mirrored = np.abs(places)
    mirrored = np.where(mirrored > length - 1, 2 * (length - 1) - mirrored, mirrored)
    fold = np.zeros((side, side))
    np.add.at(fold, (mirrored - places[0], np.arange(side)), 1.0)
    return np.asarray(np.einsum("ij,pjx->pix" if axis == 1 else "ij,pyj->pyi", fold, parts))


def _variances(
    parts: NDArray[np.float64], weights: NDArray[np.float64], seen: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Variance of some pixels, of weights (rows, columns, parts), who see (rows, columns, side, side)."""
    # In einsum: sums of BLAS depend on its threads.
    kernels = np.einsum("...p,pyx->...yx", weights, parts)
    return np.asarray(np.einsum("...yx,...yx,...yx", kernels, kernels, seen))
