"""Charge transfer inefficiency, to first order; the register is at row 0.

Source: Janesick 2001, *Scientific Charge-Coupled Devices*, doi:10.1117/3.374903.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from getframes.reference.image import Image


def cti(charge_e: Image, cti: float) -> Image:
    """Row r defers min(cti r q, q) to row r + 1; charge past the last row is not on the sensor any more [e-]."""
    fraction = np.minimum(cti * np.arange(charge_e.shape[0]), 1.0)
    deferred = charge_e * fraction[:, None]
    kept: Image = charge_e - deferred
    kept[1:] += deferred[:-1]
    return kept


def past_the_last_row(charge_e: Image, cti: float) -> Image:
    """What the last row defers: it is read with the first row behind the sensor, shape `(nx,)` [e-]."""
    trail: Image = charge_e[-1] * min(cti * (charge_e.shape[0] - 1), 1.0)
    return trail
