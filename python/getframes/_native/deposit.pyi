"""Deposition of point sources."""

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
