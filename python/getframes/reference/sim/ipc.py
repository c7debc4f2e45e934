"""Interpixel capacitance: a pixel's voltage is felt by its four neighbours.

Source: Moore, Ninkov & Forrest 2006, doi:10.1117/1.2219103.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from getframes.reference.image import Image


def ipc(charge_e: Image, coupling: float) -> Image:
    """(1 - 4c) q + c (sum of the four neighbours) [e-]; nothing outside the array."""
    c = coupling
    kernel = np.array([[0.0, c, 0.0], [c, 1.0 - 4.0 * c, c], [0.0, c, 0.0]])
    coupled: Image = ndimage.convolve(charge_e, kernel, mode="constant")
    return coupled
