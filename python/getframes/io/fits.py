"""FITS files of frames.

Layout: the data are the primary image. ADU take the smallest integer type that holds them, 16 bits where
the camera has no more, else 32, unsigned through BZERO; signed and floating data keep their type. `keywords`
says which card carries which metadata. The truth, on request, follows in image extensions named after its
fields; a reduced frame has MASK, UNCERT and USED, and its data the name SCI. Nothing in a file depends on
when it was written: there is no DATE, and DATE-OBS and MJD-OBS only where the metadata have a ``date_obs``,
so the same frame gives the same bytes.

References: FITS standard 4.0, https://fits.gsfc.nasa.gov/fits_standard.html.
"""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from getframes.errors import DomainError, IntegrityError, MissingFileError
from getframes.frame import Frame, FrameTruth
from getframes.io.atomic import replacing
from getframes.io.images import Files, readable
from getframes.io.keywords import add_metadata, metadata_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from os import PathLike

    from astropy.io.fits import HDUList, Header
    from astropy.nddata import CCDData
    from numpy.typing import NDArray

TRUTH_UNITS = {
    "mean_electrons": "electron",
    "mean_photoelectrons": "electron",
    "photon_rate": "photon/s",
    "spectral_photon_rate": "photon/s",
    "wavelengths_nm": "nm",
}
"""Unit of each truth extension; the extension has the name of the field, in capitals."""

_COMMENTS = {"BUNIT": "unit of the pixel values", "UTYPE": "what the numbers are"}
_CHECKSUM_COMMENT = "FITS standard 4.0, 4.4.2.7"


