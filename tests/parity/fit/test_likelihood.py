"""Model, likelihood and gradient against the twin, whose slopes come from a complex step."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from getframes.reference.fit.likelihood import complex_step
from tests.parity.fit.scenes import likelihood, scene


@pytest.mark.parametrize("seed", range(3))
def test_native_meets_the_reference(seed):
    made, shapes = scene(seed)
    native = likelihood(made)
    linear = np.random.default_rng(seed).normal(30.0, 10.0, native.linear)
    model = made.model(shapes, linear)
    assert_allclose(native.model(shapes, linear), model, rtol=0, atol=1e-9 * np.abs(model).max())
    value, by_shapes, by_linear = native.value_and_gradient(shapes, linear)
    assert_allclose(value, made.value(shapes, linear), rtol=1e-9)
    assert_allclose(by_shapes, complex_step(lambda own: made.value(own, linear), shapes), rtol=1e-6)
    assert_allclose(by_linear, complex_step(lambda own: made.value(shapes, own), linear), rtol=1e-8)
