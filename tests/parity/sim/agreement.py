"""How close is close enough: the tolerances of the random contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.reference import stream
from tests.parity.sim.words import beyond_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING = 1e-13
"""How well the reference knows a CDF."""
CONTINUOUS = {"float32": 2e-6, "float64": 1e-10}
"""Relative errors of continuous variates."""


def assert_within(error: NDArray[np.float64], bound: NDArray[np.float64]) -> None:
    """Every error is at most its bound."""
    excess = np.ravel(error - bound)
    worst = int(np.argmax(excess))
    assert excess[worst] <= 0.0, f"element {worst} of {excess.size}: {np.ravel(error)[worst]} too far"


def assert_counts(
    native: NDArray[np.floating], mean: NDArray[np.floating], words: NDArray[np.uint32]
) -> None:
    """Poisson quantiles: exact in float64, in float32 off only where u is close to a step."""
    tail = stream.probability(words).tail
    slack = np.full(tail.shape, ROUNDING) if native.dtype == np.float64 else np.minimum(3e-6, 1e-3 * tail)
    assert_within(beyond_step(native.astype(float), mean.astype(float), words), slack)


def assert_close(native: NDArray[np.floating], exact: NDArray[np.float64]) -> None:
    """Continuous variates: relative to max(x, 1e-3) in float32; underflow is 0."""
    floor = 1e-3 if native.dtype == np.float32 else 1e-290
    assert_within(abs(native - exact), CONTINUOUS[native.dtype.name] * np.maximum(abs(exact), floor))
