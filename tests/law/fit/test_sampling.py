"""Draws: the posterior that brute force gives, the truth as often as they say, and the same for a seed."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binom

from getframes import num_threads, set_num_threads
from getframes.fit import Normal, Patch, Uniform, optimize, prepare_model, sample
from tests.law.fit.galaxies import SHAPES, by_galsim, population
from tests.patches import blank, galaxy, noisy, star


def scene(flux: float = 900.0, **changed: Any) -> Patch:
    return blank(
        [galaxy(6.5, 7.0, flux, rhalf=2.5, sersic=1.2, g1=0.1), star(11.0, 9.0, 400.0)], side=16, **changed
    )


def test_a_star_on_a_grid() -> None:
    """Position and flux of a star with bounded flux, against sums over a grid of the likelihood: means to 10 % of sigma, widths to 10 %."""
    patch = noisy(blank([star(8.0, 8.0, 90.0)], side=16, priors={"flux_u": Uniform(5.0, 130.0)}), seed=3)
    drawn = sample(patch, 600, 150, seed=1)
    likelihood, best = patch.likelihood(), optimize(patch)
    axes = [np.linspace(-1.0, 1.0, 21) * 5.0 * s + m for m, s in zip(best.fitted, best.sigma, strict=True)]
    axes = [
        axis[(axis > low) & (axis < high)]
        for axis, (low, high) in zip(axes, [(-2, 2), (-2, 2), (5, 130)], strict=True)
    ]
    points = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    logs = np.array([likelihood.value_and_gradient(p[:2].copy(), p[2:].copy())[0] for p in points])
    weight = np.exp(logs - logs.max())
    mean = np.average(points, axis=0, weights=weight)
    sigma = np.sqrt(np.average((points - mean) ** 2, axis=0, weights=weight))
    assert_allclose((drawn.mean - mean) / sigma, 0.0, atol=0.1)
    assert_allclose(drawn.sigma / sigma, 1.0, atol=0.1)


def test_an_independent_sampler() -> None:
    """A galaxy of S/N 25 by emcee in the parameters themselves, fluxes too. Both have some hundred independent draws or more: 10 % of sigma; benches/posterior.py has more."""
    emcee = pytest.importorskip("emcee")
    patch = noisy(blank([galaxy(7.0, 8.0, 500.0, rhalf=2.5, sersic=1.2)], side=16), seed=8)
    drawn = sample(patch, 1000, 200, seed=2)
    likelihood, (lower, upper) = patch.likelihood(), patch.bounds.T

    def log_density(values: np.ndarray[Any, Any]) -> float:
        if np.any(values <= lower) or np.any(values >= upper):
            return -np.inf
        return float(likelihood.value_and_gradient(values[:6].copy(), values[6:].copy())[0])

    random = np.random.RandomState(4)
    start = drawn.flat[random.choice(len(drawn.flat), 16, replace=False)]
    other = emcee.EnsembleSampler(16, 7, log_density)
    other.random_state = random.get_state()
    other.run_mcmc(start, 6000)
    chain = other.get_chain(discard=500, flat=True)
    sigma = chain.std(axis=0)
    assert_allclose((drawn.mean - chain.mean(axis=0)) / sigma, 0.0, atol=0.1)
    assert_allclose(drawn.sigma / sigma, 1.0, atol=0.1)


def test_fluxes_that_are_integrated_are_those_that_are_sampled() -> None:
    """Wide bounds on the fluxes: they are sampled, and the posterior is the same."""
    flat = noisy(scene(), seed=6)
    wide = replace(flat, priors={"flux_u": Uniform(-1e4, 1e4)})
    one, other = sample(flat, 1200, 200, seed=3), sample(wide, 1200, 200, seed=4)
    assert prepare_model(wide).sampled.size == prepare_model(flat).sampled.size + 2
    assert_allclose((one.mean - other.mean) / one.sigma, 0.0, atol=0.12)
    assert_allclose(one.sigma / other.sigma, 1.0, atol=0.12)


def test_without_pixels_that_tell_draws_are_those_of_the_prior() -> None:
    """Pixels with next to no weight: uniform within bounds, normal with its sigma."""
    patch = noisy(scene(sigma=1e4, priors={"flux_u": Normal(500.0, 50.0)}), seed=1)
    drawn = sample(patch, 300, 150, seed=5, from_optimum=False)
    width = np.ptp(patch.bounds[:8], axis=1)
    assert_allclose(drawn.sigma[:8] / (width / np.sqrt(12.0)), 1.0, atol=0.15)
    assert_allclose(drawn.sigma[8:], 50.0, rtol=0.1)
    assert_allclose(drawn.mean[8:], 500.0, atol=8.0)


def test_a_seed_gives_the_same_draws_on_any_threads() -> None:
    patch, known = noisy(scene(), seed=2), num_threads()
    made = []
    for threads in (1, 3):
        set_num_threads(threads)
        made.append(sample(patch, 40, 60, chains=3, seed=9))
    set_num_threads(known)
    assert_array_equal(made[0].draws, made[1].draws)
    assert not np.array_equal(made[0].draws, sample(patch, 40, 60, chains=3, seed=10).draws)
    fewer = sample(patch, 40, 60, chains=2, seed=9)
    assert_array_equal(fewer.statistics["energy"], made[0].statistics["energy"][:2])


def test_truth_is_inside_as_often_as_the_draws_say() -> None:
    """Twelve scenes drawn from the prior: counts inside the central 68 % of each parameter are binomial; the sweep of 200 is in benches/."""
    inside = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        truth = blank([galaxy(7.5, 7.5, 800.0)], side=16, bounds={"rhalf": (1.0, 5.0), "sersic": (0.6, 4.0)})
        drawn_truth = [random.uniform(*bounds) for bounds in truth.bounds[:6]]
        truth = replace(truth, sources=truth.filled(np.array([*drawn_truth, 800.0])))
        drawn = sample(noisy(truth, 100 + seed), 100, 60, chains=2, seed=seed)
        low, high = drawn.percentiles((15.865, 84.135))
        inside.append((low < truth.parameters) & (truth.parameters < high))
    counts = np.sum(inside, axis=0)
    least, most = binom.interval(0.999 ** (1 / len(counts)), 12, 0.6827)
    assert np.all((least <= counts) & (counts <= most)), counts


def test_truth_by_galsim_is_inside_as_often_as_that_and_fluxes_are_right_in_the_mean() -> None:
    """Sixteen galaxies of a population that is the prior, S/N 15 to 50. Counts inside the central 68 % of each parameter are binomial, and the mean of the pulls of the flux
    is normal; benches/posterior.py has two hundred, and pairs."""
    inside, pulls, scenes = [], [], 16
    for seed in range(scenes):
        random = np.random.default_rng(seed)
        truth = population(random, None, random.uniform(15.0, 50.0), 1.3, SHAPES, side=24)
        drawn = sample(noisy(truth, 300 + seed, by_galsim(truth)), 100, 60, chains=2, seed=seed)
        low, middle, high = drawn.percentiles((15.865, 50.0, 84.135))
        inside.append((low < truth.parameters) & (truth.parameters < high))
        pulls.append((middle[-1] - truth.parameters[-1]) / drawn.sigma[-1])
    counts = np.sum(inside, axis=0)
    assert np.all(counts >= binom.ppf(0.001 / len(counts), scenes, 0.6827)), counts
    assert abs(np.mean(pulls)) < 3.3 / np.sqrt(scenes)


def test_a_covariance_from_an_earlier_visit_saves_the_warm_up() -> None:
    patch = noisy(scene(), seed=2)
    first = sample(patch, 600, 150, seed=1)
    visited = replace(patch, covariance=first.warm_start(), draws=np.full(len(patch.sources), 2400))
    again = sample(visited, 600, 40, weight=400.0, seed=2, from_optimum=False)
    assert again.rhat.max() < 1.03
    assert again.gradients / again.ess_bulk.min() < 2.0 * first.gradients / first.ess_bulk.min()


def test_a_parameter_at_a_bound_makes_no_trajectory_long() -> None:
    """The covariance of an optimum at a bound is none of the coordinates: chains begin in the second derivatives, as if there were no covariance."""
    patch = noisy(scene(9000.0, bounds={"sersic": (0.6, 1.0)}), seed=2)  # it is 1.2
    values = patch.parameters.copy()
    values[patch.names.index("sersic[1]")] = 0.8
    patch = replace(patch, sources=patch.filled(values))
    best = optimize(patch)
    assert any(name.startswith("sersic") for name in best.at_bounds)
    fitted = replace(patch, covariance=best.fitted_covariance)
    drawn = [sample(each, 40, 40, chains=1, seed=3) for each in (patch, fitted)]
    assert_array_equal(drawn[1].draws, drawn[0].draws)
    misled = sample(fitted, 40, 40, chains=1, seed=3, cov=best.fitted_covariance)
    assert misled.gradients > 1.2 * drawn[1].gradients


def test_bounds_that_are_far_away_cost_nothing() -> None:
    """A size in the lowest thousandth of what its bounds allow, where its coordinate is -6.5: trajectories begin at the optimum and are short."""
    wide = noisy(scene(bounds={"rhalf": (0.01, 2000.0), "dra": (-500.0, 500.0)}), seed=2)
    drawn = sample(wide, 150, 100, chains=2, seed=1)
    assert drawn.statistics["n_steps"].mean() < 20
    assert drawn.rhat.max() < 1.1
    assert_allclose(drawn["rhalf[1]"].mean(), 2.5, atol=4.0 * drawn["rhalf[1]"].std())


def test_what_diverges_is_reported_and_not_raised(caplog: pytest.LogCaptureFixture) -> None:
    """A covariance a hundred times too wide and no warm-up: steps are far too long."""
    patch = noisy(scene(), seed=2)
    wide = 1e4 * optimize(patch).fitted_covariance
    with caplog.at_level(logging.WARNING, "getframes.fit"):
        drawn = sample(patch, 30, 0, cov=wide, chains=2, seed=1)
    assert drawn.problems()
    assert all(problem in caplog.text for problem in drawn.problems())


def test_warm_up_is_kept_where_it_is_asked_for() -> None:
    patch = noisy(scene(), seed=2)
    drawn = sample(patch, 30, 50, chains=2, seed=1, keep_warmup=True)
    assert drawn.warmup is not None and drawn.warmup.draws.shape == (2, 50, 10)
    without = sample(patch, 30, 50, chains=2, seed=1)
    assert without.warmup is None and without.gradients == drawn.gradients
    assert_array_equal(drawn.draws, without.draws)


def test_progress_is_called() -> None:
    seen: list[tuple[int, int]] = []
    sample(noisy(scene(), seed=2), 60, 40, chains=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (200, 200)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_stop_from_outside_ends_it() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample(noisy(scene(), seed=2), 100_000, 100, progress=stop)
