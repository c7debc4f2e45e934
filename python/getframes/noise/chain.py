"""The signal chain of one exposure: a list of stages that can be printed, shortened and reordered.

A stage is a name and the numbers and maps it needs; the native chain runs any list of them, fused, and the same list one stage at a
time gives the same bits. Blooming, charge transfer and interpixel capacitance look at other pixels: they stand between fused runs, and what
comes before them runs on the whole sensor, where maps of a region are 0 outside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import sim
from getframes.config.geometry import data_spans
from getframes.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from getframes.config import CameraConfig
    from getframes.config.geometry import Span, Strip
    from getframes.noise.patterns import FixedPatternMaps
    from getframes.noise.stream import Kind

    Map = float | NDArray[np.floating[Any]]
    Held = tuple[NDArray[np.floating[Any]] | None, NDArray[np.floating[Any]] | None]


_BARRIERS = frozenset({"blooming", "cti", "ipc"})
"""Stages that look at other pixels: an image of the sensor is kept before each, and no more than two at once."""

_PRECISIONS = {"f": "float32", "d": "float64"}
"""Working precisions by the character of their dtype (its name is slow to ask for)."""


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of the chain: a name, and what its law needs.

    Attributes
    ----------
    name : str
        As in the physics pages: photo, dark, extra, shot, clock_induced_charge, cosmic_rays, full_well, blooming, cti, ipc,
        nonlinearity, gain, binning, output_full_well, defects, reset_noise, avalanche_input_noise, read_noise, amplifier, bias_structure,
        common_mode; in a ramp also well, well_increment, node, correlated_read_noise, ramp_bias.
    parameters : mapping
        Numbers and maps by name, units in the names. Noise takes a `factor` on its RMS, and every stage that draws a `frame`, whose words
        it takes in place of those of its own frame.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        shown = (f"{name}={_shown(value)}" for name, value in self.parameters.items())
        return f"{self.name}({', '.join(shown)})"


def _shown(value: Any) -> str:
    if np.ndim(value) == 2:
        return f"map of mean {np.mean(value):.6g}"  # of a mask: the fraction that is set
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Address:
    """Where the random words of a frame come from: the key of its seed, its number, its kind."""

    key: int
    frame: int
    kind: Kind


def photo(
    photon_rate: Map, background: Map, exposure_s: float, quantum_efficiency: float, prnu: Map
) -> Stage:
    """Mean photoelectrons: (photon_rate + background) exposure QE prnu."""
    factor = exposure_s * quantum_efficiency
    return Stage(
        "photo", {"photon_rate": photon_rate, "background": background, "factor": factor, "prnu": prnu}
    )


def dark(config: CameraConfig, maps: FixedPatternMaps, exposure_s: float, temperature_c: float) -> Stage:
    """Mean dark charge and glow."""
    rate = sim.dark_current(
        config.dark_current_e_per_s,
        temperature_c,
        config.dark_current_ref_temp_c,
        config.dark_current_doubling_temp_c,
    )
    return Stage(
        "dark",
        {
            "dark_e": rate * exposure_s,
            "multiplier": maps.dark_multiplier,
            "glow_e": config.detector_glow_e_per_s * exposure_s,
            "glow_shape": maps.glow_shape,
        },
    )


def extra(extra_electrons: Map) -> Stage:
    """Charge that is in the pixels already, as its mean."""
    return Stage("extra", {"extra_electrons": extra_electrons})


def charge(config: CameraConfig, maps: FixedPatternMaps, exposure_s: float = 0.0) -> tuple[Stage, ...]:
    """From mean charge to the charge at the output node, in the order of docs/adr/0004-chain-order-and-fusion.md."""
    stages = [Stage("shot")]
    if config.clock_induced_charge_e:
        stages.append(Stage("clock_induced_charge", {"mean_e": config.clock_induced_charge_e}))
    stages += cosmic_rays(config, exposure_s)
    stages.append(blooming(config.full_well_e) if config.blooming else full_well(config.full_well_e))
    if config.cti:
        stages.append(cti(config.cti))
    coupling = (ipc(config.ipc_coupling),) if config.ipc_coupling else ()
    in_pixel_gain = config.sensor_type == "EAPD"
    if not in_pixel_gain:
        stages += coupling
    stages += nonlinearity(config)
    if config.has_gain_stage:
        stages.append(gain(config.em_gain, config.gain_excess_noise_factor, maps.avalanche_gain_multiplier))
    if in_pixel_gain:
        stages += coupling
    return tuple(stages)


def cosmic_rays(config: CameraConfig, exposure_s: float) -> tuple[Stage, ...]:
    """Hits of one exposure over the whole sensor, or nothing."""
    height, width = config.resolution
    area_cm2 = height * width * (config.pixel_size_um * 1e-4) ** 2
    mean_hits = config.cosmic_ray_rate_per_cm2_s * area_cm2 * exposure_s
    if mean_hits == 0.0:
        return ()
    length = config.cosmic_ray_track_length_px
    return (Stage("cosmic_rays", {"mean_hits": mean_hits, "track_length_px": length}),)


def full_well(limit_e: float) -> Stage:
    """A well that loses what it cannot hold."""
    return Stage("full_well", {"limit_e": limit_e})


def blooming(limit_e: float) -> Stage:
    """A well whose excess flows along the column."""
    return Stage("blooming", {"limit_e": limit_e})


def cti(fraction: float) -> Stage:
    """Charge left behind at every transfer towards row 0."""
    return Stage("cti", {"cti": fraction})


def ipc(coupling: float) -> Stage:
    """What each of the four neighbours sees of a pixel."""
    return Stage("ipc", {"coupling": coupling})


def nonlinearity(config: CameraConfig) -> tuple[Stage, ...]:
    """The response curve, or nothing for a linear sensor."""
    coefficients = config.nonlinearity_coeffs or ((-config.nonlinearity,) if config.nonlinearity else ())
    if not any(coefficients):
        return ()
    return (Stage("nonlinearity", {"coefficients": list(coefficients), "full_well_e": config.full_well_e}),)


def gain(mean_gain: float, excess_noise_factor: float, gain_map: Map = 1.0) -> Stage:
    """Electron multiplication or avalanche gain."""
    excess = excess_noise_factor**2 - 1.0
    if abs(excess - 1.0) < 1e-12:
        excess = 1.0  # sqrt(2)^2 - 1: whole charges then have whole shapes
    return Stage("gain", {"gain": mean_gain, "excess": max(excess, 0.0), "gain_map": gain_map})


def binned(maps: FixedPatternMaps, factor: int) -> tuple[Stage, ...]:
    """Charge of blocks of pixels, of which the dead ones have none; what comes after is over super pixels."""
    return (*defects(maps), Stage("binning", {"factor": factor}))


def defects(maps: FixedPatternMaps) -> tuple[Stage, ...]:
    """Dead pixels, or nothing."""
    return () if maps.defect_mask is None else (Stage("defects", {"dead": maps.defect_mask}),)


def readout(config: CameraConfig, maps: FixedPatternMaps, binning: int = 1) -> tuple[Stage, ...]:
    """From the charge at the output node to analogue counts; of super pixels, where the charge of blocks was summed.

    The well of a super pixel is that of its pixels together, but for the output of a camera whose `output_full_well_e` is given.
    """
    limit = config.output_full_well_e
    if limit is None:
        limit = config.full_well_e * binning**2
    stages = [Stage("output_full_well", {"limit_e": limit}), *defects(maps)]
    if config.reset_noise_e:
        stages.append(Stage("reset_noise", {"rms_e": config.reset_noise_e}))
    if config.avalanche_input_noise_e:
        stages.append(avalanche_input_noise(config, config.avalanche_input_noise_e))
    if np.ndim(maps.read_noise_sigma) or maps.read_noise_sigma:
        stages.append(Stage("read_noise", {"rms_e": maps.read_noise_sigma}))
    stages.append(
        Stage(
            "amplifier",
            {
                "gain_e_per_adu": maps.amplifier_gain,
                "bias_adu": config.bias_offset_adu,
                "offset_adu": maps.amplifier_offset,
            },
        )
    )
    if np.ndim(maps.bias_structure) or maps.bias_structure:
        stages.append(Stage("bias_structure", {"bias_structure_adu": maps.bias_structure}))
    if config.readout_common_mode_noise_adu:
        stages.append(Stage("common_mode", {"rms_adu": config.readout_common_mode_noise_adu}))
    return tuple(stages)


def avalanche_input_noise(config: CameraConfig, input_noise_e: float) -> Stage:
    """Noise behind the gain stage of RMS a G (G / G_ref)^(p - 1), for a noise `input_noise_e` at its input."""
    growth = sim.power(
        config.em_gain / config.avalanche_input_noise_reference_gain,
        config.avalanche_input_noise_gain_exponent - 1.0,
    )
    return Stage("avalanche_input_noise", {"rms_e": input_noise_e * config.em_gain * growth})


def count(
    stages: Sequence[Stage],
    config: CameraConfig,
    address: Address,
    dtype: np.dtype[Any],
    out: NDArray[np.uint32],
    binning: int = 1,
    images: sim.Images | None = None,
    held: Held | None = None,
) -> NDArray[np.uint32]:
    """Run the stages over the camera's region and digitize into `out` [ADU], summed over blocks of `binning` x `binning` pixels.

    The images between runs lie in `images`, where they are given; `held` is charge that the stages add to. Of a frame with overscan or prescan
    it is the data that are written.
    """
    grid = _region(config)
    if config.has_strips:
        factor = binning * _binned(stages)
        grid = replace(grid, window=window_of(*data_spans(config), factor))
    return _run(stages, grid, address, dtype, out, config.max_adu, binning, images, held)


def count_strip(
    stages: Sequence[Stage],
    strip: Strip,
    config: CameraConfig,
    address: Address,
    dtype: np.dtype[Any],
    out: NDArray[np.uint32],
    binning: int = 1,
) -> None:
    """The same for pixels that are not of the sensor: they go where they belong in the frame `out` [ADU]."""
    window = window_of(strip.rows, strip.columns, binning * _binned(stages))
    _run(stages, replace(_beside(strip), window=window), address, dtype, out, config.max_adu, binning)


def strip_values(
    stages: Sequence[Stage], strip: Strip, address: Address | None, dtype: np.dtype[Any], binning: int = 1
) -> NDArray[np.floating[Any]]:
    """The values of pixels that are not of the sensor after the last stage, summed over blocks."""
    _, _, height, width = window_of(strip.rows, strip.columns, binning * _binned(stages))
    return _run(stages, _beside(strip), address, dtype, np.empty((height, width), dtype), 0, binning)


def window_of(rows: Span, columns: Span, factor: int = 1) -> tuple[int, int, int, int]:
    """Top, left, height and width of two spans in a frame of super pixels."""
    (top, bottom), (left, right) = ((span.start // factor, span.stop // factor) for span in (rows, columns))
    return top, left, bottom - top, right - left


def values(
    stages: Sequence[Stage],
    config: CameraConfig,
    address: Address | None,
    dtype: np.dtype[Any],
    binning: int = 1,
) -> NDArray[np.floating[Any]]:
    """Run the stages over the camera's region; the values after the last one, in the working precision, summed over blocks."""
    height, width = config.output_resolution
    factor = binning * _binned(stages)
    out = np.empty((height // factor, width // factor), dtype)
    return _run(stages, _region(config), address, dtype, out, 0, binning)


def evaluate(stages: Sequence[Stage], address: Address | None, out: NDArray[np.floating[Any]]) -> None:
    """Run stages over a sensor of the shape of `out`, in its precision."""
    _run(stages, _Grid((out.shape[0], out.shape[1])), address, out.dtype, out, 0)


@dataclass(frozen=True)
class _Grid:
    """Where pixels lie: on which sensor, from which row and column on, and in which part of the frame.

    Attributes
    ----------
    sensor_shape, origin : (int, int)
        Height and width of the sensor; row and column of the first pixel.
    first : int
        Address of the first pixel of the sensor.
    window : (int, int, int, int), optional
        Top, left, height and width of the part of the frame that is written; all of it when left out.
    """

    sensor_shape: tuple[int, int]
    origin: tuple[int, int] = (0, 0)
    first: int = 0
    window: tuple[int, int, int, int] | None = None


def _region(config: CameraConfig) -> _Grid:
    left, top, *_ = config.roi or (0, 0)
    return _Grid(config.resolution, (top, left))


def _beside(strip: Strip) -> _Grid:
    return _Grid(
        (strip.rows.length, strip.columns.length), (strip.rows.origin, strip.columns.origin), strip.first
    )


def _binned(stages: Sequence[Stage]) -> int:
    """Pixels on the side of a block whose charge is summed."""
    return prod(stage.parameters["factor"] for stage in stages if stage.name == "binning")


def _run(
    stages: Sequence[Stage],
    grid: _Grid,
    address: Address | None,
    dtype: np.dtype[Any],
    out: NDArray[Any],
    max_adu: int,
    binning: int = 1,
    images: sim.Images | None = None,
    held: Held | None = None,
) -> NDArray[Any]:
    barriers = sum(stage.name in _BARRIERS for stage in stages)
    if barriers:
        require_memory(
            grid.sensor_shape,
            min(barriers, 2) * dtype.itemsize,
            "the charge between stages that look at other pixels",
        )
    sim.run_chain(
        [(stage.name, stage.parameters) for stage in stages],
        out,
        sensor_shape=grid.sensor_shape,
        origin=grid.origin,
        first=grid.first,
        window=grid.window,
        key=address.key if address else 0,
        frame=address.frame if address else 0,
        kind=address.kind if address else 0,
        precision=_PRECISIONS[dtype.char],
        max_adu=max_adu,
        binning=binning,
        images=images,
        held=held,
    )
    return out
