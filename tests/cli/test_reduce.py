"""`getframes reduce`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from getframes import Camera
from tests.cli.conftest import Command

PIPELINE = '[input]\nfolder = "raw"\n[output]\nfolder = "reduced"\n'

Night = Callable[..., Path]


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """A small folder of raw frames, and a pipeline file."""

    def write(tables: str = "") -> Path:
        camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(12, 16))
        raw = tmp_path / "raw"
        raw.mkdir()
        for n in range(3):
            camera.dark_frame(30.0).to_fits(raw / f"dark_{n}.fits")
            camera.expose(50.0, 30.0).to_fits(raw / f"light_{n}.fits")
            flat = camera.expose(5000.0, 4.0)
            flat.metadata["frame_type"] = "flat"
            flat.to_fits(raw / f"flat_{n}.fits")
            bias = camera.dark_frame(0.0)
            bias.metadata["frame_type"] = "bias"
            bias.to_fits(raw / f"bias_{n}.fits")
        file = tmp_path / "night.toml"
        file.write_text(PIPELINE + tables, encoding="utf-8")
        return file

    return write


def test_all_is_well(night: Night, command: Command, tmp_path: Path) -> None:
    done = command("reduce", night())
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{tmp_path / 'reduced'}: 3 calibrated, 0 were there\n"
    assert sorted(path.name for path in (tmp_path / "reduced").iterdir()) == [
        "masters",
        "reduce.run.json",
        "science",
    ]
    assert len(list((tmp_path / "reduced" / "masters").iterdir())) == 3
    assert "0 calibrated, 3 were there" in command("reduce", tmp_path / "night.toml").out


def test_the_list_makes_nothing(night: Night, command: Command, tmp_path: Path) -> None:
    done = command("reduce", night(), "--list")
    assert (done.code, done.err) == (0, "") and not (tmp_path / "reduced").exists()
    assert [line.split()[:3] for line in done.out.splitlines()[1:]] == [
        ["undated", kind, "3"] for kind in ("bias", "dark", "flat", "science")
    ]


def test_bad_files_are_told_at_the_end(night: Night, command: Command, tmp_path: Path) -> None:
    file = night()
    bad = tmp_path / "raw" / "light_1.fits"
    bad.write_text("no FITS")
    done = command("reduce", file, "--workers", 2)
    assert done.code == 1 and "2 calibrated" in done.out
    assert done.err.startswith(f"getframes: warning: {bad} is not a FITS file") and done.err.count("\n") == 1


def test_a_folder_without_frames_is_told(command: Command, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "night.toml").write_text(PIPELINE, encoding="utf-8")
    done = command("reduce", tmp_path / "night.toml")
    assert done.code == 0
    assert f"no science frame in {tmp_path / 'raw'} (*.fit*)" in done.err


def test_profile(night: Night, command: Command) -> None:
    out = command("reduce", night(), "--profile").out
    assert all(word in out for word in ("find", "masters", "calibrate", "3 frame", "total"))


@pytest.mark.parametrize(
    ("tables", "options", "message"),
    [
        ("[masterz]\n", (), "night.toml:5:2: unknown table 'masterz' (did you mean 'masters'?)"),
        ("", ("--workers", "0"), "workers must be a positive integer, got 0"),
        (
            "",
            ("--processes", "--scheduler", "tcp://127.0.0.1:9"),
            "processes must be left out with a scheduler",
        ),
    ],
)
def test_what_is_not_right(
    tables: str, options: tuple[str, ...], message: str, night: Night, command: Command
) -> None:
    done = command("reduce", night(tables), *options)
    assert done.code == 2 and message in done.err


def test_a_folder_that_cannot_be_written(night: Night, command: Command, tmp_path: Path) -> None:
    file = night()
    (tmp_path / "reduced").touch()
    done = command("reduce", file)
    assert done.code == 1 and "cannot write" in done.err
