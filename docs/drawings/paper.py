"""Greys, rows of images and plots on white paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.float64]
GAP = 8
INK, PAPER = 40, 255


def logarithmic(image: Pixels, low: float, high: float) -> Image.Image:
    """An image in grey between two levels, logarithmic; the first row is at the bottom."""
    scaled = np.log(np.clip(image, low, high) / low) / np.log(high / low)
    return Image.fromarray((255.0 * scaled[::-1]).astype(np.uint8))


def side_by_side(images: list[Image.Image]) -> Image.Image:
    """Images in a row."""
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    row = Image.new("L", (width, max(image.height for image in images)), PAPER)
    left = 0
    for image in images:
        row.paste(image, (left, 0))
        left += image.width + GAP
    return row


def stacked(images: list[Image.Image]) -> Image.Image:
    """Images below each other."""
    height = sum(image.height for image in images) + GAP * (len(images) - 1)
    column = Image.new("L", (max(image.width for image in images), height), PAPER)
    top = 0
    for image in images:
        column.paste(image, (0, top))
        top += image.height + GAP
    return column


def linear(image: Pixels, low: float, high: float, zoom: int = 1) -> Image.Image:
    """An image in grey between two levels, magnified; the first row is at the bottom."""
    scaled = np.clip((np.asarray(image, float) - low) / (high - low), 0.0, 1.0)
    picture = Image.fromarray((255.0 * scaled[::-1]).astype(np.uint8))
    return picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)


class Plot:
    """Axes with ticks, to draw points and lines in."""

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        labels: tuple[str, str],
        *,
        logarithmic: bool = False,
    ) -> None:
        self.size, self.box, self.logarithmic = (640, 320), (56, 12, 624, 284), logarithmic
        self.x, self.y = x, y
        self.picture = Image.new("L", self.size, PAPER)
        self.draw = ImageDraw.Draw(self.picture)
        left, top, right, bottom = self.box
        self.draw.line((left, top, left, bottom, right, bottom), fill=INK)
        for tick in self._ticks(x):
            at = self._at(tick, y[0])
            self.draw.line((*at, at[0], at[1] + 4), fill=INK)
            self.draw.text((at[0], at[1] + 6), f"{tick:g}", fill=INK, anchor="ma")
        for tick in self._ticks(y):
            at = self._at(x[0], tick)
            self.draw.line((*at, at[0] - 4, at[1]), fill=INK)
            self.draw.text((at[0] - 7, at[1]), f"{tick:g}", fill=INK, anchor="rm")
        self.draw.text((right, bottom + 20), labels[0], fill=INK, anchor="ra")
        self.draw.text((left + 8, top), labels[1], fill=INK, anchor="la")

    def line(self, x: Pixels, y: Pixels, shade: int = INK) -> None:
        """A line through points."""
        self.draw.line([self._at(a, b) for a, b in zip(x, y, strict=True)], fill=shade, width=2)

    def points(self, x: Pixels, y: Pixels, shade: int = INK, radius: float = 2.5) -> None:
        """Dots."""
        for a, b in zip(x, y, strict=True):
            left, top = self._at(a, b)
            self.draw.ellipse((left - radius, top - radius, left + radius, top + radius), fill=shade)

    def text(self, x: float, y: float, words: str, shade: int = INK) -> None:
        """Words that begin at a point."""
        self.draw.text(self._at(x, y), words, fill=shade, anchor="lm")

    def _ticks(self, ends: tuple[float, float]) -> list[float]:
        if self.logarithmic:
            first, last = (round(float(np.log10(end))) for end in ends)
            return [10.0**power for power in range(first, last + 1)]
        return np.linspace(*ends, 6).tolist()

    def _at(self, x: float, y: float) -> tuple[float, float]:
        left, top, right, bottom = self.box
        along, up = (self._part(value, ends) for value, ends in ((x, self.x), (y, self.y)))
        return left + along * (right - left), bottom - up * (bottom - top)

    def _part(self, value: float, ends: tuple[float, float]) -> float:
        low, high = ends
        if self.logarithmic:
            return float(np.log(value / low) / np.log(high / low))
        return (value - low) / (high - low)
