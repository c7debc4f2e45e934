"""Many frames into one: median, mean, or mean after clipping.

The clip is about the median, in units of the median absolute deviation (MAD). A mean and a standard deviation contain the outlier: among n values none
can be further than (n - 1) / sqrt(n) standard deviations from the mean, so that three sigma reject nothing in ten frames or fewer. Median and MAD
do not move, and the factor that makes the MAD of n Gaussian values unbiased is part of the unit. With two frames there is no telling which one is wrong,
and nothing is rejected.

Sources: Croux and Rousseeuw 1992, doi:10.1007/978-3-662-26811-7_58 (factors of the MAD); Shiffler 1988, doi:10.1080/00031305.1988.10475530 (the limit of
a clip about the mean).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import ShapeError, require
from getframes.frame import Frame, as_pixels, require_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FrameLike = Frame | NDArray[Any]
    Stack = NDArray[np.float64]

METHODS = ("median", "mean", "sigma_clip")
_BAND_BYTES = 1 << 25
"""Frames are combined in bands of rows of about this many bytes."""
_OWN = ("seed", "frame_number", "frame_index", "time_s", "pointing_offset_px", "ramp_index", "read_index")
"""What belongs to one frame, and not to several."""
_MAD_TO_SIGMA = 1.482602218505602
_SMALL_SAMPLE = (1.0, 1.0, 1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107)
"""Factor that makes the MAD of n Gaussian values unbiased, for n = 0 ... 9."""


def combine(frames: Iterable[FrameLike], *, method: str = "median", sigma: float = 3.0) -> Frame:
    """One frame of many of the same thing.

    Parameters
    ----------
    frames : iterable of Frame or array (height, width)
        What is combined, of any real type. A mean holds one frame at a time, the others hold all of them as they are given.
    method : {"median", "mean", "sigma_clip"}
        `sigma_clip` is the mean of the values within `sigma` of the median, found again until nothing changes.
    sigma : float
        Where values are rejected, in standard deviations as the median absolute deviation tells them.

    Returns
    -------
    Frame
        Data in float64. The metadata are what all frames share, with ``n_combined``, ``combine_method`` and the type ``master_...``.

    Raises
    ------
    DomainError
        If there is no frame, a value is not finite, or the method or sigma is impossible.
    ShapeError
        If frames differ in shape.
    """
    require(method in METHODS, "", "method", f"one of {', '.join(METHODS)}", method)
    require(0 < sigma < np.inf, "", "sigma", "> 0", sigma)
    metadata: list[dict[str, Any]] = []
    arrays = _checked(frames, metadata)
    data = _mean(arrays) if method == "mean" else _by_bands(list(arrays), method, sigma)
    shared = {**_shared(metadata), "n_combined": len(metadata), "combine_method": method}
    if method == "sigma_clip":
        shared["combine_sigma"] = float(sigma)
    return Frame(data, shared)


def _checked(frames: Iterable[FrameLike], metadata: list[dict[str, Any]]) -> Iterator[NDArray[Any]]:
    """The pixels of the frames, one at a time; their metadata go into a list."""
    shape: tuple[int, ...] | None = None
    if isinstance(frames, Frame):
        raise TypeError("combine takes an iterable of frames, got one Frame")
    for index, frame in enumerate(frames):
        pixels = as_pixels(frame, f"frame {index}")
        require_finite(pixels, f"frame {index}")
        if shape is not None and pixels.shape != shape:
            raise ShapeError(f"frame {index} must have shape {shape}, got {pixels.shape}")
        shape = pixels.shape
        metadata.append(dict(frame.metadata) if isinstance(frame, Frame) else {})
        yield pixels
    require(shape is not None, "", "frames", "at least one frame", 0)


def _mean(arrays: Iterator[NDArray[Any]]) -> Stack:
    """Mean, summed exactly for counts of up to 32 bits."""
    first = next(arrays)
    total = first.astype(np.int64 if _is_count(first) else np.float64)
    count = 1
    for pixels in arrays:
        if total.dtype == np.int64 and not _is_count(pixels):
            total = total.astype(np.float64)
        total += pixels
        count += 1
    return np.asarray(total / count)


def _is_count(pixels: NDArray[Any]) -> bool:
    return pixels.dtype.kind in "biu" and (pixels.dtype.itemsize <= 4)


def _by_bands(arrays: list[NDArray[Any]], method: str, sigma: float) -> Stack:
    """Rows at a time, so that the stack is never held twice."""
    height, width = arrays[0].shape
    rows = max(1, _BAND_BYTES // (8 * len(arrays) * width))
    data = np.empty((height, width))
    whole = all(pixels.dtype.kind in "biu" for pixels in arrays)
    for top in range(0, height, rows):
        band = slice(top, min(top + rows, height))
        if method == "median":
            data[band] = np.median(np.stack([pixels[band] for pixels in arrays]), axis=0)
        else:
            stack = np.stack([pixels[band].astype(np.float64) for pixels in arrays])
            data[band] = clipped_mean(stack, sigma, 0.5 if whole else 0.0)
    return data


def clipped_mean(stack: Stack, sigma: float, least: float = 0.0) -> Stack:
    """Mean over the first axis of what is within `sigma` of the median, found again until nothing changes.

    `least` is the smallest deviation that is believed: half a count for whole numbers, of which many are equal.
    """
    values = np.sort(stack, axis=0)
    low = np.zeros(values.shape[1:], np.int64)
    high = np.full(values.shape[1:], values.shape[0], np.int64)
    factors = sigma * _MAD_TO_SIGMA * _mad_factors(values.shape[0])
    while True:
        kept = _between(values, low, high)
        middle = _median(values, low, high)
        distance = np.where(kept, np.abs(values - middle), np.inf)
        deviation = _median(np.sort(distance, axis=0), np.zeros_like(low), high - low)
        inside = kept & (distance <= factors[high - low] * np.maximum(deviation, least))
        count = inside.sum(axis=0)
        if (count == high - low).all():
            return np.asarray(np.where(kept, values, 0.0).sum(axis=0) / count)
        low, high = np.argmax(inside, axis=0), np.argmax(inside, axis=0) + count


def _between(values: Stack, low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.bool_]:
    rank = np.arange(values.shape[0]).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((rank >= low) & (rank < high))


def _median(values: Stack, low: NDArray[np.int64], high: NDArray[np.int64]) -> Stack:
    """Median of sorted values of rank low ... high - 1."""
    one, two = (
        np.take_along_axis(values, index[None], axis=0)[0]
        for index in ((low + high - 1) // 2, (low + high) // 2)
    )
    return np.asarray(0.5 * (one + two))


def _mad_factors(most: int) -> NDArray[np.float64]:
    """Factor on the MAD of n values, n = 0 ... `most`; two or fewer are never clipped."""
    factors = np.array([*_SMALL_SAMPLE, *(n / (n - 0.8) for n in range(len(_SMALL_SAMPLE), most + 1))])
    factors[:3] = 1e30
    return factors[: most + 1]


def _shared(metadata: list[dict[str, Any]]) -> dict[str, Any]:
    """What all frames say, and what they are together."""
    first, *others = metadata
    same = {
        key: value
        for key, value in first.items()
        if key not in _OWN and all(key in other and _equal(other[key], value) for other in others)
    }
    kind = same.pop("frame_type", None)
    if isinstance(kind, str):
        same["frame_type"] = kind if kind.startswith("master_") else f"master_{kind}"
    return same


def _equal(one: Any, two: Any) -> bool:
    try:
        return bool(one == two) or (one != one and two != two)
    except ValueError:
        return bool(np.array_equal(one, two))
