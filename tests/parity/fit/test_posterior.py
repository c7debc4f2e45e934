"""The posterior of a patch: the kernel meets its twin, with every kind of prior on fluxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from getframes import num_threads, set_num_threads
from getframes.fit import LogUniform, Normal, Patch, Uniform, prepare_model
from getframes.fit.priors import rows_of
from getframes.reference.fit import linear as linear_reference
from getframes.reference.fit.posterior import Posterior
from tests.parity.fit.scenes import likelihood, scene
from tests.patches import blank, galaxy, noisy, star

Numbers = NDArray[np.float64]

PRIORS: dict[str, dict[str, Any]] = {
    "flat": {},
    "normal": {"flux_u": Normal(250.0, 40.0), "flux_g": Normal(300.0, 1e5)},
    "bounded": {"flux_u": Uniform(10.0, 900.0), "flux_g": LogUniform(10.0, 900.0)},
    "mixed": {"flux_u": Normal(250.0, 40.0, 10.0, 900.0)},
    "shapes": {
        "rhalf": LogUniform(0.5, 9.0),
        "dra": Normal(0.0, 0.3, -2.0, 2.0),
        "sersic": Normal(2.0, 1.0, 0.6, 5.5),
    },
}


def patch(priors: dict[str, Any]) -> Patch:
    sources = [
        galaxy(7.0, 6.0, 300.0, 200.0, rhalf=2.2, sersic=1.3, g1=0.2, g2=-0.1),
        star(10.5, 9.0, 150.0, 250.0),
    ]
    return noisy(blank(sources, side=16, background=1, priors=priors), seed=5)


def columns_of(given: Patch) -> Any:
    """Columns of the linear parameters, from images of one at a time."""
    likelihood = given.likelihood()

    def columns(shapes: Numbers) -> Numbers:
        at = np.ascontiguousarray(shapes)
        images = [likelihood.model(at, unit).ravel() for unit in np.eye(given.n_linear)]
        return np.stack(images, axis=1)

    return columns


def twin(given: Patch) -> Posterior:
    model = prepare_model(given)
    rows = rows_of(list(model.priors))
    return Posterior(
        data=np.concatenate([each.data.ravel() for each in given.exposures]),
        weight=np.concatenate([each.weight.ravel() for each in given.exposures]),
        columns=columns_of(given),
        shape_priors=rows[: given.n_shapes],
        linear_priors=rows[given.n_shapes :],
    )


def somewhere(given: Patch, seed: int) -> Numbers:
    model = prepare_model(given)
    middle = model.coordinates(given.parameters)
    return middle + 0.3 * np.random.default_rng(seed).normal(size=len(middle))


@pytest.mark.parametrize("priors", PRIORS.values(), ids=PRIORS)
@pytest.mark.parametrize("seed", [1, 2])
def test_native_meets_the_reference(priors: dict[str, Any], seed: int) -> None:
    given = patch(priors)
    model, reference, at = prepare_model(given), twin(given), somewhere(given, seed)
    assert_allclose(model.value_and_gradient(at)[0], reference.log_density(at), rtol=1e-11)
    assert_allclose(model.summit(at)[0], reference.log_summit(at), rtol=1e-11)
    z = np.random.default_rng(seed).normal(size=given.n_linear)
    shapes, linear = reference.conditional(at, z)
    assert_allclose(
        model.parameters(at[None], z[None])[0], np.concatenate([shapes, linear]), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("priors", PRIORS.values(), ids=PRIORS)
@pytest.mark.parametrize("which", ["value_and_gradient", "summit"])
def test_gradients_are_those_of_the_reference(priors: dict[str, Any], which: str) -> None:
    """Central differences of the twin, extrapolated to no step: below 1e-6 of the steepest."""
    given = patch(priors)
    model, reference, at = prepare_model(given), twin(given), somewhere(given, 3)
    density = {"value_and_gradient": reference.log_density, "summit": reference.log_summit}[which]
    gradient = getattr(model, which)(at)[1]
    for number, slope in enumerate(gradient):
        moved = np.zeros(len(at))
        moved[number] = 1.0
        near, far = (
            (density(at + step * moved) - density(at - step * moved)) / (2.0 * step) for step in (2e-4, 4e-4)
        )
        assert slope == pytest.approx((4.0 * near - far) / 3.0, abs=1e-6 * np.abs(gradient).max())


def test_threads_change_nothing() -> None:
    given = patch(PRIORS["mixed"])
    model, at = prepare_model(given), somewhere(given, 4)
    known = num_threads()
    made = []
    for threads in (1, 3):
        set_num_threads(threads)
        made.append((model.value_and_gradient(at)[1], model.parameters(np.stack([at, at + 0.1]))))
    set_num_threads(known)
    for one, other in zip(*made, strict=True):
        assert_array_equal(one, other)


def test_linear_parameters_that_are_known() -> None:
    """A precision without end: they stay, the others are as their twin has them."""
    given, shapes = scene()
    native, random = likelihood(given), np.random.default_rng(3)
    mean = random.normal(10.0, 3.0, native.linear)
    precision = np.where(np.arange(native.linear) % 3 == 0, np.inf, 0.01)
    best, covariance = native.solve(shapes, mean, precision)
    known = np.isinf(precision)
    assert_array_equal(best[known], mean[known])
    assert not np.any(covariance[known]) and np.all(np.diag(covariance)[~known] > 0.0)
    wanted, spread = linear_reference.solve(given, shapes, mean, precision)
    sigma = np.sqrt(np.diag(covariance)[~known])
    assert_allclose((best - wanted)[~known] / sigma, 0.0, atol=1e-7)
    assert_allclose(covariance, spread, rtol=1e-8, atol=1e-12 * np.abs(spread).max())
    value, _ = native.marginal(shapes, mean, precision)
    assert_allclose(value, np.real(linear_reference.marginal(given, shapes, mean, precision)), rtol=1e-10)
