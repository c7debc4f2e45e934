"""Pixels of a mask in colours over the picture of an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.picture.plot import text
from getframes.picture.stretch import fitted

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.ImageDraw import ImageDraw

COLOURS = (
    (222, 66, 60),
    (96, 165, 250),
    (234, 190, 60),
    (52, 168, 96),
    (192, 120, 240),
    (251, 146, 60),
    (64, 200, 210),
    (240, 130, 180),
)


def overlaid(
    pixels: NDArray[np.uint8], mask: NDArray[Any], planes: Mapping[str, int], transparency: float
) -> NDArray[np.uint8]:
    """The picture of an image with the planes of its mask over it.

    Parameters
    ----------
    pixels : array (rows, columns, 3)
        Picture of the image, of any size.
    mask : array (height, width)
        Bits.
    planes : mapping of str to int
        Bit of each plane.
    transparency : float
        From 0, which hides what is below, to 1, which shows nothing of the mask.
    """
    made = pixels.astype(np.float64)
    rows, columns = pixels.shape[:2]
    for colour, bit in zip(_colours(planes), planes.values(), strict=True):
        set_here = fitted((mask >> bit) & 1, columns, rows) > 0
        made[set_here] = transparency * made[set_here] + (1.0 - transparency) * np.array(colour)
    return np.rint(made).astype(np.uint8)


def legend(draw: ImageDraw, at: tuple[int, int], planes: Mapping[str, int]) -> None:
    """The names of planes in their colours, on one line."""
    left, top = at
    for name, colour in zip(planes, _colours(planes), strict=True):
        text(draw, (left, top), name, colour, 16)
        left += 14 + 11 * len(name)


def _colours(planes: Mapping[str, int]) -> list[tuple[int, int, int]]:
    return [COLOURS[number % len(COLOURS)] for number in range(len(planes))]
