"""Stars, images and native calls that the tests of deposition share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from getframes._native import core
from getframes._native.deposit import Profile

Stars = list[tuple[float, float, float]]

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def stars(most: int = 4) -> st.SearchStrategy[Stars]:
    """Up to `most` stars on and about a small image."""
    position = st.floats(-12.0, 50.0)
    return st.lists(st.tuples(position, position, st.floats(0.0, 1e5)), max_size=most)


def draw(
    profile: Profile,
    shape: tuple[int, int],
    sources: Stars,
    dtype: Any = np.float64,
    band_rows: int | None = None,
) -> NDArray[Any]:
    """The native image of the stars."""
    image = np.zeros(shape, dtype)
    x, y, flux = np.array(sources, float).reshape(-1, 3).T.copy()
    profile.deposit(image, x, y, flux, band_rows)
    return image


def field(count: int, size: int, seed: int = 1) -> Stars:
    """A field of random stars, some of them beyond the edge."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-8.0, size + 8.0, (2, count))
    return list(zip(x, y, rng.uniform(0.0, 1e4, count), strict=True))


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Native code on a number of threads."""
    before = core.num_threads()
    core.set_num_threads(count)
    try:
        yield
    finally:
        core.set_num_threads(before)


@contextmanager
def simd_level(name: str) -> Iterator[None]:
    """Native code at a SIMD level."""
    core.set_simd_level(name)
    try:
        yield
    finally:
        core.set_simd_level(None)
