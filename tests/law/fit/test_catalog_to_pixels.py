"""From a row of a catalog to light in pixels: every convention on the way at once, against galsim."""

from __future__ import annotations

import galsim
import numpy as np
import pytest
from astropy.wcs import WCS

from getframes.fit import Exposure, Patch, PatchExposure, PsfMixture, psf_table, read_catalog
from tests.law.fit.test_shape import MATRICES, tangent_plane

SHAPE, SCALE = (72, 80), 0.2
PSF = PsfMixture.normalized([[0.75, 0.3, -0.2, 1.6, 0.5, 2.2], [0.25, 0.0, 0.0, 6.0, -1.0, 5.0]])
FLUX, FLUX_SCALE = 50.0, 4.0


def galsim_psf() -> galsim.GSObject:
    parts = []
    for amplitude, dx, dy, xx, xy, yy in PSF.components:
        root = np.linalg.cholesky([[xx, xy], [xy, yy]])
        parts.append(galsim.Gaussian(sigma=1.0).transform(*root.ravel()).withFlux(amplitude).shift(dx, dy))
    return galsim.Add(parts)


def drawn(profile: galsim.GSObject, x: float, y: float) -> np.ndarray:
    """The profile behind the PSF, its centre at a pixel position."""
    params = galsim.GSParams(folding_threshold=1e-4, kvalue_accuracy=1e-6, maximum_fft_size=16384)
    seen = galsim.Convolve(profile, galsim_psf(), gsparams=params) if profile is not None else galsim_psf()
    height, width = SHAPE
    offset = x - (width - 1) / 2.0, y - (height - 1) / 2.0
    image = seen.withFlux(FLUX * FLUX_SCALE).drawImage(nx=width, ny=height, scale=1.0, offset=offset)
    return image.array.astype(np.float64)


def rendered(exposure: Exposure, catalog) -> np.ndarray:
    """The model of the fit, of all pixels."""
    rows = catalog.sources()
    tiles = exposure.tiles((0.0, 1e4), (0.0, 1e4))
    position, jacobian = exposure.linearized(rows["ra"], rows["dec"])
    seen = PatchExposure(
        name="e", band=0, flux_scale=exposure.flux_scale, background=0, x=tiles.x, y=tiles.y, data=tiles.data,
        weight=tiles.weight, position=position, jacobian=jacobian, psf=psf_table(exposure.psf, position),
    )  # fmt: skip
    count = 3 if rows["kind"][0] == 0 else 7
    patch = Patch(
        sources=rows, bands=("r",), exposures=(seen,), bounds=np.tile([-np.inf, np.inf], (count, 1)),
        visits=np.zeros(1, int), draws=np.zeros(1, int),
    )  # fmt: skip
    model = patch.likelihood().model(patch.parameters[: count - 1], patch.parameters[count - 1 :])
    image = np.zeros(SHAPE)
    for x, y, pixels in zip(tiles.x, tiles.y, model, strict=True):
        image[y : y + 8, x : x + 8] = np.reshape(pixels, (8, 8))
    return image


def exposure_of(wcs: WCS | None) -> Exposure:
    return Exposure.of(
        np.zeros(SHAPE), np.ones(SHAPE), name="e", band="r", wcs=wcs, psf=PSF, flux_scale=FLUX_SCALE
    )


def row(position: tuple[float, float], names: tuple[str, str], **shape: float):
    given = {"id": 1, "rhalf": 0.0, "sersic": 1.0, "q": 1.0, "pa": 0.0, "roi": 9.0, "r": FLUX, **shape}
    given |= dict(zip(names, position, strict=True))
    return read_catalog({name: [value] for name, value in given.items()}, bands=["r"])


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
@pytest.mark.parametrize("ra", [0.0, 200.0])
def test_a_galaxy_of_the_sky(matrix, ra):
    wcs = tangent_plane(matrix, ra, scale_arcsec=SCALE)
    wcs.wcs.crpix = [40.0, 36.0]
    at = 41.3, 33.6
    position = tuple(float(each) for each in wcs.all_pix2world(*at, 0))
    rhalf, q, pa = 0.9, 0.45, 35.0
    profile = galsim.Sersic(1.0, half_light_radius=rhalf * np.sqrt(q))
    profile = profile.shear(q=q, beta=(90.0 - pa) * galsim.degrees)
    profile = galsim.JacobianWCS(*(np.array(matrix, float) * SCALE).ravel()).toImage(profile)
    truth = drawn(profile, *at)
    ours = rendered(exposure_of(wcs), row(position, ("ra", "dec"), rhalf=rhalf, q=q, pa=pa))
    assert np.abs(ours - truth).max() < 4e-3 * truth.max()


def test_a_galaxy_of_an_image_without_wcs():
    profile = galsim.Sersic(2.0, half_light_radius=4.0 * np.sqrt(0.5)).shear(
        q=0.5, beta=25.0 * galsim.degrees
    )
    truth = drawn(profile, 38.2, 36.9)
    ours = rendered(exposure_of(None), row((38.2, 36.9), ("x", "y"), rhalf=4.0, sersic=2.0, q=0.5, pa=25.0))
    assert np.abs(ours - truth).max() < 4e-3 * truth.max()


def test_a_star_is_its_psf():
    truth = drawn(None, 38.25, 36.75)
    ours = rendered(exposure_of(None), row((38.25, 36.75), ("x", "y")))
    assert np.abs(ours - truth).max() < 1e-3 * truth.max()
    middle = rendered(exposure_of(None), row((40.0, 36.0), ("x", "y")))
    stamp = FLUX * FLUX_SCALE * PSF.stamp(41)
    assert np.abs(middle[16:57, 20:61] - stamp).max() < 1e-3 * stamp.max()
