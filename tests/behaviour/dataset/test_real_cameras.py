"""Data sets of real cameras: numbers that address, processes, and the noise of distant items."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from getframes import Camera
from getframes.dataset import PairDataset, pairs, random_star_fields, verify
from getframes.errors import DomainError, ShapeError
from tests.behaviour.dataset.quick_camera import config

SHAPE = (32, 48)


def a_dataset(n=6, *, precision="float64", **changes) -> PairDataset:
    camera = Camera.from_preset("generic_ccd", precision=precision).with_config(resolution=SHAPE)
    scenes = random_star_fields(n, SHAPE, n_stars=(2, 9), mag_range=(12.0, 18.0), seed=11)
    return pairs(**{"camera": camera, "scenes": scenes, "exposure": 3.0, "seed": 5} | changes)


def raw_bytes(dataset: PairDataset, index: int) -> bytes:
    pair = dataset[index]
    return pair["raw"].tobytes() + pair["truth"].tobytes()


def test_item_zero_is_what_observe_gives():
    dataset = a_dataset(dtype=np.float64)
    frame = dataset.camera.observe(dataset.scenes[0], 3.0, seed=5)
    assert np.array_equal(dataset[0]["raw"], frame.data)
    assert np.array_equal(dataset[0]["truth"], frame.truth.mean_electrons)


def test_items_are_the_same_in_any_order_and_alone():
    dataset = a_dataset()
    passed = [pair["raw"] for pair in dataset]
    for index in (5, 0, 3):
        assert np.array_equal(dataset[index]["raw"], passed[index])
        assert np.array_equal(a_dataset(n=10**6)[index]["raw"], passed[index])
    raw, truth = dataset.to_arrays()
    assert np.array_equal(raw, passed)
    assert raw.shape == truth.shape == (6, *SHAPE)


def test_distant_items_share_no_noise():
    scene = random_star_fields(1, SHAPE, n_stars=0, seed=1)[0]
    camera = Camera(config(resolution=SHAPE))  # without fixed patterns, which frames do share
    numbers = [0, 1, 17, 50_000, 2**32, 2**32 + 17, 2**63]
    frames = [camera.observe_item(scene, 100.0, None, 5, number).data for number in numbers]
    found = np.corrcoef(np.reshape(frames, (len(numbers), -1)).astype(float)) - np.eye(len(numbers))
    assert abs(found).max() < 4 / np.sqrt(frames[0].size)


def test_truth_is_the_mean_of_the_frames():
    scene = random_star_fields(1, SHAPE, seed=1)[0]
    dataset = a_dataset(scenes=[scene] * 200, exposure=30.0, dtype=np.float64)
    raw, truth = dataset.to_arrays()
    camera = dataset.camera.config
    expected = truth[0] / camera.gain_e_per_adu + camera.bias_offset_adu
    error = np.sqrt(truth[0] + camera.read_noise_e**2) / camera.gain_e_per_adu / np.sqrt(200)
    pulls = (raw.mean(axis=0) - expected) / error
    assert abs(pulls.mean()) < 4 / np.sqrt(pulls.size)
    assert 0.9 < pulls.std() < 1.1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_make_the_same_bits(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    dataset = a_dataset()
    expected = [raw_bytes(dataset, index) for index in range(4)]
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        found = list(pool.map(raw_bytes, [dataset] * 4, range(4), timeout=60))
    assert found == expected


def test_a_pickle_is_small_and_complete():
    dataset = a_dataset()
    dataset[0]
    packed = pickle.dumps(dataset)
    assert len(packed) < 10_000
    assert raw_bytes(pickle.loads(packed), 2) == raw_bytes(dataset, 2)


def test_a_folder_of_a_real_camera(tmp_path):
    paths = a_dataset(precision="float32").to_npz(tmp_path)
    assert verify(tmp_path) == []
    with np.load(paths[4]) as file:
        pair = a_dataset(precision="float32")[4]
        assert np.array_equal(file["raw"], pair["raw"])
        assert np.array_equal(file["truth"], pair["truth"])
        assert file["truth"].dtype == np.float32


def test_scenes_of_another_shape():
    with pytest.raises(ShapeError, match=r"Scene\.shape must be the shape of the frame"):
        a_dataset(scenes=random_star_fields(1, (48, 32), seed=1))[0]


def test_adu_are_exact_in_the_dtype():
    assert a_dataset()[0]["raw"].max() > 0
    with pytest.raises(DomainError, match="exact for the camera's 16 bit ADU"):
        a_dataset(dtype=np.float16)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_fork_after_use_does_not_hang():
    dataset = a_dataset()
    expected = raw_bytes(dataset, 1)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(raw_bytes, (dataset, 1)).get(timeout=60) == expected
