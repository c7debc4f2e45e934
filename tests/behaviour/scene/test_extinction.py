"""Dust: the law of Cardelli, Clayton and Mathis, and what it does to spectra and magnitudes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from getframes import SED, Bandpass, Extinction
from getframes.errors import DomainError

# A(lambda) / A(V) for R_V = 3.1 against 1 / lambda: Cardelli, Clayton and Mathis 1989, table 3 (U, V, R, I, J, H, K).
PUBLISHED = {2.78: 1.569, 1.82: 1.000, 1.43: 0.751, 1.11: 0.479, 0.80: 0.282, 0.63: 0.190, 0.46: 0.114}


@pytest.mark.parametrize(("x", "ratio"), PUBLISHED.items())
def test_published_values(x: float, ratio: float) -> None:
    """The law is a fit to the values of the table: 0.002 mag from them."""
    assert_allclose(Extinction(1.0).attenuation_mag(1000.0 / x), ratio, rtol=0.0, atol=2.1e-3)


@pytest.mark.parametrize("r_v", [2.5, 3.1, 5.0])
def test_the_colour_excess_is_a_v_over_r_v(r_v: float) -> None:
    """A(B) - A(V) = A(V) / R_V, with B at 2.27 and V at 1.82 per micron."""
    blue, visual = Extinction(1.0, r_v).attenuation_mag([1000.0 / 2.27, 1000.0 / 1.82])
    assert_allclose(blue - visual, 1.0 / r_v, rtol=1e-3)


def test_the_law_is_linear_in_a_v_and_inverse_in_r_v() -> None:
    wavelength = np.array([[350.0, 500.0], [900.0, 2000.0]])
    one, two = Extinction(1.0), Extinction(2.0)
    assert_allclose(two.attenuation_mag(wavelength), 2.0 * one.attenuation_mag(wavelength))
    assert_allclose(two.transmission(wavelength), 10.0 ** (-0.4 * two.attenuation_mag(wavelength)))
    a_b = [Extinction(1.0, r_v).attenuation_mag(wavelength) for r_v in (2.0, 4.0, 1e12)]
    assert_allclose(a_b[0] - a_b[2], 2.0 * (a_b[1] - a_b[2]), rtol=1e-6)
    assert Extinction(0.0).transmission(500.0) == 1.0


def test_beyond_the_law_its_ends() -> None:
    dust = Extinction(1.0)
    assert dust.attenuation_mag(200.0) == dust.attenuation_mag(1000.0 / 3.3)
    assert_allclose(dust.attenuation_mag(5000.0), dust.attenuation_mag(1000.0 / 0.3))


def test_spectra_and_bands() -> None:
    dust, sed = Extinction(1.5), SED.from_flux_density([400.0, 500.0, 700.0], [1.0, 2.0, 3.0])
    redder = dust.redden(sed)
    assert redder.is_absolute
    assert_allclose(redder.value, sed.value * dust.transmission(sed.wavelength_nm))
    curve = dust.transmission_curve([500.0, 600.0])
    assert_allclose(curve(550.0), dust.transmission([500.0, 600.0]).mean())
    narrow = Bandpass.johnson("V")
    assert_allclose(dust.band_attenuation_mag(narrow), 1.5, rtol=0.01)
    blue, red = SED.blackbody(30000.0), SED.blackbody(2500.0)
    assert dust.band_attenuation_mag(narrow, blue) > dust.band_attenuation_mag(narrow, red)
    fine = np.linspace(507.0, 595.0, 20001)
    exact = -2.5 * np.log10(np.mean(dust.transmission(fine)))
    assert_allclose(dust.band_attenuation_mag(narrow), exact, rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Extinction(-1.0), "a_v must be >= 0 mag"),
        (lambda: Extinction(np.nan), "a_v must be finite"),
        (lambda: Extinction(1.0, 0.0), "r_v must be > 0"),
        (lambda: Extinction(1.0).attenuation_mag(0.0), "wavelength_nm must be > 0"),
        (lambda: Extinction(1.0).transmission_curve([600.0, 500.0]), "increasing"),
        (lambda: Extinction(1.0).band_attenuation_mag(Bandpass("x", 1.0)), "response must be given"),
        (
            lambda: Extinction(1.0).band_attenuation_mag(
                Bandpass.johnson("V"), SED.from_arrays([900.0, 1000.0], [1.0, 1.0])
            ),
            "band must be one that shares light",
        ),
    ],
)
def test_impossible_dust(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DomainError, match=message):
        make()
