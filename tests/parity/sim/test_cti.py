"""Charge transfer inefficiency."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import DomainError
from getframes.noise import apply_cti
from getframes.reference.sim.cti import cti
from tests.parity.sim.stages import PRECISIONS, SHAPES, after, charges, rounding, single

FRACTIONS = st.one_of(st.floats(0.0, 1e-3), st.floats(0.0, 0.999)).map(single)


@given(SHAPES, PRECISIONS, st.integers(0, 99), FRACTIONS)
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, fraction: float
) -> None:
    charge = charges(shape, precision, seed, 1e5)
    native, exact = after("cti", charge, cti=fraction), cti(charge.astype(float), fraction)
    # A row that keeps next to nothing is a difference of numbers of its size.
    before = np.vstack([np.zeros(shape[1]), charge[:-1]])
    assert (abs(native - exact) <= rounding(precision) * (charge + before + 1e-30)).all()


@given(SHAPES, st.integers(0, 99), FRACTIONS)
def test_charge_is_kept_but_for_the_last_row(shape: tuple[int, int], seed: int, fraction: float) -> None:
    charge = charges(shape, "float64", seed, 1e5)
    lost = min(fraction * (shape[0] - 1), 1.0) * charge[-1].sum()
    assert apply_cti(charge, fraction).sum() == pytest.approx(charge.sum() - lost, rel=1e-12)


def test_a_flat_field_shows_the_extended_edge_response() -> None:
    """The row behind the last lit one holds the deferred charge: cti times transfers times the signal."""
    charge = np.zeros((200, 10))
    charge[:150] = 5000.0
    after_transfer = apply_cti(charge, 2e-5)
    assert_allclose(after_transfer[150], 5000.0 * 2e-5 * 149, rtol=1e-12)
    assert_array_equal(after_transfer[0], charge[0])
    assert (after_transfer[151:] == 0.0).all()


@pytest.mark.parametrize("fraction", [-1e-6, 1.0, np.nan, None])
def test_a_bad_fraction_is_named(fraction: object) -> None:
    with pytest.raises(DomainError, match=r"^cti must be in \[0, 1\), got"):
        apply_cti(np.ones((3, 3)), fraction)  # type: ignore[arg-type]
