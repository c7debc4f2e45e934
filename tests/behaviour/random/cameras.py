"""Small cameras that have every effect, and scenes for them."""

from __future__ import annotations

import numpy as np

from getframes import (
    CameraConfig,
    GaussianPSF,
    PointSource,
    Scene,
    SensorType,
    Telescope,
    UniformIllumination,
)

SHAPE = (73, 131)
"""A pixel count that no tile, block of words or band of rows divides."""
TEMPERATURE_C = -20.0

CCD = CameraConfig(
    name="ccd",
    sensor_type=SensorType.CCD,
    resolution=SHAPE,
    pixel_size_um=13.5,
    quantum_efficiency=0.9,
    full_well_e=90_000.0,
    bit_depth=16,
    gain_e_per_adu=1.4,
    bias_offset_adu=300.0,
    read_noise_e=3.0,
    dark_current_e_per_s=4.0,
    dark_current_nonuniformity=0.2,
    hot_pixel_fraction=0.01,
    prnu=0.01,
    nonlinearity=0.02,
    reset_noise_e=2.0,
    detector_glow_e_per_s=0.3,
    detector_glow_edge_scale_px=11.0,
    amplifier_layout=(2, 2),
    amp_gain_nonuniformity=0.01,
    amp_offset_spread_adu=3.0,
    fixed_pattern_seed=5,
)
SCMOS = CCD.replace(
    name="scmos",
    sensor_type=SensorType.SCMOS,
    full_well_e=30_000.0,
    gain_e_per_adu=0.5,
    read_noise_e=1.2,
    read_noise_nonuniformity=0.3,
    read_noise_rts_fraction=0.02,
    nonlinearity=0.0,
    nonlinearity_coeffs=(-0.01, -0.02),
    reset_noise_e=0.0,
)
EMCCD = CCD.replace(
    name="emccd",
    sensor_type=SensorType.EMCCD,
    em_gain=200.0,
    clock_induced_charge_e=0.02,
    output_full_well_e=800_000.0,
    gain_e_per_adu=16.0,
    read_noise_e=40.0,
)
EAPD = CCD.replace(
    name="eapd",
    sensor_type=SensorType.EAPD,
    em_gain=20.0,
    excess_noise_factor=1.2,
    avalanche_gain_nonuniformity=0.02,
    output_full_well_e=900_000.0,
    gain_e_per_adu=10.0,
)
CAMERAS = (CCD, SCMOS, EMCCD, EAPD)
_READOUT = {
    "readout_channel_count": 8,
    "read_noise_channel_nonuniformity": 0.1,
    "read_noise_edge_factor": 1.5,
    "read_noise_edge_scale_px": 6.0,
    "readout_common_mode_noise_adu": 4.0,
    "bias_structure_amplitude_adu": 6.0,
    "bias_channel_spread_adu": 2.0,
    "bias_pixel_spread_adu": 1.5,
    "bias_edge_amplitude_adu": 8.0,
    "bias_edge_scale_px": 5.0,
    "bias_edge_secondary_amplitude_adu": 3.0,
    "bias_edge_secondary_scale_px": 9.0,
    "bias_edge_secondary_axis": 0,
    "dead_pixel_fraction": 0.01,
    "bad_column_fraction": 0.02,
    "cosmic_ray_rate_per_cm2_s": 300.0,
}
TRANSFER = CCD.replace(
    name="ccd with transfers",
    **_READOUT,
    blooming=True,
    full_well_e=40_000.0,
    cti=1e-4,
    ipc_coupling=0.006,
    cosmic_ray_track_length_px=12.0,
)
COUPLED = EAPD.replace(
    name="eapd with coupling",
    **_READOUT,
    readout_channel_axis=0,
    ipc_coupling=0.01,
    avalanche_input_noise_e=0.5,
    avalanche_input_noise_gain_exponent=1.3,
    avalanche_input_noise_reference_gain=5.0,
)
_RAMP = {
    "nonlinearity": 0.0,
    "reset_noise_e": 6.0,
    "read_noise_correlated_fraction": 0.4,
    "readout_common_mode_noise_adu": 5.0,
    "readout_common_mode_correlation": 0.9,
    "cosmic_ray_rate_per_cm2_s": 200.0,
    "ndr_bias_offset_adu_per_s": 7.0,
    "ndr_reset_settling_input_e": 60.0,
    "ndr_reset_settling_scale_reads": 1.3,
    "ndr_reset_settling_reference_interval_s": 2.0,
    "ndr_reset_settling_interval_exponent": 0.4,
}
_GAIN_RAMP = {
    **_RAMP,
    "ndr_bias_gain_coefficient_adu_per_s": 1.5,
    "ndr_common_mode_gain_noise_adu_per_s": 0.1,
    "ndr_avalanche_input_noise_reference_interval_s": 0.7,
    "ndr_avalanche_input_noise_interval_exponent": 0.6,
    "avalanche_input_noise_e": 0.5,
}
RAMPS = (
    CCD.replace(**_RAMP, name="ramps"),
    SCMOS.replace(**_RAMP, name="ramps with coupling", nonlinearity_coeffs=None, ipc_coupling=0.01),
    EAPD.replace(**_GAIN_RAMP, name="ramps with gain"),
    EMCCD.replace(**_GAIN_RAMP, name="ramps with coupling before the gain", ipc_coupling=0.01, em_gain=30.0),
    COUPLED.replace(**_GAIN_RAMP, name="ramps with coupling behind the gain"),
)
"""Cameras that are read nondestructively."""
NEIGHBOURS = (TRANSFER, COUPLED)
"""Cameras whose pixels depend on other pixels."""
STRIPS = {
    "overscan": {"columns": 6, "rows": 4, "side": "both"},
    "prescan": {"columns": 2, "rows": 2, "side": "left"},
}
"""Overscan and prescan of cameras with two columns of amplifiers."""
EVERY = (*CAMERAS, *NEIGHBOURS)
PRECISIONS = ("float32", "float64")


def ids(config: CameraConfig) -> str:
    """The name of a camera in a test report."""
    return config.name


def light(level: float, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """A map from nothing to `level` [photons / s / pixel]: every regime of the variates."""
    step = np.arange(shape[0] * shape[1]).reshape(shape) / (shape[0] * shape[1])
    return step * step * step * level


def field(*stars: PointSource, shape: tuple[int, int] = SHAPE) -> Scene:
    """Stars on a flat sky."""
    optics, psf = Telescope.unit(), GaussianPSF(2.5)
    return Scene(shape, optics, psf, sources=[UniformIllumination(20.0), *stars])


STARS = (PointSource(40.3, 30.8, photon_rate=5e4), PointSource(99.0, 12.5, photon_rate=900.0))
