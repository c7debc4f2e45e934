"""A detector frame: its pixels, what is known about it, and the truth it came from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, ShapeError, require, require_count
from getframes.sections import KEYWORD, Section, data_section

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from astropy.nddata import CCDData
    from numpy.typing import NDArray


class Deferred:
    """An array that is computed when it is first asked for, and then kept.

    Parameters
    ----------
    function : callable
        Makes the array. A module-level function, so that the promise can be pickled.
    *arguments
        Given to `function`; a `Deferred` among them is evaluated first.
    """

    __slots__ = ("_call", "_value")

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call: tuple[Callable[..., Any], tuple[Any, ...]] | None = (function, arguments)
        self._value: Any = None

    def evaluate(self) -> Any:
        """The array; the function runs at the first call only, and is then let go with its arguments."""
        call = self._call
        if call is not None:
            function, arguments = call
            self._value = function(*(_evaluated(argument) for argument in arguments))
            self._call = None
        return self._value

    def __repr__(self) -> str:
        return "Deferred(evaluated)" if self._call is None else "Deferred(not evaluated yet)"

    def __getstate__(self) -> tuple[Any, ...]:
        return self._call, _compact(self._value)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._call, value = state
        self._value = _expanded(value)


class _TruthArray:
    """A field of `FrameTruth`: an array, or a `Deferred` one that becomes an array at first access."""

    def __init__(self, *, optional: bool = False) -> None:
        self.optional = optional

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: FrameTruth | None, owner: type) -> Any:
        if instance is None:
            if self.optional:
                return None
            raise AttributeError(self.name)
        value = instance.__dict__[self.name]
        if isinstance(value, Deferred):
            value = instance.__dict__[self.name] = value.evaluate()
        return value

    def __set__(self, instance: FrameTruth, value: Any) -> None:
        instance.__dict__[self.name] = value


@dataclass(frozen=True, eq=False, repr=False)
class FrameTruth:
    """The noise-free quantities a frame was drawn from.

    Each field is an array, or a `Deferred` that is evaluated at the first access and then kept. Uniform
    fields may be read-only broadcast views of one number; copy before writing into one.

    Attributes
    ----------
    mean_electrons : array (height, width)
        Expected charge before noise, light + dark + extra [e-].
    mean_photoelectrons : array (height, width)
        Expected charge from light alone [e-].
    photon_rate : array (height, width)
        Incident light, before the quantum efficiency [photons / s / pixel].
    spectral_photon_rate : array (n, height, width), optional
        Incident light per wavelength sample.
    wavelengths_nm : array (n,), optional
        The wavelength samples [nm].
    """

    mean_electrons: _TruthArray = _TruthArray()
    mean_photoelectrons: _TruthArray = _TruthArray()
    photon_rate: _TruthArray = _TruthArray()
    spectral_photon_rate: _TruthArray = _TruthArray(optional=True)
    wavelengths_nm: _TruthArray = _TruthArray(optional=True)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields that are there, by name, evaluated."""
        values = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {name: np.asarray(value) for name, value in values if value is not None}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FrameTruth):
            return NotImplemented
        return _same(self.arrays(), other.arrays())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = (f"{name}={value.dtype} {value.shape}" for name, value in self.arrays().items())
        return f"FrameTruth({', '.join(shown)})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: _compact(value) for name, value in self.__dict__.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({name: _expanded(value) for name, value in state.items()})


