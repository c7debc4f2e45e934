"""Images to read by bands of rows, whatever they are kept in: arrays, frames, CCDData, FITS files.

A FITS file is opened once and stays open; astropy reads its headers, and the rows of an uncompressed image are read straight from where its data begin
(`os.pread`, which moves no file position, so that bands may be read from several threads). A tile-compressed image (RICE and others) is read through
astropy, which unpacks only the tiles of a band. A file in ``.gz`` is unpacked once into a temporary file without a name, and read from there. So no image is
ever held whole in memory.

Pixels keep their type: 16 bits with BZERO = 32768 are uint16. A BSCALE or BZERO that means more than unsigned integers gives float64. Integers equal to
BLANK are masked.

Descriptors: `Files` keeps at most half as many files open as the system allows a process (`ulimit -n`). Beyond that the one not used for longest is
closed, and opened again when its turn comes: then it has to have the size and the time of before.

Reference: FITS standard 4.0, https://fits.gsfc.nasa.gov/fits_standard.html.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import threading
import warnings
import zlib
from abc import ABC, abstractmethod
from collections import OrderedDict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from getframes.errors import (
    DomainError,
    GetframesError,
    InputError,
    IntegrityError,
    MissingFileError,
    ShapeError,
    require,
)
from getframes.frame import Frame, as_pixels
from getframes.io.keywords import metadata_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from astropy.io.fits import HDUList, Header
    from numpy.typing import NDArray

_GZIP = b"\x1f\x8b"
_POSITION = threading.Lock()
_OTHER_SIGN = {8: (-128, np.int8), 16: (2**15, np.uint16), 32: (2**31, np.uint32), 64: (2**63, np.uint64)}
"""BZERO that turns the integers of a BITPIX into the others of their size, and what they become."""
_STORED = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


class Band(NamedTuple):
    """Rows of an image.

    Attributes
    ----------
    pixels : array (rows, width)
        In native byte order.
    mask : array of bool (rows, width), optional
        True where a pixel is bad; None where all are good.
    """

    pixels: NDArray[Any]
    mask: NDArray[np.bool_] | None


class Image(ABC):
    """An image that is read by bands.

    Attributes
    ----------
    name : str
        The file, or what else to call it in an error.
    shape : (int, int)
        Height and width.
    dtype : numpy.dtype
        Of the pixels, in native byte order.
    metadata : dict
        Metadata of a frame, `getframes.io.keywords.metadata_of` for other headers.
    header : astropy.io.fits.Header or None
        As in the file, or the `meta` of a CCDData.
    unit : str
        In the notation of FITS; ``"adu"`` where nothing is said.
    in_memory : bool
        Whether bands are views of what is in memory already.
    mask_bytes : int
        Memory that the mask of a pixel of a band may take.
    """

    in_memory = False
    mask_bytes = 0
    name: str
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    metadata: dict[str, Any]
    header: Any = None
    unit: str = "adu"

    @property
    def step(self) -> float:
        """What the values are multiples of: one count for whole numbers; 0 for those that are not."""
        return 1.0 if self.dtype.kind in "biu" else 0.0

    @abstractmethod
    def band(self, start: int, stop: int, out: NDArray[Any] | None = None) -> Band:
        """Rows `start` to `stop`, with their mask.

        Parameters
        ----------
        start, stop : int
            First row, and the one after the last.
        out : array (stop - start, width), optional
            Room for the pixels, C-contiguous and of the `dtype`; may or may not be used.

        Raises
        ------
        IntegrityError
            If the file is damaged or was cut short.
        InputError
            If it cannot be read, or has vanished.
        """

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """Pixels of rows `start` to `stop`; errors as in `band`."""
        return self.band(start, stop).pixels

    def whole(self) -> Band:
        """The whole image; errors as in `band`."""
        return self.band(0, self.shape[0])


class MemoryImage(Image):
    """An array, with what is known about it."""

    in_memory = True

    def __init__(
        self,
        pixels: NDArray[Any],
        *,
        name: str = "image",
        mask: NDArray[np.bool_] | None = None,
        metadata: dict[str, Any] | None = None,
        header: Any = None,
        unit: str = "adu",
    ) -> None:
        self._pixels = as_pixels(pixels, name)
        self._mask = mask
        self.name, self.header, self.unit = name, header, unit
        height, width = self._pixels.shape
        self.shape, self.dtype = (height, width), self._pixels.dtype
        self.metadata = {} if metadata is None else metadata
        self.nbytes = self._pixels.nbytes
        if mask is not None and mask.shape != self.shape:
            raise ShapeError(f"the mask of {name} must have shape {self.shape}, got {mask.shape}")

    def band(self, start: int, stop: int, out: NDArray[Any] | None = None) -> Band:
        return Band(self._pixels[start:stop], None if self._mask is None else self._mask[start:stop])


class Spool:
    """Images from an iterator: the first stay in memory, the others go into a temporary file without a name.

    Parameters
    ----------
    limit : int
        Memory for images [bytes].
    """

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._file: BinaryIO | None = None
        self._size = 0

    def kept(self, source: Any, name: str) -> Any:
        """The image, to be read whenever it is needed; a path stays one.

        Raises
        ------
        InputError
            If the temporary file cannot be written.
        """
        if isinstance(source, str | os.PathLike | Image):
            return source
        image = _of_memory(source, name)
        self._left -= image.nbytes
        return image if self._left >= 0 else SpooledImage(image, self)

    def append(self, pixels: NDArray[Any]) -> int:
        """Write pixels; where they begin."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
            start, room = self._size, np.ascontiguousarray(pixels).view(np.uint8).reshape(-1).data
            while len(room):
                done = self._file.write(room)
                self._size, room = self._size + done, room[done:]
        except OSError as error:
            raise InputError(f"cannot keep frames in {tempfile.gettempdir()}: {error.strerror}") from error
        return start

    def read(self, offset: int, out: NDArray[Any]) -> None:
        """Fill an array from a place on."""
        room = out.view(np.uint8).reshape(-1).data
        done = 0
        while self._file is not None and done < len(room):
            done += _read_at(self._file, room[done:], offset + done)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


