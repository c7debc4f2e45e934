"""Galaxies behind PSFs against GalSim: 0.2 % of the peak, 1 % of the light."""

from __future__ import annotations

import galsim
import numpy as np
import pytest

from getframes.scene import PSF, AiryPSF, ExtendedSource, GaussianPSF, MoffatPSF, Scene, Telescope

RADIAN = 180.0 * 3600.0 / np.pi
TIGHT = galsim.GSParams(
    folding_threshold=5e-4, maxk_threshold=1e-4, kvalue_accuracy=1e-6, maximum_fft_size=16384
)
COARSE = galsim.GSParams(folding_threshold=2e-3, maxk_threshold=1e-4, maximum_fft_size=16384)
# n, r_eff, axis ratio, FWHM of the PSF. Large galaxies with pointed profiles take GalSim minutes behind a narrow PSF.
CASES = [
    (0.5, 1.0, 0.3, 1.2),
    (0.5, 10.0, 1.0, 2.5),
    (0.7, 3.0, 0.6, 1.5),
    (1.0, 1.0, 1.0, 1.2),
    (1.0, 3.0, 0.3, 4.0),
    (1.0, 30.0, 1.0, 2.5),
    (2.5, 3.0, 0.6, 2.5),
    (2.5, 30.0, 0.3, 1.5),
    (4.0, 1.0, 0.3, 1.2),
    (4.0, 10.0, 1.0, 2.5),
    (6.0, 1.0, 1.0, 4.0),
    (6.0, 3.0, 0.3, 2.5),
]
# n, r_eff, axis ratio, lambda / D, obstruction
AIRY_CASES = [
    (0.5, 1.0, 0.3, 1.2, 0.0),
    (0.5, 10.0, 1.0, 4.0, 0.0),
    (0.5, 30.0, 0.3, 2.0, 0.3),
    (1.0, 1.0, 1.0, 0.6, 0.0),
    (1.0, 3.0, 0.3, 4.0, 0.2),
    (1.0, 30.0, 1.0, 1.5, 0.0),
    (1.5, 3.0, 0.6, 1.3, 0.3),
    (2.5, 10.0, 0.6, 2.0, 0.5),
    (3.0, 1.5, 1.0, 2.0, 0.7),
    (4.0, 1.0, 0.3, 1.2, 0.3),
    (4.0, 1.0, 1.0, 4.0, 0.0),
    (4.0, 10.0, 0.3, 1.5, 0.0),
    (6.0, 1.0, 1.0, 2.0, 0.0),
    (6.0, 3.0, 0.3, 2.5, 0.2),
]


def residuals(
    psf: PSF, blur: galsim.GSObject, case: tuple[float, ...], gsparams: galsim.GSParams
) -> tuple[float, float]:
    n, r_eff, ratio, width = case
    size = int(np.clip(20.0 * r_eff, max(40, 40 * width), 400)) | 1
    centre, offset = size // 2, (0.3, -0.4)
    source = ExtendedSource.sersic(
        x=centre + offset[0],
        y=centre + offset[1],
        photon_rate=1.0,
        n=n,
        r_eff_arcsec=r_eff,
        ellipticity=1.0 - ratio,
        position_angle_deg=30.0,
    )
    image = Scene((size, size), Telescope.unit(), psf, [source]).photon_rate_map()
    galaxy = galsim.Sersic(n=n, half_light_radius=r_eff * np.sqrt(ratio), gsparams=gsparams)
    galaxy = galsim.Convolve(galaxy.shear(q=ratio, beta=30.0 * galsim.degrees), blur, gsparams=gsparams)
    drawn = galaxy.drawImage(nx=size, ny=size, scale=1.0, offset=offset, dtype=float).array
    error = np.abs(image - drawn)
    return float(error.max() / drawn.max()), float(error.sum())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("profile", ["gaussian", "moffat"])
def test_residuals(case: tuple[float, ...], profile: str) -> None:
    fwhm = case[3]
    psf: PSF = GaussianPSF(fwhm) if profile == "gaussian" else MoffatPSF(fwhm, 3.0)
    blur = (
        galsim.Gaussian(fwhm=fwhm, gsparams=TIGHT)
        if profile == "gaussian"
        else galsim.Moffat(beta=3.0, fwhm=fwhm, gsparams=TIGHT)
    )
    worst, total = residuals(psf, blur, case, TIGHT)
    assert worst < 2e-3
    assert total < 1e-2


@pytest.mark.parametrize("case", AIRY_CASES)
def test_behind_an_airy_pattern(case: tuple[float, ...]) -> None:
    """Part of the total is GalSim's own: its folding loses 2e-3 of the light and more."""
    *_, resolution, obstruction = case
    blur = galsim.Airy(lam_over_diam=resolution, obscuration=obstruction, gsparams=COARSE)
    worst, total = residuals(AiryPSF(1.0, resolution / RADIAN, obstruction), blur, case[:4], COARSE)
    assert worst < 2e-3
    assert total < 1e-2
