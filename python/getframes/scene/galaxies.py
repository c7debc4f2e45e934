"""Galaxies drawn into images: Sersic profiles convolved with the PSF of the scene, and integrated over pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.scene.diffusion import DiffusedPSF
from getframes.scene.psf.stars import PSF, NativePSF, native_pixels
from getframes.scene.transform import deposit_transformed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

SMALLEST_INDEX, LARGEST_INDEX = 0.5, 8.0


@dataclass(frozen=True)
class Galaxies:
    """Galaxies on the pixel grid, arrays of shape `(n,)`.

    Attributes
    ----------
    x, y : array
        Centres [pixel].
    flux : array
        Total light.
    r_eff_px : array
        Half-light radius along the major axis [pixel]; 0 is a star.
    index : array
        Sersic n, in [0.5, 8].
    axis_ratio : array
        Minor over major axis, in (0, 1].
    angle_deg : array
        Angle of the major axis from +x towards +y [deg].
    """

    x: Column
    y: Column
    flux: Column
    r_eff_px: Column
    index: Column
    axis_ratio: Column
    angle_deg: Column

    def columns(self) -> tuple[Column, ...]:
        """The arrays, in the order of the attributes."""
        return (self.x, self.y, self.flux, self.r_eff_px, self.index, self.axis_ratio, self.angle_deg)


def deposit_galaxies(image: NDArray[Any], psf: PSF, galaxies: Galaxies, plate_scale: float) -> None:
    """Add galaxies to `image`, shape `(height, width)`, in place and in their order.

    Behind a Gaussian, elliptical Gaussian or Moffat PSF the convolution is analytic, of mixtures of Gaussians; behind any
    other PSF what of a galaxy is not takes a Fourier transform.
    """
    light, variance = (psf.psf, psf.variance_px2) if isinstance(psf, DiffusedPSF) else (psf, 0.0)
    columns = galaxies.columns()
    mixture = light.mixture(plate_scale, columns[0], columns[1]) if isinstance(light, NativePSF) else None
    with native_pixels(image) as pixels:
        if mixture is not None:
            mixture.deposit(pixels, columns, variance_px2=variance)
        else:
            deposit_transformed(pixels, light, columns, plate_scale, variance)
