"""Nondestructive ramps and double samples through the public camera: numbers, invariance, bad input."""

from __future__ import annotations

import pickle
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from getframes import Camera, CameraConfig, Frame
from getframes._native import core
from getframes.errors import DomainError, ShapeError
from getframes.noise import ramp
from tests.behaviour.random.cameras import CCD, PRECISIONS, RAMPS, SHAPE, TEMPERATURE_C, ids, light
from tests.behaviour.random.test_properties import running

each_camera = pytest.mark.parametrize("config", RAMPS, ids=ids)
each_precision = pytest.mark.parametrize("precision", PRECISIONS)
PLAIN, COUPLED = RAMPS[0], RAMPS[-1]
BRIGHT = 3e3


def camera(config: CameraConfig = PLAIN, precision: str = "float64", **changes: Any) -> Camera:
    return Camera(config.replace(**changes), default_temperature_c=TEMPERATURE_C, precision=precision)


def ramps(taken: Camera, count: int = 5, length: int = 3, *, seed: int | None = 1) -> list[np.ndarray]:
    rate = light(BRIGHT, taken.resolution)
    return [frame.data for frame in taken.nondestructive_series(rate, 2.0, count, length, seed=seed)]


@each_camera
@each_precision
def test_threads_and_levels_change_nothing(config: CameraConfig, precision: str) -> None:
    taken = camera(config, precision, resolution=(257, 301))
    with running(1, "baseline"):
        expected = ramps(taken)
    for threads in (1, 2, 3):
        for level in core.simd_levels():
            with running(threads, level):
                assert_array_equal(ramps(taken), expected)


@each_camera
def test_a_ramp_is_the_same_alone_and_after_others(config: CameraConfig) -> None:
    """Read k of ramp r is frame r n + k; only the common mode remembers the reads before."""
    taken = camera(config, readout_common_mode_noise_adu=0.0, ndr_common_mode_gain_noise_adu_per_s=0.0)
    exposed = taken._exposure(light(BRIGHT), 2.0, None)
    key = 77
    together = list(ramp.reads(exposed, [2.0] * 9, 3, key))
    for first in (0, 3, 6):
        alone = list(ramp.reads(exposed, [2.0] * 3, 3, key, first))
        assert_array_equal(alone, together[first : first + 3])


@each_camera
@given(count=st.integers(1, 4), length=st.integers(1, 5))
@settings(max_examples=4)
def test_a_longer_series_begins_like_a_shorter_one(config: CameraConfig, count: int, length: int) -> None:
    taken = camera(config)
    assert_array_equal(ramps(taken, count, length), ramps(taken, 6, length)[:count])


@each_camera
@each_precision
def test_a_region_is_the_crop_of_the_sensor(config: CameraConfig, precision: str) -> None:
    left, top, width, height = 20, 11, 57, 40
    whole = camera(config, precision)
    region = whole.with_config(roi=(left, top, width, height))
    inside = np.zeros(SHAPE)
    inside[top : top + height, left : left + width] = rate = light(BRIGHT, (height, width))
    full = whole.nondestructive_series(inside, 2.0, 3, 2, seed=1)
    part = region.nondestructive_series(rate, 2.0, 3, 2, seed=1)
    for one, other in zip(part, full, strict=True):
        assert one.shape == (height, width)
        assert_array_equal(one.data, other.data[top : top + height, left : left + width])
        assert one.metadata["detector_roi"] == (left, top, width, height)


def noise(frame: Frame) -> np.ndarray:
    values = frame.data.astype(float) - frame.truth.mean_electrons / frame.metadata["gain_e_per_adu"]
    return (values - values.mean()).ravel()


def test_no_two_reads_share_a_draw_but_for_the_ramp() -> None:
    """Ramps, dark ramps and frames with the same seed are independent; so are reads once their ramp is taken off."""
    quiet = {
        "resolution": (300, 300),
        "cosmic_ray_rate_per_cm2_s": 0.0,
        "prnu": 0.0,
        "hot_pixel_fraction": 0.0,
    }
    flat = {"detector_glow_e_per_s": 0.0, "dark_current_nonuniformity": 0.0, "amplifier_layout": (1, 1)}
    taken = camera(**quiet, **flat, reset_noise_e=0.0, read_noise_correlated_fraction=0.0, read_noise_e=30.0)
    frames = list(taken.nondestructive_series(0.1, 0.5, 4, 2, seed=5))
    frames += taken.dark_nondestructive_series(0.5, 2, 2, seed=5)
    frames += taken.expose_series(0.1, 0.5, 2, seed=5)
    frames += [taken.dark_frame(0.5, seed=5), taken.bias_frame(seed=5)]
    for one, other in combinations(frames, 2):
        assert abs(np.corrcoef(noise(one), noise(other))[0, 1]) < 4.0 / 300.0 + 0.01