class SpooledImage(Image):
    """An image in a temporary file; its mask stays in memory."""

    def __init__(self, image: MemoryImage, spool: Spool) -> None:
        self.name, self.shape, self.dtype = image.name, image.shape, image.dtype
        self.metadata, self.header, self.unit = image.metadata, image.header, image.unit
        pixels, self._mask = image.whole()
        self._spool, self._start = spool, spool.append(pixels)

    def band(self, start: int, stop: int, out: NDArray[Any] | None = None) -> Band:
        shape = (stop - start, self.shape[1])
        fits = out is not None and out.shape == shape and out.dtype == self.dtype
        pixels = out if fits and out is not None else np.empty(shape, self.dtype)
        self._spool.read(self._start + start * shape[1] * self.dtype.itemsize, pixels)
        return Band(pixels, None if self._mask is None else self._mask[start:stop])


class Stored(NamedTuple):
    """How the pixels of one image are kept in a file.

    Attributes
    ----------
    number : int
        Of the header-data unit.
    shape : (int, int)
        Height and width.
    kind, dtype : numpy.dtype
        As stored, big-endian, and what the pixels become.
    scale, zero : float
        BSCALE and BZERO.
    blank : int, optional
        BLANK.
    start : int, optional
        Where the pixels begin in the file [bytes]; None where they are compressed.
    """

    number: int
    shape: tuple[int, int]
    kind: np.dtype[Any]
    dtype: np.dtype[Any]
    scale: float
    zero: float
    blank: int | None
    start: int | None

    @classmethod
    def of(cls, units: HDUList, number: int, name: str, size: int) -> Stored:
        """From the header-data unit of this number, in a file of `size` bytes.

        Raises
        ------
        DomainError, ShapeError
            If a keyword has an impossible value, or the unit is no image: names file and keyword.
        IntegrityError
            If the file ends before the pixels do.
        """
        from astropy.io.fits import CompImageHDU

        unit = units[number]
        header, shape = unit.header, _shape(unit, name)
        bits = header["BITPIX"]
        scale, zero = (
            _number(header, word, default, name) for word, default in (("BSCALE", 1), ("BZERO", 0))
        )
        require(scale != 0, name, "BSCALE", "other than 0", scale)
        blank = header.get("BLANK") if bits > 0 else None
        require(blank is None or type(blank) is int, name, "BLANK", "an integer", blank)
        kind = np.dtype(_STORED[bits])
        start = None if isinstance(unit, CompImageHDU) else int(unit.fileinfo()["datLoc"])
        end = 0 if start is None else start + shape[0] * shape[1] * kind.itemsize
        if end > size:
            raise IntegrityError(
                f"{name} is cut short: it has {size} bytes, its image (NAXIS1, NAXIS2) ends at {end}"
            )
        becomes = kind.newbyteorder("=") if (scale, zero) == (1, 0) else np.dtype(np.float64)
        if scale == 1 and bits in _OTHER_SIGN and zero == _OTHER_SIGN[bits][0]:
            becomes = np.dtype(_OTHER_SIGN[bits][1])
        return cls(number, shape, kind, becomes, scale, zero, blank, start)

    def band(self, opened: OpenFile, start: int, stop: int, out: NDArray[Any] | None) -> Band:
        """Rows of the image."""
        if self.start is None:
            with readable(opened.name):
                unit = opened.units()[self.number]
                raw = np.asarray(
                    unit.section[(0,) * (len(unit.shape) - 2) + (slice(start, stop), slice(None))]
                )
            return self._decoded(raw, out)
        raw = np.empty((stop - start, self.shape[1]), self.kind)
        opened.read(self.start + start * self.shape[1] * self.kind.itemsize, raw)
        return self._decoded(raw, out)

    @property
    def _exact(self) -> bool:
        """Whether the pixels are the stored numbers but for the sign bit."""
        return (
            self.scale == 1
            and self.dtype.itemsize == self.kind.itemsize
            and (self.kind.kind != "f" or not self.zero)
        )

    def _decoded(self, raw: NDArray[Any], out: NDArray[Any] | None) -> Band:
        blank = None if self.blank is None else raw == self.blank
        mask = blank if blank is not None and blank.any() else None
        if not self._exact:
            return Band(np.asarray(raw * np.float64(self.scale) + self.zero), mask)
        fits = out is not None and out.shape == raw.shape and out.dtype == self.dtype
        pixels = out if fits and out is not None else np.empty(raw.shape, self.dtype)
        # A copy that changes the order of bytes is several times as fast as doing it in place.
        np.copyto(pixels.view(self.kind.newbyteorder("=")), raw)
        if self.zero:
            bits = pixels.view(f"u{self.kind.itemsize}")
            bits ^= bits.dtype.type(1 << (8 * self.kind.itemsize - 1))
        return Band(pixels, mask)


