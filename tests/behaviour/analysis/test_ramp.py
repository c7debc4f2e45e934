"""Ramps of nondestructive reads, made here from their laws."""

from __future__ import annotations

import numpy as np
import pytest

from getframes import Frame
from getframes.analysis import infer_reset_indices, nondestructive_stack_statistics, ramp_photon_transfer
from getframes.errors import DomainError, ShapeError

GAIN, READ_E, BIAS = 2.0, 6.0, 500.0


def ramps(
    count: int,
    reads: int,
    rate: float,
    *,
    shape: tuple[int, int] = (64, 64),
    prnu: float = 0.0,
    reset_e: float = 20.0,
    common: float = 0.0,
    channels: int = 1,
    seed: int = 1,
) -> np.ndarray:
    """Reads (count * reads, height, width): Poisson increments on a reset level, read noise, an offset of each read."""
    rng = np.random.default_rng(seed)
    response = np.exp(prnu * rng.standard_normal(shape) - prnu**2 / 2)
    offset = 30.0 * (np.arange(shape[1]) % channels)
    charge = rng.poisson(rate * response, (count, reads, *shape)).cumsum(axis=1)
    reset = rng.normal(0.0, reset_e, (count, 1, *shape))
    noise = rng.normal(0.0, READ_E, charge.shape)
    adu = BIAS + offset + (charge + reset + noise) / GAIN + rng.normal(0.0, common, (count, reads, 1, 1))
    return np.rint(adu).astype(np.uint32).reshape(-1, *shape)


@pytest.mark.parametrize(("count", "reads"), [(1, 10), (2, 5), (3, 20), (7, 3)])
def test_resets_are_found(count: int, reads: int) -> None:
    levels = np.median(ramps(count, reads, 300.0), axis=(1, 2))
    wanted = np.arange(1, count) * reads - 1
    np.testing.assert_array_equal(infer_reset_indices(levels), wanted)


def test_steady_levels_have_no_resets() -> None:
    for levels in (np.arange(5.0), np.ones(6), 100 + np.random.default_rng(1).normal(0, 1, 50)):
        assert infer_reset_indices(levels).size == 0
        assert infer_reset_indices(levels).dtype == np.int64


def test_noise_of_reads() -> None:
    found = nondestructive_stack_statistics(ramps(5, 20, 40.0), saturation_adu=60_000)
    difference = (2 * READ_E**2 + 40.0) / GAIN**2 + 2.0 / 12.0
    assert (found.cds_noise_adu**2).mean() == pytest.approx(difference / 2.0, rel=0.01)
    assert (found.n_frames, found.n_differences) == (100, 95)
    assert found.inferred_reads_per_reset == 20
    assert found.ramp_slope_adu_per_read == pytest.approx(20.0, abs=0.2)
    assert found.saturated_fraction == 0.0
    np.testing.assert_array_equal(found.reset_after_indices, [19, 39, 59, 79])
    np.testing.assert_allclose(found.mean_adu.mean(), BIAS + 10.5 * 20.0, rtol=0.01)


def test_reset_noise_is_in_one_and_not_in_the_other() -> None:
    """Dark ramps; a pixel with a steep ramp of its own is no noisier for it."""
    resets = np.arange(4, 299, 5)  # the levels do not show them
    found = nondestructive_stack_statistics(ramps(60, 5, 0.0, reset_e=20.0), reset_after_indices=resets)
    read = READ_E**2 / GAIN**2 + 1.0 / 12.0
    assert (found.cds_noise_adu**2).mean() == pytest.approx(read, rel=0.01)
    assert (found.temporal_noise_adu**2).mean() == pytest.approx(read + 100.0, rel=0.02)
    steep = ramps(20, 10, 0.0, reset_e=0.0).astype(float)
    steep += 200.0 * (np.arange(200) % 10)[:, None, None]
    steep[:, 5:40, 5:40] += 30.0 * (np.arange(200) % 10)[:, None, None]
    found = nondestructive_stack_statistics(steep)
    assert (found.temporal_noise_adu**2).mean() == pytest.approx(read, rel=0.03)


