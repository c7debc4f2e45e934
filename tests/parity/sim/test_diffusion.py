"""Charge diffusion on oversampled maps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import getframes
from getframes import apply_charge_diffusion, charge_diffusion_kernel
from getframes.errors import DomainError, ShapeError
from getframes.noise.diffusion import FWHM_PER_SIGMA
from getframes.reference.sim.diffusion import diffusion, line
from tests.parity.sim.stages import PRECISIONS, SHAPES, charges, rounding

WIDTHS = st.floats(0.25, 6.0)


@given(SHAPES, PRECISIONS, st.integers(0, 99), WIDTHS, st.integers(4, 7))
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, fwhm_px: float, oversampling: int
) -> None:
    light = charges(shape, precision, seed, 1e5)
    native = apply_charge_diffusion(light, fwhm_px, oversampling=oversampling)
    exact = diffusion(light.astype(float), fwhm_px * oversampling / FWHM_PER_SIGMA)
    assert native.dtype == precision
    # Weights are differences of the error function, known to its rounding.
    assert_allclose(native, exact, rtol=4.0 * rounding(precision), atol=4e-15 * light.max())


@given(WIDTHS, st.integers(4, 9))
def test_the_kernel_is_that_of_the_reference(fwhm_px: float, oversampling: int) -> None:
    weights = line(fwhm_px * oversampling / FWHM_PER_SIGMA)
    kernel = charge_diffusion_kernel(fwhm_px, oversampling=oversampling)
    assert_allclose(kernel, np.outer(weights, weights), rtol=0.0, atol=1e-15)
    assert kernel.sum() == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize(("fwhm_px", "oversampling"), [(0.5, 8), (1.0, 5), (2.0, 3)])
def test_a_cloud_has_the_width_that_was_asked_for(fwhm_px: float, oversampling: int) -> None:
    kernel = charge_diffusion_kernel(fwhm_px, oversampling=oversampling)
    at = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    variance = (kernel.sum(axis=0) * at**2).sum()
    sigma = fwhm_px * oversampling / FWHM_PER_SIGMA
    assert variance == pytest.approx(sigma**2 + 1.0 / 12.0, rel=2e-3)  # the box of a sample, less the cut


def test_light_is_kept_away_from_the_edges() -> None:
    light = np.zeros((60, 80))
    light[20:40, 20:60] = 7.0
    assert apply_charge_diffusion(light, 1.0, oversampling=3).sum() == pytest.approx(light.sum(), rel=1e-13)
    corner = apply_charge_diffusion(np.ones((60, 80)), 1.0, oversampling=3)[0, 0]
    centre = charge_diffusion_kernel(1.0, oversampling=3).sum(axis=0).max()
    assert corner == pytest.approx(((1.0 + centre) / 2.0) ** 2)


def test_threads_change_nothing_and_neither_does_the_input() -> None:
    light = charges((200, 301), "float32", 4, 1e4)
    before = light.copy()
    results = []
    threads = getframes.num_threads()
    for count in (1, 3):
        getframes.set_num_threads(count)
        results.append(apply_charge_diffusion(light, 0.8, oversampling=4))
    getframes.set_num_threads(threads)
    assert_array_equal(results[0], results[1])
    assert_array_equal(light, before)


def test_no_width_is_no_diffusion() -> None:
    light = charges((9, 8), "float64", 4, 1e4)
    same = apply_charge_diffusion(light, 0.0, oversampling=1)
    assert_array_equal(same, light)
    assert same is not light and charge_diffusion_kernel(0.0, oversampling=3).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("fwhm_px", "oversampling", "words"),
    [
        (-1.0, 2, "fwhm_px must be finite and >= 0 px, got -1.0"),
        (np.nan, 2, "fwhm_px must be finite and >= 0 px, got nan"),
        ("wide", 2, "fwhm_px must be finite and >= 0 px, got 'wide'"),
        (1.0, 0, "oversampling must be an integer >= 1, got 0"),
        (1.0, 2.5, "oversampling must be an integer >= 1, got 2.5"),
        (0.3, 3, "oversampling must be at least 4 for a fwhm_px of 0.3, got 3"),
    ],
)
def test_bad_widths_are_named(fwhm_px: float, oversampling: int, words: str) -> None:
    with pytest.raises(DomainError, match=words):
        charge_diffusion_kernel(fwhm_px, oversampling=oversampling)
    with pytest.raises(DomainError, match=words):
        apply_charge_diffusion(np.ones((4, 4)), fwhm_px, oversampling=oversampling)


def test_bad_maps_are_named() -> None:
    with pytest.raises(ShapeError, match=r"values must have shape \(height, width\), got \(4,\)"):
        apply_charge_diffusion(np.ones(4), 1.0, oversampling=2)
    with pytest.raises(DomainError, match=r"values must be finite, got nan at \(y, x\) = \(0, 0\)"):
        apply_charge_diffusion(np.full((4, 4), np.nan), 1.0, oversampling=2)