def write_frame(
    frame: Frame,
    path: str | PathLike[str],
    *,
    overwrite: bool = False,
    truth: bool = False,
    layers: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write a frame to a FITS file, complete or not at all.

    Parameters
    ----------
    frame : Frame
        The frame.
    path : path
        The file; a name in ``.gz`` is compressed.
    overwrite : bool
        Replace an existing file.
    truth : bool
        Add the truth as image extensions.
    layers : mapping, optional
        More image extensions by their names [adu].

    Raises
    ------
    OutputError
        If the file exists already (also a `FileExistsError`) or cannot be written.
    DomainError
        If the data are no real image, an entry of the metadata cannot be written, or there is no truth.
    """
    _write(_units(frame, layers or {}, truth=truth), path, overwrite=overwrite)


def write_extensions(
    frames: Mapping[tuple[str, int], Frame], path: str | PathLike[str], *, overwrite: bool = False
) -> None:
    """Write the frames of several detectors to one file: SCI with its planes for each, EXTVER counts them; SRCNAME and SRCVER are what they are called.

    Parameters, errors
        As `write_frame`; names and versions are the keys.
    """
    from astropy.io.fits import HDUList, ImageHDU, PrimaryHDU

    file = HDUList([PrimaryHDU()])
    for number, ((name, version), frame) in enumerate(frames.items(), start=1):
        first, *others = _units(frame, {}, truth=False)
        image = ImageHDU(first.data, header=first.header, name="SCI", ver=number)
        image.header["SRCNAME"] = (name, "name of the detector's extension")
        image.header["SRCVER"] = (version, "its version")
        for other in others:
            other.ver = number
        file.extend([image, *others])
    file.update_extend()
    for unit in file:
        unit.add_checksum(when=_CHECKSUM_COMMENT)
    _write(file, path, overwrite=overwrite)


def _write(units: HDUList, path: str | PathLike[str], *, overwrite: bool) -> None:
    with replacing(path, overwrite=overwrite) as unfinished, unfinished.open("wb") as file:
        if Path(path).suffix == ".gz":
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
                units.writeto(packed, output_verify="exception")
        else:
            units.writeto(_Stream(file), output_verify="exception")


def read_frame(path: str | PathLike[str], *, checksum: bool = True) -> Frame:
    """Read a frame from a FITS file: its first image, the metadata, and the truth where it is there.

    Parameters
    ----------
    path : path
        The file.
    checksum : bool
        Compare the file with its CHECKSUM and DATASUM, where it has them.

    Raises
    ------
    IntegrityError
        If the file is not FITS, has no image, is cut short or differs from its checksums.
    """
    return read_planes(path, (), checksum=checksum)[0]


def read_planes(
    path: str | PathLike[str], names: Iterable[str], *, checksum: bool = True
) -> tuple[Frame, dict[str, NDArray[Any]]]:
    """Read a frame, and those of the named image extensions that its file has.

    Parameters
    ----------
    path : path
        The file.
    names : iterable of str
        Names of extensions.
    checksum : bool
        As in `read_frame`.

    Raises
    ------
    IntegrityError
        As `read_frame`.
    """
    with _checked(path, checksum=checksum) as units:
        unit = next((unit for unit in units if unit.is_image and unit.header.get("NAXIS", 0) >= 2), None)
        if unit is None:
            raise IntegrityError(f"{path} has no image")
        frame = Frame(_in_memory(unit.data, unit.header), metadata_of(unit.header))
        truth = {name: _native(units[name.upper()].data) for name in TRUTH_UNITS if name.upper() in units}
        planes = {name: _native(units[name].data) for name in names if name in units}
    required = ("mean_electrons", "mean_photoelectrons", "photon_rate")
    complete = all(name in truth for name in required)
    return Frame(frame.data, frame.metadata, FrameTruth(**truth) if complete else None), planes


def read_extensions(
    path: str | PathLike[str], names: Iterable[str], *, checksum: bool = True
) -> dict[tuple[str, int], tuple[Frame, dict[str, NDArray[Any]]]]:
    """Read what `write_extensions` wrote, with the named planes of each frame.

    Parameters, errors
        As `read_planes`.
    """
    with _checked(path, checksum=checksum) as units:
        found = {}
        for unit in units:
            if unit.name != "SCI" or "SRCNAME" not in unit.header:
                continue
            frame = Frame(_in_memory(unit.data, unit.header), metadata_of(unit.header))
            there = [name for name in names if (name, unit.ver) in units]
            planes = {name: _native(units[name, unit.ver].data) for name in there}
            found[str(unit.header["SRCNAME"]), int(unit.header["SRCVER"])] = frame, planes
    return found


def write_tables(
    path: str | PathLike[str],
    tables: Mapping[str, Mapping[str, NDArray[Any]]],
    header: Mapping[str, Any],
    *,
    units: Mapping[str, str],
) -> None:
    """Write binary tables, complete or not at all, in place of an older file.

    Parameters
    ----------
    path : path
        The file.
    tables : mapping
        Columns by their names, by the name of their table; a column may have an array in each row.
    header : mapping
        Cards of the primary header.
    units : mapping
        Unit of a column, by its name.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from astropy.io.fits import BinTableHDU, ColDefs, HDUList, PrimaryHDU

    file = HDUList([PrimaryHDU()])
    file[0].header.update(header)
    for name, columns in tables.items():
        shapes = [(key.upper(), column.dtype, column.shape[1:]) for key, column in columns.items()]
        rows = np.empty(len(next(iter(columns.values()))), shapes)
        for key, column in columns.items():
            rows[key.upper()] = column
        fits_columns = ColDefs(rows)
        for column in fits_columns:
            column.unit = units.get(column.name.lower())
        file.append(BinTableHDU.from_columns(fits_columns, name=name))
    for unit in file:
        unit.add_checksum(when=_CHECKSUM_COMMENT)
    _write(file, path, overwrite=True)


def read_tables(
    path: str | PathLike[str], names: Iterable[str]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Cards of the primary header, and the named tables, that `write_tables` wrote.

    Raises
    ------
    MissingFileError
        If there is no such file.
    IntegrityError
        If it is no FITS file, lacks a table, is cut short or differs from its checksums.
    """
    with _checked(path, checksum=True) as units:
        missing = [name for name in names if name not in units]
        if missing:
            raise IntegrityError(f"{path} has no table {missing[0]}")
        tables = {name: _native_rows(units[name].data) for name in names}
        return dict(units[0].header), tables


def _native_rows(rows: Any) -> NDArray[Any]:
    """Rows of a FITS table as a plain structured array."""
    made = np.empty(
        len(rows),
        [(name, rows[name].dtype.newbyteorder("="), rows[name].shape[1:]) for name in rows.dtype.names],
    )
    for name in rows.dtype.names:
        made[name] = rows[name]
    return made


def image_extensions(path: str | PathLike[str]) -> list[tuple[str, int]]:
    """Name and version of the images of a file that has several, none in its primary unit; empty for other files.

    Raises
    ------
    IntegrityError, InputError
        If the file cannot be read.
    DomainError
        If two have the same name and version.
    """
    with Files() as files, files.reading(Path(path)) as opened, readable(path):
        units = opened.units()
        images = [unit for unit in units if unit.is_image and unit.header.get("NAXIS", 0) >= 2]
        named = [(str(unit.name), int(unit.ver)) for unit in images]
        if len(images) < 2 or images[0] is units[0]:
            return []
    for key in named:
        if named.count(key) > 1:
            raise DomainError(f"{path}: EXTNAME and EXTVER must differ from unit to unit, got {key} twice")
    return named


def frame_header(frame: Frame) -> Header:
    """The FITS header of a frame, without the cards that describe the array itself."""
    from astropy.io.fits import Header

    header = Header()
    add_metadata(header, frame.metadata, frame.shape)
    header["BUNIT"] = (_unit(frame), "unit of the pixel values")
    return header


def to_ccddata(frame: Frame) -> CCDData:
    """The frame as a CCDData: data, unit, header as `meta`, and WCS where the header has one."""
    from astropy.nddata import CCDData
    from astropy.wcs import WCS

    header = frame_header(frame)
    wcs = WCS(header) if "CTYPE1" in header else None
    return CCDData(np.asarray(frame.data), unit=_unit(frame), meta=header, wcs=wcs)


def _unit(frame: Frame) -> str:
    return str(frame.metadata.get("unit", "adu"))


def _units(frame: Frame, layers: Mapping[str, NDArray[Any]], *, truth: bool) -> HDUList:
    """The header-data units of a frame, with their checksums."""
    from astropy.io.fits import HDUList, ImageHDU, PrimaryHDU

    data = np.asarray(frame.data)
    if data.ndim != 2 or data.dtype.kind not in "uifb":
        raise DomainError(f"Frame.data must be a real image (height, width), got {data.dtype} {data.shape}")
    stored = stored_adu(data, frame.metadata.get("bit_depth"))
    units = [PrimaryHDU(stored, header=frame_header(frame))]
    if data.dtype.newbyteorder("=") != _memory_dtype(stored.dtype):
        units[0].header["NPDTYPE"] = (data.dtype.name, "type of the pixels in memory")
    extensions = frame.extensions()
    if extensions:
        units[0].header["EXTNAME"] = ("SCI", "the data")
    if truth:
        if frame.truth is None:
            raise DomainError("Frame.truth must be there to be written, got None")
        arrays = frame.truth.arrays().items()
        extensions |= {name: (array, {"BUNIT": TRUTH_UNITS[name]}) for name, array in arrays}
    extensions |= {name: (layer, {"BUNIT": "adu"}) for name, layer in layers.items()}
    for name, (array, cards) in extensions.items():
        units.append(ImageHDU(_storable(array), name=name.upper()))
        for keyword, value in cards.items():
            units[-1].header[keyword] = (value, _COMMENTS.get(keyword, ""))
    file = HDUList(units)
    file.update_extend()
    for unit in file:
        if any(len(card.image) > 80 for card in unit.header.cards):
            unit.header["LONGSTRN"] = ("OGIP 1.0", "long strings are continued")
        unit.add_checksum(when=_CHECKSUM_COMMENT)
    return file


def stored_adu(data: NDArray[Any], bit_depth: Any = None) -> NDArray[Any]:
    """The data in the type they have in a file.

    Unsigned ADU become uint16 where the converter has at most 16 bits and they fit, else uint32, else
    uint64. Without a bit depth the values decide. Other types stay what they are; bool, int8 and float16
    become uint16, int16 and float32.
    """
    if data.dtype.kind in "ub":
        highest = int(data.max()) if data.size else 0
        narrow = highest < 2**16 and not (isinstance(bit_depth, int) and bit_depth > 16)
        return data.astype(np.uint16 if narrow else np.uint32 if highest < 2**32 else np.uint64)
    if data.dtype.kind == "i" and data.dtype.itemsize == 1:
        return data.astype(np.int16)
    return _storable(data)


def _storable(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float32 if array.dtype.itemsize == 2 else np.float64)
    return np.ascontiguousarray(array)


def _memory_dtype(stored: np.dtype[Any]) -> np.dtype[Any]:
    """The type in memory of data that say nothing else: ADU are uint32."""
    return np.dtype(np.uint32) if stored.kind == "u" and stored.itemsize <= 4 else stored.newbyteorder("=")


def _in_memory(data: NDArray[Any], header: Header) -> NDArray[Any]:
    name = header.get("NPDTYPE")
    return data.astype(np.dtype(name) if isinstance(name, str) else _memory_dtype(data.dtype))


def _native(data: NDArray[Any]) -> NDArray[Any]:
    return data.astype(data.dtype.newbyteorder("="))


class _Stream(RawIOBase):
    """A file that NumPy does not take for one: it would write past Python, and a full disk lose its name."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.name, self.mode = file, file.name, "wb"

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        return self.file.write(content)


def _content(path: str | PathLike[str]) -> bytes:
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise MissingFileError(f"cannot read {path}: there is no such file") from error
    try:
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise IntegrityError(f"{path} is damaged: {error}") from error


@contextmanager
def _checked(path: str | PathLike[str], *, checksum: bool) -> Iterator[HDUList]:
    """The units of a FITS file, compared with their checksums on request."""
    content = _content(path)
    with _opened(path, content) as units:
        if checksum:
            _check(path, content, units)
        yield units


@contextmanager
def _opened(path: str | PathLike[str], content: bytes) -> Iterator[HDUList]:
    """The units of a FITS file; whatever is found wrong with them names the file."""
    from astropy.io import fits

    with readable(path), fits.open(BytesIO(content), memmap=False, lazy_load_hdus=False) as units:
        yield units


def _check(path: str | PathLike[str], content: bytes, units: HDUList) -> None:
    """Compare each unit's bytes with its checksums, and the file's length with its units.

    The standard's rule over the bytes themselves: astropy sums the header as it understood it, and a
    damaged one may be understood as the old one.
    """
    from astropy.io.fits import CompImageHDU

    end = 0
    for number, unit in enumerate(units):
        where = unit.fileinfo()
        start, data, end = where["hdrLoc"], where["datLoc"], where["datLoc"] + where["datSpan"]
        if isinstance(unit, CompImageHDU):
            continue  # its checksums are those of the image before compression
        sums = {"CHECKSUM": (start, 0), "DATASUM": (data, unit.header.get("DATASUM"))}
        stated = [keyword for keyword in sums if keyword in unit.header]
        for keyword in sums if stated else ():
            first, expected = sums[keyword]
            found = _ones_complement_sum(content[first:end])
            if keyword not in stated or found != int(expected) % 0xFFFFFFFF:
                raise IntegrityError(f"{path} was changed or damaged: unit {number} breaks its {keyword}")
    if "CHECKSUM" in units[0].header and end != len(content):
        raise IntegrityError(f"{path} was changed or damaged: {len(content)} bytes, must be {end}")


def _ones_complement_sum(content: bytes) -> int:
    """Sum of the big-endian 32-bit words with end-around carry; all ones counts as 0."""
    words = np.frombuffer(content, dtype=">u4", count=len(content) // 4)
    return int(words.sum(dtype=np.uint64)) % 0xFFFFFFFF
