"""The Gaussians of a source, and what leads back from them to its numbers, against the twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes._native import fit as native
from getframes.reference.fit.likelihood import complex_step
from getframes.reference.fit.mixture import mixture

PSF = np.array([[0.9, 0.1, 0.0, 1.2, 0.1, 1.0], [-0.2, 0.0, 0.3, 4.0, 0.0, 5.0]])
INDICES = st.floats(0.5, 0.512) | st.floats(0.99, 1.01) | st.floats(7.9, 8.0)


@st.composite
def galaxies(draw):
    shear, angle = draw(st.floats(0.0, 0.9)), draw(st.floats(0.0, 2.0 * np.pi))
    place = draw(st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0)))
    r_half, n = draw(st.floats(0.0, 10.0)), draw(INDICES)
    return np.array([*place, r_half, n, shear * np.cos(angle), shear * np.sin(angle)])


views = st.tuples(
    st.tuples(st.floats(-50.0, 50.0), st.floats(-50.0, 50.0)),
    st.sampled_from([[[1.0, 0.0], [0.0, 1.0]], [[-5.0, 0.3], [0.2, 4.0]], [[0.0, 2.0], [2.0, 0.0]]]),
)


@given(galaxies(), views)
@settings(max_examples=60)
def test_native_meets_the_reference(source, view):
    position, jacobian = np.array(view[0]), np.array(view[1])
    made, _ = native.mixture(source, *view, PSF)
    exact = mixture(source, position, jacobian, PSF)
    assert_allclose(made, exact, rtol=1e-9, atol=1e-10)
    changes = np.random.default_rng(1).normal(size=made.shape)
    _, slopes = native.mixture(source, *view, PSF, changes)
    wanted = complex_step(lambda own: (changes * mixture(own, position, jacobian, PSF)).sum(), source)
    assert_allclose(slopes, wanted, rtol=1e-7, atol=1e-8 * np.abs(exact).sum())


@given(st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0)), views)
def test_a_star_is_the_psf(place, view):
    made, slopes = native.mixture(np.array(place), *view, PSF, np.ones_like(PSF))
    jacobian = np.array(view[1])
    moved = np.array(view[0]) + jacobian @ place
    assert_allclose(made, PSF + np.array([0.0, *moved, 0.0, 0.0, 0.0]), rtol=1e-12)
    assert_allclose(slopes, 2.0 * jacobian.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("n", [0.51 - 1e-9, 0.51 + 1e-9])
def test_the_mixture_meets_where_its_first_gaussian_comes_in(n):
    source = np.array([0.0, 0.0, 2.0, n, 0.1, 0.2])
    made, _ = native.mixture(source, (0.0, 0.0), np.eye(2).tolist(), PSF)
    at, _ = native.mixture(
        source * [1, 1, 1, 0, 1, 1] + [0, 0, 0, 0.51, 0, 0], (0.0, 0.0), np.eye(2).tolist(), PSF
    )
    assert_allclose(made[: len(at)], at, atol=1e-6)
    assert_allclose(made[len(at) :, 0], 0.0, atol=1e-6)
