"""The response curve, in both its forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes.noise import apply_nonlinearity, invert_nonlinearity
from getframes.reference.sim.nonlinearity import inverse, polynomial, quadratic
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


def responses(shape: tuple[int, int], precision: str, seed: int, most: float) -> np.ndarray:
    """Responses of every size and of both signs, some beyond what a curve reaches."""
    signs = np.where(np.random.default_rng(seed).random(shape) < 0.2, -1.0, 1.0)
    return (charges(shape, precision, seed, most) * signs).astype(precision)


@given(SHAPES, PRECISIONS, st.integers(0, 99), COEFFICIENTS)
def test_the_inverse_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, coefficients: list[float]
) -> None:
    """Near the top of a curve the charge is uncertain, and its response is not: that is compared."""
    well_e = 65536.0
    response = responses(shape, precision, seed, 1.5 * well_e)
    native = after("linearization", response, coefficients=coefficients, full_well_e=well_e).astype(float)
    exact = inverse(response.astype(float), coefficients, well_e)
    curve = np.polynomial.Polynomial([0.0, 1.0, *coefficients])
    one, other = (curve(charge / well_e) * well_e for charge in (native, exact))
    terms = np.polynomial.Polynomial([0.0, 1.0, *np.abs(coefficients)])(abs(native) / well_e) * well_e
    slopes = terms / np.maximum(abs(native), 1e-300)
    error = 20.0 * rounding(precision) * (terms + slopes * abs(native)) + 1e-9 * abs(exact) * 1e-3
    assert (abs(one - other) <= error + 1e-12).all()
    assert (abs(native) <= 4.0 * well_e * (1.0 + rounding(precision))).all()


@given(PRECISIONS, st.integers(0, 99), st.floats(0.0, 0.49))
def test_it_undoes_one_number(precision: str, seed: int, coefficient: float) -> None:
    config = CCD.replace(nonlinearity=coefficient)
    charge = responses(config.resolution, precision, seed, config.full_well_e)
    bent = polynomial(charge.astype(float), [-coefficient], config.full_well_e).astype(precision)
    undone = invert_nonlinearity(bent, config)
    # The slope at full well is 1 - 2 a: roundings of the response grow by its inverse.
    growth = 1.0 / (1.0 - 2.0 * coefficient)
    assert_allclose(undone, charge, rtol=10.0 * growth * rounding(precision), atol=1e-30)


def test_it_undoes_a_curve_of_many_terms() -> None:
    config = CCD.replace(nonlinearity=0.0, nonlinearity_coeffs=(-0.01, -0.02, 0.005))
    charge = np.linspace(-500.0, config.full_well_e, 73 * 131).reshape(config.resolution)
    below = charge < 0.0
    bent = apply_nonlinearity(charge, config)
    assert_allclose(invert_nonlinearity(bent, config)[~below], charge[~below], rtol=1e-12, atol=1e-9)


def test_responses_that_no_charge_has_give_the_end_of_the_curve() -> None:
    config = CCD.replace(nonlinearity=0.25, full_well_e=1000.0)  # the top: 1000 e- at a charge of 2000
    assert_allclose(invert_nonlinearity(np.array([[1000.0, 1001.0, 1e9]]), config), 2000.0, rtol=1e-7)
    assert_allclose(invert_nonlinearity(np.array([[-1e9]]), config), -4000.0)


def test_a_linear_sensor_has_nothing_to_undo() -> None:
    config = CCD.replace(nonlinearity=0.0)
    charge = responses(config.resolution, "float64", 1, 1e5)
    assert (invert_nonlinearity(charge, config) == charge).all()


def test_no_pixel_depends_on_the_others() -> None:
    coefficients = [-0.2, -0.1, 0.03]
    response = responses((40, 700), "float64", 3, 1e5)
    whole = after("linearization", response, coefficients=coefficients, full_well_e=65536.0)
    alone = after(
        "linearization", np.roll(response, 17, axis=1), coefficients=coefficients, full_well_e=65536.0
    )
    assert (np.roll(alone, -17, axis=1) == whole).all()


def test_bad_responses_are_named() -> None:
    with pytest.raises(ValueError, match=r"electrons must be finite, got inf at \(y, x\) = \(0, 1\)"):
        invert_nonlinearity(np.array([[1.0, np.inf]]), CCD)
