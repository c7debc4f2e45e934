"""Trace plots: the draws of several parameters one after the other, a colour for each chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from getframes.picture.plot import BLUE, FAINT, INK, ORANGE, PAPER, Plot, text

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    Numbers = NDArray[np.float64]

WIDTH, HEIGHT, GAP, MARGIN, TOP = 720, 90, 34, 96, 60
GREEN, PURPLE = (74, 222, 128), (192, 132, 252)
COLOURS = (BLUE, ORANGE, GREEN, PURPLE)


def trace_plot(draws: Numbers, names: Sequence[str], *, title: str = "") -> Image:
    """A picture of chains, a box for each parameter.

    Parameters
    ----------
    draws : array (C, n, P)
        Draws of P parameters in C chains.
    names : sequence of str
        Their names (P).
    title : str
        Above the plot.

    Returns
    -------
    PIL.Image.Image
        Chains that agree lie over each other and have no trend.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw

    picture = Pillow.new("RGB", (MARGIN + WIDTH + GAP, TOP + len(names) * (HEIGHT + GAP)), PAPER)
    draw = ImageDraw.Draw(picture)
    text(draw, (GAP, 14), title, INK, 24)
    count = draws.shape[1]
    numbers = np.arange(count, dtype=np.float64)
    for place, name in enumerate(names):
        values = draws[..., place]
        low, high = float(values.min()), float(values.max())
        margin = 0.05 * (high - low) or 1e-9 + 0.05 * abs(high)
        top = TOP + place * (HEIGHT + GAP)
        box = MARGIN, top, MARGIN + WIDTH, top + HEIGHT
        plot = Plot.in_box(draw, box, (0.0, max(count - 1.0, 1.0)), (low - margin, high + margin))
        for chain, one in enumerate(values):
            plot.line(numbers, one, COLOURS[chain % len(COLOURS)])
        plot.axes("draw" if place == len(names) - 1 else "")
        text(draw, (MARGIN - 10, top + 8), f"{high:.4g}", FAINT, 13, "rt")
        text(draw, (MARGIN - 10, top + HEIGHT // 2), name, INK, 15, "rm")
        text(draw, (MARGIN - 10, top + HEIGHT - 4), f"{low:.4g}", FAINT, 13, "rb")
    return picture
