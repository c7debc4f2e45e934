"""Photoelectrons: light that became charge."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from getframes.reference.image import Image


def mean_photoelectrons(
    photon_rate: Image | float,
    background: Image | float,
    exposure_s: float,
    quantum_efficiency: float,
    prnu_map: Image,
) -> Image:
    """(rate + background) * exposure * QE * PRNU [e-]; rates in photons / s / pixel."""
    return (photon_rate + background) * exposure_s * quantum_efficiency * prnu_map
