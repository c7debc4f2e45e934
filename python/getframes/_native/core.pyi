"""Threads, SIMD levels, and the words and variates of the random contract."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

def stream_version() -> int:
    """Version of the random contract."""

def set_num_threads(n: int) -> None:
    """Set the number of threads; 0 means the default again."""

def num_threads() -> int:
    """Threads that kernels use."""

def simd_levels() -> list[str]:
    """SIMD levels of this machine, lowest first."""

def simd_level() -> str:
    """SIMD level in use."""

def set_simd_level(name: str | None) -> None:
    """Choose a SIMD level; None is the best of this machine."""

def words(
    key: int, kind: int, stage: int, frame: int, draw: int, first: int, count: int
) -> NDArray[np.uint32]:
    """Words ``first .. first + count`` of an address."""

def wide_uniform(key: int, kind: int, stage: int, frame: int, first: int, count: int) -> NDArray[np.float64]:
    """Uniforms of 52 bits, for fixed maps and random scenes."""

def wide_normal(key: int, kind: int, stage: int, frame: int, first: int, count: int) -> NDArray[np.float64]:
    """Normal variates of 52 bits."""

def uniform(words: NDArray[np.uint32], precision: str) -> NDArray[np.floating[Any]]:
    """(word + 1/2) / 2^32."""

def normal(words: NDArray[np.uint32], precision: str) -> NDArray[np.floating[Any]]:
    """Standard normal quantiles."""

def exponential(words: NDArray[np.uint32], precision: str) -> NDArray[np.floating[Any]]:
    """Exponential quantiles of mean 1."""

def lognormal(sigma: float, words: NDArray[np.uint32], precision: str) -> NDArray[np.floating[Any]]:
    """Log-normal quantiles of mean 1."""

def poisson(mean: NDArray[np.floating[Any]], words: NDArray[np.uint32]) -> NDArray[np.floating[Any]]:
    """Poisson quantiles of an array of means, in its precision."""

def gamma(shape: NDArray[np.floating[Any]], words: NDArray[np.uint32]) -> NDArray[np.floating[Any]]:
    """Gamma quantiles of an array of shapes, in its precision."""
