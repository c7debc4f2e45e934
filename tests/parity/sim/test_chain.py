"""Whole frames of the camera are those of the reference chain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes import Camera, CameraConfig
from getframes._native import sim
from getframes.noise import chain as native
from getframes.noise import fixed_pattern_maps
from getframes.reference.sim import chain
from getframes.reference.stream import Address, Kind
from tests.behaviour.random.cameras import CAMERAS, EVERY, SHAPE, ids, light
from tests.parity.sim.stages import PRECISIONS, after, run

SEEDS = st.integers(0, 2**64 - 1)
each_camera = pytest.mark.parametrize("config", EVERY, ids=ids)
each_local_camera = pytest.mark.parametrize("config", CAMERAS, ids=ids)


def agreement(camera: Camera, sensor: CameraConfig, **exposure: object) -> tuple[np.ndarray, int]:
    """Difference of the ADU, and the frame itself must have the truth of the reference."""
    frame = camera.expose(**exposure)  # type: ignore[arg-type]
    exact = chain.expose(
        sensor, temperature_c=exposure.pop("temperature"), exposure_s=exposure.pop("exposure"), **exposure
    )  # type: ignore[arg-type]
    tolerance = 1e-6 if frame.truth.mean_electrons.dtype == np.float32 else 1e-10
    for one, other in (
        (frame.truth.mean_photoelectrons, exact.mean_photoelectrons),
        (frame.truth.mean_electrons, exact.mean_electrons),
    ):
        assert_allclose(one, np.broadcast_to(other, SHAPE), rtol=tolerance, atol=1e-30)
    return frame.data.astype(np.int64) - exact.adu


@each_camera
@given(
    seed=SEEDS, level=st.floats(0.0, 5e4), exposure=st.floats(0.0, 100.0), temperature=st.floats(-90.0, 30.0)
)
@settings(max_examples=8)
def test_light(config: CameraConfig, seed: int, level: float, exposure: float, temperature: float) -> None:
    """In float64 only a signal that falls on half an ADU may be rounded the other way."""
    camera = Camera(config, precision="float64")
    difference = agreement(
        camera, config, photon_rate=light(level), exposure=exposure, temperature=temperature, seed=seed
    )
    assert abs(difference).max() <= 1
    assert np.count_nonzero(difference) <= 3


@each_camera
@given(seed=SEEDS, exposure=st.floats(0.0, 100.0), background=st.floats(0.0, 100.0))
@settings(max_examples=5)
def test_scalar_light(config: CameraConfig, seed: int, exposure: float, background: float) -> None:
    camera = Camera(config, precision="float64")
    given_light = {"photon_rate": 3.0, "background": background, "quantum_efficiency": 0.4}
    difference = agreement(camera, config, **given_light, exposure=exposure, temperature=5.0, seed=seed)
    assert np.count_nonzero(difference) <= 3


@each_camera
@given(seed=SEEDS, exposure=st.sampled_from([0.0, 1.0, 300.0]))
@settings(max_examples=5)
def test_dark_and_bias(config: CameraConfig, seed: int, exposure: float) -> None:
    camera = Camera(config, precision="float64")
    difference = agreement(camera, config, photon_rate=0.0, exposure=exposure, temperature=-5.0, seed=seed)
    assert np.count_nonzero(difference) <= 3


@each_camera
@given(seed=SEEDS, level=st.floats(0.0, 2e4))
@settings(max_examples=8)
def test_single_precision(config: CameraConfig, seed: int, level: float) -> None:
    """One electron more or less in few pixels, and roundings of an ADU in a few more."""
    camera = Camera(config, precision="float32")
    difference = agreement(
        camera, config, photon_rate=light(level), exposure=2.0, temperature=-5.0, seed=seed
    )
    electron = config.em_gain / (0.95 * config.gain_e_per_adu)
    assert (abs(difference) > np.ceil(electron) + 1.0).mean() <= 1e-3
    assert (difference != 0).mean() < 0.03


@each_local_camera
@given(seed=SEEDS, top=st.integers(0, 40), left=st.integers(0, 80), precision=PRECISIONS)
@settings(max_examples=5)
def test_a_region_is_the_crop_of_the_sensor(
    config: CameraConfig, seed: int, top: int, left: int, precision: str
) -> None:
    maps = fixed_pattern_maps(config, precision=precision)
    full_mean = light(3e3).astype(precision)
    mean = full_mean[top : top + 33, left : left + 51].copy()
    at = {"key": seed, "frame": 2, "kind": 3, "precision": precision, "max_adu": config.max_adu}
    stages = [
        (stage.name, stage.parameters)
        for stage in (*native.charge(config, maps), *native.readout(config, maps))
    ]
    full, part = np.empty(SHAPE, np.uint32), np.empty(mean.shape, np.uint32)
    sim.run_chain(
        [("input", {"electrons": full_mean}), *stages], full, sensor_shape=SHAPE, origin=(0, 0), **at
    )
    sim.run_chain(
        [("input", {"electrons": mean}), *stages], part, sensor_shape=SHAPE, origin=(top, left), **at
    )
    assert_array_equal(part, full[top : top + 33, left : left + 51])


@each_camera
@given(seed=SEEDS, precision=PRECISIONS)
@settings(max_examples=5)
def test_fused_and_unfused_stages_make_the_same_bits(config: CameraConfig, seed: int, precision: str) -> None:
    maps = fixed_pattern_maps(config, precision=precision)
    charge = light(3e3).astype(precision)
    stages = [
        (stage.name, stage.parameters)
        for stage in (*native.charge(config, maps), *native.readout(config, maps))
    ]
    at = Address(seed, Kind.LIGHT, 7)
    fused = run(("input", {"electrons": charge}), *stages, shape=SHAPE, precision=precision, at=at)
    bias = config.bias_offset_adu
    for name, parameters in stages:
        charge = after(name, charge, at=at, **parameters)
    assert_array_equal(charge, fused)
    assert abs(charge[:10].mean() - bias) < 50.0


def test_maps_in_another_order_are_refused() -> None:
    """A transposed array has its values in memory, but not in the order of the pixels."""
    charge = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    at = {"sensor_shape": (3, 4), "origin": (0, 0), "key": 0, "frame": 0, "kind": 3, "precision": "float64"}
    with pytest.raises(TypeError, match="electrons must be C-contiguous"):
        sim.run_chain([("input", {"electrons": charge})], np.empty((3, 4)), **at)
