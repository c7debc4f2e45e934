"""A Gaussian on pixels, and the slopes of sums over it, against the twin."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes._native import fit as native
from getframes.reference.fit.gaussian import gaussian
from getframes.reference.fit.likelihood import complex_step

ROWS, COLUMNS = np.mgrid[:8, :8]


@st.composite
def components(draw):
    """Of every width, from a quarter of a pixel to several tiles, elongated in any direction."""
    width = 10.0 ** draw(st.floats(-0.6, 1.3))
    ratio, angle = draw(st.floats(0.25, 1.0)), draw(st.floats(0.0, np.pi))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    xx, xy, _, yy = (turn @ np.diag([width**2, (ratio * width) ** 2]) @ turn.T).ravel()
    x, y = draw(st.floats(-20.0, 20.0)), draw(st.floats(-20.0, 20.0))
    return np.array([draw(st.sampled_from([-0.3, 1.0, 2.0])), x, y, xx, xy, yy])


@given(components(), st.integers(0, 2**32))
@settings(max_examples=200)
def test_native_meets_the_reference(component, seed):
    numbers = np.random.default_rng(seed).normal(size=(8, 8))
    x, y = COLUMNS + 3, ROWS - 5
    image, slopes = native.gaussian(component, (3, -5), numbers)
    weight, _, _, xx, xy, yy = component
    peak = 1.0 / (2.0 * np.pi * np.sqrt(xx * yy - xy**2))
    assert_allclose(image, gaussian(component, x, y), rtol=0, atol=2e-8 * peak * abs(weight))
    exact = complex_step(lambda own: (gaussian(own, x, y) * numbers).sum(), component)
    narrowest = np.linalg.eigvalsh([[xx, xy], [xy, yy]])[0]
    per_pixel = np.repeat([0.0, -0.5, -1.0], [1, 2, 3])
    scale = peak * np.repeat([1.0, abs(weight)], [1, 5]) * narrowest**per_pixel
    assert_allclose(slopes / scale, exact / scale, rtol=1e-9, atol=1e-5)
