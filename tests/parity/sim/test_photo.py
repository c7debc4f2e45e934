"""Mean photoelectrons."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes.reference.sim.photo import mean_photoelectrons
from tests.parity.sim.stages import PRECISIONS, SHAPES, charges, rounding, run, single

NUMBERS = st.floats(0.0, 1e4).map(single)


@given(SHAPES, PRECISIONS, st.integers(0, 99), NUMBERS, NUMBERS, st.booleans(), st.booleans())
def test_native_meets_the_reference(
    shape: tuple[int, int],
    precision: str,
    seed: int,
    factor: float,
    background: float,
    lit_by_map: bool,
    background_is_map: bool,
) -> None:
    """Light and background as numbers or maps, of either precision."""
    rate = charges(shape, precision, seed, 1e6) if lit_by_map else background + 1.0
    other = charges(shape, precision, seed + 1, 1e3) if background_is_map else background
    prnu = (1.0 + charges(shape, precision, seed + 2, 0.1)).astype(precision)
    parameters = {"photon_rate": rate, "background": other, "factor": factor, "prnu": prnu}
    exact = mean_photoelectrons(np.float64(rate), np.float64(other), factor, 1.0, prnu.astype(float))
    native = run(("photo", parameters), shape=shape, precision=precision)
    assert_allclose(native, np.broadcast_to(exact, shape), rtol=rounding(precision), atol=1e-30)


@given(SHAPES, st.integers(0, 99))
def test_maps_of_the_other_precision_are_converted(shape: tuple[int, int], seed: int) -> None:
    rate = charges(shape, "float32", seed, 1e6)
    parameters = {"background": 0.0, "factor": 1.0, "prnu": 1.0}
    for given_rate, precision in ((rate, "float64"), (rate.astype("float64"), "float32")):
        native = run(("photo", {"photon_rate": given_rate, **parameters}), shape=shape, precision=precision)
        assert_allclose(native, rate, rtol=0.0)
