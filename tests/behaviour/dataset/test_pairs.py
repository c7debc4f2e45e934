"""PairDataset: items, one-shot sources, types and bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from getframes.dataset import PairDataset, pairs
from getframes.errors import DomainError, SizeError
from tests.behaviour.dataset.quick_camera import QuickCamera, QuickScene, QuickScenes, config


def a_dataset(n=4, **changes) -> PairDataset:
    given = {"camera": QuickCamera(), "scenes": QuickScenes(n), "exposure": 2.0, "seed": 5}
    return pairs(**given | changes)


def same(left, right) -> bool:
    return all(np.array_equal(left[key], right[key]) for key in ("raw", "truth"))


def test_items_have_raw_and_truth_in_the_dtype():
    for pair in a_dataset(dtype=np.float64):
        assert list(pair) == ["raw", "truth"]
        assert all(image.dtype == np.float64 and image.shape == (6, 8) for image in pair.values())
    first = a_dataset()[0]
    assert first["raw"].dtype == np.float32
    assert np.all(first["truth"] == 200.0)
    assert np.array_equal(first["raw"], np.round(first["raw"]))


def test_an_item_alone_is_the_item_of_a_pass():
    dataset = a_dataset()
    passed = list(dataset)
    assert len(dataset) == len(passed) == 4
    assert same(dataset[2], passed[2])
    assert same(dataset[-1], passed[3])
    assert same(list(dataset)[1], passed[1])
    assert not np.array_equal(passed[0]["raw"] - 200, passed[1]["raw"] - 202)


def test_an_index_outside():
    for index in (4, -5):
        with pytest.raises(IndexError, match="below its length 4"):
            a_dataset()[index]
    with pytest.raises(TypeError):
        a_dataset()[0.5]


def test_arrays():
    raw, truth = a_dataset().to_arrays()
    assert raw.shape == truth.shape == (4, 6, 8)
    assert raw.dtype == truth.dtype == np.float32
    assert same({"raw": raw[3], "truth": truth[3]}, a_dataset()[3])
    assert a_dataset(n=0).to_arrays()[0].shape == (0, 6, 8)


def test_arrays_that_cannot_fit():
    with pytest.raises(
        SizeError, match=r"to_arrays of 1000000000000 x 6 x 8 pixels needs .* \(384000000000000 bytes\)"
    ):
        a_dataset(n=10**12).to_arrays()


def test_a_one_shot_source_works_once():
    dataset = a_dataset(scenes=(QuickScene(100.0 + i) for i in range(4)))
    with pytest.raises(TypeError, match="generator has no length"):
        len(dataset)
    with pytest.raises(TypeError, match="generator has no index"):
        dataset[0]
    raw, _ = dataset.to_arrays()
    assert np.array_equal(raw, a_dataset().to_arrays()[0])
    with pytest.raises(TypeError, match="one-shot iterator, and it has been used"):
        list(dataset)


def test_an_empty_one_shot_source():
    assert a_dataset(scenes=iter([])).to_arrays()[1].shape == (0, 6, 8)


def test_lists_are_sources_too():
    dataset = a_dataset(scenes=[QuickScene(100.0), QuickScene(101.0)])
    assert len(dataset) == 2
    assert same(dataset[1], a_dataset()[1])


def test_without_a_seed_there_is_one_all_the_same():
    dataset = a_dataset(seed=None)
    assert same(dataset[0], dataset[0])
    assert same(dataset[0], a_dataset(seed=dataset.seed)[0])
    assert a_dataset(seed=None).seed != dataset.seed


def test_a_pickled_dataset_makes_the_same_bits():
    dataset = a_dataset()
    assert same(pickle.loads(pickle.dumps(dataset))[3], dataset[3])


@pytest.mark.parametrize(
    ("dtype", "bit_depth", "fits"),
    [
        (np.float32, 24, True),
        (np.float32, 25, False),
        (np.float64, 25, True),
        (np.float16, 11, True),
        (np.float16, 12, False),
        (">f4", 16, True),
    ],
)
def test_adu_are_exact_in_the_dtype(dtype, bit_depth, fits):
    camera = QuickCamera(config(bit_depth=bit_depth))
    if fits:
        assert a_dataset(camera=camera, dtype=dtype)[0]["raw"].dtype == np.dtype(dtype)
    else:
        with pytest.raises(DomainError, match=f"exact for the camera's {bit_depth} bit ADU"):
            a_dataset(camera=camera, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.uint16, np.complex64, "U3", bool])
def test_the_dtype_is_floating(dtype):
    with pytest.raises(DomainError, match=r"PairDataset\.dtype must be a floating type"):
        a_dataset(dtype=dtype)


def test_a_truth_too_large_for_the_dtype():
    camera = QuickCamera(config(bit_depth=10))
    with pytest.raises(DomainError, match="truth must be <= 65504 e- to be float16, got 2e"):
        a_dataset(camera=camera, scenes=[QuickScene(1e6)], dtype=np.float16)[0]


@pytest.mark.parametrize("exposure", [-1.0, float("nan"), float("inf")])
def test_an_exposure_is_a_time(exposure):
    with pytest.raises(DomainError, match=r"PairDataset\.exposure must be finite and >= 0 s"):
        a_dataset(exposure=exposure)


def test_a_seed_is_no_negative_number():
    with pytest.raises(DomainError, match="seed must be an integer >= 0, got -1"):
        a_dataset(seed=-1)


def test_scenes_are_iterable():
    with pytest.raises(DomainError, match=r"PairDataset\.scenes must be an iterable of Scene"):
        a_dataset(scenes=QuickScene(1.0))


def test_quantities():
    from astropy import units as u

    assert same(a_dataset(exposure=2000 * u.ms)[0], a_dataset()[0])
