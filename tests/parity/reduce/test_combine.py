"""Combination: the kernel against its twin, and against itself on other threads, SIMD levels and bands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getframes import combine, set_num_threads
from getframes._native import core
from getframes.reference.reduce import combine as twin

KINDS = st.sampled_from(["uint8", "uint16", "int16", "int32", "uint32", "float32", "float64"])
SHAPES = st.tuples(st.integers(1, 30), st.integers(1, 9), st.integers(1, 80))
CLIPS = st.sampled_from([None, "mad", "std", "noise"])


@pytest.fixture(scope="module", autouse=True)
def plain_scatter():
    """What rejection takes off the scatter is measured with the kernel itself; tests/law holds it to the truth."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("getframes.reduce.combination.loss_of_scatter", lambda *rule: 1.0)
        yield


NOISE = {"gain_e_per_adu": 1.7, "read_noise_e": 6.0, "pedestal_adu": 20.0}


def stack(shape: tuple[int, int, int], kind: str, seed: int, *, wild: bool = True) -> np.ndarray:
    """Noise, cosmic rays, many equal values, and bad numbers where there are such."""
    rng = np.random.default_rng(seed)
    values = rng.normal(100.0, rng.choice([0.3, 6.0]), shape)
    values[rng.random(shape) < 0.03] += 90.0
    if kind.startswith("float") and wild:
        values[rng.random(shape) < 0.02] = np.nan
        values[rng.random(shape) < 0.02] = np.inf
    else:
        values = values.round()
    return values.astype(kind)


def compare(made, wanted: twin.Combined, rtol: float = 1e-12) -> None:
    np.testing.assert_array_equal(made.used, wanted.used)
    np.testing.assert_array_equal(np.zeros(made.shape) if made.flags is None else made.flags, wanted.flags)
    np.testing.assert_allclose(made.data, wanted.data, rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(made.uncertainty, wanted.sigma, rtol=2e-6, atol=1e-6)


@given(
    SHAPES,
    KINDS,
    st.booleans(),
    CLIPS,
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 999),
    st.booleans(),
)
def test_native_meets_the_reference(shape, kind, median, clip, low, high, seed, masked) -> None:
    frames = stack(shape, kind, seed)
    masks = np.random.default_rng(seed + 1).random(shape) < 0.2 if masked else None
    made = combine(
        list(frames),
        method="median" if median else "mean",
        clip=clip,
        reject_low=low,
        reject_high=high,
        masks=None if masks is None else list(masks),
        sigma=2.5,
        **NOISE,
    )
    wanted = twin.combine(
        frames,
        median=median,
        masks=masks,
        extremes=(low, high),
        clip=clip,
        sigma=2.5,
        step=0.0 if kind.startswith("float") else 1.0,
        gain=1.7,
        read_noise_adu=6.0 / 1.7,
        pedestal=20.0,
    )
    # NumPy rounds the middle of two float32 to float32, and so does a median that rejects nothing.
    compare(made, wanted, 1e-7 if kind == "float32" and median else 1e-12)


@pytest.mark.parametrize("count", [63, 64, 65, 128, 131, 300, 1000])
@pytest.mark.parametrize("clip", ["mad", "std", "noise"])
@pytest.mark.parametrize("median", [False, True])
def test_many_frames_are_merged_from_sorted_runs(count: int, clip: str, median: bool) -> None:
    frames = stack((count, 1, 70), "float64" if count == 131 else "uint16", count)
    kept = {"gain": 1.7, "read_noise_adu": 6.0 / 1.7, "pedestal": 20.0}
    options = {"method": "median" if median else "mean", "clip": clip, "sigma": 2.5, **NOISE}
    for low, high in ((0, 0), (2, 1)):
        made = combine(list(frames), reject_low=low, reject_high=high, **options)
        wanted = twin.combine(
            frames,
            median=median,
            clip=clip,
            sigma=2.5,
            extremes=(low, high),
            step=float(count != 131),
            **kept,
        )
        compare(made, wanted)


