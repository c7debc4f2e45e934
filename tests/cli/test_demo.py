"""`getframes demo`: the Pleiades through two cameras."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from getframes import Frame
from getframes.cli import main
from getframes.cli.demo import RECORD
from getframes.cli.demo.pleiades import MADE, SHOTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "pleiades"
    start = time.monotonic()
    assert main(["demo", "-o", str(path)]) == 0
    assert time.monotonic() - start < 20
    return path


@pytest.fixture(scope="module")
def budget(folder: Path) -> list[dict[str, str]]:
    with (folder / "noise_budget.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted([*MADE, RECORD])


@pytest.mark.parametrize("shot", SHOTS, ids=[shot.preset for shot in SHOTS])
def test_frames_show_the_stars_and_hold_their_truth(shot: object, folder: Path) -> None:
    frame = Frame.from_fits(folder / f"{shot.preset}.fits")  # type: ignore[attr-defined]
    assert frame.truth is not None and frame.metadata["filter"] == "Johnson V"
    assert frame.metadata["CTYPE1"] == "RA---TAN"
    stars = frame.truth.photon_rate > 1000
    assert stars.sum() > 300
    assert np.median(frame.data[stars]) > 2 * np.median(frame.data)


def test_the_text_says_what_is_compared_and_which_band(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "noise_budget.txt").read_text()
    assert "pixels on which stars add less than 1% to the sky" in text
    main(["demo", "-o", str(folder)])
    out = capsys.readouterr().out
    assert "V_T are used as Johnson V" in out and text in out


def test_every_stage_agrees_with_its_prediction(budget: list[dict[str, str]]) -> None:
    assert len({row["camera"] for row in budget}) == 2
    assert [row["stage"] for row in budget if "iXon" in row["camera"]] == [
        *("photo", "dark", "shot", "clock_induced_charge", "full_well", "gain", "output_full_well"),
        *("read_noise", "amplifier", "digitize"),
    ]
    for row in budget:
        assert int(row["pixels"]) > 900_000
        for moment in ("mean", "variance"):
            difference = float(row[f"drawn_{moment}"]) - float(row[f"predicted_{moment}"])
            assert abs(difference) <= 4 * float(row[f"{moment}_error"]) + 1e-9 * float(
                row[f"predicted_{moment}"]
            )


def test_the_last_row_is_the_frame(budget: list[dict[str, str]], folder: Path) -> None:
    frame = Frame.from_fits(folder / f"{SHOTS[0].preset}.fits")
    assert frame.truth is not None
    dark_sky = np.isclose(
        frame.truth.mean_photoelectrons, np.median(frame.truth.mean_photoelectrons), rtol=0.0099
    )
    row = next(row for row in budget if row["stage"] == "digitize")
    assert float(row["drawn_mean"]) == pytest.approx(frame.data[dark_sky].mean(), rel=1e-4)


def test_contact_sheet(folder: Path) -> None:
    with Image.open(folder / "contact_sheet.png") as sheet:
        assert sheet.size[0] > 2000 and sheet.size[1] > 1000
        pixels = np.asarray(sheet)
    assert pixels.std() > 10


def test_record(folder: Path) -> None:
    record = json.loads((folder / "demo.run.json").read_text())
    assert record["run"] == "demo"
    assert [step["step"] for step in record["steps"]] == [
        "scene",
        "simulate",
        "write",
        "noise budget",
        "picture",
    ]


def test_two_cameras_are_no_preset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "-o", str(tmp_path), "--preset", "generic_ccd"]) == 2
    assert "--preset" in capsys.readouterr().err
