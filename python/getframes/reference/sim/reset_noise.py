"""Reset (kTC) noise: the charge that a reset leaves on the node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from getframes.reference import stream, variate

if TYPE_CHECKING:
    from getframes.reference.image import Image
    from getframes.reference.stream import Address


def reset_noise(charge_e: Image, rms_e: float, at: Address) -> Image:
    """q + sigma z [e-]."""
    return charge_e + rms_e * variate.normal(stream.frame_words(at, stream.Stage.RESET_NOISE, charge_e.shape))
