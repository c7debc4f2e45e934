"""Blooming: charge that a pixel cannot hold flows along its column.

Source: Janesick 2001, *Scientific Charge-Coupled Devices*, doi:10.1117/3.374903.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from getframes.reference.image import Image


def blooming(charge_e: Image, well_e: float) -> Image:
    """Half of the excess flows down, half up the column, filling pixels to the well; the edges lose it [e-]."""
    half = np.maximum(charge_e - well_e, 0.0) / 2.0
    held = np.minimum(charge_e, well_e)
    downwards = _flow(held, half, well_e)
    return _flow(downwards[::-1], half[::-1], well_e)[::-1]


def _flow(held_e: Image, excess_e: Image, well_e: float) -> Image:
    """Charge after `excess_e` of every row has flowed towards the last row."""
    filled: Image = held_e.copy()
    flow = np.zeros(held_e.shape[1])
    for row in range(held_e.shape[0]):
        taken = np.minimum(flow, well_e - filled[row])
        filled[row] += taken
        flow = flow - taken + excess_e[row]
    return filled
