"""The gain stage."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes.noise import apply_gain_stage
from getframes.reference.sim.gain import gain
from getframes.reference.stream import Address, Kind, key_from_seed
from tests.parity.sim.agreement import CONTINUOUS, assert_close
from tests.parity.sim.stages import ADDRESSES, PRECISIONS, SHAPES, after, charges, rounding, single

GAINS = st.floats(1.0, 1000.0).map(single)


@given(SHAPES, PRECISIONS, st.integers(0, 99), GAINS, st.sampled_from([1.0, 0.25, 0.0625]), ADDRESSES)
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, mean_gain: float, excess: float, at: Address
) -> None:
    charge = charges(shape, precision, seed, 9e4)
    native = after("gain", charge, at=at, gain=mean_gain, excess=excess, gain_map=1.0)
    exact = gain(charge.astype(float), mean_gain, np.sqrt(1.0 + excess), at)
    scale = mean_gain * excess
    if precision == "float32":  # the shape q / (F^2 - 1) is a number of this precision, too
        shape_error = charge.astype(float) / excess * np.finfo(np.float32).eps
        assert (abs(native - exact) <= scale * (shape_error + 2.1e-6 * np.maximum(exact / scale, 1e-3))).all()
    else:
        assert_close(native, exact)
    assert not native[charge == 0.0].any()


@given(SHAPES, PRECISIONS, st.integers(0, 99), GAINS)
def test_without_excess_noise_it_multiplies(
    shape: tuple[int, int], precision: str, seed: int, mean_gain: float
) -> None:
    charge = charges(shape, precision, seed, 9e4)
    native = after("gain", charge, gain=mean_gain, excess=0.0, gain_map=1.0)
    assert_array_equal(native, charge * np.dtype(precision).type(mean_gain))
    spread = (1.0 + charges(shape, precision, seed + 1, 0.1)).astype(precision)
    native = after("gain", charge, gain=mean_gain, excess=0.0, gain_map=spread)
    exact = gain(charge.astype(float), mean_gain, 1.0, Address(0, Kind.LIGHT), spread.astype(float))
    assert_allclose(native, exact, rtol=rounding(precision))


@given(st.integers(0, 2**64 - 1), st.floats(1.0, 500.0), st.sampled_from([1.0, 1.2, 2.0**0.5, 1.7]))
def test_the_public_function_meets_the_reference(seed: int, mean_gain: float, factor: float) -> None:
    charge = charges((40, 50), "float64", 1, 9e4)
    at = Address(key_from_seed(seed), Kind.LIGHT)
    assert_close(apply_gain_stage(charge, mean_gain, factor, seed), gain(charge, mean_gain, factor, at))


def test_moments() -> None:
    """Mean q G, variance q G^2 (F^2 - 1)."""
    charge, mean_gain, factor = 9.0, 50.0, 1.3
    drawn = apply_gain_stage(np.full((500, 500), charge), mean_gain, factor, 3)
    deviation = mean_gain * np.sqrt(charge * (factor**2 - 1.0))
    assert abs(drawn.mean() - charge * mean_gain) < 4.0 * deviation / 500.0
    assert abs(drawn.std() / deviation - 1.0) < 4.0 / 500.0


@given(PRECISIONS, st.integers(0, 2**32), st.integers(50, 2000), ADDRESSES)
@settings(max_examples=15)
def test_few_whole_electrons(precision: str, seed: int, per_64: int, at: Address) -> None:
    """What an avalanche photodiode sees: shapes that are whole multiples of one number, here exact in both precisions."""
    excess = 64.0 / per_64
    charge = np.random.default_rng(seed).integers(0, 60, (3, 700)).astype(precision)
    native = after("gain", charge, at=at, gain=1.0 / excess, excess=excess, gain_map=1.0)
    exact = gain(charge.astype(float), 1.0 / excess, np.sqrt(1.0 + excess), at)
    tolerance = 2.1e-6 if precision == "float32" else CONTINUOUS[precision]
    assert (abs(native - exact) <= tolerance * np.maximum(exact, 1e-3)).all()
    assert not native[charge == 0.0].any()
