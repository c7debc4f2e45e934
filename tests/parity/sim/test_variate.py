"""Native variates are the quantiles of the reference.

float64: the exact quantile of the 32-bit lattice. float32: a count may differ only where u lies within 3e-6
of a step, and within 1e-3 of min(u, 1 - u) in the tails; a continuous variate by 2e-6 of max(x, 1e-3) there,
and by 1e-10 of x in float64.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from getframes._native import core
from getframes.reference import stream, variate
from tests.parity.sim.agreement import assert_close, assert_counts
from tests.parity.sim.words import decades, words, words_at_steps

SEEDS = st.integers(0, 2**64 - 1)
PRECISIONS = st.sampled_from([np.float32, np.float64])
MEANS = decades(1e-6, 1e7, 5.0, 7.0, 2.0**20)
SHAPES = decades(0.05, 1e5, 1.0, 2.0, 3.0)


def names(precision: type[np.floating]) -> str:
    return np.dtype(precision).name


@given(SEEDS, st.integers(0, 5), st.integers(1, 39), st.integers(0, 2**64 - 1), st.integers(0, 2**34 - 99))
def test_words(key: int, kind: int, stage: int, frame: int, first: int) -> None:
    for draw in (0, 1):
        native = core.words(key, kind, stage, frame, draw, first, 99)
        assert native.dtype == np.uint32
        assert_array_equal(native, stream.words(key, kind, stage, frame, draw, first, 99))


@given(SEEDS, st.integers(0, 5), st.integers(1, 39), st.integers(0, 2**64 - 1), st.integers(0, 2**34 - 99))
def test_wide(key: int, kind: int, stage: int, frame: int, first: int) -> None:
    address = key, kind, stage, frame, first, 99
    assert_array_equal(core.wide_uniform(*address), stream.wide_uniform(*address))
    exact = variate.normal_at(stream.wide_probability(*address))
    assert_close(core.wide_normal(*address), exact)


@given(SEEDS, PRECISIONS)
def test_uniform(seed: int, precision: type[np.floating]) -> None:
    w = words(seed, 500)
    native = core.uniform(w, names(precision))
    assert native.dtype == precision
    assert_array_equal(native, stream.uniform(w).astype(precision))


@given(SEEDS, PRECISIONS)
def test_normal(seed: int, precision: type[np.floating]) -> None:
    w = words(seed, 500)
    native = core.normal(w, names(precision))
    assert native.dtype == precision
    assert_close(native, variate.normal(w))


@given(SEEDS, PRECISIONS)
def test_exponential(seed: int, precision: type[np.floating]) -> None:
    w = words(seed, 500)
    native = core.exponential(w, names(precision))
    assert native.dtype == precision
    assert_close(native, variate.exponential(w))


@given(SEEDS, decades(1e-4, 1.0), PRECISIONS)
def test_lognormal(seed: int, sigma: float, precision: type[np.floating]) -> None:
    w = words(seed, 500)
    native = core.lognormal(sigma, w, names(precision))
    assert native.dtype == precision
    assert_close(native, variate.lognormal(sigma, w))


@given(SEEDS, MEANS, PRECISIONS)
def test_poisson(seed: int, mean: float, precision: type[np.floating]) -> None:
    mean = float(precision(mean))
    w = np.concatenate([words(seed, 400), words_at_steps(mean)])
    means = np.full(w.shape, mean, precision)
    native = core.poisson(means, w)
    assert native.dtype == precision
    assert_counts(native, means, w)


@given(SEEDS, st.lists(MEANS, min_size=1, max_size=12), PRECISIONS)
def test_poisson_of_mixed_means(seed: int, choices: list[float], precision: type[np.floating]) -> None:
    """A tile may hold every regime; a pixel must not notice its neighbours."""
    w = words(seed, 300)
    means = np.resize(np.array([0.0, *choices], precision), w.shape)
    native = core.poisson(means, w)
    assert_counts(native, means, w)
    for one in range(0, w.size, 37):
        assert core.poisson(means[one : one + 1], w[one : one + 1])[0] == native[one]


@given(SEEDS, SHAPES, PRECISIONS)
def test_gamma(seed: int, shape: float, precision: type[np.floating]) -> None:
    w = words(seed, 400)
    shapes = np.full(w.shape, shape, precision)
    native = core.gamma(shapes, w)
    assert native.dtype == precision
    assert_close(native, variate.gamma(shapes.astype(float), w))


@given(SEEDS, st.lists(SHAPES, min_size=1, max_size=12), PRECISIONS)
def test_gamma_of_mixed_shapes(seed: int, choices: list[float], precision: type[np.floating]) -> None:
    w = words(seed, 300)
    shapes = np.resize(np.array(choices, precision), w.shape)
    native = core.gamma(shapes, w)
    assert_close(native, variate.gamma(shapes.astype(float), w))
    for one in range(0, w.size, 37):
        assert core.gamma(shapes[one : one + 1], w[one : one + 1])[0] == native[one]


@pytest.mark.parametrize("level", core.simd_levels())
@given(seed=SEEDS, mean=MEANS, shape=SHAPES, precision=PRECISIONS)
def test_simd_levels_make_the_same_bits(
    level: str, seed: int, mean: float, shape: float, precision: type[np.floating]
) -> None:
    w = words(seed, 300)
    means, shapes = (np.full(w.shape, value, precision) for value in (mean, shape))

    def everything() -> list[np.ndarray]:
        return [
            core.poisson(means, w),
            core.gamma(shapes, w),
            core.normal(w, names(precision)),
            core.exponential(w, names(precision)),
            core.lognormal(0.3, w, names(precision)),
            core.wide_normal(seed, 0, 1, 0, 0, 50),
        ]

    best = everything()
    core.set_simd_level(level)
    try:
        for one, other in zip(everything(), best, strict=True):
            assert_array_equal(one, other)
    finally:
        core.set_simd_level(None)