@each_camera
def test_dark_ramps_are_ramps_without_light(config: CameraConfig) -> None:
    taken = camera(config)
    dark = list(taken.dark_nondestructive_series(3.0, 4, 2, seed=2))
    same = list(taken.nondestructive_series(0.0, 3.0, 4, 2, seed=2))
    for one, other in zip(dark, same, strict=True):
        assert one == other
        assert (one.truth.mean_photoelectrons == 0.0).all()


@each_camera
def test_a_double_sample_is_the_difference_of_two_reads(config: CameraConfig) -> None:
    taken, rate = camera(config), light(BRIGHT)
    first, second = (frame.data.astype(int) for frame in taken.nondestructive_series(rate, 2.0, 2, 2, seed=3))
    sample = taken.correlated_double_sample(rate, 2.0, pedestal_interval_s=2.0, seed=3)
    assert sample.data.dtype == np.int32
    assert_array_equal(sample.data, second - first)
    assert (taken.correlated_double_sample(0.0, 1e-3, seed=3).data < 0).any()


def test_without_a_seed_every_read_is_new() -> None:
    taken = camera()
    series = [ramps(taken, 2, 2, seed=None) for _ in range(2)]
    samples = [taken.correlated_double_sample(light(BRIGHT), 2.0).data for _ in range(2)]
    frame = taken.nondestructive_series(1.0, 1.0, 3, 3)
    assert next(frame).metadata["frame_number"] == 8
    assert taken.bias_frame().metadata["frame_number"] == 11
    for one, other in combinations((*series[0], *series[1]), 2):
        assert (one != other).any()
    assert (samples[0] != samples[1]).any()


def test_metadata_and_truth_of_reads() -> None:
    taken = camera()
    frames = list(taken.nondestructive_series(light(50.0), 1.5, 5, 3, -10.0, background=2.0, seed=1))
    expected = [(0, 0, 1.5), (0, 1, 3.0), (0, 2, 4.5), (1, 0, 1.5), (1, 1, 3.0)]
    for index, (frame, (ramp_index, read_index, since)) in enumerate(zip(frames, expected, strict=True)):
        known = frame.metadata
        assert known["frame_type"] == "nondestructive"
        assert known["readout_mode"] == "global_reset_nondestructive"
        assert (known["frame_index"], known["ramp_index"], known["read_index"]) == (
            index,
            ramp_index,
            read_index,
        )
        assert (known["reads_per_reset"], known["read_interval_s"]) == (3, 1.5)
        assert known["time_since_reset_s"] == known["exposure_s"] == since
        assert (known["temperature_c"], known["seed"], known["frame_number"]) == (-10.0, 1, index)
        single = taken.expose(light(50.0), since, -10.0, background=2.0, seed=1).truth
        assert frame.truth == single
    assert next(taken.nondestructive_series(1.0, 1.0, 1, 1, include_truth=False)).truth is None


def test_metadata_and_truth_of_double_samples() -> None:
    taken = camera()
    sample = taken.correlated_double_sample(light(50.0), 4.0, -10.0, pedestal_interval_s=0.5, seed=7)
    known = sample.metadata
    assert (known["frame_type"], known["readout_mode"]) == ("correlated_double_sample", "global_reset_cds")
    assert (known["exposure_s"], known["pedestal_interval_s"], known["reads_per_reset"]) == (4.0, 0.5, 2)
    assert sample.truth == taken.expose(light(50.0), 4.0, -10.0, seed=7).truth
    assert taken.correlated_double_sample(1.0, 1.0, include_truth=False).truth is None


def test_a_series_is_an_iterator_over_its_own_light() -> None:
    taken, rate = camera(), light(BRIGHT)
    expected = ramps(taken)
    series = taken.nondestructive_series(rate, 2.0, 5, 3, seed=1)
    before = rate.copy()
    first = next(series)
    assert_array_equal(rate, before)
    rate[:] = 0.0
    assert_array_equal([first.data, *(frame.data for frame in series)], expected)
    endless = taken.nondestructive_series(1.0, 1.0, 10**15, 10**14, seed=1)
    assert next(endless).metadata["read_index"] == 0


