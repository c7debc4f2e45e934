"""A frame as a picture: the pixels under a stretch, and their histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.picture.plot import BLUE, FAINT, INK, ORANGE, PAPER, Plot, text
from getframes.picture.stretch import fitted, grey

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from getframes.picture.stretch import Stretch

MARGIN = 24
HISTOGRAM = 150
HEADING = 54
LEAST_WIDTH = 560


def frame_picture(
    image: NDArray[Any], stretch: Stretch, heading: str, remark: str, unit: str, size: int
) -> Image:
    """The picture of a frame; the first row of the image is at the bottom.

    Parameters
    ----------
    image : array (height, width)
        Pixel values.
    stretch : Stretch
        How they become brightness.
    heading, remark : str
        Two lines above the picture.
    unit : str
        Unit of the values.
    size : int
        Most pixels of the picture of the frame along a side.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw

    pixels = grey(stretch(fitted(image, size, size)))[::-1]
    rows, columns = pixels.shape[:2]
    width = max(columns, LEAST_WIDTH)
    sheet = Pillow.new("RGB", (width + 2 * MARGIN, HEADING + rows + HISTOGRAM + 3 * MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    text(draw, (MARGIN, 10), heading, INK, 16)
    text(draw, (MARGIN, 32), remark, FAINT, 12)
    sheet.paste(Pillow.fromarray(pixels), (MARGIN + (width - columns) // 2, HEADING))
    top = HEADING + rows + MARGIN
    histogram(draw, (MARGIN, top, MARGIN + width, top + HISTOGRAM), image, stretch, unit)
    return sheet


def histogram(
    draw: Any, box: tuple[int, int, int, int], image: NDArray[Any], stretch: Stretch, unit: str
) -> None:
    """How many pixels have which value, on a logarithmic axis of counts; black and white of the stretch."""
    values = np.asarray(image, np.float64).ravel()
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    span = max(high - low, 1.0)
    edges = np.linspace(low - 0.02 * span, high + 0.02 * span, (box[2] - box[0]) // 2)
    counts, _ = np.histogram(values, edges)
    plot = Plot.in_box(draw, box, (edges[0], edges[-1]), (0.5, max(2.0, 2.0 * counts.max())), log_y=True)
    plot.bars(edges, counts.astype(float), BLUE)
    plot.axes(f"pixels (log) against {unit}")
    plot.marker(stretch.black, "black", FAINT)
    plot.marker(stretch.white, "white", ORANGE)
