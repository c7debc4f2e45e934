"""Common mode: an offset that all pixels of a frame share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from getframes.reference import stream, variate

if TYPE_CHECKING:
    from getframes.reference.image import Image
    from getframes.reference.stream import Address


def common_mode(signal_adu: Image, rms_adu: float, at: Address) -> Image:
    """a + sigma z [ADU], one z a frame: the word of pixel 0."""
    words = stream.words(at.key, at.kind, stream.Stage.COMMON_MODE, at.frame, 0, 0, 1)
    return signal_adu + rms_adu * float(variate.normal(words)[0])
