"""L.A.Cosmic in NumPy float64: the definition that the Rust kernel must meet.

With I the image, g its gain and Mn the median of n x n pixels, the image mirrored at the pixels of its edge:

    L  = mean over the four corners of a pixel of max(0, 2 I - (the neighbour above or below) - (the neighbour left or right))
    V  = max(g (M5 I + background), 1e-5) + read_noise^2, or M5 of the variance of the pixels (and g = 1)
    S  = g L / (2 V^1/2),  S' = S - M5 S,  F = M3 I - M7 M3 I

    hit:                      S' > sigma_clip  and  S' > object_limit max(g F / V^1/2, 0.01)
    neighbour of a hit:       S' > sigma_clip
    neighbour of either:      S' > sigma_frac sigma_clip

L is the Laplacian of the image with every pixel cut in four, what is negative in it cut off, and the four put together again. Masked pixels are filled
before, and hits are replaced after every round, by the median (or mean) of the good pixels of 5 x 5.

Source: van Dokkum 2001, doi:10.1086/323894.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

LEAST_E = 1e-5
"""Least number of electrons on which the noise model stands [e-]."""
LEAST_FINE = 0.01
"""Least fine structure [standard deviations]."""
CORE = 0.1
"""A saturated pixel is in a star where M5 I is above this part of it."""
OCTAGON = np.add.outer(np.abs(np.arange(-4, 5)), np.abs(np.arange(-4, 5))) <= 6
"""What it hides about it."""

Image = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Found(NamedTuple):
    """What comes of a search.

    Attributes
    ----------
    hits, stars, masked : array of bool (height, width)
        Cosmic rays; what saturated stars hide; what has no value.
    image : array (height, width)
        With hits replaced; masked pixels as they were.
    """

    hits: Mask
    stars: Mask
    masked: Mask
    image: Image


def median(image: Image, side: int) -> Image:
    """Mn: of `side` x `side` pixels."""
    return np.asarray(ndimage.median_filter(image, size=side, mode="mirror"))


def edges(image: Image) -> Image:
    """L."""
    rows, columns = ([min(1, side - 1), *range(side), max(0, side - 2)] for side in image.shape)
    around = image[np.ix_(rows, columns)]
    neighbours = (around[:-2, 1:-1], around[2:, 1:-1]), (around[1:-1, :-2], around[1:-1, 2:])
    corners = (np.maximum(0.0, 2.0 * image - a - b) for a in neighbours[0] for b in neighbours[1])
    return np.asarray(sum(corners) / 4.0)


def grown(pixels: Mask) -> Mask:
    """Pixels and those next to them, diagonally too."""
    return np.asarray(ndimage.binary_dilation(pixels, np.ones((3, 3))))


def replaced(plane: Image, pixels: Mask, unfit: Mask, level: float, mean: bool) -> Image:
    """A plane with some pixels replaced by the median (or mean) of those of 5 x 5 that are not unfit; by `level` where there is none."""
    around = np.pad(np.where(unfit, np.nan, plane), 2, constant_values=np.nan)
    squares = np.lib.stride_tricks.sliding_window_view(around, (5, 5))[pixels].reshape(-1, 25)
    made: Image = plane.copy()
    of = np.nanmean if mean else np.nanmedian
    made[pixels] = [of(square) if np.isfinite(square).any() else level for square in squares]
    return made


def lacosmic(
    image: ArrayLike,
    *,
    sigma_clip: float = 4.5,
    sigma_frac: float = 0.3,
    object_limit: float = 5.0,
    gain: float = 1.0,
    read_noise_e: float = 0.0,
    background: ArrayLike = 0.0,
    variance: ArrayLike | None = None,
    mask: Mask | None = None,
    saturated: Mask | None = None,
    saturation: float = np.inf,
    iterations: int = 4,
    mean: bool = False,
) -> Found:
    """Cosmic rays of an image, and the image without them."""
    given = np.array(image, np.float64)
    masked = ~np.isfinite(given) | (False if mask is None else mask)
    planes = [given]
    if variance is not None:
        planes.append(np.array(variance, np.float64))
        masked |= ~(np.isfinite(planes[1]) & (planes[1] > 0.0))
        gain = 1.0
    levels = [1.0 if masked.all() else float(np.median(plane[~masked])) for plane in planes]

    def without(now: list[Image], pixels: Mask, unfit: Mask, mean: bool) -> list[Image]:
        return [replaced(plane, pixels, unfit, level, mean) for plane, level in zip(now, levels, strict=True)]

    filled = without(planes, masked, masked, False)
    full = (given >= saturation) | (False if saturated is None else saturated)
    bright = median(filled[0], 5) > CORE * np.minimum(filled[0], saturation)
    cores = full & bright
    stars = np.asarray(ndimage.binary_dilation(cores, OCTAGON))
    kept, hits, now = masked | stars, np.zeros(given.shape, bool), filled
    for _ in range(iterations):
        significance, fine = significances(now, gain, read_noise_e, background)
        found = (significance > sigma_clip) & (significance > object_limit * fine) & ~kept
        found |= grown(found) & (significance > sigma_clip) & ~kept
        found |= grown(found) & (significance > sigma_frac * sigma_clip) & ~kept
        if not (found & ~hits).any():
            break
        hits |= found
        now = without(filled, hits, kept | hits, mean)
    return Found(hits, stars, masked, np.where(masked, given, now[0]))


def significances(
    planes: list[Image], gain: float, read_noise_e: float, background: ArrayLike
) -> tuple[Image, Image]:
    """S' and max(g F / V^1/2, 0.01) of an image, or of an image and its variance."""
    image = planes[0]
    if len(planes) == 2:
        deviation = np.sqrt(median(planes[1], 5))
    else:
        mean_e = gain * (median(image, 5) + np.asarray(background))
        deviation = np.sqrt(np.maximum(mean_e, LEAST_E) + read_noise_e**2)
    significance = gain * edges(image) / (2.0 * deviation)
    smooth = median(image, 3)
    fine = gain * (smooth - median(smooth, 7)) / deviation
    return significance - median(significance, 5), np.maximum(fine, LEAST_FINE)
