"""Combination in NumPy float64: the definition that the Rust kernel must meet.

v = scale (x + zero), without what is masked or no number; then without the lowest and highest; then, again and again, without what is far from the median;
then the median or the weighted mean, and its standard deviation from the scatter of the values. NaN stands for a value that is left out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtri
from scipy.stats import norm

Stack = NDArray[np.float64]

MASKED_IN_INPUT, REJECTED, NO_DATA, NOT_FINITE = 1, 2, 8, 64
MAD_TO_SIGMA = 1.482602218505602
MAD_FACTORS = (1.0, 1.0, 1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107)


class Combined(NamedTuple):
    """Data, standard deviation, values used and flags, each of the shape of a frame."""

    data: Stack
    sigma: Stack
    used: NDArray[np.int64]
    flags: NDArray[np.int64]


def combine(
    frames: NDArray[Any],
    *,
    median: bool = False,
    masks: NDArray[np.bool_] | None = None,
    zero: Any = 0.0,
    scale: Any = 1.0,
    weights: Any = None,
    extremes: tuple[int, int] = (0, 0),
    clip: str | None = None,
    sigma: float = 3.0,
    gain: float = 1.0,
    read_noise_adu: float = 0.0,
    pedestal: float = 0.0,
    step: float = 0.0,
) -> Combined:
    """Frames (n, ...) to one; `zero`, `scale` and `weights` broadcast against them; values are multiples of `step`, or are not (0)."""
    frames = np.asarray(frames)
    shape = frames.shape
    zero, scale = (np.broadcast_to(np.asarray(item, np.float64), shape) for item in (zero, scale))
    masked = np.zeros(shape, bool) if masks is None else np.broadcast_to(masks, shape)
    with np.errstate(invalid="ignore", over="ignore"):
        values = (frames.astype(np.float64) + zero) * scale
    wild = ~masked & ~np.isfinite(values)
    flags = MASKED_IN_INPUT * masked.any(axis=0) + NOT_FINITE * wild.any(axis=0)
    values = np.where(masked | wild, np.nan, values)
    weight = np.ones(shape) if weights is None else np.broadcast_to(np.asarray(weights, np.float64), shape)
    values = np.where(weight > 0, values, np.nan)
    before = np.isfinite(values).sum(axis=0)
    values = without_extremes(values, *extremes)
    while clip is not None:
        limit = limits(values, clip, sigma, 0.5 * step, zero, scale, gain, read_noise_adu, pedestal)
        kept = clipped(values, limit)
        if np.array_equal(kept, values, equal_nan=True):
            break
        values = kept
    used = np.isfinite(values).sum(axis=0)
    data, deviation = median_of(values, step) if median else mean_of(values, weight)
    flags = flags + REJECTED * (used < before) + NO_DATA * (used == 0)
    flags = flags | NOT_FINITE * ((used > 0) & ~np.isfinite(data))
    return Combined(data, deviation, used, flags)


def centre(values: Stack) -> Stack:
    """Median of what is there; NaN where nothing is."""
    ranked, count = np.sort(values, axis=0), np.isfinite(values).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(values) - 1)
    one, two = (np.take_along_axis(ranked, rank[None], axis=0)[0] for rank in (low, high))
    return np.asarray(np.where(count % 2 == 1, one, 0.5 * (one + two)))


def without_extremes(values: Stack, low: int, high: int) -> Stack:
    """Without the lowest and the highest; of equal values the first frames go."""
    count = np.isfinite(values).sum(axis=0)
    up = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0, kind="stable")
    kept = values.copy()
    kept[up < low] = np.nan
    # Ranks from above, the first of equal ones highest.
    down = np.argsort(np.argsort(-kept, axis=0, kind="stable"), axis=0, kind="stable")
    kept[down < high] = np.nan
    return np.where(low + high >= count, np.nan, kept) if low or high else values


def limits(
    values: Stack,
    clip: str,
    sigma: float,
    least: float,
    zero: Stack,
    scale: Stack,
    gain: float,
    read_noise_adu: float,
    pedestal: float,
) -> Stack:
    """How far from the median a value may be."""
    count, middle = np.isfinite(values).sum(axis=0), centre(values)
    if clip == "mad":
        spread = np.maximum(centre(np.abs(values - middle)), least)
        factors = [MAD_FACTORS[n] if n < len(MAD_FACTORS) else n / (n - 0.8) for n in range(len(values) + 1)]
        limit = sigma * (MAD_TO_SIGMA * np.array(factors))[count] * spread
    elif clip == "std":
        ranked = np.sort(values, axis=0)
        mean = _sum(np.where(np.isfinite(ranked), ranked, 0.0)) / np.maximum(count, 1)
        square = np.where(np.isfinite(ranked), (ranked - mean) ** 2, 0.0)
        limit = sigma * np.sqrt(_sum(square) / np.maximum(count, 1))
    else:
        signal = np.maximum(middle / scale - zero - pedestal, 0.0)
        limit = sigma * np.abs(scale) * np.sqrt(read_noise_adu**2 + signal / gain)
    return np.broadcast_to(np.where(count > 2, limit, np.inf), values.shape)


def clipped(values: Stack, limit: Stack) -> Stack:
    """Without what is beyond; never all of it."""
    with np.errstate(invalid="ignore"):
        kept = np.where(np.abs(values - centre(values)) <= limit, values, np.nan)
    return np.where(np.isfinite(kept).any(axis=0), kept, values)


def mean_of(values: Stack, weight: Stack) -> tuple[Stack, Stack]:
    """Weighted mean, and its standard deviation."""
    there = np.isfinite(values)
    count, weight = there.sum(axis=0), np.where(there, weight, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = _sum(weight)
        mean = _sum(weight * np.where(there, values, 0.0)) / total
        share = weight / total
        square = np.where(there, (share * (values - mean)) ** 2 / (1.0 - share), 0.0)
        deviation = np.sqrt(_sum(square)) / c4(count)
    return mean, np.where(count > 1, deviation, np.nan)


def c4(count: NDArray[np.int64]) -> Stack:
    """Mean of the standard deviation of n Gaussian values over the true one."""
    n = np.maximum(count, 2)
    return np.asarray(np.sqrt(2.0 / (n - 1)) * np.exp(gammaln(n / 2) - gammaln((n - 1) / 2)))


def median_of(values: Stack, step: float) -> tuple[Stack, Stack]:
    """Median, and its standard deviation from the differences between values of opposite rank, the outer quarters left out; with that of its rounding."""
    ranked, count = np.sort(values, axis=0), np.isfinite(values).sum(axis=0)
    deviation = np.full(count.shape, np.nan)
    for n in np.unique(count[count > 1]):
        here, trim = count == n, n // 4 if n >= 5 else 0
        rank = np.arange(trim, n // 2)
        differences = (ranked[n - 1 - rank] - ranked[rank])[:, here].sum(axis=0)
        scatter = median_deviation(int(n)) / expected_sum(int(n)) * differences
        rounding = step**2 * (1 - 2.3 / max(n, 3)) / (12 if n % 2 else 20)
        deviation[here] = np.sqrt(scatter**2 + rounding)
    return centre(values), deviation


def median_deviation(n: int) -> float:
    """Standard deviation of the median of n Gaussian values."""
    return float(np.sqrt(np.pi / 2 / (n + (1.40 - 0.55 / n if n % 2 == 0 else 0.4292 + 0.25 / n))))


def expected_sum(n: int) -> float:
    """Mean of the sum of differences that `median_of` takes."""
    trim = n // 4 if n >= 5 else 0
    if n < 5:
        return {2: 1.12838, 3: 1.69257, 4: 2.65277}[n]
    if n <= 24:
        return float(2 * ndtri((n - np.arange(trim, n // 2) - 0.375) / (n + 0.25)).sum())
    inner, outer = norm.pdf(ndtri((n - np.array([n // 2, trim]) + 0.125) / (n + 0.25)))
    return float((n + 0.25) * 2 * (inner - outer))


def _sum(values: Stack) -> Stack:
    """Sum over the first axis, one after the other."""
    total = np.zeros(values.shape[1:])
    for row in values:
        total = total + row
    return total
