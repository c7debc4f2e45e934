"""Fluxes by least squares, and the integral over them by brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from getframes.errors import SingularError
from tests.parity.fit.scenes import likelihood, scene


def columns(native, shapes) -> np.ndarray:
    """What each linear parameter adds to each pixel, from the model itself."""
    return np.array([native.model(shapes, row).ravel() for row in np.eye(native.linear)]).T


@pytest.mark.parametrize("seed", range(3))
def test_lstsq_agrees(seed):
    made, shapes = scene(seed, tiles=3)
    native = likelihood(made)
    flat = np.zeros(native.linear)
    best, covariance = native.solve(shapes, flat, flat)
    root = np.sqrt(made.weight.ravel())
    matrix = root[:, None] * columns(native, shapes)
    exact, *_ = np.linalg.lstsq(matrix, root * made.data.ravel(), rcond=None)
    sigma = np.sqrt(np.diag(covariance))
    assert np.abs((best - exact) / sigma).max() < 1e-10
    triangle = np.linalg.inv(np.linalg.qr(matrix, mode="r"))
    assert np.abs((covariance - triangle @ triangle.T) / np.outer(sigma, sigma)).max() < 1e-10


def test_a_prior_is_one_more_pixel():
    made, shapes = scene(1, tiles=2)
    native = likelihood(made)
    rng = np.random.default_rng(0)
    mean, precision = rng.normal(20.0, 5.0, native.linear), rng.gamma(2.0, 1.0, native.linear)
    best, _ = native.solve(shapes, mean, precision)
    root = np.sqrt(made.weight.ravel())
    matrix = np.concatenate([root[:, None] * columns(native, shapes), np.diag(np.sqrt(precision))])
    right = np.concatenate([root * made.data.ravel(), np.sqrt(precision) * mean])
    assert_allclose(best, np.linalg.lstsq(matrix, right, rcond=None)[0], rtol=1e-9)


def test_the_marginal_is_an_integral():
    """Over two fluxes, on a grid: differences between shapes, since constants are left out."""
    made, _ = scene(6, (), tiles=2)
    made = replace(made, background=np.zeros(3, np.int32))
    native = likelihood(made)
    assert native.linear == 2
    mean, precision = np.array([25.0, 20.0]), np.array([0.02, 0.0])

    def integrated(shapes):
        best, covariance = native.solve(shapes, mean, precision)
        sigma = np.sqrt(np.diag(covariance))
        steps = np.linspace(-8.0, 8.0, 65)
        grid = np.stack(
            np.meshgrid(*(best[:, None] + sigma[:, None] * steps), indexing="ij"), axis=-1
        ).reshape(-1, 2)
        values = np.array([native.value_and_gradient(shapes, point)[0] for point in grid])
        values -= 0.5 * (precision * (grid - mean) ** 2).sum(axis=1)
        return values.max() + np.log(np.exp(values - values.max()).sum() * np.prod(sigma))

    places = [np.array([0.0, 0.0]), np.array([0.5, -0.3])]
    marginals = [native.marginal(place, mean, precision)[0] for place in places]
    integrals = [integrated(place) for place in places]
    assert abs((marginals[1] - marginals[0]) - (integrals[1] - integrals[0])) < 1e-9 * abs(integrals[0])


def test_bands_do_not_see_each_other():
    made, shapes = scene(0)
    native = likelihood(made)
    flat = np.zeros(native.linear)
    _, covariance = native.solve(shapes, flat, np.ones(native.linear))
    band = np.array([0, 1, 0, 1, 0, 1, *np.repeat(made.band, made.background)])
    assert (covariance[band[:, None] != band] == 0.0).all()


class TestSingular:
    """What the data do not determine is named, unless a prior does."""

    def test_a_source_that_no_exposure_of_a_band_sees(self):
        made, shapes = scene(0)
        position = made.position.copy()
        position[1, 0] += 1e4
        native = likelihood(made, position=position)
        flat = np.zeros(native.linear)
        for ask in (native.solve, native.marginal):
            with pytest.raises(SingularError, match="the flux of source 0 in band 1 is not determined"):
                ask(shapes, flat, flat)
        known = np.where(np.arange(native.linear) == 1, 4.0, 0.0)
        best, covariance = native.solve(shapes, np.full(native.linear, 7.0), known)
        assert best[1] == pytest.approx(7.0)
        assert covariance[1, 1] == pytest.approx(0.25)

    def test_two_sources_at_one_place(self):
        made, shapes = scene(0, ("disk", "disk"))
        made.position[:, 1], made.psf_of[:, 1] = made.position[:, 0], made.psf_of[:, 0]
        shapes[6:12] = shapes[:6]
        native = likelihood(made)
        flat = np.zeros(native.linear)
        with pytest.raises(SingularError, match="the flux of source 1 in band 0"):
            native.solve(shapes, flat, flat)

    def test_a_background_without_pixels(self):
        made, shapes = scene(0)
        weight = np.where((made.tile_exposure == 2)[:, None], 0.0, made.weight)
        native = likelihood(made, weight=weight)
        flat = np.zeros(native.linear)
        with pytest.raises(SingularError, match="the background of exposure 2"):
            native.solve(shapes, flat, flat)
