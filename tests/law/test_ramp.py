"""Moments of nondestructive ramps and of correlated double samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from getframes import Camera, CameraConfig, SensorType

SIDE = 200
PIXELS = SIDE * SIDE
MEAN_E = 40.0
QUIET = CameraConfig(
    name="quiet",
    sensor_type=SensorType.CMOS,
    resolution=(SIDE, SIDE),
    pixel_size_um=10.0,
    quantum_efficiency=0.8,
    full_well_e=1e6,
    bit_depth=20,
    gain_e_per_adu=0.1,
    bias_offset_adu=1000.0,
    read_noise_e=0.0,
    dark_current_e_per_s=0.0,
)
GAIN = {"sensor_type": SensorType.EAPD, "em_gain": 20.0, "output_full_well_e": 1e7, "gain_e_per_adu": 1.0}


def ramp(
    count: int, length: int, mean_e: float = MEAN_E, interval: float = 2.0, seed: int = 1, **changes: Any
) -> np.ndarray:
    """Reads above the bias [e- behind the gain], (n, height, width); `mean_e` is new in each."""
    config = QUIET.replace(**changes)
    rate = mean_e / (interval * config.quantum_efficiency)
    series = Camera(config).nondestructive_series(rate, interval, count, length, seed=seed)
    counts = np.stack([frame.data for frame in series]).astype(float)
    return (counts - config.bias_offset_adu) * config.gain_e_per_adu


def levels(count: int, length: int, seed: int = 1, interval: float = 2.0, **changes: Any) -> np.ndarray:
    """What all pixels of dark reads share [ADU]."""
    changes = {"resolution": (2, 2), "gain_e_per_adu": 1.0, "bias_offset_adu": 5e4, **changes}
    series = Camera(QUIET.replace(**changes)).dark_nondestructive_series(interval, count, length, seed=seed)
    return np.array([frame.data[0, 0] for frame in series]) - 5e4


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_charge_grows_by_independent_increments() -> None:
    reads = ramp(6, 6)
    for index, read in enumerate(reads, 1):
        assert read.mean() == pytest.approx(index * MEAN_E, abs=4.0 * np.sqrt(index * MEAN_E / PIXELS))
        assert read.var() == pytest.approx(index * MEAN_E, rel=4.0 * np.sqrt(2.0 / PIXELS) + 1e-3)
    increments = np.diff(reads, axis=0)
    assert (increments >= -0.1).all()
    assert abs(correlation(increments[0], increments[1])) < 4.0 / np.sqrt(PIXELS)
    assert abs(correlation(reads[0], increments[0])) < 4.0 / np.sqrt(PIXELS)


def test_a_reset_empties_the_pixels() -> None:
    reads = ramp(4, 2)
    assert reads[2].mean() == pytest.approx(MEAN_E, abs=4.0 * np.sqrt(MEAN_E / PIXELS))
    assert abs(correlation(reads[0], reads[2])) < 4.0 / np.sqrt(PIXELS)


def test_the_well_holds_no_more() -> None:
    reads = ramp(4, 4, mean_e=1000.0, full_well_e=2500.0)
    assert reads[1].mean() == pytest.approx(2000.0, abs=1.0)
    assert (reads[2:] == 2500.0).all()


def test_the_output_ends_before_the_well_behind_a_gain() -> None:
    reads = ramp(3, 3, mean_e=1000.0, full_well_e=2500.0, **{**GAIN, "output_full_well_e": 45_000.0})
    assert reads[1].mean() == pytest.approx(40_000.0, abs=40.0)
    assert (reads[2] == 45_000.0).all()
    open_end = ramp(3, 3, mean_e=1000.0, full_well_e=2500.0, **GAIN)
    assert open_end[2] == pytest.approx(50_000.0)  # the well in front of the gain was full


def test_every_increment_is_multiplied_once() -> None:
    """Var = G^2 F^2 q, and what is multiplied in one read stays as it is in the next."""
    reads = ramp(3, 3, excess_noise_factor=1.3, **GAIN)
    for index, read in enumerate(reads, 1):
        spread = 20.0 * 1.3 * np.sqrt(index * MEAN_E)
        assert read.mean() == pytest.approx(20.0 * index * MEAN_E, abs=4.0 * spread / SIDE)
        assert read.var() == pytest.approx(spread**2, rel=6.0 * np.sqrt(2.0 / PIXELS))
    increments = np.diff(reads, axis=0)
    assert abs(correlation(reads[0], increments[0])) < 4.0 / np.sqrt(PIXELS)


@pytest.mark.parametrize("changes", [{}, {"em_gain": 20.0}, GAIN], ids=["none", "behind", "in front"])
def test_coupling_keeps_the_mean_and_correlates_neighbours(changes: dict[str, Any]) -> None:
    """Correlation 2c(1 - 4c) / ((1 - 4c)^2 + 4c^2) of neighbours, in the sum as in an increment."""
    coupling = 0.02
    changes = {"output_full_well_e": 1e7, **changes}
    reads = ramp(3, 3, mean_e=400.0, ipc_coupling=coupling, **changes)[:, 2:-2, 2:-2]
    gain = changes.get("em_gain", 1.0)
    own = 1.0 - 4.0 * coupling
    expected = 2.0 * coupling * own / (own**2 + 4.0 * coupling**2)
    for index, read in enumerate(reads, 1):
        assert read.mean() == pytest.approx(
            gain * index * 400.0, abs=4.0 * gain * np.sqrt(index * 400.0) / SIDE
        )
        assert correlation(read[:, 1:], read[:, :-1]) == pytest.approx(expected, abs=4.0 / SIDE)
        assert correlation(read[1:], read[:-1]) == pytest.approx(expected, abs=4.0 / SIDE)


def test_reset_noise_is_that_of_the_ramp() -> None:
    reads = ramp(4, 2, mean_e=0.0, reset_noise_e=30.0)
    assert (reads[0] == reads[1]).all()
    assert (reads[2] == reads[3]).all()
    assert reads[0].std() == pytest.approx(30.0, rel=4.0 / np.sqrt(2.0 * PIXELS))
    assert abs(correlation(reads[0], reads[2])) < 4.0 / np.sqrt(PIXELS)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.9])
def test_read_noise_is_shared_in_part(fraction: float) -> None:
    reads = ramp(4, 2, mean_e=0.0, read_noise_e=30.0, read_noise_correlated_fraction=fraction)
    for read in reads:
        assert read.std() == pytest.approx(30.0, rel=4.0 / np.sqrt(2.0 * PIXELS))
    for one, other in ((0, 1), (2, 3)):
        assert correlation(reads[one], reads[other]) == pytest.approx(fraction, abs=4.0 / SIDE)
    assert abs(correlation(reads[1], reads[2])) < 4.0 / SIDE


def test_avalanche_noise_grows_with_the_interval() -> None:
    """a G (interval / reference)^p, new in every read."""
    noise = {
        "avalanche_input_noise_e": 5.0,
        "ndr_avalanche_input_noise_reference_interval_s": 0.5,
        "ndr_avalanche_input_noise_interval_exponent": 0.75,
        **GAIN,
    }
    for interval in (0.5, 2.0):
        first, second = ramp(2, 2, mean_e=0.0, interval=interval, bias_offset_adu=2e4, **noise)
        expected = 5.0 * 20.0 * (interval / 0.5) ** 0.75
        assert first.std() == pytest.approx(expected, rel=4.0 / np.sqrt(2.0 * PIXELS))
        assert abs(correlation(first, second)) < 4.0 / SIDE


def test_common_mode_is_an_autoregression_through_resets() -> None:
    count, rho = 40_000, 0.8
    drift = levels(count, 4, readout_common_mode_noise_adu=200.0, readout_common_mode_correlation=rho)
    independent = count * (1.0 - rho) / (1.0 + rho)
    assert abs(drift.mean()) < 4.0 * 200.0 / np.sqrt(independent)
    assert drift.std() == pytest.approx(200.0, rel=4.0 / np.sqrt(2.0 * independent))
    for lag in (1, 2, 5):
        assert correlation(drift[lag:], drift[:-lag]) == pytest.approx(
            rho**lag, abs=4.0 / np.sqrt(independent)
        )
    after_reset = drift[4::4] - rho * drift[3:-1:4]
    assert after_reset.std() == pytest.approx(200.0 * np.sqrt(1.0 - rho**2), rel=0.05)


def test_common_mode_starts_with_its_own_spread() -> None:
    drifting = {"readout_common_mode_noise_adu": 100.0, "readout_common_mode_correlation": 0.95}
    first = np.array([levels(2, 2, seed=seed, **drifting) for seed in range(600)])
    assert first[:, 0].std() == pytest.approx(100.0, rel=4.0 / np.sqrt(1200.0))
    assert first[:, 1].std() == pytest.approx(100.0, rel=4.0 / np.sqrt(1200.0))


def test_common_mode_grows_with_gain_and_interval() -> None:
    growing = {
        "em_gain": 11.0,
        "ndr_common_mode_gain_noise_adu_per_s": 10.0,
        "readout_common_mode_noise_adu": 50.0,
    }
    for interval, rms in ((1.0, 150.0), (3.0, 350.0)):
        drift = levels(4000, 4, interval=interval, **growing)
        assert drift.std() == pytest.approx(rms, rel=4.0 / np.sqrt(8000.0))
        assert abs(correlation(drift[1:], drift[:-1])) < 4.0 / np.sqrt(4000.0)


def test_bias_rises_with_interval_and_gain() -> None:
    drift = {"ndr_bias_offset_adu_per_s": 30.0, "ndr_bias_gain_coefficient_adu_per_s": 4.0}
    assert (levels(4, 2, interval=2.0, **drift) == 60.0).all()
    assert (levels(4, 2, interval=2.0, em_gain=11.0, **drift) == 2.0 * (30.0 + 40.0)).all()


def test_settling_falls_off_from_the_reset() -> None:
    """-A G / gain (interval / reference)^p exp(-i / scale)."""
    settling = {
        "em_gain": 3.0,
        "gain_e_per_adu": 0.25,
        "ndr_reset_settling_input_e": 500.0,
        "ndr_reset_settling_scale_reads": 1.7,
        "ndr_reset_settling_reference_interval_s": 0.5,
        "ndr_reset_settling_interval_exponent": 0.4,
    }
    expected = -500.0 * 3.0 / 0.25 * 4.0**0.4 * np.exp(-np.arange(5) / 1.7)
    drift = levels(10, 5, interval=2.0, **settling)
    assert drift[:5] == pytest.approx(expected, abs=0.5)
    assert (drift[5:] == drift[:5]).all()
    assert (levels(3, 3, **{**settling, "ndr_reset_settling_scale_reads": 0.0}) == 0.0).all()
    late = levels(1000, 1000, **{**settling, "ndr_reset_settling_scale_reads": 0.3})
    assert (late[20:] == 0.0).all()


def test_a_double_sample_has_the_fresh_noise_of_two_reads() -> None:
    """Var = q / g^2 + 2 (1 - f) sigma^2 / g^2 + 2 / 12; reset noise and fixed bias are gone."""
    config = QUIET.replace(
        read_noise_e=10.0,
        read_noise_correlated_fraction=0.6,
        reset_noise_e=100.0,
        bias_pixel_spread_adu=300.0,
        bias_offset_adu=5000.0,
        gain_e_per_adu=0.5,
    )
    frame = Camera(config).correlated_double_sample(25.0, 2.0, pedestal_interval_s=1.0, seed=4)
    expected = (40.0 + 2.0 * 0.4 * 100.0) / 0.25 + 2.0 / 12.0
    assert frame.data.mean() == pytest.approx(80.0, abs=4.0 * np.sqrt(expected) / SIDE)
    assert frame.data.var() == pytest.approx(expected, rel=4.0 * np.sqrt(2.0 / PIXELS))


def test_a_double_sample_takes_the_intervals_of_its_reads() -> None:
    config = QUIET.replace(
        resolution=(2, 2),
        gain_e_per_adu=1.0,
        bias_offset_adu=5e4,
        ndr_bias_offset_adu_per_s=100.0,
        ndr_reset_settling_input_e=1000.0,
        ndr_reset_settling_scale_reads=2.0,
        ndr_reset_settling_interval_exponent=0.5,
    )
    for pedestal in (0.0, 0.25):
        frame = Camera(config).correlated_double_sample(0.0, 4.0, pedestal_interval_s=pedestal, seed=1)
        settled = 1000.0 * (np.sqrt(pedestal) - np.sqrt(4.0) * np.exp(-0.5))
        assert frame.data == pytest.approx(100.0 * (4.0 - pedestal) + settled, abs=1.0)
