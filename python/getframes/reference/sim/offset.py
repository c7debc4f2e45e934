"""Offset: what is added to the analogue counts, such as the structure of the bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from getframes.reference.image import Image


def offset(signal_adu: Image, offset_adu: Image | float) -> Image:
    """a + o [ADU]."""
    return signal_adu + offset_adu
