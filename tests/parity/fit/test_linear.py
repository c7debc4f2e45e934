"""Linear parameters and the integral over them against the twin, whose slopes come from a complex step."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from getframes.reference.fit.likelihood import complex_step
from getframes.reference.fit.linear import marginal, solve
from tests.parity.fit.scenes import likelihood, scene


@pytest.mark.parametrize("flat", [True, False])
def test_native_meets_the_reference(flat):
    made, shapes = scene(5)
    native = likelihood(made)
    rng = np.random.default_rng(2)
    mean = rng.normal(20.0, 10.0, native.linear)
    precision = np.zeros(native.linear) if flat else rng.gamma(2.0, 0.02, native.linear)
    best, covariance = native.solve(shapes, mean, precision)
    exact, exact_covariance = solve(made, shapes, mean, precision)
    sigma = np.sqrt(np.diag(exact_covariance))
    assert np.abs((best - exact) / sigma).max() < 1e-6  # what lies beyond 6 standard deviations of a Gaussian
    assert np.abs((covariance - exact_covariance) / np.outer(sigma, sigma)).max() < 1e-6
    value, slopes = native.marginal(shapes, mean, precision)
    assert_allclose(value, marginal(made, shapes, mean, precision), rtol=1e-9)
    wanted = complex_step(lambda own: marginal(made, own, mean, precision), shapes)
    assert_allclose(slopes, wanted, rtol=1e-6, atol=1e-6)
