"""Fixed patterns of a sensor: the maps that are the same in every frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes._native import core, sim
from getframes.config.geometry import strips
from getframes.memory import require_memory
from getframes.noise.stream import Kind, StageId, seed_key
from getframes.precision import working_dtype

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from getframes.config import CameraConfig
    from getframes.config.geometry import Span, Strip

    Map = float | NDArray[np.floating[Any]]


class FixedPatternMaps(NamedTuple):
    """Maps over the whole sensor, shape (height, width), or one number where the sensor is uniform.

    Keyed on `fixed_pattern_seed` and the shape of the sensor alone; read-only.
    """

    dark_multiplier: Map
    """DSNU times hot pixels [1]."""
    prnu_multiplier: Map
    """Pixel response, mean 1."""
    amplifier_gain: Map
    """Gain of each pixel's amplifier [e-/ADU]."""
    amplifier_offset: Map
    """Offset of each pixel's amplifier [ADU]."""
    bias_structure: Map
    """Structure of the bias [ADU]: plane and columns, channels, texture, edges."""
    defect_mask: NDArray[np.bool_] | None
    """True where a pixel is dead, alone or with its column; None where none can be."""
    read_noise_sigma: Map
    """RMS read noise [e-]."""
    avalanche_gain_multiplier: Map
    """Avalanche gain, mean 1."""
    glow_shape: Map = 1.0
    """Detector glow, mean 1."""
    strips: tuple[FixedPatternMaps, ...] | None = None
    """The same for each strip of overscan and prescan, whole, in the order of `getframes.config.geometry.strips`; None without."""


def fixed_pattern_maps(
    config: CameraConfig,
    *,
    backend: Any = None,
    float_dtype: DTypeLike | None = None,
    precision: str | None = None,
) -> FixedPatternMaps:
    """The maps of a camera, in the working precision.

    Raises
    ------
    SizeError
        If the maps do not fit in memory; nothing is allocated then.
    """
    from getframes.backend import require_cpu

    require_cpu(backend)
    dtype = working_dtype(float_dtype, precision)
    maps = _Maker(config, dtype)
    count = sum(
        map(
            bool,
            (
                config.prnu,
                config.dark_current_nonuniformity or config.hot_pixel_fraction,
                config.read_noise_nonuniformity or config.read_noise_rts_fraction or _has_profile(config),
                _has_bias_structure(config),
                config.detector_glow_edge_scale_px and config.detector_glow_e_per_s,
                config.has_gain_stage and config.avalanche_gain_nonuniformity,
            ),
        )
    )
    require_memory(
        config.resolution, max(count, 1) * dtype.itemsize, f"the fixed patterns of {config.name!r}"
    )
    return FixedPatternMaps(
        dark_multiplier=maps.drawn(
            StageId.DSNU,
            config.dark_current_nonuniformity,
            outliers=(StageId.HOT_PIXELS, config.hot_pixel_fraction, config.hot_pixel_factor),
        ),
        prnu_multiplier=maps.drawn(StageId.PRNU, config.prnu),
        amplifier_gain=maps.amplifiers(_amplifier_gains(config), config.gain_e_per_adu),
        amplifier_offset=maps.amplifiers(_amplifier_offsets(config), 0.0),
        bias_structure=maps.bias_structure(),
        defect_mask=maps.dead_pixels(),
        read_noise_sigma=maps.drawn(
            StageId.READ_NOISE_CORE,
            config.read_noise_nonuniformity,
            scale=config.read_noise_e,
            outliers=(StageId.READ_NOISE_RTS, config.read_noise_rts_fraction, config.read_noise_rts_factor),
            has_profile=_has_profile(config),
        ),
        avalanche_gain_multiplier=maps.drawn(
            StageId.AVALANCHE_GAIN, config.avalanche_gain_nonuniformity * sim.logarithm(config.em_gain)
        ),
        glow_shape=maps.glow(),
        strips=maps.strips(),
    )


