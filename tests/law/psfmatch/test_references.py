"""Kernels and images against packages that have nothing to do with this one: photutils, pypher, scipy, galsim."""

from __future__ import annotations

import galsim
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import fftconvolve

from getframes.psfmatch import MatchConfig, PixelPSF, match_psf

SIDE = 61
AT = np.arange(SIDE) - SIDE // 2


def gaussian(sigma, ratio=1.0):
    made = np.exp(-0.5 * ((AT / sigma) ** 2 + (AT[:, None] / (ratio * sigma)) ** 2))
    return made / made.sum()


def drawn(light):
    made = light.drawImage(nx=SIDE, ny=SIDE, scale=1.0).array.astype(float)
    return made / made.sum()


CASES = {
    "gaussians": (gaussian(1.2), gaussian(2.0)),
    "ellipse": (gaussian(1.2), gaussian(2.4, 0.8)),
    "moffats": (drawn(galsim.Moffat(4.5, fwhm=2.4)), drawn(galsim.Moffat(4.5, fwhm=3.8))),
}
ALIKE = {"make_kernel": 1e-3, "make_wiener_kernel": 0.05, "pypher": 0.15}
"""Differences from our kernel, over its peak; those that penalize more let go of more."""


def matched(source, target, image=None, **config):
    image = np.ones((64, 64)) if image is None else image
    config = MatchConfig(kernel_size=31, **config)
    return match_psf(image, PixelPSF(target), psf=PixelPSF(source), config=config)


def residual(source, kernel, target):
    made = fftconvolve(source, kernel)
    rest = made - np.pad(target, (made.shape[0] - SIDE) // 2)
    return np.sqrt((rest**2).sum() / (target**2).sum())


def others(source, target):
    psf_matching = pytest.importorskip("photutils.psf_matching")
    pypher = pytest.importorskip("pypher.pypher")
    yield "make_kernel", psf_matching.make_kernel(source, target)
    yield "make_wiener_kernel", psf_matching.make_wiener_kernel(source, target)
    yield "pypher", pypher.homogenization_kernel(target, source, reg_fact=1e-4)[0]


@pytest.mark.parametrize("case", CASES)
def test_other_packages_find_the_same_kernel(case):
    """Their regularization is 1e-4, ours 1e-6. A hard threshold (make_kernel) has none where PSFs have power, and fits those without noise better still."""
    source, target = CASES[case]
    own = matched(source, target)
    kernel = np.pad(own.kernel(32, 32), (SIDE - 31) // 2)
    assert_allclose(residual(source, kernel, target), own.residual, rtol=1e-3, atol=1e-9)
    for name, other in others(source, target):
        assert np.abs(other - kernel).max() < ALIKE[name] * kernel.max(), name
        if name != "make_kernel":
            assert own.residual < 0.1 * residual(source, other, target), name


def test_scipy_convolves_alike():
    rng = np.random.default_rng(4)
    image = rng.normal(100.0, 10.0, (120, 150))
    result = matched(*CASES["moffats"], image)
    exact = fftconvolve(image, result.kernel(60, 60), mode="same")
    inside = np.isfinite(result.matched.image)
    assert inside.sum() == 90 * 120
    assert_allclose(result.matched.image[inside], exact[inside], rtol=1e-12)


@pytest.mark.parametrize("basis", ["pixel", "alard-lupton"])
def test_a_galaxy_of_galsim_gets_the_other_psf(basis):
    """Drawn by galsim behind either PSF, elliptical Moffats, which no model here knows."""
    before, after = (
        galsim.Moffat(5.0, fwhm=fwhm).shear(g1=shear, g2=0.03) for fwhm, shear in ((2.6, 0.1), (3.8, -0.05))
    )
    galaxy = galsim.Sersic(1.0, half_light_radius=4.0, flux=1000.0).shear(g1=0.2, g2=-0.1).shift(0.3, -0.2)
    images = [
        galsim.Convolve(galaxy, psf).drawImage(nx=128, ny=128, scale=1.0).array.astype(float)
        for psf in (before, after)
    ]
    result = matched(drawn(before), drawn(after), images[0], basis=basis, edge="reflect")
    rest = result.matched.image - images[1]
    assert np.abs(images[0] - images[1]).max() > 0.05 * images[1].max()
    assert np.abs(rest).max() < (2e-4 if basis == "pixel" else 2e-3) * images[1].max()
