"""Readout channels, and the rise of the read noise at the edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes.errors import DomainError
from getframes.noise import fixed_pattern_maps
from getframes.reference.sim import channels, edge
from getframes.reference.stream import key_from_seed
from tests.behaviour.random.cameras import CCD


@given(st.integers(2, 40), st.floats(1e-4, 3.0), st.integers(0, 1), st.integers(0, 2**32))
def test_native_meets_the_reference(count: int, spread: float, axis: int, seed: int) -> None:
    assume(spread < 0.9 * np.sqrt(count - 1))
    config = CCD.replace(
        readout_channel_count=count,
        readout_channel_axis=axis,
        read_noise_channel_nonuniformity=spread,
        fixed_pattern_seed=seed,
        read_noise_e=2.0,
        read_noise_edge_factor=3.0,
        read_noise_edge_scale_px=4.0,
    )
    native = fixed_pattern_maps(config).read_noise_sigma
    factors = channels.noise_factors(key_from_seed(seed), count, spread)
    shape = config.resolution
    exact = 2.0 * channels.over_sensor(factors, shape, axis) * edge.rise(shape, 3.0, 4.0)
    # Small factors are exponentials of large widths: what is known is their size against the mean.
    assert_allclose(native, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("count", "spread"), [(2, 0.5), (8, 0.05), (32, 2.0)])
def test_factors_have_the_mean_and_the_spread_configured(count: int, spread: float) -> None:
    config = CCD.replace(readout_channel_count=count, read_noise_channel_nonuniformity=spread)
    sigma = np.asarray(fixed_pattern_maps(config).read_noise_sigma)[0, :count] / config.read_noise_e
    assert sigma.mean() == pytest.approx(1.0, rel=1e-12)
    assert sigma.std() == pytest.approx(spread, rel=1e-9)
    assert (sigma > 0.0).all()


def test_channels_take_turns() -> None:
    config = CCD.replace(readout_channel_count=4, read_noise_channel_nonuniformity=0.2)
    sigma = np.asarray(fixed_pattern_maps(config).read_noise_sigma)
    assert (sigma == sigma[:1]).all()
    assert (sigma[0, 4:] == sigma[0, :-4]).all() and np.unique(sigma[0, :4]).size == 4
    turned = np.asarray(fixed_pattern_maps(config.replace(readout_channel_axis=0)).read_noise_sigma)
    assert (turned == turned[:, :1]).all() and (turned[4:, 0] == turned[:-4, 0]).all()


def test_the_edge_is_noisier_by_its_factor() -> None:
    config = CCD.replace(read_noise_edge_factor=2.5, read_noise_edge_scale_px=5.0)
    sigma = np.asarray(fixed_pattern_maps(config).read_noise_sigma) / config.read_noise_e
    assert_allclose(sigma[0], 2.5)
    assert_allclose(sigma[:, -1], 2.5)
    assert sigma[10, 60] == pytest.approx(1.0 + 1.5 * np.exp(-2.0))
    without = fixed_pattern_maps(config.replace(read_noise_edge_scale_px=0.0)).read_noise_sigma
    assert without == config.read_noise_e


def test_conflicts_are_named() -> None:
    with pytest.raises(
        DomainError, match=r"read_noise_channel_nonuniformity must be below 2\.646, .* got 2\.7"
    ):
        CCD.replace(readout_channel_count=8, read_noise_channel_nonuniformity=2.7)
    with pytest.raises(DomainError, match=r"read_noise_channel_nonuniformity must be below 0, .* got 0\.1"):
        CCD.replace(read_noise_channel_nonuniformity=0.1)
    with pytest.raises(
        DomainError, match=r"bias_channel_spread_adu must be 0 with one readout channel, got 2"
    ):
        CCD.replace(bias_channel_spread_adu=2.0)
    with pytest.raises(DomainError, match=r"avalanche_input_noise_e must be 0 without a gain .* got 1"):
        CCD.replace(avalanche_input_noise_e=1.0)
