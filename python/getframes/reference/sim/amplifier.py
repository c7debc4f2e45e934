"""The amplifier: charge to counts, with a gain and an offset per output."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from getframes.reference.image import Image


def amplifier(
    charge_e: Image,
    gain_e_per_adu: float,
    bias_offset_adu: float,
    gain_map: Image | float = 1.0,
    offset_map_adu: Image | float = 0.0,
) -> Image:
    """q / (gain * gain map) + bias + offset map [ADU]."""
    return charge_e / (gain_e_per_adu * gain_map) + bias_offset_adu + offset_map_adu
