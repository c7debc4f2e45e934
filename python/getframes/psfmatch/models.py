"""PSF models: the PSF of an image at any place, as a stamp of pixels.

A stamp is square with an odd side, its middle pixel is the position of the star, its pixels hold the fraction of the light that falls into them, and their
sum is 1. What lies beyond the stamp is not modelled.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, ShapeError, require, require_count

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Stamp = NDArray[np.float64]

_QUADRATURE = np.polynomial.legendre.leggauss(5)


class PSFModel(ABC):
    """The PSF of an image."""

    @abstractmethod
    def stamp(self, x: float, y: float, side: int | None = None) -> Stamp:
        """The PSF at a position.

        Parameters
        ----------
        x, y : float
            Position [px].
        side : int, optional
            Side of the stamp, odd [px]; that of the model when left out. A model of pixels can only be cut or have zeros around it.

        Returns
        -------
        array (side, side)
            Of sum 1.

        Raises
        ------
        DomainError
            If the side is no positive odd integer, or the PSF there has a pixel that is not finite or no positive sum.
        """

    @property
    @abstractmethod
    def side(self) -> int:
        """Side of a stamp [px]."""

    @property
    def resizes(self) -> bool:
        """Whether a stamp of another side is the model again, and not zeros around its pixels."""
        return True

    @property
    def varies(self) -> bool:
        """Whether the PSF depends on the position."""
        return True


class PixelPSF(PSFModel):
    """Stamps on a grid of positions, with linear interpolation between them.

    Parameters
    ----------
    stamps : array (side, side) or (n_y, n_x, side, side)
        One stamp for the whole image, or one for each position. They are divided by their sums.
    x, y : array (n_x,), (n_y,), optional
        Positions, ascending [px].
    outside : {"raise", "nearest"}
        What a position beyond the grid gives: an error, or the stamp of the nearest position of the grid.

    Raises
    ------
    ShapeError
        If stamps are not square with an odd side, or do not match the positions.
    DomainError
        If a stamp has a pixel that is not finite or no positive sum, positions do not ascend, or `outside` is unknown.
    """

    def __init__(
        self,
        stamps: ArrayLike,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        outside: str = "raise",
    ) -> None:
        require(outside in ("raise", "nearest"), self, "outside", "'raise' or 'nearest'", outside)
        grid = np.asarray(stamps, np.float64)
        grid = grid[None, None] if grid.ndim == 2 else grid
        if grid.ndim != 4 or grid.shape[2] != grid.shape[3] or grid.shape[2] % 2 == 0 or 0 in grid.shape:
            rule = "(side, side) or (n_y, n_x, side, side) with an odd side"
            raise ShapeError(f"PixelPSF.stamps must have shape {rule}, got {np.shape(stamps)}")
        self.x, self.y = (
            _positions(given, name, count)
            for given, name, count in ((x, "x", grid.shape[1]), (y, "y", grid.shape[0]))
        )
        self.stamps = np.array([[normalized(stamp) for stamp in row] for row in grid])
        self.stamps.flags.writeable = False
        self.outside = outside

    @property
    def side(self) -> int:
        return int(self.stamps.shape[2])

    @property
    def resizes(self) -> bool:
        return False

    @property
    def varies(self) -> bool:
        return self.stamps.shape[:2] != (1, 1)

    def stamp(self, x: float, y: float, side: int | None = None) -> Stamp:
        column, row = self._place(x, self.x, "x"), self._place(y, self.y, "y")
        stamp = np.zeros((self.side, self.side))
        for j, v in row:
            for i, u in column:
                stamp += u * v * self.stamps[j, i]
        return resized(stamp, side)

    def _place(self, at: float, positions: NDArray[np.float64], name: str) -> list[tuple[int, float]]:
        """Positions about a place, and how much each counts."""
        if positions.size == 1:
            return [(0, 1.0)]
        first, last = float(positions[0]), float(positions[-1])
        if self.outside == "raise":
            rule = (
                f"on the grid of the PSF, in [{first:g}, {last:g}] px (outside='nearest' takes the nearest)"
            )
            require(first <= at <= last, self, name, rule, at)
        at = min(max(at, first), last)
        right = min(max(int(np.searchsorted(positions, at)), 1), positions.size - 1)
        u = (at - positions[right - 1]) / (positions[right] - positions[right - 1])
        return [(right - 1, 1.0 - u), (right, u)]

    def __repr__(self) -> str:
        rows, columns = self.stamps.shape[:2]
        return f"PixelPSF({columns} x {rows} positions, side={self.side})"


class MixturePSF(PSFModel):
    """A sum of Gaussians, integrated over pixels.

    Parameters
    ----------
    weights : sequence of float
        Share of each component; they are divided by their sum, and may be negative.
    sigma_px : sequence of float
        Standard deviation of each, along its longer axis [px].
    axis_ratio : sequence of float, optional
        Shorter over longer axis of each, in (0, 1]; 1 when left out.
    angle_deg : sequence of float, optional
        Angle of the longer axis, from x to y [deg].
    side : int, optional
        Side of a stamp [px]; six standard deviations of the widest to either side when left out.

    Raises
    ------
    DomainError
        If the sum of the weights is not positive, a width is not positive, or an axis ratio not in (0, 1].
    ShapeError
        If the sequences differ in length.
    """

    def __init__(
        self,
        weights: ArrayLike,
        sigma_px: ArrayLike,
        *,
        axis_ratio: ArrayLike | None = None,
        angle_deg: ArrayLike | None = None,
        side: int | None = None,
    ) -> None:
        self.weights, self.sigma_px = (
            np.atleast_1d(np.asarray(weights, float)),
            np.atleast_1d(np.asarray(sigma_px, float)),
        )
        count = self.weights.shape
        self.axis_ratio = (
            np.ones(count) if axis_ratio is None else np.atleast_1d(np.asarray(axis_ratio, float))
        )
        self.angle_deg = np.zeros(count) if angle_deg is None else np.atleast_1d(np.asarray(angle_deg, float))
        for name in ("sigma_px", "axis_ratio", "angle_deg"):
            if getattr(self, name).shape != count:
                raise ShapeError(
                    f"MixturePSF.{name} must have shape {count}, got {getattr(self, name).shape}"
                )
        total = float(self.weights.sum())
        require(0 < total < np.inf, self, "weights", "finite, of positive sum", total)
        good = np.isfinite(self.sigma_px) & (self.sigma_px > 0)
        require(bool(good.all()), self, "sigma_px", "> 0 px", self.sigma_px[~good][:1].tolist())
        good = (self.axis_ratio > 0) & (self.axis_ratio <= 1)
        require(bool(good.all()), self, "axis_ratio", "in (0, 1]", self.axis_ratio[~good][:1].tolist())
        require(bool(np.isfinite(self.angle_deg).all()), self, "angle_deg", "finite", self.angle_deg.tolist())
        self.weights = self.weights / total
        wide = 2 * int(np.ceil(6.0 * float(self.sigma_px.max()))) + 1
        self._side = wide if side is None else odd(side, self)

    @property
    def side(self) -> int:
        return self._side

    @property
    def varies(self) -> bool:
        return False

    def stamp(self, x: float, y: float, side: int | None = None) -> Stamp:
        side = self.side if side is None else odd(side, self)
        stamp = np.zeros((side, side))
        components = zip(
            self.weights, self.sigma_px, self.axis_ratio, np.deg2rad(self.angle_deg), strict=True
        )
        for weight, sigma, ratio, angle in components:
            stamp += weight * _gaussian(side, sigma, ratio, angle)
        return normalized(stamp)

    def __repr__(self) -> str:
        return f"MixturePSF({self.weights.size} components, side={self.side})"


class FunctionPSF(PSFModel):
    """A PSF that a function gives.

    Parameters
    ----------
    function : callable
        ``function(x, y)`` or, where it `resizes`, ``function(x, y, side)``: the stamp at a position, with an odd side. It is divided by its sum.
    side : int
        Side of the stamps [px].
    resizes : bool
        Whether the function takes a side.
    """

    def __init__(self, function: Callable[..., ArrayLike], side: int, *, resizes: bool = False) -> None:
        if not callable(function):
            raise TypeError(f"function must be callable, got {type(function).__name__}")
        self.function, self._side, self._resizes = function, odd(side, self), bool(resizes)

    @property
    def side(self) -> int:
        return self._side

    @property
    def resizes(self) -> bool:
        return self._resizes

    def stamp(self, x: float, y: float, side: int | None = None) -> Stamp:
        if self._resizes:
            side = self._side if side is None else odd(side, self)
            return _square(self.function(x, y, side), side, f"FunctionPSF at ({x:g}, {y:g})")
        stamp = _square(self.function(x, y), self._side, f"FunctionPSF at ({x:g}, {y:g})")
        return resized(stamp, side)

    def __repr__(self) -> str:
        return f"FunctionPSF({getattr(self.function, '__name__', 'function')}, side={self.side})"


class ScenePSF(PSFModel):
    """A PSF of the simulator (`getframes.GaussianPSF`, `MoffatPSF`, `AiryPSF`, ... or one's own), on the pixels of an image.

    Parameters
    ----------
    psf : PSF
        Draws a star with ``add_source(image, x, y, flux, plate_scale)``; one that varies over the field has ``at(x, y)``.
    plate_scale_arcsec_per_pixel : float
        [arcsec / px].
    side : int
        Side of the stamps [px].
    """

    def __init__(self, psf: Any, plate_scale_arcsec_per_pixel: float = 1.0, *, side: int = 41) -> None:
        if not callable(getattr(psf, "add_source", None)):
            raise TypeError(f"psf must have add_source(), got {type(psf).__name__}")
        scale = float(plate_scale_arcsec_per_pixel)
        require(0 < scale < np.inf, self, "plate_scale_arcsec_per_pixel", "> 0 arcsec/px", scale)
        self.psf, self.plate_scale_arcsec_per_pixel, self._side = psf, scale, odd(side, self)

    @property
    def side(self) -> int:
        return self._side

    @property
    def varies(self) -> bool:
        return bool(getattr(self.psf, "varies", False))

    def stamp(self, x: float, y: float, side: int | None = None) -> Stamp:
        side = self.side if side is None else odd(side, self)
        psf = self.psf.at(x, y) if self.varies else self.psf
        stamp = np.zeros((side, side))
        psf.add_source(stamp, side // 2, side // 2, 1.0, self.plate_scale_arcsec_per_pixel)
        return normalized(stamp)

    def __repr__(self) -> str:
        return f"ScenePSF({self.psf!r}, side={self.side})"


class ResizedPSF(PSFModel):
    """A model whose stamps have another side.

    Parameters
    ----------
    psf : PSFModel
        The model.
    side : int
        Side of its stamps [px].
    """

    def __init__(self, psf: PSFModel, side: int) -> None:
        self.psf, self._side = psf, odd(side, self)

    @property
    def side(self) -> int:
        return self._side

    @property
    def resizes(self) -> bool:
        return self.psf.resizes

    @property
    def varies(self) -> bool:
        return self.psf.varies

    def stamp(self, x: float, y: float, side: int | None = None) -> Stamp:
        return self.psf.stamp(x, y, self._side if side is None else side)

    def __repr__(self) -> str:
        return f"ResizedPSF({self.psf!r}, side={self._side})"


def _gaussian(side: int, sigma: float, ratio: float, angle: float) -> Stamp:
    """A Gaussian of flux 1 over pixels: five Gauss points a piece, in pieces no wider than the component."""
    points, shares = _QUADRATURE
    pieces = max(1, int(np.ceil(1.0 / (sigma * ratio))))
    starts = (np.arange(side * pieces) + 0.5) / pieces - 0.5 * side
    u = (starts[:, None] + 0.5 * points / pieces).ravel()
    shares = np.tile(0.5 * shares / pieces, pieces)
    if ratio == 1.0:
        row = np.exp(-0.5 * (u / sigma) ** 2).reshape(side, -1) @ shares / (np.sqrt(2 * np.pi) * sigma)
        return np.outer(row, row)
    cos, sin = np.cos(angle), np.sin(angle)
    along, across = cos * u[None, :] + sin * u[:, None], cos * u[:, None] - sin * u[None, :]
    value = np.exp(-0.5 * ((along / sigma) ** 2 + (across / (sigma * ratio)) ** 2))
    value = value.reshape(side, shares.size, side, shares.size)
    return np.asarray(np.einsum("jaib,a,b->ji", value, shares, shares, optimize=True)) / (
        2 * np.pi * sigma**2 * ratio
    )


def psf_model(psf: Any, *, plate_scale_arcsec_per_pixel: float = 1.0, side: int | None = None) -> PSFModel:
    """A PSF model of whatever a PSF is given as.

    Parameters
    ----------
    psf : PSFModel, array (side, side), callable (x, y) -> array, or PSF of the simulator
        What it is given as.
    plate_scale_arcsec_per_pixel : float
        For a PSF of the simulator [arcsec / px].
    side : int, optional
        Side of the stamps of a PSF of the simulator, 41 px when left out; the function says its own.

    Raises
    ------
    TypeError
        If it is none of these.
    ShapeError, DomainError
        As the models.
    """
    if isinstance(psf, PSFModel):
        return psf
    if hasattr(psf, "add_source"):
        return ScenePSF(psf, plate_scale_arcsec_per_pixel, side=41 if side is None else side)
    if callable(psf):
        return FunctionPSF(psf, np.shape(psf(0.0, 0.0))[0] if side is None else side)
    if isinstance(psf, np.ndarray | Sequence) and not isinstance(psf, str):
        return PixelPSF(psf)
    raise TypeError(
        f"psf must be a PSF model, an array, a callable or a PSF of a scene, got {type(psf).__name__}"
    )


def normalized(stamp: Stamp) -> Stamp:
    """A stamp of sum 1.

    Raises
    ------
    DomainError
        If a pixel is not finite, or the sum is not positive.
    """
    if not np.isfinite(stamp).all():
        y, x = np.argwhere(~np.isfinite(stamp))[0]
        raise DomainError(f"a PSF stamp must be finite, got {stamp[y, x]} at (y, x) = ({y}, {x})")
    total = float(stamp.sum())
    require(total > 0, "", "the sum of a PSF stamp", "> 0", total)
    return np.asarray(stamp / total)


def resized(stamp: Stamp, side: int | None) -> Stamp:
    """A stamp with zeros around it, or cut and of sum 1 again."""
    if side is None or side == stamp.shape[0]:
        return normalized(stamp)
    difference = (odd(side, "stamp") - stamp.shape[0]) // 2
    if difference > 0:
        return np.pad(normalized(stamp), difference)
    return normalized(stamp[-difference:difference, -difference:difference])


def odd(side: Any, owner: Any) -> int:
    """A side that has a middle pixel."""
    pixels = require_count(side, owner, "side")
    require(pixels % 2 == 1, owner, "side", "odd", pixels)
    return pixels


def _square(stamp: ArrayLike, side: int, name: str) -> Stamp:
    array = np.asarray(stamp, np.float64)
    if array.shape != (side, side):
        raise ShapeError(f"{name} must have shape {(side, side)}, got {array.shape}")
    return normalized(array)


def _positions(given: ArrayLike | None, name: str, count: int) -> NDArray[np.float64]:
    if given is None and count == 1:
        return np.zeros(1)
    positions = np.atleast_1d(np.asarray(given, np.float64)) if given is not None else np.empty(0)
    if positions.shape != (count,):
        raise ShapeError(f"PixelPSF.{name} must have shape {(count,)}, got {positions.shape}")
    ascends = bool(np.isfinite(positions).all() and (np.diff(positions) > 0).all())
    require(ascends, "PixelPSF", name, "finite and ascending", positions.tolist())
    return positions
