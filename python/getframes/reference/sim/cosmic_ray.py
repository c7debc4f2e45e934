"""Cosmic rays: hits that leave charge in a pixel, or along a straight track.

The words of hit h are those of "pixel" h of the stage; its draws are numbered in `Draw`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from getframes.reference import stream, variate

if TYPE_CHECKING:
    from getframes.reference.image import Image, Words
    from getframes.reference.stream import Address

SHAPE, SCALE_E = 2.0, 5000.0


class Draw(IntEnum):
    """Which word of a hit; x and y take two."""

    COUNT = 0
    X = 1
    Y = 3
    CHARGE = 5
    LENGTH = 6
    ANGLE = 7


def mean_hits(
    rate_per_cm2_s: float, shape: tuple[int, int], pixel_size_um: float, exposure_s: float
) -> float:
    """rate * area * exposure."""
    return rate_per_cm2_s * shape[0] * shape[1] * (pixel_size_um * 1e-4) ** 2 * exposure_s


def cosmic_rays(charge_e: Image, hits: float, track_length_px: float, at: Address) -> Image:
    """Charge with the hits of one exposure [e-]; Poisson(`hits`) of them, Gamma(2, 5000 e-) each."""
    struck: Image = charge_e.copy()
    count = int(variate.poisson(np.asarray(hits), _words(at, Draw.COUNT, 1))[0])
    height, width = charge_e.shape
    x, y = (_position(at, draw, count) * side for draw, side in ((Draw.X, width), (Draw.Y, height)))
    charge = SCALE_E * variate.gamma(np.full(count, SHAPE), _words(at, Draw.CHARGE, count))
    length = track_length_px * variate.exponential(_words(at, Draw.LENGTH, count))
    angle = 2.0 * np.pi * stream.uniform(_words(at, Draw.ANGLE, count))
    for hit in range(count):
        step = length[hit] * np.sin(angle[hit]), length[hit] * np.cos(angle[hit])
        _leave(struck, charge[hit], (y[hit], x[hit]), step)
    return struck


def _leave(charge_e: Image, hit_e: float, start: tuple[float, float], step: tuple[float, float]) -> None:
    """Spread one hit over the pixels of its path, in proportion to the path in each; pixel i is [i, i + 1]."""
    path = np.clip(np.unique(np.concatenate([[0.0, 1.0], *map(_crossings, start, step)])), 0.0, 1.0)
    middle = (path[1:] + path[:-1]) / 2.0
    row, column = (np.floor(at + middle * move).astype(int) for at, move in zip(start, step, strict=True))
    inside = (row >= 0) & (row < charge_e.shape[0]) & (column >= 0) & (column < charge_e.shape[1])
    np.add.at(charge_e, (row[inside], column[inside]), hit_e * np.diff(path)[inside])


def _crossings(start: float, step: float) -> Image:
    """Where along its path, in [0, 1], a track crosses the edges of pixels on one axis."""
    low, high = sorted((start, start + step))
    edges = np.arange(np.ceil(low), np.floor(high) + 1.0)
    return (edges - start) / step if step else np.empty(0)


def _words(at: Address, draw: int, count: int) -> Words:
    return stream.words(at.key, at.kind, stream.Stage.COSMIC_RAYS, at.frame, draw, 0, count)


def _position(at: Address, draw: int, count: int) -> Image:
    high, low = (_words(at, draw + word, count).astype(np.uint64) for word in (0, 1))
    integer = (high << np.uint64(32) | low) >> np.uint64(12)
    position: Image = (integer.astype(np.float64) + 0.5) / 2.0**52
    return position
