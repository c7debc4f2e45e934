"""Nondestructive reads: charge that stays in the pixels from read to read, until a reset.

Per read: new charge, clipped to the room left in the well, coupled and multiplied, and added to what the node holds; then a readout whose
noise is in part that of the whole ramp.

Not modelled: blooming, charge transfer, nonlinearity, regions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from getframes.reference.sim import chain
from getframes.reference.sim.amplifier import amplifier
from getframes.reference.sim.common_mode import common_mode_after
from getframes.reference.sim.cosmic_ray import cosmic_rays, mean_hits
from getframes.reference.sim.defects import defects
from getframes.reference.sim.digitize import digitize
from getframes.reference.sim.full_well import full_well
from getframes.reference.sim.gain import gain
from getframes.reference.sim.ipc import ipc
from getframes.reference.sim.photo import mean_photoelectrons
from getframes.reference.sim.read_noise import (
    avalanche_input_noise,
    avalanche_rms_e,
    correlated_read_noise,
    read_noise,
    reset_noise,
)
from getframes.reference.sim.shot import shot
from getframes.reference.stream import Address, Kind, key_from_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from getframes.reference.image import Image


class RampSensor(chain.Sensor, Protocol):
    """A sensor, and what only its ramps have; units are in the names."""

    @property
    def read_noise_correlated_fraction(self) -> float: ...
    @property
    def readout_common_mode_correlation(self) -> float: ...
    @property
    def ndr_bias_offset_adu_per_s(self) -> float: ...
    @property
    def ndr_bias_gain_coefficient_adu_per_s(self) -> float: ...
    @property
    def ndr_common_mode_gain_noise_adu_per_s(self) -> float: ...
    @property
    def ndr_avalanche_input_noise_reference_interval_s(self) -> float: ...
    @property
    def ndr_avalanche_input_noise_interval_exponent(self) -> float: ...
    @property
    def ndr_reset_settling_input_e(self) -> float: ...
    @property
    def ndr_reset_settling_scale_reads(self) -> float: ...
    @property
    def ndr_reset_settling_reference_interval_s(self) -> float: ...
    @property
    def ndr_reset_settling_interval_exponent(self) -> float: ...


@dataclass(frozen=True)
class Read:
    """One read: its words, those of its ramp's first read, reads since then, the interval before it, its common mode over the RMS."""

    at: Address
    reset_at: Address
    index: int
    interval_s: float
    common_mode: float


def ramps(
    sensor: RampSensor,
    photon_rate: Image | float,
    intervals_s: Sequence[float],
    reads_per_reset: int,
    temperature_c: float,
    *,
    seed: int,
    background: Image | float = 0.0,
    quantum_efficiency: float | None = None,
) -> NDArray[np.int64]:
    """Counts of one read after each interval, shape `(n, height, width)`, with a reset before every `reads_per_reset` reads."""
    maps, shape = chain.patterns(sensor), sensor.resolution
    efficiency = sensor.quantum_efficiency if quantum_efficiency is None else quantum_efficiency
    dark = np.ndim(photon_rate) == np.ndim(background) == 0 and photon_rate == background == 0.0
    key, kind = key_from_seed(seed), Kind.DARK_RAMP if dark else Kind.RAMP
    x, reset_at = None, Address(key, kind)
    well, node = np.zeros(shape), np.zeros(shape)
    counts = []
    for number, interval_s in enumerate(intervals_s):
        at, index = Address(key, kind, number), number % reads_per_reset
        if index == 0:
            reset_at, well, node = at, np.zeros(shape), np.zeros(shape)
        light = mean_photoelectrons(photon_rate, background, interval_s, efficiency, maps.prnu)
        mean = light + chain.mean_dark(sensor, maps, interval_s, temperature_c)
        filled = full_well(well + _new_charge(sensor, mean, interval_s, at), sensor.full_well_e)
        node = node + _at_node(sensor, maps, filled - well, at)
        well = filled
        x = common_mode_after(x, sensor.readout_common_mode_correlation, at)
        counts.append(_readout(sensor, maps, node, Read(at, reset_at, index, interval_s, x)))
    return np.stack(counts).astype(np.int64)


