"""Magnitudes, bands and backgrounds against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy import units
from numpy.testing import assert_allclose
from scipy import constants, integrate

from getframes.errors import DomainError
from getframes.scene import Bandpass, RadialDistortion, Sky, Telescope, Thermal, Vignetting
from getframes.spectral import QE, SED

VEGA = {"U": 4.99e9, "B": 1.31e10, "V": 8.76e9, "R": 9.69e9, "I": 6.73e9}
JANSKY = {"J": (1594.0, 1235.0, 162.0), "H": (1024.0, 1662.0, 251.0), "Ks": (666.7, 2159.0, 262.0)}


@pytest.mark.parametrize("band", VEGA)
def test_vega_zero_points(band: str) -> None:
    assert Bandpass.johnson(band).photon_zeropoint == VEGA[band]
    assert Bandpass.johnson(band.lower(), spectral=False).response is None


@pytest.mark.parametrize("band", JANSKY)
def test_infrared_zero_points(band: str) -> None:
    jansky, centre, width = JANSKY[band]
    octave = math.log((centre + width / 2) / (centre - width / 2))
    assert_allclose(Bandpass.johnson(band).photon_zeropoint, jansky * 1e-26 / constants.h * octave, rtol=1e-9)


@pytest.mark.parametrize(
    ("band", "centre", "width"),
    [("u", 354.3, 57), ("G", 477, 138), ("gaia_g", 639, 454), ("BP", 518, 253), ("Ks", 2159, 262)],
)
def test_ab_zero_points(band: str, centre: float, width: float) -> None:
    octave = math.log((centre + width / 2) / (centre - width / 2))
    assert_allclose(Bandpass.ab(band).photon_zeropoint, 3631e-26 / constants.h * octave, rtol=1e-9)


def test_unknown_bands_are_named() -> None:
    with pytest.raises(DomainError, match="Johnson band must be one of U, B, V, R, I, J, H, Ks, got 'X'"):
        Bandpass.johnson("X")
    with pytest.raises(DomainError, match=r"AB band must be one of .* got 'gaia_x'.*did you mean 'gaia_"):
        Bandpass.ab("gaia_x")


def test_magnitude_to_photons() -> None:
    optics = Telescope(1.0, 0.5, 0.8, 0.3, Bandpass.johnson("V"))
    area = math.pi / 4.0 * (1.0 - 0.09)
    assert_allclose(optics.collecting_area_m2, area)
    assert_allclose(optics.photon_rate_from_magnitude(10.0), 8.76e9 * 1e-4 * area * 0.8)
    assert_allclose(optics.surface_brightness_photon_rate(20.0), 8.76e9 * 1e-8 * area * 0.8 * 0.25)


def test_quantities_are_numbers_with_units() -> None:
    optics = Telescope(100.0 * units.cm, 500.0 * units.mas / units.pix, band=Bandpass.johnson("V"))
    assert (optics.aperture_diameter_m, optics.plate_scale_arcsec_per_pixel) == (1.0, 0.5)
    assert optics.photon_rate_from_magnitude(10.0 * units.mag) == optics.photon_rate_from_magnitude(10.0)
    with pytest.raises(DomainError, match=r"Telescope.aperture_diameter_m must be in m, got 1.0 s"):
        Telescope(1.0 * units.s, 0.5)


def test_spectra() -> None:
    optics = Telescope(1.0, 1.0, band=Bandpass.johnson("V"))
    sed = SED.from_flux_density([400.0, 700.0], [2.0, 2.0])
    assert_allclose(optics.photon_rate_from_sed(sed), 2.0 * 88.0 * math.pi / 4.0)
    with pytest.raises(DomainError, match="absolute SED"):
        optics.photon_rate_from_sed(SED.flat())
    band = Bandpass.johnson("V")
    assert_allclose(band.effective_qe(QE.constant(0.7), SED.blackbody(5000.0)), 0.7)
    with pytest.raises(DomainError, match=r"Bandpass.response must be given .* in 'Johnson V'"):
        Bandpass.johnson("V", spectral=False).effective_qe(QE.constant(0.7))


def test_magnitudes_need_a_band() -> None:
    with pytest.raises(DomainError, match=r"Telescope.band must be given for a magnitude, got None"):
        Telescope.unit().photon_rate_from_magnitude(10.0)
    with pytest.raises(DomainError, match=r"Telescope.band must be given for Thermal"):
        Thermal(300.0).photon_rate(Telescope.unit())


def test_thermal_background_is_the_planck_integral() -> None:
    optics = Telescope(1.0, 0.5, 0.5, 0.3, Bandpass.ab("Ks"))

    def radiance(metres: float) -> float:
        exponent = constants.h * constants.c / (metres * constants.k * 280.0)
        return 2.0 * constants.c / metres**4 / math.expm1(exponent)

    photons = integrate.quad(radiance, 2028e-9, 2290e-9, epsrel=1e-10)[0]
    solid_angle = math.radians(0.5 / 3600.0) ** 2
    expected = 0.1 * photons * solid_angle * optics.collecting_area_m2
    assert_allclose(Thermal(280.0, 0.1).photon_rate(optics), expected, rtol=1e-6)
    assert Thermal(4.0, 0.1).photon_rate(optics) == 0.0 or Thermal(4.0, 0.1).photon_rate(optics) < 1e-200


def test_optics_over_the_field() -> None:
    fall_off = Vignetting(0.5).illumination_map((3, 5))
    assert fall_off[1, 2] == 1.0
    assert_allclose(fall_off[[0, 0, 2, 2], [0, 4, 0, 4]], 0.5)
    assert_allclose(fall_off[1, 0], 1.0 - 0.5 * 4.0 / 5.0)
    x, y = RadialDistortion(1e-6, 1e-12).apply(np.array([100.0]), np.array([200.0]), 50.0, 60.0)
    squared = 50.0**2 + 140.0**2
    stretch = 1.0 + 1e-6 * squared + 1e-12 * squared**2
    assert_allclose([x[0], y[0]], [50.0 + 50.0 * stretch, 60.0 + 140.0 * stretch])
    assert Telescope.unit().illumination_map((3, 5)) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Telescope(-1.0, 1.0), "Telescope.aperture_diameter_m must be > 0 m, got -1"),
        (lambda: Telescope(1.0, 0.0), "plate_scale_arcsec_per_pixel must be > 0"),
        (lambda: Telescope(1.0, 1.0, 1.5), r"throughput must be in \[0, 1\], got 1.5"),
        (lambda: Telescope(1.0, 1.0, 1.0, 1.0), r"central_obstruction must be in \[0, 1\), got 1"),
        (lambda: Telescope(math.nan, 1.0), "aperture_diameter_m must be finite, got nan"),
        (lambda: Telescope("wide", 1.0), "aperture_diameter_m must be a number, got 'wide'"),  # type: ignore[arg-type]
        (lambda: Vignetting(1.5), r"Vignetting.strength must be in \[0, 1\], got 1.5"),
        (lambda: Bandpass("x", -1.0), "Bandpass.photon_zeropoint must be > 0"),
        (lambda: Thermal(0.0), "Thermal.temperature_k must be > 0 K, got 0"),
        (lambda: Thermal(300.0, 2.0), r"Thermal.emissivity must be in \[0, 1\], got 2"),
        (lambda: Sky(math.inf), "Sky.surface_brightness_mag_arcsec2 must be finite, got inf"),
    ],
)
def test_impossible_values(make: object, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        make()  # type: ignore[operator]