class FitsImage(Image):
    """An image of a FITS file.

    Parameters
    ----------
    path : path
        The file.
    files : Files
        Keeps it open.
    extension : int, str or (str, int), optional
        Number, name, or name and version of the header-data unit; the first image when left out. Then an extension MASK of the same shape is its mask.

    Raises
    ------
    InputError
        If the file cannot be read (`MissingFileError`, which is a `FileNotFoundError`, if it is not there).
    IntegrityError
        If it is not FITS or cut short.
    DomainError, ShapeError
        If it has no such image, or a keyword has an impossible value: names file and keyword.
    """

    def __init__(
        self, path: str | os.PathLike[str], files: Files, extension: int | str | tuple[str, int] | None = None
    ) -> None:
        self._path, self._files, self.name = Path(path), files, str(path)
        with files.reading(self._path) as opened, readable(self.name):
            units = opened.units()
            first = _first_image(units)
            number = first if extension is None else _found(units, extension, self.name)
            if number is None:
                raise IntegrityError(f"{self.name} has no image (NAXIS of every extension is below 2)")
            self._stored = Stored.of(units, number, self.name, opened.size)
            self._mask, self._bad_bits = None, None
            if number == first and "MASK" in units and units["MASK"].shape == self._stored.shape:
                self._mask = Stored.of(units, units.index_of("MASK"), self.name, opened.size)
                self._bad_bits = _bad_bits(units["MASK"].header)
            header = units[number].header
            # A header as astropy keeps it is ten times as large.
            self._header_text = header.tostring()
            self.metadata = metadata_of(header)
            self.unit = str(header.get("BUNIT", "")).strip() or "adu"
            if self._stored.start is not None:
                opened.forget_units()
        self.shape, self.dtype = self._stored.shape, self._stored.dtype
        self.mask_bytes = 0 if self._mask is None and self._stored.blank is None else 1

    @property
    def header(self) -> Header:
        """The header as in the file."""
        from astropy.io.fits import Header

        return Header.fromstring(self._header_text)

    def band(self, start: int, stop: int, out: NDArray[Any] | None = None) -> Band:
        with self._files.reading(self._path) as opened:
            pixels, blank = self._stored.band(opened, start, stop, out)
            if self._mask is None:
                return Band(pixels, blank)
            flags = self._mask.band(opened, start, stop, None).pixels
        mask = flags != 0 if self._bad_bits is None else (flags & flags.dtype.type(self._bad_bits)) != 0
        return Band(pixels, mask if blank is None else mask | blank)


