"""The WCS at a source: positions and matrices, against astropy on the sphere."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS, Sip
from numpy.testing import assert_allclose

from getframes.fit import Exposure, on_pixels
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
