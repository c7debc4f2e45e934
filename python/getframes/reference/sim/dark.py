"""Dark charge: thermal current, its pixel-to-pixel spread, and the glow of the readout electronics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from getframes.reference.image import Image


def dark_current(rate_e_per_s: float, temperature_c: float, reference_c: float, doubling_c: float) -> float:
    """D(T) = D_ref * 2^((T - T_ref) / T_doubling) [e- / s / pixel]."""
    return float(rate_e_per_s * 2.0 ** ((temperature_c - reference_c) / doubling_c))


def mean_dark_electrons(
    dark_e_per_s: float,
    exposure_s: float,
    dark_multiplier: Image,
    glow_e_per_s: float,
    glow_map: Image,
) -> Image:
    """D * exposure * multiplier + glow * exposure * map [e-]."""
    return dark_e_per_s * exposure_s * dark_multiplier + glow_e_per_s * exposure_s * glow_map