@each_precision
def test_scalars_maps_and_types_of_light_agree(precision: str) -> None:
    taken = camera(precision=precision)
    number = [frame.data for frame in taken.nondestructive_series(3.0, 2.0, 2, 2, seed=1)]
    for dtype in (np.float32, np.float64, ">f8", np.uint16):
        rate = np.full(SHAPE, 3, dtype)
        same = [frame.data for frame in taken.nondestructive_series(rate, 2.0, 2, 2, seed=1)]
        assert_array_equal(same, number)


def test_quantities_are_taken() -> None:
    units = pytest.importorskip("astropy.units")
    taken = camera()
    series = taken.nondestructive_series(3.0 / units.s, 2000.0 * units.ms, 2, 2, seed=1)
    plain = taken.nondestructive_series(3.0, 2.0, 2, 2, seed=1)
    for one, other in zip(series, plain, strict=True):
        assert_array_equal(one.data, other.data)
    sample = taken.correlated_double_sample(3.0, 2.0 * units.s, pedestal_interval_s=500 * units.ms, seed=1)
    same = taken.correlated_double_sample(3.0, 2.0, pedestal_interval_s=0.5, seed=1)
    assert sample.metadata["pedestal_interval_s"] == 0.5
    assert_array_equal(sample.data, same.data)


def test_frames_survive_files_and_pickles(tmp_path: Path) -> None:
    taken = camera()
    frames = [
        *taken.nondestructive_series(light(50.0), 2.0, 2, 2, seed=1),
        taken.correlated_double_sample(light(1.0), 2.0, seed=1),
    ]
    for number, frame in enumerate(frames):
        assert pickle.loads(pickle.dumps(frame)) == frame
        frame.to_fits(tmp_path / f"{number}.fits", truth=True)
        back = Frame.from_fits(tmp_path / f"{number}.fits")
        assert back.dtype == frame.dtype
        assert_array_equal(back.data, frame.data)
        for name in ("frame_type", "readout_mode", "reads_per_reset"):
            assert back.metadata[name] == frame.metadata[name]


BAD_CALLS = [
    ("nondestructive_series", (1.0, 0.0, 2, 2), {}, "read_interval must be > 0 s, got 0"),
    ("nondestructive_series", (1.0, -1.0, 2, 2), {}, "read_interval must be finite"),
    ("nondestructive_series", (1.0, float("nan"), 2, 2), {}, "read_interval must be finite"),
    ("nondestructive_series", (1.0, float("inf"), 2, 2), {}, "read_interval must be finite"),
    ("nondestructive_series", (1.0, 1.0, 0, 2), {}, "n_frames must be an integer >= 1, got 0"),
    ("nondestructive_series", (1.0, 1.0, 2.5, 2), {}, "n_frames must be an integer >= 1, got 2.5"),
    ("nondestructive_series", (1.0, 1.0, True, 2), {}, "n_frames must be an integer >= 1, got True"),
    ("nondestructive_series", (1.0, 1.0, 2, 0), {}, "reads_per_reset must be an integer >= 1, got 0"),
    (
        "nondestructive_series",
        (1.0, 1.0, 2, "many"),
        {},
        "reads_per_reset must be an integer >= 1, got 'many'",
    ),
    ("nondestructive_series", (-1.0, 1.0, 2, 2), {}, "photon_rate must be finite"),
    ("nondestructive_series", (1.0, 1.0, 2, 2), {"background": float("nan")}, "background must be finite"),
    ("nondestructive_series", (1.0, 1.0, 2, 2), {"quantum_efficiency": 1.5}, "quantum_efficiency must be in"),
    ("nondestructive_series", (1.0, 1.0, 2, 2, -300.0), {}, "temperature_c must be >= -273.15"),
    ("nondestructive_series", (1.0, 1.0, 2, 2), {"seed": -1}, "seed must be an integer >= 0"),
    ("dark_nondestructive_series", (0.0, 2, 2), {}, "read_interval must be > 0 s"),
    ("dark_nondestructive_series", (1.0, 0, 2), {}, "n_frames must be an integer >= 1"),
    ("correlated_double_sample", (1.0, 0.0), {}, "exposure must be > 0 s, got 0"),
    ("correlated_double_sample", (1.0, -2.0), {}, "exposure must be finite"),
    (
        "correlated_double_sample",
        (1.0, 1.0),
        {"pedestal_interval_s": -1.0},
        "pedestal_interval_s must be finite",
    ),
]


