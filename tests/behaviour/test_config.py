"""Cameras: values in, rules kept, values out."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import pickle

import numpy as np
import pytest
import tomli
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from getframes.config import CameraConfig, SensorType, field_rows, missing_stages, require_stages, stages
from getframes.config.camera_fields import BY_NAME, FIELDS
from getframes.config.field import INTEGER, NUMBER
from getframes.config.geometry import block_boundaries
from getframes.errors import DomainError, StageNotAvailableError
from getframes.spectral import QE

NUMBERS = [field.name for field in FIELDS if field.kind is NUMBER]
INTEGERS = [field.name for field in FIELDS if field.kind is INTEGER]
TUPLES = [field.name for field in FIELDS if field.kind.name.startswith("array")]


def camera(**changes):
    """A small camera with the figures that have no default."""
    figures = {
        "name": "test camera",
        "sensor_type": "CCD",
        "resolution": (20, 30),
        "pixel_size_um": 13.0,
        "quantum_efficiency": 0.9,
        "full_well_e": 1e5,
        "bit_depth": 16,
        "gain_e_per_adu": 1.5,
        "bias_offset_adu": 500.0,
        "read_noise_e": 3.0,
        "dark_current_e_per_s": 0.1,
    }
    return CameraConfig(**{**figures, **changes})


def test_the_table_of_fields_is_that_of_the_dataclass():
    fields = dataclasses.fields(CameraConfig)
    assert [entry.name for entry in FIELDS] == [entry.name for entry in fields]
    optional = {entry.name for entry in FIELDS if entry.optional}
    assert optional == {entry.name for entry in fields if entry.default is None}
    no_default = {
        entry.name for entry in fields if entry.default is entry.default_factory is dataclasses.MISSING
    }
    assert no_default == {entry.name for entry in FIELDS if entry.required}


def test_every_field_is_documented():
    rows = field_rows()
    assert [row.key for row in rows] == [entry.name for entry in FIELDS]
    assert all(row.meaning and row.type and row.table == "camera" for row in rows)
    assert next(row for row in rows if row.key == "em_gain").default == "1.0"
    assert "widens the PSF" in next(row for row in rows if row.key == "charge_diffusion_fwhm_px").meaning


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, True, "1", [1.0], 1j])
def test_no_number_is_taken_from_what_is_none(name, value):
    with pytest.raises(DomainError, match=rf"^CameraConfig\.{name} must be a"):
        camera(**{name: value})


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("value", [1.5, math.nan, True, "1"])
def test_no_integer_is_taken_from_what_is_none(name, value):
    with pytest.raises(DomainError, match=rf"^CameraConfig\.{name} must be an integer"):
        camera(**{name: value})


@pytest.mark.parametrize("entry", FIELDS, ids=lambda entry: entry.name)
def test_none_is_a_value_where_it_is_the_default(entry):
    if entry.optional:
        assert getattr(camera(**{entry.name: None}), entry.name) is None
    else:
        with pytest.raises(DomainError, match=rf"CameraConfig\.{entry.name} must be .*, got None"):
            camera(**{entry.name: None})


@pytest.mark.parametrize("name", TUPLES)
@pytest.mark.parametrize("value", [5, "12", {1: 2}, [[1]], ["a"], [None]])
def test_no_sequence_is_taken_from_what_is_none(name, value):
    with pytest.raises(DomainError, match=rf"^CameraConfig\.{name} must be"):
        camera(**{name: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prnu": -1}, "CameraConfig.prnu must be >= 0, got -1"),
        ({"pixel_size_um": 0}, "CameraConfig.pixel_size_um must be > 0 um, got 0"),
        ({"read_noise_e": np.float64(-2)}, "CameraConfig.read_noise_e must be >= 0 e-, got -2.0"),
        ({"quantum_efficiency": 1.1}, "CameraConfig.quantum_efficiency must be in [0, 1], got 1.1"),
        ({"bit_depth": 33}, "CameraConfig.bit_depth must be in 1..32, got 33"),
        ({"em_gain": 0.5}, "CameraConfig.em_gain must be >= 1, got 0.5"),
        ({"excess_noise_factor": 0.9}, "CameraConfig.excess_noise_factor must be >= 1, got 0.9"),
        ({"ipc_coupling": 0.25}, "CameraConfig.ipc_coupling must be in [0, 0.25), got 0.25"),
        ({"fixed_pattern_seed": -1}, "CameraConfig.fixed_pattern_seed must be >= 0, got -1"),
        (
            {"dark_current_ref_temp_c": -300},
            "CameraConfig.dark_current_ref_temp_c must be >= -273.15 deg C, got -300",
        ),
        ({"name": " "}, "CameraConfig.name must be not empty, got ' '"),
        (
            {"binning_method": "sum"},
            "CameraConfig.binning_method must be one of 'digital', 'on_chip', got 'sum'",
        ),
        (
            {"supported_binnings": (2, 4)},
            "CameraConfig.supported_binnings must be >= 1 and include 1, got (2, 4)",
        ),
        (
            {"readout_channel_axis": 2},
            "CameraConfig.readout_channel_axis must be 0 (rows) or 1 (columns), got 2",
        ),
        (
            {"sensor_type": "CDC"},
            "CameraConfig.sensor_type must be one of CCD, CMOS, EMCCD, EAPD, SCMOS, got 'CDC'",
        ),
        ({"resolution": (0, 3)}, "CameraConfig.resolution must be of at least 1 pixel each way"),
        ({"resolution": (2**18, 2**17)}, "at most 2^34 pixels in all, got (262144, 131072)"),
        ({"blooming": 1}, "CameraConfig.blooming must be true or false, got 1"),
        ({"extra": [1]}, "CameraConfig.extra must be a table with string keys, got [1]"),
        (
            {"qe_curve": 0.5},
            "CameraConfig.qe_curve must be a QE or a table with wavelength_nm and qe, got 0.5",
        ),
        ({"qe_curve": {"wavelength_nm": [1, 2], "qe": [1, 2]}}, "QE.value must be in [0, 1], got 2.0"),
        ({"roi": (0, 0, 31, 5)}, "CameraConfig.roi must be inside the sensor of 20 x 30, got (0, 0, 31, 5)"),
        ({"roi": (-1, 0, 3, 5)}, "CameraConfig.roi must be (left, top, width, height)"),
        ({"roi": (0, 0, 3, 0)}, "CameraConfig.roi must be (left, top, width, height)"),
        (
            {"amplifier_layout": (21, 1)},
            "CameraConfig.amplifier_layout must be no larger than the sensor of 20 x 30",
        ),
        (
            {"amplifier_layout": (1, 3), "amplifier_boundaries_x_px": (20, 10)},
            "CameraConfig.amplifier_boundaries_x_px must be increasing and inside 1..29, got (20, 10)",
        ),
        (
            {"amplifier_layout": (1, 3), "amplifier_boundaries_x_px": (10, 30)},
            "CameraConfig.amplifier_boundaries_x_px must be increasing and inside 1..29",
        ),
        (
            {"amplifier_boundaries_y_px": (10,)},
            "CameraConfig.amplifier_boundaries_y_px must be 0 long, one less than amplifier_layout[0]",
        ),
        (
            {"amplifier_layout": (2, 2), "amplifier_gain_factors": (1, 1, 1)},
            "CameraConfig.amplifier_gain_factors must be 4 long, one value per amplifier, got (1.0, 1.0",
        ),
        ({"amplifier_gain_factors": (0,)}, "CameraConfig.amplifier_gain_factors must be > 0, got (0,)"),
        ({"amplifier_offsets_adu": (1, 2)}, "CameraConfig.amplifier_offsets_adu must be 1 long"),
        ({"readout_channel_count": 31}, "CameraConfig.readout_channel_count must be <= 30"),
        ({"overscan": 3}, "CameraConfig.overscan must be a table with integers columns >= 0"),
        (
            {"overscan": {"columns": -1}},
            "not both 0, and a side 'left', 'right' or 'both', got {'columns': -1}",
        ),
        ({"prescan": {"rows": 1.5}}, "CameraConfig.prescan must be a table with integers columns"),
        ({"prescan": {"columns": 0, "side": "left"}}, "CameraConfig.prescan must be a table with integers"),
        ({"overscan": {"columns": 2, "side": "up"}}, "a side 'left', 'right' or 'both', got"),
        ({"overscan": {"colums": 1}}, "must be without 'colums' (did you mean 'columns'?), a table with"),
        (
            {"prescan": {"columns": 2, "side": "both"}, "amplifier_layout": (2, 3)},
            "CameraConfig.prescan must be on one side with 3 columns of amplifiers: 'both' shares them out",
        ),
        (
            {"overscan": {"rows": 2}, "amplifier_layout": (5, 8)},
            "CameraConfig.overscan must be left out with more than 36 amplifiers",
        ),
        (
            {"resolution": (2**17, 2**17), "overscan": {"columns": 1}},
            "CameraConfig.overscan must be small enough for 2^34 pixels with those of the sensor",
        ),
    ],
)
def test_a_broken_rule_names_field_rule_and_value(changes, message):
    with pytest.raises(DomainError) as error:
        camera(**changes)
    assert message in str(error.value)


LIMITS = [
    ("output_full_well_e", 0, "> 0 e-"),
    ("full_well_e", 0, "> 0 e-"),
    ("gain_e_per_adu", 0, "> 0 e-/ADU"),
    ("pixel_size_um", 0, "> 0 um"),
    ("dark_current_doubling_temp_c", 0, "> 0 C"),
    ("avalanche_input_noise_gain_exponent", 0, "> 0"),
    ("read_noise_rts_factor", 0, "> 0"),
    ("ndr_avalanche_input_noise_reference_interval_s", 0, "> 0 s"),
    ("ndr_reset_settling_reference_interval_s", 0, "> 0 s"),
    ("avalanche_input_noise_reference_gain", 0.9, ">= 1"),
    ("read_noise_edge_factor", 0.9, ">= 1"),
    ("em_gain", 0.9, ">= 1"),
    ("excess_noise_factor", 0.9, ">= 1"),
    ("dark_current_e_per_s", -1, ">= 0 e-/s"),
    ("detector_glow_e_per_s", -1, ">= 0 e-/s"),
    ("read_noise_e", -1, ">= 0 e-"),
    ("reset_noise_e", -1, ">= 0 e-"),
    ("avalanche_input_noise_e", -1, ">= 0 e-"),
    ("clock_induced_charge_e", -1, ">= 0 e-"),
    ("ndr_reset_settling_input_e", -1, ">= 0 e-"),
    ("readout_common_mode_noise_adu", -1, ">= 0 ADU"),
    ("amp_offset_spread_adu", -1, ">= 0 ADU"),
    ("bias_structure_amplitude_adu", -1, ">= 0 ADU"),
    ("bias_channel_spread_adu", -1, ">= 0 ADU"),
    ("bias_pixel_spread_adu", -1, ">= 0 ADU"),
    ("bias_edge_amplitude_adu", -1, ">= 0 ADU"),
    ("bias_edge_secondary_amplitude_adu", -1, ">= 0 ADU"),
    ("ndr_bias_offset_adu_per_s", -1, ">= 0 ADU/s"),
    ("ndr_bias_gain_coefficient_adu_per_s", -1, ">= 0 ADU/s"),
    ("ndr_common_mode_gain_noise_adu_per_s", -1, ">= 0 ADU/s"),
    ("read_noise_edge_scale_px", -1, ">= 0 px"),
    ("detector_glow_edge_scale_px", -1, ">= 0 px"),
    ("charge_diffusion_fwhm_px", -1, ">= 0 px"),
    ("cosmic_ray_track_length_px", -1, ">= 0 px"),
    ("bias_edge_scale_px", -1, ">= 0 px"),
    ("bias_edge_secondary_scale_px", -1, ">= 0 px"),
    ("cosmic_ray_rate_per_cm2_s", -1, ">= 0 hits/cm2/s"),
    ("prnu", -1, ">= 0"),
    ("read_noise_nonuniformity", -1, ">= 0"),
    ("read_noise_channel_nonuniformity", -1, ">= 0"),
    ("amp_gain_nonuniformity", -1, ">= 0"),
    ("avalanche_gain_nonuniformity", -1, ">= 0"),
    ("dark_current_nonuniformity", -1, ">= 0"),
    ("hot_pixel_factor", -1, ">= 0"),
    ("ndr_avalanche_input_noise_interval_exponent", -1, ">= 0"),
    ("ndr_reset_settling_scale_reads", -1, ">= 0"),
    ("ndr_reset_settling_interval_exponent", -1, ">= 0"),
    ("fixed_pattern_seed", -1, ">= 0"),
    ("quantum_efficiency", 1.01, "in [0, 1]"),
    ("read_noise_rts_fraction", 1.01, "in [0, 1]"),
    ("bad_column_fraction", 1.01, "in [0, 1]"),
    ("dead_pixel_fraction", 1.01, "in [0, 1]"),
    ("persistence_fraction", 1.01, "in [0, 1]"),
    ("persistence_decay", 1.01, "in [0, 1]"),
    ("hot_pixel_fraction", 1.01, "in [0, 1]"),
    ("cti", 1, "in [0, 1)"),
    ("read_noise_correlated_fraction", 1, "in [0, 1)"),
    ("readout_common_mode_correlation", 1, "in (-1, 1)"),
    ("nonlinearity", 0.5, "in [0, 0.5)"),
    ("ipc_coupling", 0.25, "in [0, 0.25)"),
    ("bias_edge_axis", 2, "0 (rows) or 1 (columns)"),
    ("bias_edge_secondary_axis", 2, "0 (rows) or 1 (columns)"),
    ("readout_channel_axis", 2, "0 (rows) or 1 (columns)"),
    ("bit_depth", 0, "in 1..32"),
    ("readout_channel_count", 0, ">= 1"),
    ("dark_current_ref_temp_c", -274, ">= -273.15 deg C"),
    ("bias_offset_adu", float("inf"), "a finite number"),
    ("nonlinearity_coeffs", (-0.5, -0.6), "of a response above 0 up to the full well"),
    ("manufacturer", 3, "a string"),
    ("model", 3, "a string"),
    ("notes", 3, "a string"),
]
ELSEWHERE = {
    "name",
    "sensor_type",
    "resolution",
    "qe_curve",
    "supported_binnings",
    "binning_method",
    "amplifier_layout",
    "amplifier_boundaries_y_px",
    "amplifier_boundaries_x_px",
    "amplifier_gain_factors",
    "amplifier_offsets_adu",
    "blooming",
    "extra",
    "roi",
    "overscan",
    "prescan",
}
"""Their rules are more than a limit: `test_a_broken_rule_names_field_rule_and_value` has them."""


def test_the_limit_of_every_field_is_tested():
    assert {name for name, *_ in LIMITS} | ELSEWHERE == set(BY_NAME)


@pytest.mark.parametrize(("name", "value", "rule"), LIMITS)
def test_a_value_beyond_its_limit(name, value, rule):
    with pytest.raises(DomainError) as error:
        camera(**{name: value})
    assert str(error.value).startswith(f"CameraConfig.{name} must be {rule}, got ")


def test_values_become_plain():
    config = camera(
        sensor_type="emccd",
        resolution=np.array([20, 30]),
        prnu=np.float32(0.25),
        bit_depth=np.int64(14),
        full_well_e=np.array(1000),
        amplifier_layout=[2, 1],
        amplifier_offsets_adu=np.array([1, -1]),
    )
    assert config.sensor_type is SensorType.EMCCD
    assert (config.resolution, type(config.resolution[0])) == ((20, 30), int)
    assert (config.prnu, type(config.prnu)) == (0.25, float)
    assert (config.bit_depth, type(config.bit_depth)) == (14, int)
    assert (config.full_well_e, type(config.full_well_e)) == (1000.0, float)
    assert config.amplifier_offsets_adu == (1.0, -1.0)
    assert camera(bit_depth=16.0).bit_depth == 16


def test_quantities_are_taken_where_a_number_has_a_unit():
    config = camera(
        pixel_size_um=0.013 * u.mm,
        full_well_e=1e5 * u.electron,
        gain_e_per_adu=2 * u.electron / u.adu,
        dark_current_e_per_s=6 * u.electron / u.minute,
        dark_current_ref_temp_c=253.15 * u.K,
        dark_current_doubling_temp_c=6.3 * u.K,
        prnu=1 * u.percent,
        bias_offset_adu=100 * u.adu,
    )
    assert config.pixel_size_um == pytest.approx(13.0)
    assert config.dark_current_e_per_s == pytest.approx(0.1)
    assert config.dark_current_ref_temp_c == pytest.approx(-20.0)
    assert config.dark_current_doubling_temp_c == pytest.approx(6.3)
    assert config.prnu == pytest.approx(0.01)
    assert (config.full_well_e, config.gain_e_per_adu, config.bias_offset_adu) == (1e5, 2.0, 100.0)
    assert all(type(getattr(config, name)) is float for name in ("pixel_size_um", "prnu", "full_well_e"))


def test_a_quantity_of_another_kind_is_refused():
    with pytest.raises(DomainError, match=r"^CameraConfig\.pixel_size_um must be in um, got 3\.0 s$"):
        camera(pixel_size_um=3 * u.s)


def test_replace_offers_the_nearest_name():
    with pytest.raises(TypeError, match=r"no field 'prnuu' \(did you mean 'prnu'\?\)"):
        camera().replace(prnuu=0.1)
    assert camera().replace(prnu=0.1).prnu == 0.1


def test_a_camera_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        camera().prnu = 1.0


def test_a_mapping_that_is_passed_in_is_copied():
    notes = {"filter": "V"}
    config = camera(extra=notes)
    notes["filter"] = "R"
    assert config.extra == {"filter": "V"}


FULL = camera(
    sensor_type="EAPD",
    qe_curve=QE.from_arrays([300, 500, 900], [0.1, 0.9, 0.4]),
    nonlinearity_coeffs=(0.0, -0.01),
    amplifier_layout=(2, 2),
    amplifier_boundaries_y_px=(7,),
    amplifier_gain_factors=(1, 1.1, 0.9, 1),
    roi=(2, 3, 10, 12),
    overscan={"columns": 4, "side": "both"},
    prescan={"rows": 2},
    em_gain=20,
    excess_noise_factor=1.2,
    extra={"read_modes": [{"name": "slow", "read_noise_e": 1.0}]},
)


@pytest.mark.parametrize("config", [camera(), FULL], ids=["plain", "full"])
def test_a_camera_goes_through_a_dict_json_and_toml(config):
    plain = config.to_dict()
    assert CameraConfig.from_dict(plain) == config
    assert CameraConfig.from_dict(json.loads(json.dumps(plain))) == config
    assert None not in plain.values()
    assert not any(isinstance(value, tuple) for value in plain.values())


def test_json_of_a_camera_is_toml_too():
    text = "\n".join(
        f"{key} = {json.dumps(value)}" for key, value in camera().to_dict().items() if key != "extra"
    )
    assert CameraConfig.from_dict(tomli.loads(text)) == camera()


def test_unknown_keys_of_a_dict_are_kept():
    config = CameraConfig.from_dict({**camera().to_dict(), "cooler": "Peltier", "extra": {"filter": "V"}})
    assert config.extra == {"filter": "V", "cooler": "Peltier"}


def test_missing_keys_of_a_dict_are_named():
    figures = camera().to_dict()
    del figures["full_well_e"], figures["bit_depth"]
    with pytest.raises(TypeError, match=r"needs full_well_e, bit_depth$"):
        CameraConfig.from_dict(figures)


@pytest.mark.parametrize("config", [camera(), FULL], ids=["plain", "full"])
def test_equal_cameras_are_one_key(config):
    again = CameraConfig.from_dict(config.to_dict())
    copy = pickle.loads(pickle.dumps(config))
    assert {config, again, copy} == {config}
    assert config.digest == again.digest == copy.digest
    assert config != config.replace(prnu=0.5)


def test_the_digest_follows_what_can_change_a_frame():
    base = camera()
    assert base.digest == "2db48f4b6da4853f4d190a7c13884b6e0a16c7164595d0a10429ef1966e86559"
    assert base.replace(prnu=0).digest == base.digest
    assert base.replace(notes="x", extra={"a": 1}).digest == base.digest
    others = {
        base.replace(**change).digest for change in ({"prnu": 0.1}, {"name": "x"}, {"roi": (0, 0, 1, 1)})
    }
    assert len({base.digest, *others}) == 4


def test_highest_count():
    assert camera(bit_depth=12).max_adu == 4095
    assert camera(bit_depth=32).max_adu == 2**32 - 1


def test_dark_current_doubles():
    config = camera(dark_current_ref_temp_c=-20, dark_current_doubling_temp_c=6)
    assert config.dark_current_at(-20) == pytest.approx(0.1)
    assert config.dark_current_at(-8) == pytest.approx(0.4)
    assert config.dark_current_at(np.float32(-26)) == pytest.approx(0.05)
    assert config.dark_current_at(247.15 * u.K) == pytest.approx(0.05)
    for wrong in (math.nan, -300, "cold", 1e9):
        with pytest.raises(DomainError, match="temperature_c must be"):
            config.dark_current_at(wrong)


@pytest.mark.parametrize(
    ("changes", "factor"),
    [
        ({}, 1.0),
        ({"sensor_type": "EMCCD"}, math.sqrt(2)),
        ({"sensor_type": "EMCCD", "excess_noise_factor": 1.3}, 1.3),
        ({"sensor_type": "EAPD"}, 1.0),
    ],
)
def test_excess_noise_factor(changes, factor):
    assert camera(**changes).gain_excess_noise_factor == factor


def test_gain_stage():
    assert camera(em_gain=2).has_gain_stage
    assert not camera(sensor_type="EMCCD").has_gain_stage


@given(st.integers(1, 5000), st.data())
def test_blocks_are_equal_and_the_first_take_the_remainder(length, data):
    blocks = data.draw(st.integers(1, min(length, 64)))
    edges = (0, *block_boundaries(length, blocks), length)
    sizes = [b - a for a, b in itertools.pairwise(edges)]
    assert len(sizes) == blocks
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] - sizes[-1] <= 1


def test_amplifier_boundaries_of_the_sensor():
    config = camera(resolution=(10, 11), amplifier_layout=(3, 2))
    assert config.active_amplifier_boundaries_y_px == (4, 7)
    assert config.active_amplifier_boundaries_x_px == (6,)
    explicit = config.replace(amplifier_boundaries_y_px=(2, 9))
    assert explicit.active_amplifier_boundaries_y_px == explicit.sensor_amplifier_boundaries_y_px == (2, 9)


def test_a_region_of_the_sensor():
    config = camera(amplifier_layout=(4, 2), resolution=(240, 240), roi=(10, 20, 100, 50))
    assert config.output_resolution == (50, 100)
    assert config.roi_slices == (slice(20, 70), slice(10, 110))
    assert config.active_amplifier_boundaries_y_px == (40,)
    assert config.active_amplifier_boundaries_x_px == ()
    assert config.sensor_amplifier_boundaries_x_px == (120,)


def test_the_whole_sensor_is_the_region_without_one():
    assert camera().output_resolution == (20, 30)
    assert camera().roi_slices == (slice(0, 20), slice(0, 30))


def test_a_stage_that_is_not_there_is_named(monkeypatch):
    absent = dataclasses.replace(BY_NAME["cti"], stage="charge transfer", asks="frame")
    monkeypatch.setattr(stages, "FIELDS", (absent,))
    config = camera(cti=1e-5)
    assert missing_stages(config) == ("charge transfer",)
    assert missing_stages(camera()) == ()
    with pytest.raises(StageNotAvailableError, match=r"needs stages .*charge transfer \(cti = 1e-05\)"):
        require_stages(config)


@pytest.mark.parametrize(
    "changes",
    [
        {"cosmic_ray_track_length_px": 5.0, "bias_edge_scale_px": 3.0, "persistence_decay": 0.1},
        {"ndr_bias_offset_adu_per_s": 5.0, "read_noise_correlated_fraction": 0.5},
        {
            "prnu": 0.1,
            "nonlinearity": 0.1,
            "em_gain": 5,
            "avalanche_gain_nonuniformity": 0.1,
            "reset_noise_e": 3,
        },
        {"cosmic_ray_rate_per_cm2_s": 0.1, "blooming": True, "cti": 1e-5, "ipc_coupling": 0.01},
        {"readout_channel_count": 4, "read_noise_channel_nonuniformity": 0.1, "bias_channel_spread_adu": 1.0},
        {
            "charge_diffusion_fwhm_px": 0.4,
            "dead_pixel_fraction": 0.1,
            "readout_common_mode_noise_adu": 1.0,
            "roi": (0, 0, 5, 5),
        },
    ],
)
def test_a_camera_that_needs_no_missing_stage(changes):
    assert missing_stages(camera(**changes)) == ()
    require_stages(camera(**changes))


@pytest.mark.parametrize("spelling", ["EMCCD", "emccd", "EmCcd", SensorType.EMCCD])
def test_sensor_types_in_any_case(spelling):
    assert SensorType.coerce(spelling) is SensorType.EMCCD


@pytest.mark.parametrize("wrong", ["EMCD", "", 3, None])
def test_unknown_sensor_types(wrong):
    with pytest.raises(DomainError, match="sensor type must be one of CCD, CMOS, EMCCD, EAPD, SCMOS, got"):
        SensorType.coerce(wrong)
