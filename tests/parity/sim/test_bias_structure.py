"""Structure of the bias: the maps against the reference are in test_pattern.py; here its parts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from getframes import Camera, CameraConfig
from getframes.noise import fixed_pattern_maps
from getframes.reference.sim import bias_structure
from getframes.reference.stream import key_from_seed
from tests.behaviour.random.cameras import CCD


def structure(**changes: object) -> np.ndarray:
    return np.asarray(fixed_pattern_maps(CCD.replace(**changes)).bias_structure)


def test_plane_and_columns_have_their_peak() -> None:
    native = structure(bias_structure_amplitude_adu=12.0)
    assert abs(native).max() == pytest.approx(12.0, rel=1e-12)
    exact = bias_structure.plane_and_columns(key_from_seed(CCD.fixed_pattern_seed), CCD.resolution, 12.0)
    assert_allclose(native, exact, atol=1e-9)
    slope = np.diff(native, axis=0)  # a plane: the same slope along every column
    assert_allclose(slope, slope[0, 0], atol=1e-9)


def test_channels_and_texture_have_their_mean_and_rms() -> None:
    offsets = structure(bias_channel_spread_adu=3.0, readout_channel_count=6)[0, :6]
    assert abs(offsets.mean()) < 1e-12 and offsets.std() == pytest.approx(3.0, rel=1e-12)
    texture = structure(bias_pixel_spread_adu=1.7)
    assert abs(texture.mean()) < 1e-12 and texture.std() == pytest.approx(1.7, rel=1e-12)
    assert abs(np.corrcoef(texture[1:].ravel(), texture[:-1].ravel())[0, 1]) < 4.0 / np.sqrt(texture.size)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_edges_fall_off_from_their_axis(axis: int | None) -> None:
    native = structure(bias_edge_amplitude_adu=8.0, bias_edge_scale_px=3.0, bias_edge_axis=axis)
    rows, columns = np.indices(CCD.resolution)
    height, width = CCD.resolution
    across, along = np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns)
    distance = {None: np.minimum(across, along), 0: across, 1: along}[axis]
    assert_allclose(native, 8.0 * np.exp(-distance / 3.0), rtol=1e-12)


def test_parts_add_up() -> None:
    first = {"bias_structure_amplitude_adu": 5.0, "bias_pixel_spread_adu": 2.0}
    second = {"bias_edge_secondary_amplitude_adu": 4.0, "bias_edge_secondary_scale_px": 6.0}
    assert_allclose(structure(**first, **second), structure(**first) + structure(**second), rtol=1e-12)


def test_no_scale_is_no_edge() -> None:
    assert structure(bias_edge_amplitude_adu=8.0) == 0.0


@pytest.mark.parametrize("roi", [None, (20, 10, 64, 48)])
def test_a_bias_shows_it(roi: tuple[int, int, int, int] | None) -> None:
    config: CameraConfig = CCD.replace(bias_pixel_spread_adu=5.0, bias_structure_amplitude_adu=30.0)
    config = config.replace(roi=roi)
    camera = Camera(config)
    stack = np.stack([frame.data for frame in camera.dark_series(0.0, 64, seed=2)]).mean(axis=0)
    known = np.asarray(camera.fixed_patterns.bias_structure + camera.fixed_patterns.amplifier_offset)
    if roi is not None:
        known = known[10:58, 20:84]
    noise = np.hypot(config.read_noise_e, config.reset_noise_e) / config.gain_e_per_adu / 8.0
    residual = stack - config.bias_offset_adu - known
    assert residual.std() == pytest.approx(noise, rel=0.1)
    assert abs(residual.mean()) < 0.05


def test_both_precisions_have_the_same_map() -> None:
    config = CCD.replace(bias_pixel_spread_adu=5.0)
    double, single = (fixed_pattern_maps(config, precision=p).bias_structure for p in ("float64", "float32"))
    assert_array_equal(np.asarray(double).astype(np.float32), single)
