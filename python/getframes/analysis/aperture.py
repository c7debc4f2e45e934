"""Light inside a circle.

Law: sum of (pixel - background) times the part of the pixel's area that is inside the circle. The overlap of a circle with a square is exact: the
area of the disc left of and below a corner is a sum of circular segments, and the four corners of a pixel are added with alternating signs.

The background is the mean of the pixels whose centre is in the annulus, after those more than four standard deviations from the median are left out
(again and again until nothing changes); a median would be off by up to half a count, and a mode by more where counts are few.

Not modelled: light that varies inside a pixel, a background with a gradient across the annulus.

Source: DAOPHOT, Stetson 1987, doi:10.1086/131977 (apertures with a sky annulus).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import require
from getframes.frame import as_pixels, require_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_CLIP = 4.0


def aperture_sum(
    image: NDArray[np.floating[Any] | np.integer[Any]],
    center: tuple[float, float],
    r: float,
    *,
    annulus: tuple[float, float] | None = None,
    background: float | None = None,
) -> float:
    """Sum of an image inside a circle, in the unit of the image.

    Parameters
    ----------
    image : array (height, width) or Frame
        The image.
    center : (x, y)
        Centre of the circle [px]; pixel centres are at integers.
    r : float
        Its radius [px].
    annulus : (inner, outer), optional
        Radii [px] of the ring whose background is taken off; r + 2 and r + 5 when left out.
    background : float, optional
        The background of a pixel, where it is known: 0 for the plain sum. There is no ring then.

    Returns
    -------
    float
        The sum over the part of the circle that lies on the image, less the background.

    Raises
    ------
    DomainError
        If a radius is impossible, the circle or the ring misses the image, or a pixel they need is not finite.
    """
    pixels = as_pixels(image, "image")
    x, y = _center(center)
    require(0 < r < np.inf, "", "r", "> 0 px", r)
    part = _window(pixels.shape, x, y, r)
    weight = overlap(part, x, y, r)
    covered = float(weight.sum())
    require(covered > 0, "", "center", "where the aperture meets the image", center)
    inside = pixels[part].astype(np.float64)
    require_finite(inside[weight > 0][None], "image inside the aperture")
    if background is None:
        level = _background(pixels, x, y, (r + 2.0, r + 5.0) if annulus is None else annulus)
    else:
        require(annulus is None, "", "annulus", "left out where the background is given", annulus)
        level = float(background)
        require(bool(np.isfinite(level)), "", "background", "finite", background)
    return float(np.sum(np.where(weight > 0, inside, 0.0) * weight)) - level * covered


def overlap(part: tuple[slice, slice], x: float, y: float, r: float) -> Array:
    """Area of each pixel of a part of the image inside a circle [px^2]."""
    rows, columns = (np.arange(edges.start, edges.stop + 1) - 0.5 for edges in part)
    corner = _area_below(columns[None, :] - x, rows[:, None] - y, r)
    area = corner[1:, 1:] - corner[1:, :-1] - corner[:-1, 1:] + corner[:-1, :-1]
    return np.where(area > 1e-13 * r * r, area, 0.0)


def _area_below(x: Array, y: Array, r: float) -> Array:
    """Area of the disc about the origin with X <= x and Y <= y."""
    x, y = np.clip(x, -r, r), np.clip(y, -r, r)
    quarter = np.pi * r * r / 4.0
    # s(t): area between the axis and t of the half disc on one side.
    s_x, s_y = (0.5 * (t * np.sqrt(r * r - t * t) + r * r * np.arcsin(t / r)) for t in (x, y))
    inside = quarter + s_x + s_y + x * y
    both = 2.0 * (s_x + s_y)
    one = 2.0 * quarter + 2.0 * np.where(x < 0, s_x, s_y)
    outside = np.where((x >= 0) & (y >= 0), both, np.where((x < 0) & (y < 0), 0.0, one))
    return np.where(x * x + y * y < r * r, inside, outside)


def _background(pixels: NDArray[Any], x: float, y: float, annulus: tuple[float, float]) -> float:
    inner, outer = annulus
    require(0 <= inner < outer < np.inf, "", "annulus", "(inner, outer) with 0 <= inner < outer", annulus)
    part = _window(pixels.shape, x, y, outer)
    rows, columns = np.ogrid[part]
    distance = np.hypot(columns - x, rows - y)
    ring = pixels[part][(distance >= inner) & (distance <= outer)].astype(np.float64)
    require(ring.size > 0, "", "annulus", "a ring that meets the image (or give the background)", annulus)
    require_finite(ring[None], "image inside the annulus")
    return clipped_mean(ring)


def clipped_mean(values: Array) -> float:
    """Mean of the values within four standard deviations of the median, found again until none is left out."""
    while True:
        distance = np.abs(values - np.median(values))
        kept = values[distance <= _CLIP * values.std()]
        if kept.size in (0, values.size):
            return float(values.mean())
        values = kept


def _center(center: tuple[float, float]) -> tuple[float, float]:
    x, y = (float(value) for value in center)
    require(bool(np.isfinite([x, y]).all()), "", "center", "two finite numbers", center)
    return x, y


def _window(shape: tuple[int, ...], x: float, y: float, r: float) -> tuple[slice, slice]:
    """Rows and columns whose pixels a circle can touch."""

    def edges(at: float, side: int) -> slice:
        low = int(np.clip(np.floor(at - r + 0.5), 0, side - 1))
        return slice(low, int(np.clip(np.ceil(at + r + 0.5), low + 1, side)))

    return edges(y, shape[0]), edges(x, shape[1])