class OpenFile:
    """A file that is open, unpacked if it was gzipped."""

    def __init__(self, path: Path) -> None:
        self.name, self.users = str(path), 0
        self.file = _opened(path)
        try:
            state = os.fstat(self.file.fileno())
            self.identity, self.size = (state.st_size, state.st_mtime_ns), state.st_size
            start = bytearray(2)
            if _read_at(self.file, memoryview(start), 0) == 2 and start == _GZIP:
                self.file = _unpacked(self.file, self.name)
                self.size = os.fstat(self.file.fileno()).st_size
        except BaseException:
            self.file.close()
            raise
        self._units: HDUList | None = None

    def units(self) -> HDUList:
        """The header-data units, pixels as stored."""
        from astropy.io import fits

        if self._units is None:
            self._units = fits.open(self.file, memmap=False, do_not_scale_image_data=True)
        return self._units

    def forget_units(self) -> None:
        """Let the headers go; the file stays open."""
        self._units = None

    def read(self, offset: int, out: NDArray[Any]) -> None:
        """Fill an array with the bytes from `offset` on.

        Raises
        ------
        IntegrityError
            If the file ends before.
        InputError
            If the system cannot read it.
        """
        room, done = out.view(np.uint8).reshape(-1).data, 0
        while done < len(room):
            try:
                count = _read_at(self.file, room[done:], offset + done)
            except OSError as error:
                raise InputError(f"cannot read {self.name}: {error.strerror}") from error
            if count == 0:
                size = os.fstat(self.file.fileno()).st_size
                raise IntegrityError(
                    f"{self.name} was cut short while it was read: {size} bytes, were {self.size}"
                )
            done += count

    def close(self) -> None:
        """Close the file."""
        self._units = None
        self.file.close()


