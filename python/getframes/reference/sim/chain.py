"""The signal chain of one exposure: a list of stages that can be read, shortened and reordered.

Not modelled: regions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from getframes.reference.sim import bias_structure, channels, edge, pattern
from getframes.reference.sim.amplifier import amplifier
from getframes.reference.sim.binning import SuperPixels, binning
from getframes.reference.sim.blooming import blooming
from getframes.reference.sim.common_mode import common_mode
from getframes.reference.sim.cosmic_ray import cosmic_rays, mean_hits
from getframes.reference.sim.cti import cti
from getframes.reference.sim.dark import dark_current, mean_dark_electrons
from getframes.reference.sim.defects import dead_pixels, defects
from getframes.reference.sim.digitize import digitize
from getframes.reference.sim.extra import mean_with_extra
from getframes.reference.sim.full_well import full_well
from getframes.reference.sim.gain import gain
from getframes.reference.sim.ipc import ipc
from getframes.reference.sim.nonlinearity import polynomial, quadratic
from getframes.reference.sim.offset import offset
from getframes.reference.sim.photo import mean_photoelectrons
from getframes.reference.sim.read_noise import (
    avalanche_input_noise,
    avalanche_rms_e,
    read_noise,
    reset_noise,
)
from getframes.reference.sim.shot import clock_induced_charge, shot
from getframes.reference.stream import Address, Kind, key_from_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from getframes.reference.image import Image

    Named = tuple[str, Callable[[Image], NDArray[Any]]]


class Sensor(Protocol):
    """The figures of a camera that the chain needs; units are in the names."""

    @property
    def sensor_type(self) -> str: ...
    @property
    def resolution(self) -> tuple[int, int]: ...
    @property
    def pixel_size_um(self) -> float: ...
    @property
    def quantum_efficiency(self) -> float: ...
    @property
    def full_well_e(self) -> float: ...
    @property
    def output_full_well_e(self) -> float | None: ...
    @property
    def bit_depth(self) -> int: ...
    @property
    def gain_e_per_adu(self) -> float: ...
    @property
    def bias_offset_adu(self) -> float: ...
    @property
    def read_noise_e(self) -> float: ...
    @property
    def read_noise_nonuniformity(self) -> float: ...
    @property
    def read_noise_rts_fraction(self) -> float: ...
    @property
    def read_noise_rts_factor(self) -> float: ...
    @property
    def readout_channel_count(self) -> int: ...
    @property
    def readout_channel_axis(self) -> int: ...
    @property
    def read_noise_channel_nonuniformity(self) -> float: ...
    @property
    def read_noise_edge_factor(self) -> float: ...
    @property
    def read_noise_edge_scale_px(self) -> float: ...
    @property
    def dead_pixel_fraction(self) -> float: ...
    @property
    def bad_column_fraction(self) -> float: ...
    @property
    def bias_structure_amplitude_adu(self) -> float: ...
    @property
    def bias_channel_spread_adu(self) -> float: ...
    @property
    def bias_pixel_spread_adu(self) -> float: ...
    @property
    def bias_edge_amplitude_adu(self) -> float: ...
    @property
    def bias_edge_scale_px(self) -> float: ...
    @property
    def bias_edge_axis(self) -> int | None: ...
    @property
    def bias_edge_secondary_amplitude_adu(self) -> float: ...
    @property
    def bias_edge_secondary_scale_px(self) -> float: ...
    @property
    def bias_edge_secondary_axis(self) -> int | None: ...
    @property
    def reset_noise_e(self) -> float: ...
    @property
    def dark_current_e_per_s(self) -> float: ...
    @property
    def dark_current_ref_temp_c(self) -> float: ...
    @property
    def dark_current_doubling_temp_c(self) -> float: ...
    @property
    def dark_current_nonuniformity(self) -> float: ...
    @property
    def hot_pixel_fraction(self) -> float: ...
    @property
    def hot_pixel_factor(self) -> float: ...
    @property
    def detector_glow_e_per_s(self) -> float: ...
    @property
    def detector_glow_edge_scale_px(self) -> float: ...
    @property
    def prnu(self) -> float: ...
    @property
    def clock_induced_charge_e(self) -> float: ...
    @property
    def cosmic_ray_rate_per_cm2_s(self) -> float: ...
    @property
    def cosmic_ray_track_length_px(self) -> float: ...
    @property
    def blooming(self) -> bool: ...
    @property
    def cti(self) -> float: ...
    @property
    def ipc_coupling(self) -> float: ...
    @property
    def nonlinearity(self) -> float: ...
    @property
    def nonlinearity_coeffs(self) -> tuple[float, ...] | None: ...
    @property
    def em_gain(self) -> float: ...
    @property
    def gain_excess_noise_factor(self) -> float: ...
    @property
    def avalanche_gain_nonuniformity(self) -> float: ...
    @property
    def avalanche_input_noise_e(self) -> float: ...
    @property
    def avalanche_input_noise_gain_exponent(self) -> float: ...
    @property
    def avalanche_input_noise_reference_gain(self) -> float: ...
    @property
    def readout_common_mode_noise_adu(self) -> float: ...
    @property
    def amplifier_layout(self) -> tuple[int, int]: ...
    @property
    def amplifier_boundaries_y_px(self) -> tuple[int, ...]: ...
    @property
    def amplifier_boundaries_x_px(self) -> tuple[int, ...]: ...
    @property
    def amplifier_gain_factors(self) -> tuple[float, ...] | None: ...
    @property
    def amplifier_offsets_adu(self) -> tuple[float, ...] | None: ...
    @property
    def amp_gain_nonuniformity(self) -> float: ...
    @property
    def amp_offset_spread_adu(self) -> float: ...
    @property
    def fixed_pattern_seed(self) -> int: ...


class Patterns(NamedTuple):
    """The fixed maps of a sensor, each `(height, width)`."""

    prnu: Image
    dark_multiplier: Image
    glow: Image
    read_noise_e: Image
    avalanche_gain: Image
    amplifier_gain: Image
    amplifier_offset_adu: Image
    bias_structure_adu: Image
    dead: NDArray[np.bool_]


class Exposure(NamedTuple):
    """A frame and what went into it, each `(height, width)`."""

    mean_photoelectrons: Image
    mean_electrons: Image
    adu: NDArray[np.uint32]


def patterns(sensor: Sensor) -> Patterns:
    """Every fixed map of the sensor."""
    key, shape, layout = key_from_seed(sensor.fixed_pattern_seed), sensor.resolution, sensor.amplifier_layout
    amplifiers = pattern.amplifier_index(
        shape, layout, sensor.amplifier_boundaries_y_px, sensor.amplifier_boundaries_x_px
    )
    gains = pattern.amplifier_gains(key, layout, sensor.amp_gain_nonuniformity, sensor.amplifier_gain_factors)
    offsets = pattern.amplifier_offsets(
        key, layout, sensor.amp_offset_spread_adu, sensor.amplifier_offsets_adu
    )
    return Patterns(
        prnu=pattern.prnu(key, shape, sensor.prnu),
        dark_multiplier=pattern.dark_multiplier(
            key, shape, sensor.dark_current_nonuniformity, sensor.hot_pixel_fraction, sensor.hot_pixel_factor
        ),
        glow=pattern.glow(shape, sensor.detector_glow_edge_scale_px),
        read_noise_e=_read_noise(sensor, key),
        avalanche_gain=pattern.avalanche_gain(
            key, shape, sensor.avalanche_gain_nonuniformity, sensor.em_gain
        ),
        amplifier_gain=gains[amplifiers],
        amplifier_offset_adu=offsets[amplifiers],
        bias_structure_adu=_bias(sensor, key),
        dead=dead_pixels(key, shape, sensor.dead_pixel_fraction, sensor.bad_column_fraction),
    )


def _read_noise(sensor: Sensor, key: int) -> Image:
    """Core and RTS tail, times the factors of the channels and the rise at the edge."""
    shape, count = sensor.resolution, sensor.readout_channel_count
    rms = pattern.read_noise_rms(
        key,
        shape,
        sensor.read_noise_e,
        sensor.read_noise_nonuniformity,
        sensor.read_noise_rts_fraction,
        sensor.read_noise_rts_factor,
    )
    factors = channels.noise_factors(key, count, sensor.read_noise_channel_nonuniformity)
    rise = edge.rise(shape, sensor.read_noise_edge_factor, sensor.read_noise_edge_scale_px)
    return rms * channels.over_sensor(factors, shape, sensor.readout_channel_axis) * rise


def _bias(sensor: Sensor, key: int) -> Image:
    """Plane and columns, channels, texture, edges."""
    shape = sensor.resolution
    offsets = channels.bias_offsets(key, sensor.readout_channel_count, sensor.bias_channel_spread_adu)
    first = edge.fall(shape, sensor.bias_edge_scale_px, sensor.bias_edge_axis)
    second = edge.fall(shape, sensor.bias_edge_secondary_scale_px, sensor.bias_edge_secondary_axis)
    return (
        bias_structure.plane_and_columns(key, shape, sensor.bias_structure_amplitude_adu)
        + channels.over_sensor(offsets, shape, sensor.readout_channel_axis)
        + bias_structure.texture(key, shape, sensor.bias_pixel_spread_adu)
        + sensor.bias_edge_amplitude_adu * first
        + sensor.bias_edge_secondary_amplitude_adu * second
    )


def mean_dark(sensor: Sensor, maps: Patterns, exposure_s: float, temperature_c: float) -> Image:
    """Mean dark charge and glow of each pixel [e-]."""
    rate = dark_current(
        sensor.dark_current_e_per_s,
        temperature_c,
        sensor.dark_current_ref_temp_c,
        sensor.dark_current_doubling_temp_c,
    )
    return mean_dark_electrons(
        rate, exposure_s, maps.dark_multiplier, sensor.detector_glow_e_per_s, maps.glow
    )


def stages(sensor: Sensor, maps: Patterns, at: Address, exposure_s: float = 0.0) -> list[Named]:
    """From mean charge to counts, in the order of the readout; effects that are absent are left out."""
    well = sensor.full_well_e
    chain: list[Named] = [("shot", partial(shot, at=at))]
    if sensor.clock_induced_charge_e:
        added = partial(clock_induced_charge, mean_e=sensor.clock_induced_charge_e, at=at)
        chain.append(("clock_induced_charge", added))
    if sensor.cosmic_ray_rate_per_cm2_s:
        hits = mean_hits(
            sensor.cosmic_ray_rate_per_cm2_s, sensor.resolution, sensor.pixel_size_um, exposure_s
        )
        struck = partial(cosmic_rays, hits=hits, track_length_px=sensor.cosmic_ray_track_length_px, at=at)
        chain.append(("cosmic_rays", struck))
    if sensor.blooming:
        chain.append(("blooming", partial(blooming, well_e=well)))
    else:
        chain.append(("full_well", partial(full_well, well_e=well)))
    chain.append(("cti", partial(cti, cti=sensor.cti)))
    coupled: Named = ("ipc", partial(ipc, coupling=sensor.ipc_coupling))
    if sensor.sensor_type != "EAPD":
        chain.append(coupled)
    if sensor.nonlinearity_coeffs is not None:
        bent = partial(polynomial, coefficients=sensor.nonlinearity_coeffs, well_e=well)
        chain.append(("nonlinearity", bent))
    elif sensor.nonlinearity:
        chain.append(("nonlinearity", partial(quadratic, coefficient=sensor.nonlinearity, well_e=well)))
    if sensor.em_gain > 1.0:
        multiplied = partial(
            gain,
            gain=sensor.em_gain,
            excess_noise_factor=sensor.gain_excess_noise_factor,
            at=at,
            avalanche_map=maps.avalanche_gain,
        )
        chain.append(("gain", multiplied))
    if sensor.sensor_type == "EAPD":
        chain.append(coupled)
    return chain + _readout(sensor, maps, at)


def super_pixel_stages(
    sensor: Sensor, maps: Patterns, at: Address, exposure_s: float, factor: int
) -> list[Named]:
    """The same where charge is summed on the chip: without that of dead pixels, and then read once a super pixel."""
    chain = stages(sensor, maps, at, exposure_s)
    names = [name for name, _ in chain]
    grid = SuperPixels(sensor, factor)
    return [
        *chain[: names.index("output_full_well")],
        chain[names.index("defects")],
        ("binning", partial(binning, factor=factor)),
        *_readout(grid, patterns(grid), at),
    ]


def _readout(sensor: Sensor, maps: Patterns, at: Address) -> list[Named]:
    node = sensor.full_well_e if sensor.output_full_well_e is None else sensor.output_full_well_e
    counted = partial(
        amplifier,
        gain_e_per_adu=sensor.gain_e_per_adu,
        bias_offset_adu=sensor.bias_offset_adu,
        gain_map=maps.amplifier_gain,
        offset_map_adu=maps.amplifier_offset_adu,
    )
    behind_gain_e = avalanche_rms_e(
        sensor.avalanche_input_noise_e,
        sensor.em_gain,
        sensor.avalanche_input_noise_reference_gain,
        sensor.avalanche_input_noise_gain_exponent,
    )
    return [
        ("output_full_well", partial(full_well, well_e=node)),
        ("defects", partial(defects, dead=maps.dead)),
        ("reset_noise", partial(reset_noise, rms_e=sensor.reset_noise_e, at=at)),
        ("avalanche_input_noise", partial(avalanche_input_noise, rms_e=behind_gain_e, at=at)),
        ("read_noise", partial(read_noise, rms_e=maps.read_noise_e, at=at)),
        ("amplifier", counted),
        ("bias_structure", partial(offset, offset_adu=maps.bias_structure_adu)),
        ("common_mode", partial(common_mode, rms_adu=sensor.readout_common_mode_noise_adu, at=at)),
        ("digitize", partial(digitize, bit_depth=sensor.bit_depth)),
    ]


def run(charge_e: Image, chain: Sequence[Named]) -> NDArray[Any]:
    """The output of the last stage."""
    for _, stage in chain:
        charge_e = stage(charge_e)
    return charge_e


def kind_of(exposure_s: float, *charges: Image | float) -> Kind:
    """Bias: no exposure. Dark: light and extra charge are all scalar zeros. Light: everything else."""
    if exposure_s == 0.0:
        return Kind.BIAS
    return Kind.DARK if all(np.ndim(charge) == 0 and charge == 0.0 for charge in charges) else Kind.LIGHT


def expose(
    sensor: Sensor,
    photon_rate: Image | float,
    exposure_s: float,
    temperature_c: float,
    *,
    seed: int,
    frame: int = 0,
    background: Image | float = 0.0,
    quantum_efficiency: float | None = None,
    extra_electrons: Image | float = 0.0,
    factor: int = 1,
    on_chip: bool = False,
) -> Exposure:
    """Frame number `frame` of `seed`; rates in photons / s / pixel. `factor` is that of binning, of counts or of charge."""
    maps = patterns(sensor)
    efficiency = sensor.quantum_efficiency if quantum_efficiency is None else quantum_efficiency
    photo = mean_photoelectrons(photon_rate, background, exposure_s, efficiency, maps.prnu)
    mean = mean_with_extra(photo + mean_dark(sensor, maps, exposure_s, temperature_c), extra_electrons)
    at = Address(key_from_seed(seed), kind_of(exposure_s, photon_rate, background, extra_electrons), frame)
    if on_chip:
        adu = run(mean, super_pixel_stages(sensor, maps, at, exposure_s, factor))
    else:
        adu = binning(run(mean, stages(sensor, maps, at, exposure_s)), factor)
    photo, mean = (binning(np.broadcast_to(value, sensor.resolution), factor) for value in (photo, mean))
    return Exposure(photo, mean, adu.astype(np.uint32))
