"""How far draws of several chains can be trusted.

Rank-normalized split R-hat and effective sample sizes of bulk and tails: Vehtari, Gelman, Simpson, Carpenter, Buerkner 2021, doi:10.1214/20-BA1221. Energy: Betancourt
2016, arXiv:1604.00695. Arrays have shape (chains, draws, ...); what is worked out has the shape that is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

FEWEST = 4
"""Draws of a chain below which nothing can be said."""


def rank_rhat(draws: Numbers) -> Numbers:
    """R-hat of the ranks: the larger of that of the values and that of their distance from the median; 1 where chains agree.

    Each chain counts as two, its first and its second half. NaN with fewer than 4 draws, or where draws are all the same.
    """
    halves = split(draws)
    folded = np.abs(halves - np.median(halves, axis=(0, 1)))
    return np.fmax(_rhat(_normal_ranks(halves)), _rhat(_normal_ranks(folded)))


def bulk_ess(draws: Numbers) -> Numbers:
    """Independent draws that would tell as much of the centre of the distribution."""
    return _ess(_normal_ranks(split(draws)))


def tail_ess(draws: Numbers) -> Numbers:
    """Independent draws that would tell as much of the 5 % and 95 % quantiles: the smaller of the two."""
    halves = split(draws)
    below = [halves <= np.quantile(halves, share, axis=(0, 1)) for share in (0.05, 0.95)]
    return np.fmin(*(_ess(each.astype(np.float64)) for each in below))


def energy_fraction(energy: Numbers) -> Numbers:
    """Bayesian fraction of missing information of each chain, shape (chains,): the mean squared step of the energy over its variance.

    Below 0.3 momentum cannot carry a chain through the energies it has to visit, and tails are left out.
    """
    steps = np.diff(energy, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.mean(steps**2, axis=1) / np.var(energy, axis=1))


def split(draws: Numbers) -> Numbers:
    """Each chain as two, shape (2 chains, draws // 2, ...); the middle draw of an odd number is left out."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, draws.shape[1] - half :]])


def _normal_ranks(draws: Numbers) -> Numbers:
    from scipy.special import ndtri
    from scipy.stats import rankdata

    flat = draws.reshape(-1, *draws.shape[2:])
    ranks = rankdata(flat, axis=0)
    return np.asarray(ndtri((ranks - 0.375) / (len(flat) + 0.25))).reshape(draws.shape)


def _rhat(draws: Numbers) -> Numbers:
    count = draws.shape[1]
    if count < FEWEST // 2:
        return np.full(draws.shape[2:], np.nan)
    within = np.mean(np.var(draws, axis=1, ddof=1), axis=0)
    between = np.var(np.mean(draws, axis=1), axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt((count - 1) / count + between / within))


def _ess(draws: Numbers) -> Numbers:
    """Effective sample size from the initial monotone sequence of pairs of autocorrelations (Geyer 1992, doi:10.1214/ss/1177011137)."""
    chains, count = draws.shape[:2]
    if count < FEWEST // 2:
        return np.full(draws.shape[2:], np.nan)
    covariance = _autocovariance(draws)
    within = np.mean(covariance[:, 0], axis=0) * count / (count - 1)
    spread = within * (count - 1) / count
    if chains > 1:
        spread = spread + np.var(np.mean(draws, axis=1), axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = 1.0 - (within - np.mean(covariance, axis=0) * count / (count - 1)) / spread
    correlation[0] = np.where(spread > 0.0, 1.0, np.nan)
    even = 2 * (count // 2)
    pairs = correlation[0:even:2] + correlation[1:even:2]
    counted = np.cumprod(pairs > 0.0, axis=0)
    decreasing = np.minimum.accumulate(np.where(counted > 0, pairs, 0.0), axis=0)
    time = -1.0 + 2.0 * np.sum(decreasing, axis=0)
    size = chains * count
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = size / np.maximum(time, 1.0 / np.log10(size))
    return np.asarray(np.where(spread > 0.0, effective, np.nan))


def _autocovariance(draws: Numbers) -> Numbers:
    from scipy.fft import irfft, next_fast_len, rfft

    count = draws.shape[1]
    length = next_fast_len(2 * count, real=True)
    waves = rfft(draws - np.mean(draws, axis=1, keepdims=True), length, axis=1)
    return np.asarray(irfft(np.abs(waves) ** 2, length, axis=1)[:, :count] / count)
