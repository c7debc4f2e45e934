"""Overscan and prescan: frames against their twin, and what they share with frames without."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from getframes import Camera, CameraConfig
from getframes._native import core, sim
from getframes.errors import ShapeError
from getframes.reference.sim import chain as reference
from getframes.reference.sim.binning import SuperPixels
from getframes.reference.sim.cti import past_the_last_row
from getframes.reference.sim.overscan import overscan, strips
from getframes.reference.stream import Address, Kind, key_from_seed
from tests.behaviour.random.cameras import COUPLED, EVERY, SHAPE, TRANSFER, ids, light

SEEDS = st.integers(0, 2**64 - 1)
SIDES = st.sampled_from(["left", "right", "both"])
STRIPS = st.one_of(
    st.none(),
    st.builds(
        lambda columns, rows, side: {"columns": columns, "rows": rows, "side": side},
        st.integers(1, 9),
        st.integers(0, 4),
        SIDES,
    ),
    st.builds(lambda rows: {"columns": 0, "rows": rows}, st.integers(1, 4)),
)
BOTH = {"overscan": {"columns": 8, "rows": 4, "side": "both"}, "prescan": {"columns": 4, "rows": 2}}
each_camera = pytest.mark.parametrize("config", EVERY, ids=ids)


def data_of(frame: np.ndarray, config: CameraConfig) -> np.ndarray:
    _, (top, left) = strips(config)
    height, width = config.output_resolution
    return frame[top : top + height, left : left + width]


def exact(config: CameraConfig, rate: np.ndarray, exposure: float, seed: int) -> np.ndarray:
    """The frame of the twins."""
    at = Address(key_from_seed(seed), Kind.LIGHT if exposure else Kind.BIAS)
    image = reference.expose(config, rate, exposure, -20.0, seed=seed)
    trail = None
    if config.cti:
        stages = reference.stages(config, reference.patterns(config), at, exposure)
        names = [name for name, _ in stages]
        charge = reference.run(image.mean_electrons, stages[: names.index("cti")])
        trail = past_the_last_row(charge, config.cti)
    return overscan(config, image.adu, at, trail)


def assert_close(frame: np.ndarray, expected: np.ndarray) -> None:
    """A count may round the other way where its signal falls on half an ADU."""
    assert frame.shape == expected.shape
    difference = frame.astype(np.int64) - expected
    assert abs(difference).max() <= 1
    assert np.count_nonzero(difference) <= 3


@each_camera
@given(seed=SEEDS, after=STRIPS, before=STRIPS, exposure=st.sampled_from([0.0, 2.0]))
@settings(max_examples=8, deadline=None)
def test_frames_meet_the_reference(
    config: CameraConfig, seed: int, after: dict | None, before: dict | None, exposure: float
) -> None:
    config = config.replace(overscan=after, prescan=before)
    frame = Camera(config).expose(light(3e3), exposure, -20.0, seed=seed)
    assert frame.shape == config.frame_resolution
    assert_close(frame.data, exact(config, light(3e3), exposure, seed))


@each_camera
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_data_are_those_of_a_camera_without(config: CameraConfig, precision: str) -> None:
    camera = Camera(config, precision=precision)
    with_strips = camera.with_config(**BOTH)
    for rate, exposure in ((light(3e3), 2.0), (0.0, 5.0), (0.0, 0.0), (50.0, 1.0)):
        frame = with_strips.expose(rate, exposure, -20.0, seed=3)
        whole = camera.expose(rate, exposure, -20.0, seed=3)
        assert_array_equal(data_of(frame.data, with_strips.config), whole.data)
        for name, truth in frame.truth.arrays().items():
            assert truth.shape == frame.shape
            assert truth.dtype == getattr(whole.truth, name).dtype
            assert_array_equal(data_of(truth, with_strips.config), getattr(whole.truth, name))
            assert truth.sum() == pytest.approx(getattr(whole.truth, name).sum(), rel=1e-5)


def test_strips_share_no_word_with_the_sensor_or_each_other() -> None:
    config = EVERY[0].replace(**BOTH)
    found, _ = strips(config)
    end = SHAPE[0] * SHAPE[1]
    for _, _, strip in found:
        assert strip.first == end
        end += len(strip.rows) * len(strip.columns)


@pytest.mark.parametrize("config", [TRANSFER, COUPLED], ids=ids)
@pytest.mark.parametrize("mode", ["digital", "on_chip"])
def test_binned_frames_meet_the_reference(config: CameraConfig, mode: str) -> None:
    """Strips of super pixels: sums of counts, or reads of a grid of their own."""
    config = config.replace(
        resolution=(72, 120), amplifier_layout=(2, 2), **BOTH, cosmic_ray_rate_per_cm2_s=0.0, cti=0.0
    )
    camera, factor = Camera(config), 2
    frame = camera.expose(20.0, 1.0, -20.0, seed=5, binning=factor, binning_mode=mode)
    whole = camera.expose(20.0, 1.0, -20.0, seed=5)
    height, width = whole.shape
    if mode == "digital":
        sums = whole.data.reshape(height // 2, 2, width // 2, 2).sum(axis=(1, 3))
        assert_array_equal(frame.data, sums)
        return
    grid = SuperPixels(config, factor)
    grid.sensor_amplifier_boundaries_y_px = grid.amplifier_boundaries_y_px
    grid.sensor_amplifier_boundaries_x_px = grid.amplifier_boundaries_x_px
    for name in ("overscan", "prescan"):
        given = getattr(config, name)
        setattr(grid, name, given._replace(columns=given.columns // 2, rows=given.rows // 2))
    image = reference.expose(config, 20.0, 1.0, -20.0, seed=5, factor=factor, on_chip=True)
    at = Address(key_from_seed(5), Kind.LIGHT)
    firsts = [strip.first for _, _, strip in strips(config)[0]]
    assert_close(frame.data, overscan(grid, image.adu, at, firsts=firsts))


def test_threads_and_levels_change_nothing() -> None:
    config = TRANSFER.replace(resolution=(720, 960), **BOTH)
    rate = np.random.default_rng(1).random((720, 960)) * 1e3
    alone, before = None, core.num_threads()
    try:
        for threads, level in product((1, 2, 3), core.simd_levels()):
            core.set_num_threads(threads)
            core.set_simd_level(level)
            data = Camera(config).expose(rate, 1.0, seed=3).data
            alone = data if alone is None else alone
            assert_array_equal(data, alone)
    finally:
        core.set_num_threads(before)
        core.set_simd_level(None)


@given(
    st.integers(1, 40), st.integers(1, 700), st.integers(0, 9), st.integers(0, 9), st.sampled_from([1, 2, 3])
)
@settings(deadline=None)
def test_a_window_of_a_frame(height: int, width: int, top: int, left: int, factor: int) -> None:
    """The counts go there, and nowhere else."""
    charge = np.random.default_rng(height).integers(0, 1000, (height * factor, width * factor)).astype(float)
    out = np.full((height + top + 3, width + left + 5), 7, np.uint32)
    common = {"sensor_shape": charge.shape, "origin": (0, 0), "key": 0, "frame": 0, "kind": 3}
    stages = [("input", {"electrons": charge})]
    window = (top, left, height, width)
    sim.run_chain(stages, out, precision="float64", max_adu=65535, binning=factor, window=window, **common)
    inside = out[top : top + height, left : left + width]
    assert_array_equal(inside, charge.reshape(height, factor, width, factor).sum(axis=(1, 3)))
    inside[:] = 7
    assert (out == 7).all()


def test_a_window_outside_is_an_error() -> None:
    stages = [("input", {"electrons": 1.0})]
    at = {"sensor_shape": (9, 9), "origin": (0, 0), "key": 0, "frame": 0, "kind": 3, "precision": "float64"}
    with pytest.raises(ShapeError):
        sim.run_chain(stages, np.zeros((5, 5), np.uint32), window=(3, 0, 3, 5), max_adu=9, **at)
    with pytest.raises(TypeError, match="a window is one of counts"):
        sim.run_chain(stages, np.zeros((5, 5)), window=(0, 0, 3, 3), **at)
