"""Words and means that find the edges of a variate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from getframes.reference import incomplete, stream
from getframes.reference.stream import Kind, Stage

if TYPE_CHECKING:
    from getframes.reference.image import Image, Words

EDGES = np.array([0, 1, 2, 9, 1000, 2**31 - 1, 2**31, 2**31 + 1], np.uint32)
EXTREMES = np.concatenate([EDGES, ~EDGES])
"""Both tails, and the middle where the sides meet."""


def words(seed: int, count: int) -> Words:
    """Addressed words, the extremes first."""
    plain = stream.words(seed, Kind.LIGHT, Stage.SHOT, 0, 0, 0, count - EXTREMES.size)
    return np.concatenate([EXTREMES, plain])


def words_at_steps(mean: float) -> Words:
    """The two words on either side of every step of the Poisson CDF."""
    width = 8.0 * np.sqrt(mean) + 40.0
    counts = np.unique(np.linspace(max(0.0, mean - width), mean + width, 400).round())
    steps = incomplete.upper(counts + 1.0, mean) * 2.0**32 - 0.5
    inside = steps[(steps >= 0.0) & (steps < 2**32 - 1)]
    return np.concatenate([np.floor(inside), np.floor(inside) + 1.0]).astype(np.uint32)


def beyond_step(count: Image, mean: Image, words: Words) -> Image:
    """How far u lies outside the CDF step of `count`: 0 where it is the Poisson quantile."""
    u = stream.probability(words)
    late = np.where(u.upper, _above(count, mean) - u.tail, u.tail - _below(count, mean))
    early = np.where(u.upper, u.tail - _above(count - 1.0, mean), _below(count - 1.0, mean) - u.tail)
    return np.maximum(0.0, np.maximum(late, early))


def _below(count: Image, mean: Image) -> Image:
    return np.where(count < 0.0, 0.0, incomplete.upper(np.maximum(count + 1.0, 1.0), mean))


def _above(count: Image, mean: Image) -> Image:
    return np.where(count < 0.0, 1.0, incomplete.lower(np.maximum(count + 1.0, 1.0), mean))


def decades(low: float, high: float, *seams: float) -> st.SearchStrategy[float]:
    """Numbers spread evenly in their logarithm, and the floats on both sides of every seam."""
    spread = st.floats(np.log10(low), np.log10(high)).map(lambda power: float(10.0**power))
    beside = [near for seam in seams for near in neighbours(seam)]
    return st.one_of(spread, st.sampled_from(beside)) if beside else spread


def neighbours(seam: float) -> list[float]:
    """The seam and its neighbours in both precisions."""
    single = np.float32(seam)
    beside = (np.nextafter(single, np.float32(0)), np.nextafter(single, np.float32(np.inf)))
    double = (np.nextafter(seam, 0.0), np.nextafter(seam, np.inf))
    return [float(value) for value in (seam, *beside, *double)]
