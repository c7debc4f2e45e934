"""Deposition of sources."""

from typing import Any, final

from numpy import float64
from numpy.typing import NDArray

@final
class Profile:
    """A PSF on a pixel grid."""

    @property
    def reach_px(self) -> tuple[int, int]:
        """Farthest column and row that light is drawn in, from the pixel that holds the star."""

    @property
    def lost_flux(self) -> float:
        """Fraction of the light that is not drawn, for a star centred on a pixel."""

    @staticmethod
    def gaussian(sigma_px: float) -> Profile:
        """A round Gaussian."""

    @staticmethod
    def elliptical(sigma_major_px: float, sigma_minor_px: float, angle_deg: float) -> Profile:
        """A Gaussian with two widths; the angle is from +x towards +y."""

    @staticmethod
    def moffat(fwhm_px: float, beta: float) -> Profile:
        """A Moffat profile."""

    @staticmethod
    def airy(resolution_px: float, obstruction: float) -> Profile:
        """An Airy pattern; `resolution_px` is lambda / D."""

    @staticmethod
    def array(kernel: NDArray[float64]) -> Profile:
        """A kernel of pixel fractions."""

    def deposit(
        self,
        image: NDArray[Any],
        x: NDArray[float64],
        y: NDArray[float64],
        flux: NDArray[float64],
        band_rows: int | None = None,
    ) -> None:
        """Add stars to a contiguous float32 or float64 image, in place."""

@final
class Mixture:
    """A PSF as a mixture of Gaussians on a pixel grid; parameters of shape `(1,)`, or one a source."""

    @staticmethod
    def gaussian(
        sigma_major_px: NDArray[float64], sigma_minor_px: NDArray[float64], angle_deg: NDArray[float64]
    ) -> Mixture:
        """Gaussians; the angle is from +x towards +y."""

    @staticmethod
    def moffat(fwhm_px: NDArray[float64], beta: NDArray[float64]) -> Mixture:
        """Moffat profiles."""

    def deposit(
        self,
        image: NDArray[Any],
        x: NDArray[float64],
        y: NDArray[float64],
        flux: NDArray[float64],
        r_eff_px: NDArray[float64],
        index: NDArray[float64],
        axis_ratio: NDArray[float64],
        angle_deg: NDArray[float64],
        *,
        variance_px2: float = 0.0,
    ) -> None:
        """Add Sersic galaxies, and stars where `r_eff_px` is 0, to a contiguous image, in place.

        `variance_px2` widens the PSF.
        """

def sersic(index: float) -> list[tuple[float, float]]:
    """Widths (in r_eff) and shares of the Gaussians that make a Sersic profile."""

def moffat(fwhm_px: float, beta: float) -> list[tuple[float, float]]:
    """Variances [pixel^2] and shares of the Gaussians that make a Moffat profile."""
