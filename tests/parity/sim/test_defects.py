"""Dead pixels and columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from getframes import Camera
from getframes._native import sim
from getframes.noise import fixed_pattern_maps
from getframes.reference.sim.defects import dead_pixels, defects
from tests.behaviour.random.cameras import CCD
from tests.parity.sim.stages import PRECISIONS, SHAPES, after, charges

FRACTIONS = st.floats(0.0, 1.0)


@given(SHAPES, PRECISIONS, st.integers(0, 99), FRACTIONS, FRACTIONS)
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, key: int, pixels: float, columns: float
) -> None:
    dead = sim.dead_pixels(shape, key, pixels, columns)
    assert_array_equal(dead, dead_pixels(key, shape, pixels, columns))
    charge = charges(shape, precision, key, 1e5)
    assert_array_equal(after("defects", charge, dead=dead), defects(charge, dead))


def test_fractions() -> None:
    config = CCD.replace(resolution=(500, 400), dead_pixel_fraction=0.01, bad_column_fraction=0.05)
    dead = fixed_pattern_maps(config).defect_mask
    assert dead is not None
    columns = dead.all(axis=0)
    assert abs(columns.mean() - 0.05) < 4.0 * np.sqrt(0.05 * 0.95 / 400)
    alone = dead[:, ~columns]
    assert abs(alone.mean() - 0.01) < 4.0 * np.sqrt(0.01 * 0.99 / alone.size)


def test_dead_pixels_are_read_but_hold_nothing() -> None:
    config = CCD.replace(dead_pixel_fraction=0.1, amp_offset_spread_adu=0.0, amp_gain_nonuniformity=0.0)
    camera = Camera(config)
    dead = camera.fixed_patterns.defect_mask
    frame = camera.expose(2e4, 1.0, seed=3).data
    assert dead is not None
    noise_adu = np.hypot(config.read_noise_e, config.reset_noise_e) / config.gain_e_per_adu
    assert frame[dead].mean() == pytest.approx(
        config.bias_offset_adu, abs=4.0 * noise_adu / np.sqrt(dead.sum())
    )
    assert frame[dead].std() == pytest.approx(noise_adu, rel=0.1)
    assert_array_equal(
        frame[~dead], Camera(config.replace(dead_pixel_fraction=0.0)).expose(2e4, 1.0, seed=3).data[~dead]
    )
