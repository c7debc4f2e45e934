"""Light that is known per wavelength: folded once with the QE curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes import QE, SED, Bandpass, Camera, CameraConfig, GaussianPSF, PointSource, Scene, Sky, Telescope
from getframes.errors import DomainError, ShapeError
from getframes.noise.fold import fold_cube

SHAPE = (20, 31)
CURVE = QE.from_arrays([300.0, 500.0, 700.0], [0.2, 0.9, 0.4])
WAVELENGTHS = np.array([400.0, 500.0, 600.0])


def camera(precision: str = "float64", **changes: Any) -> Camera:
    values: dict[str, Any] = {
        "name": "small",
        "sensor_type": "CCD",
        "resolution": SHAPE,
        "pixel_size_um": 10.0,
        "quantum_efficiency": 0.5,
        "full_well_e": 1e6,
        "bit_depth": 16,
        "gain_e_per_adu": 1.0,
        "bias_offset_adu": 100.0,
        "read_noise_e": 3.0,
        "dark_current_e_per_s": 0.0,
        "qe_curve": CURVE,
    }
    return Camera(CameraConfig(**{**values, **changes}), precision=precision)


def cube(dtype: Any = np.float64) -> np.ndarray:
    return (np.random.default_rng(1).random((3, *SHAPE)) * 100.0).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, ">f4"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_fold(dtype: Any, precision: str) -> None:
    light = cube(dtype)
    frame = camera(precision).expose_spectral(light, WAVELENGTHS, 2.0, seed=1)
    expected = 2.0 * np.tensordot(CURVE(WAVELENGTHS), light.astype(float), 1)
    rtol = 1e-14 if precision == "float64" else 4e-7
    assert_allclose(frame.truth.mean_photoelectrons, expected, rtol=rtol)
    assert_allclose(frame.truth.photon_rate, light.sum(axis=0, dtype=float), rtol=rtol)
    assert_allclose(frame.truth.spectral_photon_rate, light, rtol=1e-7)
    assert_array_equal(frame.truth.wavelengths_nm, WAVELENGTHS)
    assert frame.truth.spectral_photon_rate.dtype == np.dtype(precision)
    assert frame.metadata["spectral"] is True
    assert frame.metadata["spectral_wavelengths_nm"] == [400.0, 500.0, 600.0]
    assert frame.metadata["frame_type"] == "light"


def test_it_is_the_exposure_of_its_electrons() -> None:
    """The same counts as `expose` with an efficiency of 1."""
    rate = np.zeros(SHAPE)
    for efficiency, light in zip(CURVE(WAVELENGTHS), cube(), strict=True):
        rate += efficiency * light
    spectral = camera().expose_spectral(cube(), WAVELENGTHS, 2.0, seed=4, background=1.5)
    plain = camera().expose(rate, 2.0, seed=4, background=1.5, quantum_efficiency=1.0)
    assert_array_equal(spectral.data, plain.data)


@given(st.integers(1, 5), st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_blocks_change_nothing(n: int, height: int, width: int, seed: int) -> None:
    light = np.random.default_rng(seed).random((n, height, width))
    wavelengths = np.linspace(320.0, 690.0, n)
    whole = fold_cube(light, wavelengths, CURVE, np.dtype(np.float64))
    expected = np.zeros((height, width))
    for efficiency, sample in zip(CURVE(wavelengths), light, strict=True):
        expected += sample * efficiency
    assert_array_equal(whole, expected)


def test_a_large_frame_is_folded_in_blocks() -> None:
    light = np.random.default_rng(0).random((2, 300, 700))
    whole = fold_cube(light, WAVELENGTHS[:2], CURVE, np.dtype(np.float64))
    expected = light[0] * CURVE(400.0) + light[1] * CURVE(500.0)
    assert_allclose(whole, expected, rtol=1e-15)


def test_one_wavelength_is_a_quantum_efficiency() -> None:
    light = cube()[:1]
    spectral = camera().expose_spectral(light, [500.0], 1.0, seed=2)
    plain = camera().expose(light[0], 1.0, seed=2, quantum_efficiency=0.9)
    assert_allclose(spectral.truth.mean_electrons, plain.truth.mean_electrons, rtol=1e-14)


def test_no_efficiency_beyond_the_curve_and_any_order() -> None:
    light = cube()
    shuffled = camera().expose_spectral(light[::-1], WAVELENGTHS[::-1], 1.0, seed=2)
    assert_allclose(
        shuffled.truth.mean_electrons, camera().expose_spectral(light, WAVELENGTHS, 1.0).truth.mean_electrons
    )
    beyond = camera().expose_spectral(light, [200.0, 800.0, 900.0], 1.0, seed=2)
    assert not beyond.truth.mean_photoelectrons.any()


def test_the_input_stays_as_it_is_and_the_truth_does_too() -> None:
    light, wavelengths = cube(), WAVELENGTHS.copy()
    before = light.copy()
    frame = camera().expose_spectral(light, wavelengths, 1.0, seed=2)
    assert_array_equal(light, before)
    light[:] = 0.0
    wavelengths[:] = 1.0
    assert_array_equal(frame.truth.spectral_photon_rate, before)
    assert_array_equal(frame.truth.wavelengths_nm, WAVELENGTHS)
    assert_allclose(frame.truth.photon_rate, before.sum(axis=0))


def test_out_and_no_truth() -> None:
    out = np.empty(SHAPE, np.uint32)
    frame = camera().expose_spectral(cube(), WAVELENGTHS, 1.0, seed=2, out=out, include_truth=False)
    assert frame.data is out and frame.truth is None
    assert frame.metadata["spectral"] is True


@pytest.mark.parametrize(
    ("light", "wavelengths", "error", "message"),
    [
        (cube()[0], WAVELENGTHS, ShapeError, r"photon_rate_cube must have shape \(n, 20, 31\), n >= 1"),
        (cube()[:, :-1], WAVELENGTHS, ShapeError, "photon_rate_cube must have shape"),
        (cube()[:0], [], ShapeError, "photon_rate_cube must have shape"),
        (cube(), WAVELENGTHS[:2], ShapeError, r"wavelengths_nm must have shape \(3,\), got \(2,\)"),
        (cube(), [400.0, 500.0, np.nan], DomainError, "wavelengths_nm must be finite and > 0 nm"),
        (cube(), [400.0, 500.0, 0.0], DomainError, "wavelengths_nm must be finite and > 0 nm"),
        (cube() + 0j, WAVELENGTHS, DomainError, "photon_rate_cube must hold real numbers"),
    ],
)
def test_impossible_cubes(light: Any, wavelengths: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        camera().expose_spectral(light, wavelengths, 1.0)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_impossible_light_is_named(bad: float) -> None:
    """Even at a wavelength where the efficiency is 0."""
    light = cube()
    light[1, 7, 9] = bad
    with pytest.raises(DomainError, match=r"photon_rate_cube\[1, 7, 9\] must be finite and >= 0"):
        camera().expose_spectral(light, [400.0, 900.0, 600.0], 1.0)


def test_a_camera_without_a_curve() -> None:
    with pytest.raises(DomainError, match=r"CameraConfig\.qe_curve must be given for expose_spectral"):
        camera(qe_curve=None).expose_spectral(cube(), WAVELENGTHS, 1.0)


def test_a_scene_is_folded_with_the_spectrum_of_each_source() -> None:
    optics = Telescope(1.0, 1.0, band=Bandpass.johnson("V"))
    blue, red = SED.blackbody(20000.0), SED.blackbody(2500.0)
    scene = Scene(
        SHAPE,
        optics,
        GaussianPSF(2.0),
        [
            PointSource(8.0, 10.0, photon_rate=1e3, sed=blue),
            PointSource(22.0, 10.0, photon_rate=1e3, sed=red),
        ],
        sky=Sky(20.0, sed=red),
    )
    assert scene.is_spectral_capable
    frame = camera().observe(scene, 1.0, seed=1)
    assert frame.metadata["spectral"] is True
    charge = frame.truth.mean_photoelectrons - scene.background_electron_rate(CURVE)
    for columns, sed in ((slice(0, 15), blue), (slice(15, 31), red)):
        assert_allclose(charge[:, columns].sum(), 1e3 * optics.band.effective_qe(CURVE, sed), rtol=1e-4)
    assert_allclose(frame.truth.photon_rate.sum(), 2e3, rtol=1e-4)
    monochrome = Camera(camera().config.replace(qe_curve=None)).observe(scene, 1.0, seed=1)
    assert monochrome.metadata["spectral"] is False


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_double_samples_of_a_cube(precision: str) -> None:
    """The double sample of the folded light, with the light per wavelength in its truth."""
    taken, light = camera(precision), cube()
    sample = taken.correlated_double_sample_spectral(
        light, WAVELENGTHS, 2.0, background=3.0, pedestal_interval_s=0.5, seed=4
    )
    rate = fold_cube(light, WAVELENGTHS, CURVE, np.dtype(precision))
    same = taken.correlated_double_sample(
        rate, 2.0, background=3.0, quantum_efficiency=1.0, pedestal_interval_s=0.5, seed=4
    )
    assert sample.data.dtype == np.int32
    assert_array_equal(sample.data, same.data)
    assert sample.metadata["frame_type"] == "correlated_double_sample"
    assert sample.metadata["pedestal_interval_s"] == 0.5
    assert sample.metadata["spectral_wavelengths_nm"] == [400.0, 500.0, 600.0]
    assert_array_equal(sample.truth.mean_electrons, same.truth.mean_electrons)
    assert_allclose(sample.truth.photon_rate, light.sum(axis=0), rtol=4e-7)
    assert_allclose(sample.truth.spectral_photon_rate, light, rtol=1e-7)
    bare = taken.correlated_double_sample_spectral(light, WAVELENGTHS, 2.0, include_truth=False)
    assert bare.truth is None


def test_double_samples_refuse_what_their_parts_refuse() -> None:
    taken, light = camera(), cube()
    with pytest.raises(DomainError, match="qe_curve must be given for correlated_double_sample_spectral"):
        camera(qe_curve=None).correlated_double_sample_spectral(light, WAVELENGTHS, 1.0)
    with pytest.raises(ShapeError):
        taken.correlated_double_sample_spectral(light, WAVELENGTHS[:2], 1.0)
    with pytest.raises(DomainError, match="exposure must be > 0 s"):
        taken.correlated_double_sample_spectral(light, WAVELENGTHS, 0.0)
    with pytest.raises(DomainError, match="pedestal_interval_s must be finite and >= 0 s"):
        taken.correlated_double_sample_spectral(light, WAVELENGTHS, 1.0, pedestal_interval_s=-1.0)
    with pytest.raises(DomainError, match="nonlinearity must be 0 for nondestructive reads"):
        camera(nonlinearity=0.1).correlated_double_sample_spectral(light, WAVELENGTHS, 1.0)
