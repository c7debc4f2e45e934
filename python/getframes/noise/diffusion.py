"""Charge diffusion on oversampled maps of light, before pixels collect it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import sim
from getframes.backend import require_cpu
from getframes.errors import DomainError, ShapeError, require
from getframes.noise.image import number_or_nan, readable, require_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))


def charge_diffusion_kernel(fwhm_px: float, *, oversampling: int) -> NDArray[np.float64]:
    """The cloud of charge of one point of light: a Gaussian integrated over samples, of sum 1.

    Its width is `fwhm_px` times `oversampling` samples, its radius ceil(4 sigma + 1/2).

    Parameters
    ----------
    fwhm_px : float
        Width of the cloud [pixels of the detector], >= 0; 0 gives one sample.
    oversampling : int
        Samples per pixel on each axis; at least one sample per FWHM.

    Raises
    ------
    DomainError
        If an argument is impossible, or the samples are too coarse for the cloud.
    """
    sigma = _sigma(fwhm_px, oversampling)
    if sigma == 0.0:
        return np.ones((1, 1))
    side = np.array(sim.diffusion_weights(sigma))
    line = np.concatenate([side[:0:-1], side])
    kernel: NDArray[np.float64] = np.outer(line, line)
    return kernel


def apply_charge_diffusion(
    values: Any, fwhm_px: float, *, oversampling: int, backend: Any = None
) -> NDArray[np.floating[Any]]:
    """An oversampled map after charge diffusion: its convolution with `charge_diffusion_kernel`; nothing comes from outside.

    Parameters
    ----------
    values : array (height, width)
        Light or mean charge on a grid of `oversampling` samples per pixel, any unit; it stays as it is.
    fwhm_px, oversampling
        As in `charge_diffusion_kernel`.

    Raises
    ------
    DomainError, ShapeError
        If an argument is impossible, or the map is not one of two axes with finite values.
    """
    require_cpu(backend)
    sigma = _sigma(fwhm_px, oversampling)
    light = readable(values, "values", np.dtype(np.float64))
    if light.ndim != 2:
        raise ShapeError(f"values must have shape (height, width), got {light.shape}")
    require_finite(light, "values")
    if sigma == 0.0 or light.size == 0:
        same: NDArray[np.floating[Any]] = light.copy()
        return same
    return sim.diffuse(light, sigma)


def _sigma(fwhm_px: Any, oversampling: Any) -> float:
    """Width in samples."""
    width = number_or_nan(fwhm_px)
    require(0.0 <= width < np.inf, "", "fwhm_px", "finite and >= 0 px", fwhm_px)
    samples = number_or_nan(oversampling)
    require(samples >= 1.0 and samples == int(samples), "", "oversampling", "an integer >= 1", oversampling)
    if 0.0 < width * samples < 1.0:
        raise DomainError(
            f"oversampling must be at least {math.ceil(1.0 / width)} for a fwhm_px of {width:g}, got {oversampling}"
        )
    return width * samples / FWHM_PER_SIGMA
