"""What a master has to be worth: its stated uncertainty is the true one, and outliers do not move it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln
from scipy.stats import norm

from getframes import combine
from getframes.reduce.small_samples import small_samples

SIGMA = 7.0
SHAPE = (400, 400)


def gaussian(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(500.0, SIGMA, (count, *SHAPE))


@pytest.mark.parametrize("count", [3, 4, 5, 8, 12, 25, 40])
def test_the_uncertainty_of_a_mean_is_true(count) -> None:
    made = combine(gaussian(count), method="mean")
    assert made.uncertainty.mean() / made.data.std() == pytest.approx(1.0, abs=0.01)
    assert made.data.std() == pytest.approx(SIGMA / np.sqrt(count), rel=0.01)


@pytest.mark.parametrize("count", [3, 5, 6, 7, 8, 9, 12, 25, 26, 40])
def test_the_uncertainty_of_a_median_is_true(count) -> None:
    made = combine(gaussian(count))
    assert made.uncertainty.mean() / made.data.std() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("method", ["mean", "median"])
@pytest.mark.parametrize("noise", [1.0, 3.0])
def test_counts_keep_it(method, noise) -> None:
    """Whole numbers of little noise too, at levels anywhere between two counts."""
    rng = np.random.default_rng(2)
    level = 500.0 + rng.random(SHAPE)
    made = combine(rng.normal(level, noise, (9, *SHAPE)).round().astype(np.uint16), method=method)
    assert made.uncertainty.mean() / (made.data - level).std() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("count", [5, 6, 8, 12, 24, 25])
def test_the_rounding_of_a_median_is_in_its_uncertainty(count) -> None:
    """A median of whole counts is a whole or half count itself, however many there are."""
    rng = np.random.default_rng(6)
    for noise in (0.8, 2.0, 5.0):
        level = 500.0 + rng.random(SHAPE)
        made = combine(rng.normal(level, noise, (count, *SHAPE)).round().astype(np.uint16))
        assert made.uncertainty.mean() / (made.data - level).std() == pytest.approx(
            1.0, abs=0.07 if noise < 1 else 0.03
        )


@pytest.mark.parametrize("method", ["mean", "median"])
def test_masks_make_it_larger(method) -> None:
    frames, rng = gaussian(9), np.random.default_rng(3)
    masks = rng.random(frames.shape) < 0.3
    made = combine(frames, method=method, masks=masks)
    for count in (5, 6, 7, 8):
        here = made.used == count
        assert made.uncertainty[here].mean() / made.data[here].std() == pytest.approx(1.0, abs=0.03)


RULES = [
    {"method": "sigma_clip"},
    {"method": "sigma_clip", "clip": "noise", "gain_e_per_adu": 500.0 / SIGMA**2, "read_noise_e": 0.0},
    {"method": "sigma_clip", "clip": "std", "sigma": 2.0},
    {"method": "mean", "reject_low": 1, "reject_high": 1},
    {"method": "median", "clip": "mad", "sigma": 2.5},
]


@pytest.mark.parametrize("count", [4, 5, 8, 12, 25])
@pytest.mark.parametrize("rule", RULES)
def test_rejection_does_not_make_it_smaller(count, rule) -> None:
    """Values that are left out take scatter with them, more than a third of it in five frames."""
    made = combine(gaussian(count, 11), **rule)
    known = np.isfinite(made.uncertainty)
    assert known.mean() > 0.99
    assert made.uncertainty[known].mean() / made.data[known].std() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("count", [3, 6, 12])
def test_weights_of_the_right_size_keep_it(count) -> None:
    """Frames of different noise, weighted by one over their variance, known up to a factor."""
    noise = SIGMA * np.linspace(0.5, 2.0, count)
    frames = np.random.default_rng(4).normal(0.0, noise[:, None, None], (count, *SHAPE))
    made = combine(frames, method="mean", weights=17.0 / noise**2)
    assert np.sqrt(np.mean(made.uncertainty.astype(float) ** 2)) / made.data.std() > 0.97
    assert made.data.std() == pytest.approx(1 / np.sqrt((1 / noise**2).sum()), rel=0.01)
    if count > 3:
        assert made.uncertainty.mean() / made.data.std() == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize("clip", ["mad", "noise"])
@pytest.mark.parametrize("count", range(3, 26))
def test_one_cosmic_ray_moves_a_master_by_less_than_three_sigma_of_the_mean(count, clip) -> None:
    """By no more than noise does: of the pixels a hundredth may be beyond by themselves."""
    rng = np.random.default_rng(count)
    frames = 1000.0 + rng.normal(0.0, SIGMA, (count, 100, 100))
    hit = frames.copy()
    hit[rng.integers(count)] += 3000.0
    gain, options = 1000.0 / SIGMA**2, {"read_noise_e": 0.0}
    masters = [
        combine(f, method="sigma_clip", clip=clip, gain_e_per_adu=gain, **options).data for f in (hit, frames)
    ]
    moved = np.abs(masters[0] - 1000.0)
    assert (moved < 3.0 * SIGMA / np.sqrt(count - 1)).mean() > 0.985
    assert abs(masters[0].mean() - 1000.0) < 0.1 * SIGMA
    assert np.abs(masters[0] - masters[1]).mean() < SIGMA / np.sqrt(count)
    # Three standard deviations that contain the outlier: about the median nothing is rejected in seven frames or fewer.
    plain = combine(hit, method="sigma_clip", clip="std").data
    assert np.median(plain - 1000.0) == pytest.approx(3000.0 / count if count < 8 else 0.0, abs=SIGMA)


def test_the_median_and_the_uncertainty_of_it_bear_cosmic_rays() -> None:
    frames = gaussian(12)
    hit = frames.copy()
    hit[(np.random.default_rng(5).integers(12, size=SHAPE), *np.indices(SHAPE))] += 5000.0
    made, clean = combine(hit), combine(frames)
    assert np.abs(made.data - clean.data).max() < 4.0 * SIGMA
    assert made.uncertainty.mean() / clean.uncertainty.mean() < 1.2


def order_score(n: int, rank: int) -> float:
    """Mean of the value of this rank of n Gaussian ones."""
    constant = gammaln(n + 1) - gammaln(rank) - gammaln(n - rank + 1)

    def density(x: float) -> float:
        return x * np.exp(
            constant + (rank - 1) * norm.logcdf(x) + (n - rank) * norm.logsf(x) + norm.logpdf(x)
        )

    return float(quad(density, -9.0, 9.0, limit=200)[0])


@pytest.mark.parametrize("n", [2, 3, 4, 5, 7, 10, 16, 24, 25, 31, 60])
def test_factors_are_those_of_order_statistics(n) -> None:
    factors = small_samples(64)
    trim = factors.trim[n]
    total = sum(order_score(n, n - k) - order_score(n, k + 1) for k in range(trim, n // 2))
    middle = np.median(np.random.default_rng(n).normal(size=(n, 400_000)), axis=0).std()
    assert factors.median_sigma[n] * total == pytest.approx(middle, rel=0.007)
    c4 = np.random.default_rng(n).normal(size=(n, 400_000)).std(axis=0, ddof=1).mean()
    assert factors.mean_sigma[n] * c4 == pytest.approx(1.0, abs=0.004)
