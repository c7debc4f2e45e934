"""A camera as numbers."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from getframes.config.camera_fields import FIELDS, TEMPERATURE_C
from getframes.config.conflicts import conflicts
from getframes.config.geometry import (
    Span,
    Strips,
    amplifier_boundaries,
    column_spans,
    inside_region,
    row_spans,
)
from getframes.config.sensor import SensorType
from getframes.errors import did_you_mean, require
from getframes.spectral import QE

_FREE_TEXT = ("notes", "extra")


@dataclass(frozen=True)
class CameraConfig:
    """Everything the simulator knows about a camera; checked when made, and then fixed.

    Meaning, unit and rule of every field: `getframes.config.field_rows()`, printed in the reference. Where a
    field has a unit an astropy Quantity is taken as well. Sequences are kept as tuples, so that two equal
    cameras compare equal and hash the same (`extra` does not take part in the hash).

    Raises
    ------
    DomainError
        When a value breaks the rule of its field, or does not fit the other fields.
    """

    name: str
    sensor_type: SensorType
    resolution: tuple[int, int]
    pixel_size_um: float
    quantum_efficiency: float
    full_well_e: float
    bit_depth: int
    gain_e_per_adu: float
    bias_offset_adu: float
    read_noise_e: float
    dark_current_e_per_s: float
    qe_curve: QE | None = None
    supported_binnings: tuple[int, ...] = (1,)
    binning_method: str = "digital"
    output_full_well_e: float | None = None
    detector_glow_e_per_s: float = 0.0
    prnu: float = 0.0
    avalanche_input_noise_e: float = 0.0
    avalanche_input_noise_gain_exponent: float = 1.0
    avalanche_input_noise_reference_gain: float = 1.0
    read_noise_nonuniformity: float = 0.0
    read_noise_rts_fraction: float = 0.0
    read_noise_rts_factor: float = 2.5
    readout_channel_count: int = 1
    readout_channel_axis: int = 1
    read_noise_channel_nonuniformity: float = 0.0
    read_noise_edge_factor: float = 1.0
    read_noise_edge_scale_px: float = 0.0
    readout_common_mode_noise_adu: float = 0.0
    readout_common_mode_correlation: float = 0.0
    ndr_bias_offset_adu_per_s: float = 0.0
    ndr_bias_gain_coefficient_adu_per_s: float = 0.0
    ndr_common_mode_gain_noise_adu_per_s: float = 0.0
    ndr_avalanche_input_noise_reference_interval_s: float = 1.0
    ndr_avalanche_input_noise_interval_exponent: float = 0.0
    ndr_reset_settling_input_e: float = 0.0
    ndr_reset_settling_scale_reads: float = 0.0
    ndr_reset_settling_reference_interval_s: float = 1.0
    ndr_reset_settling_interval_exponent: float = 0.0
    detector_glow_edge_scale_px: float = 0.0
    nonlinearity: float = 0.0
    nonlinearity_coeffs: tuple[float, ...] | None = None
    cti: float = 0.0
    blooming: bool = False
    ipc_coupling: float = 0.0
    charge_diffusion_fwhm_px: float = 0.0
    reset_noise_e: float = 0.0
    read_noise_correlated_fraction: float = 0.0
    amplifier_layout: tuple[int, int] = (1, 1)
    amplifier_boundaries_y_px: tuple[int, ...] = ()
    amplifier_boundaries_x_px: tuple[int, ...] = ()
    amplifier_gain_factors: tuple[float, ...] | None = None
    amplifier_offsets_adu: tuple[float, ...] | None = None
    amp_gain_nonuniformity: float = 0.0
    amp_offset_spread_adu: float = 0.0
    cosmic_ray_track_length_px: float = 0.0
    bad_column_fraction: float = 0.0
    dead_pixel_fraction: float = 0.0
    bias_structure_amplitude_adu: float = 0.0
    bias_channel_spread_adu: float = 0.0
    bias_pixel_spread_adu: float = 0.0
    bias_edge_amplitude_adu: float = 0.0
    bias_edge_scale_px: float = 0.0
    bias_edge_axis: int | None = None
    bias_edge_secondary_amplitude_adu: float = 0.0
    bias_edge_secondary_scale_px: float = 0.0
    bias_edge_secondary_axis: int | None = None
    cosmic_ray_rate_per_cm2_s: float = 0.0
    dark_current_ref_temp_c: float = 20.0
    dark_current_doubling_temp_c: float = 6.3
    em_gain: float = 1.0
    avalanche_gain_nonuniformity: float = 0.0
    excess_noise_factor: float | None = None
    clock_induced_charge_e: float = 0.0
    persistence_fraction: float = 0.0
    persistence_decay: float = 0.5
    dark_current_nonuniformity: float = 0.0
    hot_pixel_fraction: float = 0.0
    hot_pixel_factor: float = 100.0
    fixed_pattern_seed: int = 0
    manufacturer: str | None = None
    model: str | None = None
    notes: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, hash=False)
    roi: tuple[int, int, int, int] | None = None
    overscan: Strips | None = None
    prescan: Strips | None = None

    def __post_init__(self) -> None:
        for entry in FIELDS:
            value = entry.read(getattr(self, entry.name), "CameraConfig")
            object.__setattr__(self, entry.name, value)
        for conflict in conflicts(self):
            require(False, self, *conflict)

    @property
    def max_adu(self) -> int:
        """Highest count of the converter [ADU]: 2^bit_depth - 1."""
        return (1 << self.bit_depth) - 1

    @property
    def output_resolution(self) -> tuple[int, int]:
        """Height and width of the light that falls on what is read [px]: the region, or the sensor."""
        if self.roi is None:
            return self.resolution
        _, _, width, height = self.roi
        return height, width

    @property
    def frame_resolution(self) -> tuple[int, int]:
        """Height and width of a frame [px]: `output_resolution`, with overscan and prescan."""
        if not self.has_strips:
            return self.output_resolution
        rows, columns = self.frame_spans
        return rows[-1].stop, columns[-1].stop

    @cached_property
    def frame_spans(self) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
        """What a frame consists of from the bottom to the top, and from left to right: prescan, data, overscan."""
        return row_spans(self), column_spans(self)

    @property
    def has_strips(self) -> bool:
        """Whether frames hold pixels that are not of the sensor: overscan or prescan."""
        return self.overscan is not None or self.prescan is not None

    @property
    def roi_slices(self) -> tuple[slice, slice]:
        """Rows and columns of the sensor that a frame shows."""
        left, top, width, height = self.roi or (0, 0, self.resolution[1], self.resolution[0])
        return slice(top, top + height), slice(left, left + width)

    @property
    def sensor_amplifier_boundaries_y_px(self) -> tuple[int, ...]:
        """First row of each amplifier block after the first, on the whole sensor [px]."""
        return amplifier_boundaries(self, 0)

    @property
    def sensor_amplifier_boundaries_x_px(self) -> tuple[int, ...]:
        """First column of each amplifier block after the first, on the whole sensor [px]."""
        return amplifier_boundaries(self, 1)

    @property
    def active_amplifier_boundaries_y_px(self) -> tuple[int, ...]:
        """Rows of a frame at which an amplifier block begins [px], without the first row."""
        rows, _ = self.roi_slices
        return inside_region(self.sensor_amplifier_boundaries_y_px, rows.start, rows.stop - rows.start)

    @property
    def active_amplifier_boundaries_x_px(self) -> tuple[int, ...]:
        """Columns of a frame at which an amplifier block begins [px], without the first column."""
        _, columns = self.roi_slices
        return inside_region(
            self.sensor_amplifier_boundaries_x_px, columns.start, columns.stop - columns.start
        )

    @property
    def has_gain_stage(self) -> bool:
        """Whether charge is multiplied before it is read."""
        return self.em_gain > 1.0

    @property
    def gain_excess_noise_factor(self) -> float:
        """Excess noise factor F of the gain stage: as given, else sqrt(2) for an EMCCD and 1 otherwise.

        Robbins and Hadwen 2003, doi:10.1109/TED.2003.813462 (F^2 -> 2 at high gain).
        """
        if self.excess_noise_factor is not None:
            return self.excess_noise_factor
        return math.sqrt(2.0) if self.sensor_type is SensorType.EMCCD else 1.0

    @cached_property
    def digest(self) -> str:
        """Hexadecimal digest of all fields but `notes` and `extra`; the same on every machine."""
        values = {key: value for key, value in self.to_dict().items() if key not in _FREE_TEXT}
        text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def dark_current_at(self, temperature_c: float) -> float:
        """Mean dark current at `temperature_c` [e-/s/pixel]: it doubles every `dark_current_doubling_temp_c`.

        Raises
        ------
        DomainError
            When the temperature is not a number, or below absolute zero.
        """
        temperature: float = TEMPERATURE_C.read(temperature_c, "CameraConfig.dark_current_at")
        doublings = (temperature - self.dark_current_ref_temp_c) / self.dark_current_doubling_temp_c
        require(doublings < 1000, "", "temperature_c", "low enough for a finite dark current", temperature_c)
        return self.dark_current_e_per_s * math.pow(2.0, doublings)

    def replace(self, **changes: Any) -> CameraConfig:
        """A copy with some fields changed.

        Raises
        ------
        TypeError
            For a name that is no field; the nearest is offered.
        DomainError
            As for a new camera.
        """
        names = [entry.name for entry in FIELDS]
        for name in changes:
            if name not in names:
                raise TypeError(f"CameraConfig has no field {name!r}{did_you_mean(name, names)}")
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain numbers, strings, lists and tables, without those that are None.

        What JSON and TOML can hold; `from_dict` makes the same camera of it.
        """
        values = {entry.name: _as_plain(getattr(self, entry.name)) for entry in FIELDS}
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> CameraConfig:
        """The camera of a mapping such as `to_dict` gives; keys that are no fields are kept in `extra`.

        Raises
        ------
        TypeError
            When a field without a default is missing.
        DomainError
            As for a new camera.
        """
        names = [entry.name for entry in FIELDS]
        missing = [entry.name for entry in FIELDS if entry.required and entry.name not in data]
        if missing:
            raise TypeError(f"CameraConfig.from_dict needs {', '.join(missing)}")
        known = {name: value for name, value in data.items() if name in names}
        others = {name: value for name, value in data.items() if name not in names}
        known["extra"] = {**known.get("extra", {}), **others}
        return cls(**known)


def _as_plain(value: Any) -> Any:
    if isinstance(value, SensorType):
        return value.value
    if isinstance(value, QE):
        return {"wavelength_nm": value.wavelength_nm.tolist(), "qe": value.value.tolist()}
    if isinstance(value, Strips):
        return value._asdict()
    if isinstance(value, tuple):
        return list(value)
    return copy.deepcopy(value)
