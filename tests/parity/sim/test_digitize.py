"""Rounding and clipping to whole counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from getframes import Camera
from getframes._native import sim
from getframes.reference.sim.digitize import digitize
from tests.behaviour.random.cameras import CCD
from tests.parity.sim.stages import PRECISIONS, SHAPES


def native(signal_adu: np.ndarray, bit_depth: int) -> np.ndarray:
    out = np.empty(signal_adu.shape, np.uint32)
    amplifier = {"gain_e_per_adu": 1.0, "bias_adu": float(-(2**20)), "offset_adu": 0.0}
    sim.run_chain(
        [("input", {"electrons": signal_adu + signal_adu.dtype.type(2**20)}), ("amplifier", amplifier)],
        out,
        sensor_shape=signal_adu.shape,
        origin=(0, 0),
        key=0,
        frame=0,
        kind=3,
        precision=signal_adu.dtype.name,
        max_adu=2**bit_depth - 1,
    )
    return out


@given(SHAPES, PRECISIONS, st.integers(0, 99), st.integers(1, 18))
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, bit_depth: int
) -> None:
    """Signals below zero, above the last count, and on every half."""
    rng = np.random.default_rng(seed)
    signal = np.rint(rng.uniform(-0.5, 1.5, shape) * 2.0 ** (bit_depth + 1)) / 2.0
    assert_array_equal(native(signal.astype(precision), bit_depth), digitize(signal, bit_depth))


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("bit_depth", range(8, 33))
def test_a_saturated_pixel_reads_the_last_count(bit_depth: int, precision: str) -> None:
    config = CCD.replace(bit_depth=bit_depth, full_well_e=1e12, gain_e_per_adu=1.0)
    frame = Camera(config, default_temperature_c=0.0, precision=precision).expose(1e11, 1.0, seed=1)
    assert frame.data.dtype == np.uint32
    assert (frame.data == 2**bit_depth - 1).all()


def test_halves_go_to_the_even_count() -> None:
    signal = np.array([[0.5, 1.5, 2.5, 3.5, -0.5, 254.5, 255.5]])
    assert_array_equal(native(signal, 8), [[0, 2, 2, 4, 0, 254, 255]])
