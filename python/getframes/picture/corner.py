"""Corner plots: draws of several parameters, each alone and against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from getframes.picture.plot import BLUE, FAINT, FRAME, INK, ORANGE, PAPER, Axis, Plot, text

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    Numbers = NDArray[np.float64]

PANEL, GAP, MARGIN, TOP = 150, 10, 76, 70
BINS = 40
WITHIN = (0.6827, 0.9545)
"""Shares of the draws inside the two contours of a panel."""


def corner_plot(
    draws: Numbers, names: Sequence[str], *, truth: Sequence[float] | None = None, title: str = ""
) -> Image:
    """A picture of draws: histograms on the diagonal, densities below it.

    Parameters
    ----------
    draws : array (n, P)
        Draws of P parameters.
    names : sequence of str
        Their names (P).
    truth : sequence of float, optional
        Values that are marked (P); NaN for none.
    title : str
        Above the plot.

    Returns
    -------
    PIL.Image.Image
        Densities in greys of blue, where the brighter two steps hold 68 % and 95 % of the draws; the dashed lines of a histogram are the percentiles 16, 50 and
        84, and the truth is orange.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw

    count = len(names)
    marked = np.full(count, np.nan) if truth is None else np.asarray(truth, np.float64)
    side = MARGIN + count * (PANEL + GAP) + GAP
    picture = Pillow.new("RGB", (max(side, 480), side + TOP), PAPER)
    draw = ImageDraw.Draw(picture)
    text(draw, (GAP, 14), title, INK, 24)
    ranges = [_range(draws[:, column], marked[column]) for column in range(count)]
    for row in range(count):
        for column in range(row + 1):
            left, top = MARGIN + column * (PANEL + GAP), TOP + row * (PANEL + GAP)
            box = left, top, left + PANEL, top + PANEL
            if row == column:
                _alone(Plot.in_box(draw, box, ranges[row], (0.0, 1.15)), draws[:, row], marked[row])
            else:
                pixels = _density(draws[:, column], draws[:, row], ranges[column], ranges[row])
                picture.paste(Pillow.fromarray(pixels[::-1]).resize((PANEL, PANEL)), (left, top))
                _together(Plot.in_box(draw, box, ranges[column], ranges[row]), marked[column], marked[row])
            draw.rectangle(box, outline=FRAME)
            if row == count - 1:
                _labels_below(draw, Axis(*ranges[column], left, left + PANEL), top + PANEL, names[column])
        if row:
            _labels_left(draw, Axis(*ranges[row], top + PANEL, top), names[row])
    for column in range(count):
        middle = np.percentile(draws[:, column], (16, 50, 84))
        told = f"{_short(middle[1], middle)} +{_short(middle[2] - middle[1], middle)} -{_short(middle[1] - middle[0], middle)}"
        at = MARGIN + column * (PANEL + GAP) + PANEL / 2, TOP + column * (PANEL + GAP) - 4
        text(draw, at, told, INK, 13, "md")
    return picture


def _range(values: Numbers, marked: float) -> tuple[float, float]:
    """Where the draws are, and the truth if it is near them."""
    low, high = np.percentile(values, (0.2, 99.8))
    spread = max(float(high - low), 1e-12 * max(abs(float(high)), 1e-300))
    near = np.isfinite(marked) and low - spread < marked < high + spread
    ends = [float(low), float(high), *([float(marked)] if near else [])]
    return min(ends) - 0.08 * spread, max(ends) + 0.08 * spread


def _alone(plot: Plot, values: Numbers, marked: float) -> None:
    heights, edges = np.histogram(values, BINS, (plot.x.low, plot.x.high))
    plot.bars(edges, heights / heights.max(), BLUE)
    for value in np.percentile(values, (16, 50, 84)):
        at = float(plot.x(value))
        for start in range(round(plot.y.stop), round(plot.y.start), 8):
            plot.draw.line((at, start, at, start + 4), fill=INK)
    if plot.x.low <= marked <= plot.x.high:
        at = float(plot.x(marked))
        plot.draw.line((at, plot.y.stop, at, plot.y.start), fill=ORANGE, width=2)


def _density(
    x: Numbers, y: Numbers, x_range: tuple[float, float], y_range: tuple[float, float]
) -> NDArray[np.uint8]:
    """Counts as steps of blue: all draws, and the densest that hold the shares of `WITHIN`."""
    counts = np.histogram2d(y, x, BINS, (y_range, x_range))[0]
    smooth = _smoothed(counts)
    falling = np.sort(smooth.ravel())[::-1]
    held = np.cumsum(falling) / falling.sum()
    levels = [falling[min(int(np.searchsorted(held, share)), falling.size - 1)] for share in WITHIN]
    strength = 0.18 * (smooth > 0.02 * smooth.max()) + sum(0.33 * (smooth >= level) for level in levels)
    paper, blue = np.array(PAPER, np.float64), np.array(BLUE, np.float64)
    made = paper + np.minimum(strength, 1.0)[..., None] * (blue - paper)
    return np.asarray(made, np.uint8)


def _smoothed(counts: Numbers) -> Numbers:
    """Counts with the weights 1, 2, 1 of their neighbours, along both axes and twice."""
    made = np.asarray(counts, np.float64)
    for axis in (0, 1, 0, 1):
        padded = np.pad(made, [(1, 1) if each == axis else (0, 0) for each in (0, 1)], mode="edge")
        first, last = (np.take(padded, range(at, at + BINS), axis) for at in (0, 2))
        made = 0.25 * first + 0.5 * made + 0.25 * last
    return made


def _together(plot: Plot, x: float, y: float) -> None:
    """The truth as a cross of lines."""
    if plot.x.low <= x <= plot.x.high:
        at = float(plot.x(x))
        plot.draw.line((at, plot.y.stop, at, plot.y.start), fill=ORANGE)
    if plot.y.low <= y <= plot.y.high:
        at = float(plot.y(y))
        plot.draw.line((plot.x.start, at, plot.x.stop, at), fill=ORANGE)


def _labels_below(draw: ImageDraw, axis: Axis, bottom: int, name: str) -> None:
    for value in _few(axis):
        at = round(float(axis(value)))
        draw.line((at, bottom, at, bottom + 4), fill=FRAME)
        text(draw, (at, bottom + 7), f"{value:.6g}", FAINT, 12, "ma")
    text(draw, ((axis.start + axis.stop) / 2, bottom + 28), name, INK, 15, "ma")


def _labels_left(draw: ImageDraw, axis: Axis, name: str) -> None:
    for value in _few(axis, most=0.82):
        at = round(float(axis(value)))
        draw.line((MARGIN - 4, at, MARGIN, at), fill=FRAME)
        text(draw, (MARGIN - 7, at), f"{value:.6g}", FAINT, 12, "rm")
    text(draw, (MARGIN - 8, min(axis.start, axis.stop) + 2), name, INK, 15, "ra")


def _few(axis: Axis, most: float = 0.94) -> list[float]:
    """At most two of the ticks, so that numbers do not meet, nor the name beyond `most` of the axis."""
    ticks = [value for value in axis.ticks() if 0.06 < _share(axis, value) < most]
    return ticks[:: max(1, (len(ticks) + 1) // 2)]


def _share(axis: Axis, value: float) -> float:
    return (value - axis.low) / (axis.high - axis.low)


def _short(value: float, percentiles: Numbers) -> str:
    """With two digits of the spread."""
    spread = max(float(percentiles[2] - percentiles[0]) / 2.0, 1e-300)
    digits = max(0, 1 - int(np.floor(np.log10(spread))))
    return f"{value:.{min(digits, 8)}f}"
