"""Extra charge: left behind by earlier exposures, or any other mean charge that a caller adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from getframes.reference.image import Image


def mean_with_extra(mean_e: Image, extra_electrons: Image | float) -> Image:
    """mu + extra [e-]."""
    return mean_e + extra_electrons
