"""The wells of the pixel and of the output node."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from getframes.reference.sim.full_well import full_well
from tests.parity.sim.stages import PRECISIONS, SHAPES, after, charges, single


@given(SHAPES, PRECISIONS, st.integers(0, 99), st.floats(1.0, 1e6).map(single))
def test_native_meets_the_reference(shape: tuple[int, int], precision: str, seed: int, well_e: float) -> None:
    charge = charges(shape, precision, seed, 1e6)
    exact = full_well(charge.astype(float), well_e)
    for name in ("full_well", "output_full_well"):
        assert_array_equal(after(name, charge, limit_e=well_e), exact)
    assert (exact <= well_e).all()