class _Maker:
    """Makes maps of one sensor; a map that would be uniform stays a number."""

    def __init__(self, config: CameraConfig, dtype: np.dtype[Any]) -> None:
        self.config = config
        self.dtype = dtype
        self.key = seed_key(config.fixed_pattern_seed)

    def drawn(
        self,
        stage: StageId,
        spread: float,
        *,
        scale: float = 1.0,
        outliers: tuple[StageId, float, float] = (StageId.HOT_PIXELS, 0.0, 1.0),
        has_profile: bool = False,
    ) -> Map:
        outlier_stage, fraction, factor = outliers
        if spread == 0.0 and (fraction == 0.0 or factor == 1.0) and not has_profile:
            return scale
        config = self.config
        channels = (
            config.readout_channel_count,
            config.readout_channel_axis,
            config.read_noise_channel_nonuniformity,
        )
        return _frozen(
            sim.sensor_map(
                self.config.resolution,
                key=self.key,
                scale=scale,
                spread_stage=stage,
                spread=spread,
                outlier_stage=outlier_stage,
                outlier_fraction=fraction,
                outlier_factor=factor,
                precision=self.dtype.name,
                channels=channels if has_profile and channels[2] else None,
                edge=(config.read_noise_edge_factor, config.read_noise_edge_scale_px)
                if has_profile
                else None,
            )
        )

    def bias_structure(self) -> Map:
        config = self.config
        if not _has_bias_structure(config):
            return 0.0
        return _frozen(
            sim.bias_structure(
                config.resolution,
                key=self.key,
                amplitude=config.bias_structure_amplitude_adu,
                channels=(
                    config.readout_channel_count,
                    config.readout_channel_axis,
                    config.bias_channel_spread_adu,
                ),
                texture=config.bias_pixel_spread_adu,
                edges=(
                    (config.bias_edge_amplitude_adu, config.bias_edge_scale_px, config.bias_edge_axis),
                    (
                        config.bias_edge_secondary_amplitude_adu,
                        config.bias_edge_secondary_scale_px,
                        config.bias_edge_secondary_axis,
                    ),
                ),
                precision=self.dtype.name,
            )
        )

    def dead_pixels(self) -> NDArray[np.bool_] | None:
        config = self.config
        if config.dead_pixel_fraction == 0.0 and config.bad_column_fraction == 0.0:
            return None
        return _frozen(
            sim.dead_pixels(
                config.resolution, self.key, config.dead_pixel_fraction, config.bad_column_fraction
            )
        )

    def glow(self) -> Map:
        scale = self.config.detector_glow_edge_scale_px
        if scale == 0.0 or self.config.detector_glow_e_per_s == 0.0:
            return 1.0
        return _frozen(sim.edge_glow(self.config.resolution, scale, self.dtype.name))

    def strips(self) -> tuple[FixedPatternMaps, ...] | None:
        """Maps of the readout of pixels that are not of the sensor: amplifiers and channels go on beyond its edge."""
        config = self.config
        if not config.has_strips:
            return None
        noise = self._channel_noise() if config.read_noise_channel_nonuniformity else None
        offsets = self._channel_offsets() if config.bias_channel_spread_adu else None
        gains, biases = _amplifier_gains(config), _amplifier_offsets(config)
        return tuple(
            FixedPatternMaps(
                dark_multiplier=1.0,
                prnu_multiplier=1.0,
                amplifier_gain=self._by_amplifier(strip, gains, config.gain_e_per_adu),
                amplifier_offset=self._by_amplifier(strip, biases, 0.0),
                bias_structure=self._by_channel(strip, offsets, 0.0),
                defect_mask=None,
                read_noise_sigma=self._by_channel(strip, noise, config.read_noise_e),
                avalanche_gain_multiplier=1.0,
            )
            for strip in strips(config)
        )

    def _channel_noise(self) -> NDArray[Any]:
        """Read noise of each channel [e-]: the map of a sensor that is one turn of them."""
        config, count = self.config, self.config.readout_channel_count
        noise = sim.sensor_map(
            (count, 1),
            key=self.key,
            scale=config.read_noise_e,
            spread_stage=StageId.READ_NOISE_CORE,
            spread=0.0,
            outlier_stage=StageId.READ_NOISE_RTS,
            outlier_fraction=0.0,
            outlier_factor=1.0,
            precision=self.dtype.name,
            channels=(count, 0, config.read_noise_channel_nonuniformity),
        )
        return noise[:, 0]

    def _channel_offsets(self) -> NDArray[Any]:
        """Bias of each channel [ADU], in the same way."""
        config, count = self.config, self.config.readout_channel_count
        bias = sim.bias_structure(
            (count, 1),
            key=self.key,
            amplitude=0.0,
            channels=(count, 0, config.bias_channel_spread_adu),
            texture=0.0,
            edges=((0.0, 0.0, None), (0.0, 0.0, None)),
            precision=self.dtype.name,
        )
        return bias[:, 0]

    def _by_amplifier(self, strip: Strip, values: NDArray[np.float64] | None, uniform: float) -> Map:
        if values is None:
            return uniform
        rows, columns = (
            np.repeat([part[0] for part in span.parts], [part[2] for part in span.parts]).astype(np.intp)
            for span in (strip.rows, strip.columns)
        )
        blocks = values.astype(self.dtype).reshape(self.config.amplifier_layout)
        return _frozen(np.ascontiguousarray(blocks[np.ix_(rows, columns)]))

    def _by_channel(self, strip: Strip, values: NDArray[Any] | None, uniform: float) -> Map:
        if values is None:
            return uniform
        is_row = self.config.readout_channel_axis == 0
        along = values[_places(strip.rows if is_row else strip.columns) % values.size]
        shape = (strip.rows.length, strip.columns.length)
        return _frozen(np.ascontiguousarray(np.broadcast_to(along[:, None] if is_row else along, shape)))

    def amplifiers(self, values: NDArray[np.float64] | None, uniform: float) -> Map:
        if values is None:
            return uniform
        rows, columns = (
            np.diff((0, *boundaries, side))
            for boundaries, side in zip(
                (self.config.sensor_amplifier_boundaries_y_px, self.config.sensor_amplifier_boundaries_x_px),
                self.config.resolution,
                strict=True,
            )
        )
        blocks = values.astype(self.dtype).reshape(self.config.amplifier_layout)
        return _frozen(np.repeat(np.repeat(blocks, rows, axis=0), columns, axis=1))


