"""Words to test laws with: spread evenly over all of them, or addressed like the pixels of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes._native import core

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVEN_BITS = 17
EVEN = np.arange(2**EVEN_BITS, dtype=np.uint32) * np.uint32(2 ** (32 - EVEN_BITS)) + np.uint32(
    2 ** (31 - EVEN_BITS)
)
"""Every 2^15-th word: an empirical CDF over these is within 2^-17 of the law."""

LIGHT, SHOT = 3, 32
PRECISIONS = ("float32", "float64")


def addressed(count: int, *, key: int = 11, kind: int = LIGHT, stage: int = SHOT) -> NDArray[np.uint32]:
    """The words of `count` pixels of one frame."""
    return core.words(key, kind, stage, 0, 0, 0, count)


def correlation_bound(count: int) -> float:
    """Four standard deviations of the correlation of independent samples."""
    return 4.0 / float(np.sqrt(count))
