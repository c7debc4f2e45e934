"""The fold of light with efficiencies in NumPy float64: the definition that the Rust kernel must meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def fold(light: ArrayLike, efficiency: ArrayLike) -> NDArray[np.float64]:
    """Sum over samples of efficiency times light, shape (ny, nx), in the order of the samples."""
    total = np.zeros(np.shape(light)[1:])
    for weight, sample in zip(np.asarray(efficiency, np.float64), np.asarray(light, np.float64), strict=True):
        total += weight * sample
    return total


def first_bad(light: ArrayLike) -> tuple[int, int, int] | None:
    """Where the first value is that is negative, infinite or not a number: (sample, y, x)."""
    values = np.asarray(light, np.float64)
    bad = np.argwhere(~((values >= 0.0) & np.isfinite(values)))
    return None if bad.size == 0 else tuple(int(index) for index in bad[0])  # type: ignore[return-value]
