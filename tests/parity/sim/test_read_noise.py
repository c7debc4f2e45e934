"""Read noise and reset noise."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getframes.noise import chain
from getframes.reference.sim.read_noise import avalanche_input_noise, avalanche_rms_e, read_noise, reset_noise
from getframes.reference.stream import Address
from tests.behaviour.random.cameras import EAPD
from tests.parity.sim.agreement import CONTINUOUS, assert_within
from tests.parity.sim.stages import ADDRESSES, PRECISIONS, SHAPES, after, charges, rounding, single


def assert_added(native: np.ndarray, exact: np.ndarray, charge: np.ndarray, rms: np.ndarray) -> None:
    """The deviate is as good as a continuous variate, its sum with the charge to rounding."""
    precision = native.dtype.name
    sizes = abs(charge) + abs(exact) + rms
    bound = CONTINUOUS[precision] * abs(exact - charge) + rounding(precision) * sizes
    assert_within(abs(native - exact), bound)


@given(SHAPES, PRECISIONS, st.integers(0, 99), st.floats(0.0, 100.0).map(single), st.booleans(), ADDRESSES)
def test_read_noise_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, number: float, is_map: bool, at: Address
) -> None:
    charge = charges(shape, precision, seed, 1e5)
    rms = charges(shape, precision, seed + 1, 50.0) if is_map else np.asarray(number)
    native = after("read_noise", charge, at=at, rms_e=rms if is_map else number)
    assert_added(native, read_noise(charge.astype(float), rms.astype(float), at), charge.astype(float), rms)


@given(SHAPES, PRECISIONS, st.integers(0, 99), st.floats(0.0, 100.0).map(single), ADDRESSES)
def test_reset_noise_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, rms_e: float, at: Address
) -> None:
    charge = charges(shape, precision, seed, 1e5)
    native = after("reset_noise", charge, at=at, rms_e=rms_e)
    assert_added(
        native, reset_noise(charge.astype(float), rms_e, at), charge.astype(float), np.asarray(rms_e)
    )


@given(SHAPES, PRECISIONS, st.integers(0, 99), st.floats(0.0, 100.0).map(single), ADDRESSES)
def test_avalanche_input_noise_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, rms_e: float, at: Address
) -> None:
    charge = charges(shape, precision, seed, 1e5)
    native = after("avalanche_input_noise", charge, at=at, rms_e=rms_e)
    exact = avalanche_input_noise(charge.astype(float), rms_e, at)
    assert_added(native, exact, charge.astype(float), np.asarray(rms_e))


@given(st.floats(0.01, 100.0), st.floats(1.01, 2000.0), st.floats(1.0, 100.0), st.floats(0.1, 3.0))
def test_avalanche_input_noise_grows_with_the_gain(
    noise_e: float, gain: float, reference_gain: float, exponent: float
) -> None:
    config = EAPD.replace(
        em_gain=gain,
        avalanche_input_noise_e=noise_e,
        avalanche_input_noise_reference_gain=reference_gain,
        avalanche_input_noise_gain_exponent=exponent,
    )
    rms_e = chain.avalanche_input_noise(config, noise_e).parameters["rms_e"]
    assert rms_e == pytest.approx(avalanche_rms_e(noise_e, gain, reference_gain, exponent), rel=1e-12)


def test_the_three_share_no_draw() -> None:
    charge = np.zeros((300, 300))
    names = ("read_noise", "reset_noise", "avalanche_input_noise")
    noises = [after(name, charge, rms_e=1.0).ravel() for name in names]
    for one, other in combinations(noises, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4.0 / 300.0
    for noise in noises:
        assert abs(noise.mean()) < 4.0 / 300.0
        assert abs(noise.var() - 1.0) < 4.0 * np.sqrt(2.0) / 300.0
