"""Where the light goes: nothing gained, and lost only beyond the edge and the stated reach."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes.scene import AiryPSF, ArrayPSF, EllipticalGaussianPSF, GaussianPSF, MoffatPSF
from getframes.scene.psf import NativePSF

ARCSEC = np.pi / (180.0 * 3600.0)
KERNEL = np.outer([1.0, 2.0, 1.0], [1.0, 3.0, 5.0, 1.0])
# PSF, and the most of its light that may be beyond its reach.
PSFS = [
    (GaussianPSF(2.5), 1.2e-6),
    (GaussianPSF(0.1), 1.2e-6),
    (EllipticalGaussianPSF(3.0, 2.0, 30.0), 6e-6),
    (EllipticalGaussianPSF(20.0, 18.0, 30.0), 6e-6),
    (MoffatPSF(2.5), 1.1e-3),
    (MoffatPSF(0.6, 4.0), 1.1e-3),
    (MoffatPSF(14.0, 4.765), 1.1e-3),
    (AiryPSF(1.0, 1.1 * ARCSEC), 0.015),
    (AiryPSF(1.0, 2.0 * ARCSEC, 0.3), 0.021),
    (ArrayPSF(KERNEL), 0.0),
]
CENTRE = st.floats(99.5, 100.5)


def image_of(psf: NativePSF, x: float, y: float, flux: float = 1.0) -> np.ndarray:
    image = np.zeros((201, 201))
    psf.add_source(image, x, y, flux, 1.0)
    return image


@pytest.mark.parametrize(("psf", "most_lost"), PSFS)
@given(x=CENTRE, y=CENTRE)
def test_light_is_conserved(psf: NativePSF, most_lost: float, x: float, y: float) -> None:
    image = image_of(psf, x, y)
    lost = 1.0 - image.sum()
    assert (image >= 0.0).all()
    assert -1e-4 * image.max() <= lost <= most_lost * 1.5 + 1e-4 * image.max()


@pytest.mark.parametrize(("psf", "most_lost"), PSFS)
def test_the_stated_loss_is_that_of_a_centred_star(psf: NativePSF, most_lost: float) -> None:
    lost = psf.lost_flux(1.0)
    assert 0.0 <= lost <= most_lost
    assert_allclose(1.0 - image_of(psf, 100.0, 100.0).sum(), lost, rtol=0.0, atol=1e-5)


@pytest.mark.parametrize(("psf", "most_lost"), PSFS)
def test_no_light_beyond_the_stated_reach(psf: NativePSF, most_lost: float) -> None:
    image = image_of(psf, 100.0, 100.0)
    reach = psf.truncation_radius_arcsec(1.0)
    y, x = np.nonzero(image)
    assert np.abs(np.stack([x, y]) - 100).max() <= reach


@pytest.mark.parametrize(("psf", "most_lost"), PSFS[:-1])
@given(x=CENTRE, y=CENTRE)
def test_the_centroid_is_the_position(psf: NativePSF, most_lost: float, x: float, y: float) -> None:
    image = image_of(psf, x, y)
    if psf.truncation_radius_arcsec(1.0) < 4.0:
        return  # the light of a star inside one pixel says little about where it is
    coordinates = np.arange(201)
    centroid = image.sum(axis=0) @ coordinates, image.sum(axis=1) @ coordinates
    assert_allclose(np.array(centroid) / image.sum(), (x, y), rtol=0.0, atol=0.01)


def test_half_a_star_on_the_edge() -> None:
    image = np.zeros((41, 41))
    GaussianPSF(3.0).add_source(image, -0.5, 20.0, 10.0, 1.0)
    assert_allclose(image.sum(), 5.0, rtol=1e-6)


def test_positions_far_away_are_lost() -> None:
    image = np.zeros((20, 30))
    for psf, _ in PSFS:
        for far in (-1e3, 1e3, 1e18, -1e300):
            psf.add_source(image, far, 5.0, 1.0, 1.0)
            psf.add_source(image, 5.0, far, 1.0, 1.0)
    assert not image.any()


def test_moments_of_the_elliptical_gaussian() -> None:
    """The angle is from +x towards +y, and a pixel adds 1/12 to both variances."""
    image = image_of(EllipticalGaussianPSF(6.0, 3.0, 30.0), 100.0, 100.0)
    along, across = (6.0 / 2.354820045) ** 2, (3.0 / 2.354820045) ** 2
    offset = np.arange(201) - 100.0
    cos, sin = np.cos(np.radians(30.0)), 0.5
    atol = 2e-3
    assert_allclose(
        (image.sum(axis=0) * offset**2).sum(), along * cos**2 + across * sin**2 + 1 / 12, atol=atol
    )
    assert_allclose(
        (image.sum(axis=1) * offset**2).sum(), along * sin**2 + across * cos**2 + 1 / 12, atol=atol
    )
    assert_allclose(offset @ image @ offset, (along - across) * sin * cos, atol=atol)


def test_half_maximum_of_moffat() -> None:
    """A well sampled profile is half its peak at half its FWHM."""
    image = np.zeros((101, 101))
    MoffatPSF(40.0, 3.0).add_source(image, 50.0, 50.0, 1.0, 1.0)
    assert_allclose(image[50, 70] / image[50, 50], 0.5, rtol=2e-3)


def test_first_zero_of_airy() -> None:
    """1.22 lambda / D without an obstruction; 1.0 of the way to it nothing is left."""
    image = np.zeros((301, 301))
    AiryPSF(1.0, 50.0 * ARCSEC).add_source(image, 150.0, 150.0, 1.0, 1.0)
    profile = image[150, 150:]
    assert np.argmin(profile[:80]) == 61
    assert profile[61] < 1e-4 * profile[0]
