"""Frames say where their pixels are full: at the converter, or before it at a well."""

from __future__ import annotations

import pytest

from getframes import Camera, available_presets
from getframes.reduce import Flag, calibrate


@pytest.mark.parametrize("name", available_presets())
def test_full_pixels_of_every_camera_are_flagged(name: str) -> None:
    """Ten times the light that fills the well, and a tenth of it; the structure of the bias is not known to the header."""
    flat = {"bias_structure_amplitude_adu": 0.0, "bias_channel_spread_adu": 0.0, "bias_pixel_spread_adu": 0.0}
    edges = {"bias_edge_amplitude_adu": 0.0, "bias_edge_secondary_amplitude_adu": 0.0}
    camera = Camera.from_preset(name, seed=3).with_config(resolution=(32, 32), **flat, **edges)
    config = camera.config
    ends = [config.full_well_e, (config.output_full_well_e or config.full_well_e) / config.em_gain]
    ends.append((config.max_adu - config.bias_offset_adu) * config.gain_e_per_adu / config.em_gain)
    for part, least, most in ((10.0, 0.99, 1.0), (0.1, 0.0, 0.01)):
        frame = camera.expose(part * min(ends) / config.quantum_efficiency, 1.0, seed=4)
        full = (calibrate(frame).flags & Flag.SATURATED) != 0
        assert least <= full.mean() <= most
