"""Residuals of a fit: put together from patches, their background, and what they show to be missing."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import DomainError, IntegrityError, MissingFileError, OutputExistsError
from getframes.fit import (
    Exposure,
    PsfField,
    PsfMixture,
    Residuals,
    missing_sources,
    read_catalog,
    residual_background,
    with_missing,
    write_images,
)
from getframes.fit.residual import ResidualImage
from tests.behaviour.fit.fitted_patches import patch_of
from tests.law.fit.test_linearized import distorted
from tests.law.fit.test_shape import MATRICES, tangent_plane

SHAPE = (60, 90)
PSF = PsfMixture.normalized([[0.8, 0.2, -0.1, 2.0, 0.3, 1.6], [0.2, 0.0, 0.0, 8.0, 0.0, 8.0]])
SIGMA = 0.5


def noisy(seed, level=0.0):
    return level + np.random.default_rng(seed).normal(0.0, SIGMA, SHAPE)


def exposure(data, name="e/1", band="r", **known) -> Exposure:
    return Exposure.of(data, np.full(SHAPE, SIGMA), name=name, band=band, **{"psf": PSF, **known})


def residual_of(data, **known) -> ResidualImage:
    made = exposure(data, **known)
    return ResidualImage(made, np.array(data, float), made.weight)


def star(x, y, flux, shape=SHAPE):
    """A star that is drawn at whole pixels."""
    image = np.zeros((shape[0] + 60, shape[1] + 60))
    image[y + 15 : y + 46, x + 15 : x + 46] = flux * PSF.stamp(31)
    return image[30:-30, 30:-30]


# Putting together.


def test_later_patches_lie_over_earlier_ones_and_nothing_is_made_up(tmp_path):
    mask = np.zeros(SHAPE, bool)
    mask[:, 3] = True
    data = noisy(1)
    seen = exposure(data, mask=mask)
    patch_of(tmp_path / "optimize_00000001.h5", [seen], [np.full(SHAPE, 1.0)], (0.0, 30.0), (0.0, 59.0))
    patch_of(tmp_path / "optimize_00000002.h5", [seen], [np.full(SHAPE, 2.0)], (24.0, 50.0), (0.0, 20.0))
    patch_of(tmp_path / "sample_00000001.h5", [seen], [np.full(SHAPE, 3.0)], (0.0, 7.0), (0.0, 7.0))
    (image,) = Residuals(tmp_path).images([seen, exposure(data, name="not fitted")])
    expected = np.full(SHAPE, np.nan)
    expected[:, :32], expected[:24, 24:56], expected[:8, :8] = 1.0, 2.0, 3.0
    expected[mask] = np.nan
    assert_allclose(image.residual, data - expected)
    assert_array_equal(image.weight > 0.0, np.isfinite(expected))
    assert_allclose(image.model, expected)
    whole, other = Residuals(tmp_path).images(
        [seen.with_level(0.5), exposure(data, name="not fitted")], whole=True
    )
    assert_allclose(
        whole.residual, np.where(mask, np.nan, np.where(np.isfinite(expected), data - expected, data - 0.5))
    )
    assert_array_equal(whole.weight, seen.weight)
    assert_array_equal(other.residual, data)


def test_images_are_written_with_the_wcs(tmp_path):
    made = residual_of(noisy(2), wcs=distorted(), unit="nJy", level=1.0)
    write_images(made, tmp_path / "e.fits")
    with fits.open(tmp_path / "e.fits", checksum=True) as units:
        assert [unit.name for unit in units] == ["PRIMARY", "RESIDUAL", "MODEL", "WEIGHT"]
        assert units[0].header["FILTER"] == "r"
        assert_allclose(units["RESIDUAL"].data, made.residual, rtol=1e-6)
        assert_allclose(units["MODEL"].data, 0.0, atol=1e-6)
        assert units["MODEL"].header["BUNIT"] == "nJy" and units["MODEL"].header["A_ORDER"] == 3
    with pytest.raises(OutputExistsError):
        write_images(made, tmp_path / "e.fits")


def test_folders_without_patches_are_named(tmp_path):
    with pytest.raises(MissingFileError, match=rf"{tmp_path}: there is no file of a patch"):
        Residuals(tmp_path)
    (tmp_path / "optimize_1.h5").write_bytes(b"no")
    with pytest.raises(IntegrityError, match=r"optimize_1\.h5"):
        Residuals(tmp_path)


# Background.


@pytest.mark.parametrize("level", [0.0, 0.1, -2.0])
def test_the_background_is_measured_with_its_significance(level):
    data = noisy(3, level) + star(40, 30, 300.0)
    found = residual_background(residual_of(data))
    assert abs(found.level - level) < 4 * found.sigma
    assert_allclose(found.sigma, SIGMA / np.sqrt(found.pixels))
    assert 5000 < found.pixels < 5400 - 10
    assert_allclose(found.significance, found.level / found.sigma)
    assert str(found).startswith("e/1: ") and "sigma, " in str(found)


def test_a_background_of_no_pixel_is_an_error():
    made = residual_of(noisy(3))
    with pytest.raises(DomainError, match=r"e/1.residual must be one of a pixel at least"):
        residual_background(ResidualImage(made.exposure, made.residual, np.zeros(SHAPE)))


# Missing sources.


def catalog(bands="r", **columns):
    given = {
        "id": [5],
        "x": [20.0],
        "y": [20.0],
        "rhalf": [0.0],
        "sersic": [1.0],
        "q": [1.0],
        "pa": [0.0],
        "roi": [5.0],
    }
    given |= {band: [1.0] for band in bands.split(",")} | columns
    return read_catalog(
        {name: values for name, values in given.items() if values is not None}, bands=bands.split(",")
    )


ERROR = SIGMA / float(np.sqrt((PSF.stamp(31) ** 2).sum()))
"""Of the flux of a star."""


def test_stars_are_found_where_they_are_with_their_flux():
    data = noisy(4) + star(60, 30, 12 * ERROR) + star(45, 50, 8 * ERROR) + star(20, 21, 20 * ERROR)
    found = missing_sources([residual_of(data)], catalog())
    assert_allclose(found.position, [[60.0, 30.0], [45.0, 50.0]], atol=0.7)
    assert_allclose(found.flux[:, 0] / ERROR, [12.0, 8.0], atol=3.0)
    assert_allclose(found.sigma, ERROR, rtol=0.02)
    assert (np.diff(found.significance) < 0).all()


def test_noise_is_no_source():
    for seed in range(3):
        assert len(missing_sources([residual_of(noisy(10 + seed))], catalog())) == 0
    assert len(missing_sources([residual_of(noisy(10))], catalog(), threshold=2.5)) > 5


def test_exposures_are_taken_together():
    """Four times 4 sigma are 8; in another band 4 sigma are 4."""
    images = [residual_of(noisy(20 + i) + star(60, 30, 4 * ERROR), name=f"e{i}") for i in range(4)]
    images += [residual_of(noisy(30) + star(30, 40, 4 * ERROR), name="g", band="g", flux_scale=1.0)]
    found = missing_sources(images, catalog("r,g"))
    assert len(found) == 1
    assert_allclose(found.position, [[60.0, 30.0]], atol=0.7)
    assert_allclose(found.sigma, [[ERROR / 2, ERROR]], rtol=0.02)


def test_the_psf_is_that_of_the_place():
    """A PSF that grows from left to right by three: flux and error are those of the star where it is."""
    widths = (1.0, 3.0)
    grid = np.stack([[PsfMixture.gaussian(sigma).components for sigma in widths]])
    varying = PsfField(np.array([0.0, 89.0]), np.array([0.0]), grid)
    data = noisy(9)
    for x, y in ((10, 40), (75, 20)):
        stamp = varying.at(x, y).stamp(17)
        data[y - 8 : y + 9, x - 8 : x + 9] += 300.0 * stamp
    found = missing_sources([residual_of(data, psf=varying)], catalog(), threshold=10.0)
    order = np.argsort(found.position[:, 0])
    assert_allclose(found.position[order], [[10.0, 40.0], [75.0, 20.0]], atol=0.3)
    true = [SIGMA / np.sqrt((varying.at(x, y).stamp(41) ** 2).sum()) for x, y in found.position[order]]
    assert_allclose(found.sigma[order, 0], true, rtol=0.02)
    assert np.abs((found.flux[order, 0] - 300.0) / found.sigma[order, 0]).max() < 3.0


def test_flux_scales_and_masks():
    mask = np.zeros(SHAPE, bool)
    mask[28:33, 60] = True
    data = noisy(5) + star(60, 30, 30 * ERROR)
    made = exposure(np.where(mask, 1e6, data), mask=mask, flux_scale=10.0)
    image = ResidualImage(made, np.where(mask, np.nan, data), made.weight)
    found = missing_sources([image], catalog())
    assert len(found) == 1
    assert abs(found.flux[0, 0] * 10.0 - 30 * ERROR) < 5 * found.sigma[0, 0] * 10.0


def test_missing_sources_on_the_sky():
    wcs = [tangent_plane(MATRICES[name], scale_arcsec=0.2) for name in ("usual", "rotated")]
    sky = np.asarray(wcs[0].all_pix2world([[80.0, 40.0]], 0))
    x, y = np.round(wcs[1].all_world2pix(sky, 0)[0]).astype(int)
    assert 5 < x < 85 and 5 < y < 57
    images = [
        residual_of(noisy(40) + star(80, 40, 9 * ERROR), name="a", wcs=wcs[0]),
        residual_of(noisy(41) + star(int(x), int(y), 9 * ERROR), name="b", wcs=wcs[1]),
    ]
    found = missing_sources(images, catalog(x=None, y=None, ra=[0.0], dec=[30.0]))
    assert len(found) == 1
    assert 0.0 <= found.position[0, 0] < 360.0
    off = (found.position - sky) * [np.cos(np.deg2rad(30.0)), 1.0] * 3600.0
    assert np.abs((off[0] + [648000.0, 0.0]) % 1296000.0 - [648000.0, 0.0]).max() < 0.3


def test_what_is_found_becomes_rows():
    given = catalog(note=["a"], r_err=[2.0])
    data = noisy(4) + star(60, 30, 12 * ERROR)
    found = missing_sources([residual_of(data)], given)
    made = with_missing(given, found, roi=4.0)
    assert made.id.tolist() == [5, 6] and made.kind.tolist() == [0, 0]
    assert_array_equal(made.position[1], found.position[0])
    assert made.flux[1, 0] == found.flux[0, 0]
    assert np.isnan(made.others["r_err"][1]) and np.ma.getmaskarray(made.others["note"]).tolist() == [
        False,
        True,
    ]
    assert len(read_catalog(made.to_table()).usable()) == 2
    assert with_missing(given, found, roi=4.0, rhalf=2.0).kind.tolist() == [0, 1]
    for wrong, message in (
        ({"roi": 0.0}, "roi must be > 0"),
        ({"roi": 1.0, "rhalf": -1.0}, "rhalf must be >= 0"),
    ):
        with pytest.raises(DomainError, match=message):
            with_missing(given, found, **wrong)


def test_impossible_searches_are_refused():
    image = residual_of(noisy(4))
    no_psf = residual_of(noisy(4), psf=None)
    for images, options, message in (
        ([image], {"threshold": 0.0}, "threshold must be > 0"),
        ([image], {"least_distance": -1.0}, "least_distance must be > 0"),
        ([], {}, "images must be one at least"),
        ([no_psf], {}, "e/1.psf must be given"),
        ([residual_of(noisy(4), wcs=distorted())], {}, "e/1.wcs must be there, as the catalog has"),
    ):
        with pytest.raises(DomainError, match=message):
            missing_sources(images, catalog(), **options)
    assert len(missing_sources([no_psf], catalog(), psfs={"r": PSF})) == 0
