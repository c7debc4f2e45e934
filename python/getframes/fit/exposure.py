"""Exposures: what the fit reads of an image, in memory or in a store, by tiles of 8 x 8 pixels.

Pixel (x, y) has its centre at integers, the first is (0, 0), and tiles begin at multiples of 8. A pixel that does not count has weight 0: masked, not finite, of an
uncertainty that is not positive, or beyond the image.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from getframes.errors import ShapeError, require
from getframes.fit.patch import TILE
from getframes.fit.sky_to_pixels import SkyToPixels

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

BACKGROUNDS = (0, 1, 3)
Seen = TypeVar("Seen", bound="PixelSource")


class Tiles(NamedTuple):
    """Tiles of an exposure, T of them, row by row.

    Attributes
    ----------
    x, y : array (T,) of int
        First column and row of each.
    data, weight : array (T, 64)
        Pixels of each row by row, and their inverse variance; 0 where a pixel does not count.
    """

    x: NDArray[np.int32]
    y: NDArray[np.int32]
    data: Numbers
    weight: Numbers


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PixelSource(ABC):
    """An exposure as a patch sees it, wherever its pixels are.

    Attributes
    ----------
    name : str
        Of the exposure, its own in a fit.
    band : str
        Its band, as in the catalog.
    psf : PsfMixture, PsfField, function (x, y) -> PsfMixture, or None
        Of the exposure; None where it is given elsewhere, by band or name.
    wcs : astropy.wcs.WCS or None
        None where positions are pixels.
    flux_scale : float
        What a source of flux 1 adds to the data in all [data unit / flux unit of the catalog].
    background : int
        Coefficients of the background that is fitted: 0 for none, 1 for a constant, 3 for a plane.
    level : float
        Background that is known [data unit], taken off the data of every tile.
    max_snr : float
        No pixel has more signal to noise than this: errors are inflated where it has. Infinite for no cap.
    unit : str
        Of the data.

    Raises
    ------
    DomainError
        If the scale or the cap is not positive, there is no such background, or the WCS is not one of the sky.
    """

    name: str
    band: str
    psf: Any = None
    wcs: Any = None
    flux_scale: float = 1.0
    background: int = 0
    level: float = 0.0
    max_snr: float = np.inf
    unit: str = ""

    def __post_init__(self) -> None:
        require(bool(self.name), "Exposure", "name", "a name", self.name)
        require(bool(self.band), self.name, "band", "the name of a band", self.band)
        good = np.isfinite(self.flux_scale) and self.flux_scale > 0
        require(bool(good), self.name, "flux_scale", "> 0", self.flux_scale)
        require(bool(np.isfinite(self.level)), self.name, "level", "finite", self.level)
        require(self.max_snr > 0, self.name, "max_snr", "> 0", self.max_snr)
        require(self.background in BACKGROUNDS, self.name, "background", "0, 1 or 3", self.background)
        object.__setattr__(self, "_projection", SkyToPixels.of(self.wcs, self.shape, self.name))

    def __repr__(self) -> str:
        height, width = self.shape
        return f"{type(self).__name__}({self.name!r}, band={self.band!r}, {height} x {width})"

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Height and width [px]."""

    @abstractmethod
    def block(self, rows: slice, columns: slice) -> tuple[Numbers, Numbers]:
        """Data and weight of some rows and columns within the image, as they are kept: no level taken off, no cap."""

    def capped(self: Seen, max_snr: float) -> Seen:
        """The same exposure with a cap on the signal to noise of its pixels.

        Raises
        ------
        DomainError
            If it is not positive.
        """
        return replace(self, max_snr=float(max_snr))

    def with_level(self: Seen, level: float) -> Seen:
        """The same exposure with a background that is known [data unit].

        Raises
        ------
        DomainError
            If it is not finite.
        """
        return replace(self, level=float(level))

    def with_psf(self: Seen, psf: Any) -> Seen:
        """The same exposure with another PSF."""
        return replace(self, psf=psf)

    def tiles(self, x: tuple[float, float], y: tuple[float, float]) -> Tiles:
        """The tiles that a range of pixel positions touches; without those in which no pixel counts.

        Parameters
        ----------
        x, y : (float, float)
            Least and greatest position [px].
        """
        height, width = self.shape
        columns, rows = _touched(x, width), _touched(y, height)
        if not columns or not rows:
            nothing = np.empty((0, TILE * TILE))
            return Tiles(np.empty(0, np.int32), np.empty(0, np.int32), nothing, nothing.copy())
        right, top = min(columns.stop * TILE, width), min(rows.stop * TILE, height)
        data, weight = self.block(slice(rows.start * TILE, top), slice(columns.start * TILE, right))
        data, weight = np.asarray(data, np.float64), np.asarray(weight, np.float64)
        data = np.where(weight > 0.0, data - self.level, 0.0)
        weight = _capped(data, weight, self.max_snr)
        data, weight = (_cut(each, len(rows), len(columns)) for each in (data, weight))
        first_y, first_x = (each.ravel() * TILE for each in np.meshgrid(rows, columns, indexing="ij"))
        used = (weight > 0.0).any(axis=1)
        return Tiles(first_x[used].astype(np.int32), first_y[used].astype(np.int32), data[used], weight[used])

    def linearized(self, ra: ArrayLike, dec: ArrayLike) -> tuple[Numbers, Numbers]:
        """Where positions of the sky fall, and the WCS there as a matrix; distortions are part of both.

        Parameters
        ----------
        ra, dec : float or array (...)
            Position [deg]; x and y [px] of an exposure without WCS.

        Returns
        -------
        position : array (..., 2)
            x and y [px]; NaN where the sky does not fall on the plane of the image.
        jacobian : array (..., 2, 2)
            d(x, y) / d(east, north) [px / arcsec]; the unit matrix without WCS.
        """
        projection: SkyToPixels = self._projection  # type: ignore[attr-defined]
        return projection(ra, dec)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Exposure(PixelSource):
    """An exposure in memory.

    Attributes
    ----------
    data : array (height, width)
        The image; 0 where it does not count.
    weight : array (height, width)
        Inverse variance of each pixel; 0 where it does not count.
    left_out : mapping of str to int
        Pixels that do not count, by reason.

    Raises
    ------
    ShapeError
        If the weight has another shape.
    DomainError
        As of a `PixelSource`; if a weight is negative or not finite, data are not finite where they count, or no pixel counts.
    """

    data: Any
    weight: Any
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        data, weight = np.asarray(self.data), np.asarray(self.weight)
        if data.ndim != 2 or weight.shape != data.shape:
            raise ShapeError(
                f"{self.name}: weight must have the shape of data (height, width), got {weight.shape} and {data.shape}"
            )
        good = bool(np.isfinite(weight).all() and (weight >= 0.0).all())
        require(good, self.name, "weight", "finite and >= 0", float(weight.min()))
        finite = bool(np.isfinite(data[weight > 0.0]).all())
        require(finite, self.name, "data", "finite where weight is not 0", "NaN or inf")
        require(bool((weight > 0.0).any()), self.name, "pixels", "some that count", dict(self.left_out))
        object.__setattr__(self, "data", np.where(weight > 0.0, data, 0.0))
        super().__post_init__()

    @property
    def shape(self) -> tuple[int, int]:
        height, width = np.shape(self.data)
        return height, width

    def block(self, rows: slice, columns: slice) -> tuple[Numbers, Numbers]:
        return self.data[rows, columns], self.weight[rows, columns]

    @classmethod
    def from_fits(cls, path: str | PathLike[str], **options: Any) -> Exposure:
        """An exposure of a FITS file: `getframes.fit.read_exposure`, with its options and errors."""
        from getframes.fit.exposure_file import read_exposure

        return read_exposure(path, **options)

    @classmethod
    def from_frame(cls, frame: Any, **known: Any) -> Exposure:
        """An exposure of a reduced frame of getframes or a CCDData, with its uncertainty, mask, unit and WCS.

        Parameters
        ----------
        frame : ReducedFrame or CCDData
            The image.
        known
            name, band, and the other attributes of a `PixelSource`; they go before what the frame says.

        Raises
        ------
        ShapeError, DomainError
            As `of`; if the frame has no uncertainty.
        """
        require(
            getattr(frame, "uncertainty", None) is not None,
            "Exposure",
            "frame",
            "one with an uncertainty",
            frame,
        )
        if not hasattr(frame, "wcs"):  # a frame of getframes, with an uncertainty that is an array
            from getframes.io.fits import to_ccddata

            told, sigma = to_ccddata(frame), np.asarray(frame.uncertainty)
        else:
            told, sigma = frame, _standard_deviation(frame.uncertainty)
        given = {"wcs": told.wcs, "unit": str(told.unit or "").replace(" ", "")} | known
        return cls.of(frame.data, sigma, mask=frame.mask, **given)

    @classmethod
    def of(
        cls,
        data: ArrayLike,
        uncertainty: ArrayLike,
        *,
        error: str = "sigma",
        mask: ArrayLike | None = None,
        **known: Any,
    ) -> Exposure:
        """An exposure of arrays.

        Parameters
        ----------
        data : array (height, width)
            The image.
        uncertainty : array (height, width)
            Of each pixel.
        error : {"sigma", "variance", "inverse"}
            What the uncertainty is: standard deviation, variance or inverse variance.
        mask : array of bool (height, width), optional
            True where a pixel is bad.
        known
            name, band, and the other attributes of a `PixelSource`.

        Raises
        ------
        ShapeError
            If the arrays differ in shape.
        DomainError
            As of an `Exposure`; if there is no such kind of error.
        """
        pixels, given = np.asarray(data), np.asarray(uncertainty)
        bad = np.zeros(pixels.shape, bool) if mask is None else np.asarray(mask, bool)
        for what, array in (("uncertainty", given), ("mask", bad)):
            if array.shape != pixels.shape:
                raise ShapeError(
                    f"{known.get('name', 'Exposure')}: {what} must have shape {pixels.shape}, got {array.shape}"
                )
        weight, unsure = weight_of(given, error)
        reasons = {"mask": bad, "not finite": ~np.isfinite(pixels), "uncertainty not positive": unsure}
        out, left_out = np.zeros(pixels.shape, bool), {}
        for reason, where in reasons.items():
            left_out[reason] = int(np.count_nonzero(where & ~out))
            out |= where
        weight[out] = 0.0
        return cls(data=pixels, weight=weight, left_out=left_out, **known)


