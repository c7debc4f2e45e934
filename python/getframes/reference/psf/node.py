"""The matching kernel of one place: least squares with a ridge and a sum that is held, all pixels of the kernel at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def kernel(lags: Array, right: Array, ridge: float) -> Array:
    """K of (N + r 1) K = b + m 1, sum K = 1, shape (side, side); N(p, q) = lags(p - q), with lag 0 in the middle of `lags`."""
    side = right.shape[0]
    step = np.arange(side)[:, None] - np.arange(side) + side - 1
    normal = lags[step[:, None, :, None], step[None, :, None, :]].reshape(side**2, side**2)
    matrix = normal + ridge * np.eye(side**2)
    free, unit = np.linalg.solve(matrix, np.stack([right.ravel(), np.ones(side**2)], axis=1)).T
    values = free + unit * (1.0 - free.sum()) / unit.sum()
    return np.asarray((values / values.sum()).reshape(side, side))
