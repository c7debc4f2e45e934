"""Positions of the sky on the pixels of an image, and the matrix of the projection there.

The matrix is that of pixels to the sky, by differences over one pixel of unit vectors, turned round: it knows no pole and no RA of 0, and distortions (SIP, tables)
are in it. Positions of distorted images take one more Newton step with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import require

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

ARCSEC = 180.0 * 3600.0 / np.pi
"""Of a radian."""
FRAMES = ("RA and DEC, ICRS", "RA and DEC, FK5", "RA and DEC, FK5 2000")
"""Coordinates that are those of catalogs, to 0.03 arcsec."""
REACH = 1.0
"""How far beyond its sides an image is taken to be distorted as it says [sides]; farther out its linear part alone counts."""


class SkyToPixels(NamedTuple):
    """A projection.

    Attributes
    ----------
    wcs : astropy.wcs.WCS or None
        None where positions are pixels.
    shape : (int, int)
        Height and width of the image.
    """

    wcs: Any
    shape: tuple[int, int]

    @classmethod
    def of(cls, wcs: Any, shape: tuple[int, int], name: str) -> SkyToPixels:
        """The projection of an image.

        Raises
        ------
        DomainError
            If a WCS is not one of the sky, or of other coordinates than RA and Dec.
        """
        if wcs is not None:
            celestial = getattr(wcs, "has_celestial", False)
            require(celestial, name, "wcs", "an astropy WCS with RA and Dec", wcs)
            frame = _frame(wcs.celestial.wcs)
            require(
                frame in FRAMES,
                name,
                "wcs",
                "one of RA and Dec in ICRS or FK5 of 2000, as catalogs are",
                frame,
            )
            wcs = wcs.celestial if wcs.naxis != 2 else wcs
        return cls(wcs, shape)

    def __call__(self, ra: ArrayLike, dec: ArrayLike) -> tuple[Numbers, Numbers]:
        """Positions (..., 2) and matrices (..., 2, 2), as `PixelSource.linearized`."""
        first, second = np.broadcast_arrays(np.asarray(ra, np.float64), np.asarray(dec, np.float64))
        if self.wcs is None:
            return np.stack([first, second], axis=-1), np.broadcast_to(np.eye(2), (*first.shape, 2, 2)).copy()
        position = np.full((first.size, 2), np.nan)
        jacobian = np.full((first.size, 2, 2), np.nan)
        near = self._near(first.ravel(), second.ravel())
        if near.any():
            position[near], jacobian[near] = self._of(first.ravel()[near], second.ravel()[near])
        return position.reshape(*first.shape, 2), jacobian.reshape(*first.shape, 2, 2)

    def _near(self, ra: Numbers, dec: Numbers) -> NDArray[np.bool_]:
        """Positions on the half of the sky about the image."""
        height, width = self.shape
        middle = self.wcs.wcs_pix2world([[0.5 * (width - 1), 0.5 * (height - 1)]], 0)[0]
        return np.asarray(_vectors(ra, dec) @ _vectors(*middle) > 1e-6)

    def _of(self, ra: Numbers, dec: Numbers) -> tuple[Numbers, Numbers]:
        position = np.asarray(self.wcs.wcs_world2pix(np.stack([ra, dec], axis=-1), 0))
        if not self.wcs.has_distortion:
            return position, self._matrix(position, ra, dec)
        height, width = self.shape
        side = np.array([width, height])
        reached = (np.abs(position / side - 0.5) < 0.5 + REACH).all(axis=1)
        if reached.any():
            there = np.stack([ra[reached], dec[reached]], axis=-1)
            found = np.asarray(self.wcs.all_world2pix(there, 0, tolerance=1e-4, quiet=True))
            matrix = self._matrix(found, ra[reached], dec[reached])
            missing = self._offset(ra[reached], dec[reached], found)
            position[reached] = found + np.einsum("nij,nj->ni", matrix, missing)
        return position, self._matrix(position, ra, dec)

    def _matrix(self, position: Numbers, ra: Numbers, dec: Numbers) -> Numbers:
        """d(x, y) / d(east, north) [px / arcsec]."""
        east, north = _east_north(ra, dec)
        columns = []
        for step in ((0.5, 0.0), (0.0, 0.5)):
            ahead, behind = (_vectors(*self._sky(position + sign * np.array(step)).T) for sign in (1.0, -1.0))
            columns.append(
                np.stack([((ahead - behind) * axis).sum(axis=-1) for axis in (east, north)], axis=-1)
            )
        return np.asarray(np.linalg.inv(np.stack(columns, axis=-1) * ARCSEC))

    def _offset(self, ra: Numbers, dec: Numbers, position: Numbers) -> Numbers:
        """From where pixels look to where they should, east and north [arcsec]."""
        off = _vectors(ra, dec) - _vectors(*self._sky(position).T)
        return np.stack([(off * axis).sum(axis=-1) for axis in _east_north(ra, dec)], axis=-1) * ARCSEC

    def _sky(self, position: Numbers) -> Numbers:
        return np.asarray(self.wcs.all_pix2world(position, 0))


def _frame(known: Any) -> str:
    """The coordinates of a WCS, in words."""
    system = known.radesys.strip() or "ICRS"
    year = "" if not np.isfinite(known.equinox) or system == "ICRS" else f" {known.equinox:g}"
    return f"{known.lngtyp.strip()} and {known.lattyp.strip()}, {system}{year}"


def _vectors(ra: Any, dec: Any) -> Numbers:
    """Unit vectors (..., 3)."""
    a, d = np.deg2rad(ra), np.deg2rad(dec)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)


def _east_north(ra: Numbers, dec: Numbers) -> tuple[Numbers, Numbers]:
    a, d = np.deg2rad(ra), np.deg2rad(dec)
    east = np.stack([-np.sin(a), np.cos(a), np.zeros_like(a)], axis=-1)
    return east, np.stack([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)], axis=-1)
