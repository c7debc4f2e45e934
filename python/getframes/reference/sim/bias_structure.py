"""Bias structure: the fixed pattern of the offset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.reference import stream, variate
from getframes.reference.sim.channels import standardised
from getframes.reference.stream import Kind, Stage

if TYPE_CHECKING:
    from getframes.reference.image import Image


def plane_and_columns(key: int, shape: tuple[int, int], amplitude_adu: float) -> Image:
    """0.6 plane + 0.4 column offsets, each of peak 1, scaled to a peak of `amplitude_adu` [ADU]."""
    slopes = _normals(key, Stage.BIAS_PLANE, 2)
    down, across = (np.linspace(-1.0, 1.0, side) if side > 1 else np.zeros(1) for side in shape)
    plane = slopes[0] * down[:, None] + slopes[1] * across
    columns = _normals(key, Stage.BIAS_COLUMNS, shape[1])
    structure = 0.6 * _unit(plane) + 0.4 * _unit(columns)
    return amplitude_adu * _unit(structure)


def texture(key: int, shape: tuple[int, int], spread_adu: float) -> Image:
    """One offset a pixel, mean 0 and RMS `spread_adu` over the sensor [ADU]."""
    z = _normals(key, Stage.BIAS_TEXTURE, shape[0] * shape[1])
    return standardised(z, spread_adu).reshape(shape)


def _unit(values: Image) -> Image:
    """Values over their largest size."""
    peak = abs(values).max()
    return values / peak if peak > 0.0 else values


def _normals(key: int, stage: Stage, count: int) -> Image:
    return variate.normal_at(stream.wide_probability(key, Kind.PATTERN, stage, 0, 0, count))
