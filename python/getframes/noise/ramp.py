"""Nondestructive reads: charge that stays in the pixels until the next reset, read again and again.

A read is a list of stages as an exposure is (`getframes.noise.chain`); what it leaves in the pixels is held from read to read. Reads
are numbered, and the number is their frame in the random contract: what the reads of a ramp share is drawn from the words of its first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import sim
from getframes.errors import require
from getframes.memory import require_memory
from getframes.noise import chain, overscan
from getframes.noise.exposure import counts_like
from getframes.noise.stream import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from getframes.config import CameraConfig
    from getframes.noise.exposure import Exposure
    from getframes.noise.patterns import FixedPatternMaps


@dataclass(frozen=True)
class Read:
    """Which read of a ramp.

    Attributes
    ----------
    index : int
        Reads since the reset, from 0.
    interval_s : float
        Time since the read before it, or the reset [s].
    reset_frame : int
        Number of the first read of its ramp.
    common_mode : float
        Its common mode over the RMS of it.
    """

    index: int
    interval_s: float
    reset_frame: int = 0
    common_mode: float = 0.0


def reads(
    light: Exposure, intervals_s: Iterable[float], reads_per_reset: int, key: int, first: int = 0
) -> Iterator[NDArray[np.uint32]]:
    """Counts of one read after each interval, with a reset before every `reads_per_reset` of them [ADU].

    Memory is that of one ramp, however many reads there are.

    Parameters
    ----------
    light : Exposure
        What falls on the pixels; its own time does not matter.
    intervals_s : iterable of float
        Time before each read [s].
    key, first
        Key of the seed and number of the first read.
    """
    config, kind = light.config, Kind.DARK_RAMP if light.is_dark else Kind.RAMP
    held: chain.Held = (None, None)
    shares = config.readout_common_mode_noise_adu or config.ndr_common_mode_gain_noise_adu_per_s
    common_mode, reset_frame = None, first
    for number, interval_s in enumerate(intervals_s, first):
        index = (number - first) % reads_per_reset
        if index == 0:
            held, reset_frame = _after_reset(light), number
        if shares:
            common_mode = sim.common_mode_after(
                common_mode, config.readout_common_mode_correlation, key, number, kind
            )
        read = Read(index, interval_s, reset_frame, common_mode or 0.0)
        out, address = counts_like(config.frame_resolution, None), chain.Address(key, number, kind)
        chain.count(read_stages(light, read), config, address, light.dtype, out, held=held)
        strips = ((strip, _readout(config, maps, read)) for strip, maps in overscan.strips_read(light))
        overscan.read_strips(light, strips, address, out)
        yield out


def read_stages(light: Exposure, read: Read) -> tuple[chain.Stage, ...]:
    """The whole chain of one read: the charge of its interval, added to what is there, and its readout."""
    since = light.lasting(read.interval_s)
    return (
        *since.mean_stages(),
        *_charge(light.config, light.maps, read.interval_s),
        *_readout(light.config, light.maps, read),
    )


def require_ramps(config: CameraConfig) -> None:
    """Raise `DomainError` for effects that reads without a reset between them do not have here."""
    reason = "for nondestructive reads"
    require(not config.blooming, config, "blooming", f"False {reason}", config.blooming)
    require(config.cti == 0.0, config, "cti", f"0 {reason}", config.cti)
    require(config.nonlinearity == 0.0, config, "nonlinearity", f"0 {reason}", config.nonlinearity)
    coefficients = config.nonlinearity_coeffs
    require(not any(coefficients or ()), config, "nonlinearity_coeffs", f"0 {reason}", coefficients)


def _charge(config: CameraConfig, maps: FixedPatternMaps, interval_s: float) -> tuple[chain.Stage, ...]:
    """From the mean charge of an interval to all that the node holds."""
    drawn = (chain.Stage("shot"), *chain.cosmic_rays(config, interval_s))
    coupling = (chain.ipc(config.ipc_coupling),) if config.ipc_coupling else ()
    if not config.has_gain_stage:
        # Coupling is linear: that of the sum is the sum of those of the increments.
        return (*drawn, chain.Stage("well", {"limit_e": config.full_well_e}), *coupling)
    well = chain.Stage("well_increment", {"limit_e": config.full_well_e})
    gain = chain.gain(config.em_gain, config.gain_excess_noise_factor, maps.avalanche_gain_multiplier)
    node = chain.Stage("node", {"limit_e": math.inf})
    if _couples_behind_gain(config):
        return (*drawn, well, gain, node, *coupling)
    return (*drawn, well, *coupling, gain, node)


def _couples_behind_gain(config: CameraConfig) -> bool:
    return bool(config.ipc_coupling) and config.sensor_type == "EAPD"


def _after_reset(light: Exposure) -> chain.Held:
    """Empty pixels; over the whole sensor where a stage that looks at other pixels comes later."""
    config = light.config
    well_shape = config.resolution if config.ipc_coupling else config.output_resolution
    require_memory(well_shape, light.dtype.itemsize, "the charge of a ramp")
    well = np.zeros(well_shape, light.dtype)
    if not config.has_gain_stage:
        return well, None
    node_shape = config.resolution if _couples_behind_gain(config) else config.output_resolution
    require_memory(node_shape, light.dtype.itemsize, "the charge of a ramp")
    return well, np.zeros(node_shape, light.dtype)


def _readout(config: CameraConfig, maps: FixedPatternMaps, read: Read) -> tuple[chain.Stage, ...]:
    """From the charge at the output node to analogue counts."""
    stages: list[chain.Stage] = []
    for stage in chain.readout(config, maps):
        if stage.name == "reset_noise":
            stages.append(_with(stage, frame=read.reset_frame))
        elif stage.name == "avalanche_input_noise":
            stages.append(_with(stage, factor=_avalanche_growth(config, read.interval_s)))
        elif stage.name == "read_noise":
            stages += _read_noise(stage, config.read_noise_correlated_fraction, read.reset_frame)
        elif stage.name != "common_mode":
            stages.append(stage)
    bias_adu = _bias_adu(config, read.interval_s) - _settling_adu(config, read)
    if bias_adu:
        stages.append(chain.Stage("ramp_bias", {"bias_adu": bias_adu}))
    rms_adu = _common_mode_rms(config, read.interval_s)
    if rms_adu:
        stages.append(chain.Stage("common_mode", {"common_mode_adu": rms_adu * read.common_mode}))
    return tuple(stages)


def _with(stage: chain.Stage, **more: Any) -> chain.Stage:
    return chain.Stage(stage.name, {**stage.parameters, **more})


def _read_noise(noise: chain.Stage, correlated_fraction: float, reset_frame: int) -> list[chain.Stage]:
    """sqrt(f) of it is the same in all reads of a ramp, sqrt(1 - f) is new in each."""
    if correlated_fraction == 0.0:
        return [noise]
    shared = chain.Stage("correlated_read_noise", noise.parameters)
    return [
        _with(shared, factor=math.sqrt(correlated_fraction), frame=reset_frame),
        _with(noise, factor=math.sqrt(1.0 - correlated_fraction)),
    ]


def _avalanche_growth(config: CameraConfig, interval_s: float) -> float:
    return _power(
        interval_s / config.ndr_avalanche_input_noise_reference_interval_s,
        config.ndr_avalanche_input_noise_interval_exponent,
    )


def _bias_adu(config: CameraConfig, interval_s: float) -> float:
    """interval (offset + coefficient (G - 1)) [ADU]."""
    per_gain = config.ndr_bias_gain_coefficient_adu_per_s * (config.em_gain - 1.0)
    return interval_s * (config.ndr_bias_offset_adu_per_s + per_gain)


def _settling_adu(config: CameraConfig, read: Read) -> float:
    """A G / gain (interval / reference)^p exp(-i / scale) [ADU], missing from read i after a reset."""
    scale = config.ndr_reset_settling_scale_reads
    if not config.ndr_reset_settling_input_e or scale == 0.0 or read.index > 700.0 * scale:
        return 0.0
    growth = _power(
        read.interval_s / config.ndr_reset_settling_reference_interval_s,
        config.ndr_reset_settling_interval_exponent,
    )
    decay = sim.power(math.e, -read.index / scale)
    missing_e = config.ndr_reset_settling_input_e * config.em_gain * growth * decay
    return missing_e / config.gain_e_per_adu


def _common_mode_rms(config: CameraConfig, interval_s: float) -> float:
    """RMS of the common mode of a read [ADU]: sigma + coefficient (G - 1) interval."""
    per_gain = config.ndr_common_mode_gain_noise_adu_per_s * (config.em_gain - 1.0)
    return config.readout_common_mode_noise_adu + per_gain * interval_s


def _power(ratio: float, exponent: float) -> float:
    """ratio^exponent, with 0^0 = 1."""
    if exponent == 0.0 or ratio == 0.0:
        return float(exponent == 0.0)
    return sim.power(ratio, exponent)
