"""Fixed patterns."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes import CameraConfig
from getframes.noise import fixed_pattern_maps
from getframes.reference.sim import chain
from tests.behaviour.random.cameras import CCD, EAPD, EVERY
from tests.parity.sim.stages import PRECISIONS, rounding

SIDES = st.integers(3, 90)


@st.composite
def sensors(draw: st.DrawFn) -> CameraConfig:
    """Sensors of any size, with all their patterns."""
    shape = draw(SIDES), draw(SIDES)
    return draw(st.sampled_from(EVERY)).replace(
        resolution=shape,
        fixed_pattern_seed=draw(st.integers(0, 2**64)),
        prnu=draw(st.floats(0.0, 0.1)),
        dark_current_nonuniformity=draw(st.floats(0.0, 1.0)),
        hot_pixel_fraction=draw(st.floats(0.0, 1.0)),
        read_noise_nonuniformity=draw(st.floats(0.0, 1.0)),
        read_noise_rts_fraction=draw(st.floats(0.0, 1.0)),
        detector_glow_edge_scale_px=draw(st.floats(0.5, 200.0)),
        amplifier_layout=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        amp_gain_nonuniformity=draw(st.floats(0.0, 0.1)),
        amp_offset_spread_adu=draw(st.floats(0.0, 10.0)),
        readout_channel_count=draw(st.integers(2, 3)),
        readout_channel_axis=draw(st.integers(0, 1)),
        read_noise_channel_nonuniformity=draw(st.floats(0.0, 0.6)),
        read_noise_edge_factor=draw(st.floats(1.0, 4.0)),
        read_noise_edge_scale_px=draw(st.floats(0.0, 30.0)),
        bias_structure_amplitude_adu=draw(st.floats(0.0, 10.0)),
        bias_channel_spread_adu=draw(st.floats(0.0, 10.0)),
        bias_pixel_spread_adu=draw(st.floats(0.0, 10.0)),
        bias_edge_amplitude_adu=draw(st.floats(0.0, 10.0)),
        bias_edge_scale_px=draw(st.floats(0.1, 30.0)),
        bias_edge_axis=draw(st.sampled_from([None, 0, 1])),
        bias_edge_secondary_amplitude_adu=draw(st.floats(0.0, 10.0)),
        bias_edge_secondary_scale_px=draw(st.floats(0.0, 30.0)),
        bias_edge_secondary_axis=draw(st.sampled_from([None, 0, 1])),
        dead_pixel_fraction=draw(st.floats(0.0, 1.0)),
        bad_column_fraction=draw(st.floats(0.0, 1.0)),
    )


@given(sensors(), PRECISIONS)
def test_native_meets_the_reference(config: CameraConfig, precision: str) -> None:
    native, exact = fixed_pattern_maps(config, precision=precision), chain.patterns(config)
    for one, other in (
        (native.prnu_multiplier, exact.prnu),
        (native.dark_multiplier, exact.dark_multiplier),
        (native.glow_shape, exact.glow),
        (native.read_noise_sigma, exact.read_noise_e),
        (native.avalanche_gain_multiplier, exact.avalanche_gain),
        (native.amplifier_gain, config.gain_e_per_adu * exact.amplifier_gain),
        (native.amplifier_offset, exact.amplifier_offset_adu),
    ):
        assert np.shape(one) == () or np.asarray(one).dtype == precision
        assert_allclose(
            np.broadcast_to(one, config.resolution), other, rtol=rounding(precision) + 1e-10, atol=1e-30
        )
    parts = (
        config.bias_structure_amplitude_adu,
        config.bias_channel_spread_adu,
        config.bias_pixel_spread_adu,
        config.bias_edge_amplitude_adu,
        config.bias_edge_secondary_amplitude_adu,
    )
    assert_allclose(  # parts of either sign: to rounding of the largest
        np.broadcast_to(native.bias_structure, config.resolution),
        exact.bias_structure_adu,
        rtol=rounding(precision),
        atol=1e-9 * max(parts) + 1e-30,
    )
    mask = np.zeros(config.resolution, bool) if native.defect_mask is None else native.defect_mask
    assert_array_equal(mask, exact.dead)


@given(PRECISIONS, st.integers(2, 70), st.integers(2, 130))
@settings(max_examples=20)
def test_amplifiers_that_are_given_win(precision: str, row: int, column: int) -> None:
    config = CCD.replace(
        amplifier_boundaries_y_px=(row,),
        amplifier_boundaries_x_px=(column,),
        amplifier_gain_factors=(1.0, 0.5, 2.0, 0.25),
        amplifier_offsets_adu=(0.0, 1.0, 2.0, 3.0),
    )
    native, exact = fixed_pattern_maps(config, precision=precision), chain.patterns(config)
    assert_allclose(
        native.amplifier_gain, config.gain_e_per_adu * exact.amplifier_gain, rtol=rounding(precision)
    )
    assert_array_equal(native.amplifier_offset, exact.amplifier_offset_adu)
    assert set(np.unique(native.amplifier_offset)) == {0.0, 1.0, 2.0, 3.0}


def test_patterns_follow_their_own_seed_and_nothing_else() -> None:
    config = EAPD.replace(fixed_pattern_seed=1)
    same = config.replace(read_noise_e=99.0, full_well_e=1e4, bias_offset_adu=3.0, clock_induced_charge_e=1.0)
    one, other, new = (
        fixed_pattern_maps(sensor) for sensor in (config, same, config.replace(fixed_pattern_seed=2))
    )
    for name in ("dark_multiplier", "prnu_multiplier", "avalanche_gain_multiplier", "amplifier_offset"):
        assert_array_equal(getattr(one, name), getattr(other, name))
        assert (getattr(one, name) != getattr(new, name)).any()
