"""The fields of a camera: unit, rule and meaning of each, written once.

`CameraConfig` checks its values against this table, experiment files take their types from it, and the
reference page prints it.
"""

from __future__ import annotations

from typing import Any

from getframes.config.field import (
    ANY,
    AT_LEAST_ONE,
    BELOW_ONE,
    FLAG,
    FRACTION,
    INTEGER,
    NOT_NEGATIVE,
    NUMBER,
    POSITIVE,
    TABLE,
    TEXT,
    WORD,
    Field,
    Kind,
    MisfitError,
    Rule,
    as_integer,
    integers,
    numbers,
    one_of,
)
from getframes.config.geometry import Strips
from getframes.config.sensor import SensorType
from getframes.errors import DomainError, did_you_mean
from getframes.spectral import QE

_ABSOLUTE_ZERO = Rule(">= -273.15", lambda value: value >= -273.15)

TEMPERATURE_C = Field("temperature_c", NUMBER, "Temperature of the sensor.", _ABSOLUTE_ZERO, "deg C")

MAX_PIXELS = 2**34
"""Pixels that the random contract can address in one frame."""


def _as_sensor_type(value: Any, strict: bool) -> SensorType:
    try:
        return SensorType.coerce(value)
    except DomainError:
        raise MisfitError("one of " + ", ".join(kind.value for kind in SensorType)) from None


def _as_qe_curve(value: Any, strict: bool) -> QE:
    """A `QE`, or a table with `wavelength_nm` and `qe` as files and `to_dict` have it."""
    if isinstance(value, QE):
        return value
    if not isinstance(value, dict) or set(value) != {"wavelength_nm", "qe"}:
        raise MisfitError("a QE or a table with wavelength_nm and qe")
    try:
        return QE.from_arrays(value["wavelength_nm"], value["qe"])
    except DomainError as error:
        raise MisfitError(f"a table with wavelength_nm and qe ({error})") from None


SIDES = ("left", "right", "both")
"""Where the columns of a strip may stand."""


def _strips(side: str) -> Kind:
    """A table of columns, rows and side, of which at least one of the first two is there."""

    def read(value: Any, strict: bool) -> Strips:
        table = value._asdict() if isinstance(value, Strips) else value
        if not isinstance(table, dict):
            raise MisfitError("")
        for key in table:
            if key not in Strips._fields:
                raise MisfitError(f"without {key!r}{did_you_mean(str(key), Strips._fields)},")
        try:
            columns, rows = (as_integer(table.get(key, 0), strict) for key in ("columns", "rows"))
        except MisfitError:
            raise MisfitError("") from None
        return Strips(columns, rows, table.get("side", side))

    return Kind("table", read)


_STRIPS = Rule(
    "a table with integers columns >= 0 and rows >= 0, not both 0, and a side 'left', 'right' or 'both'",
    lambda strips: min(strips[:2]) >= 0 and max(strips[:2]) > 0 and strips.side in SIDES,
)
_SENSOR_TYPE = Kind("string", _as_sensor_type)
_QE_CURVE = Kind("table", _as_qe_curve)
_TWO = integers("two integers", 2)
SIZE = Rule(
    "of at least 1 pixel each way and at most 2^34 pixels in all",
    lambda size: min(size) >= 1 and size[0] * size[1] <= MAX_PIXELS,
)
_BINNINGS = Rule(">= 1 and include 1", lambda factors: 1 in factors and min(factors) >= 1)
_GAINS = Rule("> 0", lambda factors: min(factors, default=0.0) > 0)
_BITS = Rule("in 1..32", lambda bits: 1 <= bits <= 32)
_CORRELATION = Rule("in (-1, 1)", lambda value: -1 < value < 1)
_AXIS = Rule("0 (rows) or 1 (columns)", lambda axis: axis in (0, 1))
_INSIDE = Rule(
    "(left, top, width, height) with left, top >= 0 and width, height >= 1",
    lambda roi: min(roi[:2]) >= 0 and min(roi[2:]) >= 1,
)


def _number(name: str, unit: str, rule: Rule, doc: str, **more: Any) -> Field:
    return Field(name, NUMBER, doc, rule, unit, **more)


