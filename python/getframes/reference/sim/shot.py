"""Shot noise and clock-induced charge: whole electrons around a mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.reference import stream, variate

if TYPE_CHECKING:
    from getframes.reference.image import Image
    from getframes.reference.stream import Address


def shot(mean_e: Image, at: Address) -> Image:
    """Charge ~ Poisson(mean) [e-]."""
    return variate.poisson(mean_e, stream.frame_words(at, stream.Stage.SHOT, mean_e.shape))


def clock_induced_charge(charge_e: Image, mean_e: float, at: Address) -> Image:
    """Charge + Poisson(mean) [e-]: electrons freed by the clocks that move the charge."""
    words = stream.frame_words(at, stream.Stage.CLOCK_INDUCED_CHARGE, charge_e.shape)
    return charge_e + variate.poisson(np.asarray(mean_e), words)
