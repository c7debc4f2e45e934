"""The night sky behind every source."""

from __future__ import annotations

from dataclasses import dataclass

from getframes.scene.optics import number
from getframes.spectral import SED


@dataclass(frozen=True)
class Sky:
    """A sky of one brightness over the whole field.

    Attributes
    ----------
    surface_brightness_mag_arcsec2 : float
        In the band of the telescope [mag / arcsec2].
    sed : SED, optional
        Its spectrum, for the effective quantum efficiency; the same at every wavelength when left out.
    """

    surface_brightness_mag_arcsec2: float
    sed: SED | None = None

    def __post_init__(self) -> None:
        number(self, "surface_brightness_mag_arcsec2", "mag / arcsec2")
