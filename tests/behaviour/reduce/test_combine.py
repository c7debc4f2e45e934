"""Many frames into one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getframes import Camera, Frame, combine
from getframes.errors import DomainError, ShapeError

METHODS = ("median", "mean", "sigma_clip")
STACKS = st.tuples(st.integers(1, 12), st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))


def stack(count: int, height: int, width: int, seed: int, dtype: str = "uint16") -> list[np.ndarray]:
    return list(np.random.default_rng(seed).poisson(200.0, (count, height, width)).astype(dtype))


@given(STACKS, st.sampled_from(["uint8", "uint16", "uint32", "int32", ">u2", "float32", ">f8"]))
def test_median_and_mean_are_those_of_numpy(shape: tuple[int, int, int, int], dtype: str) -> None:
    frames = stack(*shape, dtype)
    wide = np.array(frames, np.float64)
    np.testing.assert_array_equal(combine(frames).data, np.median(wide, axis=0))
    np.testing.assert_allclose(combine(frames, method="mean").data, wide.mean(axis=0), rtol=1e-14)


@given(STACKS, st.sampled_from(METHODS))
def test_order_does_not_matter_and_nothing_is_changed(shape: tuple[int, int, int, int], method: str) -> None:
    frames = stack(*shape)
    before = [frame.copy() for frame in frames]
    forward, backward = combine(frames, method=method), combine(frames[::-1], method=method)
    np.testing.assert_allclose(forward.data, backward.data, rtol=1e-14)
    assert forward.dtype == np.float64
    for frame, kept in zip(frames, before, strict=True):
        np.testing.assert_array_equal(frame, kept)


def test_large_frames_go_by_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = stack(7, 50, 40, 1)
    whole = [combine(frames, method=method).data for method in METHODS]
    monkeypatch.setattr("getframes.reduce.combination._BAND_BYTES", 8 * 7 * 40 * 3)
    for method, data in zip(METHODS, whole, strict=True):
        np.testing.assert_array_equal(combine(frames, method=method).data, data)


@pytest.mark.parametrize("count", range(3, 26))
def test_one_cosmic_ray_is_rejected_in_few_frames_too(count: int) -> None:
    """A clip about the mean rejects nothing in ten frames or fewer."""
    rng = np.random.default_rng(count)
    frames = rng.normal(100.0, 1.0, (count, 64, 64))
    clean = combine(frames, method="sigma_clip").data
    frames[rng.integers(count)] += 5000.0
    hit = combine(frames, method="sigma_clip").data
    # What is left is the noise of a mean of one frame less, and of good values that a small sample rejects.
    moved = np.abs(hit - clean) / (1.0 / np.sqrt(count))
    assert moved.max() < 6.0
    assert (moved < 3.0).mean() > 0.97
    assert abs(hit.mean() - 100.0) < 4.0 / np.sqrt(count * 64 * 64) * 1.5


def test_a_clip_of_equal_counts_keeps_their_neighbours() -> None:
    frames = [np.full((1, 1), value, np.uint16) for value in (400, 400, 400, 401, 400, 399, 900)]
    assert combine(frames, method="sigma_clip").data[0, 0] == 400.0


def test_two_frames_are_never_clipped() -> None:
    frames = [np.full((2, 2), 1.0), np.full((2, 2), 1001.0)]
    assert (combine(frames, method="sigma_clip").data == 501.0).all()


def test_clipping_goes_on_until_nothing_changes() -> None:
    frames = [np.full((1, 1), value) for value in (10.0, 11.0, 12.0, 9.0, 10.5, 60.0, 1000.0)]
    assert combine(frames, method="sigma_clip").data[0, 0] == pytest.approx(10.5)


def test_the_clip_keeps_gaussian_noise() -> None:
    frames = np.random.default_rng(3).normal(0.0, 1.0, (40, 60, 60))
    clipped = combine(frames, method="sigma_clip", sigma=3.0).data
    assert clipped.std() * np.sqrt(40) == pytest.approx(1.0, abs=0.08)  # what the scatter of the MAD costs


def test_metadata_are_what_frames_share() -> None:
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(8, 8))
    master = combine(camera.dark_series(3.0, 4, seed=7), method="sigma_clip", sigma=4.0)
    wanted = {
        "frame_type": "master_dark",
        "n_combined": 4,
        "combine_method": "sigma_clip",
        "combine_sigma": 4.0,
        "exposure_s": 3.0,
        "gain_e_per_adu": 1.5,
        "camera": "Generic CCD",
    }
    assert {key: master.metadata[key] for key in wanted} == wanted
    assert not {"seed", "frame_number", "frame_index"} & set(master.metadata)
    assert combine([master, master]).metadata["frame_type"] == "master_dark"
    mixed = combine([camera.dark_frame(1.0), camera.dark_frame(2.0), camera.bias_frame()])
    assert not {"exposure_s", "frame_type"} & set(mixed.metadata)
    assert combine([np.ones((2, 2))]).metadata == {"n_combined": 1, "combine_method": "median"}


def test_masters_go_to_fits_and_back(tmp_path) -> None:
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(8, 8))
    master = camera.master_bias(5, seed=3)
    master.to_fits(tmp_path / "bias.fits")
    np.testing.assert_array_equal(Frame.from_fits(tmp_path / "bias.fits").data, master.data)


BAD = [
    ([], {}, DomainError, "frames must be at least one frame"),
    ([np.zeros((2, 2)), np.zeros((2, 3))], {}, ShapeError, r"frame 1 must have shape \(2, 2\), got \(2, 3\)"),
    ([np.zeros(4)], {}, ShapeError, r"frame 0 must be an image"),
    ([np.zeros((0, 3))], {}, ShapeError, r"frame 0 must be an image"),
    ([np.zeros((2, 2), complex)], {}, DomainError, "real numbers"),
    ([np.zeros((2, 2)), np.full((2, 2), np.nan)], {}, DomainError, r"frame 1 must be finite, got nan at"),
    ([np.array([[1.0, np.inf]])], {}, DomainError, r"got inf at \(y, x\) = \(0, 1\)"),
    (
        [np.zeros((2, 2))],
        {"method": "average"},
        DomainError,
        "method must be one of median, mean, sigma_clip",
    ),
    ([np.zeros((2, 2))], {"sigma": 0.0}, DomainError, "sigma must be > 0, got 0.0"),
    ([np.zeros((2, 2))], {"sigma": float("nan")}, DomainError, "sigma must be > 0"),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("frames", "options", "error", "words"), BAD)
def test_bad_input(frames, options, error, words, method) -> None:
    with pytest.raises(error, match=words):
        combine(iter(frames), **{"method": method, **options})


def test_one_frame_is_not_a_stack() -> None:
    with pytest.raises(TypeError, match="iterable of frames, got one Frame"):
        combine(Frame(np.zeros((2, 2))))
