"""`getframes explain`: the budget of a frame, its forms, and what it warns of."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from getframes.analysis import noise_budget
from getframes.config.experiment import read_experiment
from tests.cli.conftest import Command, Writer

EXAMPLE = Path(__file__).parents[2] / "configs" / "explain" / "detector.toml"
FLAT = '[frame]\ntype = "flat"\nexposure_s = 2.0\nphoton_rate = 400.0\nseed = 3\n'


def test_every_stage_of_the_example_agrees(command: Command) -> None:
    done = command("explain", EXAMPLE)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("Noise budget, well known: ")
    stages = [line.split()[0] for line in lines[4:-1]]
    assert stages[:4] == ["photo", "dark", "shot", "cosmic_rays"]
    assert stages[-1] == "digitize"
    assert not any(line.endswith("!") for line in lines[4:])
    assert lines[-1] == "seed 8"


def test_json_and_csv_say_the_same(command: Command) -> None:
    about = json.loads(command("explain", EXAMPLE, "--json", "--seed", "5").out)
    rows = list(csv.DictReader(command("explain", EXAMPLE, "--plain", "--seed", "5").out.splitlines()))
    assert (about["camera"], about["seed"], about["agrees"]) == ("well known", 5, True)
    assert [row["stage"] for row in rows] == [row["stage"] for row in about["stages"]]
    for one, other in zip(rows, about["stages"], strict=True):
        assert int(one["pixels"]) == about["pixels"]
        for name in ("predicted_mean", "drawn_mean", "mean_error", "predicted_variance", "drawn_variance"):
            assert float(one[name]) == other[name]
        if other["mean_error"]:
            pull = (other["drawn_mean"] - other["predicted_mean"]) / other["mean_error"]
            assert other["mean_deviation"] == pytest.approx(pull)
        assert other["unit"] in ("e-", "ADU")


@pytest.mark.parametrize("kind", ["dark", "bias", "flat", "light", "science"])
def test_every_type_of_frame(kind: str, experiment: Writer, command: Command) -> None:
    frame = FLAT.replace("flat", kind)
    if kind == "bias":
        frame = frame.replace("exposure_s = 2.0\n", "")
    scene = ""
    if kind == "science":
        frame = frame.replace("photon_rate = 400.0\n", "")
        example = EXAMPLE.parents[1] / "generate" / "science.toml"
        text = example.read_text(encoding="utf-8")
        scene = text[text.index("[scene") :]
    elif kind in ("dark", "bias"):
        frame = frame.replace("photon_rate = 400.0\n", "")
    path = experiment(frame + scene)
    done = command("explain", path, "--json")
    assert done.code == 0, done.err
    about = json.loads(done.out)
    assert about["agrees"] and about["pixels"] > 300
    assert (about["stages"][0]["stage"] == "photo") == (kind not in ("dark", "bias"))
    assert read_experiment(path).frame is not None


def test_what_disagrees_is_marked_and_told(
    experiment: Writer, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read noise that is not the one that was configured."""
    law = noise_budget.added_noise
    wrong = {**noise_budget.LAWS, "read_noise": lambda before, at: law(before, {"rms_e": 3.0 * at["rms_e"]})}
    monkeypatch.setattr(noise_budget, "LAWS", wrong)
    path = experiment('[frame]\ntype = "bias"\nseed = 3\n')
    done = command("explain", path)
    assert done.code == 0
    marked = [line.split()[0] for line in done.out.splitlines() if line.endswith(" !")]
    assert marked == ["read_noise", "amplifier", "digitize"]
    warnings = done.err.splitlines()
    assert len(warnings) == 3
    assert "after read_noise the variance is" in warnings[0] and "of its errors away" in warnings[0]
    assert json.loads(command("explain", path, "--json").out)["agrees"] is False


def test_a_law_without_noise_that_is_wrong_is_told(
    experiment: Writer, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {**noise_budget.LAWS, "photo": lambda before, at: before._replace(mean=before.mean + 1.0)}
    monkeypatch.setattr(noise_budget, "LAWS", wrong)
    done = command("explain", experiment(FLAT))
    assert "after photo the mean is" in done.err
    assert np.char.endswith(done.out.splitlines()[4], "!")


@pytest.mark.parametrize(
    ("tables", "options", "message"),
    [
        ("[dataset]\nn = 2\nexposure_s = 1.0\n", (), "`getframes explain` needs a [frame] table"),
        (FLAT.replace("400.0", "1e9"), (), "where must be a mask with pixels inside the limits"),
        (FLAT.replace("photon_rate", "photonrate"), (), "photonrate"),
        (FLAT, ("--seed", "-3"), "seed must be"),
    ],
)
def test_what_cannot_be_explained(
    tables: str, options: tuple[str, ...], message: str, experiment: Writer, command: Command
) -> None:
    done = command("explain", experiment(tables), *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
