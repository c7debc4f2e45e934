"""The five promises of the random contract, through the public camera."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import getframes
from getframes import Camera, CameraConfig, PointSource
from getframes._native import core
from getframes.dataset import pairs
from getframes.reference import stream, variate
from tests.behaviour.random.cameras import (
    CCD,
    EVERY,
    PRECISIONS,
    SHAPE,
    STARS,
    TEMPERATURE_C,
    field,
    ids,
    light,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SEEDS = st.integers(0, 2**64 - 1)
each_camera = pytest.mark.parametrize("config", EVERY, ids=ids)
each_precision = pytest.mark.parametrize("precision", PRECISIONS)


@contextmanager
def running(threads: int, level: str | None) -> Iterator[None]:
    before = core.num_threads()
    core.set_num_threads(threads)
    core.set_simd_level(level)
    try:
        yield
    finally:
        core.set_num_threads(before)
        core.set_simd_level(None)


def exposed(
    config: CameraConfig, precision: str = "float64", level: float = 3e4, seed: int = 8
) -> np.ndarray:
    camera = Camera(config, default_temperature_c=TEMPERATURE_C, precision=precision)
    return camera.expose(light(level), 2.0, seed=seed).data


# 1. Threads, tiles, order, levels: the same bits.


@each_camera
@each_precision
def test_threads_and_levels_change_nothing(config: CameraConfig, precision: str) -> None:
    config = config.replace(resolution=(257, 301))

    def frames() -> list[np.ndarray]:
        camera = Camera(config, default_temperature_c=TEMPERATURE_C, precision=precision)
        rate = light(2e4, config.resolution)
        lit, dark, bias = (
            camera.expose(rate, 2.0, seed=3),
            camera.dark_frame(30.0, seed=3),
            camera.bias_frame(seed=3),
        )
        return [lit.data, lit.truth.mean_electrons, dark.data, dark.truth.mean_electrons, bias.data]

    with running(1, "baseline"):
        expected = frames()
    for threads in (1, 2, 3):
        for level in core.simd_levels():
            with running(threads, level):
                for one, other in zip(frames(), expected, strict=True):
                    assert_array_equal(one, other)


@each_precision
def test_a_scene_is_the_same_on_any_number_of_threads(precision: str) -> None:
    camera = Camera(CCD, default_temperature_c=TEMPERATURE_C, precision=precision)
    frames = []
    for threads in (1, 2, 3):
        with running(threads, None):
            frames.append(camera.observe(field(*STARS), 3.0, seed=1).data)
    assert_array_equal(frames[1], frames[0])
    assert_array_equal(frames[2], frames[0])


@each_precision
def test_strides_and_byte_order_change_nothing(precision: str) -> None:
    camera = Camera(CCD, default_temperature_c=TEMPERATURE_C, precision=precision)
    rate = light(1e3)
    wide = np.zeros((SHAPE[0], 2 * SHAPE[1]))
    wide[:, ::2] = rate
    expected = camera.expose(rate, 1.0, seed=2).data
    for same in (rate.astype(">f8"), wide[:, ::2], np.asfortranarray(rate), rate[::-1].copy()[::-1]):
        assert_array_equal(camera.expose(same, 1.0, seed=2).data, expected)


# 2. A frame alone is the frame in its series.


@each_camera
def test_a_seed_is_frame_0_of_its_series(config: CameraConfig) -> None:
    camera = Camera(config, default_temperature_c=TEMPERATURE_C)
    series = [frame.data for frame in camera.expose_series(50.0, 2.0, 3, seed=9)]
    assert_array_equal(series[0], camera.expose(50.0, 2.0, seed=9).data)
    darks = [frame.data for frame in camera.dark_series(20.0, 3, seed=9)]
    assert_array_equal(darks[0], camera.dark_frame(20.0, seed=9).data)
    for one, other in combinations([*series, *darks], 2):
        assert (one != other).any()


@given(index=st.integers(0, 2**64 - 1))
@settings(max_examples=10)
def test_any_frame_can_be_made_alone(index: int) -> None:
    camera = Camera(CCD, default_temperature_c=TEMPERATURE_C)
    scene = field(*STARS)
    alone = camera.observe_item(scene, 3.0, TEMPERATURE_C, 4, index)
    for other in (1, index, 0):
        again = camera.observe_item(scene, 3.0, TEMPERATURE_C, 4, other)
    camera.observe(scene, 3.0, seed=4)
    again = camera.observe_item(scene, 3.0, TEMPERATURE_C, 4, index)
    assert_array_equal(again.data, alone.data)


def test_items_of_a_data_set_are_numbered_frames() -> None:
    camera = Camera(CCD, default_temperature_c=TEMPERATURE_C)
    scenes = [field(star) for star in STARS] * 2
    data = pairs(camera=camera, scenes=scenes, exposure=3.0, seed=6)
    made = [pair["raw"] for pair in data]
    for index in (3, 0, 2):
        alone = camera.observe_item(scenes[index], 3.0, TEMPERATURE_C, 6, index)
        assert_array_equal(made[index], alone.data)
        assert_array_equal(data[index]["raw"], made[index])
    assert (made[0] != made[2]).any()


# 3. What is switched on or added leaves the other draws alone.


@each_precision
@given(x=st.floats(5.0, SHAPE[1] - 6.0), y=st.floats(5.0, SHAPE[0] - 6.0), rate=st.floats(1.0, 1e5))
@settings(max_examples=15)
def test_a_star_changes_its_footprint_only(precision: str, x: float, y: float, rate: float) -> None:
    camera = Camera(CCD, default_temperature_c=TEMPERATURE_C, precision=precision)
    without = camera.observe(field(*STARS), 3.0, seed=12).data
    with_star = camera.observe(field(*STARS, PointSource(x, y, photon_rate=rate)), 3.0, seed=12).data
    rows, columns = np.indices(SHAPE)
    far = (abs(rows - y) > 8.0) | (abs(columns - x) > 8.0)
    assert_array_equal(with_star[far], without[far])
    assert (with_star >= without).all()


NOISELESS = CameraConfig(
    name="counter",
    sensor_type="CCD",
    resolution=SHAPE,
    pixel_size_um=10.0,
    quantum_efficiency=1.0,
    full_well_e=1e9,
    bit_depth=32,
    gain_e_per_adu=1.0,
    bias_offset_adu=0.0,
    read_noise_e=0.0,
    dark_current_e_per_s=0.0,
)
"""Counts electrons."""


def drawn(stage: stream.Stage, seed: int = 8) -> np.ndarray:
    at = stream.Address(stream.key_from_seed(seed), stream.Kind.LIGHT)
    return stream.frame_words(at, stage, SHAPE)


@each_precision
def test_clock_induced_charge_adds_to_the_same_shot_noise(precision: str) -> None:
    off = exposed(NOISELESS, precision)
    on = exposed(NOISELESS.replace(clock_induced_charge_e=0.4), precision)
    added = variate.poisson(
        np.float64(np.float32(0.4)) if precision == "float32" else 0.4,
        drawn(stream.Stage.CLOCK_INDUCED_CHARGE),
    )
    assert (on.astype(float) - off != added).mean() <= (1e-4 if precision == "float32" else 0.0)


@pytest.mark.parametrize(
    ("change", "stage"),
    [("read_noise_e", stream.Stage.READ_NOISE), ("reset_noise_e", stream.Stage.RESET_NOISE)],
)
def test_additive_noise_adds_to_the_same_shot_noise(change: str, stage: stream.Stage) -> None:
    base = NOISELESS.replace(bias_offset_adu=1000.0)
    off, on = exposed(base), exposed(base.replace(**{change: 25.0}))
    assert_array_equal(on.astype(float) - off, np.rint(25.0 * variate.normal(drawn(stage))))


@each_camera
@pytest.mark.parametrize(
    "change",
    [
        {"prnu": 0.0},
        {"dark_current_nonuniformity": 0.0, "hot_pixel_fraction": 0.0},
        {"read_noise_e": 0.0},
        {"reset_noise_e": 0.0},
        {"clock_induced_charge_e": 0.0},
        {"amp_gain_nonuniformity": 0.0, "amp_offset_spread_adu": 0.0},
        {"nonlinearity": 0.0, "nonlinearity_coeffs": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_frames_that_differ_in_one_effect_stay_close(config: CameraConfig, change: dict[str, object]) -> None:
    """With the same draws the difference is the effect; with new ones it would be the noise, root 2 of it."""
    camera = Camera(config, default_temperature_c=TEMPERATURE_C)
    other = camera.with_config(**change)
    with_effect, without, fresh = (
        made.expose(300.0, 10.0, seed=seed).data.astype(float)
        for made, seed in ((camera, 1), (other, 1), (camera, 2))
    )
    correlation = np.corrcoef(with_effect.ravel(), without.ravel())[0, 1]
    assert correlation > np.corrcoef(with_effect.ravel(), fresh.ravel())[0, 1]
    assert correlation > 0.5


# 4. Brighter scenes are brighter or equal, pixel by pixel.


@each_camera
@each_precision
def test_counts_grow_with_the_light(config: CameraConfig, precision: str) -> None:
    camera = Camera(config, default_temperature_c=TEMPERATURE_C, precision=precision)
    before = None
    for level in np.geomspace(1e-2, 1e5, 40):
        frame = camera.expose(light(level), 1.0, seed=21).data.astype(np.int64)
        if before is not None:
            assert (frame >= before).all()
        before = frame


@each_camera
@each_precision
@given(start=st.floats(1e-3, 1e4), steps=st.lists(st.floats(1e-7, 0.1), min_size=1, max_size=5), seed=SEEDS)
@settings(max_examples=10)
def test_counts_grow_with_small_steps_of_light(
    config: CameraConfig, precision: str, start: float, steps: list[float], seed: int
) -> None:
    camera = Camera(config, default_temperature_c=TEMPERATURE_C, precision=precision)
    level, frames = start, []
    for step in [0.0, *steps]:
        level *= 1.0 + step
        frames.append(camera.expose(light(level), 1.0, seed=seed).data.astype(np.int64))
    assert (np.diff(frames, axis=0) >= 0).all()


# 5. float32 and float64 count the same electrons.


def counted(config: CameraConfig, rate: np.ndarray, exposure: float) -> tuple[np.ndarray, np.ndarray]:
    single, double = (
        Camera(config, default_temperature_c=20.0, precision=precision).expose(rate, exposure, seed=5).data
        for precision in PRECISIONS
    )
    return single.astype(np.int64), double.astype(np.int64)


@pytest.mark.parametrize("mean", [0.01, 0.5, 3.0, 4.9999, 5.0, 6.9999, 7.0, 20.0, 1e3, 3e4, 1e6, 1.1e6])
def test_precisions_agree(mean: float) -> None:
    """The same means give counts at most one electron apart, in at most 5e-9 mu + 1e-4 of the pixels."""
    config = NOISELESS.replace(resolution=(400, 500))
    single, double = counted(config, np.full(config.resolution, np.float64(np.float32(mean))), 1.0)
    assert abs(single - double).max() <= 1
    assert (single != double).mean() <= 5e-9 * mean + 1e-4


@pytest.mark.parametrize("mean", [0.01, 3.0, 20.0, 1e3, 3e4, 1e5])
def test_precisions_agree_where_means_are_rounded(mean: float) -> None:
    """A mean that float32 rounds by d electrons moves a count in d of the pixels: about 5e-8 mu more."""
    config = NOISELESS.replace(resolution=(400, 500), quantum_efficiency=0.9, prnu=0.01)
    rate = mean * (0.5 + np.arange(200_000).reshape(config.resolution) / 200_000)
    single, double = counted(config, rate, 1.1)
    assert abs(single - double).max() <= 1
    assert (single != double).mean() <= 6e-8 * mean + 1e-4


# Independence of the kinds of frame.


@each_camera
def test_bias_dark_and_light_share_no_draw(config: CameraConfig) -> None:
    camera = Camera(
        config.replace(resolution=(200, 300), fixed_pattern_seed=1), default_temperature_c=TEMPERATURE_C
    )
    level = {"dark": camera.dark_frame(1.0, seed=2), "flat": camera.flat_frame(40.0, 1.0, seed=2)}
    level["bias"] = camera.bias_frame(seed=2)
    noise = {name: frame.data - camera_mean(camera, name).astype(float) for name, frame in level.items()}
    for one, other in combinations(noise.values(), 2):
        clipped = [np.clip(frame, *np.percentile(frame, (1, 99))).ravel() for frame in (one, other)]
        assert abs(np.corrcoef(*clipped)[0, 1]) < 4.0 / np.sqrt(one.size)


def camera_mean(camera: Camera, name: str) -> np.ndarray:
    """The pattern that every frame of a kind has, from other seeds."""
    make = {
        "bias": lambda seed: camera.bias_frame(seed=seed),
        "dark": lambda seed: camera.dark_frame(1.0, seed=seed),
        "flat": lambda seed: camera.flat_frame(40.0, 1.0, seed=seed),
    }[name]
    return np.mean([make(seed).data for seed in range(100, 132)], axis=0)


def test_the_kind_follows_from_the_physics() -> None:
    camera = Camera(CCD, default_temperature_c=TEMPERATURE_C)
    assert_array_equal(camera.bias_frame(seed=1).data, camera.expose(0.0, 0.0, seed=1).data)
    assert_array_equal(camera.dark_frame(9.0, seed=1).data, camera.expose(0.0, 9.0, seed=1).data)
    assert_array_equal(camera.flat_frame(50.0, 9.0, seed=1).data, camera.expose(50.0, 9.0, seed=1).data)


def test_a_camera_without_a_seed_never_repeats_itself() -> None:
    camera = Camera(CCD, default_temperature_c=TEMPERATURE_C, seed=4)
    frames = [camera.expose(50.0, 1.0).data for _ in range(4)]
    for one, other in combinations(frames, 2):
        assert (one != other).any()
    again = Camera(CCD, default_temperature_c=TEMPERATURE_C, seed=4)
    for frame in frames:
        assert_array_equal(again.expose(50.0, 1.0).data, frame)


def test_threads_are_set_by_the_package() -> None:
    before = core.num_threads()
    getframes.set_num_threads(2)
    assert core.num_threads() == 2
    getframes.set_num_threads(before)
