"""The shipped cameras."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from getframes.camera import Camera
from getframes.config import CameraConfig, missing_stages
from getframes.config.camera_fields import BY_NAME
from getframes.errors import UnknownPresetError
from getframes.presets import available_presets, load_preset, preset_info, preset_values

FIGURES = json.loads((Path(__file__).parents[1] / "data" / "preset_figures.json").read_text(encoding="utf-8"))
NOT_FIGURES = {"source", "read_modes"}
ADDED = {"nuvu_hnu_128_omega": {"output_full_well_e"}, "nuvu_hnu_240": {"output_full_well_e"}}


def test_every_camera_is_there():
    assert available_presets() == sorted(FIGURES)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_the_figures_are_those_of_the_list(name):
    values = load_preset(name).to_dict()
    expected = {key: value for key, value in FIGURES[name].items() if key not in NOT_FIGURES}
    assert {key: values[key] for key in expected} == expected


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_file_says_nothing_that_is_not_in_the_list(name):
    said = set(preset_values(name)) - {"sources", "notes"}
    assert said == (set(FIGURES[name]) - {"source"}) | ADDED.get(name, set())


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_every_figure_has_a_source(name):
    sources = preset_values(name)["sources"]
    assert sources["general"] == FIGURES[name]["source"]
    assert set(sources) - {"general"} <= set(BY_NAME)
    assert set(sources) - {"general"} <= set(preset_values(name))
    assert all(len(text) > 5 for key, text in sources.items() if key != "general")
    for key in ADDED.get(name, ()):
        assert key in sources


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_sources_and_read_modes_are_kept(name):
    config = load_preset(name)
    assert config.extra["sources"]["general"] == FIGURES[name]["source"]
    assert config.extra.get("read_modes") == FIGURES[name].get("read_modes")
    assert CameraConfig.from_dict(config.to_dict()) == config


def test_gain_registers_hold_one_multiplied_electron():
    for name in ("nuvu_hnu_128_omega", "nuvu_hnu_240"):
        config = load_preset(name)
        assert config.output_full_well_e >= 100 * config.em_gain
    assert load_preset("nuvu_hnu_240").output_full_well_e == load_preset("andor_ocam2k").output_full_well_e


def test_the_stages_that_presets_need():
    assert not [name for name in available_presets() if missing_stages(load_preset(name))]


@pytest.mark.parametrize("name", available_presets())
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_every_preset_exposes(name, precision):
    camera = Camera.from_preset(name, precision=precision)
    config = camera.config
    if config.resolution[0] * config.resolution[1] > 400**2 and not config.amplifier_boundaries_y_px:
        camera = camera.with_config(resolution=(300, 400))
    frame = camera.expose(50.0, 0.1, seed=1)
    assert frame.data.shape == camera.resolution and 0 < frame.data.mean() < config.max_adu
    assert frame.data.std() > 0


def test_the_nearest_name_is_offered():
    with pytest.raises(UnknownPresetError, match=r"got 'andor_ocam' \(did you mean 'andor_ocam2k'\?\)$"):
        load_preset("andor_ocam")


@pytest.mark.parametrize("name", ["", "../presets/data/generic_ccd", "generic_ccd.toml", None, 3])
def test_other_names_are_refused(name):
    with pytest.raises(KeyError, match="preset must be one of andor_cb1_0_5mp, "):
        load_preset(name)


def test_rows_for_tables():
    rows = preset_info()
    assert [row["preset"] for row in rows] == available_presets()
    row = next(row for row in rows if row["preset"] == "andor_ixon_ultra_888")
    assert row == {
        "preset": "andor_ixon_ultra_888",
        "name": "Andor iXon Ultra 888",
        "manufacturer": "Andor",
        "model": "iXon Ultra 888",
        "sensor_type": "EMCCD",
        "resolution": (1024, 1024),
        "pixel_size_um": 13.0,
        "bit_depth": 16,
        "full_well_e": 80000.0,
        "read_noise_e": 45.0,
        "em_gain": 300.0,
        "source": ["manufacturer's data sheet", "figures as listed by getframes 2.6.1 (MIT)"],
    }
    assert next(row for row in rows if row["preset"] == "generic_ccd")["manufacturer"] is None


def test_listing_presets_imports_nothing_slow():
    code = (
        "import sys; from getframes.presets import preset_info; preset_info();"
        "print([name for name in ('astropy', 'scipy', 'pandas', 'tqdm', 'PIL') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["nuvu_hnu_128_omega", "nuvu_hnu_240"])
def test_counts_grow_with_light_at_high_gain(name):
    camera = Camera.from_preset(name, seed=1)
    means = [camera.expose(rate, 1.0).data.mean() for rate in (0.05, 0.2, 1.0, 5.0)]
    gain = camera.config.em_gain * camera.config.quantum_efficiency / camera.config.gain_e_per_adu
    rises = [(high - low) / gain for low, high in itertools.pairwise(means)]
    assert rises == pytest.approx([0.15, 0.8, 4.0], rel=0.1)
