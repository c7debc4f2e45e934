"""R-hat and effective draws of chains whose correlation is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from getframes.fit.diagnostics import bulk_ess, energy_fraction, rank_rhat, split, tail_ess

Numbers = NDArray[np.float64]


def chains(correlation: float, *, count: int = 4, draws: int = 4000, seed: int = 3) -> Numbers:
    """Autoregressive chains (count, draws, 1) of variance 1."""
    noise = np.random.default_rng(seed).normal(size=(count, draws))
    made = noise.copy()
    for number in range(1, draws):
        made[:, number] = correlation * made[:, number - 1] + np.sqrt(1 - correlation**2) * noise[:, number]
    return made[..., None]


@pytest.mark.parametrize("correlation", [-0.3, 0.0, 0.5, 0.9])
def test_effective_draws_of_an_autoregressive_chain(correlation: float) -> None:
    """N (1 - rho) / (1 + rho); the estimate itself scatters by about 5 % here."""
    made = chains(correlation)
    expected = made.size * (1.0 - correlation) / (1.0 + correlation)
    assert bulk_ess(made)[0] == pytest.approx(expected, rel=0.15)


def test_tails_of_independent_draws() -> None:
    assert tail_ess(chains(0.0))[0] == pytest.approx(16000, rel=0.15)


def test_chains_that_agree() -> None:
    assert rank_rhat(chains(0.0))[0] == pytest.approx(1.0, abs=2e-3)


def test_a_chain_elsewhere_is_seen() -> None:
    """Between-chain variance 3/16 d^2 (4/3) of one chain of four moved by d = 1: R-hat^2 = 1 + d^2 / 4 of values; ranks shrink it."""
    moved = chains(0.0)
    moved[0] += 1.0
    assert 1.05 < rank_rhat(moved)[0] < np.sqrt(1.25)
    assert bulk_ess(moved)[0] < 100


def test_a_chain_of_another_width_is_seen() -> None:
    wide = chains(0.0)
    wide[0] *= 3.0
    assert rank_rhat(wide)[0] > 1.05


def test_a_drift_is_seen() -> None:
    """Chains that all drift alike: their halves differ."""
    assert rank_rhat(chains(0.0) + np.linspace(0.0, 3.0, 4000)[:, None])[0] > 1.1


def test_ranks_survive_a_change_of_scale() -> None:
    made = chains(0.5, draws=300)
    assert_allclose(bulk_ess(np.exp(3.0 * made)), bulk_ess(made))


def test_halves_of_an_odd_chain_leave_the_middle_out() -> None:
    assert split(np.arange(5.0)[None]).tolist() == [[0.0, 1.0], [3.0, 4.0]]


def test_nothing_is_said_of_draws_that_do_not_move() -> None:
    still = np.ones((4, 100, 1))
    assert np.isnan(bulk_ess(still)[0]) and np.isnan(rank_rhat(still)[0])


def test_energy_fraction() -> None:
    """Independent energies: 2; a random walk: near 0."""
    independent = chains(0.0)[..., 0]
    assert_allclose(energy_fraction(independent), 2.0, rtol=0.1)
    assert np.all(energy_fraction(np.cumsum(independent, axis=1)) < 0.05)
