"""Shapes on the sky and on pixels, against astropy and galsim."""

from __future__ import annotations

import galsim
import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes.fit.shape import (
    along_major_axis,
    axis_ratio_and_angle,
    circularized,
    on_pixels,
    on_sky,
    reduced_shear,
    shear_matrix,
)

RATIOS, ANGLES = st.floats(0.05, 1.0), st.floats(-360.0, 360.0)
MATRICES = {
    "usual": [[-1, 0], [0, 1]],
    "flipped": [[1, 0], [0, 1]],
    "rotated": [[-0.8, 0.6], [0.6, 0.8]],
    "rotated and flipped": [[0.8, 0.6], [-0.6, 0.8]],
    "half a turn": [[1, 0], [0, -1]],
    "skewed": [[-1.3, 0.2], [0.1, 0.7]],
}


def tangent_plane(matrix, ra=0.0, dec=30.0, scale_arcsec=0.2) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [ra, dec], [101.0, 51.0]
    wcs.wcs.cd = np.array(matrix, float) * scale_arcsec / 3600.0
    return wcs


@given(RATIOS, ANGLES, st.booleans())
def test_there_and_back(q, pa, sky):
    back, angle = axis_ratio_and_angle(*reduced_shear(q, pa, sky=sky), sky=sky)
    assert_allclose(back, q, rtol=1e-13)
    assert 0.0 <= angle < 180.0
    if q < 0.999:
        assert abs((angle - pa + 90.0) % 180.0 - 90.0) < 1e-10


def test_north_and_east():
    """A galaxy along north lies along y of the sky, at phi = 90 deg; one along east at 0."""
    assert_allclose(reduced_shear(0.5, 0.0), (-1.0 / 3.0, 0.0), atol=1e-15)
    assert_allclose(reduced_shear(0.5, 90.0), (1.0 / 3.0, 0.0), atol=1e-15)
    assert_allclose(reduced_shear(0.5, 45.0), (0.0, 1.0 / 3.0), atol=1e-15)
    assert_allclose(reduced_shear(0.5, 0.0, sky=False), (1.0 / 3.0, 0.0), atol=1e-15)
    assert axis_ratio_and_angle(0.0, 0.0) == (1.0, 0.0)


@given(RATIOS, ANGLES)
def test_shear_is_that_of_galsim(q, pa):
    theirs = galsim.Shear(q=q, beta=(90.0 - pa) * galsim.degrees)
    g1, g2 = reduced_shear(q, pa)
    assert_allclose((g1, g2), (theirs.g1, theirs.g2), atol=1e-13)
    assert_allclose(shear_matrix(g1, g2), theirs.getMatrix(), atol=1e-12)


@given(st.floats(0.01, 100.0), RATIOS)
def test_circularized_radius_keeps_the_area(rhalf, q):
    assert_allclose(circularized(rhalf, q) ** 2, rhalf * (rhalf * q), rtol=1e-14)
    assert_allclose(along_major_axis(circularized(rhalf, q), q), rhalf, rtol=1e-14)


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
@pytest.mark.parametrize(("q", "pa"), [(0.3, 20.0), (0.6, 110.0), (0.9, 179.0), (1.0, 0.0)])
def test_galsim_sees_the_same_ellipse_on_pixels(matrix, q, pa):
    """galsim's v is north, and its u is west for the usual orientation: here u is east, as ours."""
    pixel_to_sky = np.array(matrix, float) * 0.2
    jacobian = np.linalg.inv(pixel_to_sky)
    shear = galsim.Shear(q=q, beta=(90.0 - pa) * galsim.degrees)
    theirs = galsim.JacobianWCS(*pixel_to_sky.ravel()).toImage(galsim.Gaussian(sigma=1.0).shear(shear))
    expected = theirs.jac @ theirs.jac.T * theirs.original.sigma**2
    ours = on_pixels(along_major_axis(1.0, q), q, pa, jacobian)
    axes = np.deg2rad([ours.phi_deg, ours.phi_deg + 90.0])
    basis = np.array([np.cos(axes), np.sin(axes)])
    assert_allclose(
        basis @ np.diag([ours.rhalf**2, (ours.rhalf * ours.q) ** 2]) @ basis.T,
        expected,
        rtol=1e-10,
        atol=1e-12,
    )


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
@pytest.mark.parametrize("ra", [0.0, 359.9999, 150.0])
def test_astropy_puts_the_ellipse_on_the_same_pixels(matrix, ra):
    """Points of the ellipse on the sphere, sent through the WCS, lie on the ellipse on pixels; RA wraps at 0 within it."""
    wcs, rhalf, q, pa = tangent_plane(matrix, ra), 1.5, 0.4, 33.0
    centre = SkyCoord(ra, 30.0, unit="deg")
    round_it = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    along, across = rhalf * np.cos(round_it), rhalf * q * np.sin(round_it)
    points = centre.directional_offset_by(
        pa * units.deg + np.arctan2(across, along) * units.rad, np.hypot(along, across) * units.arcsec
    )
    offset = np.array(wcs.world_to_pixel(points)) - np.array(wcs.world_to_pixel(centre))[:, None]
    ours = on_pixels(rhalf, q, pa, np.linalg.inv(np.array(matrix) * 0.2))
    turn = np.deg2rad(ours.phi_deg)
    u, v = (
        np.cos(turn) * offset[0] + np.sin(turn) * offset[1],
        np.cos(turn) * offset[1] - np.sin(turn) * offset[0],
    )
    assert_allclose((u / ours.rhalf) ** 2 + (v / (ours.rhalf * ours.q)) ** 2, 1.0, atol=2e-5)


@given(st.floats(0.1, 30.0), st.floats(0.1, 0.99), st.floats(0.0, 179.0), st.sampled_from(sorted(MATRICES)))
def test_pixels_and_back(rhalf, q, pa, name):
    jacobian = np.linalg.inv(np.array(MATRICES[name], float) * 0.2)
    back = on_sky(*on_pixels(rhalf, q, pa, jacobian), jacobian)
    assert_allclose((back.rhalf, back.q), (rhalf, q), rtol=1e-9)
    assert abs((90.0 - back.phi_deg - pa + 90.0) % 180.0 - 90.0) < 1e-6
