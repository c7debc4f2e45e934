"""Defects: pixels that collect nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.reference import stream
from getframes.reference.stream import Kind, Stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.reference.image import Image


def defects(charge_e: Image, dead: NDArray[np.bool_]) -> Image:
    """Charge, none where a pixel is dead [e-]."""
    return np.where(dead, 0.0, charge_e)


def dead_pixels(
    key: int, shape: tuple[int, int], pixel_fraction: float, column_fraction: float
) -> NDArray[np.bool_]:
    """True where u < fraction: a word pair a pixel, and one a column."""
    height, width = shape
    pixels = stream.wide_uniform(key, Kind.PATTERN, Stage.DEAD_PIXELS, 0, 0, height * width)
    columns = stream.wide_uniform(key, Kind.PATTERN, Stage.DEAD_COLUMNS, 0, 0, width)
    dead: NDArray[np.bool_] = (pixels.reshape(shape) < pixel_fraction) | (columns < column_fraction)
    return dead
