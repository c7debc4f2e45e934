"""A frame in characters: two pixels a character, with a histogram of one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.picture.stretch import Stretch

_SHADES = " .:-=+*#%@"
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_GREYS = 24  # of the 256 colours, from 232 on


def characters(level: NDArray[np.floating[Any]], *, half_blocks: bool) -> list[str]:
    """Lines of a terminal that show an image, two of its rows each; its first row is at the bottom.

    Parameters
    ----------
    level : array (height, width)
        Brightness in [0, 1].
    half_blocks : bool
        Use half blocks in the greys of the 256 colours; without them characters of rising weight.
    """
    level = level[::-1]
    if level.shape[0] % 2:
        level = np.vstack([level, np.zeros_like(level[:1])])
    upper, lower = level[0::2], level[1::2]
    if half_blocks:
        return [_half_blocks(*pair) for pair in zip(upper, lower, strict=True)]
    shade = np.rint((upper + lower) / 2 * (len(_SHADES) - 1)).astype(int)
    return ["".join(_SHADES[i] for i in row) for row in shade]


def histogram_line(image: NDArray[Any], stretch: Stretch, columns: int, *, blocks: bool = True) -> str:
    """Counts of pixels between black and white of the stretch, in one line; its height is logarithmic."""
    counts, _ = np.histogram(np.asarray(image, np.float64), columns, (stretch.black, stretch.white))
    height = np.log1p(counts) / max(np.log1p(counts.max()), 1e-9)
    symbols = _EIGHTHS if blocks else _SHADES
    return "".join(symbols[i] for i in np.ceil(height * (len(symbols) - 1)).astype(int))


def _half_blocks(upper: NDArray[Any], lower: NDArray[Any]) -> str:
    """Foreground above, background below; the colour is named where it changes."""
    line, last = [], (-1, -1)
    for pair in zip(_colours(upper), _colours(lower), strict=True):
        if pair != last:
            line.append(f"\x1b[38;5;{pair[0]};48;5;{pair[1]}m")
            last = pair
        line.append("▀")
    return "".join(line) + "\x1b[0m"


def _colours(level: NDArray[Any]) -> list[int]:
    colours: list[int] = (232 + np.rint(level * (_GREYS - 1)).astype(int)).tolist()
    return colours
