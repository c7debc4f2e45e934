"""The demonstration of a fit, and the made-up survey that a newcomer begins with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from getframes.cli import main
from getframes.fit import Posterior, read_catalog, read_exposure, read_psfs


def test_a_heap_is_taken_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Residuals are noise, and what came out is as far from what went in as it says."""
    assert main(["demo", "--fit", "-o", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    chi2, error = (float(word) for word in told.split("chi2 per pixel ")[1].split("\n")[0].split(" +- "))
    assert abs(chi2 - 1.0) < 3.0 * error
    rows = [line.split() for line in told.split("pull\n")[1].split("\n\n")[0].splitlines()]
    pulls = np.array([float(row[-1]) for row in rows])
    assert len(pulls) == 3 * 6 + 2 + 4 * 3
    assert 0.5 < np.sqrt(np.mean(pulls**2)) < 1.6  # 32 numbers that share pixels
    assert Posterior.from_hdf5(tmp_path / "draws.h5").rhat.max() < 1.05
    for name in ("fit.png", "corner.png"):
        assert np.asarray(Image.open(tmp_path / name)).std() > 10.0


def test_a_camera_is_none_of_its_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--fit", "--preset", "generic_ccd", "-o", str(tmp_path)]) != 0
    assert "--preset" in capsys.readouterr().err


def test_a_made_up_survey_is_complete(tmp_path: Path) -> None:
    assert main(["fit", "fake", str(tmp_path / "survey"), "--sources", "5", "--seed", "3"]) == 0
    folder = tmp_path / "survey"
    guesses, truth = (read_catalog(folder / name) for name in ("catalog.fits", "truth.fits"))
    assert len(guesses) == len(truth) == 5 and guesses.bands == ("g", "r", "i")
    assert guesses.good.all() and (guesses.position != truth.position).all()
    psfs = read_psfs(folder / "psfs.h5")
    images = [
        read_exposure(path, flux_unit=guesses.flux_unit) for path in sorted((folder / "images").iterdir())
    ]
    assert {image.name for image in images} == set(psfs)
    assert len({image.flux_scale for image in images}) == len(images)


def test_a_made_up_survey_takes_no_place_of_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "catalog.fits").write_text("mine", encoding="utf-8")
    assert main(["fit", "fake", str(tmp_path), "--sources", "1"]) == 1
    assert "catalog.fits: it exists already (--overwrite replaces it)" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["catalog.fits"]
    assert (tmp_path / "catalog.fits").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("number", ["0", "-3"])
def test_a_survey_has_a_source(tmp_path: Path, capsys: pytest.CaptureFixture[str], number: str) -> None:
    assert main(["fit", "fake", str(tmp_path / "survey"), f"--sources={number}"]) != 0
    assert "--sources" in capsys.readouterr().err
    assert not (tmp_path / "survey").exists()
