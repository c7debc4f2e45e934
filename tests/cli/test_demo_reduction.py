"""`getframes demo --reduce`: a night simulated, reduced, and compared with what was put in."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from getframes.cli import main
from getframes.cli.demo import RECORD
from getframes.cli.demo.night import FRAMES
from getframes.cli.demo.reduction import MADE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "night"
    assert main(["demo", "--reduce", "-o", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "reduction.txt").read_text()


@pytest.fixture(scope="module")
def fluxes(folder: Path) -> dict[str, np.ndarray]:
    """Measured, sigma and true by star, shape (frames, 3)."""
    with (folder / "light_curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    stars = {row["star"]: [] for row in rows}
    for row in rows:
        stars[row["star"]].append([float(row[key]) for key in ("measured_e", "sigma_e", "true_e")])
    return {star: np.array(values) for star, values in stars.items()}


def test_files(folder: Path) -> None:
    here = {path.name for path in folder.iterdir()}
    assert here == {*MADE, RECORD, "raw", "reduced"}


def test_raw_files_are_those_of_a_telescope(folder: Path) -> None:
    kinds = [fits.getheader(path)["IMAGETYP"] for path in sorted((folder / "raw").iterdir())]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "BIAS": 16,
        "DARK": 12,
        "FLAT": 16,
        "LIGHT": FRAMES,
    }
    header = fits.getheader(folder / "raw" / "science_23.fits")
    assert header["DATE-OBS"] == "2026-03-01T21:55:00.000000"
    assert header["FILTER"] == "Johnson V" and header["BITPIX"] == 16
    assert len(list((folder / "reduced" / "science").rglob("*.fits"))) == FRAMES


def test_chi2_is_one_within_its_error(text: str) -> None:
    (of_light, of_counts) = (
        (float(value), float(error)) for value, error in re.findall(r"([\d.]+) \+- ([\d.]+)   ", text)
    )
    assert abs(of_light[0] - 1.0) < 3.0 * of_light[1] and of_light[1] < 0.0015
    assert abs(of_counts[0] - 1.0) < 3.0 * of_counts[1] + 2.0 / 1300.0
    found = re.search(r"pull +mean ([-+.\d]+), rms ([.\d]+)", text)
    assert found is not None
    assert abs(float(found[1])) < 0.01 and abs(float(found[2]) - 1.0) < 0.005


def test_light_curves_come_back(fluxes: dict[str, np.ndarray]) -> None:
    """Each flux within its error, and the variable stars vary as they should."""
    for star, swing in (("pulsating", 0.25), ("eclipsed", 0.06)):
        measured, sigma, true = fluxes[star].T
        assert np.ptp(true) / true.mean() > swing
        known = np.isfinite(measured)
        measured, sigma, true = measured[known], sigma[known], true[known]
        assert known.sum() > 20 and (np.abs(measured - true) < 4.5 * sigma).all()
        slope = np.sum((true - true.mean()) * measured) / np.sum((true - true.mean()) ** 2)
        assert slope == pytest.approx(
            1.0, abs=4.0 * sigma.mean() / np.sqrt(np.sum((true - true.mean()) ** 2))
        )
    steady = fluxes["steady"].T
    assert np.ptp(steady[2]) < 0.003 * steady[2].mean()


def test_the_table_has_the_stars(text: str) -> None:
    assert re.search(r"^pulsating +\d+ +[-+.\d]+% +[.\d]+% +(1\.00|0\.99)", text, re.MULTILINE)
    assert re.search(r"^all 24 stars .* 5[4-7]\d$", text, re.MULTILINE)


def test_cosmic_rays_are_found(text: str) -> None:
    found = re.search(r"(\d+) of (\d+) pixels that were hit by 5 sigma are flagged", text)
    assert found is not None
    assert int(found[1]) > 0.95 * int(found[2]) > 500


def test_picture(folder: Path) -> None:
    with Image.open(folder / "reduction.png") as sheet:
        assert sheet.size[0] > 2000 and sheet.size[1] > 1200
        assert np.asarray(sheet).std() > 10


def test_record(folder: Path) -> None:
    record = json.loads((folder / RECORD).read_text())
    assert record["demonstration"] == "reduce" and record["camera"] == "Andor iKon-M 934"
    assert [step["step"] for step in record["steps"]][-2:] == ["compare", "picture"]


def test_another_camera_and_another_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "demo",
        "--reduce",
        "-o",
        str(tmp_path),
        "--preset",
        "scimeasure_little_joe_ccd39",
        "--seed",
        "3",
    ]
    assert main(words) == 0
    assert "SciMeasure Little Joe CCD39 (CCD, 80 x 80 px)" in capsys.readouterr().out
    assert main(["demo", "--reduce", "-o", str(tmp_path), "--preset", "nope"]) == 2
    assert "nope" in capsys.readouterr().err
