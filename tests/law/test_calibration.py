"""Photons that go in come out, for every preset and precision."""

from __future__ import annotations

import numpy as np
import pytest

from getframes import Camera, load_preset
from getframes.config import missing_stages
from getframes.presets import available_presets

PRESETS = [name for name in available_presets() if not missing_stages(load_preset(name))]
SHAPE = (128, 128)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("preset", PRESETS)
def test_photons_come_back(preset: str, precision: str) -> None:
    config = load_preset(preset)
    config = config.replace(
        resolution=SHAPE, roi=None, amplifier_boundaries_x_px=(), amplifier_boundaries_y_px=()
    )
    camera = Camera(config, seed=1, precision=precision)
    top = min(
        config.full_well_e,
        (config.output_full_well_e or config.full_well_e) / config.em_gain,
        (config.max_adu - config.bias_offset_adu) * config.gain_e_per_adu / config.em_gain,
    )
    photons = 0.5 * top / config.quantum_efficiency
    exposure = 0.01
    calibration = camera.calibration(exposure, 16, seed=2)
    found = np.asarray(
        calibration.to_photons(camera.expose(photons / exposure, exposure, seed=3)), np.float64
    )
    response = np.mean(np.asarray(camera.fixed_patterns.prnu_multiplier))
    gain = np.mean(np.asarray(camera.fixed_patterns.avalanche_gain_multiplier))
    error = found.std() / found.shape[0]
    assert abs(found.mean() - photons * response * gain) < 4.0 * error + 1e-6 * photons