def weight_of(uncertainty: NDArray[Any], error: str) -> tuple[Numbers, NDArray[np.bool_]]:
    """Inverse variance of an uncertainty, and where it is impossible: NaN, negative, or no error at all. An infinite error is weight 0.

    Raises
    ------
    DomainError
        If there is no such kind of error.
    """
    kinds = ("sigma", "variance", "inverse")
    require(error in kinds, "", "error", f"one of {', '.join(kinds)}", error)
    given = np.asarray(uncertainty, np.float64)
    if error == "inverse":
        impossible = ~(given >= 0.0) | np.isinf(given)
        return np.where(impossible, 0.0, given), impossible
    impossible = ~(given > 0.0)
    variance = np.where(impossible, 1.0, given if error == "variance" else given * given)
    with np.errstate(divide="ignore", over="ignore"):
        weight = np.where(impossible, 0.0, 1.0 / variance)
    return np.where(np.isfinite(weight), weight, 0.0), impossible | ~np.isfinite(weight)


def _standard_deviation(uncertainty: Any) -> NDArray[Any]:
    """Of an astropy uncertainty of any kind."""
    from astropy.nddata import StdDevUncertainty

    return np.asarray(uncertainty.represent_as(StdDevUncertainty).array)


def _touched(between: tuple[float, float], size: int) -> range:
    """Numbers of the tiles that pixels between two positions lie in."""
    low, high = max(round(between[0]), 0), min(round(between[1]), size - 1)
    return range(low // TILE, high // TILE + 1) if low <= high else range(0)


def _cut(pixels: Numbers, rows: int, columns: int) -> Numbers:
    """Tiles (rows * columns, 64) of a block, with zeros beyond its end."""
    height, width = pixels.shape
    full = np.zeros((rows * TILE, columns * TILE))
    full[:height, :width] = pixels
    tiles: Numbers = full.reshape(rows, TILE, columns, TILE).swapaxes(1, 2).reshape(-1, TILE * TILE)
    return tiles


def _capped(data: Numbers, weight: Numbers, max_snr: float) -> Numbers:
    """Weights with which no pixel has more signal to noise than that."""
    if not np.isfinite(max_snr):
        return weight
    with np.errstate(divide="ignore"):
        return np.asarray(np.minimum(weight, (max_snr / data) ** 2))
