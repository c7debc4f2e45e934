"""Axes, histograms and lines on a Pillow image: as much plotting as a frame needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

    Values = NDArray[np.floating[Any]]

PAPER = (16, 18, 24)
FRAME = (74, 80, 96)
FAINT = (150, 156, 172)
INK = (232, 234, 240)
BLUE = (96, 165, 250)
ORANGE = (251, 146, 60)


@dataclass(frozen=True)
class Axis:
    """Where values lie along one side of a box.

    Attributes
    ----------
    low, high : float
        Values at its ends.
    start, stop : int
        Pixels at its ends.
    log : bool
        Whether it is logarithmic.
    """

    low: float
    high: float
    start: int
    stop: int
    log: bool = False

    def __call__(self, value: Any) -> Any:
        """Pixel of a value, or of each value; those beyond the ends lie on them."""
        clipped = np.clip(value, self.low, self.high)
        if self.log:
            share = np.log(clipped / self.low) / math.log(self.high / self.low)
        else:
            share = (clipped - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """Round values along the axis: powers of ten, or about five steps of 1, 2 or 5."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.floor(math.log10(self.high))
            every = max(1, (last - first + 1) // 5)
            powers = [10.0**power for power in range(first, last + 1, every)]
            values = [factor * power for power in powers for factor in ((1, 3) if every == 1 else (1,))]
            return [value for value in values if self.low <= value <= self.high]
        raw = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [step * i for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Plot:
    """A box with an x axis below and a y axis that points up."""

    draw: ImageDraw
    x: Axis
    y: Axis

    @classmethod
    def in_box(
        cls,
        draw: ImageDraw,
        box: tuple[int, int, int, int],
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        log_x: bool = False,
        log_y: bool = False,
    ) -> Plot:
        """A plot inside (left, top, right, bottom) for values from x[0] to x[1] and y[0] to y[1]."""
        left, top, right, bottom = box
        return cls(draw, Axis(*x, left, right, log_x), Axis(*y, bottom, top, log_y))

    def axes(self, label: str) -> None:
        """The frame, the ticks of x, and what x is."""
        left, right, bottom, top = self.x.start, self.x.stop, self.y.start, self.y.stop
        self.draw.rectangle((left, top, right, bottom), outline=FRAME)
        for value in self.x.ticks():
            at = round(float(self.x(value)))
            self.draw.line((at, bottom, at, bottom + 4), fill=FRAME)
            text(self.draw, (at, bottom + 6), number(value), FAINT, 14, "ma")
        text(self.draw, (right - 6, top + 5), label, FAINT, 14, "ra")

    def heights(self) -> None:
        """The ticks of y, inside the box on the left."""
        left, bottom, top = self.x.start, self.y.start, self.y.stop
        for value in self.y.ticks():
            at = round(float(self.y(value)))
            self.draw.line((left, at, left + 4, at), fill=FRAME)
            if top + 8 < at < bottom - 8:
                text(self.draw, (left + 8, at), number(value), FAINT, 14, "lm")

    def measured(self, xs: Values, ys: Values, errors: Values, colour: tuple[int, int, int]) -> None:
        """Dots with bars of their errors; what lies outside is on the edge, what is not a number is left out."""
        for x, y, error in zip(xs.tolist(), ys.tolist(), errors.tolist(), strict=True):
            if math.isfinite(y):
                across, up = float(self.x(x)), float(self.y(y))
                self.draw.line(
                    (across, float(self.y(y - error)), across, float(self.y(y + error))), fill=colour, width=1
                )
                self.draw.ellipse((across - 3, up - 3, across + 3, up + 3), fill=colour)

    def bars(self, edges: Values, heights: Values, colour: tuple[int, int, int]) -> None:
        """A histogram: one bar between each two edges."""
        xs, ys = self.x(edges), self.y(np.maximum(heights, self.y.low))
        for left, right, top in zip(xs[:-1], xs[1:], ys, strict=True):
            if round(top) < self.y.start:
                at = round(left), round(top), max(round(right) - 1, round(left)), self.y.start - 1
                self.draw.rectangle(at, fill=colour)

    def line(self, xs: Values, ys: Values, colour: tuple[int, int, int]) -> None:
        """A line through points; where it leaves the box it is cut."""
        points = self._inside(xs, ys)
        if len(points) > 1:
            self.draw.line(points, fill=colour, width=2)

    def points(self, xs: Values, ys: Values, colour: tuple[int, int, int]) -> None:
        """Dots at points; those outside of the box are left out."""
        for x, y in self._inside(xs, ys):
            self.draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)

    def _inside(self, xs: Values, ys: Values) -> list[tuple[float, float]]:
        """Pixels of the points that lie in the box."""
        inside = (ys >= self.y.low) & (ys <= self.y.high) & (xs >= self.x.low) & (xs <= self.x.high)
        return list(zip(self.x(xs[inside]).tolist(), self.y(ys[inside]).tolist(), strict=True))

    def marker(self, value: float, label: str, colour: tuple[int, int, int] = FAINT) -> None:
        """A vertical line at a value of x, with its name."""
        if self.x.low <= value <= self.x.high:
            at = round(float(self.x(value)))
            self.draw.line((at, self.y.stop + 1, at, self.y.start - 1), fill=colour)
            text(self.draw, (at + 4, self.y.stop + 22), label, colour, 14)


def pull_histogram(
    draw: ImageDraw, box: tuple[int, int, int, int], pulls: Values, edges: Values, label: str
) -> None:
    """How many pulls lie between each two edges, on a logarithmic axis, with the normal law of sigma 1 over them.

    Parameters
    ----------
    draw : PIL.ImageDraw.ImageDraw
        What draws.
    box : (int, int, int, int)
        Left, top, right and bottom [px].
    pulls : array
        Differences over their standard deviations; those that are not finite are left out.
    edges : array
        Edges of the bins, of one width.
    label : str
        What is written into the box.
    """
    values = pulls[np.isfinite(pulls)]
    counts, _ = np.histogram(values, edges)
    ends = float(edges[0]), float(edges[-1])
    plot = Plot.in_box(draw, box, ends, (0.5, max(2.0, 5.0 * float(counts.max()))), log_y=True)
    plot.bars(edges, counts.astype(np.float64), BLUE)
    x = np.linspace(*ends, 321)
    plot.line(x, values.size * (edges[1] - edges[0]) * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), ORANGE)
    plot.axes(label)


def text(
    draw: ImageDraw,
    at: tuple[float, float],
    words: str,
    colour: tuple[int, int, int] = INK,
    size: int = 14,
    anchor: str = "la",
) -> None:
    """Write words; `anchor` as Pillow has it (la: from the left, below the point)."""
    draw.text(at, words, fill=colour, font=font(size), anchor=anchor)


@cache
def font(size: int) -> FreeTypeFont:
    """The font that comes with Pillow."""
    from PIL import ImageFont

    return ImageFont.load_default(size)  # type: ignore[return-value]


def number(value: float) -> str:
    """A tick: few digits, thousands as k."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:g}M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:g}k"
    return f"{value:g}"
