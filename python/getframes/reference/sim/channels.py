"""Interleaved readout channels: pixels along an axis take turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

from getframes.reference import stream, variate
from getframes.reference.stream import Kind, Stage

if TYPE_CHECKING:
    from getframes.reference.image import Image


def over_sensor(values: Image, shape: tuple[int, int], axis: int) -> Image:
    """The value of each pixel's channel, shape `shape`."""
    line = values[np.arange(shape[axis]) % values.size]
    return np.broadcast_to(line[:, None] if axis == 0 else line, shape)


def noise_factors(key: int, count: int, spread: float) -> Image:
    """exp(t z) over its mean, with t such that the RMS around 1 is `spread`, shape `(count,)` [1]."""
    if spread == 0.0:
        return np.ones(count)
    z = _normals(key, Stage.READ_NOISE_CHANNELS, count)

    def factors(width: float) -> Image:
        raised: Image = np.exp(width * (z - z.max()))
        return raised / float(raised.mean())

    most = 1.0
    while factors(most).std() < spread:
        most *= 2.0
    return factors(optimize.brentq(lambda width: factors(width).std() - spread, 0.0, most, xtol=1e-15))


def bias_offsets(key: int, count: int, spread_adu: float) -> Image:
    """z shifted to mean 0 and scaled to an RMS of `spread_adu`, shape `(count,)` [ADU]."""
    return standardised(_normals(key, Stage.BIAS_CHANNELS, count), spread_adu)


def standardised(values: Image, spread: float) -> Image:
    """Values of mean 0 and RMS `spread`; 0 where they are all the same."""
    rms = float(values.std())
    return (values - float(values.mean())) * (spread / rms if rms > 0.0 else 0.0)


def _normals(key: int, stage: Stage, count: int) -> Image:
    return variate.normal_at(stream.wide_probability(key, Kind.PATTERN, stage, 0, 0, count))
