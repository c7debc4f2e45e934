"""Raw files: found, and known by their headers."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from getframes import Camera
from getframes.errors import DomainError, MissingFileError
from getframes.reduce import find_raw_files
from getframes.reduce.raw_file import kind_of_word, observed_at

PIXELS = np.zeros((6, 8), np.uint16)


def write(path: Path, pixels: Any = PIXELS, **cards: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = fits.Header({keyword.replace("_", "-"): value for keyword, value in cards.items()})
    fits.writeto(path, pixels, header)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("bias", ["Bias Frame", "BIAS", "zero", "Offset", "bias "]),
        ("dark", ["Dark", "DARK", "Dark Frame", "DARKFLAT", "Flat Dark"]),
        ("flat", ["FLAT", "Flat Field", "skyflat", "FLAT,LAMP", "Twilight Flat", "dome flat"]),
        ("science", ["Light", "Light Frame", "object", "OBJECT", "science", "SCI", "STD", "target"]),
        ("master", ["Master Bias", "MASTER_FLAT", "masterdark"]),
        ("other", ["focus", "arc", "test", "reduced"]),
    ],
)
def test_words(kind: str, words: list[str]) -> None:
    assert {word: kind_of_word(word) for word in words} == dict.fromkeys(words, kind)


@pytest.mark.parametrize(
    ("cards", "folder", "kind"),
    [
        ({"IMAGETYP": "Bias Frame", "OBSTYPE": "FLAT"}, "Darks", "bias"),  # the header, and IMAGETYP first
        ({"IMAGETYP": "strange", "OBSTYPE": "FLAT"}, "Darks", "flat"),
        ({"OBSTYPE": "dark"}, "Flats", "dark"),
        ({"IMAGETYP": "", "OBSTYPE": "  "}, "Flats", "flat"),
        ({}, "Bias", "bias"),
        ({}, "ScienceImages", "science"),
        ({}, "DARKS", "dark"),
        ({}, "Darks/night1", "dark"),
        ({}, "Darks/flats", "flat"),  # the innermost
        ({}, "somewhere", "other"),
        ({"IMAGETYP": "focus"}, "Bias", "other"),  # not guessed
    ],
)
def test_header_before_folder(cards: dict[str, str], folder: str, kind: str, tmp_path: Path) -> None:
    write(tmp_path / "Bias" / folder / "a.fits", **cards)
    assert [file.kind for file in find_raw_files(tmp_path / "Bias").files] == [kind]


def test_own_folders(tmp_path: Path) -> None:
    write(tmp_path / "Nullbilder" / "a.fits")
    write(tmp_path / "Bias" / "a.fits")
    assert [file.kind for file in find_raw_files(tmp_path, folders={"NULLBILDER": "bias"}).files] == [
        "other",
        "bias",
    ]
    with pytest.raises(DomainError, match="folders"):
        find_raw_files(tmp_path, folders={"x": "lamp"})


def test_what_is_looked_at(tmp_path: Path) -> None:
    names = ["a.fits", "b.FIT", "c.fits.gz", "deep/er/d.fits"]
    for name in [*names, ".hidden.fits", "deep/.hid/a.fits", "out/a.fits", "a.txt"]:
        write(tmp_path / name) if name != "a.txt" else (tmp_path / name).write_text("no")
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(PIXELS, fits.Header({"IMAGETYP": "dark"}))]).writeto(
        tmp_path / "e.fits.fz"
    )
    found = find_raw_files(tmp_path, exclude=[tmp_path / "out"])
    assert sorted(str(file.path.relative_to(tmp_path)) for file in found.files) == sorted(
        [*names, "e.fits.fz"]
    )
    assert found.failed == {} and {file.shape for file in found.files} == {(6, 8)}
    assert [file.path.name for file in found.of("dark")] == ["e.fits.fz"]


def test_what_a_header_says(tmp_path: Path) -> None:
    write(
        tmp_path / "a.fits",
        IMAGETYP="light",
        EXPTIME=30,
        CCD_TEMP=-20.5,
        FILTER="V ",
        XBINNING=2,
        YBINNING=3,
        INSTRUME="Cam",
        CCDNUM=7,
        GAIN=120,
        OBJECT="M 67",
        DATE_OBS="2026-03-02T04:05:06.5",
    )
    file = find_raw_files(tmp_path, detector_keyword="CCDNUM").files[0]
    assert (file.exposure_s, file.temperature_c, file.filter, file.binning) == (30.0, -20.5, "V", (3, 2))
    assert (file.instrument, file.detector, file.gain, file.object) == ("Cam", "7", "120", "M 67")
    assert file.date_obs == datetime(2026, 3, 2, 4, 5, 6, 500000) and file.night == date(2026, 3, 1)


def test_our_own_frames(tmp_path: Path) -> None:
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(12, 16))
    camera.dark_frame(30.0).to_fits(tmp_path / "dark.fits")
    camera.expose(3.0, 30.0).to_fits(tmp_path / "light.fits.gz")
    found = find_raw_files(tmp_path)
    assert {file.path.name: file.kind for file in found.files} == {
        "dark.fits": "dark",
        "light.fits.gz": "science",
    }
    assert all(file.exposure_s == 30.0 and file.shape == (12, 16) for file in found.files)


def test_several_extensions(tmp_path: Path) -> None:
    units = [fits.PrimaryHDU(header=fits.Header({"IMAGETYP": "flat", "FILTER": "V"}))]
    units += [
        fits.ImageHDU(PIXELS, fits.Header({"FILTER": "R"} if n else {}), name=f"CCD{n}") for n in range(4)
    ]
    fits.HDUList(units).writeto(tmp_path / "a.fits")
    file = find_raw_files(tmp_path).files[0]
    assert (file.kind, file.filter, file.n_images, file.shape) == ("flat", "V", 4, (6, 8))


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"DATE-OBS": "2026-03-01T23:59:59.123456789"}, datetime(2026, 3, 1, 23, 59, 59, 123457)),
        ({"DATE-OBS": "2026-03-01 01:02:03Z"}, datetime(2026, 3, 1, 1, 2, 3)),
        ({"DATE-OBS": "2026-03-01", "TIME-OBS": "04:05:06"}, datetime(2026, 3, 1, 4, 5, 6)),
        ({"DATE-OBS": "2026-03-01", "UT": "4:05:06.5"}, datetime(2026, 3, 1, 4, 5, 6, 500000)),
        ({"DATE-OBS": "2016-12-31T23:59:60"}, datetime(2017, 1, 1)),  # a leap second
        ({"DATE-OBS": "31/12/98", "UT": "01:00:00"}, datetime(1998, 12, 31, 1)),
        ({"DATE-OBS": "2026-03-01"}, datetime(2026, 3, 1)),
        ({"MJD-OBS": 61100.5}, datetime(2026, 3, 1, 12)),
        ({"DATE-OBS": "2026-02-31T01:01:01"}, None),
        ({"DATE-OBS": "yesterday"}, None),
        ({}, None),
    ],
)
def test_dates(cards: dict[str, Any], expected: datetime | None) -> None:
    assert observed_at(cards) == expected


@pytest.mark.parametrize(
    ("offset", "begin", "nights"),
    [
        (10.0, "2026-03-01", ["2026-03-01"] * 4),  # one night, before and after midnight
        (0.0, "2026-03-01", ["2026-03-01", "2026-03-01", "2026-03-02", "2026-03-02"]),
        (-2.0, "2026-03-01", ["2026-03-01", "2026-03-02", "2026-03-02", "2026-03-02"]),
    ],
)
def test_a_night_does_not_end_at_midnight(
    offset: float, begin: str, nights: list[str], tmp_path: Path
) -> None:
    for number, moment in enumerate(["01T10:00:00", "01T23:59:59", "02T00:00:01", "02T09:59:59"]):
        write(tmp_path / f"{3 - number}.fits", DATE_OBS=f"2026-03-{moment}")
    found = find_raw_files(tmp_path, night_offset_h=offset)
    assert [str(file.night) for file in found.files] == nights
    assert [file.path.stem for file in found.files] == ["3", "2", "1", "0"]  # in order of time


def test_a_date_without_a_time_is_the_night(tmp_path: Path) -> None:
    write(tmp_path / "a.fits", DATE_OBS="2026-03-01")
    write(tmp_path / "b.fits", DATE_OBS="2026-03-01T00:00:00")
    write(tmp_path / "c.fits")
    assert [str(file.night) for file in find_raw_files(tmp_path).files] == [
        "2026-03-01",
        "2026-02-28",
        "None",
    ]


def test_odd_files_are_told_and_no_error(tmp_path: Path) -> None:
    good = write(tmp_path / "good.fits", IMAGETYP="bias")
    (tmp_path / "text.fits").write_text("not FITS")
    (tmp_path / "empty.fits").touch()
    (tmp_path / "cut.fits").write_bytes(good.read_bytes()[: 2880 + 40])
    (tmp_path / "head.fits").write_bytes(good.read_bytes()[:1000])
    (tmp_path / "torn.fits.gz").write_bytes(b"\x1f\x8b\x08rubbish")
    fits.HDUList([fits.PrimaryHDU()]).writeto(tmp_path / "none.fits")
    fits.writeto(tmp_path / "line.fits", np.zeros(9))
    (tmp_path / "folder.fits").mkdir()
    (tmp_path / "link.fits").symlink_to(tmp_path / "nowhere")
    found = find_raw_files(tmp_path)
    assert [file.path for file in found.files] == [good]
    assert {path.name for path in found.failed} == {
        "text.fits", "empty.fits", "cut.fits", "head.fits", "torn.fits.gz", "none.fits", "line.fits", "link.fits"
    }  # fmt: skip
    assert all(str(path) in text for path, text in found.failed.items())
    assert "is cut short: it has 2920 bytes, its image ends at 2976" in found.failed[tmp_path / "cut.fits"]
    with pytest.raises(MissingFileError, match="no such folder"):
        find_raw_files(tmp_path / "nowhere")


def test_cards_that_make_no_sense(tmp_path: Path) -> None:
    write(tmp_path / "a.fits", EXPTIME="long", CCD_TEMP=True, XBINNING=0, YBINNING="2x2")
    file = find_raw_files(tmp_path).files[0]
    assert (file.exposure_s, file.temperature_c, file.binning) == (None, None, (1, 1))


def test_no_pixel_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose pixels are a hole of 2 GB."""
    path = write(tmp_path / "a.fits", np.zeros((1, 1), np.uint16))
    header = fits.getheader(path)
    header["NAXIS1"], header["NAXIS2"] = 32768, 32768
    path.write_bytes(header.tostring().encode())
    with path.open("r+b") as file:
        file.truncate(len(header.tostring()) + 2 * 32768**2)
    read: list[int] = []
    monkeypatch.setattr(fits.hdu.image._ImageBaseHDU, "data", property(lambda self: read.append(1)))
    assert find_raw_files(tmp_path).files[0].shape == (32768, 32768) and read == []