@given(
    st.integers(3, 90),
    st.sampled_from(["uint16", "float32", "float64"]),
    CLIPS,
    st.integers(0, 2),
    st.integers(0, 999),
)
def test_what_is_rejected_does_not_depend_on_the_order_of_the_frames(count, kind, clip, low, seed) -> None:
    frames = stack((count, 1, 70), kind, seed)
    other = np.random.default_rng(seed).permutation(count)
    one, two = (
        combine(list(frames[order]), method="median", clip=clip, reject_low=low, sigma=2.0, **NOISE)
        for order in (np.arange(count), other)
    )
    np.testing.assert_array_equal(one.used, two.used)
    np.testing.assert_array_equal(one.data, two.data)
    np.testing.assert_array_equal(one.uncertainty, two.uncertainty)


@given(SHAPES, st.sampled_from(["uint16", "float32", "float64"]), CLIPS, st.integers(0, 999), st.booleans())
def test_zero_scale_and_weights_meet_the_reference(shape, kind, clip, seed, maps) -> None:
    rng = np.random.default_rng(seed)
    frames = stack(shape, kind, seed)
    size = shape if maps else shape[:1]
    zero, scale, weights = (
        rng.normal(0.0, 5.0, size),
        rng.uniform(0.5, 2.0, size),
        rng.uniform(0.0, 1.0, size),
    )
    weights[weights < 0.1] = 0.0
    made = combine(list(frames), method="mean", clip=clip, zero=zero, scale=scale, weights=weights, **NOISE)
    full = [array.reshape(*size, *[1] * (3 - array.ndim)) for array in (zero, scale, weights)]
    wanted = twin.combine(
        frames,
        zero=full[0],
        scale=full[1],
        weights=full[2],
        clip=clip,
        step=0.0 if maps or kind.startswith("float") else float(scale.min()),
        gain=1.7,
        read_noise_adu=6.0 / 1.7,
        pedestal=20.0,
    )
    compare(made, wanted)


@given(SHAPES, st.sampled_from(["uint16", "int32", "uint32", "float32", "float64"]), st.integers(0, 999))
def test_the_median_is_that_of_numpy_bit_for_bit(shape, kind, seed) -> None:
    rng = np.random.default_rng(seed)
    if kind.startswith("float"):
        frames = rng.normal(0.0, 1e3, shape).astype(kind)
    else:
        limits = np.iinfo(kind)
        frames = rng.integers(limits.min, limits.max, shape, kind, endpoint=True)
    wanted = np.median(frames, axis=0)
    np.testing.assert_array_equal(combine(list(frames)).data.astype(wanted.dtype), wanted)


def options(rng: np.random.Generator, count: int) -> list[dict[str, object]]:
    weights = rng.uniform(0.5, 2.0, count)
    return [
        {},
        {"method": "mean"},
        {"method": "sigma_clip"},
        {"method": "median", "clip": "std", "reject_high": 1},
        {"method": "sigma_clip", "clip": "noise", "scale": weights, "weights": weights, **NOISE},
    ]


@pytest.mark.parametrize("kind", ["uint16", "float32", "float64"])
@pytest.mark.parametrize("which", range(5))
def test_threads_simd_and_bands_change_no_bit(kind, which, monkeypatch) -> None:
    frames = stack((11, 60, 211), kind, 5)
    chosen = options(np.random.default_rng(1), 11)[which]

    def made():
        frame = combine(list(frames), **chosen)
        return frame.data.tobytes(), frame.uncertainty.tobytes(), frame.used.tobytes(), frame.flags

    first = made()
    others = []
    for level in core.simd_levels():
        core.set_simd_level(level)
        others.append(made())
    core.set_simd_level(None)
    for threads in (1, 3):
        with set_num_threads(threads):
            others.append(made())
    for size in (1, 20_000):
        monkeypatch.setattr("getframes.reduce.bands._BAND_BYTES", size)
        others.append(made())
    for other in others:
        assert other[:3] == first[:3]
        np.testing.assert_array_equal(other[3], first[3])