FIELDS: tuple[Field, ...] = (
    Field("name", TEXT, "Name of the camera, as in headers and tables.", WORD, required=True),
    Field("sensor_type", _SENSOR_TYPE, "Kind of sensor: CCD, CMOS, EMCCD, EAPD or SCMOS.", required=True),
    Field("resolution", _TWO, "Height and width of the sensor.", SIZE, required=True),
    _number("pixel_size_um", "um", POSITIVE, "Pitch of the pixels.", required=True),
    _number("quantum_efficiency", "", FRACTION, "Electrons per incident photon.", required=True),
    _number("full_well_e", "e-", POSITIVE, "Charge a pixel holds, before any gain stage.", required=True),
    Field("bit_depth", INTEGER, "Bits of the converter; ADU end at 2^bits - 1.", _BITS, required=True),
    _number("gain_e_per_adu", "e-/ADU", POSITIVE, "Electrons per ADU at the converter.", required=True),
    _number("bias_offset_adu", "ADU", ANY, "Offset added to every pixel.", required=True),
    _number(
        "read_noise_e", "e-", NOT_NEGATIVE, "RMS noise of one read, after any gain stage.", required=True
    ),
    _number(
        "dark_current_e_per_s",
        "e-/s",
        NOT_NEGATIVE,
        "Mean dark current of a pixel at the reference temperature.",
        required=True,
    ),
    Field(
        "qe_curve",
        _QE_CURVE,
        "Quantum efficiency against wavelength: arrays wavelength_nm and qe.",
        optional=True,
    ),
    Field("supported_binnings", integers("integers"), "Binning factors of the camera.", _BINNINGS),
    Field("binning_method", TEXT, "Where pixels are summed.", one_of("digital", "on_chip")),
    _number(
        "output_full_well_e",
        "e-",
        POSITIVE,
        "Charge the output holds, after the gain stage; full_well_e when left out.",
        optional=True,
    ),
    _number("detector_glow_e_per_s", "e-/s", NOT_NEGATIVE, "Mean glow of a pixel, at any temperature."),
    _number("prnu", "", NOT_NEGATIVE, "Width of the log-normal pixel response map."),
    _number(
        "avalanche_input_noise_e",
        "e-",
        NOT_NEGATIVE,
        "Input noise of the avalanche gain, at the reference gain.",
    ),
    _number(
        "avalanche_input_noise_gain_exponent",
        "",
        POSITIVE,
        "Power of the gain with which that noise grows.",
    ),
    _number(
        "avalanche_input_noise_reference_gain",
        "",
        AT_LEAST_ONE,
        "Gain at which that noise was measured.",
    ),
    _number(
        "read_noise_nonuniformity", "", NOT_NEGATIVE, "Width of the log-normal core of the read-noise map."
    ),
    _number("read_noise_rts_fraction", "", FRACTION, "Fraction of pixels with random telegraph noise."),
    _number("read_noise_rts_factor", "", POSITIVE, "Factor on the read noise of those pixels."),
    Field(
        "readout_channel_count",
        INTEGER,
        "Interleaved readout channels.",
        AT_LEAST_ONE,
    ),
    Field(
        "readout_channel_axis",
        INTEGER,
        "Axis along which the channels take turns.",
        _AXIS,
    ),
    _number(
        "read_noise_channel_nonuniformity",
        "",
        NOT_NEGATIVE,
        "Spread of the read noise over channels.",
    ),
    _number(
        "read_noise_edge_factor",
        "",
        AT_LEAST_ONE,
        "Factor on the read noise at the edge of the array.",
    ),
    _number(
        "read_noise_edge_scale_px",
        "px",
        NOT_NEGATIVE,
        "Distance over which that factor decays.",
    ),
    _number(
        "readout_common_mode_noise_adu",
        "ADU",
        NOT_NEGATIVE,
        "RMS of the offset that all pixels of a frame share.",
    ),
    _number(
        "readout_common_mode_correlation",
        "",
        _CORRELATION,
        "Correlation of that offset from read to read.",
    ),
    _number("ndr_bias_offset_adu_per_s", "ADU/s", NOT_NEGATIVE, "Rise of the bias with the read interval."),
    _number("ndr_bias_gain_coefficient_adu_per_s", "ADU/s", NOT_NEGATIVE, "The same, per unit of gain - 1."),
    _number(
        "ndr_common_mode_gain_noise_adu_per_s",
        "ADU/s",
        NOT_NEGATIVE,
        "RMS added to the common-mode noise of a read, per unit of gain - 1 and second of interval.",
    ),
    _number(
        "ndr_avalanche_input_noise_reference_interval_s",
        "s",
        POSITIVE,
        "Read interval at which the avalanche input noise was measured.",
    ),
    _number(
        "ndr_avalanche_input_noise_interval_exponent",
        "",
        NOT_NEGATIVE,
        "Power of the read interval with which that noise grows.",
    ),
    _number(
        "ndr_reset_settling_input_e", "e-", NOT_NEGATIVE, "Charge missing from the first read after reset."
    ),
    _number(
        "ndr_reset_settling_scale_reads",
        "",
        NOT_NEGATIVE,
        "Reads over which it settles; 0 for none that is missing.",
    ),
    _number(
        "ndr_reset_settling_reference_interval_s",
        "s",
        POSITIVE,
        "Read interval at which the settling was measured.",
    ),
    _number(
        "ndr_reset_settling_interval_exponent",
        "",
        NOT_NEGATIVE,
        "Power of the read interval with which the settling grows.",
    ),
    _number(
        "detector_glow_edge_scale_px",
        "px",
        NOT_NEGATIVE,
        "Decay length of the glow from the nearest edge; 0 for uniform glow.",
    ),
    _number(
        "nonlinearity",
        "",
        Rule("in [0, 0.5)", lambda value: 0 <= value < 0.5),
        "Fraction of the signal lost at full well, growing in proportion to the signal.",
    ),
    Field(
        "nonlinearity_coeffs",
        numbers("numbers"),
        "Coefficients c_1, c_2 ... of 1 + sum c_i (signal / full well)^i, which is above 0 up to the full well; in place of nonlinearity.",
        optional=True,
    ),
    _number(
        "cti",
        "",
        BELOW_ONE,
        "Fraction of the charge left behind in one transfer.",
    ),
    Field(
        "blooming",
        FLAG,
        "Whether charge above full well flows along the column.",
    ),
    _number(
        "ipc_coupling",
        "",
        Rule("in [0, 0.25)", lambda value: 0 <= value < 0.25),
        "Fraction of the signal that appears in each of the four neighbours.",
    ),
    _number(
        "charge_diffusion_fwhm_px",
        "px",
        NOT_NEGATIVE,
        "Width of the cloud into which charge spreads before it is collected: it widens the PSF of scenes.",
    ),
    _number("reset_noise_e", "e-", NOT_NEGATIVE, "RMS kTC noise of the reset."),
    _number(
        "read_noise_correlated_fraction",
        "",
        BELOW_ONE,
        "Fraction of the read-noise variance that all reads of a ramp share.",
    ),
    Field(
        "amplifier_layout",
        _TWO,
        "Rows and columns of amplifier blocks.",
        Rule(">= 1", lambda layout: min(layout) >= 1),
    ),
    Field(
        "amplifier_boundaries_y_px",
        integers("integers"),
        "First row of each block after the first; equal blocks when left out.",
    ),
    Field(
        "amplifier_boundaries_x_px",
        integers("integers"),
        "First column of each block after the first; equal blocks when left out.",
    ),
    Field(
        "amplifier_gain_factors",
        numbers("numbers"),
        "Factor on gain_e_per_adu of each block, row by row.",
        _GAINS,
        optional=True,
    ),
    Field(
        "amplifier_offsets_adu",
        numbers("numbers"),
        "Offset of each block, row by row.",
        unit="ADU",
        optional=True,
    ),
    _number("amp_gain_nonuniformity", "", NOT_NEGATIVE, "Spread of the gain over amplifiers."),
    _number("amp_offset_spread_adu", "ADU", NOT_NEGATIVE, "RMS offset over amplifiers."),
    _number(
        "cosmic_ray_track_length_px",
        "px",
        NOT_NEGATIVE,
        "Mean length of a track; 0 for single pixels.",
    ),
    _number("bad_column_fraction", "", FRACTION, "Fraction of dead columns."),
    _number("dead_pixel_fraction", "", FRACTION, "Fraction of dead pixels."),
    _number(
        "bias_structure_amplitude_adu",
        "ADU",
        NOT_NEGATIVE,
        "Peak amplitude of the plane and the columns of the bias.",
    ),
    _number(
        "bias_channel_spread_adu",
        "ADU",
        NOT_NEGATIVE,
        "RMS offset over readout channels.",
    ),
    _number(
        "bias_pixel_spread_adu",
        "ADU",
        NOT_NEGATIVE,
        "RMS offset over pixels.",
    ),
    _number(
        "bias_edge_amplitude_adu",
        "ADU",
        NOT_NEGATIVE,
        "Rise of the bias at the edge.",
    ),
    _number(
        "bias_edge_scale_px",
        "px",
        NOT_NEGATIVE,
        "Distance over which that rise decays.",
    ),
    Field(
        "bias_edge_axis",
        INTEGER,
        "Axis of that rise; the whole perimeter when left out.",
        _AXIS,
        optional=True,
    ),
    _number(
        "bias_edge_secondary_amplitude_adu",
        "ADU",
        NOT_NEGATIVE,
        "A second rise at the edge.",
    ),
    _number(
        "bias_edge_secondary_scale_px",
        "px",
        NOT_NEGATIVE,
        "Distance over which the second rise decays.",
    ),
    Field(
        "bias_edge_secondary_axis",
        INTEGER,
        "Axis of the second rise; the whole perimeter when left out.",
        _AXIS,
        optional=True,
    ),
    _number(
        "cosmic_ray_rate_per_cm2_s",
        "hits/cm2/s",
        NOT_NEGATIVE,
        "Cosmic-ray hits.",
    ),
    _number(
        "dark_current_ref_temp_c",
        "deg C",
        _ABSOLUTE_ZERO,
        "Temperature at which the dark current was measured.",
    ),
    _number("dark_current_doubling_temp_c", "C", POSITIVE, "Warming that doubles the dark current."),
    _number("em_gain", "", AT_LEAST_ONE, "Mean gain of the gain stage; 1 for none."),
    _number(
        "avalanche_gain_nonuniformity",
        "",
        NOT_NEGATIVE,
        "Width of the log-normal gain map, per unit of ln(em_gain).",
    ),
    _number(
        "excess_noise_factor",
        "",
        AT_LEAST_ONE,
        "RMS noise behind the gain stage over that of a noiseless one; by sensor type when left out.",
        optional=True,
    ),
    _number("clock_induced_charge_e", "e-", NOT_NEGATIVE, "Mean spurious charge of a pixel and frame."),
    _number(
        "persistence_fraction",
        "",
        FRACTION,
        "Fraction of the signal that is trapped.",
    ),
    _number(
        "persistence_decay",
        "",
        FRACTION,
        "Fraction of the trapped charge released in one frame.",
    ),
    _number("dark_current_nonuniformity", "", NOT_NEGATIVE, "Width of the log-normal dark-signal map."),
    _number("hot_pixel_fraction", "", FRACTION, "Fraction of hot pixels."),
    _number("hot_pixel_factor", "", NOT_NEGATIVE, "Factor on the dark current of hot pixels."),
    Field("fixed_pattern_seed", INTEGER, "Seed of the maps that every frame shares.", NOT_NEGATIVE),
    Field("manufacturer", TEXT, "Who makes the camera.", optional=True),
    Field("model", TEXT, "Model and sensor.", optional=True),
    Field("notes", TEXT, "Remarks.", optional=True),
    Field("extra", TABLE, "Anything else worth keeping; no meaning to the simulator."),
    Field(
        "roi",
        integers("four integers", 4),
        "Part of the sensor that is read: left, top, width, height.",
        _INSIDE,
        optional=True,
    ),
    Field(
        "overscan",
        _strips("right"),
        "Pixels read after those of the sensor: columns for each amplifier, rows, and the side of the columns (right).",
        _STRIPS,
        optional=True,
    ),
    Field(
        "prescan",
        _strips("left"),
        "Pixels read before those of the sensor: columns for each amplifier, rows, and the side of the columns (left).",
        _STRIPS,
        optional=True,
    ),
)

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
