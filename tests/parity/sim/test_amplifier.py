"""Charge to analogue counts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes.reference.sim.amplifier import amplifier
from tests.parity.sim.stages import PRECISIONS, SHAPES, after, charges, rounding, single


@given(
    SHAPES,
    PRECISIONS,
    st.integers(0, 99),
    st.floats(0.05, 50.0).map(single),
    st.floats(-500.0, 5000.0).map(single),
    st.booleans(),
)
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, gain: float, bias_adu: float, has_maps: bool
) -> None:
    charge = charges(shape, precision, seed, 1e6)
    gain_map = (1.0 + charges(shape, precision, seed + 1, 0.2)) if has_maps else np.asarray(1.0)
    offset = charges(shape, precision, seed + 2, 30.0) if has_maps else np.asarray(0.0)
    gains = (gain * gain_map).astype(precision)
    native = after(
        "amplifier",
        charge,
        gain_e_per_adu=gains if has_maps else gain,
        bias_adu=bias_adu,
        offset_adu=offset if has_maps else 0.0,
    )
    exact = amplifier(charge.astype(float), 1.0, bias_adu, gains.astype(float), offset.astype(float))
    size = charge / gains + abs(bias_adu) + offset
    assert_allclose(native, exact, rtol=0.0, atol=rounding(precision) * float(size.max()))
    assert (abs(native - exact) <= rounding(precision) * size).all()