@dataclass(frozen=True, eq=False, repr=False)
class Frame:
    """One readout of a detector.

    Attributes
    ----------
    data : array (height, width)
        ADU as uint32; signed int32 for correlated double samples, float64 for masters and reduced frames.
    metadata : dict
        What is known about the frame: ``camera``, ``frame_type``, ``exposure_s``, ``gain_e_per_adu``, ...
    truth : FrameTruth, optional
        The noise-free quantities behind the frame.
    """

    data: Any
    metadata: dict[str, Any] = field(default_factory=dict)
    truth: FrameTruth | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data, (height, width)."""
        return tuple(self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the data."""
        dtype: np.dtype[Any] = self.data.dtype
        return dtype

    @property
    def device(self) -> str:
        """Where the data live; always ``"cpu"``."""
        return "cpu"

    def binned(self, factor: int, *, method: str = "sum") -> Frame:
        """The frame after digital binning: blocks of `factor` x `factor` pixels are summed or averaged.

        Integer data are summed in 64 bits. The saturation level, the WCS and the truth follow the data; read
        noise and gain stay those of one native pixel. A spectral truth is dropped.

        Parameters
        ----------
        factor : int
            Pixels on a side of a block; must divide height and width.
        method : {"sum", "mean"}
            What to do with a block.

        Raises
        ------
        DomainError
            If `factor` is not a positive integer, `method` is unknown, or a block is partly data and partly overscan.
        ShapeError
            If `factor` does not divide the shape.
        """
        factor = require_count(factor, self, "binned factor")
        require(method in ("sum", "mean"), self, "binned method", "'sum' or 'mean'", method)
        if len(self.shape) != 2 or any(side % factor for side in self.shape):
            raise ShapeError(
                f"Frame.shape must be divisible by the binning factor, {factor}, got {self.shape}"
            )
        metadata = _binned_metadata(self.metadata, int(factor), method)
        return Frame(_binned(self.data, factor, method), metadata, self._binned_truth(factor, method))

    def _binned_truth(self, factor: int, method: str) -> FrameTruth | None:
        if self.truth is None:
            return None
        names = ("mean_electrons", "mean_photoelectrons", "photon_rate")
        # The arrays themselves, still unevaluated where they are: binning must not force a lazy truth.
        return FrameTruth(*(Deferred(_binned, self.truth.__dict__[name], factor, method) for name in names))

    def stats(self) -> dict[str, float]:
        """Mean, median, standard deviation, minimum and maximum of the data, in its unit."""
        data = np.asarray(self.data)
        return {
            "mean": float(data.mean(dtype=np.float64)),
            "median": float(np.median(data)),
            "std": float(data.std(dtype=np.float64)),
            "min": float(data.min()),
            "max": float(data.max()),
        }

    def to_fits(self, path: str | PathLike[str], overwrite: bool = False, *, truth: bool = False) -> None:
        """Write the frame to a FITS file; see `getframes.io.fits.write_frame` for the layout.

        Parameters
        ----------
        path : path
            The file to make. It appears complete or not at all; a name in ``.gz`` is compressed.
        overwrite : bool
            Replace an existing file.
        truth : bool
            Add the truth as image extensions.

        Raises
        ------
        OutputError
            If the file exists already (also a `FileExistsError`) or cannot be written.
        """
        from getframes.io.fits import write_frame

        write_frame(self, path, overwrite=overwrite, truth=truth)

    @classmethod
    def from_fits(cls, path: str | PathLike[str], *, checksum: bool = True) -> Frame:
        """Read a frame, with its metadata and truth, from a FITS file.

        Parameters
        ----------
        path : path
            A file of `to_fits`, or another program's: its first image is taken.
        checksum : bool
            Compare the file with its CHECKSUM and DATASUM, where it has them.

        Raises
        ------
        IntegrityError
            If the file is not FITS, has no image, is cut short or differs from its checksums.
        """
        from getframes.io.fits import read_frame

        return read_frame(path, checksum=checksum)

    def extensions(self) -> dict[str, tuple[NDArray[Any], dict[str, Any]]]:
        """What a FITS file of the frame has beside data and truth: image and cards, by name; here nothing."""
        return {}

    def to_ccddata(self) -> CCDData:
        """The frame as an `astropy.nddata.CCDData`, with its unit, FITS header and WCS."""
        from getframes.io.fits import to_ccddata

        return to_ccddata(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        return (
            _same(self.data, other.data)
            and _same(self.metadata, other.metadata)
            and ((self.truth is None) == (other.truth is None))
            and self.truth == other.truth
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        kind, camera = self.metadata.get("frame_type"), self.metadata.get("camera")
        return f"Frame(type={kind!r}, camera={camera!r}, shape={self.shape}, dtype={self.dtype})"


def as_pixels(image: Any, name: str = "frame") -> NDArray[Any]:
    """The pixels of a `Frame` or of an array (height, width): native byte order, no copy where none is needed.

    Raises
    ------
    DomainError
        If they are not real numbers.
    ShapeError
        If they are not an image of at least one pixel.
    """
    pixels = np.asarray(image.data if isinstance(image, Frame) else image)
    require(pixels.dtype.kind in "biuf", "", name, "an image of real numbers", str(pixels.dtype))
    if pixels.ndim != 2 or pixels.size == 0:
        raise ShapeError(f"{name} must be an image (height, width), got shape {pixels.shape}")
    return pixels if pixels.dtype.isnative else pixels.astype(pixels.dtype.newbyteorder("="))


def lit_pixels(image: Any, name: str = "frame") -> NDArray[Any]:
    """The pixels that collect light, as `as_pixels`: those of DATASEC where a `Frame` says so, else all.

    Raises
    ------
    DomainError, ShapeError
        As `as_pixels`; also if DATASEC is no section of the frame.
    """
    pixels = as_pixels(image, name)
    if not isinstance(image, Frame):
        return pixels
    return pixels[data_section(image.metadata, (pixels.shape[0], pixels.shape[1]), name).slices]


def require_finite(pixels: NDArray[Any], name: str = "frame") -> None:
    """Raise `DomainError` with the first pixel of an image that is infinite or not a number."""
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        y, x = np.argwhere(~np.isfinite(pixels))[0]
        raise DomainError(f"{name} must be finite, got {pixels[y, x]} at (y, x) = ({y}, {x})")


def _evaluated(value: Any) -> Any:
    return value.evaluate() if isinstance(value, Deferred) else value


def _binned(image: Any, factor: int, method: str) -> NDArray[Any]:
    """Sum or mean of `factor` x `factor` blocks of an image."""
    image = np.asarray(image)
    height, width = (side // factor for side in image.shape)
    blocks = image.reshape(height, factor, width, factor)
    if method == "mean":
        return np.asarray(blocks.mean(axis=(1, 3)))
    wide = {"u": np.uint64, "i": np.int64}.get(image.dtype.kind)
    return np.asarray(blocks.sum(axis=(1, 3), dtype=wide))


def _binned_metadata(metadata: dict[str, Any], factor: int, method: str) -> dict[str, Any]:
    changed = dict(metadata, binning=factor * metadata.get("binning", 1))
    if method == "sum" and metadata.get("saturate_adu") is not None:
        changed["saturate_adu"] = metadata["saturate_adu"] * factor**2
    for name in filter(KEYWORD.fullmatch, metadata):
        changed[name] = _binned_section(str(metadata[name]), name, factor)
    for axis in "12":
        if f"CRPIX{axis}" in metadata:
            changed[f"CRPIX{axis}"] = (metadata[f"CRPIX{axis}"] - 0.5) / factor + 0.5
        scales = (f"CDELT{axis}", f"CD{axis}_1", f"CD{axis}_2")
        changed.update({name: metadata[name] * factor for name in scales if name in metadata})
    return changed


def _binned_section(text: str, keyword: str, factor: int) -> str:
    """A section of the frame over blocks, which must not mix its pixels with others."""
    anywhere = (2**62, 2**62)
    section = Section.parse(text, keyword, anywhere, "Frame")
    require(
        not any(edge % factor for edge in section),
        "Frame",
        keyword,
        f"made of {factor} x {factor} blocks",
        text,
    )
    return str(Section(*(edge // factor for edge in section)))


def _compact(value: Any) -> Any:
    """An array whose axes repeat one slice, without the copies; anything else as it is."""
    if isinstance(value, np.ndarray) and value.size > 1 and 0 in value.strides:
        once = tuple(slice(1) if step == 0 else slice(None) for step in value.strides)
        return _Repeated(value[once], value.shape)
    return value


def _expanded(value: Any) -> Any:
    return np.broadcast_to(value.slice, value.shape) if isinstance(value, _Repeated) else value


@dataclass(frozen=True)
class _Repeated:
    """How a broadcast view travels in a pickle."""

    slice: NDArray[Any]
    shape: tuple[int, ...]


def _same(left: Any, right: Any) -> bool:
    """Equality that looks into arrays, dicts and sequences; NaN equals NaN."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(value, right[key]) for key, value in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        pairs = zip(left, right, strict=False)
        return type(left) is type(right) and len(left) == len(right) and all(_same(a, b) for a, b in pairs)
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        a, b = np.asarray(left), np.asarray(right)
        floating = a.dtype.kind in "fc" and b.dtype.kind in "fc"
        return bool(np.array_equal(a, b, equal_nan=floating))
    return bool(left == right) or (left != left and right != right)
