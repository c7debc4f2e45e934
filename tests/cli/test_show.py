"""`getframes show`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from getframes import Camera
from getframes.picture.stretch import Stretch, diverging, fitted, grey
from getframes.picture.terminal import characters, histogram_line
from tests.cli.conftest import Command

CAMERA = Camera.from_preset("generic_ccd").with_config(resolution=(40, 60))


@pytest.fixture
def frame_file(tmp_path: Path) -> Path:
    light = np.zeros((40, 60))
    light[30, 10] = 1e5  # a star in the upper left, as the first row is at the bottom
    path = tmp_path / "frame.fits"
    CAMERA.expose(light, 1.0, background=10.0, seed=1).to_fits(path, truth=True)
    return path


def pixels(path: Path) -> Any:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_png_has_the_frame_upright(frame_file: Path, command: Command, tmp_path: Path) -> None:
    png = tmp_path / "frame.png"
    assert command("show", frame_file, "-o", png, "--size", "480") == (0, "", "")
    shown = pixels(png)
    assert shown.shape[2] == 3
    left, top, factor = 24 + (560 - 480) // 2, 54, 8
    panel = shown[top : top + 40 * factor, left : left + 60 * factor, 0].astype(int)
    blocks = panel.reshape(40, factor, 60, factor)
    assert (blocks == blocks[:, :1, :, :1]).all()  # whole pixels
    brightest = np.unravel_index(blocks[:, 0, :, 0].argmax(), (40, 60))
    assert brightest == (40 - 1 - 30, 10)
    assert (shown[top + 40 * factor :, :, 2] > 200).any()  # the bars of the histogram


def test_an_existing_picture_stays(frame_file: Path, command: Command, tmp_path: Path) -> None:
    png = tmp_path / "frame.png"
    png.write_text("mine")
    assert command("show", frame_file, "-o", png).code == 1
    assert png.read_text() == "mine"
    assert command("show", frame_file, "-o", png, "--overwrite").code == 0
    assert pixels(png).size


def test_terminal_without_colours(
    frame_file: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "25")
    code, out, _ = command("show", frame_file)
    heading, *rows, bars, limits, figures = out.splitlines()
    assert code == 0
    assert heading == "frame.fits, Generic CCD, light, 1 s, 60 x 40 px"
    assert len(rows) == 20 and {len(row) for row in rows} == {60}
    assert len(set("".join(rows))) > 3 and "\x1b" not in out
    assert len(bars) == 60 and limits.startswith("asinh stretch, black") and figures.startswith("min ")


def test_half_blocks_hold_two_rows() -> None:
    level = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    lines = characters(level, half_blocks=True)
    assert len(lines) == 2
    assert lines[0].count("▀") == 2 and lines[0].endswith("\x1b[0m")
    assert lines[0].startswith("\x1b[38;5;244;48;5;255m")  # the last row is above the middle one
    assert characters(np.ones((2, 3)), half_blocks=False) == ["@@@"]


def test_histogram_line() -> None:
    line = histogram_line(np.arange(100.0), Stretch("linear", 0.0, 100.0), 10)
    assert line == "█" * 10


def test_layers(frame_file: Path, command: Command, tmp_path: Path) -> None:
    out = command("show", frame_file, "--layer", "mean_electrons").out
    assert "frame.fits, mean_electrons, Generic CCD" in out
    done = command("show", frame_file, "--layer", "nope")
    assert done.code == 2 and "must be one of mean_electrons, mean_photoelectrons, photon_rate" in done.err


def test_npz_and_npy(command: Command, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", raw=np.ones((8, 9)), truth=np.zeros((8, 9)))
    np.save(tmp_path / "b.npy", np.arange(72).reshape(8, 9))
    assert "9 x 8 px" in command("show", tmp_path / "a.npz").out
    assert "a.npz, truth, 9 x 8 px" in command("show", tmp_path / "a.npz", "--layer", "truth").out
    assert "max 71" in command("show", tmp_path / "b.npy").out


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("none.fits", None, 2, "an existing .fits"),
        ("frame.txt", b"x", 2, "a .fits, .fits.gz, .npz or .npy file"),
        ("frame.fits", b"x", 1, "frame.fits"),
        ("frame.npz", b"PK", 1, "is damaged"),
        ("frame.npy", b"", 1, "is damaged"),
    ],
)
def test_what_is_no_frame(
    name: str, content: bytes | None, code: int, words: str, command: Command, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = command("show", tmp_path / name)
    assert done.code == code and words in done.err


@pytest.mark.parametrize("words", [("--percent", "9", "3"), ("--size", "2")])
def test_impossible_options(words: tuple[str, ...], frame_file: Path, command: Command) -> None:
    assert command("show", frame_file, *words).code == 2


@pytest.mark.parametrize("kind", ["asinh", "linear", "log"])
@pytest.mark.parametrize("image", [np.zeros((5, 5)), np.full((5, 5), np.nan), np.arange(25.0).reshape(5, 5)])
def test_stretches_stay_between_black_and_white(kind: str, image: Any) -> None:
    level = Stretch.fitting(image, kind)(image)
    assert level.min() >= 0 and level.max() <= 1
    assert (np.diff(level.ravel()) >= 0).all()


def test_percentiles_set_the_ends() -> None:
    stretch = Stretch.fitting(np.arange(101.0), "linear", (10, 90))
    assert (stretch.black, stretch.white) == (10.0, pytest.approx(90.0, abs=70))
    assert Stretch("linear", 0.0, 4.0)([[1.0]]) == [[0.25]]


def test_fitting_keeps_the_mean() -> None:
    image = np.random.default_rng(1).random((90, 120))
    small = fitted(image, 40, 40)
    assert small.shape == (30, 40)
    assert small.mean() == pytest.approx(image.mean(), rel=1e-5)
    np.testing.assert_allclose(small, image.reshape(30, 3, 40, 3).mean((1, 3)), rtol=1e-4)
    assert fitted(image, 250, 200).shape == (180, 240)


def test_colours() -> None:
    assert grey(np.array([[0.0, 1.0]])).tolist() == [[[0, 0, 0], [255, 255, 255]]]
    blue, none, orange, lost = diverging(np.array([[-9.0, 0.0, 9.0, np.nan]]), 5.0)[0].tolist()
    assert blue[2] > blue[0] and orange[0] > orange[2] and max(none) < 30 and lost[1] == max(lost)
