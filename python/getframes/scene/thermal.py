"""Heat radiation of the telescope and its surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from getframes.errors import require
from getframes.quantity import plain
from getframes.scene.optics import number
from getframes.spectral import SED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.scene.optics import Telescope

LIGHT_SPEED_M_S = 299792458.0
HC_OVER_K_M_K = 1.438776877503933e-2  # second radiation constant, CODATA 2019 (exact)
ARCSEC2_PER_SR = (180.0 * 3600.0 / np.pi) ** 2
STEPS = 2000


@dataclass(frozen=True)
class Thermal:
    """A gray body that fills the beam.

    Attributes
    ----------
    temperature_k : float
        [K].
    emissivity : float
        In [0, 1], the same at every wavelength.

    Notes
    -----
    Photon radiance 2 c / lambda^4 / (exp(hc / lambda k T) - 1) * emissivity [photons / s / m2 / sr / m].
    The `throughput` of the telescope is not applied: what glows is the warm optics itself.
    """

    temperature_k: float
    emissivity: float = 1.0

    def __post_init__(self) -> None:
        temperature = number(self, "temperature_k", "K")
        require(temperature > 0.0, self, "temperature_k", "> 0 K", temperature)
        emissivity = number(self, "emissivity", "")
        require(0.0 <= emissivity <= 1.0, self, "emissivity", "in [0, 1]", emissivity)

    def photon_radiance(self, wavelength_nm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Photons / s / m2 / sr / nm at wavelengths [nm]."""
        wavelength = wavelength_nm * 1e-9
        exponent = np.minimum(HC_OVER_K_M_K / (wavelength * self.temperature_k), 700.0)
        radiance: NDArray[np.float64] = 2.0 * LIGHT_SPEED_M_S / wavelength**4 / np.expm1(exponent)
        return self.emissivity * 1e-9 * radiance

    def photon_rate(self, optics: Telescope) -> float:
        """Photons per pixel [photons / s / pixel]: radiance over the band * pixel solid angle * area.

        Raises
        ------
        DomainError
            When the telescope has no band, or the band no `response`.
        """
        response = optics.required_band("Thermal").spectral_response().response
        wavelength = np.linspace(response.wavelength_min_nm, response.wavelength_max_nm, STEPS + 1)
        values = self.photon_radiance(wavelength) * response(wavelength)
        radiance = float(np.sum(np.diff(wavelength) * (values[1:] + values[:-1])) / 2.0)
        solid_angle_sr = optics.pixel_solid_angle_arcsec2 / ARCSEC2_PER_SR
        return radiance * solid_angle_sr * optics.collecting_area_m2

    def photon_sed(
        self, wavelength_min_nm: float = 300.0, wavelength_max_nm: float = 3000.0, n_samples: int = 256
    ) -> SED:
        """The shape of the spectrum in photons, with its highest sample 1."""
        low = float(plain(wavelength_min_nm, "nm", self, "wavelength_min_nm"))
        high = float(plain(wavelength_max_nm, "nm", self, "wavelength_max_nm"))
        return SED.blackbody(self.temperature_k, low, high, n_samples)
