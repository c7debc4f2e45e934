"""Mean and variance of every pixel over a stack."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getframes import Camera, Frame
from getframes.analysis import StackStats, stack_statistics
from getframes.errors import DomainError, ShapeError

STACKS = st.tuples(st.integers(2, 15), st.integers(1, 5), st.integers(1, 6), st.integers(0, 99))


def exact(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance in exact integers."""
    n, whole = len(frames), frames.astype(object)
    total, squares = whole.sum(axis=0), (whole * whole).sum(axis=0)
    return total / n, ((n * squares - total * total) / (n * (n - 1))).astype(float)


@given(STACKS, st.sampled_from(["uint8", "uint16", "uint32", "int32", ">u2"]))
def test_integers_are_exact(shape: tuple[int, int, int, int], dtype: str) -> None:
    """Also at a pedestal of four billion counts, where squares of floats lose everything."""
    kind = np.dtype(dtype)
    top = np.iinfo(kind).max
    frames = (top - np.random.default_rng(shape[3]).integers(0, 100, shape[:3])).astype(kind)
    mean, variance = exact(frames)
    found = stack_statistics(frames)
    np.testing.assert_allclose(found.mean_adu, mean.astype(float), rtol=1e-15)
    np.testing.assert_allclose(found.variance_adu2, variance, rtol=1e-15)


@given(STACKS, st.booleans())
def test_fractions_and_mixtures(shape: tuple[int, int, int, int], mixed: bool) -> None:
    frames = list(np.random.default_rng(shape[3]).normal(1e4, 3.0, shape[:3]))
    if mixed:
        frames[: len(frames) // 2] = [np.rint(frame).astype(np.int32) for frame in frames[: len(frames) // 2]]
    found = stack_statistics(frames)
    np.testing.assert_allclose(found.mean_adu, np.mean(frames, axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.variance_adu2, np.var(frames, axis=0, ddof=1), rtol=1e-8, atol=1e-9)


def test_sums_that_64_bits_do_not_hold() -> None:
    frames = [np.full((2, 2), (2**32 - 1) * (index % 2), np.uint32) for index in range(9)]
    found = stack_statistics(frames, split=True)
    np.testing.assert_allclose(found.variance_adu2, exact(np.array(frames))[1], rtol=1e-13)
    assert (found.half_variance_adu2[0] == 0).all()


def test_halves_are_the_even_and_the_odd_frames() -> None:
    frames = np.random.default_rng(1).poisson(300, (9, 6, 7)).astype(np.uint16)
    found = stack_statistics(iter(frames), split=True)
    for half, part in zip(found.half_variance_adu2, (frames[::2], frames[1::2]), strict=True):
        np.testing.assert_allclose(half, part.var(axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(found.variance_adu2, frames.var(axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(found.mean_adu, frames.mean(axis=0), rtol=1e-14)


def test_one_frame_at_a_time() -> None:
    """A generator is read once, and no frame is kept."""
    import weakref

    seen: list[weakref.ref[np.ndarray]] = []

    def frames() -> Iterator[np.ndarray]:
        for index in range(20):
            assert sum(reference() is not None for reference in seen) <= 1
            frame = np.full((50, 50), index, np.uint16)
            seen.append(weakref.ref(frame))
            yield frame

    assert stack_statistics(frames()).n_frames == 20


def test_repeatability() -> None:
    rng = np.random.default_rng(2)
    sigma = rng.lognormal(0.0, 0.3, (128, 128))
    fixed = stack_statistics(rng.normal(0.0, 1.0, (60, 128, 128)) * sigma, split=True)
    alike = stack_statistics(rng.normal(0.0, 1.0, (60, 128, 128)), split=True)
    true = np.var(sigma**2) / (np.var(sigma**2) + 2.0 * np.mean(sigma**4) / 59)
    assert fixed.fixed_variance_fraction == pytest.approx(true, abs=0.02)
    assert abs(alike.fixed_variance_fraction) < 4.0 * np.sqrt(2.0) / 128
    assert fixed.temporal_repeatability > 0.7
    assert abs(alike.repeatability(clip_percentile=100.0)) < 4.0 / 128
    assert fixed.shape == (128, 128)


def test_common_mode() -> None:
    rng = np.random.default_rng(3)
    frames = rng.normal(500.0, 2.0, (40, 64, 64)) + rng.normal(0.0, 50.0, (40, 1, 1))
    found = stack_statistics(frames, common_mode=True)
    assert found.variance_adu2.mean() == pytest.approx(4.0, rel=0.01)
    assert found.mean_adu.mean() == pytest.approx(frames.mean(), rel=1e-12)
    assert found.common_mode_adu == pytest.approx(frames.mean(axis=(1, 2)).std(ddof=1))
    assert stack_statistics(frames).variance_adu2.mean() > 1000.0


def test_exposures_come_from_the_frames() -> None:
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(8, 8))
    series = list(camera.dark_series(3.0, 3))
    assert stack_statistics(series).exposure_s == 3.0
    assert stack_statistics(series, exposure_s=5.0).exposure_s == 5.0
    assert stack_statistics([*series, camera.dark_frame(4.0)]).exposure_s is None
    assert stack_statistics([frame.data for frame in series]).exposure_s is None


def test_frames_are_not_changed() -> None:
    frames = [np.full((3, 3), value) for value in (1.0, 2.0, 3.0)]
    stack_statistics(frames, common_mode=True)
    assert [frame[0, 0] for frame in frames] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("frames", "options", "error", "words"),
    [
        ([], {}, DomainError, "at least 2 frames, got 0"),
        ([np.zeros((2, 2))], {}, DomainError, "at least 2 frames, got 1"),
        ([np.zeros((2, 2))] * 3, {"split": True}, DomainError, "at least 4 frames, got 3"),
        (
            [np.zeros((2, 2)), np.zeros((2, 3))],
            {},
            ShapeError,
            r"frame 1 must have shape \(2, 2\), got \(2, 3\)",
        ),
        ([np.zeros((2, 2)), np.full((2, 2), np.inf)], {}, DomainError, "frame 1 must be finite, got inf"),
        ([np.zeros(3)], {}, ShapeError, "frame 0 must be an image"),
        ([np.array([["a"]])], {}, DomainError, "frame 0 must be an image of real numbers"),
        ([Frame(np.zeros((2, 2), complex))], {}, DomainError, "real numbers"),
    ],
)
def test_bad_input(frames, options, error, words) -> None:
    with pytest.raises(error, match=words):
        stack_statistics(frames, **options)


def test_repeatability_needs_halves() -> None:
    stack = stack_statistics([np.zeros((2, 2)), np.ones((2, 2))])
    with pytest.raises(
        DomainError, match=r"half_variance_adu2 must be there: stack_statistics\(..., split=True\)"
    ):
        _ = stack.temporal_repeatability
    halves = StackStats(np.ones((2, 2)), np.ones((2, 2)), 4, None, (np.ones((2, 2)), np.ones((2, 2))))
    with pytest.raises(DomainError, match=r"clip_percentile must be in \(0, 100\]"):
        halves.repeatability(clip_percentile=0.0)
    assert halves.repeatability() == 0.0
