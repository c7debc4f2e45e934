"""Folders of pairs: atomic, resumable, checked."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from getframes.dataset import pairs, verify
from getframes.errors import DomainError, IntegrityError, OutputError
from tests.behaviour.dataset.quick_camera import QuickCamera, QuickScene, QuickScenes, config


def a_dataset(n=5, **changes):
    given = {"camera": QuickCamera(), "scenes": QuickScenes(n), "exposure": 2.0, "seed": 5}
    return pairs(**given | changes)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def whole(tmp_path) -> dict[str, bytes]:
    a_dataset().to_npz(tmp_path / "whole")
    return contents(tmp_path / "whole")


@pytest.mark.parametrize("compress", [False, True])
def test_one_file_per_item(tmp_path, compress):
    folder = tmp_path / "new" / "folder"
    paths = a_dataset().to_npz(str(folder), compress=compress)
    assert paths == [str(folder / f"pair_{i:06d}.npz") for i in range(5)]
    assert sorted(contents(folder)) == [*(Path(path).name for path in paths), "pair_manifest.json"]
    for path, pair in zip(paths, a_dataset(), strict=True):
        with np.load(path) as file:
            assert sorted(file.files) == ["raw", "truth"]
            assert all(np.array_equal(file[key], pair[key]) and file[key].dtype == np.float32 for key in pair)
    assert verify(folder) == []


def test_the_bytes_depend_on_nothing_else(tmp_path, whole):
    a_dataset().to_npz(tmp_path / "again")
    assert contents(tmp_path / "again") == whole


def test_the_manifest_says_what_is_there(whole):
    manifest = json.loads(whole["pair_manifest.json"])
    assert manifest["count"] == 5
    assert manifest["recipe"]["seed"] == 5
    assert manifest["recipe"]["exposure_s"] == 2.0
    assert [entry["file"] for entry in manifest["files"]] == sorted(set(whole) - {"pair_manifest.json"})
    assert all(entry["bytes"] == len(whole[entry["file"]]) for entry in manifest["files"])


def test_prefixes_share_a_folder(tmp_path):
    a_dataset().to_npz(tmp_path, prefix="train")
    a_dataset(n=2, seed=6).to_npz(tmp_path, prefix="train_more")
    assert len(contents(tmp_path)) == 9
    assert verify(tmp_path) == []


@pytest.mark.parametrize("prefix", ["", "a/b", "../up"])
def test_a_prefix_is_a_file_name(tmp_path, prefix):
    with pytest.raises(DomainError, match=r"to_npz\.prefix must be a file name"):
        a_dataset().to_npz(tmp_path, prefix=prefix)


def test_a_second_call_makes_nothing_again(tmp_path):
    a_dataset().to_npz(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    scenes = QuickScenes(5)
    assert len(a_dataset(scenes=scenes).to_npz(tmp_path)) == 5
    assert scenes.asked == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")} == before


def test_missing_and_damaged_files_are_made_again(tmp_path, whole):
    a_dataset().to_npz(tmp_path / "set")
    (tmp_path / "set" / "pair_000001.npz").unlink()
    damaged = bytearray(whole["pair_000003.npz"])
    damaged[700] ^= 4
    (tmp_path / "set" / "pair_000003.npz").write_bytes(damaged)
    (tmp_path / "set" / "pair_000004.npz").write_bytes(whole["pair_000004.npz"][:-1])
    assert [problem.split()[0] for problem in verify(tmp_path / "set")] == [
        "pair_000001.npz",
        "pair_000003.npz",
        "pair_000004.npz",
    ]
    scenes = QuickScenes(5)
    a_dataset(scenes=scenes).to_npz(tmp_path / "set")
    assert scenes.asked == [1, 3, 4]
    assert contents(tmp_path / "set") == whole


def test_a_longer_set_continues_a_shorter_one(tmp_path, whole):
    a_dataset(n=2).to_npz(tmp_path / "set")
    scenes = QuickScenes(5)
    a_dataset(scenes=scenes).to_npz(tmp_path / "set")
    assert scenes.asked == [2, 3, 4]
    assert contents(tmp_path / "set") == whole
    assert len(a_dataset(n=3).to_npz(tmp_path / "set")) == 3
    assert contents(tmp_path / "set") == whole


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 6}, "seed is 5 there and 6 here"),
        ({"exposure": 3.0}, "exposure_s is 2.0 there and 3.0 here"),
        ({"temperature": -10.0}, "temperature_c is 20.0 there and -10.0 here"),
        ({"dtype": np.float64}, "dtype"),
        ({"camera": QuickCamera(config(read_noise_e=4.0))}, "camera_digest"),
        ({"camera": QuickCamera(precision="float32")}, "precision"),
        ({"scenes": QuickScenes(5, level=99.0)}, "scenes"),
    ],
)
def test_another_recipe_is_refused(tmp_path, whole, changes, named):
    with pytest.raises(OutputError, match="another data set, nothing was written") as caught:
        a_dataset(**changes).to_npz(tmp_path / "whole")
    assert named in str(caught.value)
    assert isinstance(caught.value, FileExistsError)
    assert contents(tmp_path / "whole") == whole


def test_without_a_seed_the_first_one_drawn_is_kept(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        a_dataset(scenes=Stops(5), seed=None).to_npz(tmp_path)
    a_dataset(seed=None).to_npz(tmp_path)
    before = contents(tmp_path)
    a_dataset(seed=None).to_npz(tmp_path)
    assert contents(tmp_path) == before
    assert verify(tmp_path) == []
    seed = json.loads(before["pair_manifest.json"])["recipe"]["seed"]
    with np.load(tmp_path / "pair_000004.npz") as file:
        assert np.array_equal(file["raw"], a_dataset(seed=seed)[4]["raw"])
    with pytest.raises(OutputError, match="another data set"):
        a_dataset(seed=5).to_npz(tmp_path)


def test_files_that_nobody_recorded_are_not_touched(tmp_path):
    (tmp_path / "pair_000003.npz").write_text("mine")
    with pytest.raises(OutputError, match=r"holds pair_000003\.npz, which no manifest accounts for"):
        a_dataset().to_npz(tmp_path)
    assert contents(tmp_path) == {"pair_000003.npz": b"mine"}


def test_scenes_without_a_recipe_are_compared_one_by_one(tmp_path):
    scenes = [QuickScene(100.0 + i) for i in range(4)]
    a_dataset(scenes=scenes[:2]).to_npz(tmp_path)
    a_dataset(scenes=iter(scenes)).to_npz(tmp_path)
    before = contents(tmp_path)
    changed = [scenes[0], QuickScene(1.0), *scenes[2:]]
    with pytest.raises(OutputError, match=r"holds pair_000001\.npz, made from another scene"):
        a_dataset(scenes=changed).to_npz(tmp_path)
    a_dataset(scenes=scenes).to_npz(tmp_path)
    assert contents(tmp_path) == before
    assert verify(tmp_path) == []


def test_every_flipped_bit_is_found(tmp_path, whole):
    folder = tmp_path / "whole"
    chosen = random.Random(0)
    for name, good in whole.items():
        for _ in range(40):
            place = chosen.randrange(8 * len(good))
            damaged = bytearray(good)
            damaged[place // 8] ^= 1 << place % 8
            (folder / name).write_bytes(damaged)
            problems = verify(folder)
            assert problems, (name, place)
            assert name in problems[0]
        (folder / name).write_bytes(good)
    assert verify(folder) == []


def test_what_does_not_belong_is_named(tmp_path, whole):
    folder = tmp_path / "whole"
    (folder / "pair_000099.npz").write_bytes(b"x")
    (folder / "notes.txt").write_text("mine")
    (folder / ".pair_000001.npz.0123abcd.part").write_bytes(b"x")
    assert verify(folder) == [
        ".pair_000001.npz.0123abcd.part is an unfinished file",
        "pair_000099.npz is in no manifest",
    ]
    a_dataset().to_npz(folder)
    assert verify(folder) == ["pair_000099.npz is in no manifest"]


def test_folders_without_a_manifest(tmp_path):
    assert verify(tmp_path) == [f"{tmp_path} has no manifest"]
    with pytest.raises(DomainError, match=r"verify\.directory must be an existing folder"):
        verify(tmp_path / "none")


@pytest.mark.parametrize("end", ["json", "jsonl"])
def test_a_damaged_manifest_stops_the_writer(tmp_path, whole, end):
    folder = tmp_path / "whole"
    (folder / "pair_manifest.json").rename(folder / "kept")
    (folder / f"pair_manifest.{end}").write_bytes(whole["pair_manifest.json"].replace(b"float64", b"float32"))
    with pytest.raises(IntegrityError, match=rf"pair_manifest\.{end} is damaged"):
        a_dataset().to_npz(folder)
    assert contents(folder)["pair_000000.npz"] == whole["pair_000000.npz"]


class Stops(QuickScenes):
    """Fails at one item, as a Ctrl-C would."""

    def __getitem__(self, index: int) -> QuickScene:
        if index == 3:
            raise KeyboardInterrupt
        return super().__getitem__(index)


def test_an_interrupted_call_is_finished_by_the_next(tmp_path, whole):
    folder = tmp_path / "set"
    with pytest.raises(KeyboardInterrupt):
        a_dataset(scenes=Stops(5)).to_npz(folder)
    finished = sorted(set(contents(folder)) - {"pair_manifest.jsonl"})
    assert all(contents(folder)[name] == whole[name] for name in finished)
    assert verify(folder) == ["'pair' is not finished: the call that made it finishes it when repeated"]
    scenes = QuickScenes(5)
    a_dataset(scenes=scenes).to_npz(folder)
    assert scenes.asked == list(range(len(finished), 5))
    assert contents(folder) == whole


@pytest.mark.parametrize("cut", [1, 30, 100])
def test_a_torn_journal_loses_only_its_last_lines(tmp_path, whole, cut):
    folder = tmp_path / "set"
    with pytest.raises(KeyboardInterrupt):
        a_dataset(scenes=Stops(5)).to_npz(folder)
    journal = folder / "pair_manifest.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])
    a_dataset().to_npz(folder)
    assert contents(folder) == whole


class Unwritable(QuickCamera):
    def observe_item(self, *arguments):
        if arguments[-1] == 3:
            raise OutputError("cannot write: no space left")
        return super().observe_item(*arguments)


def test_an_error_while_writing_keeps_what_is_finished(tmp_path, whole):
    folder = tmp_path / "set"
    with pytest.raises(OutputError, match="no space left"):
        a_dataset(camera=Unwritable()).to_npz(folder)
    a_dataset().to_npz(folder)
    assert contents(folder) == whole


def test_folders_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="cannot write"):
            a_dataset().to_npz(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, where nobody can write")
def test_a_folder_where_nobody_can_write():
    with pytest.raises(OutputError, match="cannot write /proc/getframes"):
        a_dataset().to_npz("/proc/getframes")


SLOW = """
import sys, time
from getframes.dataset import pairs
from tests.behaviour.dataset.quick_camera import QuickCamera, QuickScenes, config

