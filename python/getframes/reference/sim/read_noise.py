"""Read noise: the Gaussian error of the output amplifier, one draw per pixel and read.

Source: Janesick 2007, *Photon Transfer*, doi:10.1117/3.725073.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from getframes.reference import stream, variate

if TYPE_CHECKING:
    from getframes.reference.image import Image
    from getframes.reference.stream import Address


def read_noise(charge_e: Image, rms_e: Image | float, at: Address) -> Image:
    """q + sigma z [e-], sigma per pixel."""
    return charge_e + rms_e * variate.normal(stream.frame_words(at, stream.Stage.READ_NOISE, charge_e.shape))
