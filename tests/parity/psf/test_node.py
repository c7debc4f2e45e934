"""The kernel of a place, against its twin; the same bits on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes import set_num_threads
from getframes._native import psf as native
from getframes.errors import DomainError, ShapeError
from getframes.reference.psf.convolve import convolve
from getframes.reference.psf.node import kernel


def systems(seed, count, side, size=9):
    """Autocorrelations of stamps, their correlations with others, and ridges."""
    rng = np.random.default_rng(seed)
    lags, rights, ridges = [], [], []
    for _ in range(count):
        source, target = rng.random((2, size, size))
        reach = side - 1
        around = [np.pad(stamp, reach) for stamp in (source, target)]
        both = [convolve(each, source[None, ::-1, ::-1], [None], edge="zero") for each in around]
        middle = both[0].shape[0] // 2
        auto, cross = both
        lags.append(auto[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1])
        half = side // 2
        rights.append(cross[middle - half : middle + half + 1, middle - half : middle + half + 1])
        ridges.append(10.0 ** rng.uniform(-4, 0) * (source**2).sum())
    return tuple(np.ascontiguousarray(array) for array in (lags, rights, ridges))


def native_kernels(lags, rights, ridges):
    out = np.full(rights.shape, np.nan)
    native.node_kernels(lags, rights, ridges, out)
    return out


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(0, 6))
@settings(max_examples=60)
def test_native_meets_the_reference(seed, count, half):
    lags, rights, ridges = systems(seed, count, 2 * half + 1)
    got = native_kernels(lags, rights, ridges)
    for made, *system in zip(got, lags, rights, ridges, strict=True):
        exact = kernel(*system)
        assert abs(made.sum() - 1.0) < 1e-12 * np.abs(made).sum()
        # Condition times rounding.
        assert_allclose(made, exact, rtol=0, atol=1e-9 * np.abs(exact).max())


def test_threads_change_nothing():
    system, made = systems(1, 9, 15), []
    for threads in (1, 2, 5):
        set_num_threads(threads)
        made.append(native_kernels(*system))
    set_num_threads(None)
    assert_array_equal(made[0], made[1])
    assert_array_equal(made[0], made[2])


def test_what_cannot_be_solved_is_named():
    with pytest.raises(DomainError, match="ridge must be large enough to solve for a kernel, got 0"):
        native_kernels(np.zeros((1, 5, 5)), np.ones((1, 3, 3)), np.zeros(1))
    with pytest.raises(ShapeError, match="lags"):
        native_kernels(np.zeros((1, 5, 4)), np.ones((1, 3, 3)), np.zeros(1))
