"""Binned frames: the light that goes in comes out, digitally and on the chip, whatever the sensor and however bent its response."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from getframes import Calibration, Camera, load_preset

PRESETS = ["generic_ccd", "generic_cmos", "generic_scmos", "generic_emccd", "generic_eapd"]
SIDE, EXPOSURE_S, FRAMES, DARKS = 144, 0.5, 8, 64
BINNED = [
    (mode, factor, bend) for mode in ("digital", "on_chip") for factor, bend in ((2, 0.0), (2, 0.1), (3, 0.3))
]


def camera(preset: str, precision: str = "float64", **changes: Any) -> Camera:
    config = load_preset(preset).replace(
        resolution=(SIDE, SIDE),
        roi=None,
        amplifier_boundaries_x_px=(),
        amplifier_boundaries_y_px=(),
        **changes,
    )
    return Camera(config, seed=1, precision=precision)


def half_full_e(taken: Camera, factor: int, mode: str) -> float:
    """Half of what a pixel of a block may hold, before the gain [e-]."""
    config = taken.config
    together = factor**2 if mode == "on_chip" else 1
    converter_e = (config.max_adu - config.bias_offset_adu) * config.gain_e_per_adu / together
    output_e = config.output_full_well_e or config.full_well_e
    return 0.5 * min(config.full_well_e, output_e / config.em_gain, converter_e / config.em_gain)


def of_blocks(image: Any, factor: int) -> np.ndarray:
    image = np.broadcast_to(np.asarray(image, np.float64), (SIDE, SIDE))
    side = SIDE // factor
    return image.reshape(side, factor, side, factor).sum(axis=(1, 3))


def mean_electrons(taken: Camera, calibration: Calibration, charge_e: float, first: int = 10) -> np.ndarray:
    """Mean of some calibrated frames."""
    rate = charge_e / taken.config.quantum_efficiency / EXPOSURE_S
    options = {"binning": calibration.binning, "binning_mode": calibration.binning_mode}
    frames = (taken.expose(rate, EXPOSURE_S, seed=first + n, **options) for n in range(FRAMES))
    return np.mean([calibration.to_electrons(frame) for frame in frames], axis=0, dtype=np.float64)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(("mode", "factor", "bend"), BINNED)
@pytest.mark.parametrize("preset", PRESETS)
def test_the_light_comes_back(preset: str, mode: str, factor: int, bend: float, precision: str) -> None:
    taken = camera(preset, precision, nonlinearity=bend, nonlinearity_coeffs=None)
    calibration = taken.calibration(EXPOSURE_S, DARKS, seed=2, binning=factor, binning_mode=mode)
    charge_e = half_full_e(taken, factor, mode)
    found = mean_electrons(taken, calibration, charge_e)
    maps = taken.fixed_patterns
    response = np.asarray(maps.prnu_multiplier, np.float64) * np.asarray(maps.avalanche_gain_multiplier)
    left = found - charge_e * of_blocks(response, factor)
    assert abs(left.mean()) < 3.0 * left.std() / found.shape[0]
    saturated = calibration.saturated(
        taken.expose(50.0 * charge_e / EXPOSURE_S, EXPOSURE_S, binning=factor, binning_mode=mode)
    )
    assert saturated.mean() > 0.99


@pytest.mark.parametrize("mode", ["digital", "on_chip"])
@pytest.mark.parametrize("preset", PRESETS)
def test_darks_come_back_as_nothing(preset: str, mode: str) -> None:
    taken = camera(preset, nonlinearity=0.1, nonlinearity_coeffs=None)
    calibration = taken.calibration(EXPOSURE_S, DARKS, seed=2, binning=2, binning_mode=mode)
    left = mean_electrons(taken, calibration, 0.0)
    assert abs(left.mean()) < 3.0 * left.std() / left.shape[0]


@pytest.mark.parametrize("mode", ["digital", "on_chip"])
@pytest.mark.parametrize("preset", PRESETS)
def test_binned_flats_take_the_response_out(preset: str, mode: str) -> None:
    """Pixels of 5 % more or less response: with a flat that is binned as the frames are, no more is left than noise."""
    taken = camera(preset, prnu=0.05, nonlinearity=0.0, nonlinearity_coeffs=None, dead_pixel_fraction=0.0)
    charge_e = half_full_e(taken, 2, mode)
    bare = taken.calibration(EXPOSURE_S, DARKS, seed=2, binning=2, binning_mode=mode)
    flat = np.mean([mean_electrons(taken, bare, charge_e, 100 + FRAMES * n) for n in range(4)], axis=0)
    calibration = Calibration.from_camera(
        taken, EXPOSURE_S, DARKS, seed=2, binning=2, binning_mode=mode, flat=flat
    )
    one, two = (mean_electrons(taken, calibration, charge_e, first) for first in (10, 50))
    noise = (one - two).std() / np.sqrt(2.0)
    assert one.std() < 1.25 * noise  # sqrt(1 + 1/4) of it, from the flat, is 1.12
    level = charge_e * of_blocks(taken.fixed_patterns.prnu_multiplier, 2).mean()
    gain = np.mean(np.asarray(taken.fixed_patterns.avalanche_gain_multiplier))
    assert abs(one.mean() / (level * gain) - 1.0) < 3e-3
    assert mean_electrons(taken, bare, charge_e).std() > 0.02 * level
