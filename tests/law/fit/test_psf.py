"""Mixtures for PSFs: what they were made of comes back, and known profiles are met to figures that the pages state."""

from __future__ import annotations

import math

import galsim
import numpy as np
import pytest
from numpy.testing import assert_allclose

from getframes import AiryPSF, GaussianPSF, MoffatPSF
from getframes.fit import PsfMixture, fit_psf, fit_psf_field
from getframes.psfmatch import MixturePSF, ScenePSF

TWO = PsfMixture(np.array([[0.7, 0.1, -0.2, 1.2, 0.1, 1.0], [0.3, 0.3, 0.1, 5.0, -0.8, 6.0]]))


def stamp_of(psf, side=31):
    return ScenePSF(psf, 1.0, side=side).stamp(0, 0)


@pytest.mark.parametrize("sigma", [0.4, 0.6, 1.0, 3.0])
def test_pixels_of_a_gaussian_are_those_of_the_error_function(sigma):
    edges = np.arange(-10.5, 11.0)
    row = np.diff([0.5 * math.erf(edge / sigma / math.sqrt(2.0)) for edge in edges])
    stamp = PsfMixture.gaussian(sigma).stamp(21)
    assert np.abs(stamp - np.outer(row, row)).max() < 1e-5 * stamp.max()


def test_pixels_of_a_sheared_gaussian_are_those_of_galsim():
    xx, xy, yy = 1.2, 0.6, 2.0
    theirs = galsim.Gaussian(sigma=1.0).transform(*np.linalg.cholesky([[xx, xy], [xy, yy]]).ravel())
    # A triangular matrix: galsim keeps the flux of a transformed profile only where its determinant is 1.
    theirs = theirs.withFlux(1.0).drawImage(nx=25, ny=25, scale=1.0, method="auto").array
    ours = PsfMixture(np.array([[1.0, 0.0, 0.0, xx, xy, yy]])).stamp(25)
    assert np.abs(ours - theirs).max() < 2e-4 * ours.max()


@pytest.mark.parametrize(("oversampling", "pixel"), [(1, "stamp"), (3, "stamp"), (3, "detector")])
def test_a_mixture_comes_back(oversampling, pixel):
    stamp = TWO.stamp(33 * oversampling, oversampling, pixel=pixel)
    found = fit_psf(stamp, 2, oversampling=oversampling, pixel=pixel, enclosed=float(TWO.stamp(33).sum()))
    assert_allclose(found.components, TWO.components, atol=2e-4)
    assert max(found.residual) < 1e-5


def test_a_stamp_of_detector_pixels_is_the_sum_of_finer_ones():
    fine = TWO.stamp(60, 4)
    assert_allclose(fine.reshape(15, 4, 15, 4).sum(axis=(1, 3)), TWO.stamp(15), atol=1e-8)


def test_the_detector_pixel_is_counted_once():
    """Samples of what detector pixels see, taken on a finer grid, are those of the detector at every fourth place."""
    assert_allclose(TWO.stamp(37, 4, pixel="detector")[2::4, 2::4] * 16.0, TWO.stamp(9), atol=1e-9)


@pytest.mark.parametrize(
    ("psf", "n", "signed", "rms", "enclosed"),
    [
        (GaussianPSF(3.0), 1, False, 1e-6, 1e-6),
        (MoffatPSF(3.0, 2.5), 3, False, 4e-4, 1.2e-2),
        (MoffatPSF(3.0, 3.5), 3, False, 1.5e-4, 4e-3),
        (MoffatPSF(3.0, 5.0), 3, False, 5e-5, 1e-3),
        (MoffatPSF(3.0, 5.0), 2, False, 5e-4, 8e-3),
        (AiryPSF(1.0, 3.0 / 206264.8 / 1.029), 3, False, 6e-3, 4e-2),
        (AiryPSF(1.0, 3.0 / 206264.8 / 1.029), 3, True, 3e-3, 6e-2),
    ],
)
def test_profiles_are_met(psf, n, signed, rms, enclosed):
    found = fit_psf(stamp_of(psf), n, signed=signed)
    assert found.residual.rms < rms
    assert found.residual.enclosed < enclosed
    assert abs(found.components[:, 0].sum() - 1.0) < 1e-12
    assert signed or (found.components[:, 0] >= 0.0).all()


def test_elliptical_psf_of_the_matching_room():
    """Another room's models come as arrays."""
    model = MixturePSF([0.8, 0.2], [1.3, 3.0], axis_ratio=[0.7, 0.9], angle_deg=[30.0, 80.0], side=41)
    found = fit_psf(model.stamp(0, 0), 2)
    assert max(found.residual) < 1e-5
    assert_allclose(found.components[:, 0], [0.8, 0.2], atol=1e-4)


def test_noise_of_a_star_and_pixels_without_a_value():
    rng = np.random.default_rng(4)
    truth = TWO.stamp(25) * 1e5
    variance = truth + 25.0
    star = truth + rng.normal(size=truth.shape) * np.sqrt(variance)
    weight = 1.0 / variance
    weight[3, 4], star[3, 4] = 0.0, np.nan
    found = fit_psf(star, 2, weight=weight)
    chi2 = (((found.stamp(25) * np.nansum(star) - star)[weight > 0]) ** 2 * weight[weight > 0]).sum()
    assert chi2 < 25**2 + 4 * math.sqrt(2 * 25**2)


def test_light_beyond_the_stamp_is_in_the_wings():
    wide = stamp_of(MoffatPSF(3.0, 2.5), 201)
    share = float(wide[85:116, 85:116].sum())
    found = fit_psf(wide[85:116, 85:116], 4, enclosed=share)
    assert_allclose(found.stamp(31).sum(), share, atol=3e-3)
    assert_allclose(found.stamp(31), wide[85:116, 85:116], atol=1e-3 * wide.max())


def test_a_field_is_interpolated():
    positions = np.array([0.0, 50.0, 100.0])
    sigmas = 1.0 + 0.004 * positions
    stamps = np.array(
        [[PsfMixture.normalized([[0.8, 0, 0, a * b, 0, a * b], [0.2, 0, 0, 9 * a * b, 0, 9 * a * b]]).stamp(35)
          for a in sigmas] for b in sigmas]
    )  # fmt: skip
    field = fit_psf_field(stamps, positions, positions, 2)
    assert np.array(field.residuals).max() < 1e-4
    s = (1.0 + 0.004 * 25.0) * (1.0 + 0.004 * 80.0)
    expected = PsfMixture.normalized([[0.8, 0, 0, s, 0, s], [0.2, 0, 0, 9 * s, 0, 9 * s]]).stamp(35)
    assert np.abs(field.at(25.0, 80.0).stamp(35) - expected).max() < 3e-3 * expected.max()
    assert_allclose(field.at(-9.0, 300.0).components, field.components[2, 0], rtol=1e-12)
