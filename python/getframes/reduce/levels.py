"""Zero, scale and weight of each frame: as given, or measured on its good pixels.

A measured level looks only at pixels that are finite and not masked, so that one of them cannot spoil a frame. It needs one frame, and what its statistic
copies, in memory; the median of counts of 8 or 16 bits comes from how often each occurs, and needs a band of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, ShapeError, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from getframes.io.images import Image

_BAND_PIXELS = 1 << 20
STATISTICS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "median": np.median,
    "mean": lambda pixels: pixels.mean(dtype=np.float64),
}
"""Levels that have a name."""


def per_frame(
    images: list[Image],
    masks: list[NDArray[np.bool_] | None],
    *,
    zero: Any = None,
    scale: Any = None,
    weights: Any = None,
) -> tuple[list[Any], list[Any], list[Any]]:
    """Zero, scale and weights as numbers or arrays, one an image; empty lists for what is not asked for.

    Parameters
    ----------
    images : list of Image
        Frames of one shape.
    masks : list of array or None
        Empty, or one a frame: more bad pixels than the frames know.
    zero, scale, weights
        As in `getframes.combine`.

    Raises
    ------
    DomainError
        If there are not as many as frames, or one is impossible; if a frame has no good pixel to measure.
    ShapeError
        If an array has another shape than the frames.
    """
    shape, count = images[0].shape, len(images)
    require(not isinstance(weights, str), "", "weights", "numbers, arrays or a callable", weights)
    none = [0.0] * count
    shifts = _given(_measured(zero, "zero", images, masks, none), "zero", count, shape)
    factors = _given(_measured(scale, "scale", images, masks, shifts or none), "scale", count, shape)
    counted = _given(_measured(weights, "weights", images, masks, none), "weights", count, shape)
    _check(shifts, "zero", "finite", np.isfinite)
    _check(factors, "scale", "finite and > 0", lambda value: bool(np.isfinite(value) and value > 0))
    _check(counted, "weights", "finite and >= 0", lambda value: bool(np.isfinite(value) and value >= 0))
    return shifts, factors, counted


def _measured(
    wanted: Any, name: str, images: list[Image], masks: list[NDArray[np.bool_] | None], shifts: list[Any]
) -> Any:
    """The numbers of a name or a callable; anything else as it is."""
    if isinstance(wanted, str):
        require(wanted in STATISTICS, "", name, f"one of {', '.join(STATISTICS)}", wanted)
        levels = [_level(STATISTICS[wanted], images, masks, shifts, n) for n in range(len(images))]
        middle = float(np.mean(levels))
        if name == "zero":
            return [middle - level for level in levels]
        for image, level in zip(images, levels, strict=True):
            require(level > 0, image.name, wanted, "> 0 to be scaled", level)
        return [middle / level for level in levels]
    if callable(wanted):
        return [float(wanted(_good(images, masks, shifts, n).astype(np.float64))) for n in range(len(images))]
    return wanted


def _level(
    statistic: Callable[[NDArray[Any]], Any],
    images: list[Image],
    masks: list[NDArray[np.bool_] | None],
    shifts: list[Any],
    number: int,
) -> float:
    """A statistic of the good pixels of a frame, which moves with them; taken in their own type."""
    if (
        statistic is np.median
        and np.ndim(shifts[number]) == 0
        and images[number].dtype in (np.uint8, np.uint16)
    ):
        return _median_of_counts(images[number], masks[number] if masks else None) + float(shifts[number])
    if isinstance(shifts[number], np.ndarray):
        return float(statistic(_good(images, masks, shifts, number)))
    return float(statistic(_good(images, masks, [0.0] * len(images), number))) + float(shifts[number])


def _median_of_counts(image: Image, mask: NDArray[np.bool_] | None) -> float:
    """The median of the good pixels of a frame of few possible counts, that of `numpy.median`."""
    height, width = image.shape
    often = np.zeros(np.iinfo(image.dtype).max + 1, np.int64)
    rows = max(1, _BAND_PIXELS // width)
    for start in range(0, height, rows):
        stop = min(start + rows, height)
        pixels, bad = image.band(start, stop)
        more = None if mask is None else mask[start:stop]
        bad = more if bad is None else bad if more is None else bad | more
        often += np.bincount((pixels if bad is None else pixels[~bad]).reshape(-1), minlength=often.size)
    up_to = np.cumsum(often)
    total = int(up_to[-1])
    require(total > 0, "", image.name, "good in some pixel to be measured", "none")
    low, high = np.searchsorted(up_to, ((total - 1) // 2, total // 2), side="right")
    return (float(low) + float(high)) / 2.0


def _good(
    images: list[Image], masks: list[NDArray[np.bool_] | None], shifts: list[Any], number: int
) -> NDArray[Any]:
    """The pixels of a frame that are finite and not masked, plus its zero, 1-D."""
    pixels, mask = images[number].whole()
    values = pixels + shifts[number] if np.any(shifts[number]) else pixels
    bad = None if values.dtype.kind != "f" else ~np.isfinite(values)
    for more in (mask, masks[number] if masks else None):
        bad = more if bad is None else bad if more is None else bad | more
    good = values.reshape(-1) if bad is None or not bad.any() else values[~bad]
    require(good.size > 0, "", images[number].name, "good in some pixel to be measured", "none")
    return good


def _given(values: Any, name: str, count: int, shape: tuple[int, int]) -> list[Any]:
    """One number or array an image."""
    if values is None:
        return []
    try:
        items = list(values)
    except TypeError:
        raise DomainError(f"{name} must be one for each of {count} frames, got {values!r}") from None
    require(len(items) == count, "", name, f"one for each of {count} frames", len(items))
    given: list[Any] = []
    for number, item in enumerate(items):
        array = np.asarray(
            getattr(item, "data", item) if np.ndim(item) == 0 and not np.isscalar(item) else item
        )
        require(array.dtype.kind in "biuf", "", f"{name} {number}", "a number or an array of numbers", item)
        if array.ndim and array.shape != shape:
            raise ShapeError(f"{name} {number} must have shape {shape}, got {array.shape}")
        given.append(array if array.ndim else float(array))
    return given


def _check(values: list[Any], name: str, rule: str, holds: Callable[[Any], bool]) -> None:
    for number, value in enumerate(values):
        require(isinstance(value, np.ndarray) or holds(value), "", f"{name} {number}", rule, value)