def _new_charge(sensor: RampSensor, mean_e: Image, interval_s: float, at: Address) -> Image:
    hits = mean_hits(sensor.cosmic_ray_rate_per_cm2_s, sensor.resolution, sensor.pixel_size_um, interval_s)
    return cosmic_rays(shot(mean_e, at), hits, sensor.cosmic_ray_track_length_px, at)


def _at_node(sensor: RampSensor, maps: chain.Patterns, increment_e: Image, at: Address) -> Image:
    """Coupled and multiplied; multiplied first in an avalanche photodiode."""
    eapd = sensor.sensor_type == "EAPD"
    charge = increment_e if eapd else ipc(increment_e, sensor.ipc_coupling)
    if sensor.em_gain > 1.0:
        charge = gain(charge, sensor.em_gain, sensor.gain_excess_noise_factor, at, maps.avalanche_gain)
    return ipc(charge, sensor.ipc_coupling) if eapd else charge


def _readout(sensor: RampSensor, maps: chain.Patterns, node_e: Image, read: Read) -> NDArray[np.uint32]:
    output_well = sensor.full_well_e if sensor.output_full_well_e is None else sensor.output_full_well_e
    behind_gain_e = avalanche_rms_e(
        sensor.avalanche_input_noise_e,
        sensor.em_gain,
        sensor.avalanche_input_noise_reference_gain,
        sensor.avalanche_input_noise_gain_exponent,
    )
    relative = read.interval_s / sensor.ndr_avalanche_input_noise_reference_interval_s
    behind_gain_e *= relative**sensor.ndr_avalanche_input_noise_interval_exponent
    fraction, rms_e = sensor.read_noise_correlated_fraction, maps.read_noise_e
    charge = defects(full_well(node_e, output_well), maps.dead)
    charge = reset_noise(charge, sensor.reset_noise_e, read.reset_at)
    charge = avalanche_input_noise(charge, behind_gain_e, read.at)
    charge = correlated_read_noise(charge, np.sqrt(fraction) * rms_e, read.reset_at)
    charge = read_noise(charge, np.sqrt(1.0 - fraction) * rms_e, read.at)
    signal = amplifier(
        charge,
        sensor.gain_e_per_adu,
        sensor.bias_offset_adu,
        maps.amplifier_gain,
        maps.amplifier_offset_adu,
    )
    signal = signal + maps.bias_structure_adu + bias_adu(sensor, read.interval_s)
    signal = signal - settling_adu(sensor, read.index, read.interval_s)
    signal = signal + common_mode_rms_adu(sensor, read.interval_s) * read.common_mode
    return digitize(signal, sensor.bit_depth)


def bias_adu(sensor: RampSensor, interval_s: float) -> float:
    """interval (offset + coefficient (G - 1)) [ADU]."""
    per_gain = sensor.ndr_bias_gain_coefficient_adu_per_s * (sensor.em_gain - 1.0)
    return interval_s * (sensor.ndr_bias_offset_adu_per_s + per_gain)


def settling_adu(sensor: RampSensor, index: int, interval_s: float) -> float:
    """A G / gain (interval / reference)^p exp(-i / scale) [ADU]; nothing for a scale of 0."""
    scale = sensor.ndr_reset_settling_scale_reads
    decay = np.exp(-index / scale) if scale > 0.0 else 0.0
    relative = interval_s / sensor.ndr_reset_settling_reference_interval_s
    growth = relative**sensor.ndr_reset_settling_interval_exponent
    missing_e = sensor.ndr_reset_settling_input_e * sensor.em_gain * growth * decay
    return float(missing_e / sensor.gain_e_per_adu)


def common_mode_rms_adu(sensor: RampSensor, interval_s: float) -> float:
    """sigma + coefficient (G - 1) interval [ADU]."""
    per_gain = sensor.ndr_common_mode_gain_noise_adu_per_s * (sensor.em_gain - 1.0)
    return sensor.readout_common_mode_noise_adu + per_gain * interval_s
