"""Images read by bands: what they may be kept in, and what may be wrong with a file."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData, NDData

from getframes import Frame
from getframes.errors import DomainError, InputError, IntegrityError, MissingFileError, ShapeError
from getframes.io.images import Files, open_image, open_images
from getframes.reduce import Flag, ReducedFrame

KINDS = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
OPENED: list[str] = []


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        OPENED.append(str(arguments[0]))


sys.addaudithook(_note)


def pixels(dtype: str, shape: tuple[int, int] = (40, 30)) -> np.ndarray:
    rng = np.random.default_rng(1)
    if dtype.startswith("float"):
        return rng.normal(0.0, 1e3, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def written(path: Path, data: np.ndarray, **cards: object) -> Path:
    unit = fits.PrimaryHDU(data)
    unit.header.update(cards)
    unit.writeto(path)
    return path


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def by_bands(source: object, rows: int = 7, **options: object) -> np.ndarray:
    with Files() as files:
        image = open_image(source, files, **options)
        bands = [
            image.rows(start, min(start + rows, image.shape[0])) for start in range(0, image.shape[0], rows)
        ]
        assert {band.dtype for band in bands} == {image.dtype}
        assert all(band.dtype.isnative for band in bands)
        return np.concatenate(bands)


@pytest.mark.parametrize("dtype", KINDS)
def test_every_type_keeps_it(tmp_path, dtype) -> None:
    data = pixels(dtype)
    path = written(tmp_path / "image.fits", data)
    read = by_bands(path)
    np.testing.assert_array_equal(read, data)
    assert read.dtype == data.dtype


@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32", "float32"])
@pytest.mark.parametrize("name", ["image.fits", "image.fits.gz"])
def test_compressed_files(tmp_path, dtype, name) -> None:
    data = pixels(dtype) if dtype[0] == "f" else (pixels(dtype) // 1000).astype(dtype)
    packed = fits.CompImageHDU(
        data, compression_type="RICE_1", name="SCI", quantize_level=0.0 if dtype[0] == "f" else 16
    )
    if dtype[0] == "f":
        packed = fits.CompImageHDU(data, compression_type="GZIP_1", name="SCI", quantize_level=0.0)
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(tmp_path / name)
    for extension in (None, 1, -1, "SCI", ("SCI", 1)):
        read = by_bands(tmp_path / name, extension=extension)
        np.testing.assert_array_equal(read, data)
        assert read.dtype == data.dtype


def test_extensions_by_number_and_name(tmp_path) -> None:
    chips = [pixels("uint16") // (n + 1) for n in range(3)]
    parts = [fits.PrimaryHDU(), *(fits.ImageHDU(chip, name=f"IM{n}") for n, chip in enumerate(chips))]
    parts.append(fits.ImageHDU(chips[0][None], name="CUBE"))
    fits.HDUList(parts).writeto(tmp_path / "mosaic.fits")
    np.testing.assert_array_equal(by_bands(tmp_path / "mosaic.fits"), chips[0])
    np.testing.assert_array_equal(by_bands(tmp_path / "mosaic.fits", extension=3), chips[2])
    np.testing.assert_array_equal(by_bands(tmp_path / "mosaic.fits", extension="IM1"), chips[1])
    np.testing.assert_array_equal(by_bands(tmp_path / "mosaic.fits", extension="CUBE"), chips[0])
    with pytest.raises(
        DomainError, match=r"mosaic.fits must have an extension 'IM9' \(EXTNAME\), got 0 PRIMARY, 1 IM0"
    ):
        by_bands(tmp_path / "mosaic.fits", extension="IM9")
    with pytest.raises(ShapeError, match=r"mosaic.fits: NAXIS of extension 'PRIMARY' must be 2"):
        by_bands(tmp_path / "mosaic.fits", extension=0)


def test_scaled_and_blank_integers(tmp_path) -> None:
    stored = pixels("int16")
    path = written(tmp_path / "scaled.fits", stored)
    with fits.open(path, mode="update", do_not_scale_image_data=True) as file:
        file[0].header["BSCALE"], file[0].header["BZERO"], file[0].header["BLANK"] = (
            0.25,
            3.5,
            int(stored[2, 3]),
        )
    with Files() as files:
        band = open_image(path, files).band(1, 5)
    np.testing.assert_array_equal(band.pixels, stored[1:5] * 0.25 + 3.5)
    np.testing.assert_array_equal(band.mask, stored[1:5] == stored[2, 3])
    path = written(tmp_path / "blank.fits", np.array([[7, 9], [8, 8]], np.uint16))
    with fits.open(path, mode="update", do_not_scale_image_data=True) as file:
        file[0].header["BLANK"] = 9 - 2**15
    with Files() as files:
        band = open_image(path, files).whole()
    assert band.pixels.dtype == np.uint16
    np.testing.assert_array_equal(band.mask, [[False, True], [False, False]])


def test_rows_land_in_the_room_given(tmp_path) -> None:
    data = pixels("uint16")
    path = written(tmp_path / "image.fits", data)
    room = np.empty((3, 30), np.uint16)
    with Files() as files:
        band = open_image(path, files).band(5, 8, room)
    assert np.shares_memory(band.pixels, room)
    np.testing.assert_array_equal(band.pixels, data[5:8])


def test_what_is_known_comes_along(tmp_path) -> None:
    written(
        tmp_path / "raw.fits",
        pixels("uint16"),
        EXPTIME=3.0,
        IMAGETYP="Dark Frame",
        BUNIT="electron",
        OBSERVER="me",
    )
    with Files() as files:
        image = open_image(tmp_path / "raw.fits", files)
        assert (image.metadata["exposure_s"], image.metadata["frame_type"]) == (3.0, "dark")
        assert (image.unit, image.header["OBSERVER"]) == ("electron", "me")
        quantity = open_image(pixels("float32") * units.electron, files)
        assert (quantity.unit, quantity.dtype) == ("electron", np.float32)
        assert open_image(pixels("float32") * units.adu / units.s, files).unit == "adu/s"
        ccd = CCDData(pixels("uint16"), unit="adu", mask=np.eye(40, 30, dtype=bool), meta={"EXPTIME": 2.0})
        image = open_image(ccd, files)
        assert image.metadata == {"EXPTIME": 2.0}
        assert image.unit == "adu"
        np.testing.assert_array_equal(image.band(3, 9).mask, ccd.mask[3:9])
        plain = open_image(NDData(pixels("float32")), files).whole()
        assert (plain.pixels.dtype, plain.mask) == (np.float32, None)
        masked = np.ma.masked_less(pixels("uint16"), 100)
        np.testing.assert_array_equal(open_image(masked, files).band(2, 9).mask, masked.mask[2:9])
        assert open_image(np.ma.asarray(pixels("uint16")), files).whole().mask is None
        frame = open_image(Frame(pixels("uint16"), {"exposure_s": 1.0, "unit": "adu/s"}), files)
        assert (frame.metadata["exposure_s"], frame.unit, frame.band(0, 1).mask) == (1.0, "adu/s", None)


def test_flags_and_masks_of_files_are_masks(tmp_path) -> None:
    flags = np.zeros((40, 30), np.uint16)
    flags[1, 1], flags[2, 2], flags[3, 3] = Flag.REJECTED, Flag.COSMIC_RAY, Flag.HOT | Flag.REJECTED
    frame = ReducedFrame(pixels("float64"), flags=flags, unit="adu")
    frame.to_fits(tmp_path / "own.fits")
    with Files() as files:
        for source in (frame, tmp_path / "own.fits"):
            mask = open_image(source, files).whole().mask
            assert set(zip(*np.nonzero(mask), strict=True)) == {(2, 2), (3, 3)}
        ccd = CCDData(pixels("float64"), unit="adu", mask=flags > 0)
        ccd.write(tmp_path / "ccd.fits")
        np.testing.assert_array_equal(open_image(tmp_path / "ccd.fits", files).whole().mask, flags > 0)


def test_each_file_is_opened_once(tmp_path) -> None:
    paths = [written(tmp_path / f"{n}.fits", pixels("uint16")) for n in range(5)]
    OPENED.clear()
    with open_images(paths) as images:
        for start in range(0, 40, 4):
            for image in images:
                image.rows(start, start + 4)
    assert sorted(name for name in OPENED if name.startswith(str(tmp_path))) == sorted(map(str, paths))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
def test_descriptors_are_bounded_and_given_back(tmp_path) -> None:
    paths = [written(tmp_path / f"{n}.fits", pixels("uint16") // (n + 1)) for n in range(12)]
    before = descriptors()
    with Files(most=3) as files:
        images = [open_image(path, files) for path in paths]
        for start in (0, 20):
            for n, image in enumerate(images):
                np.testing.assert_array_equal(
                    image.rows(start, start + 20), (pixels("uint16") // (n + 1))[start : start + 20]
                )
                assert descriptors() <= before + 4
    assert descriptors() == before


def test_a_file_that_is_deleted_while_it_is_open_is_read_to_its_end(tmp_path) -> None:
    path = written(tmp_path / "image.fits", pixels("uint16"))
    with Files() as files:
        image = open_image(path, files)
        path.unlink()
        np.testing.assert_array_equal(image.rows(0, 40), pixels("uint16"))


def test_files_that_vanish_change_or_shrink(tmp_path) -> None:
    one, two = (written(tmp_path / f"{n}.fits", pixels("uint16")) for n in range(2))
    with Files(most=1) as files:
        images = [open_image(path, files) for path in (one, two)]
        one.unlink()
        with pytest.raises(MissingFileError, match=r"cannot read .*0\.fits: there is no such file"):
            images[0].rows(0, 1)
        written(one, pixels("int32"))
        with pytest.raises(IntegrityError, match=r"0\.fits was changed while it was read"):
            images[0].rows(0, 1)
        images[1].rows(0, 1)
        os.truncate(two, 4000)
        images[1].rows(0, 1)
        with pytest.raises(
            IntegrityError, match=r"1\.fits was cut short while it was read: 4000 bytes, were 5760"
        ):
            images[1].rows(30, 40)


@pytest.mark.parametrize("content", [b"", b"SIMPLE", b"no image at all" * 300])
def test_files_that_are_not_fits(tmp_path, content) -> None:
    (tmp_path / "bad.fits").write_bytes(content)
    with pytest.raises(IntegrityError, match=r"bad\.fits is not a readable FITS file"):
        by_bands(tmp_path / "bad.fits")


def test_truncated_files(tmp_path) -> None:
    content = written(tmp_path / "image.fits", pixels("uint16")).read_bytes()
    (tmp_path / "short.fits").write_bytes(content[:4000])
    with pytest.raises(IntegrityError, match=r"short\.fits is cut short"):
        by_bands(tmp_path / "short.fits")
    (tmp_path / "short.fits.gz").write_bytes(gzip.compress(content)[:-300])
    with pytest.raises(IntegrityError, match=r"short\.fits\.gz is damaged"):
        by_bands(tmp_path / "short.fits.gz")


CARDS = [
    ("BSCALE", "two", r"bad\.fits\.BSCALE must be a finite number, got 'two'"),
    ("BSCALE", 0.0, r"bad\.fits\.BSCALE must be other than 0"),
    ("BZERO", True, r"bad\.fits\.BZERO must be a finite number, got True"),
    ("BLANK", 1.5, r"bad\.fits\.BLANK must be an integer, got 1\.5"),
]


@pytest.mark.filterwarnings("ignore:Invalid value for 'BLANK'")
@pytest.mark.parametrize(("keyword", "value", "words"), CARDS)
def test_impossible_keywords_are_named(tmp_path, keyword, value, words) -> None:
    content = written(tmp_path / "bad.fits", pixels("int16")).read_bytes()
    card = fits.Card(keyword, value).image.encode()
    (tmp_path / "bad.fits").write_bytes(
        content.replace(b"END" + b" " * 77, card + b"END" + b" " * 77, 1)[:2880] + content[2880:]
    )
    with pytest.raises(DomainError, match=words):
        by_bands(tmp_path / "bad.fits")


def test_shapes(tmp_path) -> None:
    cube = written(tmp_path / "cube.fits", np.zeros((3, 4, 5)))
    with pytest.raises(ShapeError, match=r"cube\.fits: NAXIS must be 2, got 3 with shape \(3, 4, 5\)"):
        by_bands(cube)
    spectrum = written(tmp_path / "spectrum.fits", np.zeros(7))
    with pytest.raises(IntegrityError, match=r"spectrum\.fits has no image \(NAXIS"):
        by_bands(spectrum)
    one, two = written(tmp_path / "1.fits", np.zeros((4, 5))), written(tmp_path / "2.fits", np.zeros((5, 4)))
    with (
        pytest.raises(ShapeError, match=r"2\.fits must have shape \(4, 5\), got \(5, 4\) \(NAXIS2, NAXIS1\)"),
        open_images([one, two]),
    ):
        pass


def test_files_that_cannot_be_opened(tmp_path) -> None:
    with pytest.raises(MissingFileError, match="no such file") as caught:
        by_bands(tmp_path / "none.fits")
    assert isinstance(caught.value, FileNotFoundError)
    with pytest.raises(InputError, match="cannot read"):
        by_bands(tmp_path)
