"""Shot noise and clock-induced charge."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from getframes.reference import stream
from getframes.reference.sim.shot import clock_induced_charge, shot
from tests.parity.sim.agreement import assert_counts
from tests.parity.sim.stages import ADDRESSES, PRECISIONS, SHAPES, after, charges, single


@given(SHAPES, PRECISIONS, st.integers(0, 99), st.sampled_from([1e-3, 4.0, 100.0, 1e5, 1e7]), ADDRESSES)
def test_shot_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, most: float, at: stream.Address
) -> None:
    mean = charges(shape, precision, seed, most)
    native = after("shot", mean, at=at)
    assert_counts(native, mean, stream.frame_words(at, stream.Stage.SHOT, shape))
    if precision == "float64":
        assert_array_equal(native, shot(mean, at))


@given(SHAPES, PRECISIONS, st.integers(0, 99), st.floats(1e-6, 30.0).map(single), ADDRESSES)
def test_clock_induced_charge_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, mean: float, at: stream.Address
) -> None:
    charge = np.rint(charges(shape, precision, seed, 1e5))
    native = after("clock_induced_charge", charge, at=at, mean_e=mean)
    words = stream.frame_words(at, stream.Stage.CLOCK_INDUCED_CHARGE, shape)
    assert_counts(native - charge, np.full(shape, mean), words)
    if precision == "float64":
        assert_array_equal(native, clock_induced_charge(charge, mean, at))
