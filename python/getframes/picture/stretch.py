"""From pixel values to brightness: linear, logarithmic and asinh stretches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.floating[Any]]

_SAMPLE = 1 << 20


@dataclass(frozen=True)
class Stretch:
    """A monotone map of pixel values to [0, 1].

    Attributes
    ----------
    kind : str
        "asinh" is linear near black and logarithmic far above it (Lupton, Gunn and Szalay 1999,
        doi:10.1086/301004); "linear"; "log" from a thousandth of the range.
    black, white : float
        Values shown as 0 and 1.
    soft : float
        Scale of the asinh: the width over which it is linear.
    """

    kind: str
    black: float
    white: float
    soft: float = 1.0

    @classmethod
    def fitting(cls, image: Any, kind: str = "asinh", percent: tuple[float, float] | None = None) -> Stretch:
        """The stretch for an image: black just below the background, white near its brightest pixels.

        Parameters
        ----------
        image : array
            Pixel values; at most 2^20 of them are looked at.
        kind : str
            One of `STRETCHES`.
        percent : (float, float), optional
            Percentiles shown as black and white, in place of that.
        """
        values = np.asarray(image).ravel()
        values = values[:: max(1, values.size // _SAMPLE)].astype(np.float64)
        values = values[np.isfinite(values)]
        if values.size == 0:
            return cls(kind, 0.0, 1.0)
        low, background, high = np.percentile(values, (15.865, 50.0, 84.135))
        scatter = max((high - low) / 2, (values.max() - values.min()) / 1e6, 1e-12)
        if percent is not None:
            black, white = np.percentile(values, percent)
        elif kind == "linear":
            black, white = np.percentile(values, (0.5, 99.5))
        else:
            black, white = background - 2 * scatter, np.percentile(values, 99.95)
        return cls(kind, float(black), float(max(white, black + 4 * scatter)), float(2 * scatter))

    def __call__(self, image: Any) -> Image:
        """Brightness of each pixel, in [0, 1]; what is not a number is black."""
        span = self.white - self.black
        above = np.nan_to_num(np.asarray(image, np.float64), nan=self.black) - self.black
        if self.kind == "asinh":
            level = np.arcsinh(above / self.soft) / np.arcsinh(span / self.soft)
        elif self.kind == "log":
            level = np.log1p(1000.0 * np.clip(above / span, 0.0, 1.0)) / np.log1p(1000.0)
        else:
            level = above / span
        clipped: Image = np.clip(level, 0.0, 1.0)
        return clipped


def grey(level: Image) -> NDArray[np.uint8]:
    """Brightness in [0, 1] as grey pixels, shape (height, width, 3)."""
    pixels = np.rint(level * 255.0).astype(np.uint8)
    return np.repeat(pixels[:, :, np.newaxis], 3, axis=2)


def diverging(value: Image, limit: float) -> NDArray[np.uint8]:
    """Blue at -limit, near black at 0, orange at +limit; green where there is no number."""
    share = np.clip(np.nan_to_num(value) / limit, -1.0, 1.0)[:, :, np.newaxis]
    ends = np.where(share < 0, (96.0, 165.0, 250.0), (251.0, 146.0, 60.0))
    pixels = 18.0 + np.abs(share) * (ends - 18.0)
    pixels[~np.isfinite(value)] = (52.0, 160.0, 96.0)
    colours: NDArray[np.uint8] = np.rint(pixels).astype(np.uint8)
    return colours


def fitted(image: Any, width: int, height: int) -> Image:
    """An image as large as fits into a box, each new pixel the mean of those it covers.

    Smaller images are enlarged by a whole factor, so that their pixels stay squares.
    """
    from PIL import Image as Pillow

    values = np.asarray(image, np.float32)
    rows, columns = values.shape
    scale = min(width / columns, height / rows)
    if scale >= 1.0:
        factor = int(scale)
        return np.repeat(np.repeat(values, factor, axis=0), factor, axis=1)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    return np.asarray(Pillow.fromarray(values).resize(size, Pillow.Resampling.BOX))


def good_to_bad(level: float) -> tuple[int, int, int]:
    """Green at 0, yellow in the middle, red at 1."""
    green, yellow, red = (52.0, 168.0, 96.0), (234.0, 190.0, 60.0), (222.0, 66.0, 60.0)
    share = 2.0 * float(np.clip(level, 0.0, 1.0))
    below, above, part = (green, yellow, share) if share < 1.0 else (yellow, red, share - 1.0)
    made = [round(low + part * (high - low)) for low, high in zip(below, above, strict=True)]
    return made[0], made[1], made[2]
