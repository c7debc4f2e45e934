"""Frame and FrameTruth: lazy truth, binning, statistics, equality and pickling."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getframes.errors import DomainError, ShapeError
from getframes.frame import Deferred, Frame, FrameTruth

calls: list[str] = []


def counted(name: str, values: np.ndarray) -> np.ndarray:
    calls.append(name)
    return values * 2.0


def a_truth(shape=(4, 6)) -> FrameTruth:
    light = Deferred(counted, "light", np.arange(24.0).reshape(shape))
    return FrameTruth(Deferred(np.add, light, 1.0), light, np.broadcast_to(np.float32(3), shape))


def test_a_deferred_field_is_computed_once_and_kept():
    calls.clear()
    truth = a_truth()
    assert calls == []
    first = truth.mean_electrons
    assert truth.mean_electrons is first
    assert truth.mean_photoelectrons[1, 0] == 12.0
    assert calls == ["light"]
    assert truth.spectral_photon_rate is None


def test_a_deferred_lets_go_of_its_arguments():
    deferred = Deferred(np.ones, 3)
    assert "not evaluated" in repr(deferred)
    deferred.evaluate()
    assert deferred._call is None


@pytest.mark.parametrize("evaluated", [False, True])
def test_truth_is_the_same_after_a_pickle(evaluated):
    truth = a_truth()
    if evaluated:
        truth.arrays()
    copy = pickle.loads(pickle.dumps(truth))
    assert copy == truth
    assert repr(copy) == repr(truth)
    assert repr(copy).startswith(
        "FrameTruth(mean_electrons=float64 (4, 6), mean_photoelectrons=float64 (4, 6)"
    )


def test_a_broadcast_view_stays_small_in_a_pickle():
    shape = (2000, 2000)
    uniform = np.broadcast_to(np.float32(3), shape)
    packed = pickle.dumps(FrameTruth(uniform, uniform, uniform))
    assert len(packed) < 2000
    assert pickle.loads(packed).photon_rate.shape == shape


def test_truth_and_frame_cannot_be_reassigned():
    with pytest.raises(AttributeError):
        a_truth().photon_rate = 1.0
    with pytest.raises(AttributeError):
        Frame(np.zeros((2, 2))).data = 1.0


def test_equality_looks_at_pixels_metadata_and_truth():
    data = np.arange(24, dtype=np.uint32).reshape(4, 6)
    frame = Frame(data, {"wave": np.arange(3), "x": float("nan")}, a_truth())
    assert frame == Frame(data.copy(), {"wave": np.arange(3), "x": float("nan")}, a_truth())
    assert frame != Frame(data + 1, frame.metadata, frame.truth)
    assert frame != Frame(data, {"wave": np.arange(4)}, frame.truth)
    assert frame != Frame(data, frame.metadata)
    assert frame != "frame"
    assert pickle.loads(pickle.dumps(frame)) == frame


def test_what_a_frame_says_about_itself():
    frame = Frame(np.zeros((4, 6), np.uint32), {"camera": "Cam", "frame_type": "dark"})
    assert (frame.shape, frame.dtype, frame.device) == ((4, 6), np.dtype(np.uint32), "cpu")
    assert repr(frame) == "Frame(type='dark', camera='Cam', shape=(4, 6), dtype=uint32)"


def test_stats():
    stats = Frame(np.array([[1, 2], [3, 10]], np.uint32)).stats()
    assert stats == {"mean": 4.0, "median": 2.5, "std": np.sqrt(12.5), "min": 1.0, "max": 10.0}


@given(
    st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.sampled_from(["uint32", "int32", "float64"])
)
def test_binning_keeps_the_sum(factor, rows, columns, dtype):
    data = (
        np.random.default_rng(factor).integers(0, 2**31 - 1, (rows * factor, columns * factor)).astype(dtype)
    )
    binned = Frame(data, {"binning": 2, "saturate_adu": 100}).binned(factor)
    assert binned.shape == (rows, columns)
    assert binned.data.sum() == data.astype(object).sum()
    assert binned.data[0, 0] == data[:factor, :factor].astype(object).sum()
    assert binned.metadata == {"binning": 2 * factor, "saturate_adu": 100 * factor**2}


def test_a_mean_of_blocks_keeps_the_level_and_the_truth_follows():
    data = np.arange(24, dtype=np.uint32).reshape(4, 6)
    binned = Frame(data, {}, a_truth()).binned(2, method="mean")
    assert binned.data.mean() == data.mean()
    assert binned.truth.photon_rate.tolist() == [[3.0] * 3] * 2
    assert Frame(data, {}, a_truth()).binned(2).truth.photon_rate.tolist() == [[12.0] * 3] * 2


def test_binning_keeps_the_sky_where_it_is():
    from astropy.wcs import WCS

    cards = {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": 10.0,
        "CRVAL2": 20.0,
        "CRPIX1": 3.0,
        "CRPIX2": 2.0,
    }
    cards |= {"CD1_1": -1e-4, "CD1_2": 2e-5, "CD2_1": 2e-5, "CD2_2": 1e-4}
    frame = Frame(np.zeros((8, 8), np.uint32), cards)
    corner = WCS(frame.to_ccddata().header).pixel_to_world_values(
        1.5, 1.5
    )  # the corner shared by four blocks
    assert np.allclose(
        WCS(frame.binned(2).to_ccddata().header).pixel_to_world_values(0.5, 0.5), corner, atol=1e-12
    )


@pytest.mark.parametrize("factor", [0, -1, 1.5, True, "2"])
def test_a_binning_factor_is_a_positive_integer(factor):
    with pytest.raises(DomainError, match="binned factor must be a positive integer"):
        Frame(np.zeros((4, 4))).binned(factor)


def test_binning_names_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"divisible by the binning factor, 3, got \(4, 6\)"):
        Frame(np.zeros((4, 6))).binned(3)
    with pytest.raises(DomainError, match="method must be 'sum' or 'mean', got 'max'"):
        Frame(np.zeros((4, 6))).binned(2, method="max")