class Files:
    """Files that stay open, as many as the system allows.

    Parameters
    ----------
    most : int, optional
        Files that may be open at once; half of what the system allows the process when left out.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = _most_files() if most is None else most
        self._open: OrderedDict[Path, OpenFile] = OrderedDict()
        self._identities: dict[Path, tuple[int, int]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def reading(self, path: Path) -> Iterator[OpenFile]:
        """A file, open for the length of the block.

        Raises
        ------
        InputError
            If it cannot be opened.
        IntegrityError
            If it had to be opened again and is not what it was.
        """
        with self._lock:
            opened = self._open.get(path)
            if opened is None:
                opened = self._open[path] = self._again(path)
            self._open.move_to_end(path)
            opened.users += 1
            self._close_some()
        try:
            yield opened
        finally:
            with self._lock:
                opened.users -= 1

    def _again(self, path: Path) -> OpenFile:
        opened = OpenFile(path)
        if self._identities.setdefault(path, opened.identity) != opened.identity:
            opened.close()
            raise IntegrityError(f"{path} was changed while it was read")
        return opened

    def _close_some(self) -> None:
        idle = [path for path, opened in self._open.items() if not opened.users]
        for path in idle[: max(0, len(self._open) - self.most)]:
            self._open.pop(path).close()

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_image(
    source: Any, files: Files, *, extension: int | str | tuple[str, int] | None = None, name: str = "image"
) -> Image:
    """An image to read by bands.

    Parameters
    ----------
    source : path, Frame, CCDData, Quantity, array or masked array (height, width), or Image
        What it is kept in. Pixels that a CCDData or the flags of a frame mark as bad are masked.
    files : Files
        Keeps files open.
    extension : int, str or (str, int), optional
        Of a file; see `FitsImage`.
    name : str
        What to call an image that is no file.

    Raises
    ------
    InputError, IntegrityError
        As `FitsImage`.
    DomainError, ShapeError
        As `FitsImage`; if the pixels are no real numbers, or no image.
    """
    if isinstance(source, Image):
        return source
    if isinstance(source, str | os.PathLike):
        return FitsImage(source, files, extension)
    return _of_memory(source, name)


def _of_memory(source: Any, name: str) -> MemoryImage:
    if isinstance(source, Frame):
        mask = source.mask if getattr(source, "flags", None) is not None else None  # type: ignore[attr-defined]
        unit = str(source.metadata.get("unit", "adu"))
        return MemoryImage(source.data, name=name, mask=mask, metadata=source.metadata, unit=unit)
    unit = str(getattr(source, "unit", None) or "adu").replace(" / ", "/")
    if hasattr(source, "meta"):  # CCDData and NDData
        mask = (
            None if source.mask is None else np.broadcast_to(np.asarray(source.mask, bool), source.data.shape)
        )
        header = source.meta
        metadata = metadata_of(header) if hasattr(header, "cards") else dict(header)
        return MemoryImage(source.data, name=name, mask=mask, metadata=metadata, header=header, unit=unit)
    if isinstance(source, np.ma.MaskedArray):
        mask = None if source.mask is np.ma.nomask else np.asarray(source.mask)
        return MemoryImage(source.data, name=name, mask=mask)
    return MemoryImage(getattr(source, "value", source), name=name, unit=unit)


@contextmanager
def open_images(
    sources: Iterable[Any], *, extension: int | str | tuple[str, int] | None = None, name: str = "frame"
) -> Iterator[list[Image]]:
    """Images of one shape, open for the length of the block; arrays are called ``frame 0``, ``frame 1``, ...

    Parameters, errors
        As in `open_image`; a `ShapeError` as well if shapes differ.
    """
    with Files() as files:
        images: list[Image] = []
        for number, source in enumerate(sources):
            image = open_image(source, files, extension=extension, name=f"{name} {number}")
            if images and image.shape != images[0].shape:
                cards = " (NAXIS2, NAXIS1)" if isinstance(image, FitsImage) else ""
                raise ShapeError(f"{image.name} must have shape {images[0].shape}, got {image.shape}{cards}")
            images.append(image)
        yield images


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise MissingFileError(f"cannot read {path}: there is no such file") from error
    except OSError as error:
        made = InputError(f"cannot read {path}: {error.strerror}")
        made.errno = error.errno
        raise made from error


def _unpacked(packed: BinaryIO, name: str) -> BinaryIO:
    """What a gzipped file holds, in a temporary file that has no name any more; the gzipped one is closed."""
    with tempfile.NamedTemporaryFile() as room:
        try:
            with packed, gzip.GzipFile(fileobj=packed) as content:
                shutil.copyfileobj(content, room, 1 << 20)
            room.flush()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise IntegrityError(f"{name} is damaged: {error}") from error
        except OSError as error:
            raise InputError(
                f"cannot unpack {name} into {tempfile.gettempdir()}: {error.strerror}"
            ) from error
        return _opened(Path(room.name))


def _read_at(file: BinaryIO, room: memoryview, offset: int) -> int:
    """Read bytes from a place in a file; how many it were."""
    if hasattr(os, "preadv"):
        return os.preadv(file.fileno(), [room], offset)
    with _POSITION:  # a system where reading moves the position of the file
        file.seek(offset)
        return file.readinto(room)  # type: ignore[attr-defined, no-any-return]


@contextmanager
def readable(name: object) -> Iterator[None]:
    """Whatever astropy finds wrong with a file names the file; that it is cut short is not also said in a warning that does not."""
    warnings.filterwarnings("ignore", "File may have been truncated", module=r"astropy\.io\.fits")
    try:
        yield
    except GetframesError:
        raise
    except Exception as error:  # astropy has many ways to stumble over damaged bytes
        raise IntegrityError(f"{name} is not a readable FITS file: {error}") from error


def _most_files() -> int:
    try:
        import resource
    except ImportError:  # not a POSIX system
        return 200
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 100_000 if soft == resource.RLIM_INFINITY else max(1, soft // 2)


def _first_image(units: HDUList) -> int | None:
    return next(
        (n for n, unit in enumerate(units) if unit.is_image and unit.header.get("NAXIS", 0) >= 2), None
    )


def _found(units: HDUList, extension: int | str | tuple[str, int], name: str) -> int:
    try:
        if isinstance(extension, int):
            return range(len(units))[extension]
        return int(units.index_of(extension))
    except (KeyError, IndexError):
        there = ", ".join(f"{n} {unit.name}".strip() for n, unit in enumerate(units))
        raise DomainError(f"{name} must have an extension {extension!r} (EXTNAME), got {there}") from None


def _shape(unit: Any, name: str) -> tuple[int, int]:
    """Height and width; further axes may only have length 1."""
    shape: tuple[int, ...] = getattr(unit, "shape", ()) if unit.is_image else ()
    if len(shape) < 2 or 0 in shape:
        raise ShapeError(f"{name}: NAXIS of extension {unit.name!r} must be 2 with pixels, got shape {shape}")
    if any(side != 1 for side in shape[:-2]):
        raise ShapeError(f"{name}: NAXIS must be 2, got {len(shape)} with shape {shape}")
    return shape[-2], shape[-1]


def _number(header: Header, keyword: str, default: float, name: str) -> float:
    value = header.get(keyword, default)
    right = isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
    require(right, name, keyword, "a finite number", value)
    return float(value)


def _bad_bits(header: Header) -> int | None:
    """Bits of a MASK that make a pixel unusable, where its header names them (`getframes.reduce.Flag`)."""
    return int(header["BADBITS"]) if isinstance(header.get("BADBITS"), int) else None