class Slow(QuickCamera):
    def observe_item(self, *arguments):
        time.sleep(0.002)
        return super().observe_item(*arguments)

camera = Slow(config(resolution=(64, 64)))
pairs(camera=camera, scenes=QuickScenes(200), exposure=2.0, seed=5).to_npz(sys.argv[1])
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[3]
    paths = os.pathsep.join([str(root), *(path for path in sys.path if path)])
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, str(folder)], env={**os.environ, "PYTHONPATH": paths}
    )


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_run_leaves_no_torn_file_and_is_finished_by_the_next(tmp_path):
    folder = tmp_path / "set"
    chosen = random.Random(1)
    for _ in range(4):
        process = start(folder)
        there = len(list(folder.glob("*.npz"))) if folder.exists() else 0
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            if folder.exists() and len(list(folder.glob("*.npz"))) > there + 5:
                break
            time.sleep(0.001)
        time.sleep(chosen.uniform(0, 0.02))
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in folder.glob("pair_*.npz"):
            with np.load(path) as file:
                assert file["raw"].shape == file["truth"].shape == (64, 64)
    assert start(folder).wait() == 0
    assert verify(folder) == []
    assert len(list(folder.glob("*.npz"))) == 200
    camera = QuickCamera(config(resolution=(64, 64)))
    a_dataset(n=200, camera=camera).to_npz(tmp_path / "undisturbed")
    assert contents(folder) == contents(tmp_path / "undisturbed")


@pytest.mark.skipif(os.name != "posix", reason="needs file locks")
def test_two_writers_at_once_are_refused(tmp_path):
    folder = tmp_path / "set"
    process = start(folder)
    try:
        deadline = time.monotonic() + 30
        while not list(folder.glob("*.npz")) and time.monotonic() < deadline:
            time.sleep(0.001)
        with pytest.raises(OutputError, match="another process is writing 'pair' files"):
            camera = QuickCamera(config(resolution=(64, 64)))
            a_dataset(n=200, camera=camera).to_npz(folder)
    finally:
        process.kill()
        process.wait()
