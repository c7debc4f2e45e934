"""Native deposition against its NumPy twin, pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from getframes._native.deposit import Profile
from getframes.reference import deposit as reference
from tests.parity.scene.stars import SHAPES, Stars, draw, stars

SAMPLED = 3e-5  # of the peak: half the stated 1e-4, twice over


def assert_near_peak(native: NDArray[Any], exact: NDArray[np.float64], sources: Stars, peak: float) -> None:
    """Every pixel to a fraction of the peaks that the stars would have."""
    total = sum(flux for _, _, flux in sources)
    assert (native >= 0.0).all()
    assert_allclose(native, exact, rtol=0.0, atol=SAMPLED * peak * total + 1e-30)


@given(SHAPES, stars(), st.floats(0.05, 30.0))
def test_gaussian_in_double(shape: tuple[int, int], sources: Stars, sigma: float) -> None:
    native = draw(Profile.gaussian(sigma), shape, sources)
    assert_allclose(native, reference.gaussian(shape, sources, sigma), rtol=1e-9, atol=1e-290)


@given(SHAPES, stars(), st.floats(0.05, 30.0))
def test_gaussian_in_single(shape: tuple[int, int], sources: Stars, sigma: float) -> None:
    native = draw(Profile.gaussian(sigma), shape, sources, np.float32)
    assert_allclose(native, reference.gaussian(shape, sources, sigma), rtol=1e-4, atol=1e-30)


@given(SHAPES, stars(), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_array(shape: tuple[int, int], sources: Stars, rows: int, columns: int, seed: int) -> None:
    kernel = np.random.default_rng(seed).random((rows, columns))
    kernel /= kernel.sum()
    exact = reference.array(shape, sources, kernel)
    assert_allclose(draw(Profile.array(kernel), shape, sources), exact, rtol=0.0, atol=1e-9)
    assert_allclose(draw(Profile.array(kernel), shape, sources, np.float32), exact, rtol=6e-7, atol=0.02)


@settings(max_examples=10)
@given(stars(2), st.sampled_from([np.float32, np.float64]))
@pytest.mark.parametrize(
    ("fwhm", "beta", "panels"),
    [(0.1, 3.0, 12), (0.5, 2.5, 6), (1.5, 3.0, 2), (2.5, 4.765, 1), (14.0, 3.0, 1)],
)
def test_moffat(fwhm: float, beta: float, panels: int, sources: Stars, dtype: Any) -> None:
    exact = reference.moffat((40, 40), sources, fwhm, beta, panels)
    peak = reference.moffat((1, 1), [(0.0, 0.0, 1.0)], fwhm, beta, panels)[0, 0]
    assert_near_peak(draw(Profile.moffat(fwhm, beta), (40, 40), sources, dtype), exact, sources, peak)


@settings(max_examples=10)
@given(stars(2), st.sampled_from([np.float32, np.float64]))
@pytest.mark.parametrize(
    ("resolution", "obstruction", "panels"),
    [(0.1, 0.0, 6), (0.6, 0.3, 3), (1.1, 0.0, 2), (2.0, 0.5, 1), (13.0, 0.2, 1)],
)
def test_airy(resolution: float, obstruction: float, panels: int, sources: Stars, dtype: Any) -> None:
    exact = reference.airy((40, 40), sources, resolution, obstruction, panels)
    peak = reference.airy((1, 1), [(0.0, 0.0, 1.0)], resolution, obstruction, panels)[0, 0]
    assert_near_peak(
        draw(Profile.airy(resolution, obstruction), (40, 40), sources, dtype), exact, sources, peak
    )


@settings(max_examples=10)
@given(stars(2), st.floats(-400.0, 400.0), st.sampled_from([np.float32, np.float64]))
@pytest.mark.parametrize(
    ("along", "across", "panels"),
    [(0.05, 0.3, 12), (1.3, 0.8, 2), (0.4, 5.0, 4), (7.0, 6.5, 1), (6.5, 12.0, 1)],
)
def test_elliptical(
    along: float, across: float, panels: int, sources: Stars, angle: float, dtype: Any
) -> None:
    exact = reference.elliptical((40, 40), sources, along, across, angle, panels)
    peak = reference.elliptical((1, 1), [(0.0, 0.0, 1.0)], along, across, angle, panels)[0, 0]
    native = draw(Profile.elliptical(along, across, angle), (40, 40), sources, dtype)
    assert_near_peak(native, exact, sources, peak)
