"""The most probable parameters: those of least squares, with the covariance of their scatter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import least_squares

from getframes.fit import Normal, Optimum, Patch, optimize, prepare_model
from tests.law.fit.galaxies import by_galsim
from tests.patches import blank, galaxy, noisy, peak_snr, star

SHARP = 1.3
"""Standard deviation of the PSF of the pairs by galsim [px]: half of a half-light radius, so that they can be told apart."""


def pair(separation: float, flux: float, **changed: Any) -> Patch:
    """Two galaxies, a separation in half-light radii apart."""
    first = galaxy(14.0, 15.0, flux, rhalf=2.5, sersic=1.0, g1=0.15, g2=-0.1)
    second = galaxy(14.0 + 2.5 * separation, 16.5, 0.7 * flux, rhalf=2.0, sersic=2.0, g1=-0.2, g2=0.1)
    return blank([first, second], **changed)


def off_truth(patch: Patch, seed: int) -> Patch:
    """The patch whose sources start beside their true values."""
    random = np.random.default_rng(seed)
    scale = {"dra": 0.5, "ddec": 0.5, "rhalf": 0.5, "sersic": 0.3, "g1": 0.08, "g2": 0.08}
    steps = [scale.get(name.split("[")[0], 0.0) for name in patch.names]
    return replace(patch, sources=patch.filled(patch.parameters + steps * random.normal(size=len(steps))))


def solved_by_least_squares(patch: Patch, start: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """All parameters, fluxes too, by scipy on residuals of the model."""
    likelihood, shapes = patch.likelihood(), patch.n_shapes
    weight = np.concatenate([np.sqrt(each.weight) for each in patch.exposures])
    data = np.concatenate([each.data for each in patch.exposures])

    def residuals(at: np.ndarray[Any, Any]) -> Any:
        model = likelihood.model(np.ascontiguousarray(at[:shapes]), np.ascontiguousarray(at[shapes:]))
        return ((data - model) * weight).ravel()

    lower, upper = patch.bounds.T
    scale = np.where(np.arange(len(start)) < shapes, 0.1, np.abs(start) + 1.0)
    return np.asarray(least_squares(residuals, start, bounds=(lower, upper), x_scale=scale, xtol=1e-10).x)


@pytest.mark.parametrize(("separation", "flux"), [(1.5, 700.0), (3.0, 2500.0)])
def test_it_is_the_least_squares_fit(separation: float, flux: float) -> None:
    truth = pair(separation, flux)
    patch = noisy(truth, seed=2)
    found = optimize(off_truth(patch, 3))
    assert found.converged and len(found.attempts) == 1
    wanted = solved_by_least_squares(patch, truth.parameters)
    assert np.all(np.abs(found.fitted - wanted) < 0.03 * found.sigma[: len(wanted)])
    assert found.chi2 <= np.sum([each.weight * 1.0 for each in patch.exposures]) * 1.2


def test_the_covariance_is_that_of_the_scatter() -> None:
    """Twenty noises on one star and galaxy: chi^2 of the scatter about truth, all parameters together."""
    truth = blank(
        [galaxy(9.0, 10.0, 6000.0, rhalf=3.0, sersic=1.2, g1=0.1), star(16.0, 13.0, 3000.0)], side=24
    )
    found = [optimize(noisy(truth, seed)) for seed in range(20)]
    off = np.array([each.fitted - truth.parameters for each in found])
    inside = [
        float(row @ np.linalg.solve(each.fitted_covariance, row))
        for row, each in zip(off, found, strict=True)
    ]
    size = off.shape[1]
    assert np.mean(inside) == pytest.approx(size, abs=4.0 * np.sqrt(2.0 * size / len(found)))


def test_a_prior_pulls() -> None:
    """A normal prior and a normal likelihood: the mean weighted by inverse variances."""
    truth = blank([star(8.0, 8.0, 400.0)], side=16)
    patch = noisy(truth, 4)
    alone = optimize(patch)
    known = Normal(alone.fitted[0] + 2.0 * alone.sigma[0], alone.sigma[0])
    pulled = optimize(replace(patch, priors={"dra": known}))
    assert pulled.fitted[0] == pytest.approx(alone.fitted[0] + alone.sigma[0], abs=0.05 * alone.sigma[0])
    assert pulled.sigma[0] == pytest.approx(alone.sigma[0] / np.sqrt(2.0), rel=0.05)


def test_what_runs_into_a_bound_is_named() -> None:
    truth = blank([galaxy(14.0, 15.0, 9000.0, rhalf=4.0, sersic=1.0)], bounds={"rhalf": (0.3, 3.5)})
    light = blank([galaxy(14.0, 15.0, 9000.0, rhalf=4.0, sersic=1.0)])
    start = replace(truth, sources=truth.filled(np.where(truth.parameters == 4.0, 3.0, truth.parameters)))
    from tests.patches import light as light_of

    found = optimize(noisy(start, 5, light_of(light)))
    assert found.at_bounds == ("rhalf[1]",)
    assert found.fitted[2] == pytest.approx(3.5, abs=1e-2)
    assert 0.0 < found.sigma[2] < 0.1 and np.all(np.isfinite(found.covariance))


@pytest.mark.parametrize(("seed", "flux"), [(18, 400.0), (31, 250.0), (37, 250.0)])
def test_no_bound_holds_what_rises_inwards(seed: int, flux: float) -> None:
    """Pairs so faint that a first climb ends at a bound, where a logit is flat, with ln p up to 0.2 higher inside: least squares within the same bounds finds nothing better."""
    patch = noisy(pair(1.0, flux), seed)
    found = optimize(patch)
    assert found.converged
    assert "inside a bound" in found.attempts[1].method
    assert found.log_posterior > found.attempts[0].log_posterior + 3e-3
    lower, upper = patch.bounds.T
    better = solved_by_least_squares(patch, np.clip(found.fitted, lower + 1e-6, upper - 1e-6))
    assert prepare_model(patch).chi2(better) > found.chi2 - 1e-3


def test_a_search_that_is_cut_short_says_so(caplog: pytest.LogCaptureFixture) -> None:
    found: Optimum = optimize(off_truth(noisy(pair(1.5, 700.0), 6), 7), max_iterations=1)
    assert not found.converged and found.status.startswith("not converged")
    assert [each.method.split(" ")[0] for each in found.attempts] == [
        "L-BFGS-B",
        "L-BFGS-B",
        "trust-exact",
        "L-BFGS-B",
        "L-BFGS-B",
    ]
    assert "not converged" in caplog.text
    assert np.all(np.isfinite(found.parameters)) and np.all(np.isfinite(found.covariance))


@pytest.mark.parametrize(("separation", "snr"), [(1.0, 30.0), (2.0, 60.0), (3.0, 100.0)])
def test_blended_pairs_against_galsim_and_scipy(separation: float, snr: float) -> None:
    """Pixels by galsim, fitted here and by scipy with models of galsim: within 0.3 sigma."""
    truth = pair(separation, 1000.0, side=40, psf=SHARP)
    truth = replace(
        truth,
        sources=truth.filled(
            truth.parameters * np.where(np.arange(14) < 12, 1.0, snr / (peak_snr(truth) / np.sqrt(2)))
        ),
    )
    patch = noisy(truth, 11, by_galsim(truth))
    found = optimize(patch)
    data = np.concatenate([each.data for each in patch.exposures])
    lower, upper = patch.bounds.T
    scale = np.sqrt(np.diag(found.fitted_covariance))

    def residuals(at: np.ndarray[Any, Any]) -> Any:
        return (data - by_galsim(patch, at)).ravel()

    start = np.clip(found.fitted, lower + 1e-6, upper - 1e-6)
    wanted = least_squares(
        residuals, start, bounds=(lower, upper), x_scale=scale, diff_step=1e-4, max_nfev=8
    ).x
    assert found.converged
    assert_allclose((found.fitted - wanted) / scale, 0.0, atol=0.3)
