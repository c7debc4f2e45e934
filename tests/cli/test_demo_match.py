"""`getframes demo --match`: what is left after the match is noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from getframes.cli import main
from getframes.cli.demo import RECORD
from getframes.cli.demo.match import MADE
from getframes.psfmatch import read_exposure


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "match"
    assert main(["demo", "--match", "-o", str(path)]) == 0
    return path


def row(folder: Path, name: str) -> list[tuple[float, float]]:
    """chi2 per pixel with its error, of all pixels and of those on stars."""
    lines = (folder / "match.txt").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}  ")]
    all_pixels, _, all_error, on_stars, _, star_error = line.removeprefix(name).split()
    return [(float(all_pixels), float(all_error)), (float(on_stars), float(star_error))]


def test_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted([*MADE, RECORD])
    for name in ("match.png", "nodes.png"):
        assert np.asarray(Image.open(folder / name)).std() > 10


def test_what_is_left_is_noise(folder: Path) -> None:
    """All pixels to 1 %, with the error that pixels have which share noise; on the stars too."""
    for name in ("matched", "matched, other without noise"):
        for value, error in row(folder, name):
            assert abs(value - 1.0) < 3.0 * error
    assert row(folder, "matched, other without noise")[0][1] < 0.01


def test_it_was_not_noise_before(folder: Path) -> None:
    (everywhere, error), (on_stars, _) = row(folder, "as exposed")
    assert everywhere - 1.0 > 100.0 * error and on_stars > 50.0


def test_the_files_say_the_same(folder: Path) -> None:
    matched, wanted = (read_exposure(folder / f"{name}.fits") for name in ("matched", "wanted"))
    pull = (matched.image - wanted.image) / np.sqrt(matched.variance + wanted.variance)
    value, error = row(folder, "matched")[0]
    assert abs(np.nanmean(pull**2) - value) < 1e-4 + 0.01 * error
    assert matched.header["KERNSUM"] == 1.0 and matched.psf is not None and wanted.psf is not None
    assert np.abs(matched.psf.stamp(100, 300) - wanted.psf.stamp(100, 300)).max() < 1e-4


def test_a_camera_is_not_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["demo", "--match", "--preset", "generic_ccd", "-o", str(tmp_path / "d")]) != 0
    assert "--preset must be left out" in capsys.readouterr().err
