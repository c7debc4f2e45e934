"""The convolution with a kernel that varies, against its twin and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import fftconvolve

from getframes import set_num_threads
from getframes._native import psf as native
from getframes.errors import ShapeError
from getframes.reference.psf.convolve import convolve

ROUNDING = {"float64": 1e-14, "float32": 2e-6}
"""Of the largest |image| times the sum of |K S|."""


def native_convolve(image, kernels, surfaces, edge):
    out = np.full(image.shape, np.nan, image.dtype)
    native.convolve((image, out), kernels, surfaces, edge=edge)
    return out


@st.composite
def cases(draw):
    """Images of any shape, kernels of any odd side (direct and transformed), surfaces of any degree."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    height, width = draw(st.integers(1, 120)), draw(st.integers(1, 120))
    edge = draw(st.sampled_from(["zero", "reflect"]))
    most = min(41, 2 * min(height, width) - 1) if edge == "reflect" else 41
    side = 2 * draw(st.integers(0, most // 2)) + 1
    parts = draw(st.integers(1, 3))
    degrees = st.tuples(st.integers(1, 5), st.integers(1, 5))
    surfaces = [draw(st.none() | degrees) for _ in range(parts)]
    made = [None if shape is None else rng.normal(size=shape) for shape in surfaces]
    return rng.normal(10.0, 5.0, (height, width)), rng.normal(size=(parts, side, side)), made, edge


@given(cases(), st.sampled_from(["float64", "float32"]))
@settings(max_examples=150)
def test_native_meets_the_reference(case, precision):
    image, kernels, surfaces, edge = case
    image = image.astype(precision)
    exact = convolve(image.astype(float), kernels, surfaces, edge=edge)
    shares = [1.0 if surface is None else np.abs(surface).sum() for surface in surfaces]
    size = np.abs(image).max() * sum(
        np.abs(kernel).sum() * share for kernel, share in zip(kernels, shares, strict=True)
    )
    got = native_convolve(image, kernels, surfaces, edge)
    assert got.dtype == precision
    assert_allclose(got, exact, rtol=0, atol=ROUNDING[precision] * float(size))


@pytest.mark.parametrize(("precision", "bound"), [("float64", 1e-12), ("float32", 5e-6)])
@pytest.mark.parametrize("side", [3, 7, 9, 21, 41, 81])
def test_scipy_agrees(precision, bound, side):
    rng = np.random.default_rng(side)
    image, kernel = rng.normal(100.0, 10.0, (601, 733)), rng.random((side, side))
    kernel /= kernel.sum()
    exact = fftconvolve(image, kernel, mode="same")
    got = native_convolve(image.astype(precision), kernel[None], [None], "zero")
    assert np.abs(got - exact).max() <= bound * np.abs(exact).max()


@pytest.mark.parametrize("side", [5, 15])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_threads_change_nothing(side, precision):
    rng = np.random.default_rng(3)
    image = rng.normal(size=(401, 523)).astype(precision)
    kernels, surfaces = rng.normal(size=(2, side, side)), [None, rng.normal(size=(3, 4))]
    made = []
    for threads in (1, 2, 5):
        set_num_threads(threads)
        made.append(native_convolve(image, kernels, surfaces, "zero"))
    set_num_threads(None)
    assert_array_equal(made[0], made[1])
    assert_array_equal(made[0], made[2])


def test_a_point_becomes_the_kernel_of_its_place():
    image = np.zeros((64, 80))
    image[20, 30] = 1.0
    kernel = np.random.default_rng(1).random((9, 9))
    assert_allclose(native_convolve(image, kernel[None], [None], "zero")[16:25, 26:35], kernel, atol=1e-15)


def test_shapes_that_do_not_fit_are_named():
    image = np.zeros((20, 30))
    with pytest.raises(ShapeError, match="kernel"):
        native_convolve(image, np.zeros((1, 4, 4)), [None], "zero")
    with pytest.raises(ShapeError, match="image"):
        native.convolve((image, np.zeros((20, 31))), np.zeros((1, 3, 3)), [None], edge="zero")
    with pytest.raises(ValueError, match="edge must be zero or reflect, got wrap"):
        native_convolve(image, np.zeros((1, 3, 3)), [None], "wrap")
