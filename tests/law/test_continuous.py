"""Gamma, normal, exponential and log-normal variates follow their laws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from getframes._native import core
from tests.law.samples import EVEN, PRECISIONS, addressed
from tests.parity.sim.words import EXTREMES, decades

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Sampler = Callable[[NDArray[np.uint32], str], NDArray[np.floating]]

SHAPES = (0.05, 0.3, 0.9, 1.0, 1.5, 2.0, 2.999, 3.0, 3.001, 7.5, 40.0, 1e3, 1e5)


def gamma(shape: float) -> Sampler:
    return lambda words, precision: core.gamma(np.full(words.shape, shape, precision), words)


LAWS: dict[str, tuple[Sampler, stats.rv_continuous]] = {
    "normal": (core.normal, stats.norm()),
    "exponential": (core.exponential, stats.expon()),
    **{
        f"lognormal {width}": (
            lambda words, precision, width=width: core.lognormal(width, words, precision),
            stats.lognorm(width, scale=np.exp(-(width**2) / 2.0)),
        )
        for width in (0.01, 0.5)
    },
    **{f"gamma {shape}": (gamma(shape), stats.gamma(float(np.float32(shape)))) for shape in SHAPES},
}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", LAWS)
def test_kolmogorov_smirnov(name: str, precision: str) -> None:
    sample, law = LAWS[name]
    drawn = sample(addressed(2**16), precision).astype(float)
    assert stats.kstest(drawn, law.cdf).pvalue > 1e-4


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", LAWS)
def test_empirical_cdf(name: str, precision: str) -> None:
    """Over evenly spread words the CDF of the variate is the uniform it came from."""
    sample, law = LAWS[name]
    words = EVEN[::16].copy()
    drawn = sample(words, precision).astype(float)
    assert (np.diff(drawn) >= 0.0).all()
    held = drawn > 1e-37
    slack = 2e-6 * max(1.0, np.sqrt(law.mean() ** 2 / law.var())) if precision == "float32" else 1e-7
    assert np.abs(law.cdf(drawn) - (words + 0.5) / 2.0**32)[held].max() <= slack


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", LAWS)
def test_moments(name: str, precision: str) -> None:
    sample, law = LAWS[name]
    drawn = sample(addressed(2**17, key=3), precision).astype(float)
    mean, variance, excess = (float(moment) for moment in law.stats(moments="mvk"))
    error = 4.0 / np.sqrt(drawn.size)
    assert abs(drawn.mean() - mean) <= error * np.sqrt(variance)
    assert abs(drawn.var() - variance) <= error * variance * np.sqrt(2.0 + excess)


@pytest.mark.parametrize("precision", PRECISIONS)
@given(
    seed=st.integers(0, 2**32), shapes=st.lists(decades(0.05, 1e5, 1.0, 2.0, 3.0), min_size=2, max_size=30)
)
def test_gamma_is_monotone_in_the_shape(precision: str, seed: int, shapes: list[float]) -> None:
    """Up to the tolerance of the variate; charge comes in whole electrons, far enough apart."""
    words = np.concatenate([EXTREMES, addressed(200, key=seed)])
    grid = ladder_of_gammas(np.array(shapes, precision), words)
    slack = 4e-6 if precision == "float32" else 1e-12
    assert (np.diff(grid, axis=0) >= -slack * np.maximum(grid[1:], 1e-3)).all()


@pytest.mark.parametrize("precision", PRECISIONS)
@given(seed=st.integers(0, 2**32), electrons=st.lists(st.integers(1, 100_000), min_size=1, max_size=15))
def test_gamma_is_monotone_in_whole_electrons(precision: str, seed: int, electrons: list[int]) -> None:
    words = np.concatenate([EXTREMES, addressed(200, key=seed)])
    grid = ladder_of_gammas(np.array([*electrons, *np.add(electrons, 1)], precision), words)
    assert (np.diff(grid, axis=0) >= 0.0).all()


def ladder_of_gammas(shapes: NDArray[np.floating], words: NDArray[np.uint32]) -> NDArray[np.floating]:
    """Variates of increasing shapes, one row each."""
    ladder = np.unique(shapes)
    grid = core.gamma(np.repeat(ladder, words.size), np.tile(words, ladder.size))
    return grid.reshape(ladder.size, words.size)
