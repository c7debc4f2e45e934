"""The gain stage: avalanche multiplication in an EMCCD register or an avalanche photodiode.

Source: Hirsch et al. 2013, doi:10.1371/journal.pone.0053671 (the gamma law of an EM register).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.reference import stream, variate

if TYPE_CHECKING:
    from getframes.reference.image import Image
    from getframes.reference.stream import Address


def gain(
    charge_e: Image, gain: float, excess_noise_factor: float, at: Address, avalanche_map: Image | float = 1.0
) -> Image:
    """Gamma(shape q / (F^2 - 1), scale G (F^2 - 1)) * map [e-]: mean q G, variance q G^2 (F^2 - 1).

    F = 1 gives q G exactly; zero charge gives zero.
    """
    if excess_noise_factor == 1.0:
        return charge_e * gain * avalanche_map
    spread = excess_noise_factor**2 - 1.0
    words = stream.frame_words(at, stream.Stage.GAIN, charge_e.shape)
    shape = np.where(charge_e > 0.0, charge_e / spread, 1.0)
    multiplied = variate.gamma(shape, words) * (gain * spread)
    return np.where(charge_e > 0.0, multiplied, 0.0) * avalanche_map