def _places(span: Span) -> NDArray[np.intp]:
    """Where the pixels of a span are on the sensor, or would be [px]."""
    return np.concatenate(
        [np.arange(first, first + count) for _, first, count in span.parts] or [np.arange(0)]
    )


def _has_profile(config: CameraConfig) -> bool:
    """Whether the read noise depends on the channel or on the distance to the edge."""
    at_edge = config.read_noise_edge_factor != 1.0 and config.read_noise_edge_scale_px > 0.0
    return at_edge or config.read_noise_channel_nonuniformity > 0.0


def _has_bias_structure(config: CameraConfig) -> bool:
    return any(
        (
            config.bias_structure_amplitude_adu,
            config.bias_channel_spread_adu,
            config.bias_pixel_spread_adu,
            config.bias_edge_amplitude_adu and config.bias_edge_scale_px,
            config.bias_edge_secondary_amplitude_adu and config.bias_edge_secondary_scale_px,
        )
    )


def _amplifier_gains(config: CameraConfig) -> NDArray[np.float64] | None:
    factors = config.amplifier_gain_factors
    if factors is not None:
        return config.gain_e_per_adu * np.array(factors)
    if config.amp_gain_nonuniformity == 0.0:
        return None
    z = _amplifier_normals(config, StageId.AMPLIFIER_GAIN)
    return config.gain_e_per_adu * (1.0 + config.amp_gain_nonuniformity * z)


def _amplifier_offsets(config: CameraConfig) -> NDArray[np.float64] | None:
    if config.amplifier_offsets_adu is not None:
        return np.array(config.amplifier_offsets_adu)
    if config.amp_offset_spread_adu == 0.0:
        return None
    return config.amp_offset_spread_adu * _amplifier_normals(config, StageId.AMPLIFIER_OFFSET)


def _amplifier_normals(config: CameraConfig, stage: StageId) -> NDArray[np.float64]:
    rows, columns = config.amplifier_layout
    return core.wide_normal(seed_key(config.fixed_pattern_seed), Kind.PATTERN, stage, 0, 0, rows * columns)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
