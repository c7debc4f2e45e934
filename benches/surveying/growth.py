"""How a figure grows with a size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def growth(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The power of the sizes that values follow, over their larger half."""
    half = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[half:]), np.log(values[half:]), 1)[0])