def test_common_mode_does_not_count_as_noise() -> None:
    found = nondestructive_stack_statistics(ramps(4, 30, 40.0, common=15.0))
    difference = (2 * READ_E**2 + 40.0) / GAIN**2 + 2.0 / 12.0
    assert (found.cds_noise_adu**2).mean() == pytest.approx(difference / 2.0, rel=0.02)
    assert found.common_mode_noise_adu == pytest.approx(15.0, rel=0.25)
    assert abs(found.common_mode_lag1_correlation) < 0.3


def test_correlation_of_the_common_mode() -> None:
    rng, drift = np.random.default_rng(2), [0.0]
    for _ in range(199):
        drift.append(0.9 * drift[-1] + rng.normal(0.0, 10.0 * np.sqrt(1 - 0.81)))
    reads = ramps(1, 200, 0.0) + (100.0 + np.array(drift))[:, None, None]
    found = nondestructive_stack_statistics(reads, reset_after_indices=[])
    straight = np.polyval(np.polyfit(np.arange(200), drift, 1), np.arange(200))
    left = np.array(drift) - straight
    wanted = np.mean(left[1:] * left[:-1]) / np.mean(left**2)
    assert found.common_mode_lag1_correlation == pytest.approx(wanted, abs=0.03)


def test_channels_and_edges() -> None:
    reads = ramps(30, 5, 20.0, channels=4).astype(float)
    reads[:, :4] += 100.0
    found = nondestructive_stack_statistics(reads, channel_count=4)
    np.testing.assert_allclose(np.diff(found.channel_bias_adu), 30.0, atol=1.0)
    assert found.channel_bias_spread_adu == pytest.approx(np.std([0, 30, 60, 90]), rel=0.03)
    assert found.channel_noise_log_spread < 0.02
    assert found.edge_noise_factor == pytest.approx(1.0, abs=0.05)
    assert nondestructive_stack_statistics(reads, edge_width=0).edge_bias_rise_adu == 0.0
    rows = nondestructive_stack_statistics(np.swapaxes(reads, 1, 2), channel_count=4, channel_axis=0)
    np.testing.assert_allclose(rows.channel_bias_adu, found.channel_bias_adu)


def test_saturation_is_counted() -> None:
    reads = np.full((4, 16, 16), 100)
    reads[:, :4] = 255
    assert nondestructive_stack_statistics(reads, saturation_adu=255).saturated_fraction == 0.25
    assert np.isnan(nondestructive_stack_statistics(reads).saturated_fraction)


@pytest.mark.parametrize("count", [3, 4, 12])
@pytest.mark.parametrize("reset_e", [0.0, 40.0])
def test_gain_of_ramps(count: int, reset_e: float) -> None:
    """Reset noise is in the intercept, not in the slope; clipped tails are made up for."""
    reads = ramps(count, 14, 400.0, shape=(192, 192), reset_e=reset_e)
    found = ramp_photon_transfer(reads)
    assert (found.n_ramps, found.reads_per_ramp) == (count, 14)
    error = 4.0 * GAIN * np.sqrt(2.0 / (192 * 192 * (count - 1)))
    assert abs(found.conversion_gain_e_per_adu - GAIN) < 4.0 * error
    start = (READ_E**2 + reset_e**2 + 3 * 400.0) / GAIN**2
    assert found.variance_intercept_adu2 == pytest.approx(start, rel=0.04)
    assert found.variance_adu2[0] == pytest.approx(start, rel=0.04)
    assert found.fit_correlation > 0.999
    assert found.signal_adu[0] == 0.0
    np.testing.assert_allclose(np.diff(found.signal_adu), 200.0, rtol=0.01)


