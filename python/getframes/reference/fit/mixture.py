"""A source in an exposure as a mixture of Gaussians: profile, world coordinates, PSF.

Source: Hogg and Lang 2013, doi:10.1086/668228.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.reference.profile.sersic import NARROWEST, between_knots

if TYPE_CHECKING:
    from getframes.reference.image import Image


def mixture(source: Image, position: Image, jacobian: Image, psf: Image) -> Image:
    """Rows of weight, x, y, xx, xy, yy of a source: (ra, dec) of a star, (ra, dec, r_half, n, g1, g2) of a galaxy.

    Parameters
    ----------
    source : ndarray, shape (2,) or (6,)
        Offsets towards east and north [arcsec], half-light radius of a circle of the same area [arcsec], Sersic index, reduced shear.
    position : ndarray, shape (2,)
        Pixel of the reference.
    jacobian : ndarray, shape (2, 2)
        d(x, y) / d(east, north) [pixel / arcsec].
    psf : ndarray, shape (P, 6)
        Its Gaussians.
    """
    sigma, share, shape = _profile(source)
    center = position + jacobian @ source[:2]
    projected = jacobian @ shape @ jacobian.T
    rows = []
    for s, a in zip(sigma, share, strict=True):
        covariance = s**2 * projected
        for weight, dx, dy, xx, xy, yy in psf:
            rows.append(
                [
                    a * weight,
                    center[0] + dx,
                    center[1] + dy,
                    covariance[0, 0] + xx,
                    covariance[0, 1] + xy,
                    covariance[1, 1] + yy,
                ]
            )
    return np.array(rows)


def _profile(source: Image) -> tuple[Image, Image, Image]:
    """Widths [arcsec] and shares, and the shape that multiplies the square of a width."""
    if len(source) == 2:
        return np.zeros(1), np.ones(1), np.eye(2)
    _, _, r_half, n, g1, g2 = source
    sigma, share = between_knots(n)
    there = slice(None if np.real(n) < NARROWEST else -1)
    stretch = np.array([[1.0 + g1, g2], [g2, 1.0 - g1]])
    return sigma[there] * r_half, share[there], stretch @ stretch.T / (1.0 - g1**2 - g2**2)