@pytest.mark.parametrize(("method", "arguments", "more", "message"), BAD_CALLS)
def test_bad_arguments_are_an_error_at_the_call(
    method: str, arguments: tuple[Any, ...], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(DomainError, match=message):
        getattr(camera(), method)(*arguments, **more)


CALLS = {
    "nondestructive_series": (1.0, 1.0, 2, 2),
    "dark_nondestructive_series": (1.0, 2, 2),
    "correlated_double_sample": (1.0, 1.0),
}


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    ("field", "value"),
    [("blooming", True), ("cti", 1e-6), ("nonlinearity", 0.01), ("nonlinearity_coeffs", (-0.01,))],
)
def test_effects_that_ramps_do_not_have_are_refused(method: str, field: str, value: Any) -> None:
    with pytest.raises(
        DomainError, match=rf"CameraConfig.{field} must be \w+ for nondestructive reads, got "
    ):
        getattr(camera(**{field: value}), method)(*CALLS[method])


def test_coefficients_that_are_zero_are_linear() -> None:
    taken = camera(nonlinearity_coeffs=(0.0, 0.0))
    assert_array_equal(ramps(taken), ramps(camera()))


def test_counts_of_32_bits_have_no_signed_difference() -> None:
    with pytest.raises(DomainError, match="bit_depth must be < 32 for differences of reads, got 32"):
        camera(bit_depth=32).correlated_double_sample(1.0, 1.0)
    saturated = camera(bit_depth=31, full_well_e=1e12, gain_e_per_adu=1e-3, bias_offset_adu=0.0)
    assert saturated.correlated_double_sample(1e9, 100.0, seed=1).data.max() == 2**31 - 1


def test_bad_pixels_are_named_at_the_first_read() -> None:
    rate = light(1.0)
    rate[3, 5] = np.nan
    for config in (PLAIN, COUPLED):
        series = camera(config).nondestructive_series(rate, 1.0, 2, 2, seed=1)
        with pytest.raises(
            DomainError, match=r"photon_rate must be finite and >= 0, got NaN at \(y, x\) = \(3, 5\)"
        ):
            next(series)
        assert list(series) == []
    with pytest.raises(ShapeError):
        camera().nondestructive_series(np.zeros((3, 3)), 1.0, 2, 2)


def test_the_stages_of_a_read_can_be_printed() -> None:
    exposed = camera(COUPLED)._exposure(light(10.0), 2.0, None)
    stages = ramp.read_stages(exposed, ramp.Read(1, 2.0, 4, 0.3))
    names = [stage.name for stage in stages]
    assert names[:9] == [
        "photo",
        "dark",
        "shot",
        "cosmic_rays",
        "well_increment",
        "gain",
        "node",
        "ipc",
        "output_full_well",
    ]
    assert names[-3:] == ["bias_structure", "ramp_bias", "common_mode"]
    shared = next(stage for stage in stages if stage.name == "correlated_read_noise")
    assert "factor=0.632456, frame=4" in str(shared)


@pytest.mark.parametrize("preset", ["first_light_imaging_cred_one", "generic_cmos"])
def test_presets_take_ramps(preset: str) -> None:
    taken = Camera.from_preset(preset, precision="float32").with_config(
        nonlinearity=0.0, cti=0.0, blooming=False
    )
    if taken.resolution[0] > 1000:
        taken = taken.with_config(resolution=(64, 96))
    reads = list(taken.nondestructive_series(5e3, 0.03, 4, 4, seed=1))
    levels = [float(np.median(frame.data)) for frame in reads]
    assert levels == sorted(levels)
    assert taken.correlated_double_sample(5e3, 0.03, seed=1).data.mean() > 0.0


def test_clocks_do_not_run() -> None:
    assert_array_equal(ramps(camera(clock_induced_charge_e=5.0)), ramps(camera()))


def test_frames_of_a_camera_with_ramps_are_those_without() -> None:
    """What belongs to ramps alone changes no single exposure."""
    expected = camera(CCD).expose(light(BRIGHT), 2.0, seed=1).data
    settings_of_ramps = {name: getattr(COUPLED, name) for name in vars(COUPLED) if name.startswith("ndr_")}
    ramp_only = {
        **settings_of_ramps,
        "read_noise_correlated_fraction": 0.4,
        "readout_common_mode_correlation": 0.9,
    }
    assert_array_equal(camera(CCD, **ramp_only).expose(light(BRIGHT), 2.0, seed=1).data, expected)
