"""Parameters as coordinates: densities that integrate to one, and sums of logarithms that stay finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import kstest, loguniform, norm, truncnorm, uniform

from getframes._native import fit
from getframes.fit.priors import LogUniform, Normal, Uniform, rows_of

LAWS = {
    "uniform": (Uniform(-1.0, 3.0), uniform(-1.0, 4.0)),
    "log-uniform": (LogUniform(0.1, 20.0), loguniform(0.1, 20.0)),
    "normal": (Normal(2.0, 0.5), norm(2.0, 0.5)),
    "bounded": (Normal(0.2, 0.5, -0.3, 1.0), truncnorm(-1.0, 1.6, 0.2, 0.5)),
}


def log_density(prior: Any, u: NDArray[np.float64]) -> NDArray[np.float64]:
    placed = fit.place(rows_of([prior] * len(u)), np.ascontiguousarray(u))
    return np.asarray(placed[2] + placed[4])


@pytest.mark.parametrize(("prior", "law"), LAWS.values(), ids=LAWS)
def test_the_density_of_coordinates_is_that_of_the_prior(prior: Any, law: Any) -> None:
    """p(u) du = p(x) dx: the same normalization everywhere, to 1e-10."""
    u = np.linspace(-9.0, 9.0, 41)
    placed = fit.place(rows_of([prior] * len(u)), u)
    off = log_density(prior, u) - (law.logpdf(placed[0]) + np.log(placed[1]))
    assert np.ptp(off) < 1e-10


@pytest.mark.parametrize(("prior", "law"), LAWS.values(), ids=LAWS)
def test_quantiles_are_those_of_the_law(prior: Any, law: Any) -> None:
    """The integral of the density of coordinates up to u is the distribution of the parameter there."""
    whole = quad(lambda u: np.exp(log_density(prior, np.array([u]))[0]), -40.0, 40.0, limit=200)[0]
    for u in (-2.0, 0.3, 1.5):
        below = quad(lambda u: np.exp(log_density(prior, np.array([u]))[0]), -40.0, u, limit=200)[0]
        value = fit.place(rows_of([prior]), np.array([u]))[0, 0]
        assert below / whole == pytest.approx(law.cdf(value), abs=1e-7)


def test_the_jacobian_of_a_hundred_sources_in_thirty_bands_is_finite() -> None:
    """As a product, 3500 factors of e^-u underflow; the sum of their logarithms does not, even where every coordinate is far out."""
    priors = [Uniform(-0.1, 0.1)] * 500 + [LogUniform(1e-3, 1e6)] * 3000
    for distance in (0.0, 5.0, 40.0, 800.0):
        u = distance * np.where(np.arange(len(priors)) % 2, 1.0, -1.0)
        placed = fit.place(rows_of(priors), u)
        assert np.all(np.isfinite(placed))
        assert np.isfinite(placed[4].sum()) and np.abs(placed[5].sum()) <= 4.0 * len(priors) * 21.0
    assert np.exp(placed[4].sum()) == 0.0


@pytest.mark.parametrize("distance", [30.0, 40.0, 300.0, 1e4])
def test_tails_stay_on_their_side(distance: float) -> None:
    """A coordinate far out is a value at its bound and never beyond it."""
    for prior in (Uniform(-1.0, 3.0), LogUniform(0.1, 20.0), Normal(0.0, 1.0, -1.0, 3.0)):
        placed = fit.place(rows_of([prior] * 2), np.array([-distance, distance]))
        assert prior.lower * (1 - 1e-15 * np.sign(prior.lower)) <= placed[0, 0] <= placed[0, 1]
        assert placed[0, 1] <= prior.upper * (1 + 1e-15)
        assert np.all(placed[1] > 0.0) and np.all(placed[4] < -25.0)


def test_a_logistic_variate_is_a_uniform_parameter() -> None:
    u = np.random.default_rng(1).logistic(size=4000)
    prior = Uniform(2.0, 5.0)
    values = fit.place(rows_of([prior] * len(u)), u)[0]
    assert kstest(values, uniform(2.0, 3.0).cdf).pvalue > 1e-3


def test_values_outside_have_no_coordinate() -> None:
    rows = rows_of([Uniform(0.0, 1.0)] * 3 + [LogUniform(1.0, 2.0)] * 3)
    assert np.all(np.isnan(fit.coordinate(rows, np.array([-0.1, 1.1, 0.0, 0.9, 2.1, -1.0]))))
