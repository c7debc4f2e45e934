"""Principal components of kernels, against NumPy's: the same strengths, and the same sums of any number of components."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes import set_num_threads
from getframes._native import psf as native
from getframes.errors import DomainError, ShapeError
from getframes.reference.psf.field import components


def native_components(rows):
    rank = min(rows.shape)
    scores, parts = np.full((rows.shape[0], rank), np.nan), np.full((rank, rows.shape[1]), np.nan)
    native.components(rows, scores, parts)
    return scores, parts


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 60))
@settings(max_examples=80)
def test_native_meets_the_reference(seed, count, pixels):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, pixels)) * 10.0 ** -rng.uniform(0, 6, pixels)
    (scores, parts), (exact_scores, exact_parts) = native_components(rows), components(rows)
    size = np.linalg.norm(rows)
    assert_allclose(
        np.linalg.norm(scores, axis=0), np.linalg.norm(exact_scores, axis=0), rtol=0, atol=1e-13 * size
    )
    assert_allclose(scores @ parts, rows, rtol=0, atol=1e-13 * size)
    assert_allclose(parts @ parts.T, np.eye(len(parts)), atol=1e-12)
    strength = np.linalg.norm(exact_scores, axis=0)
    for kept in range(1, len(parts)):
        if strength[kept - 1] > 2.0 * strength[kept]:  # else the two may mix
            assert_allclose(
                scores[:, :kept] @ parts[:kept],
                exact_scores[:, :kept] @ exact_parts[:kept],
                rtol=0,
                atol=1e-12 * size,
            )


def test_threads_change_nothing():
    rows, made = np.random.default_rng(1).normal(size=(36, 441)), []
    for threads in (1, 2):
        set_num_threads(threads)
        made.append(native_components(rows))
    set_num_threads(None)
    for one, other in zip(*made, strict=True):
        assert_array_equal(one, other)


def test_what_has_no_components_is_named():
    with pytest.raises(DomainError, match="kernels must be finite, got NaN"):
        native_components(np.full((3, 4), np.nan))
    with pytest.raises(ShapeError, match="scores"):
        native.components(np.zeros((3, 4)), np.zeros((2, 3)), np.zeros((3, 4)))
