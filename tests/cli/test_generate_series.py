"""`getframes generate` of series, ramps and double samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table

from getframes import Camera, Frame, GaussianPSF, LightCurve, Pointing, PointSource, Scene, Telescope
from tests.cli.conftest import Command, Writer

SCENE = """
[frame]
type = "science"
exposure_s = 4.0
n_frames = 5
seed = 3
[series]
cadence_s = 6.0
jitter_arcsec = 0.3
drift_arcsec_per_s = [0.05, 0.0]
dither_arcsec = [[0.0, 0.0], [0.0, 3.0]]
[scene.optics]
aperture_diameter_m = 0.5
plate_scale_arcsec_per_pixel = 1.0
[scene.psf]
type = "gaussian"
fwhm_arcsec = 2.0
[[scene.sources]]
type = "point"
name = "star"
x = 12.0
y = 10.0
photon_rate = 5000.0
[scene.sources.light_curve]
type = "box"
depth = 0.5
between_s = [6.0, 18.0]
[[scene.sources]]
type = "point"
x = 20.0
y = 12.0
photon_rate = 1000.0
"""
LIGHT = """
[frame]
type = "light"
exposure_s = 2.0
photon_rate = 300.0
background = 10.0
n_frames = 6
seed = 4
"""
CAMERA = Camera.from_preset("generic_ccd").with_config(resolution=(24, 32))


def scene() -> Scene:
    sources = [
        PointSource(12.0, 10.0, photon_rate=5000.0, name="star", brightness=LightCurve.box(0.5, 6.0, 18.0)),
        PointSource(20.0, 12.0, photon_rate=1000.0),
    ]
    return Scene((24, 32), Telescope(0.5, 1.0), GaussianPSF(2.0), sources)


def test_a_series_is_that_of_the_camera(command: Command, experiment: Writer, tmp_path: Path) -> None:
    done = command("generate", experiment(SCENE), "-o", tmp_path / "s.fits", "--truth")
    assert (done.code, done.err) == (0, "")
    pointing = Pointing(0.3, (0.05, 0.0), [(0.0, 0.0), (0.0, 3.0)])
    wanted = CAMERA.observe_series(scene(), 4.0, 5, cadence=6.0, pointing=pointing, seed=3)
    table = Table.read(tmp_path / "s.series.ecsv")
    assert table["file"].tolist() == [f"s_{i:04d}.fits" for i in range(5)]
    np.testing.assert_array_equal(table["time_s"], wanted.times_s)
    offsets = np.column_stack([table["offset_x_px"], table["offset_y_px"]])
    np.testing.assert_array_equal(offsets, wanted.offsets_pixels)
    assert wanted.truth is not None
    for name, photons in wanted.truth.light_curve.items():
        np.testing.assert_array_equal(table[f"{name}_photons"], photons)
    assert str(table["time_s"].unit) == "s" and str(table["star_photons"].unit) == "ph"
    for file, frame in zip(table["file"], wanted, strict=True):
        made = Frame.from_fits(tmp_path / file)
        np.testing.assert_array_equal(made.data, frame.data)
        np.testing.assert_allclose(made.truth.mean_electrons, frame.truth.mean_electrons)
        assert made.metadata["time_s"] == frame.metadata["time_s"]
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_without_truth_the_table_does_not_tell_the_light_curves(
    command: Command, experiment: Writer, tmp_path: Path
) -> None:
    assert command("generate", experiment(SCENE), "-o", tmp_path / "s.npz").code == 0
    assert Table.read(tmp_path / "s.series.ecsv").colnames == ["file", "time_s", "offset_x_px", "offset_y_px"]
    with np.load(tmp_path / "s_0003.npz") as content:
        assert json.loads(str(content["metadata"]))["frame_index"] == 3


def test_a_table_is_not_replaced_unless_asked(command: Command, experiment: Writer, tmp_path: Path) -> None:
    (tmp_path / "s.series.ecsv").write_text("mine")
    done = command("generate", experiment(SCENE), "-o", tmp_path / "s.fits")
    assert done.code == 1 and "s.series.ecsv" in done.err
    assert not list(tmp_path.glob("*.fits"))
    assert command("generate", experiment(SCENE), "-o", tmp_path / "s.fits", "--overwrite").code == 0
    assert len(Table.read(tmp_path / "s.series.ecsv")) == 5


def test_an_interrupted_series_has_no_table(
    command: Command, experiment: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(100))

    def interrupted(*arguments: Any) -> None:
        if next(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    assert command("generate", experiment(SCENE), "-o", tmp_path / "s.fits").code == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["experiment.toml", "s_0000.fits"]


def test_reads_are_those_of_the_camera(command: Command, experiment: Writer, tmp_path: Path) -> None:
    text = LIGHT + '[ramp]\ntype = "nondestructive"\nreads_per_reset = 4\n'
    done = command("generate", experiment(text), "-o", tmp_path / "r.fits", "--truth")
    assert (done.code, done.err) == (0, "")
    wanted = CAMERA.nondestructive_series(300.0, 0.5, 6, 4, background=10.0, seed=4)
    for index, frame in enumerate(wanted):
        made = Frame.from_fits(tmp_path / f"r_{index:04d}.fits")
        np.testing.assert_array_equal(made.data, frame.data)
        np.testing.assert_allclose(made.truth.mean_electrons, frame.truth.mean_electrons)
        for key in ("frame_type", "ramp_index", "read_index", "time_since_reset_s"):
            assert made.metadata[key] == frame.metadata[key]
    assert not (tmp_path / "r.series.ecsv").exists()


def test_double_samples_are_those_of_the_camera(command: Command, experiment: Writer, tmp_path: Path) -> None:
    text = LIGHT.replace("n_frames = 6", "n_frames = 2") + '[ramp]\ntype = "cds"\npedestal_interval_s = 0.5\n'
    assert command("generate", experiment(text), "-o", tmp_path / "d.fits").code == 0
    made = [Frame.from_fits(tmp_path / f"d_000{i}.fits") for i in (0, 1)]
    wanted = CAMERA.correlated_double_sample(300.0, 2.0, background=10.0, pedestal_interval_s=0.5, seed=4)
    np.testing.assert_array_equal(made[0].data, wanted.data)
    assert made[0].data.dtype.kind == "i" and not np.array_equal(made[0].data, made[1].data)
    assert abs(float(made[1].data.mean()) / float(wanted.data.mean()) - 1.0) < 0.02
    assert [frame.metadata["seed"] for frame in made] == [4, 4]


def test_check_tells_how_frames_follow_each_other(command: Command, experiment: Writer) -> None:
    done = command("check", experiment(SCENE))
    assert done.code == 0
    assert "one frame every 6 s, Pointing(jitter_arcsec=0.3, drift_arcsec_per_s=(0.05, 0.0)" in done.out
    reads = LIGHT + '[ramp]\ntype = "nondestructive"\nreads_per_reset = 4\n'
    assert "4 reads to a reset, one every 0.5 s" in command("check", experiment(reads)).out
    sample = LIGHT + '[ramp]\ntype = "cds"\npedestal_interval_s = 0.5\n'
    assert "differences of two reads, 0.5 s and 2 s after it" in command("check", experiment(sample)).out


@pytest.mark.parametrize("ramp", ['type = "nondestructive"\nreads_per_reset = 2\n', 'type = "cds"\n'])
def test_a_camera_that_cannot_be_read_so(
    ramp: str, command: Command, experiment: Writer, tmp_path: Path
) -> None:
    camera = '[camera]\npreset = "generic_ccd"\nresolution = [24, 32]\nblooming = true\n'
    done = command("generate", experiment(LIGHT + "[ramp]\n" + ramp, camera), "-o", tmp_path / "r.fits")
    assert done.code == 2 and "blooming must be False for nondestructive reads" in done.err
    checked = command("check", experiment(LIGHT + "[ramp]\n" + ramp, camera))
    assert checked.code == 2 and "blooming must be False for nondestructive reads" in checked.err
    assert not list(tmp_path.glob("*.fits"))
