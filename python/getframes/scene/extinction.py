"""Dust between a source and the telescope."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from getframes.errors import require
from getframes.quantity import plain
from getframes.scene.optics import number
from getframes.spectral import SED, Spectrum, overlap_integral

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from getframes.scene.photometry import Bandpass

# a(x) and b(x) between 1.1 and 3.3 per micron: powers of x - 1.82, lowest first (equations 3a and 3b).
OPTICAL_A = [1.0, 0.17699, -0.50447, -0.02427, 0.72085, 0.01979, -0.77530, 0.32999]
OPTICAL_B = [0.0, 1.41338, 2.28305, 1.07233, -5.38434, -0.62251, 5.30260, -2.09002]
REDDEST, BOUNDARY, BLUEST = 0.3, 1.1, 3.3  # per micron


@dataclass(frozen=True)
class Extinction:
    """Interstellar extinction: A(lambda) = a_v (a(x) + b(x) / r_v), x = 1 / lambda.

    Attributes
    ----------
    a_v : float
        Extinction in V [mag], >= 0.
    r_v : float
        A(V) / E(B - V), > 0; 3.1 is the mean of the Milky Way.

    Notes
    -----
    The law holds from 303 to 3333 nm; beyond, its value at the end is taken. Not modelled: the bump at 217 nm, scattering.
    Source: Cardelli, Clayton and Mathis 1989, doi:10.1086/167900.

    Raises
    ------
    DomainError
        When a number is not finite or out of its range.
    """

    a_v: float
    r_v: float = 3.1

    def __post_init__(self) -> None:
        a_v = number(self, "a_v", "mag")
        require(a_v >= 0.0, self, "a_v", ">= 0 mag", a_v)
        r_v = number(self, "r_v", "")
        require(r_v > 0.0, self, "r_v", "> 0", r_v)

    def attenuation_mag(self, wavelength_nm: ArrayLike) -> NDArray[np.float64]:
        """A(lambda) [mag] at wavelengths [nm], of any shape."""
        wavelength = np.asarray(plain(wavelength_nm, "nm", self, "wavelength_nm"), dtype=np.float64)
        require(bool((wavelength > 0.0).all()), self, "wavelength_nm", "> 0 nm", wavelength_nm)
        x = np.clip(1000.0 / wavelength, REDDEST, BLUEST)
        infrared = x**1.61
        y = x - 1.82
        a = np.where(x < BOUNDARY, 0.574 * infrared, np.polynomial.polynomial.polyval(y, OPTICAL_A))
        b = np.where(x < BOUNDARY, -0.527 * infrared, np.polynomial.polynomial.polyval(y, OPTICAL_B))
        attenuation: NDArray[np.float64] = self.a_v * (a + b / self.r_v)
        return attenuation

    def transmission(self, wavelength_nm: ArrayLike) -> NDArray[np.float64]:
        """Fraction of the light that gets through, 10^(-0.4 A), at wavelengths [nm]."""
        fraction: NDArray[np.float64] = 10.0 ** (-0.4 * self.attenuation_mag(wavelength_nm))
        return fraction

    def transmission_curve(self, wavelength_nm: ArrayLike) -> Spectrum:
        """The same as a curve with samples at increasing wavelengths [nm]."""
        return Spectrum(wavelength_nm, self.transmission(wavelength_nm))  # type: ignore[arg-type]

    def redden(self, sed: SED) -> SED:
        """A spectrum behind the dust, at its own samples; absolute if it was."""
        require(isinstance(sed, SED), self, "sed", "an SED", sed)
        return SED(sed.wavelength_nm, sed.value * self.transmission(sed.wavelength_nm), sed.is_absolute)

    def band_attenuation_mag(self, band: Bandpass, sed: SED | None = None) -> float:
        """Extinction of photons in a band [mag]: -2.5 log10(int S T 10^(-0.4 A) / int S T).

        Raises
        ------
        DomainError
            When the band has no `response`, or shares no light with the spectrum.
        """
        response = band.spectral_response().response
        light = (response,) if sed is None else (response, sed)
        low = max(curve.wavelength_min_nm for curve in light)
        high = min(curve.wavelength_max_nm for curve in light)
        before = overlap_integral(*light) if low < high else 0.0
        require(before > 0.0, self, "band", "one that shares light with the spectrum", band.name)
        grid = np.unique(np.concatenate([np.linspace(low, high, 257), *(c.wavelength_nm for c in light)]))
        after = overlap_integral(*light, self.transmission_curve(grid[(grid >= low) & (grid <= high)]))
        return -2.5 * math.log10(after / before)
