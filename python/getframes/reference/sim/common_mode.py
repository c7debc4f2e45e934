"""Common mode: an offset that all pixels of a frame share; from read to read of a ramp an autoregressive process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.reference import stream, variate

if TYPE_CHECKING:
    from getframes.reference.image import Image
    from getframes.reference.stream import Address


def common_mode(signal_adu: Image, rms_adu: float, at: Address) -> Image:
    """a + sigma z [ADU], one z a frame: the word of pixel 0."""
    return signal_adu + rms_adu * _innovation(at)


def common_mode_after(before: float | None, correlation: float, at: Address) -> float:
    """rho x + sqrt(1 - rho^2) z: a read's common mode over its RMS, from that of the read before it; z in the first read."""
    z = _innovation(at)
    return z if before is None else correlation * before + float(np.sqrt(1.0 - correlation**2)) * z


def _innovation(at: Address) -> float:
    words = stream.words(at.key, at.kind, stream.Stage.COMMON_MODE, at.frame, 0, 0, 1)
    return float(variate.normal(words)[0])
