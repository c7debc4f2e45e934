"""The statistics behind the measurements: rounding, variances of few frames, mixtures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from getframes.analysis.curve import best, fitted
from getframes.analysis.rounding import rounded, unrounded
from getframes.analysis.spread import (
    digamma,
    groups,
    log_normal_width,
    trigamma,
    trimmed_mean_of_variances,
    unbiased_deviation,
)


@pytest.mark.parametrize("sigma", [0.25, 0.3, 0.4, 0.5, 0.8, 2.0])
@pytest.mark.parametrize("mean", [100.0, 100.25, 100.5, 100.9])
def test_variance_of_rounded_noise(sigma: float, mean: float) -> None:
    """Against the exact sum over counts."""
    counts = np.arange(80, 122)
    share = stats.norm.cdf(counts + 0.5, mean, sigma) - stats.norm.cdf(counts - 0.5, mean, sigma)
    centre = (share * counts).sum()
    exact = (share * (counts - centre) ** 2).sum()
    assert rounded(sigma**2, mean) == pytest.approx(exact, rel=1e-6)
    if sigma >= 0.4:
        assert float(np.sqrt(unrounded(exact, mean))) == pytest.approx(sigma, rel=1e-4)


@pytest.mark.parametrize("x", [0.5, 1.0, 2.5, 7.9, 8.0, 31.5])
def test_digamma_and_trigamma(x: float) -> None:
    assert digamma(x) == pytest.approx(special.digamma(x), abs=1e-10)
    assert trigamma(x) == pytest.approx(special.polygamma(1, x), rel=1e-9)


@pytest.mark.parametrize("count", [2, 3, 10, 100])
def test_the_standard_deviation_of_few_values(count: int) -> None:
    degrees = count - 1
    exact = stats.chi(degrees).mean() / np.sqrt(degrees)
    assert unbiased_deviation(count) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("degrees", [1, 2, 5, 40])
@pytest.mark.parametrize(("low", "high"), [(1.0, 99.0), (0.0, 100.0), (5.0, 80.0)])
def test_trimmed_variances(degrees: int, low: float, high: float) -> None:
    law = stats.chi2(degrees)
    ends = law.ppf([low / 100, high / 100])
    # int x f(x) dx = degrees F(x; degrees + 2)
    exact = np.diff(stats.chi2(degrees + 2).cdf(ends))[0] / (high - low) * 100.0
    assert trimmed_mean_of_variances(degrees, low, high) == pytest.approx(exact, rel=2e-4)


@pytest.mark.parametrize("fraction", [0.0, 0.005, 0.05])
@pytest.mark.parametrize("width", [0.1, 0.3])
def test_groups(fraction: float, width: float) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(1.0, width, 200_000) + np.log(2.65) * (rng.random(200_000) < fraction)
    found = groups(values)
    assert found.mean == pytest.approx(1.0, abs=0.003)
    assert found.width == pytest.approx(width, rel=0.01)
    assert found.fraction == pytest.approx(fraction, abs=4.0 * np.sqrt(fraction / 200_000) * 1.5)
    if fraction:
        assert found.distance == pytest.approx(np.log(2.65), abs=0.06)
    assert groups(np.full(100, 3.0)).width == 0.0


def test_log_normal_width() -> None:
    assert log_normal_width(np.expm1(0.09) * 4.0, 2.0) == pytest.approx(0.3)
    assert log_normal_width(-1.0, 2.0) == log_normal_width(1.0, 0.0) == 0.0


def test_curves() -> None:
    rng, x = np.random.default_rng(2), np.linspace(0.0, 1e5, 40)
    sigma = np.full(40, 5.0)
    pulls, lengths = [], []
    for _ in range(300):
        y = 30.0 + 2e-3 * x + rng.normal(0.0, 5.0, 40)
        chosen = best(x, y, sigma, (0, 1), (2, 3))
        lengths.append(len(chosen.powers))
        fit = fitted(x, y, sigma, (0, 1))
        pulls.append((fit.of(1) - 2e-3) / fit.errors[1])
    assert np.std(pulls) == pytest.approx(1.0, abs=0.15)
    assert np.mean(np.array(lengths) == 2) > 0.98
    bent = best(x, 30.0 + 2e-3 * x * (1 - 5e-6 * x), sigma, (0, 1), (2, 3))
    assert bent.powers == (0, 1, 2)
    assert bent.of(2) == pytest.approx(-1e-8, rel=1e-6)
    np.testing.assert_allclose(bent(x), 30.0 + 2e-3 * x * (1 - 5e-6 * x), rtol=1e-9)
    assert bent.of(7) == 0.0
