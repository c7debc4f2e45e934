"""Full well: a pixel, or an output node, holds so much charge and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from getframes.reference.image import Image


def full_well(charge_e: Image, well_e: float) -> Image:
    """Charge clipped to [0, well] [e-]."""
    return np.clip(charge_e, 0.0, well_e)
