"""Masters and calibrated frames against the truth of the simulator: residuals of mean 0, pulls of width 1."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

from getframes import Camera, Frame, available_presets
from getframes.reduce import ReducedFrame, calibrate, master_bias, master_dark, master_flat

FRAMES = 12
EXPOSURE_S = 20.0
SIDE = 160
RATES = {
    "generic_ccd": 200.0,
    "generic_cmos": 60.0,
    "generic_scmos": 150.0,
    "generic_emccd": 20.0,
    "generic_eapd": 20.0,
}
"""One preset of each family of sensors, and light [photons / s / pixel] well inside its range."""


class Night(NamedTuple):
    """A camera and its masters."""

    camera: Camera
    bias: ReducedFrame
    dark: ReducedFrame
    flat: ReducedFrame
    overscan: str | None

    @property
    def e_per_adu(self) -> float:
        config = self.camera.config
        return config.gain_e_per_adu / config.em_gain

    def reduced(self, raw: Frame, **options: Any) -> ReducedFrame:
        config = self.camera.config
        known = {
            "read_noise": np.broadcast_to(
                self.camera.fixed_patterns.read_noise_sigma, self.camera.resolution
            ),
            "excess_noise": config.gain_excess_noise_factor,
            "overscan": self.overscan,
        }
        masters = {"bias": self.bias, "dark": self.dark, "flat": self.flat}
        made = calibrate(raw, **masters, **known, **options)
        assert isinstance(made, ReducedFrame)
        return made


def full_e(camera: Camera) -> float:
    """Electrons of a pixel that is full, at whatever end comes first."""
    config = camera.config
    output = (config.output_full_well_e or config.full_well_e) / config.em_gain
    converter = (config.max_adu - config.bias_offset_adu) * config.gain_e_per_adu / config.em_gain
    return float(min(config.full_well_e, output, converter))


@cache
def night(name: str, side: int = SIDE) -> Night:
    """Masters of a straight response."""
    camera = Camera.from_preset(name, seed=5).with_config(resolution=(side, side), nonlinearity=0.0)
    by = None
    if (
        camera.config.readout_common_mode_noise_adu
    ):  # which an overscan shows; its channels have offsets of their own, so not row by row
        camera, by = camera.with_config(overscan={"columns": 32}), "strip"
    light = 0.4 * full_e(camera) / camera.config.quantum_efficiency
    bias = master_bias((camera.bias_frame() for _ in range(FRAMES)), overscan=by)
    dark = master_dark((camera.dark_frame(EXPOSURE_S) for _ in range(FRAMES)), bias, overscan=by)
    flat = master_flat((camera.flat_frame(light, 1.0) for _ in range(FRAMES)), bias, dark, overscan=by)
    return Night(camera, bias, dark, flat, by)


def assert_pulls(data: np.ndarray, expected: Any, sigma: np.ndarray, good: np.ndarray) -> None:
    """Mean 0 within three of its errors, mean square of the pulls 1 within three of its."""
    residual = (data - expected)[good].astype(float)
    assert abs(residual.mean()) < 3.0 * residual.std() / np.sqrt(residual.size)
    squares = (residual / sigma[good]) ** 2
    assert abs(squares.mean() - 1.0) < 3.0 * squares.std() / np.sqrt(squares.size)


@pytest.mark.parametrize("name", RATES)
def test_light_comes_back(name: str) -> None:
    taken = night(name)
    raw = taken.camera.expose(RATES[name], EXPOSURE_S, seed=77)
    light = raw.truth.mean_photoelectrons.mean()
    made = taken.reduced(raw, signal=light / taken.e_per_adu)
    good = made.flags == 0
    assert good.mean() > 0.98
    assert_pulls(made.data, light / taken.e_per_adu, made.uncertainty, good)
    electrons = taken.reduced(raw, signal=light, unit="electron")
    assert_pulls(electrons.data, light, electrons.uncertainty, good)


@pytest.mark.parametrize("name", RATES)
def test_no_light_is_zero(name: str) -> None:
    taken = night(name)
    made = taken.reduced(taken.camera.dark_frame(EXPOSURE_S, seed=78), signal=0.0)
    good = made.flags == 0
    residual = made.data[good].astype(float)
    assert abs(residual.mean()) < 3.0 * residual.std() / np.sqrt(residual.size)
    assert (made.data[good] < 0).mean() > 0.3
    # The dark of an EMCCD in which electrons are rare is 0 in most pixels and a whole electron in the others: no estimate of the variance of one pixel.
    if name != "generic_emccd":
        assert_pulls(made.data, 0.0, made.uncertainty, good)


@pytest.mark.parametrize("name", available_presets())
def test_every_camera_that_ships(name: str) -> None:
    taken = night(name, 96)
    rate = 0.05 * full_e(taken.camera) / EXPOSURE_S / taken.camera.config.quantum_efficiency
    raw = taken.camera.expose(rate, EXPOSURE_S, seed=76)
    light = raw.truth.mean_photoelectrons[:96, :96].mean() / taken.e_per_adu
    made = taken.reduced(raw, signal=light)
    assert_pulls(made.data, light, made.uncertainty, made.flags == 0)


@pytest.mark.parametrize("name", ["generic_ccd", "generic_cmos", "generic_scmos"])
def test_counts_tell_the_variance_where_nobody_else_does(name: str) -> None:
    """At a signal of N electrons the mean square is too large by about 2 / N (10 thousandths at most here)."""
    taken = night(name)
    raw = taken.camera.expose(RATES[name], EXPOSURE_S, seed=79)
    made = taken.reduced(raw)
    good = made.flags == 0
    pull = ((made.data - raw.truth.mean_photoelectrons.mean() / taken.e_per_adu) / made.uncertainty)[good]
    assert abs(np.mean(pull**2) - 1.0) < 3.0 * np.std(pull**2) / np.sqrt(pull.size) + 0.01


def test_another_exposure_takes_the_same_rate() -> None:
    taken = night("generic_cmos")
    raw = taken.camera.expose(RATES["generic_cmos"], 3.0 * EXPOSURE_S, seed=80)
    light = raw.truth.mean_photoelectrons.mean() / taken.e_per_adu
    made = taken.reduced(raw, signal=light)
    assert_pulls(made.data, light, made.uncertainty, made.flags == 0)


def ratio(residual: np.ndarray, sigma: np.ndarray, good: np.ndarray) -> float:
    """Mean square of residuals over that of their uncertainties, which is 1 also where these are estimates of few values."""
    return float(np.mean(residual[good].astype(float) ** 2) / np.mean(sigma[good].astype(float) ** 2))


def test_bias_and_dark_know_each_other() -> None:
    """The error of a bias of three frames is in the dark as well, and goes where exposures are equal."""
    camera = Camera.from_preset("generic_ccd", seed=6).with_config(
        resolution=(256, 256), dark_current_e_per_s=0.0
    )
    bias = master_bias([camera.bias_frame() for _ in range(3)], method="mean")
    dark = master_dark([camera.dark_frame(60.0) for _ in range(3)], bias, method="mean")
    good = np.ones((256, 256), bool)
    known = np.full(
        (256, 256), np.sqrt((camera.config.read_noise_e / camera.config.gain_e_per_adu) ** 2 + 1 / 12)
    )
    for exposure, weight in ((0.0, 1.0), (30.0, 0.0), (60.0, -1.0), (240.0, -7.0)):
        raw = camera.dark_frame(exposure)
        made = calibrate(ReducedFrame(raw.data, raw.metadata, uncertainty=known), bias=bias, dark=dark)
        found = ratio(made.data, made.uncertainty, good)
        assert abs(found - 1.0) < 4.0 * np.sqrt(2.0 / good.size) + 0.01
        apart = np.mean(made.uncertainty**2) + (1.0 - weight) * np.mean(bias.uncertainty**2)
        naive = np.mean(made.data.astype(float) ** 2) / apart
        assert exposure == 0.0 or naive < 0.9
    assert dark.metadata["bias_weight"] == pytest.approx(1 / 60)


@pytest.mark.parametrize("exposures", [[20.0] * 8, [5.0, 10.0, 20.0, 40.0] * 4])
def test_dark_rates(exposures: list[float]) -> None:
    """Rates are those of the truth, and no other weights do better than those that were taken."""
    camera = Camera.from_preset("generic_cmos", seed=7).with_config(resolution=(SIDE, SIDE), read_noise_e=8.0)
    bias = master_bias([camera.bias_frame() for _ in range(40)])
    dark = master_dark([camera.dark_frame(t) for t in exposures], bias)
    frame = camera.dark_frame(100.0)
    truth = frame.truth.mean_electrons / 100.0 / camera.config.gain_e_per_adu
    good = (truth < 20.0) & ~dark.mask
    residual = np.asarray(dark.data - truth)
    assert abs(residual[good].mean()) < 3.0 * residual[good].std() / np.sqrt(good.sum())
    assert abs(ratio(residual, dark.uncertainty, good) - 1.0) < 0.04
    rate = float(np.median(truth))
    inverse = sum(t**2 / (64.0 + rate * t) for t in exposures)
    shared = dark.metadata["bias_weight"] ** 2 * np.mean(bias.uncertainty**2)
    best = 1.0 / inverse + shared
    typical = good & (abs(truth / rate - 1.0) < 0.3)
    assert np.mean(residual[typical] ** 2) / best == pytest.approx(1.0, abs=0.08)
    assert dark.unit == "adu/s"


def test_flats_of_any_level_give_one_response() -> None:
    camera = Camera.from_preset("generic_scmos", seed=8).with_config(
        resolution=(SIDE, SIDE), prnu=0.03, nonlinearity=0.0
    )
    bias = master_bias([camera.bias_frame() for _ in range(20)])
    rates = [4000.0, 8000.0, 15_000.0, 15_000.0, 20_000.0, 20_000.0, 2000.0, 9000.0]
    flat = master_flat([camera.flat_frame(rate, 1.0) for rate in rates], bias)
    truth = np.asarray(camera.fixed_patterns.prnu_multiplier, float)
    residual = flat.data - truth / truth.mean()
    good = ~flat.mask
    assert np.mean(flat.data[good]) == pytest.approx(1.0, abs=1e-6)
    assert abs(ratio(residual, flat.uncertainty, good) - 1.0) < 0.04
    assert residual[good].std() < 0.15 * truth.std()
    light = np.mean(flat.metadata["flat_levels_adu"])
    assert light == pytest.approx(np.mean(rates) * camera.config.quantum_efficiency / 0.5, rel=0.01)


def test_dead_pixels_are_known() -> None:
    camera = Camera.from_preset("generic_ccd", seed=9).with_config(
        resolution=(SIDE, SIDE), dead_pixel_fraction=0.01
    )
    bias = master_bias([camera.bias_frame() for _ in range(8)])
    flat = master_flat([camera.flat_frame(20_000.0, 1.0) for _ in range(8)], bias)
    dead = np.asarray(camera.fixed_patterns.defect_mask) != 0
    dead = dead if 0 < dead.sum() < dead.size / 2 else ~dead
    np.testing.assert_array_equal((flat.flags & 16) != 0, dead)
    assert np.isnan(flat.data[dead]).all()
    made = calibrate(camera.expose(100.0, 1.0), bias=bias, flat=flat)
    assert np.isnan(made.data[dead]).all()
    assert ((made.flags[dead] & 16) != 0).all()


def test_a_noisy_flat_does_not_follow_the_tail_of_a_gain_stage() -> None:
    """A sky of 1.6 e- behind a gain stage and a flat of 10 %: where the light is known, sigma does not grow with the noise that it is compared with."""
    rng = np.random.default_rng(4)
    sky, scatter, read = 1.6, 0.1, 0.2
    shape = (1000, 1000)
    counts = rng.gamma(rng.poisson(sky, shape)) + rng.normal(0.0, read, shape)
    response = rng.normal(1.0, scatter, shape)
    flat = ReducedFrame(response, {"unit": ""}, uncertainty=np.full(shape, scatter, np.float32), unit="")
    known = {"gain": 1.0, "read_noise": read, "excess_noise": np.sqrt(2.0), "flat": flat}
    raw = Frame(counts, {"unit": "adu"})

    made = calibrate(raw, signal=sky, **known)
    assert isinstance(made, ReducedFrame)
    square = ((made.data - sky) / made.uncertainty) ** 2
    error = square.std() / 1000.0
    assert error < 0.004
    assert abs(square.mean() - 1.0) < 3.0 * error
