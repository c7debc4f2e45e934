"""Pixel-integrated images against GalSim, which gets there by Fourier transforms."""

from __future__ import annotations

import galsim
import numpy as np
import pytest
from numpy.testing import assert_allclose

from getframes.scene import AiryPSF, EllipticalGaussianPSF, GaussianPSF, MoffatPSF
from getframes.scene.psf import NativePSF

RADIAN = 180.0 * 3600.0 / np.pi
EXACT = galsim.GSParams(folding_threshold=1e-4, maxk_threshold=1e-6, kvalue_accuracy=1e-7)
# An Airy pattern falls off so slowly that GalSim folds it; 2e-3 of the light lands evenly on the whole image.
COARSE = galsim.GSParams(folding_threshold=2e-3)
SHEAR = galsim.Shear(q=2.0 / 3.0, beta=30.0 * galsim.degrees)
PAIRS = {
    "gaussian": (GaussianPSF(2.5), galsim.Gaussian(fwhm=2.5, gsparams=EXACT)),
    "undersampled gaussian": (GaussianPSF(0.7), galsim.Gaussian(fwhm=0.7, gsparams=EXACT)),
    "elliptical": (
        EllipticalGaussianPSF(3.0, 2.0, 30.0),
        galsim.Gaussian(fwhm=np.sqrt(6.0), gsparams=EXACT).shear(SHEAR),
    ),
    "moffat": (MoffatPSF(2.5), galsim.Moffat(beta=3.0, fwhm=2.5, gsparams=EXACT)),
    "steep moffat": (MoffatPSF(1.2, 4.765), galsim.Moffat(beta=4.765, fwhm=1.2, gsparams=EXACT)),
    "airy": (AiryPSF(1.0, 2.0 / RADIAN), galsim.Airy(lam_over_diam=2.0, gsparams=COARSE)),
    "obstructed airy": (
        AiryPSF(1.0, 1.3 / RADIAN, 0.4),
        galsim.Airy(lam_over_diam=1.3, obscuration=0.4, gsparams=COARSE),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("offset", [(0.0, 0.0), (0.3, -0.4)])
def test_pixels_agree_to_1e_4_of_the_peak(name: str, offset: tuple[float, float]) -> None:
    psf, profile = PAIRS[name]
    assert isinstance(psf, NativePSF)
    image = np.zeros((25, 25))
    psf.add_source(image, 12.0 + offset[0], 12.0 + offset[1], 1.0, 1.0)
    drawn = profile.drawImage(nx=25, ny=25, scale=1.0, offset=offset, dtype=float).array
    near = np.hypot(*(np.mgrid[:25, :25] - 12)) <= min(psf.truncation_radius_arcsec(1.0), 11.0)
    if "elliptical" in name or "gaussian" in name:
        near[:] = True
    assert_allclose(image[near], drawn[near], rtol=0.0, atol=1e-4 * drawn.max())
