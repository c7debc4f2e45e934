"""`getframes dataset` and `getframes verify`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command, Writer

DATASET = """
[dataset]
n = {n}
exposure_s = 5.0
n_stars = 4
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.npz"))}


def test_pairs_their_manifest_and_their_record(command: Command, experiment: Writer, tmp_path: Path) -> None:
    folder = tmp_path / "train"
    file = experiment(DATASET.format(n=3) + 'seed = 4\ndtype = "float64"\ntemperature_c = -5.0\n')
    done = command("dataset", file, "-o", folder, "--profile")
    assert (done.code, done.err) == (0, "")
    assert "3 pairs" in done.out and "simulate and write" in done.out
    assert sorted(contents(folder)) == [f"pair_{i:06d}.npz" for i in range(3)]
    with np.load(folder / "pair_000002.npz") as pair:
        assert (pair["raw"].shape, pair["truth"].dtype) == ((24, 32), np.float64)
        assert abs(pair["raw"].mean() - pair["truth"].mean()) < 2000
    recipe = json.loads((folder / "pair_manifest.json").read_text())["recipe"]
    assert (recipe["seed"], recipe["scenes"]["seed"], recipe["temperature_c"]) == (4, 4, -5.0)
    assert json.loads((folder / "pair.run.json").read_text())["seed"] == 4


def test_started_again_it_makes_what_is_missing(command: Command, experiment: Writer, tmp_path: Path) -> None:
    folder = tmp_path / "train"
    file = experiment(DATASET.format(n=4))  # no seed: the first run draws one
    assert command("dataset", file, "-o", folder).code == 0
    before = contents(folder)
    (folder / "pair_000001.npz").unlink()
    kept = (folder / "pair_000002.npz").stat().st_mtime_ns
    assert command("dataset", file, "-o", folder).code == 0
    assert contents(folder) == before
    assert (folder / "pair_000002.npz").stat().st_mtime_ns == kept


def test_another_experiment_is_refused(command: Command, experiment: Writer, tmp_path: Path) -> None:
    file = experiment(DATASET.format(n=2))
    assert command("dataset", file, "-o", tmp_path / "train", "--seed", "1").code == 0
    done = command("dataset", file, "-o", tmp_path / "train", "--seed", "2")
    assert done.code == 1 and "seed is 1 there and 2 here" in done.err


def test_verify_finds_a_flipped_byte(command: Command, experiment: Writer, tmp_path: Path) -> None:
    folder = tmp_path / "train"
    command("dataset", experiment(DATASET.format(n=3)), "-o", folder)
    assert command("verify", folder) == (0, f"{folder}: every file is as it was written\n", "")
    damaged = folder / "pair_000001.npz"
    content = bytearray(damaged.read_bytes())
    content[700] ^= 1
    damaged.write_bytes(content)
    assert command("verify", folder) == (1, "pair_000001.npz differs from its SHA-256\n", "")


def test_verify_wants_a_folder(command: Command, tmp_path: Path) -> None:
    done = command("verify", tmp_path / "none")
    assert done.code == 2 and "must be an existing folder" in done.err


def test_dataset_wants_a_table(command: Command, experiment: Writer, tmp_path: Path) -> None:
    done = command("dataset", experiment('[frame]\ntype = "bias"\n'), "-o", tmp_path / "train")
    assert done.code == 2 and "needs a [dataset] table" in done.err
    assert not (tmp_path / "train").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_is_quiet_and_the_same_command_goes_on(
    command: Command, experiment: Writer, tmp_path: Path
) -> None:
    folder = tmp_path / "train"
    file = experiment(DATASET.format(n=100_000).replace("exposure_s", "shape = [64, 64]\nexposure_s"))
    words = [sys.executable, "-m", "getframes", "dataset", str(file), "-o", str(folder), "--seed", "1"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not list(folder.glob("*.npz")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == 130
    names = {path.name for path in folder.iterdir()}
    assert len(names) > 1 and not [name for name in names if name.endswith(".part")]
    made = contents(folder)
    experiment(DATASET.format(n=len(made) + 2).replace("exposure_s", "shape = [64, 64]\nexposure_s"))
    assert command("dataset", file, "-o", folder, "--seed", "1").code == 0
    assert made.items() <= contents(folder).items()
    assert command("verify", folder).code == 0
