"""Magnitudes to photons: bands and their zero points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from getframes.errors import DomainError, did_you_mean, require
from getframes.quantity import finite, plain
from getframes.spectral import SED, SpectralBandpass, effective_qe, overlap_integral

if TYPE_CHECKING:
    from getframes.spectral import QE

PLANCK_J_S = 6.62607015e-34
JANSKY = 1e-26  # W / m2 / Hz
AB_ZEROPOINT_JY = 3631.0

# Vega, photons / s / m2 in the band: the values of the 2.x interface, within 3 % of the fluxes of Bessell,
# Castelli and Plez 1998 (A&A 333, 231) times width / centre / h.
VEGA_PHOTONS = {"U": 4.99e9, "B": 1.31e10, "V": 8.76e9, "R": 9.69e9, "I": 6.73e9}
# Vega [Jy]: Cohen, Wheaton and Megeath 2003, doi:10.1086/376474.
VEGA_JY = {"J": 1594.0, "H": 1024.0, "Ks": 666.7}

# Name, centre and full width [nm] of a top hat.
AB_BANDS = {
    "u": ("SDSS u", 354.3, 57.0),
    "g": ("SDSS g", 477.0, 138.0),
    "r": ("SDSS r", 623.1, 138.0),
    "i": ("SDSS i", 762.5, 152.0),
    "z": ("SDSS z", 913.4, 95.0),
    "gaia_g": ("Gaia G", 639.0, 454.0),
    "gaia_bp": ("Gaia BP", 518.0, 253.0),
    "gaia_rp": ("Gaia RP", 782.0, 296.0),
    "j": ("2MASS J", 1235.0, 162.0),
    "h": ("2MASS H", 1662.0, 251.0),
    "ks": ("2MASS Ks", 2159.0, 262.0),
}
AB_SYNONYMS = {"bp": "gaia_bp", "rp": "gaia_rp", "k": "ks"}


@dataclass(frozen=True)
class Bandpass:
    """A photometric band: how many photons a star of magnitude zero sends.

    Attributes
    ----------
    name : str
        For people.
    photon_zeropoint : float
        Photons of magnitude zero, above the telescope and integrated over the band [photons / s / m2].
    response : SpectralBandpass, optional
        Throughput against wavelength; needed for anything that has a spectrum.
    """

    name: str
    photon_zeropoint: float
    response: SpectralBandpass | None = None

    def __post_init__(self) -> None:
        zeropoint = float(plain(self.photon_zeropoint, "ph / (s m2)", self, "photon_zeropoint"))
        require(0.0 < zeropoint < math.inf, self, "photon_zeropoint", "> 0 photons/s/m2", zeropoint)
        object.__setattr__(self, "photon_zeropoint", zeropoint)
        known = self.response is None or isinstance(self.response, SpectralBandpass)
        require(known, self, "response", "a SpectralBandpass or None", self.response)

    @classmethod
    def johnson(cls, band: str, *, spectral: bool = True) -> Bandpass:
        """A Vega band: U, B, V, R, I, J, H or Ks.

        Parameters
        ----------
        band : str
            Its letter.
        spectral : bool
            Give the band its top-hat `response`.

        Notes
        -----
        J, H and Ks: zero point = F / h * ln(longest / shortest wavelength), with F from Cohen, Wheaton and
        Megeath 2003, doi:10.1086/376474.
        """
        name = _named(band, [*VEGA_PHOTONS, *VEGA_JY], "Johnson band")
        response = SpectralBandpass.johnson(name)
        if name in VEGA_PHOTONS:
            zeropoint = VEGA_PHOTONS[name]
        else:
            zeropoint = _photons_from_jansky(VEGA_JY[name], response)
        return cls(f"Johnson {name}", zeropoint, response if spectral else None)

    @classmethod
    def ab(cls, band: str) -> Bandpass:
        """An AB band, as a top hat: u, g, r, i, z, gaia_g, gaia_bp, gaia_rp, j, h or ks.

        Zero point = 3631 Jy / h * int T dlambda / lambda (Oke and Gunn 1983, doi:10.1086/160817).
        """
        synonym = AB_SYNONYMS.get(band.lower(), band) if isinstance(band, str) else band
        name, center, width = AB_BANDS[_named(synonym, list(AB_BANDS), "AB band")]
        response = SpectralBandpass.tophat(center, width)
        return cls(f"AB {name}", _photons_from_jansky(AB_ZEROPOINT_JY, response), response)

    def photon_flux(self, magnitude: float) -> float:
        """Photons of a star of `magnitude` [photons / s / m2]: zeropoint * 10^(-0.4 m)."""
        return float(self.photon_zeropoint * 10.0 ** (-0.4 * finite(magnitude, "mag", self, "magnitude")))

    def photon_flux_from_sed(self, sed: SED) -> float:
        """Photons of an absolute spectrum S in the band [photons / s / m2]: int S T dlambda.

        Raises
        ------
        DomainError
            When the spectrum is not absolute, or the band has no `response`.
        """
        require(sed.is_absolute, self, "photon_flux_from_sed", "given an absolute SED", "a relative one")
        return overlap_integral(self.spectral_response().response, sed)

    def effective_qe(self, qe: QE, sed: SED | None = None) -> float:
        """Quantum efficiency for the photons of a source behind the band: int S T QE / int S T."""
        return effective_qe(qe, self.spectral_response(), sed)

    def spectral_response(self) -> SpectralBandpass:
        """The `response`.

        Raises
        ------
        DomainError
            When the band has none.
        """
        if self.response is None:
            raise DomainError(
                f"Bandpass.response must be given for the spectrum of a source, got None in {self.name!r}"
            )
        return self.response


def _photons_from_jansky(flux_jy: float, response: SpectralBandpass) -> float:
    """F / h * int T dlambda / lambda, for a flux that is the same at every frequency [photons / s / m2]."""
    curve = response.response
    inverse_moment = response.mean_wavelength_nm * curve.integrate() / response.pivot_wavelength_nm**2
    return flux_jy * JANSKY / PLANCK_J_S * inverse_moment


def _named(band: Any, known: list[str], thing: str) -> str:
    for name in known:
        if isinstance(band, str) and band.lower() == name.lower():
            return name
    raise DomainError(
        f"{thing} must be one of {', '.join(known)}, got {band!r}{did_you_mean(str(band), known)}"
    )
