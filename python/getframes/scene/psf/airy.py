"""Diffraction-limited PSFs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import deposit
from getframes.errors import require
from getframes.scene.field import FieldPolynomial
from getframes.scene.psf.parameters import below_one_at, fixed, parameter, positive_at, require_positive
from getframes.scene.psf.stars import NativePSF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.scene.psf.stars import Column, Stars

ARCSEC_PER_RADIAN = 180.0 * 3600.0 / math.pi
NARROWEST = 0.2  # lambda / D that is drawn as it is [pixel]


@dataclass(frozen=True)
class AiryPSF(NativePSF):
    """Diffraction by a circular aperture, at one wavelength.

    Attributes
    ----------
    aperture_diameter_m : float or FieldPolynomial
        Diameter of the aperture [m].
    wavelength_m : float or FieldPolynomial
        Wavelength [m].
    obstruction : float or FieldPolynomial
        Diameter of the central obstruction, as a fraction of the aperture, in [0, 1).

    Notes
    -----
    f(v) ~ (2 J1(v) / v - e^2 2 J1(e v) / (e v))^2, v = pi D theta / lambda. Not modelled: spiders, a band
    of finite width, aberrations. Source: Born and Wolf, Principles of Optics, 8.5 and 8.6.

    Where a parameter changes over the field, patterns are drawn at steps of about 1 % of lambda / D and 0.01 of the
    obstruction, and blended linearly between them: right to 3e-4 of the peak for an
    obstruction below 0.6.
    """

    aperture_diameter_m: float | FieldPolynomial
    wavelength_m: float | FieldPolynomial
    obstruction: float | FieldPolynomial = 0.0

    def __post_init__(self) -> None:
        require_positive(self, "aperture_diameter_m", "m")
        require_positive(self, "wavelength_m", "m")
        obstruction = parameter(self, "obstruction", "")
        if obstruction is not None:
            require(0.0 <= obstruction < 1.0, self, "obstruction", "in [0, 1)", obstruction)

    def _profile(self, plate_scale: float) -> deposit.Profile:
        resolution = fixed(self.wavelength_m) / fixed(self.aperture_diameter_m) * ARCSEC_PER_RADIAN
        return _airy(resolution / plate_scale, fixed(self.obstruction))

    def wings(self, plate_scale: float) -> deposit.Mixture:
        """The pattern as Gaussians, for what hides its rings, and for its wings; with plain numbers for parameters."""
        resolution, obstruction = self._resolution(plate_scale), fixed(self.obstruction)
        return deposit.Mixture.airy(np.array([resolution]), np.array([obstruction]))

    def transfer(self, plate_scale: float, side: int) -> NDArray[np.float64]:
        """The transform of the pattern less its wings, and of a pixel, at steps of 1 / side cycles a pixel.

        Shape (m side, m side / 2 + 1), with m the least that holds all frequencies; the same on every machine.
        """
        resolution, obstruction = self._resolution(plate_scale), fixed(self.obstruction)
        size = max(1, math.ceil(2.0 / resolution)) * side
        u, v = np.arange(size // 2 + 1) / side, np.fft.fftfreq(size, 1.0 / size)[:, None] / side
        value = _transfer(resolution * np.hypot(u, v), obstruction)
        gaussians, wings, _ = deposit.airy(resolution, obstruction)
        for variance, share in gaussians[-wings:]:
            value -= share * np.exp(-2.0 * math.pi**2 * variance * (u**2 + v**2))
        return np.round(value * np.sinc(u) * np.sinc(v), 9)

    def _resolution(self, plate_scale: float) -> float:
        """lambda / D as it is drawn [pixel]."""
        angle = fixed(self.wavelength_m) / fixed(self.aperture_diameter_m) * ARCSEC_PER_RADIAN
        return max(angle / plate_scale, NARROWEST)

    def _deposit_varying(self, pixels: NDArray[Any], stars: Stars, scale: float) -> None:
        x, y, flux = stars
        wavelength = positive_at(self, "wavelength_m", x, y)
        aperture = positive_at(self, "aperture_diameter_m", x, y)
        resolution = np.broadcast_to(wavelength / aperture * (ARCSEC_PER_RADIAN / scale), x.shape)
        obstruction = np.broadcast_to(below_one_at(self, "obstruction", x, y), x.shape)
        # lambda / D between neighbours of 7 bits, obstruction between hundredths: exact in binary, alike for all stars.
        mantissa, exponent = np.frexp(resolution)
        width, width_part = _between(mantissa * 128.0)
        hole, hole_part = _between(obstruction * 100.0)
        hole = np.minimum(hole, 98)
        hole_part = np.minimum(obstruction * 100.0 - hole, 1.0)
        patterns = np.stack([exponent, width, hole])
        for key in np.unique(patterns, axis=1).T.tolist():
            here = (patterns == np.array(key)[:, None]).all(axis=0)
            self._deposit_blend(
                pixels, (x[here], y[here], flux[here]), key, (width_part[here], hole_part[here])
            )

    def _deposit_blend(
        self,
        pixels: NDArray[Any],
        stars: Stars,
        key: list[int],
        parts: tuple[Column, Column],
    ) -> None:
        exponent, width, hole = key
        x, y, flux = stars
        for more_width, of_width in enumerate((1.0 - parts[0], parts[0])):
            for more_hole, of_hole in enumerate((1.0 - parts[1], parts[1])):
                light = np.ascontiguousarray(flux * of_width * of_hole)
                if light.any():
                    resolution = math.ldexp((width + more_width) / 128.0, exponent)
                    _airy(resolution, (hole + more_hole) / 100.0).deposit(
                        pixels, np.ascontiguousarray(x), np.ascontiguousarray(y), light
                    )


@lru_cache(maxsize=128)
def _airy(resolution_px: float, obstruction: float) -> deposit.Profile:
    return deposit.Profile.airy(resolution_px, obstruction)


def _between(position: Column) -> tuple[NDArray[np.int64], Column]:
    """The step below, and the way to the next in [0, 1)."""
    below = np.floor(position)
    return below.astype(np.int64), position - below


def _transfer(frequency: NDArray[np.float64], obstruction: float) -> NDArray[np.float64]:
    """The transform of the pattern at frequencies [D / lambda]: what two pupils share (O'Neill 1956, doi:10.1364/JOSA.46.000285)."""
    hole = obstruction / 2.0
    shared = _shared_by_circles(0.5, 0.5, frequency)
    if hole > 1e-6:  # what is smaller hides nothing
        shared += _shared_by_circles(hole, hole, frequency) - 2.0 * _shared_by_circles(0.5, hole, frequency)
    return shared / (math.pi / 4.0 * (1.0 - obstruction**2))


def _shared_by_circles(large: float, small: float, distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area of the lens of two circles, one in the other at small distances."""
    d = np.clip(distance, (large - small) + 1e-9 * large, large + small)
    at_large = np.arccos(np.clip((d**2 + large**2 - small**2) / (2.0 * d * large), -1.0, 1.0))
    at_small = np.arccos(np.clip((d**2 + small**2 - large**2) / (2.0 * d * small), -1.0, 1.0))
    chord = large * np.sin(at_large)
    lens = large**2 * at_large + small**2 * at_small - chord * d
    return np.where(distance <= large - small, math.pi * small**2, lens)
