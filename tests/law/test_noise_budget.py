"""Mean and variance of whole frames are those of the noise budget (Janesick 2007, doi:10.1117/3.725073)."""

from __future__ import annotations

import numpy as np
import pytest

from getframes import Camera, CameraConfig
from tests.law.samples import PRECISIONS

SHAPE = (400, 500)
CCD = CameraConfig(
    name="plain",
    sensor_type="CCD",
    resolution=SHAPE,
    pixel_size_um=13.0,
    quantum_efficiency=0.8,
    full_well_e=1e6,
    bit_depth=20,
    gain_e_per_adu=1.5,
    bias_offset_adu=500.0,
    read_noise_e=6.0,
    reset_noise_e=4.0,
    dark_current_e_per_s=0.5,
    clock_induced_charge_e=0.3,
)
EMCCD = CCD.replace(sensor_type="EMCCD", em_gain=100.0, full_well_e=1e5, output_full_well_e=1e9, bit_depth=24)
EAPD = EMCCD.replace(sensor_type="EAPD", em_gain=20.0, excess_noise_factor=1.25)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("rate", [0.0, 0.2, 5.0, 3000.0])
@pytest.mark.parametrize("config", [CCD, EMCCD, EAPD], ids=["CCD", "EMCCD", "EAPD"])
def test_mean_and_variance(config: CameraConfig, rate: float, precision: str) -> None:
    exposure = 4.0
    camera = Camera(config, default_temperature_c=config.dark_current_ref_temp_c, precision=precision)
    adu = camera.expose(rate, exposure, seed=17).data.astype(float)
    electrons = (rate * config.quantum_efficiency + config.dark_current_e_per_s) * exposure
    charge = electrons + config.clock_induced_charge_e
    gain, excess = config.em_gain, config.gain_excess_noise_factor**2
    noise = gain**2 * excess * charge + config.read_noise_e**2 + config.reset_noise_e**2
    mean = config.bias_offset_adu + gain * charge / config.gain_e_per_adu
    variance = noise / config.gain_e_per_adu**2 + 1.0 / 12.0
    kurtosis = ((adu - adu.mean()) ** 4).mean() / adu.var() ** 2
    assert abs(adu.mean() - mean) < 4.0 * np.sqrt(variance / adu.size)
    assert abs(adu.var() / variance - 1.0) < 4.0 * np.sqrt((kurtosis - 1.0) / adu.size)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_photon_transfer(precision: str) -> None:
    """Half the variance of a difference of two flats grows with the signal as 1 / gain: patterns drop out."""
    camera = Camera(
        CCD.replace(prnu=0.02, clock_induced_charge_e=0.0), default_temperature_c=20.0, precision=precision
    )
    signal, variance = [], []
    for rate in (100.0, 1000.0, 5000.0, 20000.0):
        one, other = (frame.data.astype(float) for frame in camera.expose_series(rate, 4.0, 2, seed=3))
        signal.append((one + other).mean() / 2.0 - CCD.bias_offset_adu)
        variance.append((one - other).var() / 2.0)
    slope = np.polyfit(signal, variance, 1, w=1.0 / np.array(variance))[0]
    assert slope * CCD.gain_e_per_adu == pytest.approx(1.0, abs=0.01)
