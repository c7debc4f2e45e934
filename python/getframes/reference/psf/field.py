"""Principal components of kernels by the singular value decomposition of NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def components(rows: Array) -> tuple[Array, Array]:
    """Scores U diag(s), shape (n, rank), and components V, shape (rank, pixels); the sign of a pair of them is free."""
    left, strength, parts = np.linalg.svd(rows, full_matrices=False)
    return left * strength, parts
