"""Photon transfer, darks, flats, gain stages and coupling: what they give back, and what they refuse. The figures are in tests/law/test_closed_loop.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from getframes import Camera, CameraConfig, load_preset
from getframes.analysis import (
    StackStats,
    characterize_dark,
    characterize_flat,
    characterize_gain_stage,
    interpixel_coupling,
    photon_transfer_curve,
    stack_statistics,
)
from getframes.errors import DomainError, ShapeError

CCD = load_preset("generic_ccd").replace(resolution=(64, 64))
CAMERA = Camera(CCD, seed=1)
LEVELS = np.geomspace(1e2, 6e4, 8)


def flats(*levels: float, camera: Camera = CAMERA) -> dict[float, StackStats]:
    return {
        level: stack_statistics(camera.expose_series(level, 1.0, 8, seed=int(level), include_truth=False))
        for level in levels
    }


def darks(*times: float) -> dict[float, StackStats]:
    return {time: stack_statistics(CAMERA.dark_series(time, 10, seed=int(time))) for time in times}


def test_levels_are_rates() -> None:
    one = photon_transfer_curve(CAMERA, LEVELS, 1.0)
    two = photon_transfer_curve(CAMERA, LEVELS / 4.0, 4.0)
    np.testing.assert_allclose(two.mean_adu - one.mean_adu, 3.0 * 0.1 / 1.5, atol=3 * 40)
    assert one.mean_adu[0] == pytest.approx(400 + 85.0 / 1.5, abs=1.0)
    assert one.full_well_adu is None
    assert one.saturation is None
    assert photon_transfer_curve(CAMERA, list(LEVELS), seed=0).gain_e_per_adu == one.gain_e_per_adu
    assert photon_transfer_curve(CAMERA, LEVELS, seed=1).gain_e_per_adu != one.gain_e_per_adu


def test_small_frames_work_too() -> None:
    tiny = Camera(CCD.replace(resolution=(4, 5)), seed=1)
    found = photon_transfer_curve(tiny, np.geomspace(1e3, 6e4, 60))
    assert found.gain_e_per_adu == pytest.approx(1.5, rel=0.3)
    assert found.ipc_coupling == 0.0


def test_a_curve_that_bends() -> None:
    camera = Camera(CCD.replace(nonlinearity=0.1, full_well_e=60_000.0, resolution=(256, 256)), seed=1)
    found = photon_transfer_curve(camera, np.geomspace(300, 6e4, 30))
    assert found.gain_e_per_adu == pytest.approx(1.5, rel=0.01)
    straight = np.polyfit(found.mean_adu[:-1], found.variance_adu2[:-1], 1)[0]
    assert abs(1.0 / straight / 1.5 - 1.0) > 0.05


BAD_LEVELS = [[1.0, 2.0], [[1.0, 2.0, 3.0]], [1.0, 2.0, -3.0], [1.0, 2.0, np.nan], [1.0, 0.0, 2.0]]


@pytest.mark.parametrize("levels", BAD_LEVELS)
def test_bad_levels(levels) -> None:
    with pytest.raises(DomainError, match="levels must be three or more positive numbers"):
        photon_transfer_curve(CAMERA, levels)


def test_curves_that_cannot_be() -> None:
    with pytest.raises(DomainError, match="exposure must be > 0 s"):
        photon_transfer_curve(CAMERA, LEVELS, 0.0)
    with pytest.raises(DomainError, match="levels must be three or more below saturation, got 1"):
        photon_transfer_curve(CAMERA, [1e3, 1e7, 1e8])
    noisy = Camera(CCD.replace(read_noise_e=5000.0, bias_offset_adu=30_000.0), seed=1)
    with pytest.raises(DomainError, match="far enough apart to show shot noise"):
        photon_transfer_curve(noisy, [1.0, 2.0, 3.0])


def test_dark_exposures_come_from_keys_or_stacks() -> None:
    by_key = darks(0.0, 5_000.0, 20_000.0)
    found = characterize_dark(by_key)
    np.testing.assert_array_equal(found.exposures_s, [0.0, 5000.0, 20000.0])
    listed = [replace(stack, exposure_s=time) for time, stack in sorted(by_key.items(), reverse=True)]
    again = characterize_dark(listed)
    assert again.gain_e_per_adu == found.gain_e_per_adu
    np.testing.assert_array_equal(again.dark_current_map_e_per_s, found.dark_current_map_e_per_s)
    assert found.bias_map_adu.shape == found.read_noise_map_e.shape == (64, 64)
    assert found.fano_factor == pytest.approx(1.0, abs=0.3) or np.isnan(found.fano_factor)


def test_to_config() -> None:
    found = characterize_dark(darks(0.0, 5_000.0, 20_000.0))
    config = found.to_config("mine")
    assert isinstance(config, CameraConfig)
    assert config.resolution == (64, 64)
    assert config.gain_e_per_adu == found.gain_e_per_adu
    assert config.dark_current_e_per_s == found.dark_current_e_per_s
    assert config.hot_pixel_fraction == found.hot_pixel_fraction
    other = found.to_config("mine", sensor_type="CCD", resolution=(8, 8), read_noise_e=3.0, full_well_e=1e5)
    assert (other.sensor_type.value, other.resolution, other.read_noise_e) == ("CCD", (8, 8), 3.0)
    with pytest.raises(TypeError, match="no field 'gain'"):
        found.to_config("mine", gain=3.0)
    with pytest.raises(DomainError, match="bit_depth"):
        found.to_config("mine", bit_depth=99)


def test_flats_to_config() -> None:
    camera = Camera(CCD.replace(full_well_e=50_000.0, nonlinearity=0.05, prnu=0.02), seed=1)
    found = characterize_flat(flats(*np.geomspace(500, 5e4, 10), 4e5, camera=camera), bias_adu=400.0)
    config = found.to_config("mine", dark_current_e_per_s=0.1)
    assert config.resolution == (64, 64)
    assert config.full_well_e == pytest.approx(50_000.0, rel=0.05)
    assert config.nonlinearity == pytest.approx(0.05, abs=0.002)
    assert config.prnu == pytest.approx(0.02, rel=0.05)
    assert found.full_well_e == pytest.approx(found.full_well_adu * found.gain_e_per_adu)
    short = characterize_flat(flats(*LEVELS, 1e6), bias_adu=400.0).to_config("short", full_well_e=1e5)
    assert (short.bit_depth, short.full_well_e) == (16, 1e5)


def test_levels_of_flats() -> None:
    series = flats(*LEVELS)
    found = characterize_flat(series, bias_adu=400.0)
    np.testing.assert_array_equal(found.levels, LEVELS)
    assert found.full_well_adu is found.full_well_e is found.nonlinearity is found.saturation is None
    unknown = characterize_flat(
        [replace(stack, exposure_s=None) for stack in series.values()], bias_adu=400.0
    )
    assert unknown.nonlinearity is None
    assert unknown.gain_e_per_adu == pytest.approx(found.gain_e_per_adu)


STACK = stack_statistics([np.zeros((4, 4)), np.ones((4, 4))], exposure_s=1.0)
OTHER = stack_statistics([np.zeros((3, 4)), np.ones((3, 4))], exposure_s=2.0)
BAD = [
    (lambda: characterize_dark([]), DomainError, "stacks must be of two or more different exposures"),
    (lambda: characterize_dark([STACK, STACK]), DomainError, "two or more different exposures"),
    (lambda: characterize_dark([STACK, OTHER]), ShapeError, r"stacks must have shape \(4, 4\), got \(3, 4\)"),
    (
        lambda: characterize_dark({-1.0: STACK, 2.0: STACK}),
        DomainError,
        "exposure_s must be given and >= 0 s",
    ),
    (
        lambda: characterize_dark([replace(STACK, exposure_s=None)] * 2),
        DomainError,
        "exposure_s must be given",
    ),
    (lambda: characterize_dark([1.0, 2.0]), DomainError, "stacks must be StackStats, got 'float'"),
    (lambda: characterize_dark({1.0: STACK, 2.0: STACK}), DomainError, "long enough for dark charge to show"),
    (
        lambda: characterize_dark([STACK], ipc_coupling=0.3),
        DomainError,
        r"ipc_coupling must be in \[0, 0.25\)",
    ),
    (lambda: characterize_flat([]), DomainError, "three or more levels below saturation, got 0"),
    (lambda: characterize_flat([STACK] * 2), DomainError, "three or more levels below saturation, got 2"),
    (lambda: characterize_flat([STACK, STACK, OTHER]), ShapeError, "stacks must have shape"),
    (lambda: characterize_flat([1.0]), DomainError, "stacks must be StackStats, got .float."),
    (
        lambda: characterize_flat([STACK] * 3, saturation_fraction=0.0),
        DomainError,
        "saturation_fraction must be",
    ),
    (lambda: characterize_flat([STACK] * 3, ipc_coupling=-0.1), DomainError, "ipc_coupling must be"),
    (lambda: characterize_flat([STACK] * 3, bias_adu=np.nan), DomainError, "bias_adu must be finite"),
    (
        lambda: characterize_flat([STACK] * 3, bias_adu=np.ones((2, 2))),
        ShapeError,
        "bias_adu must be a number or",
    ),
    (lambda: characterize_flat([STACK] * 3), DomainError, "far enough apart to show shot noise"),
    (lambda: interpixel_coupling([]), DomainError, "at least 2 frames, got 0"),
    (lambda: interpixel_coupling([np.ones((9, 9))]), DomainError, "at least 2 frames, got 0"),
    (lambda: interpixel_coupling([np.ones((9, 9))] * 2), DomainError, "noisier than read_variance_adu2"),
    (lambda: interpixel_coupling([np.ones((9, 7))] * 2), ShapeError, r"at least \(8, 8\), got \(9, 7\)"),
    (
        lambda: interpixel_coupling([np.ones((9, 9)), np.ones((9, 8))]),
        ShapeError,
        r"shape \(9, 9\), got \(9, 8\)",
    ),
    (lambda: interpixel_coupling([np.full((9, 9), np.nan)] * 2), DomainError, "flat 0 must be finite"),
]


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_bad_input(call, error, words) -> None:
    with pytest.raises(error, match=words):
        call()


def test_gain_stages_that_cannot_be() -> None:
    curve = photon_transfer_curve(CAMERA, LEVELS)
    shorter = photon_transfer_curve(CAMERA, LEVELS[:5])
    full = replace(curve, full_well_adu=500.0)
    for arguments, options, words in (
        ((curve, shorter), {}, "multiplied must be a curve of 8 levels, got 5"),
        ((curve, full), {}, "two levels that neither saturates"),
        ((curve, curve), {"light_ratio": 0.0}, "light_ratio must be > 0"),
        ((curve, curve), {"em_gain": -2.0}, "em_gain must be > 0"),
    ):
        with pytest.raises(DomainError, match=words):
            characterize_gain_stage(*arguments, **options)
    same = characterize_gain_stage(curve, curve)
    assert same.em_gain == pytest.approx(1.0)
    assert same.excess_noise_factor == pytest.approx(1.0)
    assert same.effective_read_noise_e == pytest.approx(curve.read_noise_e)


def test_coupling_of_made_up_noise() -> None:
    """White noise through the kernel itself."""
    rng, c = np.random.default_rng(1), 0.05
    frames = []
    for _ in range(6):
        white = rng.normal(0.0, 10.0, (300, 300))
        near = sum(np.roll(white, step, axis) for step in (1, -1) for axis in (0, 1))
        frames.append(1000.0 + (1 - 4 * c) * white + c * near + rng.normal(0.0, 3.0, white.shape))
    found = interpixel_coupling(frames, read_variance_adu2=9.0)
    assert abs(found.ipc_coupling - c) < 4.0 * found.error
    kept = (1 - 4 * c) ** 2 + 4 * c * c
    assert found.noise_kept == pytest.approx(kept, rel=0.01)
    np.testing.assert_allclose(found.correlation[2:], np.array([2, 2, 1, 1]) * c * c / kept, atol=0.006)
