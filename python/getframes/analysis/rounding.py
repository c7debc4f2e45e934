"""What rounding to whole counts does to a variance, and how to take it off.

Law: for Gaussian noise of mean m and standard deviation s [ADU], the mean and the variance after rounding are

    m + sum_k (-1)^k / (pi k) e_k sin(2 pi k m),   e_k = exp(-2 pi^2 k^2 s^2)
    s^2 + 1/12 + sum_k (-1)^k e_k (4 s^2 + 1 / (pi k)^2) cos(2 pi k m) - (shift of the mean)^2.

The sums vanish for s above one count, and 1/12 is left; at half a count they are a percent of the variance, and below 0.3 counts the fraction of m decides
whether there is noise at all.

Source: Sripad and Snyder 1977, doi:10.1109/TASSP.1977.1162977; Widrow and Kollar 2008, doi:10.1017/CBO9780511754661.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_TERMS = 4
_ROUNDS = 40
_LEAST = 0.04
"""Smallest variance that is told apart from none [ADU^2]."""


def rounded(variance: ArrayLike, mean: ArrayLike) -> NDArray[np.float64]:
    """Variance after rounding of Gaussian noise of a variance [ADU^2] and a mean [ADU]."""
    square, at = np.asarray(variance, np.float64), 2.0 * np.pi * np.asarray(mean, np.float64)
    total, shift = square + 1.0 / 12.0, np.zeros_like(square + at)
    for k in range(1, _TERMS + 1):
        part = (-1.0) ** k * np.exp(-2.0 * (np.pi * k) ** 2 * square)
        total = total + part * (4.0 * square + 1.0 / (np.pi * k) ** 2) * np.cos(k * at)
        shift = shift + part / (np.pi * k) * np.sin(k * at)
    return np.asarray(total - shift**2)


def unrounded(variance: ArrayLike, mean: ArrayLike) -> NDArray[np.float64]:
    """Variance before rounding of noise that has a variance [ADU^2] and a mean [ADU] after it.

    Noise below 0.2 counts cannot be told: such variances become 0, or what is left of them.
    """
    seen = np.asarray(variance, np.float64)
    square = np.maximum(seen - 1.0 / 12.0, _LEAST)
    for _ in range(_ROUNDS):
        square = np.maximum(square + 0.7 * (seen - rounded(square, mean)), _LEAST)
    plain = seen - 1.0 / 12.0
    return np.where((seen > 1.0) | (square <= _LEAST), plain, square)
