"""The WCS at a source: positions and matrices, against astropy on the sphere."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS, DistortionLookupTable, Sip
from numpy.testing import assert_allclose

from getframes.errors import DomainError
from getframes.fit import Exposure, on_pixels, read_exposure, write_images
from getframes.fit.residual import ResidualImage
from tests.law.fit.test_shape import MATRICES, tangent_plane

SHAPE = (120, 200)


def exposure(wcs) -> Exposure:
    return Exposure.of(np.ones(SHAPE), np.ones(SHAPE), name="e", band="r", wcs=wcs)


def distorted(ra=0.0, dec=30.0) -> WCS:
    wcs = tangent_plane(MATRICES["rotated"], ra, dec)
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    a, b = np.zeros((4, 4)), np.zeros((4, 4))
    a[2, 0], a[0, 2], b[1, 1], b[0, 3] = 1e-4, 3e-5, 5e-5, 1e-7
    wcs.sip = Sip(a, b, None, None, wcs.wcs.crpix)
    return wcs


def directions(wcs, ra, dec):
    """d(x, y) / d(east, north) by steps on the sphere with astropy."""
    centre, columns = SkyCoord(ra, dec, unit="deg"), []
    for angle in (90.0, 0.0):
        ahead, behind = (
            centre.directional_offset_by((angle + turn) * units.deg, 0.05 * units.arcsec)
            for turn in (0.0, 180.0)
        )
        there = [
            np.array(wcs.all_world2pix(p.ra.deg, p.dec.deg, 0, tolerance=1e-11)) for p in (ahead, behind)
        ]
        columns.append((there[0] - there[1]) / 0.1)
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("ra", [0.0, 359.99999, 210.0])
@pytest.mark.parametrize("dec", [30.0, -89.999, 0.0])
@pytest.mark.parametrize(
    "make", [distorted, *[lambda ra, dec, m=m: tangent_plane(m, ra, dec) for m in MATRICES.values()]]
)
def test_matrix_and_position_are_those_of_the_sphere(make, ra, dec):
    wcs = make(ra, dec)
    x, y = np.array([0.0, 100.0, 199.0, 50.0]), np.array([0.0, 50.0, 119.0, 100.0])
    sky = np.asarray(wcs.all_pix2world(np.stack([x, y], axis=-1), 0))
    position, jacobian = exposure(wcs).linearized(sky[:, 0], sky[:, 1])
    assert_allclose(position, np.stack([x, y], axis=-1), atol=1e-7)
    for (one_ra, one_dec), matrix in zip(sky, jacobian, strict=True):
        assert_allclose(matrix, directions(wcs, one_ra, one_dec), atol=2e-5 * np.abs(matrix).max())


def test_the_usual_orientation():
    """North up, east left: a source moved east moves towards smaller x."""
    position, jacobian = exposure(tangent_plane(MATRICES["usual"])).linearized(0.0, 30.0)
    assert_allclose(position, [100.0, 50.0], atol=1e-9)
    assert_allclose(jacobian, [[-5.0, 0.0], [0.0, 5.0]], atol=1e-6)
    assert_allclose(on_pixels(1.0, 0.5, 30.0, jacobian).phi_deg, 120.0, atol=1e-5)


def test_positions_without_wcs_are_pixels():
    position, jacobian = exposure(None).linearized([3.0, 4.0], [5.0, 6.0])
    assert position.tolist() == [[3.0, 5.0], [4.0, 6.0]]
    assert jacobian.tolist() == [np.eye(2).tolist()] * 2


@pytest.mark.parametrize("make", [tangent_plane, lambda _: distorted()])
def test_the_far_half_of_the_sky_falls_nowhere(make):
    wcs = make(MATRICES["usual"])
    position, jacobian = exposure(wcs).linearized([0.0, 180.0, 0.0], [30.0, -30.0, -61.0])
    assert np.isfinite(position).all(axis=1).tolist() == [True, False, False]
    assert np.isfinite(jacobian).all(axis=(1, 2)).tolist() == [True, False, False]


def test_sources_far_off_a_distorted_image_are_far_off():
    position, _ = exposure(distorted()).linearized([1.0, 0.0, 359.0], [30.0, 35.0, 30.0])
    assert (np.abs(position).max(axis=1) > 1000.0).all()


def tables(wcs: WCS) -> WCS:
    """The WCS with tables of distortions, smooth ones of up to half a pixel."""
    x, y = np.meshgrid(np.arange(21.0), np.arange(13.0))
    shifts = (0.5 * np.sin(x / 15.0) + 0.3 * np.cos(y / 12.0), 0.4 * np.cos(x / 18.0))
    wcs.cpdis1, wcs.cpdis2 = (
        DistortionLookupTable(each.astype(np.float32), (1.0, 1.0), (1.0, 1.0), (10.0, 10.0))
        for each in shifts
    )
    return wcs


def test_tables_of_distortions_are_part_of_both(tmp_path):
    """From a file as well, and in another process; a residual image has them too."""
    wcs = tables(tangent_plane(MATRICES["rotated"], 0.0, 30.0))
    described = wcs.to_fits(relax=True)
    header = described[0].header + fits.Header({"FILTER": "r"})
    header.strip()
    error = fits.ImageHDU(np.ones(SHAPE), name="ERR")
    units = [fits.PrimaryHDU(np.ones(SHAPE), header), *described[1:], error]
    fits.HDUList(units).writeto(tmp_path / "image.fits")
    read = read_exposure(tmp_path / "image.fits", flux_scale=1.0)
    write_images(ResidualImage(read, np.zeros(SHAPE), np.ones(SHAPE)), tmp_path / "residual.fits")
    with fits.open(tmp_path / "residual.fits") as images:
        written = WCS(images["RESIDUAL"].header, images)
    pixels = np.array([[3.0, 3.0], [105.3, 54.7], [155.2, 105.3], [55.4, 95.1]])  # none on a kink of a table
    sky = np.asarray(wcs.all_pix2world(pixels, 0))
    assert np.abs(np.asarray(wcs.wcs_pix2world(pixels, 0)) - sky).max() * 3600.0 > 0.05
    for each in (wcs, read.wcs, pickle.loads(pickle.dumps(read.wcs)), written):
        position, jacobian = exposure(each).linearized(sky[:, 0], sky[:, 1])
        assert_allclose(position, pixels, atol=1e-6)
        for (ra, dec), matrix in zip(sky, jacobian, strict=True):
            assert_allclose(matrix, directions(wcs, ra, dec), atol=1e-4 * np.abs(matrix).max())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ctype": ["GLON-TAN", "GLAT-TAN"]}, "GLON and GLAT, ICRS"),
        ({"radesys": "FK4", "equinox": 1950.0}, "RA and DEC, FK4 1950"),
        ({"radesys": "FK5", "equinox": 1975.0}, "RA and DEC, FK5 1975"),
    ],
)
def test_coordinates_that_are_not_those_of_catalogs(changed, said):
    wcs = tangent_plane(MATRICES["usual"])
    for name, value in changed.items():
        setattr(wcs.wcs, name, value)
    with pytest.raises(DomainError, match=f"one of RA and Dec in ICRS or FK5 of 2000, .* got '{said}'"):
        exposure(wcs)
