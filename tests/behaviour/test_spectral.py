"""Curves over wavelength."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from astropy import units as u
from astropy.modeling.models import BlackBody
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes.errors import DomainError
from getframes.spectral import QE, SED, SpectralBandpass, Spectrum, effective_qe, overlap_integral, product

CURVE = QE.from_arrays([400, 500, 600], [0.1, 0.5, 0.9])


@st.composite
def spectra(draw):
    wavelength = draw(st.lists(st.integers(300, 1000), min_size=2, max_size=12, unique=True).map(sorted))
    values = draw(st.lists(st.floats(0, 1), min_size=len(wavelength), max_size=len(wavelength)))
    return Spectrum(wavelength, values)


def test_linear_between_samples_and_zero_outside():
    assert CURVE(450) == pytest.approx(0.3)
    assert_allclose(CURVE([[399.999, 400], [600, 600.001]]), [[0, 0.1], [0.9, 0]])
    assert CURVE(0.45 * u.um) == pytest.approx(0.3)
    assert (CURVE.wavelength_min_nm, CURVE.wavelength_max_nm) == (400.0, 600.0)


@pytest.mark.parametrize(
    ("wavelength", "value", "message"),
    [
        ([400], [1], "Spectrum.wavelength_nm must be at least two samples, got 1"),
        ([400, 500], [1], "Spectrum.value must be as long as wavelength_nm (2), got 1"),
        ([400, 400], [1, 1], "Spectrum.wavelength_nm must be increasing, got 400.0"),
        ([0, 400], [1, 1], "Spectrum.wavelength_nm must be > 0 nm, got 0.0"),
        ([400, math.inf], [1, 1], "Spectrum.wavelength_nm must be finite, got inf"),
        ([400, 500], [1, math.nan], "Spectrum.value must be finite, got nan"),
        ([400, 500], [1, -1], "Spectrum.value must be >= 0, got -1.0"),
        ([[400, 500]], [[1, 1]], "Spectrum.wavelength_nm must be one-dimensional, got (1, 2)"),
        (["red", "blue"], [1, 1], "Spectrum.wavelength_nm must be numbers"),
    ],
)
def test_what_is_no_spectrum(wavelength, value, message):
    with pytest.raises(DomainError) as error:
        Spectrum(wavelength, value)
    assert message in str(error.value)


def test_efficiencies_end_at_one():
    with pytest.raises(DomainError, match=r"QE\.value must be in \[0, 1\], got 1\.2"):
        QE.from_arrays([400, 500], [0.1, 1.2])
    with pytest.raises(DomainError, match=r"SpectralBandpass\.response must be in \[0, 1\]"):
        SpectralBandpass.from_arrays([400, 500], [0.5, 2])
    with pytest.raises(DomainError, match="not zero everywhere"):
        SpectralBandpass.from_arrays([400, 500], [0, 0])


def test_a_curve_keeps_its_own_samples():
    wavelength = np.array([400.0, 500.0])
    curve = Spectrum(wavelength, [1, 2])
    wavelength[0] = 1.0
    assert curve.wavelength_nm[0] == 400.0
    with pytest.raises(ValueError, match="read-only"):
        curve.value[0] = 3.0


def test_equal_curves_are_one_key():
    again = QE.from_arrays([400, 500, 600], [0.1, 0.5, 0.9])
    assert {CURVE, again, pickle.loads(pickle.dumps(CURVE))} == {CURVE}
    assert Spectrum([400, 500, 600], [0.1, 0.5, 0.9]) != CURVE
    assert SED.from_arrays([400, 500], [1, 1]) != SED.from_flux_density([400, 500], [1, 1])
    assert CURVE != "curve"


def test_units():
    sed = SED.from_flux_density([0.4, 0.5] * u.um, [1, 2] / (u.s * u.m**2 * u.angstrom))
    assert_allclose(sed.wavelength_nm, [400, 500])
    assert_allclose(sed.value, [10, 20])
    assert sed.is_absolute
    assert_allclose(QE.from_arrays([4000, 5000] * u.angstrom, [50, 60] * u.percent).value, [0.5, 0.6])
    with pytest.raises(DomainError, match=r"QE\.wavelength_nm must be in nm"):
        QE.from_arrays([1, 2] * u.s, [0, 1])


def test_integral():
    assert CURVE.integrate() == pytest.approx(100.0)
    assert SpectralBandpass.tophat(500, 100, 0.8).response.integrate() == pytest.approx(80.0)


def test_blackbody_is_plancks_law_in_photons():
    sed = SED.blackbody(5000, 300, 2500, 500)
    radiance = BlackBody(5000 * u.K)(sed.wavelength_nm * u.nm).value  # per frequency
    photons = radiance / sed.wavelength_nm  # per wavelength, in photons
    assert_allclose(sed.value, photons / photons.max(), rtol=1e-6)
    assert sed.value.max() == 1.0


def test_blackbody_of_any_temperature_is_finite():
    for temperature in (1.0, 100.0, 1e8):
        assert np.isfinite(SED.blackbody(temperature).value).all()
    assert SED.blackbody(5778 * u.K) == SED.blackbody(5778)
    for wrong in (0, -5, math.inf, math.nan):
        with pytest.raises(DomainError, match=r"temperature_k must be > 0 K"):
            SED.blackbody(wrong)


def test_power_law_is_one_at_its_reference():
    sed = SED.power_law(-1.0)
    assert len(sed.value) == 64
    assert sed(300) == pytest.approx(550 / 300)
    assert sed(1100) == pytest.approx(0.5)
    assert sed(550) == pytest.approx(1.0, rel=1e-3)


def test_flat_and_constant():
    assert_allclose(SED.flat()([300, 700, 1100]), 1.0)
    assert_allclose(QE.constant(0.4, 400, 500)([399, 400, 450, 500]), [0, 0.4, 0.4, 0.4])


@pytest.mark.parametrize(
    ("band", "center", "width"),
    [("U", 365, 66), ("V", 551, 88), ("J", 1235, 162), ("Ks", 2159, 262), ("ks", 2159, 262)],
)
def test_johnson_bands(band, center, width):
    curve = SpectralBandpass.johnson(band)
    assert curve.mean_wavelength_nm == pytest.approx(center)
    assert curve.response.integrate() == pytest.approx(width)


def test_unknown_bands():
    with pytest.raises(
        DomainError, match=r"one of U, B, V, R, I, J, H, Ks, got 'Kz' \(did you mean 'Ks'\?\)"
    ):
        SpectralBandpass.johnson("Kz")


@given(st.floats(300, 2000), st.floats(0.01, 0.9))
def test_pivot_of_a_top_hat(center, fraction):
    width = fraction * center
    low, high = center - width / 2, center + width / 2
    curve = SpectralBandpass.tophat(center, width)
    assert curve.mean_wavelength_nm == pytest.approx(center)
    assert curve.pivot_wavelength_nm == pytest.approx(
        math.sqrt((high**2 - low**2) / 2 / math.log(high / low))
    )


def test_moments_of_a_triangle_against_fine_sums():
    curve = SpectralBandpass.from_arrays([400, 500, 700], [0, 1, 0])
    x = np.linspace(400, 700, 300_001)
    t = curve.response(x)
    assert curve.mean_wavelength_nm == pytest.approx((t * x).sum() / t.sum(), rel=1e-8)
    assert curve.pivot_wavelength_nm == pytest.approx(math.sqrt((t * x).sum() / (t / x).sum()), rel=1e-8)


@pytest.mark.parametrize("arguments", [(500, 0), (500, -1), (500, 1000), (500, 10, 0), (500, 10, 1.1)])
def test_top_hats_that_are_none(arguments):
    with pytest.raises(DomainError, match=r"^SpectralBandpass\.tophat\."):
        SpectralBandpass.tophat(*arguments)


@given(spectra(), spectra())
def test_products_commute_and_stay_inside_both_ranges(a, b):
    low = max(a.wavelength_min_nm, b.wavelength_min_nm)
    high = min(a.wavelength_max_nm, b.wavelength_max_nm)
    if high <= low:
        assert overlap_integral(a, b) == 0.0
        with pytest.raises(DomainError, match="share a range"):
            product(a, b)
        return
    both = product(a, b)
    assert (both.wavelength_min_nm, both.wavelength_max_nm) == (low, high)
    assert both == product(b, a)
    assert_allclose(both.value, a(both.wavelength_nm) * b(both.wavelength_nm))
    assert overlap_integral(a, b) == pytest.approx(both.integrate())


def test_products_need_a_curve():
    for function in (product, overlap_integral):
        with pytest.raises(DomainError, match="at least one spectrum"):
            function()
    assert overlap_integral(CURVE) == pytest.approx(CURVE.integrate())


def test_a_bandpass_of_filters_and_curves():
    both = SpectralBandpass.from_product(SpectralBandpass.tophat(500, 100, 0.8), CURVE)
    assert both.response(500) == pytest.approx(0.4)
    assert both.response.wavelength_min_nm == 450.0


@given(st.floats(0, 1), st.floats(2000, 20000))
def test_effective_qe_of_a_constant_is_that_constant(value, temperature):
    qe = QE.constant(value, 300, 1100)
    assert effective_qe(qe, SpectralBandpass.johnson("V"), SED.blackbody(temperature)) == pytest.approx(value)


def test_effective_qe_leans_to_where_the_light_is():
    band = SpectralBandpass.tophat(500, 100)
    assert effective_qe(CURVE, band) == pytest.approx(0.5)
    assert effective_qe(CURVE, band, SED.blackbody(3000)) > 0.51
    assert effective_qe(CURVE, band, SED.power_law(-4)) < 0.49


def test_effective_qe_of_a_sensor_that_sees_half_the_band():
    half = QE.constant(0.6, 300, 500)
    assert effective_qe(half, SpectralBandpass.tophat(500, 100)) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("band", "sed"),
    [(SpectralBandpass.tophat(2000, 10), None), (SpectralBandpass.tophat(500, 50), SED.flat(1000, 1100))],
)
def test_effective_qe_without_light(band, sed):
    with pytest.raises(DomainError, match="share wavelengths"):
        effective_qe(CURVE, band, sed)


def test_files(tmp_path):
    path = tmp_path / "qe.csv"
    path.write_text("# wavelength, other, qe\n4000,7,0.1\n5000,7,0.5\n")
    qe = QE.from_file(path, wavelength_to_nm=0.1, delimiter=",", usecols=(0, 2))
    assert qe == QE.from_arrays([400, 500], [0.1, 0.5])
    assert SpectralBandpass.from_file(str(path), delimiter=",", usecols=(0, 2)).response(
        4500
    ) == pytest.approx(0.3)


@pytest.mark.parametrize("text", ["400 x\n500 0.1\n", "400 0.1\n", "400\n500\n", "400 0.1\n500 1.2\n"])
def test_files_that_hold_no_curve(tmp_path, text):
    path = tmp_path / "qe.txt"
    path.write_text(text)
    with pytest.raises(DomainError, match=r"qe\.txt does not hold a curve of QE"):
        QE.from_file(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        QE.from_file(tmp_path / "none.txt")
