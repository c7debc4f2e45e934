"""A frame with uncertainty, flags and counts of frames."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

from getframes import Frame
from getframes.errors import DomainError, IntegrityError, ShapeError
from getframes.reduce import Flag, ReducedFrame


def reduced(**changes) -> ReducedFrame:
    rng = np.random.default_rng(1)
    flags = np.zeros((4, 6), np.uint16)
    flags[1, 2], flags[3, 3] = Flag.REJECTED, Flag.HOT | Flag.NO_DATA
    planes = {
        "uncertainty": np.full((4, 6), 2.0, np.float32),
        "flags": flags,
        "used": np.broadcast_to(np.uint16(7), (4, 6)),
    }
    data = rng.normal(0.0, 3.0, (4, 6))
    return ReducedFrame(
        data, {"exposure_s": 2.0, "n_combined": 7}, **{**planes, "unit": "electron", **changes}
    )


def test_it_is_a_frame() -> None:
    frame = reduced()
    assert isinstance(frame, Frame)
    assert frame.shape == (4, 6)
    assert frame.metadata["unit"] == frame.unit == "electron"
    assert ReducedFrame(np.zeros((2, 2)), {"unit": "adu/s"}).unit == "adu/s"
    plain = ReducedFrame(np.zeros((2, 2)))
    assert (plain.unit, plain.metadata, plain.mask.any()) == ("adu", {}, False)
    assert repr(frame).startswith(
        "ReducedFrame(type=None, camera=None, shape=(4, 6), dtype=float64, unit='electron'"
    )


def test_only_unusable_pixels_are_masked() -> None:
    assert set(zip(*np.nonzero(reduced().mask), strict=True)) == {(3, 3)}


@pytest.mark.parametrize("changes", [{}, {"flags": None}, {"used": None, "uncertainty": None}, {"unit": ""}])
def test_files_pickles_and_equality(tmp_path, changes) -> None:
    frame = reduced(**changes)
    frame.to_fits(tmp_path / "one.fits")
    read = ReducedFrame.from_fits(tmp_path / "one.fits")
    assert read == frame
    assert read.unit == frame.unit
    assert pickle.loads(pickle.dumps(frame)) == frame
    np.testing.assert_array_equal(Frame.from_fits(tmp_path / "one.fits").data, frame.data)
    frame.to_fits(tmp_path / "two.fits")
    assert (tmp_path / "one.fits").read_bytes() == (tmp_path / "two.fits").read_bytes()


def test_every_plane_counts_in_equality() -> None:
    frame = reduced()
    for changes in (
        {"flags": None},
        {"uncertainty": frame.uncertainty + 1},
        {"used": np.ones((4, 6))},
        {"unit": "adu"},
    ):
        assert reduced(**changes) != frame
    assert frame != Frame(frame.data, frame.metadata)
    assert Frame(frame.data, frame.metadata) != frame


def test_the_file_has_names_units_and_checksums(tmp_path) -> None:
    reduced().to_fits(tmp_path / "frame.fits")
    with fits.open(tmp_path / "frame.fits", checksum=True) as file:
        assert [unit.name for unit in file] == ["SCI", "MASK", "UNCERT", "USED"]
        assert file["UNCERT"].header["BUNIT"] == file["SCI"].header["BUNIT"] == "electron"
        assert file["MASK"].header["FLAG2"] == "REJECTED"
        assert all("CHECKSUM" in unit.header for unit in file)
    content = bytearray((tmp_path / "frame.fits").read_bytes())
    content[-3000] ^= 1
    (tmp_path / "frame.fits").write_bytes(content)
    with pytest.raises(IntegrityError, match="unit 3 breaks its"):
        ReducedFrame.from_fits(tmp_path / "frame.fits")


def test_ccddata_there_and_back(tmp_path) -> None:
    frame = reduced()
    ccd = frame.to_ccddata()
    assert isinstance(ccd, CCDData)
    assert ccd.unit == "electron"
    np.testing.assert_array_equal(ccd.uncertainty.array, frame.uncertainty)
    np.testing.assert_array_equal(ccd.mask, frame.mask)
    ccd.write(tmp_path / "ccd.fits")
    np.testing.assert_array_equal(
        ReducedFrame.from_fits(tmp_path / "ccd.fits").uncertainty, frame.uncertainty
    )
    frame.to_fits(tmp_path / "frame.fits")
    read = CCDData.read(tmp_path / "frame.fits", hdu_mask="MASK", hdu_uncertainty="UNCERT")
    np.testing.assert_array_equal(read.data, frame.data)


def test_binning() -> None:
    frame = reduced()
    total, mean = frame.binned(2), frame.binned(2, method="mean")
    assert total.unit == "electron"
    np.testing.assert_allclose(total.uncertainty, 4.0)
    np.testing.assert_allclose(mean.uncertainty, 1.0)
    np.testing.assert_array_equal(total.flags, [[0, 2, 0], [0, Flag.HOT | Flag.NO_DATA, 0]])
    np.testing.assert_array_equal(total.used, 7)
    assert ReducedFrame(np.zeros((2, 2))).binned(2).flags is None


@pytest.mark.parametrize("name", ["uncertainty", "flags", "used"])
def test_planes_must_fit(name) -> None:
    with pytest.raises(ShapeError, match=rf"ReducedFrame\.{name} must have shape \(4, 6\), got \(2, 2\)"):
        reduced(**{name: np.zeros((2, 2), int)})


def test_flags_are_integers() -> None:
    with pytest.raises(DomainError, match=r"ReducedFrame\.flags must be integers, got 'float64'"):
        reduced(flags=np.zeros((4, 6)))
