"""The mixture of an Airy pattern against its definition, and against the pattern itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import special

from getframes._native import deposit
from getframes.errors import DomainError
from getframes.reference.profile.airy import airy, blurred, gaussians, narrowest, transfer
from getframes.scene.psf.airy import _transfer

RADII = np.concatenate([np.linspace(0.0, 16.0, 161), np.geomspace(16.0, 60.0, 60)[1:]])
AREA = 2.0 * np.pi * RADII * np.gradient(RADII)


def native(resolution: float, obstruction: float) -> tuple[np.ndarray, np.ndarray]:
    pairs, wings, _ = deposit.airy(resolution, obstruction)
    variance, share = np.array(pairs).T
    assert wings == 3
    return variance, share


@pytest.mark.parametrize("obstruction", [0.0, 0.15, 0.3, 0.8])
def test_the_table_is_the_definition(obstruction: float) -> None:
    for got, want in zip(native(1.7, obstruction), airy(1.7, obstruction), strict=True):
        assert_allclose(got, want, rtol=1e-6, atol=1e-7)


@settings(max_examples=12)
@given(st.floats(0.0, 0.8), st.floats(1.0, 4.0))
def test_behind_a_blur_it_is_the_pattern(obstruction: float, factor: float) -> None:
    """2e-3 of the peak and of the light, also between the knots of the table."""
    sigma = factor * narrowest(obstruction)
    assert_allclose(deposit.airy(1.0, obstruction)[2], narrowest(obstruction), rtol=1e-12)
    exact = blurred(RADII, obstruction, sigma)
    mixture = gaussians(RADII, native(1.0, obstruction)[1], sigma)
    assert np.abs(mixture - exact).max() < 3e-3 * exact.max()
    assert (np.abs(mixture - exact) * AREA).sum() < 3e-3


@given(st.floats(0.0, 0.99))
def test_shares_are_positive_and_leave_out_the_far_wings(obstruction: float) -> None:
    variance, share = native(1.0, obstruction)
    assert (share >= 0.0).all()
    assert (np.diff(variance) > 0.0).all()
    if obstruction <= 0.8:
        beyond = 2.0 / math.pi**2 / (1.0 - obstruction) / 64.0
        assert 0.5 * beyond < 1.0 - share.sum() < 1.3 * beyond


@given(st.floats(0.0, 0.95), st.floats(0.0, 1.2))
def test_the_transform_is_the_overlap_of_two_pupils(obstruction: float, frequency: float) -> None:
    at = np.array([frequency])
    assert_allclose(_transfer(at, obstruction), transfer(at, obstruction), rtol=0.0, atol=2e-6)
    if frequency >= 1.0:
        assert abs(_transfer(at, obstruction)[0]) < 1e-6


@pytest.mark.parametrize("obstruction", [0.0, 0.3])
def test_the_pattern_is_the_transform_of_its_transform(obstruction: float) -> None:
    """A blur of 0.05 lambda / D changes the pattern little: Born and Wolf's amplitude, squared."""
    radius = np.array([0.2, 0.6, 1.5, 2.3])
    v = np.pi * radius
    amplitude = 2.0 * special.j1(v) / v
    if obstruction > 0.0:
        amplitude -= obstruction**2 * 2.0 * special.j1(obstruction * v) / (obstruction * v)
    pattern = np.pi / 4.0 / (1.0 - obstruction**2) * amplitude**2
    assert_allclose(blurred(radius, obstruction, 0.005), pattern, rtol=0.0, atol=3e-4)


@pytest.mark.parametrize(
    ("resolution", "obstruction", "message"),
    [
        (0.0, 0.0, "resolution_px must be > 0"),
        (np.nan, 0.0, "resolution_px must be > 0"),
        (1.0, 1.0, r"obstruction must be in \[0, 1\)"),
        (1.0, -0.1, r"obstruction must be in \[0, 1\)"),
    ],
)
def test_impossible_patterns(resolution: float, obstruction: float, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        deposit.airy(resolution, obstruction)
