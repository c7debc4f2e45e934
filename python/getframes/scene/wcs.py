"""Sky to pixels: a tangent-plane projection."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from getframes.errors import require
from getframes.quantity import plain
from getframes.scene.optics import number

if TYPE_CHECKING:
    from astropy.wcs import WCS
    from numpy.typing import NDArray

    Degrees = NDArray[np.float64]


@dataclass(frozen=True)
class WCSInfo:
    """A tangent-plane (TAN) world coordinate system; north is up and east is left at `rotation_deg` 0.

    Attributes
    ----------
    crval_ra_deg, crval_dec_deg : float
        Sky position of the reference pixel, ICRS [deg].
    crpix_x, crpix_y : float
        Reference pixel, with pixel centres at integers and the first pixel 0 [pixel].
    plate_scale_arcsec_per_pixel : float
        [arcsec / pixel].
    rotation_deg : float
        Rotation of the sky in the image [deg]: north turns from +y towards +x.

    Notes
    -----
    Not modelled: proper motion, parallax, aberration, refraction; distortion belongs to the `Telescope`.
    Source: Calabretta and Greisen 2002, doi:10.1051/0004-6361:20021327.
    """

    crval_ra_deg: float
    crval_dec_deg: float
    crpix_x: float
    crpix_y: float
    plate_scale_arcsec_per_pixel: float
    rotation_deg: float = 0.0

    def __post_init__(self) -> None:
        for field in ("crval_ra_deg", "rotation_deg"):
            number(self, field, "deg")
        declination = number(self, "crval_dec_deg", "deg")
        require(-90.0 <= declination <= 90.0, self, "crval_dec_deg", "in [-90, 90] deg", declination)
        for field in ("crpix_x", "crpix_y"):
            number(self, field, "px")
        scale = number(self, "plate_scale_arcsec_per_pixel", "arcsec/px")
        require(scale > 0.0, self, "plate_scale_arcsec_per_pixel", "> 0 arcsec/pixel", scale)

    def header_cards(self) -> dict[str, Any]:
        """FITS cards; CRPIX counts from 1, RA grows to the left."""
        scale = self.plate_scale_arcsec_per_pixel / 3600.0
        angle = math.radians(self.rotation_deg)
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        return {
            "CTYPE1": "RA---TAN",
            "CTYPE2": "DEC--TAN",
            "CUNIT1": "deg",
            "CUNIT2": "deg",
            "CRVAL1": self.crval_ra_deg,
            "CRVAL2": self.crval_dec_deg,
            "CRPIX1": self.crpix_x + 1.0,
            "CRPIX2": self.crpix_y + 1.0,
            "CD1_1": -cos,
            "CD1_2": sin,
            "CD2_1": sin,
            "CD2_2": cos,
        }

    def to_astropy(self) -> WCS:
        """The same system as an `astropy.wcs.WCS`."""
        from astropy.io.fits import Header
        from astropy.wcs import WCS

        return WCS(Header(self.header_cards()))

    @overload
    def pixel_to_world(self, x: float, y: float) -> tuple[float, float]: ...
    @overload
    def pixel_to_world(self, x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]: ...
    def pixel_to_world(self, x: Any, y: Any) -> tuple[Any, Any]:
        """RA and Dec [deg] of a pixel position, numbers or arrays."""
        ra, dec = _astropy(self).all_pix2world(plain(x, "px", self, "x"), plain(y, "px", self, "y"), 0)
        return _like(x, ra), _like(x, dec)

    @overload
    def world_to_pixel(self, ra_deg: float, dec_deg: float) -> tuple[float, float]: ...
    @overload
    def world_to_pixel(self, ra_deg: Degrees, dec_deg: Degrees) -> tuple[Degrees, Degrees]: ...
    def world_to_pixel(self, ra_deg: Any, dec_deg: Any) -> tuple[Any, Any]:
        """Pixel position of RA and Dec [deg], numbers or arrays; NaN on the far half of the sky."""
        ra = np.asarray(plain(ra_deg, "deg", self, "ra_deg"), dtype=np.float64)
        dec = np.asarray(plain(dec_deg, "deg", self, "dec_deg"), dtype=np.float64)
        ra, dec = np.broadcast_arrays(ra, dec)
        near = self._cos_distance(ra, dec) > 1e-6
        x, y = np.full(ra.shape, np.nan), np.full(ra.shape, np.nan)
        x[near], y[near] = _astropy(self).all_world2pix(ra[near], dec[near], 0)
        return _like(ra_deg, x), _like(ra_deg, y)

    def _cos_distance(self, ra: Degrees, dec: Degrees) -> Degrees:
        dec_0 = math.radians(self.crval_dec_deg)
        hour, dec = np.radians(ra - self.crval_ra_deg), np.radians(dec)
        cosine: Degrees = np.sin(dec) * math.sin(dec_0) + np.cos(dec) * math.cos(dec_0) * np.cos(hour)
        return cosine


@lru_cache(maxsize=16)
def _astropy(system: WCSInfo) -> WCS:
    return system.to_astropy()


def _like(given: Any, result: Any) -> Any:
    return float(result) if np.ndim(given) == 0 else np.asarray(result)
