"""The count from which a pixel is saturated: where the first of well, output and converter is at its end."""

from __future__ import annotations

from math import exp, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from getframes.config.camera import CameraConfig

_MARGIN_SIGMA = 5.0
"""Counts of a full well are so many standard deviations above what is told, so that noise hides none."""


def saturation_adu(config: CameraConfig, binning: int = 1, *, on_chip: bool = False) -> float:
    """The count from which a pixel of a frame is saturated [ADU].

    The wells of all pixels are taken to be alike, and amplifiers and the structure of the bias to be their mean.

    Parameters
    ----------
    config : CameraConfig
        The camera.
    binning : int
        Pixels on the side of a super pixel.
    on_chip : bool
        Whether charge is added before it is read, or counts are after.
    """
    block = binning**2
    together, reads = (block, 1) if on_chip else (1, block)
    well, gain = config.full_well_e * together, config.em_gain
    full = well * (1.0 + sum(response_coefficients(config))) * gain
    excess = (config.gain_excess_noise_factor**2 - 1.0) * well * gain**2 if config.has_gain_stage else 0.0
    output = (
        config.output_full_well_e or config.full_well_e * together
    )  # charge of a block meets in one output
    noise = _noisiest_read_e(config) ** 2 + config.reset_noise_e**2
    counts = [
        reads * (config.bias_offset_adu + end / config.gain_e_per_adu)
        - _MARGIN_SIGMA * sqrt(reads * variance) / config.gain_e_per_adu
        for end, variance in ((full, noise + excess), (output, noise))
    ]
    return min(reads * float(config.max_adu), *counts)


def response_coefficients(config: CameraConfig) -> list[float]:
    """c1, c2 ... of the response 1 + c1 u + c2 u^2 ..."""
    if config.nonlinearity_coeffs is not None:
        return list(config.nonlinearity_coeffs)
    return [-config.nonlinearity]


def _noisiest_read_e(config: CameraConfig) -> float:
    """Read noise of the pixels with the most: two widths up the core, with telegraph noise, at the edge [e-]."""
    telegraph = max(config.read_noise_rts_factor, 1.0) if config.read_noise_rts_fraction else 1.0
    spread = config.read_noise_nonuniformity + config.read_noise_channel_nonuniformity
    return config.read_noise_e * telegraph * config.read_noise_edge_factor * exp(2.0 * spread)
