"""The analogue-to-digital converter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.reference.image import Image


def digitize(signal_adu: Image, bit_depth: int) -> NDArray[np.uint32]:
    """Round half to even, clip to [0, 2^bits - 1] [ADU]."""
    return np.clip(np.rint(signal_adu), 0.0, 2.0**bit_depth - 1.0).astype(np.uint32)