def test_response_of_ramps() -> None:
    found = ramp_photon_transfer(ramps(6, 12, 2000.0, prnu=0.05, shape=(128, 128)))
    assert found.response_nonuniformity == pytest.approx(0.05, rel=0.03)
    assert found.response_repeatability > 0.9
    assert abs(found.response_nonuniformity_map.mean()) < 1e-12
    even = ramp_photon_transfer(ramps(6, 12, 2000.0, shape=(128, 128)))
    assert abs(even.response_repeatability) < 0.05
    assert even.response_nonuniformity < 0.002


def test_frames_and_given_resets() -> None:
    reads = ramps(4, 8, 300.0)
    as_frames = [Frame(read) for read in reads]
    one = ramp_photon_transfer(as_frames, settle_reads=1)
    two = ramp_photon_transfer(reads.astype(">u4"), settle_reads=1, reset_after_indices=[7, 15, 23, 31])
    assert one.conversion_gain_e_per_adu == two.conversion_gain_e_per_adu
    # A ramp that was cut short is left out.
    assert ramp_photon_transfer(reads[:-3]).n_ramps == 3


READS = ramps(3, 6, 300.0, shape=(12, 12))
BAD = [
    (lambda: infer_reset_indices([1.0, 2.0]), DomainError, "frame_levels_adu must be three or more numbers"),
    (lambda: infer_reset_indices([[1.0, 2.0, 3.0]]), DomainError, "three or more numbers"),
    (lambda: infer_reset_indices([1.0, np.nan, 3.0]), DomainError, "frame_levels_adu must be finite"),
    (
        lambda: nondestructive_stack_statistics(READS[0]),
        ShapeError,
        r"frames must have shape \(n, height, width\)",
    ),
    (lambda: nondestructive_stack_statistics(READS[:2]), DomainError, "frames must be 3 or more, got 2"),
    (
        lambda: nondestructive_stack_statistics([*READS, np.ones((2, 2))]),
        ShapeError,
        "frame 18 must have shape",
    ),
    (lambda: nondestructive_stack_statistics(READS * np.nan), DomainError, "frame 0 must be finite"),
    (
        lambda: nondestructive_stack_statistics(READS, channel_axis=2),
        DomainError,
        "channel_axis must be 0 or 1",
    ),
    (
        lambda: nondestructive_stack_statistics(READS, channel_count=0),
        DomainError,
        r"channel_count must be in 1..12",
    ),
    (lambda: nondestructive_stack_statistics(READS, channel_count=13), DomainError, "channel_count must be"),
    (
        lambda: nondestructive_stack_statistics(READS, edge_width=6),
        DomainError,
        "edge_width must be >= 0 and < half",
    ),
    (
        lambda: nondestructive_stack_statistics(READS, level_sample_step=0),
        DomainError,
        "level_sample_step must be",
    ),
    (
        lambda: nondestructive_stack_statistics(READS, reset_after_indices=[40]),
        DomainError,
        r"reset_after_indices must be in 0..17",
    ),
    (
        lambda: nondestructive_stack_statistics(READS[:3], reset_after_indices=[0, 1]),
        DomainError,
        "such that a ramp has two reads",
    ),
    (
        lambda: ramp_photon_transfer(READS[:12]),
        DomainError,
        "frames must be three or more whole ramps, got 2",
    ),
    (
        lambda: ramp_photon_transfer(READS, settle_reads=4),
        DomainError,
        "settle_reads must be <= 3 for 6 reads, got 4",
    ),
    (lambda: ramp_photon_transfer(READS, settle_reads=-1), DomainError, "settle_reads must be >= 0"),
    (
        lambda: ramp_photon_transfer(READS, variance_clip_percentiles=(99.0, 1.0)),
        DomainError,
        "variance_clip_percentiles must be 0 <= low < high <= 100",
    ),
    (
        lambda: ramp_photon_transfer(np.full((9, 8, 8), 5), reset_after_indices=[2, 5], settle_reads=0),
        DomainError,
        "variance grows with their signal",
    ),
]


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_bad_input(call, error, words) -> None:
    with pytest.raises(error, match=words):
        call()
