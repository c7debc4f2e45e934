"""Counts back to electrons and photons."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from getframes import QE, SED, Calibration, Camera, Frame, SpectralBandpass, load_preset
from getframes.config import CameraConfig
from getframes.errors import DomainError, ShapeError

CURVE = QE.from_arrays([400.0, 600.0, 800.0], [0.2, 0.8, 0.4])
SHAPE = (6, 5)


def config(**changes: object) -> CameraConfig:
    even = {"nonlinearity": 0.0, "read_noise_nonuniformity": 0.0, "read_noise_rts_fraction": 0.0}
    return load_preset("generic_scmos").replace(resolution=SHAPE, **{**even, **changes})


def level(value: float) -> np.ndarray:
    return np.full(SHAPE, float(value))


def test_the_law() -> None:
    calibration = Calibration(config(), level(110))
    assert calibration.e_per_adu == 0.5
    np.testing.assert_allclose(calibration.to_electrons(level(1110)), 500.0)
    np.testing.assert_allclose(calibration.to_photons(level(1110)), 500.0 / 0.82)
    np.testing.assert_allclose(calibration.to_photons(level(1110), quantum_efficiency=0.5), 1000.0)
    np.testing.assert_allclose(calibration.to_electrons(level(90)), -10.0)


def test_the_gain_stage_divides() -> None:
    made = config(em_gain=20.0)
    assert Calibration(made, level(100)).e_per_adu == 0.025
    np.testing.assert_allclose(Calibration(made, level(100)).to_electrons(level(500)), 10.0)


def test_light_and_dark_are_straightened_apart() -> None:
    """2 a d / W of the light would be lost otherwise: 1.7 % here."""
    made = load_preset("generic_scmos").replace(resolution=SHAPE, nonlinearity=0.05)

    def counts(charge: float) -> np.ndarray:
        return level(100 + charge * (1 - 0.05 * charge / 30_000) / 0.5)

    calibration = Calibration(made, counts(5000.0))
    np.testing.assert_allclose(calibration.to_electrons(counts(6000.0)), 1000.0, rtol=1e-11)
    straight = Calibration(made, counts(5000.0), linearize=False)
    np.testing.assert_allclose(straight.to_electrons(counts(6000.0)), 981.666667, rtol=1e-8)


@pytest.mark.parametrize(("mode", "zero"), [("digital", 400.0), ("on_chip", 100.0)])
def test_binning(mode: str, zero: float) -> None:
    """A block of 2 x 2 pixels of 5000 e-: the curve is taken at the mean of the block."""
    made = load_preset("generic_scmos").replace(resolution=(12, 10), nonlinearity=0.1)
    counts = zero + 4 * 5000.0 * (1 - 0.1 * 5000 / 30_000) / 0.5
    calibration = Calibration(made, level(zero), binning=2, binning_mode=mode)
    np.testing.assert_allclose(calibration.to_electrons(level(counts)), 20_000.0, rtol=1e-11)
    assert not calibration.saturated(level(counts)).any()


def test_flats_divide() -> None:
    flat = level(2.0)
    flat[0, 0], flat[1, 0] = 4.0, 0.0
    calibration = Calibration(config(), level(100), flat=flat)
    electrons = calibration.to_electrons(level(300))
    mean = flat[flat > 0].mean()
    assert np.isnan(electrons[1, 0])
    assert electrons[0, 0] == pytest.approx(100.0 * mean / 4.0)
    assert electrons[2, 2] == pytest.approx(100.0 * mean / 2.0)
    assert calibration.flat[2, 2] == pytest.approx(2.0 / mean)


@pytest.mark.parametrize(
    ("changes", "top"),
    [
        ({}, 100 + 60_000 - 5 * 1.6 / 0.5),
        ({"full_well_e": 90_000.0}, 65_535),
        ({"output_full_well_e": 20_000.0}, 100 + 40_000 - 5 * 1.6 / 0.5),
        ({"reset_noise_e": 1.2}, 100 + 60_000 - 5 * 2.0 / 0.5),
        ({"bit_depth": 12}, 4095),
        ({"read_noise_rts_fraction": 0.01, "read_noise_rts_factor": 4.0}, 100 + 60_000 - 5 * 6.4 / 0.5),
        ({"em_gain": 10.0}, 100 + 60_000 - 5 * 1.6 / 0.5),
        (
            {
                "em_gain": 10.0,
                "excess_noise_factor": 1.4142135623730951,
                "output_full_well_e": 1e7,
                "bit_depth": 20,
            },
            100 + 600_000 - 5 * np.sqrt(1.6**2 + 30_000 * 100) / 0.5,
        ),
    ],
)
def test_saturation_is_the_lower_end(changes: dict[str, object], top: float) -> None:
    calibration = Calibration(config(**changes), level(100))
    assert calibration.saturated(level(top + 0.01)).all()
    assert not calibration.saturated(level(top - 0.01)).any()


def test_saturated_pixels_of_a_camera_are_found() -> None:
    camera = Camera.from_preset("generic_scmos", seed=1).with_config(resolution=(64, 64))
    calibration = camera.calibration(1.0, 4)
    assert calibration.saturated(camera.expose(1e6, 1.0)).mean() > 0.999
    assert not calibration.saturated(camera.expose(2e4, 1.0)).any()


def test_quantum_efficiency() -> None:
    calibration = Calibration(config(qe_curve=CURVE), level(100))
    band = SpectralBandpass.tophat(500.0, 100.0)
    assert calibration.quantum_efficiency() == 0.82
    assert calibration.quantum_efficiency(quantum_efficiency=0.3) == 0.3
    assert calibration.quantum_efficiency(wavelength_nm=500.0) == pytest.approx(0.5)
    assert calibration.quantum_efficiency(bandpass=band) == pytest.approx(0.5)
    red = SED.power_law(8.0)
    assert calibration.quantum_efficiency(bandpass=band, sed=red) > 0.5
    photons = calibration.to_photons(level(1100), wavelength_nm=500.0)
    np.testing.assert_allclose(photons, 1000.0)


BAD_QE = [
    (
        {"quantum_efficiency": 0.5, "wavelength_nm": 500.0},
        "one of quantum_efficiency, wavelength_nm and bandpass",
    ),
    ({"sed": SED.flat()}, "sed must be given together with bandpass"),
    ({"wavelength_nm": 500.0, "sed": SED.flat()}, "sed must be given together with bandpass"),
    ({"quantum_efficiency": 1.5}, r"quantum_efficiency must be in \[0, 1\], got 1.5"),
    ({"quantum_efficiency": float("nan")}, r"quantum_efficiency must be in \[0, 1\]"),
    ({"wavelength_nm": 500.0}, "must have a qe_curve"),
    ({"bandpass": SpectralBandpass.tophat(500.0, 100.0)}, "must have a qe_curve"),
]


@pytest.mark.parametrize(("options", "words"), BAD_QE)
def test_bad_quantum_efficiency(options, words) -> None:
    with pytest.raises(DomainError, match=words):
        Calibration(config(), level(100)).to_photons(level(200), **options)


def test_no_photons_without_efficiency() -> None:
    calibration = Calibration(config(qe_curve=CURVE), level(100))
    for options in ({"quantum_efficiency": 0.0}, {"wavelength_nm": 300.0}):
        with pytest.raises(DomainError, match="quantum_efficiency must be > 0 to count photons"):
            calibration.to_photons(level(200), **options)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((level(np.nan),), {}, DomainError, "dark must be finite, got nan at"),
        ((np.zeros(3),), {}, ShapeError, "dark must be an image"),
        ((level(1),), {"flat": np.ones((2, 2))}, ShapeError, "flat must have shape"),
        ((level(1),), {"flat": level(0)}, DomainError, "flat must be positive in some pixel"),
        ((level(1),), {"binning": 0}, DomainError, "Calibration.binning must be a positive integer, got 0"),
        ((level(1),), {"binning": 1.5}, DomainError, "Calibration.binning must be a positive integer"),
        (
            (level(1),),
            {"binning_mode": "optical"},
            DomainError,
            "binning_mode must be 'digital' or 'on_chip'",
        ),
    ],
)
def test_bad_input(arguments, options, error, words) -> None:
    with pytest.raises(error, match=words):
        Calibration(config(), *arguments, **options)


def test_bad_frames() -> None:
    calibration = Calibration(config(), level(100))
    with pytest.raises(ShapeError, match=r"frame must have shape \(6, 5\), got \(5, 6\)"):
        calibration.to_electrons(np.zeros((5, 6)))
    with pytest.raises(DomainError, match="frame must be finite, got NaN at"):
        calibration.to_electrons(level(np.nan))
    with pytest.raises(DomainError, match="config must be a CameraConfig, got 'str'"):
        Calibration("generic_ccd", level(100))  # type: ignore[arg-type]


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_from_camera(precision: str) -> None:
    camera = Camera.from_preset("generic_ccd", seed=1, precision=precision).with_config(resolution=(64, 64))
    calibration = camera.calibration(5.0, 16, seed=3)
    assert calibration.exposure_s == 5.0
    assert calibration.n_darks == 16
    assert calibration.dark_adu.dtype == np.dtype(precision)
    assert repr(calibration) == (
        "Calibration(camera='Generic CCD', shape=64x64, e_per_adu=1.5, flat=False, linearize=True)"
    )
    photons = calibration.to_photons(camera.expose(400.0, 5.0, seed=4))
    assert photons.dtype == np.dtype(precision)
    assert abs(photons.mean() - 2000.0) < 4.0 * np.sqrt(2000.0 / 0.85) / 64
    again = Calibration.from_camera(camera, 5.0, 16, seed=3)
    np.testing.assert_array_equal(again.dark_adu, calibration.dark_adu)
    kept = pickle.loads(pickle.dumps(calibration))
    frame = camera.expose(400.0, 5.0, seed=4)
    np.testing.assert_array_equal(kept.to_photons(frame), photons)
    with pytest.raises(DomainError, match="n_darks must be a positive integer, got 0"):
        camera.calibration(5.0, 0)


def test_frames_and_arrays_are_alike_and_unchanged() -> None:
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(16, 16))
    calibration = camera.calibration(1.0, 4)
    frame = camera.expose(100.0, 1.0)
    before = frame.data.copy()
    one = calibration.to_electrons(frame)
    for dtype in ("uint16", ">u2", "int32", "float32", ">f8", "uint64"):
        np.testing.assert_array_equal(calibration.to_electrons(frame.data.astype(dtype)), one)
    np.testing.assert_array_equal(
        calibration.to_electrons(Frame(frame.data[:, ::-1]))[:, ::-1].shape, one.shape
    )
    np.testing.assert_array_equal(frame.data, before)


def test_effective_read_noise() -> None:
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(64, 64))
    assert camera.effective_read_noise_e() == 5.0
    assert camera.effective_read_noise_e(binning=2) == 10.0
    assert camera.effective_read_noise_e(binning=2, binning_mode="on_chip") == 5.0
    more = camera.with_config(reset_noise_e=3.0, em_gain=10.0)
    assert more.effective_read_noise_e() == pytest.approx(np.sqrt(34.0) / 10.0)
    avalanche = {"em_gain": 10.0, "avalanche_input_noise_e": 2.0}
    assert camera.with_config(**avalanche).effective_read_noise_e() == pytest.approx(np.sqrt(0.25 + 4.0))
    steep = {"avalanche_input_noise_gain_exponent": 1.5, "avalanche_input_noise_reference_gain": 2.5}
    assert camera.with_config(**avalanche, **steep).effective_read_noise_e() == pytest.approx(
        np.sqrt(0.25 + 16.0)
    )
    spread = camera.with_config(read_noise_nonuniformity=0.5)
    sigma = spread.fixed_patterns.read_noise_sigma
    assert spread.effective_read_noise_e() == pytest.approx(np.sqrt((sigma**2).mean()))
    for options in ({"binning": 0}, {"binning": True}, {"binning_mode": "optical"}):
        with pytest.raises(DomainError, match="binning"):
            camera.effective_read_noise_e(**options)
