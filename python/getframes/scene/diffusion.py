"""Charge diffusion in scenes: photoelectrons wander before a pixel collects them, and every PSF gets wider."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import require
from getframes.scene.optics import number
from getframes.scene.psf.analytic import FWHM_PER_SIGMA
from getframes.scene.psf.stars import (
    PSF,
    CatalogPSF,
    NativePSF,
    add_stars,
    deposit_stars,
    native_pixels,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.scene.psf.stars import Stars


@dataclass(frozen=True)
class DiffusedPSF(CatalogPSF):
    """A PSF behind a round Gaussian of charge diffusion.

    Attributes
    ----------
    psf : PSF
        The PSF of the light.
    fwhm_px : float
        Full width at half maximum of the diffusion [pixel].

    Notes
    -----
    A PSF that is a mixture of Gaussians is widened exactly, by adding variances. Any other is drawn at the nodes of a
    Gauss-Hermite rule about the star, 25 times for a diffusion narrower than 1.4 pixels. Not modelled: diffusion that
    depends on wavelength, brightness or place.
    """

    psf: PSF
    fwhm_px: float

    def __post_init__(self) -> None:
        fwhm = number(self, "fwhm_px", "px")
        require(0.0 < fwhm <= 100.0, self, "fwhm_px", "in (0, 100] pixel", fwhm)

    @property
    def variance_px2(self) -> float:
        """Variance along each axis [pixel^2]."""
        return (self.fwhm_px / FWHM_PER_SIGMA) ** 2

    @property
    def _light(self) -> PSF:
        return self.psf

    def _draw(self, image: NDArray[Any], stars: Stars, scale: float) -> None:
        x, y, flux = stars
        mixture = self.psf.mixture(scale, x, y) if isinstance(self.psf, NativePSF) else None
        if mixture is not None:
            with native_pixels(image) as pixels:
                deposit_stars(mixture, pixels, stars, self.variance_px2)
            return
        steps, weights = _hermite(math.sqrt(self.variance_px2))
        across, down = (offsets.ravel() for offsets in np.meshgrid(steps, steps))
        shares = np.outer(weights, weights).ravel()
        nodes = (x[:, None] + across, y[:, None] + down, flux[:, None] * shares)
        node_x, node_y, light = (np.ascontiguousarray(values.ravel()) for values in nodes)
        add_stars(self.psf, image, node_x, node_y, light, scale)


def _hermite(sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights of a Gaussian, about 0.8 pixel apart or less; rounded, to be the same on every machine."""
    count = min(max(5, math.ceil(8.0 * sigma**2) + 3), 101)
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return np.round(nodes, 12) * sigma, np.round(weights / weights.sum(), 12)
