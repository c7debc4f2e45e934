"""Reads of the camera are those of the reference ramps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from getframes import Camera, CameraConfig
from getframes._native import sim
from getframes.reference.sim import ramp
from getframes.reference.sim.common_mode import common_mode_after
from getframes.reference.stream import Address
from tests.behaviour.random.cameras import RAMPS, ids, light
from tests.parity.sim.stages import ADDRESSES

SEEDS = st.integers(0, 2**64 - 1)
each_camera = pytest.mark.parametrize("config", RAMPS, ids=ids)


def differences(
    camera: Camera, rate: np.ndarray | float, interval: float, count: int, length: int, seed: int
) -> np.ndarray:
    """Native counts minus those of the reference, read by read."""
    series = camera.nondestructive_series(rate, interval, count, length, -5.0, background=0.5, seed=seed)
    native = np.stack([frame.data for frame in series]).astype(np.int64)
    return native - ramp.ramps(
        camera.config, rate, [interval] * count, length, -5.0, seed=seed, background=0.5
    )


@each_camera
@given(
    seed=SEEDS,
    level=st.floats(0.0, 2e4),
    interval=st.floats(0.1, 20.0),
    count=st.integers(1, 5),
    length=st.integers(1, 4),
)
@settings(max_examples=6)
def test_reads(
    config: CameraConfig, seed: int, level: float, interval: float, count: int, length: int
) -> None:
    """In float64 only a signal that falls on half an ADU may be rounded the other way."""
    difference = differences(Camera(config, precision="float64"), light(level), interval, count, length, seed)
    assert abs(difference).max() <= 1
    assert np.count_nonzero(difference) <= 3 * count


@each_camera
@given(seed=SEEDS, level=st.floats(0.0, 1e4))
@settings(max_examples=4)
def test_single_precision(config: CameraConfig, seed: int, level: float) -> None:
    """One electron more or less in few pixels, and roundings of an ADU in a few more."""
    difference = differences(Camera(config, precision="float32"), light(level), 2.0, 3, 3, seed)
    electron = config.em_gain / (0.95 * config.gain_e_per_adu)
    assert (abs(difference) > np.ceil(electron) + 1.0).mean() <= 1e-3
    assert (difference != 0).mean() < 0.03


@each_camera
@given(seed=SEEDS, exposure=st.floats(0.01, 50.0), pedestal=st.sampled_from([0.0, 0.3, 7.0]))
@settings(max_examples=5)
def test_correlated_double_samples(config: CameraConfig, seed: int, exposure: float, pedestal: float) -> None:
    camera = Camera(config, precision="float64")
    for rate in (0.0, 30.0):
        native = camera.correlated_double_sample(
            rate, exposure, 5.0, pedestal_interval_s=pedestal, quantum_efficiency=0.4, seed=seed
        )
        first, second = ramp.ramps(
            config, rate, [pedestal, exposure], 2, 5.0, seed=seed, quantum_efficiency=0.4
        )
        difference = native.data - (second - first)
        assert abs(difference).max() <= 1
        assert np.count_nonzero(difference) <= 6


@given(ADDRESSES, st.floats(-0.999, 0.999), st.one_of(st.none(), st.floats(-6.0, 6.0)))
def test_common_mode(at: Address, correlation: float, before: float | None) -> None:
    native = sim.common_mode_after(before, correlation, at.key, at.frame, at.kind)
    assert native == pytest.approx(common_mode_after(before, correlation, at), rel=1e-10, abs=1e-12)
