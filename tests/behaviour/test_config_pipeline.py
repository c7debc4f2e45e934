"""Pipeline files: strict, and every problem has its place."""

from __future__ import annotations

import re
from math import inf
from pathlib import Path

import pytest

from getframes.config import documented_keys
from getframes.config.pipeline import read_pipeline
from getframes.config.pipeline_tables import PIPELINE_TABLES
from getframes.errors import ConfigError

LEAST = '[input]\nfolder = "raw"\n[output]\nfolder = "reduced"\n'


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "raw").mkdir(exist_ok=True)
    path = tmp_path / "night.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_least_file(tmp_path: Path) -> None:
    settings = read_pipeline(write(tmp_path, LEAST))
    assert (settings.raw_folder, settings.out) == (tmp_path / "raw", tmp_path / "reduced")
    assert settings.input["pattern"] == "*.fit*" and settings.input["night_offset_h"] == 10.0
    assert settings.folders == {"Bias": "bias", "Darks": "dark", "Flats": "flat", "ScienceImages": "science"}
    assert settings.kinds == ("bias", "dark", "flat") and settings.max_nights == inf
    assert settings.options == {"unit": "adu"}
    assert settings.cosmic_rays is None and settings.focal_plane is None


def test_every_table(tmp_path: Path) -> None:
    text = LEAST.replace('"raw"', '"raw"\nbias_folders = ["zero", "Bias"]') + (
        "[group]\nmax_nights = 3\n[masters]\nflat = false\nsigma = 4\n[cosmic_rays]\niterations = 2\n"
        '[calibrate]\noverscan = "none"\ngain_e_per_adu = 2\nread_noise_e = 3.0\nsaturation_adu = 5e4\nunit = "electron"\n'
    )
    settings = read_pipeline(write(tmp_path, text))
    assert settings.kinds == ("bias", "dark") and settings.masters["sigma"] == 4.0
    assert settings.folders["zero"] == settings.folders["Bias"] == "bias" and settings.max_nights == 3.0
    assert settings.cosmic_rays is not None and settings.cosmic_rays["iterations"] == 2
    expected = {"unit": "electron", "overscan": False, "gain": 2.0, "read_noise": 3.0, "saturation": 5e4}
    assert settings.options == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r":1:1: \[input\] is missing\n.*:1:1: \[output\] is missing"),
        (LEAST + "[grupp]\n", r":5:2: unknown table 'grupp' \(did you mean 'group'\?\)"),
        (
            LEAST + "[masters]\nbiass = true\n",
            r":6:1: unknown key 'biass' in \[masters\] \(did you mean 'bias'\?\)",
        ),
        (LEAST + "[masters]\n\nsigma = -1\n", r":7:1: masters.sigma must be > 0, got -1"),
        (LEAST + "[masters]\nbias = 1\n", r":6:1: masters.bias must be true or false, got 1"),
        (
            LEAST + '[masters]\nmethod = "mode"\n',
            r":6:1: masters.method must be one of 'sigma_clip', 'median', 'mean'",
        ),
        (
            LEAST + '[calibrate]\nunit = "photon"\n',
            r":6:1: calibrate.unit must be one of 'adu', 'electron', got 'photon'",
        ),
        (
            LEAST + "[cosmic_rays]\nsigma_frac = 2\n",
            r":6:1: cosmic_rays.sigma_frac must be in \(0, 1\], got 2",
        ),
        (
            LEAST.replace('"raw"', '"raw"\ndark_folders = "D"'),
            r":3:1: input.dark_folders must be an array of names",
        ),
        (
            LEAST.replace('"raw"', '"nowhere"'),
            r":2:1: input.folder must be a folder that is there, got '.*nowhere'",
        ),
        (
            LEAST.replace('"reduced"', '"./raw/"'),
            r":4:1: output.folder must be another folder than input.folder",
        ),
        (
            LEAST.replace('"raw"', '"raw"\nflat_folders = ["bias"]'),
            r":3:1: input.flat_folders must not have 'bias'",
        ),
        (LEAST + "[masters]\nbias = false\n", r":6:1: masters.bias must be true where masters.dark is"),
        (
            LEAST + "[masters]\nflat = false\n[focal_plane]\n",
            r":7:2: \[focal_plane\] needs masters.flat = true",
        ),
        ("input = 3\n", r":1:1: input must be a table, as in \[input\]"),
        ("[input\n", r":1:7: "),
    ],
)
def test_problems_have_their_place(text: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=re.escape(str(path)) + message):
        read_pipeline(path)


def test_all_problems_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_pipeline(write(tmp_path, LEAST + "[masters]\nsigma = 0\nmethd = 1\n[group]\nmax_nights = -1\n"))
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["6", "7", "9"]


def test_an_experiment_is_no_pipeline(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown table 'camera'"):
        read_pipeline(write(tmp_path, '[camera]\npreset = "generic_ccd"\n'))


def test_every_key_is_documented() -> None:
    rows = documented_keys(PIPELINE_TABLES)
    assert len(rows) == sum(len(table.fields) for table in PIPELINE_TABLES)
    assert all(row.meaning.endswith(".") for row in rows)
