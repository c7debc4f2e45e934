"""Small images side by side in a panel of a sheet, each in a frame of its own colour and with a word on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.picture.plot import FRAME, INK, PAPER, text
from getframes.picture.stretch import fitted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.picture.sheet import Sheet

_WORD = 44
"""Narrower tiles have no words on them [px]."""


@dataclass(frozen=True, eq=False)
class Tile:
    """One of the images.

    Attributes
    ----------
    image : array (side, side)
        Pixel values.
    colour : (int, int, int), optional
        Of the frame.
    word : str
        What is written on it.
    """

    image: NDArray[np.floating[Any]]
    colour: tuple[int, int, int] = FRAME
    word: str = ""


def show_tiles(
    sheet: Sheet,
    row: int,
    column: int,
    tiles: Sequence[Sequence[Tile]],
    colours: Callable[[Any], NDArray[np.uint8]],
    caption: str,
    detail: str,
) -> None:
    """Rows of tiles in a panel, the first row at the bottom.

    Parameters
    ----------
    sheet : Sheet
        What has the panel.
    row, column : int
        Which panel.
    tiles : rows of Tile
        As many in every row.
    colours : callable
        Makes pixels of colours, shape (height, width, 3), of pixel values.
    caption, detail : str
        Two lines below.
    """
    cell = sheet.panel // max(len(tiles), len(tiles[0]))
    edge = 1 if cell < _WORD else 2
    made = [[_framed(tile, cell, edge, colours) for tile in line] for line in tiles]
    sheet.show(row, column, np.concatenate([np.concatenate(line, 1) for line in made]), caption, detail)
    left, top = sheet.corner(row, column)
    for j, line in enumerate(tiles):
        for i, tile in enumerate(line):
            if tile.word and cell >= _WORD:
                at = left + i * cell + 2 * edge + 2, top + (len(tiles) - 1 - j) * cell + 2 * edge + 1
                text(sheet.draw, at, tile.word, INK, 11 if cell < 70 else 13)


def _framed(tile: Tile, cell: int, edge: int, colours: Callable[[Any], NDArray[np.uint8]]) -> Any:
    """The pixels of a tile on a square of the colour of its frame, with a gap around."""
    room = cell - 4 * edge
    pixels = colours(fitted(tile.image, room, room))
    square = np.empty((cell, cell, 3), np.uint8)
    square[:] = PAPER
    square[edge : cell - edge, edge : cell - edge] = tile.colour
    square[2 * edge : cell - 2 * edge, 2 * edge : cell - 2 * edge] = colours(np.zeros((1, 1)))
    top, left = ((cell - side) // 2 for side in pixels.shape[:2])
    square[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return square
