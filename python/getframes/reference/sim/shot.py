"""Shot noise: charge arrives one electron at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from getframes.reference import stream, variate

if TYPE_CHECKING:
    from getframes.reference.image import Image
    from getframes.reference.stream import Address


def shot(mean_e: Image, at: Address) -> Image:
    """Charge ~ Poisson(mean) [e-]."""
    return variate.poisson(mean_e, stream.frame_words(at, stream.Stage.SHOT, mean_e.shape))
