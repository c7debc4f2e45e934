"""The response curve, in both its forms."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes.noise import apply_nonlinearity
from getframes.reference.sim.nonlinearity import polynomial, quadratic
from tests.behaviour.random.cameras import CCD
from tests.parity.sim.stages import PRECISIONS, SHAPES, after, charges, rounding, single

COEFFICIENTS = st.lists(st.floats(-1.5, 0.5).map(single), min_size=1, max_size=8)


@given(SHAPES, PRECISIONS, st.integers(0, 99), COEFFICIENTS)
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, coefficients: list[float]
) -> None:
    """The terms of the curve may cancel; the error is that of the terms."""
    well_e = 65536.0
    charge = charges(shape, precision, seed, well_e)
    native = after("nonlinearity", charge, coefficients=coefficients, full_well_e=well_e)
    exact = polynomial(charge.astype(float), coefficients, well_e)
    terms = polynomial(charge.astype(float), np.abs(coefficients).tolist(), well_e)
    assert (abs(native - exact) <= rounding(precision) * terms).all()
    assert (native >= 0.0).all()


@given(PRECISIONS, st.integers(0, 99), st.floats(0.0, 0.4))
def test_one_number_is_the_first_coefficient(precision: str, seed: int, coefficient: float) -> None:
    config = CCD.replace(nonlinearity=coefficient)
    charge = charges(config.resolution, precision, seed, 1.5 * config.full_well_e)
    exact = quadratic(charge.astype(float), coefficient, config.full_well_e)
    assert_allclose(exact, polynomial(charge.astype(float), [-coefficient], config.full_well_e), rtol=1e-12)
    assert_allclose(apply_nonlinearity(charge, config), exact, rtol=10.0 * rounding(precision), atol=1e-30)
