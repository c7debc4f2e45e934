"""Extra mean charge."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes.reference.sim.extra import mean_with_extra
from tests.parity.sim.stages import PRECISIONS, SHAPES, after, charges, rounding, single


@given(SHAPES, PRECISIONS, st.integers(0, 99), st.floats(0.0, 1e6).map(single), st.booleans())
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, number: float, is_map: bool
) -> None:
    mean = charges(shape, precision, seed, 1e5)
    extra = charges(shape, precision, seed + 1, 1e4) if is_map else number
    native = after("extra", mean, extra_electrons=extra)
    exact = mean_with_extra(mean.astype(float), np.float64(extra))
    assert_allclose(native, exact, rtol=rounding(precision), atol=1e-30)
