"""Read noise and reset noise."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from getframes.reference.sim.read_noise import read_noise, reset_noise
from getframes.reference.stream import Address
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


def test_the_two_share_no_draw() -> None:
    charge = np.zeros((300, 300))
    read, reset = (after(name, charge, rms_e=1.0).ravel() for name in ("read_noise", "reset_noise"))
    assert abs(np.corrcoef(read, reset)[0, 1]) < 4.0 / 300.0
    for noise in (read, reset):
        assert abs(noise.mean()) < 4.0 / 300.0
        assert abs(noise.var() - 1.0) < 4.0 * np.sqrt(2.0) / 300.0
