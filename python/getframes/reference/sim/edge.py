"""What falls off from the edges of the array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from getframes.reference.image import Image


def fall(shape: tuple[int, int], scale_px: float, axis: int | None = None) -> Image:
    """exp(-d / scale), d the pixels to the nearest edge on an axis or on both; 0 without a scale [1]."""
    if scale_px == 0.0:
        return np.zeros(shape)
    rows, columns = (np.minimum(np.arange(side), np.arange(side)[::-1]) for side in shape)
    distances = (rows[:, None], columns[None, :])
    nearest = np.minimum(*distances) if axis is None else distances[axis]
    with np.errstate(over="ignore"):  # a tiny scale: exp(-inf) is 0
        return np.broadcast_to(np.exp(-nearest / scale_px), shape)


def rise(shape: tuple[int, int], factor: float, scale_px: float) -> Image:
    """1 + (factor - 1) exp(-d / scale) [1]."""
    return 1.0 + (factor - 1.0) * fall(shape, scale_px)
