"""Galaxies behind a PSF that is a mixture of Gaussians: every pair of components, every pixel integrated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from getframes.reference.deposit.pixels import NODES, WEIGHTS
from getframes.reference.profile import sersic

if TYPE_CHECKING:
    from getframes.reference.image import Image

    Galaxy = tuple[float, float, float, float, float, float, float]
    Mixture = Iterable[tuple[float, Image]]


def covariance(along: float, across: float, angle_deg: float) -> Image:
    """Of a Gaussian with these standard deviations, its first axis at an angle from +x towards +y."""
    angle = np.radians(angle_deg)
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    value: Image = axes @ np.diag([along**2, across**2]) @ axes.T
    return value


def galaxy(shape: tuple[int, int], sources: Iterable[Galaxy], psf: Mixture) -> Image:
    """Image of sources (x, y, flux, r_eff, n, axis ratio, angle) in pixels and degrees; a star has r_eff 0.

    `psf` is pairs of weight and covariance [pixel^2].
    """
    image = np.zeros(shape)
    psf = list(psf)
    nodes, weights = NODES / 2.0, WEIGHTS / 2.0
    x_nodes = (np.arange(shape[1])[:, None] + nodes).ravel()
    y_nodes = (np.arange(shape[0])[:, None] + nodes).ravel()
    for x, y, flux, r_eff, n, axis_ratio, angle in sources:
        own = covariance(r_eff, r_eff * axis_ratio, angle)
        shares = zip(*sersic(n), strict=True) if r_eff > 0.0 else [(0.0, 1.0)]
        density = np.zeros((y_nodes.size, x_nodes.size))
        for sigma, share in shares:
            for weight, blur in psf:
                density += (
                    share * weight * _gaussian(sigma**2 * own + blur, x_nodes - x, y_nodes[:, None] - y)
                )
        cells = density.reshape(shape[0], nodes.size, shape[1], nodes.size)
        image += flux * np.einsum("iajb,a,b->ij", cells, weights, weights)
    return image


def _gaussian(spread: Image, u: Image, v: Image) -> Image:
    (xx, xy), (_, yy) = spread
    determinant = xx * yy - xy**2
    form = (yy * u**2 - 2.0 * xy * u * v + xx * v**2) / determinant
    value: Image = np.exp(-0.5 * form) / (2.0 * np.pi * np.sqrt(determinant))
    return value
