"""Gaussian and Moffat PSFs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from getframes._native import deposit
from getframes.errors import require
from getframes.scene.field import FieldPolynomial, parameter_at
from getframes.scene.psf.parameters import above_at, fixed, parameter, positive_at, require_positive
from getframes.scene.psf.stars import NativePSF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))


@dataclass(frozen=True)
class GaussianPSF(NativePSF):
    """A round Gaussian: seeing with good guiding, integrated over pixels exactly (error functions).

    Attributes
    ----------
    fwhm_arcsec : float or FieldPolynomial
        Full width at half maximum [arcsec].

    Notes
    -----
    Drawn to 5 standard deviations or a little more; the light beyond is less than 1.2e-6.
    """

    fwhm_arcsec: float | FieldPolynomial

    def __post_init__(self) -> None:
        require_positive(self, "fwhm_arcsec", "arcsec")

    def _profile(self, plate_scale: float) -> deposit.Profile:
        return _gaussian(fixed(self.fwhm_arcsec) / FWHM_PER_SIGMA / plate_scale)

    def mixture(self, plate_scale: float, x: Column, y: Column) -> deposit.Mixture | None:
        """One Gaussian."""
        sigma = positive_at(self, "fwhm_arcsec", x, y) / (FWHM_PER_SIGMA * plate_scale)
        return deposit.Mixture.gaussian(sigma, sigma, np.zeros(1))


@dataclass(frozen=True)
class EllipticalGaussianPSF(NativePSF):
    """A Gaussian with two widths: poor guiding, wind shake, astigmatism.

    Attributes
    ----------
    fwhm_major_arcsec, fwhm_minor_arcsec : float or FieldPolynomial
        Full widths at half maximum along the two axes [arcsec]; either may be the longer one.
    position_angle_deg : float or FieldPolynomial
        Angle of the first axis, from +x towards +y [deg].
    """

    fwhm_major_arcsec: float | FieldPolynomial
    fwhm_minor_arcsec: float | FieldPolynomial
    position_angle_deg: float | FieldPolynomial = 0.0

    def __post_init__(self) -> None:
        require_positive(self, "fwhm_major_arcsec", "arcsec")
        require_positive(self, "fwhm_minor_arcsec", "arcsec")
        parameter(self, "position_angle_deg", "deg")

    def _profile(self, plate_scale: float) -> deposit.Profile:
        unit = FWHM_PER_SIGMA * plate_scale
        return _elliptical(
            fixed(self.fwhm_major_arcsec) / unit,
            fixed(self.fwhm_minor_arcsec) / unit,
            fixed(self.position_angle_deg),
        )

    def mixture(self, plate_scale: float, x: Column, y: Column) -> deposit.Mixture | None:
        """One Gaussian."""
        unit = FWHM_PER_SIGMA * plate_scale
        major, minor = (
            positive_at(self, name, x, y) / unit for name in ("fwhm_major_arcsec", "fwhm_minor_arcsec")
        )
        return deposit.Mixture.gaussian(major, minor, parameter_at(self.position_angle_deg, x, y))


@dataclass(frozen=True)
class MoffatPSF(NativePSF):
    """Seeing with wings: f(r) ~ (1 + r^2 / alpha^2)^-beta (Moffat 1969, A&A 3, 455).

    Attributes
    ----------
    fwhm_arcsec : float or FieldPolynomial
        Full width at half maximum [arcsec].
    beta : float or FieldPolynomial
        Steepness of the wings, > 1. Kolmogorov turbulence is near 4.765 (Trujillo et al. 2001,
        doi:10.1046/j.1365-8711.2001.04937.x).
    """

    fwhm_arcsec: float | FieldPolynomial
    beta: float | FieldPolynomial = 3.0

    def __post_init__(self) -> None:
        require_positive(self, "fwhm_arcsec", "arcsec")
        beta = parameter(self, "beta", "")
        require(beta is None or beta > 1.0, self, "beta", "> 1", beta)

    def _profile(self, plate_scale: float) -> deposit.Profile:
        return _moffat(fixed(self.fwhm_arcsec) / plate_scale, fixed(self.beta))

    def mixture(self, plate_scale: float, x: Column, y: Column) -> deposit.Mixture | None:
        """About a dozen Gaussians, right to 2e-4 of the peak."""
        beta = above_at(self, "beta", 1.0, x, y)
        return deposit.Mixture.moffat(positive_at(self, "fwhm_arcsec", x, y) / plate_scale, beta)


@lru_cache(maxsize=16)
def _gaussian(sigma_px: float) -> deposit.Profile:
    return deposit.Profile.gaussian(sigma_px)


@lru_cache(maxsize=16)
def _elliptical(sigma_major_px: float, sigma_minor_px: float, angle_deg: float) -> deposit.Profile:
    return deposit.Profile.elliptical(sigma_major_px, sigma_minor_px, angle_deg)


@lru_cache(maxsize=16)
def _moffat(fwhm_px: float, beta: float) -> deposit.Profile:
    return deposit.Profile.moffat(fwhm_px, beta)
