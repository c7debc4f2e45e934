"""Common mode."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getframes import Camera
from getframes.reference.sim.common_mode import common_mode
from getframes.reference.stream import Address
from tests.behaviour.random.cameras import CCD
from tests.parity.sim.agreement import CONTINUOUS
from tests.parity.sim.stages import ADDRESSES, PRECISIONS, SHAPES, after, charges, rounding, single


@given(SHAPES, PRECISIONS, st.integers(0, 99), st.floats(0.0, 100.0).map(single), ADDRESSES)
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, seed: int, rms_adu: float, at: Address
) -> None:
    signal = charges(shape, precision, seed, 6e4)
    native = after("common_mode", signal, at=at, rms_adu=rms_adu)
    exact = common_mode(signal.astype(float), rms_adu, at)
    shift = abs(exact - signal)
    assert (
        abs(native - exact) <= CONTINUOUS[precision] * shift + rounding(precision) * (signal + shift)
    ).all()


def test_one_number_a_frame() -> None:
    config = CCD.replace(
        resolution=(20, 30), readout_common_mode_noise_adu=40.0, read_noise_e=0.0, reset_noise_e=0.0
    )
    config = config.replace(gain_e_per_adu=1e6, amp_offset_spread_adu=0.0, bias_offset_adu=1000.0)
    frames = np.stack([frame.data.astype(float) for frame in Camera(config).dark_series(0.0, 2000, seed=1)])
    assert (frames == frames[:, :1, :1]).all()
    levels = frames[:, 0, 0] - 1000.0
    assert abs(levels.mean()) < 4.0 * 40.0 / np.sqrt(2000)
    assert levels.std() == pytest.approx(40.0, rel=4.0 / np.sqrt(4000))
    assert abs(np.corrcoef(levels[1:], levels[:-1])[0, 1]) < 4.0 / np.sqrt(2000)
