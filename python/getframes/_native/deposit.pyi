"""Deposition of sources."""

from collections.abc import Sequence
from typing import Any, final

from numpy import float32, float64, uintp
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
    """A PSF that galaxies are convolved with, on a pixel grid; parameters of shape `(1,)`, or one a source."""

    @staticmethod
    def gaussian(
        sigma_major_px: NDArray[float64], sigma_minor_px: NDArray[float64], angle_deg: NDArray[float64]
    ) -> Mixture:
        """Gaussians; the angle is from +x towards +y."""

    @staticmethod
    def moffat(fwhm_px: NDArray[float64], beta: NDArray[float64]) -> Mixture:
        """Moffat profiles."""

    @staticmethod
    def airy(resolution_px: NDArray[float64], obstruction: NDArray[float64]) -> Mixture:
        """Airy patterns: Gaussians where their rings are hidden, and for their wings."""

    @staticmethod
    def image(
        reach_px: float, centre_px: Sequence[float], moments_px2: Sequence[float], narrowest_px: float
    ) -> Mixture:
        """A PSF that is known as an image only, of that radius; a Gaussian of `narrowest_px` or wider hides all of it but
        its centre of light (x, y), from its middle, and the second moments xx, xy, yy about that."""

    def sides(
        self, shape: tuple[int, int], columns: Sequence[NDArray[float64]], *, variance_px2: float = 0.0
    ) -> NDArray[uintp]:
        """Sides of the stamps that sources need, shape `(n,)` [pixel]; 0 for one that is made of Gaussians, or off the image."""

    def spectra(
        self,
        transfer: Transfer,
        columns: Sequence[NDArray[float64]],
        *,
        variance_px2: float = 0.0,
    ) -> NDArray[float32]:
        """Transforms of the stamps of n sources: pairs (real, imaginary), shape `(2 n side (side / 2 + 1),)`."""

    def deposit(
        self,
        image: NDArray[Any],
        columns: Sequence[NDArray[float64]],
        *,
        variance_px2: float = 0.0,
        sides: NDArray[uintp] | None = None,
        stamps: NDArray[float32] | None = None,
    ) -> None:
        """Add Sersic galaxies, and stars where r_eff is 0, to a contiguous image, in place.

        `columns`: x, y, flux, r_eff, index, axis ratio, angle, each of shape `(n,)` [pixel, degree]. `variance_px2` widens
        the PSF. `stamps` holds the parts of the sources that are no Gaussians, one after the other, with these `sides`.
        """

@final
class Transfer:
    """The transform of a PSF and a pixel, for stamps of one size."""

    def __new__(cls, values: NDArray[float32], side: int) -> Transfer:
        """From pairs (real, imaginary), shape `(m * side, (m * side / 2 + 1) * 2)`, at steps of 1 / side cycles a pixel."""

def sersic(index: float) -> list[tuple[float, float]]:
    """Widths (in r_eff) and shares of the Gaussians that make a Sersic profile."""

def moffat(fwhm_px: float, beta: float) -> list[tuple[float, float]]:
    """Variances [pixel^2] and shares of the Gaussians that make a Moffat profile."""

def airy(resolution_px: float, obstruction: float) -> tuple[list[tuple[float, float]], int, float]:
    """An Airy pattern behind a blur: variances [pixel^2] and shares of its Gaussians, how many at the end are its wings,
    and the standard deviation [pixel] of the least blur."""
