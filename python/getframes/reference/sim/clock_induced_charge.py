"""Clock-induced charge: electrons freed by the clocks that move the charge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.reference import stream, variate

if TYPE_CHECKING:
    from getframes.reference.image import Image
    from getframes.reference.stream import Address


def clock_induced_charge(charge_e: Image, mean_e: float, at: Address) -> Image:
    """Charge + Poisson(mean) [e-]."""
    words = stream.frame_words(at, stream.Stage.CLOCK_INDUCED_CHARGE, charge_e.shape)
    return charge_e + variate.poisson(np.asarray(mean_e), words)
