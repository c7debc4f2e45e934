"""FITS files: round trips, header standards, damaged and foreign files."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from getframes.errors import DomainError, IntegrityError, OutputError
from getframes.frame import Deferred, Frame, FrameTruth
from getframes.io.keywords import KEYWORDS, modified_julian_date

one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)

METADATA = {
    "camera": "Generic CCD",
    "sensor": "CCD",
    "frame_type": "science",
    "exposure_s": 2.5,
    "temperature_c": -40.0,
    "dark_e_per_s": 0.1,
    "read_noise_e": 5.0,
    "gain_e_per_adu": 1.5,
    "em_gain": 1.0,
    "device": "cpu",
    "seed": 2**100 + 1,
    "frame_number": 7,
    "stream_version": 1,
    "config_hash": "ab" * 32,
    "saturate_adu": 65535,
    "bit_depth": 16,
    "filter": "V",
    "date_obs": "2026-01-02T03:04:05.678",
    "spectral": False,
    "pointing_offset_px": (-1.25, 0.5),
    "detector_roi": (10, 20, 24, 16),
    "sensor_resolution": (64, 48),
    "calibration": ["bias", "dark"],
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CUNIT1": "deg",
    "CUNIT2": "deg",
    "CRVAL1": 56.75,
    "CRVAL2": 24.1167,
    "CRPIX1": 9.0,
    "CRPIX2": 9.0,
    "CD1_1": -0.00024056261216234408,
    "CD1_2": 0.00013888888888888886,
    "CD2_1": 0.00013888888888888886,
    "CD2_2": 0.00024056261216234408,
}


def a_frame(**changes) -> Frame:
    data = np.random.default_rng(1).integers(0, 2**16, (16, 24), dtype=np.uint32)
    light = Deferred(np.full, (16, 24), 0.1)
    truth = FrameTruth(
        Deferred(np.add, light, np.float64(1 / 3)), light, np.broadcast_to(np.float32(3), (16, 24))
    )
    return Frame(data, METADATA | changes, truth)


metadata_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=120),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=9), inner)
    ),
    max_leaves=4,
)
metadata_names = st.text(min_size=1, max_size=12) | st.from_regex(r"[A-Z][A-Z0-9]{0,7}", fullmatch=True)
known_names = st.sampled_from([row.name for row in KEYWORDS if row.name != "date_obs"])


@one_folder
@given(st.dictionaries(metadata_names | known_names, metadata_values, max_size=6))
def test_any_metadata_comes_back_as_it_was(tmp_path, metadata):
    for marked in ("__array__", "__tuple__"):
        metadata.pop(marked, None)
    path = tmp_path / "frame.fits"
    Frame(np.zeros((2, 3), np.uint32), metadata).to_fits(path, overwrite=True)
    again = Frame.from_fits(path).metadata
    assert again == metadata
    assert {name: type(value) for name, value in again.items()} == {k: type(v) for k, v in metadata.items()}


@one_folder
@given(
    hnp.arrays(
        st.sampled_from(
            ["u1", "u2", ">u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", ">f4", "f8", "?"]
        ),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=5),
    )
)
def test_any_real_image_comes_back_exactly(tmp_path, data):
    path = tmp_path / "frame.fits"
    Frame(data).to_fits(path, overwrite=True)
    again = Frame.from_fits(path).data
    assert again.dtype == data.dtype.newbyteorder("=")
    assert np.array_equal(again, data, equal_nan=data.dtype.kind == "f")


def test_metadata_and_truth_come_back(tmp_path):
    frame = a_frame()
    frame.to_fits(tmp_path / "frame.fits", truth=True)
    again = Frame.from_fits(tmp_path / "frame.fits")
    assert again == frame
    assert again.truth.photon_rate.dtype == np.float32
    assert again.data.dtype == np.uint32
    assert again.data.dtype.isnative


def test_truth_is_written_only_on_request(tmp_path):
    a_frame().to_fits(tmp_path / "frame.fits")
    assert Frame.from_fits(tmp_path / "frame.fits").truth is None
    with pytest.raises(DomainError, match=r"Frame.truth must be there"):
        Frame(np.zeros((2, 2))).to_fits(tmp_path / "none.fits", truth=True)
    assert not (tmp_path / "none.fits").exists()


def test_a_spectral_truth_is_kept(tmp_path):
    cube, waves = np.random.default_rng(0).random((3, 4, 5)), np.array([400.0, 500.0, 600.0])
    truth = FrameTruth(cube[0], cube[1], cube[2], cube, waves)
    frame = Frame(np.zeros((4, 5), np.uint32), {"spectral_wavelengths_nm": waves}, truth)
    frame.to_fits(tmp_path / "frame.fits", truth=True)
    assert Frame.from_fits(tmp_path / "frame.fits") == frame


@pytest.mark.parametrize(
    ("data", "bit_depth", "bitpix", "bzero"),
    [
        (np.full((2, 2), 65535, np.uint32), 16, 16, 32768),
        (np.full((2, 2), 100, np.uint32), 8, 16, 32768),
        (np.full((2, 2), 100, np.uint32), 18, 32, 2**31),
        (np.full((2, 2), 65535, np.uint32), None, 16, 32768),
        (np.full((2, 2), 65536, np.uint32), None, 32, 2**31),
        (np.full((2, 2), 4 * 65535, np.uint64), 16, 32, 2**31),
        (np.full((2, 2), 2**40, np.uint64), 16, 64, 2**63),
        (np.full((2, 2), -5, np.int32), 16, 32, None),
        (np.full((2, 2), 0.5, np.float64), 16, -64, None),
        (np.full((2, 2), 0.5, np.float32), None, -32, None),
    ],
)
def test_the_smallest_type_that_holds_the_adu(tmp_path, data, bit_depth, bitpix, bzero):
    metadata = {} if bit_depth is None else {"bit_depth": bit_depth}
    Frame(data, metadata).to_fits(tmp_path / "frame.fits")
    with fits.open(tmp_path / "frame.fits", do_not_scale_image_data=True) as units:
        assert units[0].header["BITPIX"] == bitpix
        assert units[0].header.get("BZERO") == bzero
    again = Frame.from_fits(tmp_path / "frame.fits")
    assert again.data.dtype == data.dtype
    assert np.array_equal(again.data, data)


def test_the_cards_a_pipeline_looks_for(tmp_path):
    a_frame().to_fits(tmp_path / "frame.fits")
    header = fits.getheader(tmp_path / "frame.fits")
    expected = {
        "IMAGETYP": "LIGHT",
        "OBSTYPE": "OBJECT",
        "EXPTIME": 2.5,
        "DATE-OBS": "2026-01-02T03:04:05.678",
        "TIMESYS": "UTC",
        "INSTRUME": "Generic CCD",
        "DETECTOR": "CCD",
        "FILTER": "V",
        "GAIN": 1.5,
        "RDNOISE": 5.0,
        "SATURATE": 65535,
        "CCD-TEMP": -40.0,
        "BUNIT": "adu",
        "XBINNING": 1,
        "YBINNING": 1,
        "DETSIZE": "[1:48,1:64]",
        "CCDSEC": "[11:34,21:36]",
        "DATASEC": "[1:24,1:16]",
        "CD1_1": -0.00024056261216234408,
        "SEED": str(2**100 + 1),
        "FRAMENO": 7,
        "RNGVERS": 1,
        "CFGHASH": "ab" * 32,
    }
    assert {keyword: header[keyword] for keyword in expected} == expected
    assert header["MJD-OBS"] == pytest.approx(61042.1278434954, abs=1e-9)
    assert not any(card.image.startswith("HIERARCH") for card in header.cards)


@pytest.mark.parametrize(
    ("frame_type", "imagetyp", "obstype"),
    [
        ("bias", "BIAS", "BIAS"),
        ("dark", "DARK", "DARK"),
        ("flat", "FLAT", "FLAT"),
        ("light", "LIGHT", "OBJECT"),
        ("master_flat", "MASTER FLAT", "FLAT"),
        ("reduced", "REDUCED", "OBJECT"),
    ],
)
def test_frame_types_in_the_words_of_pipelines(tmp_path, frame_type, imagetyp, obstype):
    Frame(np.zeros((2, 2), np.uint32), {"frame_type": frame_type}).to_fits(tmp_path / "frame.fits")
    header = fits.getheader(tmp_path / "frame.fits")
    assert (header["IMAGETYP"], header["OBSTYPE"]) == (imagetyp, obstype)
    assert Frame.from_fits(tmp_path / "frame.fits").metadata["frame_type"] == frame_type


def test_keywords_are_unique_and_short():
    keywords = [row.keyword for row in KEYWORDS]
    assert len(set(keywords)) == len(keywords) == len({row.name for row in KEYWORDS})
    assert all(len(keyword) <= 8 for keyword in keywords)


def test_binned_sections_count_native_pixels(tmp_path):
    Frame(np.zeros((8, 12), np.uint32)).binned(4).to_fits(tmp_path / "frame.fits")
    header = fits.getheader(tmp_path / "frame.fits")
    assert (header["XBINNING"], header["YBINNING"]) == (4, 4)
    assert (header["CCDSEC"], header["DATASEC"]) == ("[1:12,1:8]", "[1:3,1:2]")
    assert Frame.from_fits(tmp_path / "frame.fits").metadata == {"binning": 4}


def test_the_same_frame_gives_the_same_bytes(tmp_path):
    for name in ("a.fits", "b.fits", "a.fits.gz", "b.fits.gz"):
        a_frame().to_fits(tmp_path / name, truth=True)
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()
    assert (tmp_path / "a.fits.gz").read_bytes() == (tmp_path / "b.fits.gz").read_bytes()
    assert Frame.from_fits(tmp_path / "a.fits.gz") == a_frame()


def test_no_date_unless_one_is_given(tmp_path):
    Frame(np.zeros((2, 2), np.uint32), {"camera": "x"}).to_fits(tmp_path / "frame.fits")
    header = fits.getheader(tmp_path / "frame.fits")
    assert not {"DATE", "DATE-OBS", "MJD-OBS"} & set(header)


@pytest.mark.parametrize("value", ["yesterday", 3.5, "2026-13-01"])
def test_a_date_is_a_date(tmp_path, value):
    with pytest.raises(DomainError, match=r"metadata\['date_obs'\] must be an ISO 8601 date"):
        Frame(np.zeros((2, 2)), {"date_obs": value}).to_fits(tmp_path / "frame.fits")


@pytest.mark.parametrize(
    "value", ["2026-01-02T05:04:05+02:00", datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05Z"]
)
def test_dates_become_utc(tmp_path, value):
    Frame(np.zeros((2, 2)), {"date_obs": value}).to_fits(tmp_path / "frame.fits")
    assert fits.getheader(tmp_path / "frame.fits")["DATE-OBS"] == "2026-01-02T03:04:05"


def test_modified_julian_dates_are_those_of_astropy():
    from astropy.time import Time

    moment = datetime(2026, 11, 21, 6, 30, 15, 250000)
    assert modified_julian_date(moment) == pytest.approx(Time(moment).mjd, abs=1e-10)
    assert modified_julian_date(datetime(2000, 1, 1, 12)) == 51544.5


def test_metadata_that_no_file_can_hold_are_named(tmp_path):
    with pytest.raises(DomainError, match=r"metadata\['thing'\] must be a number, text, array, list or dict"):
        Frame(np.zeros((2, 2)), {"thing": object()}).to_fits(tmp_path / "frame.fits")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [np.zeros((2, 2), complex), np.zeros((2, 2, 2)), np.zeros(3)])
def test_only_real_images_are_written(tmp_path, data):
    with pytest.raises(DomainError, match="must be a real image"):
        Frame(data).to_fits(tmp_path / "frame.fits")


def test_astropy_finds_nothing_to_complain_about(tmp_path):
    a_frame(note="a long note " * 20).to_fits(tmp_path / "frame.fits", truth=True)
    with fits.open(tmp_path / "frame.fits", checksum=True) as units:
        units.verify("exception")
        assert [unit.name for unit in units[1:]] == ["MEAN_ELECTRONS", "MEAN_PHOTOELECTRONS", "PHOTON_RATE"]
        assert [unit.header["BUNIT"] for unit in units] == ["adu", "electron", "electron", "photon/s"]
        assert all({"CHECKSUM", "DATASUM"} <= set(unit.header) for unit in units)
        assert units[0].header["LONGSTRN"] == "OGIP 1.0"


@pytest.mark.skipif(shutil.which("fitsverify") is None, reason="fitsverify is not installed")
@pytest.mark.parametrize(
    "changes", [{}, {"note": "it's a long note " * 20, "wave": np.arange(3.0), "nothing": None}]
)
def test_fitsverify_finds_no_error_and_no_warning(tmp_path, changes):
    path = tmp_path / "frame.fits"
    a_frame(**changes).to_fits(path, truth=True)
    report = subprocess.run(["fitsverify", str(path)], capture_output=True, text=True, check=False).stdout
    assert "0 warning(s) and 0 error(s)" in report, report


@pytest.mark.filterwarnings("ignore::Warning")  # astropy's own remarks about the damage
def test_any_flipped_bit_is_found(tmp_path):
    path = tmp_path / "frame.fits"
    a_frame(note="long " * 20).to_fits(path, truth=True)
    good = path.read_bytes()
    places = np.random.default_rng(0).integers(0, 8 * len(good), 150).tolist()
    for place in [*places, *range(8 * good.find(b"CHECKSUM"), 8 * good.find(b"CHECKSUM") + 64, 3)]:
        damaged = bytearray(good)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(IntegrityError, match=r"frame\.fits"):
            Frame.from_fits(path)


@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize("length", [0, 100, 2880, 5760, -2880, -1])
def test_a_torn_file_is_found(tmp_path, length):
    path = tmp_path / "frame.fits"
    a_frame().to_fits(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(IntegrityError, match=r"frame\.fits"):
        Frame.from_fits(path)


def test_a_changed_header_can_be_read_when_asked(tmp_path):
    path = tmp_path / "frame.fits"
    a_frame().to_fits(path)
    path.write_bytes(path.read_bytes().replace(b"'Generic CCD'", b"'Generic EMX'"))
    with pytest.raises(IntegrityError, match="unit 0 breaks its CHECKSUM"):
        Frame.from_fits(path)
    assert Frame.from_fits(path, checksum=False).metadata["camera"] == "Generic EMX"


def test_files_of_other_programs_are_read(tmp_path):
    path = tmp_path / "other.fits"
    primary = fits.PrimaryHDU()
    image = fits.ImageHDU(np.arange(6, dtype=np.int16).reshape(2, 3))
    image.header["IMAGETYP"] = "Dark Frame"
    image.header["EXPTIME"] = 30.0
    image.header["OBSERVER"] = "E. Hubble"
    image.header["GAIN"] = None
    fits.HDUList([primary, image]).writeto(path)
    frame = Frame.from_fits(path)
    assert frame.data.dtype == np.int16
    assert frame.metadata == {"frame_type": "dark", "exposure_s": 30.0, "OBSERVER": "E. Hubble"}
    image.header["IMAGETYP"] = "FOCUS"
    fits.HDUList([primary, image]).writeto(path, overwrite=True, checksum=True)
    assert Frame.from_fits(path).metadata["frame_type"] == "focus"


def test_compressed_images_are_read(tmp_path):
    data = np.arange(64 * 64, dtype=np.int16).reshape(64, 64)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data)]).writeto(tmp_path / "z.fits", checksum=True)
    assert np.array_equal(Frame.from_fits(tmp_path / "z.fits").data, data)


def test_files_that_are_not_fits(tmp_path):
    (tmp_path / "text.fits").write_text("no FITS at all")
    with pytest.raises(IntegrityError, match=r"text.fits is not a readable FITS file"):
        Frame.from_fits(tmp_path / "text.fits")
    (tmp_path / "bad.fits.gz").write_bytes(b"\x1f\x8b\x08 and then nothing")
    with pytest.raises(IntegrityError, match=r"bad.fits.gz is damaged"):
        Frame.from_fits(tmp_path / "bad.fits.gz")
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    with pytest.raises(IntegrityError, match="has no image"):
        Frame.from_fits(tmp_path / "empty.fits")
    with pytest.raises(FileNotFoundError):
        Frame.from_fits(tmp_path / "none.fits")


def test_an_existing_file_is_not_replaced_unasked(tmp_path):
    path = tmp_path / "frame.fits"
    a_frame().to_fits(path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="exists already") as caught:
        a_frame(exposure_s=9.0).to_fits(path)
    assert isinstance(caught.value, FileExistsError)
    assert path.read_bytes() == before
    a_frame(exposure_s=9.0).to_fits(str(path), overwrite=True)
    assert Frame.from_fits(path).metadata["exposure_s"] == 9.0


def test_ccddata(tmp_path):
    frame = a_frame()
    ccd = frame.to_ccddata()
    assert np.array_equal(ccd.data, frame.data)
    assert ccd.unit == "adu"
    assert ccd.header["GAIN"] == 1.5
    assert ccd.wcs.wcs.crval.tolist() == [56.75, 24.1167]
    frame.to_fits(tmp_path / "frame.fits")
    assert np.array_equal(CCDData.read(tmp_path / "frame.fits").data, frame.data)
