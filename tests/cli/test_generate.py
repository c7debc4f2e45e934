"""`getframes generate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from getframes import Camera, Frame
from tests.cli.conftest import Command, Writer

SCENE = """
[scene.optics]
aperture_diameter_m = 0.5
plate_scale_arcsec_per_pixel = 1.0
band = "V"
[scene.psf]
type = "gaussian"
fwhm_arcsec = 2.0
[scene.sky]
surface_brightness_mag_arcsec2 = 20.0
[[scene.sources]]
type = "point"
x = 10.0
y = 12.0
magnitude = 12.0
"""
CAMERA = Camera.from_preset("generic_ccd").with_config(resolution=(24, 32))


def frame_table(kind: str, **keys: Any) -> str:
    lines = [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join(["[frame]", f'type = "{kind}"', *lines, ""])


@pytest.mark.parametrize(
    ("kind", "keys", "expected"),
    [
        ("bias", {}, lambda seed: CAMERA.bias_frame(seed=seed)),
        (
            "dark",
            {"exposure_s": 9.0, "temperature_c": 3.0},
            lambda seed: CAMERA.dark_frame(9.0, 3.0, seed=seed),
        ),
        (
            "flat",
            {"exposure_s": 2.0, "photon_rate": 500.0},
            lambda seed: CAMERA.flat_frame(500.0, 2.0, seed=seed),
        ),
        (
            "light",
            {"exposure_s": 2.0, "photon_rate": 50.0, "background": 9.0},
            lambda seed: CAMERA.expose(50.0, 2.0, background=9.0, seed=seed),
        ),
    ],
)
def test_frames_are_those_of_the_camera(
    kind: str, keys: dict[str, Any], expected: Any, command: Command, experiment: Writer, tmp_path: Path
) -> None:
    path = tmp_path / "frame.fits"
    done = command("generate", experiment(frame_table(kind, seed=5, **keys)), "-o", path)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{path}, seed 5\n"
    frame, wanted = Frame.from_fits(path), expected(5)
    np.testing.assert_array_equal(frame.data, wanted.data)
    assert frame.metadata["frame_type"] == kind == wanted.metadata["frame_type"]
    assert frame.metadata["seed"] == 5
    assert frame.truth is None


def test_science_frames_and_their_truth(command: Command, experiment: Writer, tmp_path: Path) -> None:
    path = experiment(frame_table("science", exposure_s=3.0, seed=1, n_frames=3) + SCENE)
    done = command("generate", path, "-o", tmp_path / "sky.fits.gz", "--truth", "--seed", "8", "--profile")
    assert done.code == 0
    frames = [Frame.from_fits(tmp_path / f"sky_{i:04d}.fits.gz") for i in range(3)]
    assert [frame.metadata["frame_number"] for frame in frames] == [0, 1, 2]
    assert {frame.metadata["seed"] for frame in frames} == {8}
    assert all(frame.truth is not None and frame.truth.mean_electrons[12, 10] > 1000 for frame in frames)
    assert not np.array_equal(frames[0].data, frames[1].data)
    assert "simulate" in done.out and "3 frame" in done.out
    record = json.loads((tmp_path / "sky.run.json").read_text())
    assert record["seed"] == 8 and record["files"] == [f"sky_{i:04d}.fits.gz" for i in range(3)]
    assert [(step["step"], step["count"]) for step in record["steps"]] == [
        ("read", 0),
        ("prepare", 0),
        ("simulate", 3),
        ("write", 3),
    ]


def test_npz(command: Command, experiment: Writer, tmp_path: Path) -> None:
    path = tmp_path / "dark.npz"
    assert (
        command(
            "generate", experiment(frame_table("dark", exposure_s=9.0, seed=2)), "-o", path, "--truth"
        ).code
        == 0
    )
    wanted = CAMERA.dark_frame(9.0, seed=2)
    assert wanted.truth is not None
    with np.load(path, allow_pickle=False) as content:
        np.testing.assert_array_equal(content["raw"], wanted.data)
        np.testing.assert_array_equal(content["mean_electrons"], wanted.truth.mean_electrons)
        assert json.loads(str(content["metadata"]))["exposure_s"] == 9.0


def test_a_run_without_a_seed_can_be_repeated(command: Command, experiment: Writer, tmp_path: Path) -> None:
    file = experiment(frame_table("bias"))
    first, second = tmp_path / "a.fits", tmp_path / "b.fits"
    seed = command("generate", file, "-o", first).out.split()[-1]
    command("generate", file, "-o", second, "--seed", seed)
    np.testing.assert_array_equal(Frame.from_fits(first).data, Frame.from_fits(second).data)
    assert command("generate", file, "-o", tmp_path / "c.fits").out.split()[-1] != seed


def test_nothing_is_replaced_unless_asked(command: Command, experiment: Writer, tmp_path: Path) -> None:
    file = experiment(frame_table("bias", n_frames=2, seed=1))
    (tmp_path / "b_0001.fits").write_text("mine")
    done = command("generate", file, "-o", tmp_path / "b.fits")
    assert done.code == 1 and "b_0001.fits" in done.err and "--overwrite" in done.err
    assert not (tmp_path / "b_0000.fits").exists()  # looked at before anything is made
    assert command("generate", file, "-o", tmp_path / "b.fits", "--overwrite").code == 0
    assert Frame.from_fits(tmp_path / "b_0001.fits").shape == (24, 32)


@pytest.mark.parametrize("name", ["frame.png", "frame", ".fits"])
def test_other_suffixes_are_refused(name: str, command: Command, experiment: Writer, tmp_path: Path) -> None:
    done = command("generate", experiment(frame_table("bias")), "-o", tmp_path / name)
    assert done.code == 2
    assert "PATH must be a name in .fits, .fits.gz, .fit, .npz, got" in done.err


@pytest.mark.parametrize(
    ("tables", "code", "words"),
    [
        ("", 2, "needs a [frame] table"),
        (
            frame_table("bias", sed=1),
            2,
            "experiment.toml:6:1: unknown key 'sed' in [frame] (did you mean 'seed'?)",
        ),
        (frame_table("bias", seed=-1), 2, "frame.seed must be >= 0, got -1"),
        ("[frame\n", 2, "experiment.toml:4:7:"),
    ],
)
def test_bad_files_are_refused(
    tables: str, code: int, words: str, command: Command, experiment: Writer, tmp_path: Path
) -> None:
    done = command("generate", experiment(tables), "-o", tmp_path / "x.fits")
    assert (done.code, done.out) == (code, "")
    assert words in done.err and "Traceback" not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["experiment.toml"]


def test_a_missing_file_and_a_missing_folder(command: Command, experiment: Writer, tmp_path: Path) -> None:
    done = command("generate", tmp_path / "none.toml", "-o", tmp_path / "x.fits")
    assert done.code == 2 and "none.toml: cannot be read" in done.err
    done = command("generate", experiment(frame_table("bias")), "-o", tmp_path / "none" / "x.fits")
    assert done.code == 1 and "does not exist" in done.err


def test_an_interrupted_series_leaves_whole_frames_only(
    command: Command, experiment: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(100))

    def interrupted(*arguments: Any) -> None:
        if next(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    done = command("generate", experiment(frame_table("bias", n_frames=9, seed=1)), "-o", tmp_path / "b.fits")
    assert (done.code, done.err) == (130, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b_0000.fits", "experiment.toml"]
