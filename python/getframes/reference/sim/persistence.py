"""Persistence: charge that traps hold back from one frame and give to the next ones.

Source: Smith et al. 2008, doi:10.1117/12.789372.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from getframes.reference.image import Image


def persistence(latent_e: Image, signal_e: Image, fraction: float, decay: float) -> tuple[Image, Image]:
    """Released decay * latent, and latent - released + fraction * signal [e-]."""
    released = decay * latent_e
    return released, latent_e - released + fraction * signal_e
