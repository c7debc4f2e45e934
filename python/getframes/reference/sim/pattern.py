"""Fixed patterns: maps that belong to the sensor and are the same in every frame.

The key comes from `fixed_pattern_seed`, the kind is `PATTERN`, the frame number is 0.
A variate takes two words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.reference import stream, variate
from getframes.reference.stream import Kind, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from getframes.reference.image import Image

    Shape = tuple[int, int]


def _normals(key: int, stage: Stage, shape: Shape) -> Image:
    u = stream.wide_probability(key, Kind.PATTERN, stage, 0, 0, shape[0] * shape[1])
    return variate.normal_at(u).reshape(shape)


def _uniforms(key: int, stage: Stage, shape: Shape) -> Image:
    return stream.wide_uniform(key, Kind.PATTERN, stage, 0, 0, shape[0] * shape[1]).reshape(shape)


def _lognormals(key: int, stage: Stage, shape: Shape, sigma: float) -> Image:
    """exp(s z - s^2 / 2), mean 1."""
    lognormals: Image = np.exp(sigma * _normals(key, stage, shape) - sigma**2 / 2.0)
    return lognormals


def prnu(key: int, shape: Shape, sigma: float) -> Image:
    """Photo response of each pixel, relative to the mean: log-normal [1]."""
    return _lognormals(key, Stage.PRNU, shape, sigma)


def hot_pixels(key: int, shape: Shape, fraction: float) -> NDArray[np.bool_]:
    """True where a pixel is hot: u < fraction."""
    hot: NDArray[np.bool_] = _uniforms(key, Stage.HOT_PIXELS, shape) < fraction
    return hot


def dark_multiplier(
    key: int, shape: Shape, dsnu_sigma: float, hot_fraction: float, hot_factor: float
) -> Image:
    """Dark current of each pixel, relative to the sensor's: log-normal DSNU, hot pixels multiplied [1]."""
    hot = hot_pixels(key, shape, hot_fraction)
    return _lognormals(key, Stage.DSNU, shape, dsnu_sigma) * np.where(hot, hot_factor, 1.0)


def read_noise_rms(
    key: int, shape: Shape, rms_e: float, sigma: float, rts_fraction: float, rts_factor: float
) -> Image:
    """Read noise of each pixel: a log-normal core, a fraction of the pixels multiplied (RTS tail) [e-].

    `channels.noise_factors` and `edge.rise` multiply it further.
    """
    core = _lognormals(key, Stage.READ_NOISE_CORE, shape, sigma)
    rts = _uniforms(key, Stage.READ_NOISE_RTS, shape) < rts_fraction
    return rms_e * core * np.where(rts, rts_factor, 1.0)


def avalanche_gain(key: int, shape: Shape, nonuniformity: float, gain: float) -> Image:
    """Avalanche gain of each pixel, relative to the mean: log-normal of width s ln(G) [1]."""
    return _lognormals(key, Stage.AVALANCHE_GAIN, shape, nonuniformity * float(np.log(gain)))


def amplifier_index(
    shape: Shape, layout: Shape, splits_y: Sequence[int] = (), splits_x: Sequence[int] = ()
) -> NDArray[np.int64]:
    """Row-major number of the amplifier of each pixel; equal blocks give the first ones the remainder."""
    rows, columns = (
        np.searchsorted(np.asarray(splits or _equal_splits(size, parts)), np.arange(size), side="right")
        for size, parts, splits in zip(shape, layout, (splits_y, splits_x), strict=True)
    )
    index: NDArray[np.int64] = rows[:, None] * layout[1] + columns[None, :]
    return index


def _equal_splits(size: int, parts: int) -> list[int]:
    quotient, remainder = divmod(size, parts)
    return [part * quotient + min(part, remainder) for part in range(1, parts)]


def amplifier_gains(key: int, layout: Shape, spread: float, factors: Sequence[float] | None = None) -> Image:
    """Gain of each amplifier, relative to the mean: given, else 1 + s z, shape `(rows * columns,)` [1]."""
    if factors is not None:
        return np.array(factors, float)
    gains: Image = 1.0 + spread * _normals(key, Stage.AMPLIFIER_GAIN, layout).ravel()
    return gains


def amplifier_offsets(
    key: int, layout: Shape, spread_adu: float, offsets_adu: Sequence[float] | None = None
) -> Image:
    """Offset of each amplifier: given, else s z, shape `(rows * columns,)` [ADU]."""
    if offsets_adu is not None:
        return np.array(offsets_adu, float)
    offsets: Image = spread_adu * _normals(key, Stage.AMPLIFIER_OFFSET, layout).ravel()
    return offsets


def glow(shape: Shape, scale_px: float) -> Image:
    """Amplifier glow, mean 1: uniform, or exp(-d / scale) with d to the nearest edge pixel [1]."""
    if scale_px == 0.0:
        return np.ones(shape)
    y, x = (np.minimum(np.arange(size), np.arange(size)[::-1]) for size in shape)
    profile: Image = np.exp(-np.minimum(y[:, None], x[None, :]) / scale_px)
    profile /= profile.mean()
    return profile
