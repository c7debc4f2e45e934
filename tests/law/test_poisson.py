"""Poisson variates follow their law at every mean, and never decrease with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from getframes._native import core
from tests.law.samples import EVEN, PRECISIONS, addressed
from tests.parity.sim.words import EXTREMES, decades, neighbours

LOW = (1e-6, 1e-4, 0.01, 0.3, 1.0, 2.5, 4.999, 5.0, 5.001, 6.999, 7.001)
MEANS = (*LOW, 8.0, 25.0, 50.0, 300.0, 1e4, 1e6, 2.0**20, 1e7)
ANY_MEAN = decades(1e-6, 1e7, 5.0, 7.0, 2.0**20)


def counts(mean: float, words: np.ndarray, precision: str) -> np.ndarray:
    return core.poisson(np.full(words.shape, mean, precision), words).astype(float)


def bins(mean: float) -> np.ndarray:
    """Upper edges of bins that hold about equal probability, at least 1e-3 each."""
    return np.unique(stats.poisson.ppf(np.linspace(0.0, 1.0, 61)[1:-1], mean))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("mean", MEANS)
def test_chi_square(mean: float, precision: str) -> None:
    mean = float(np.dtype(precision).type(mean))
    drawn = counts(mean, addressed(2**17), precision)
    edges = bins(mean)
    observed = np.bincount(np.searchsorted(edges, drawn), minlength=edges.size + 1)
    expected = np.diff(stats.poisson.cdf(edges, mean), prepend=0.0, append=1.0) * drawn.size
    kept = expected > 5.0
    chi_square = ((observed - expected)[kept] ** 2 / expected[kept]).sum()
    assert stats.chi2.sf(chi_square, max(1, kept.sum() - 1)) > 1e-4
    assert observed[~kept].sum() <= expected[~kept].sum() + 5.0 * np.sqrt(expected[~kept].sum() + 1.0)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("mean", MEANS)
def test_empirical_cdf(mean: float, precision: str) -> None:
    """Over evenly spread words the Kolmogorov-Smirnov distance is their spacing, and no more."""
    mean = float(np.dtype(precision).type(mean))
    drawn = counts(mean, EVEN, precision)
    assert (np.diff(drawn) >= 0.0).all()
    values, first = np.unique(drawn, return_index=True)
    below = np.append(first[1:], drawn.size) / drawn.size
    slack = 3e-6 if precision == "float32" else 1e-12
    assert np.abs(below - stats.poisson.cdf(values, mean)).max() <= 1.0 / drawn.size + slack


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("mean", MEANS)
def test_moments(mean: float, precision: str) -> None:
    mean = float(np.dtype(precision).type(mean))
    drawn = counts(mean, addressed(2**18, key=5), precision)
    error = 4.0 / np.sqrt(drawn.size)
    assert abs(drawn.mean() - mean) <= np.sqrt(mean) * error + 1.0 / drawn.size
    assert abs(drawn.var() - mean) <= np.sqrt(mean + 2.0 * mean**2) * error + 1.0 / drawn.size


@pytest.mark.parametrize("precision", PRECISIONS)
@given(seed=st.integers(0, 2**32), means=st.lists(ANY_MEAN, min_size=2, max_size=40))
def test_monotone_in_the_mean(precision: str, seed: int, means: list[float]) -> None:
    words = np.concatenate([EXTREMES, addressed(200, key=seed)])
    ladder = np.unique(np.array([0.0, *means], precision))
    grid = core.poisson(np.repeat(ladder, words.size), np.tile(words, ladder.size))
    assert (np.diff(grid.reshape(ladder.size, words.size), axis=0) >= 0.0).all()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("seam", [5.0, 7.0, 2.0**20])
def test_monotone_across_seams(precision: str, seam: float) -> None:
    near = [n * (1.0 + step) for n in neighbours(seam) for step in (-1e-3, -1e-5, 0.0, 1e-5, 1e-3)]
    ladder = np.unique(np.array(near, precision))
    words = np.concatenate([EXTREMES, addressed(2**14)])
    grid = core.poisson(np.repeat(ladder, words.size), np.tile(words, ladder.size))
    assert (np.diff(grid.reshape(ladder.size, words.size), axis=0) >= 0.0).all()


def test_no_light_no_charge() -> None:
    words = np.concatenate([EXTREMES, addressed(1000)])
    for precision in PRECISIONS:
        assert not counts(0.0, words, precision).any()
