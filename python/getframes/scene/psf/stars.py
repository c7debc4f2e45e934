"""What every PSF does: it adds stars to images."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import deposit
from getframes.errors import DomainError, ShapeError, require
from getframes.quantity import plain
from getframes.scene.field import FieldPolynomial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Self

    Column = NDArray[np.float64]
    Stars = tuple[Column, Column, Column]


class PSF(ABC):
    """A point spread function. One's own needs `add_source` only."""

    @abstractmethod
    def add_source(
        self,
        image: NDArray[np.float64],
        x: float,
        y: float,
        flux: float,
        plate_scale_arcsec_per_pixel: float,
    ) -> None:
        """Add one star to `image`, shape `(height, width)`, in place.

        Parameters
        ----------
        image : ndarray
            Photons / s / pixel, or anything else that `flux` is measured in, per pixel.
        x, y : float
            Position [pixel]; pixel centres are at integers. Off the image is fine.
        flux : float
            Total light of the star.
        plate_scale_arcsec_per_pixel : float
            [arcsec / pixel].
        """

    def add_sources(
        self,
        image: NDArray[np.float64],
        xs: NDArray[np.float64],
        ys: NDArray[np.float64],
        fluxes: NDArray[np.float64],
        plate_scale_arcsec_per_pixel: float,
    ) -> None:
        """Add many stars, in their order; the parameters are arrays of shape `(n,)`."""
        for x, y, flux in zip(*checked_stars(self, xs, ys, fluxes), strict=True):
            self.add_source(image, float(x), float(y), float(flux), plate_scale_arcsec_per_pixel)


def add_stars(
    psf: Any, image: NDArray[Any], xs: Column, ys: Column, fluxes: Column, plate_scale: float
) -> None:
    """Many stars behind any object that has `add_source`."""
    if hasattr(psf, "add_sources"):
        psf.add_sources(image, xs, ys, fluxes, plate_scale)
        return
    for x, y, flux in zip(xs.tolist(), ys.tolist(), fluxes.tolist(), strict=True):
        psf.add_source(image, x, y, flux, plate_scale)


class CatalogPSF(PSF):
    """A PSF that draws many stars at once."""

    def add_source(
        self,
        image: NDArray[np.float64],
        x: float,
        y: float,
        flux: float,
        plate_scale_arcsec_per_pixel: float,
    ) -> None:
        """Add one star to `image`, shape `(height, width)`, in place. See `PSF.add_source`."""
        self.add_sources(image, np.array([x]), np.array([y]), np.array([flux]), plate_scale_arcsec_per_pixel)

    def add_sources(
        self,
        image: NDArray[np.float64],
        xs: NDArray[np.float64],
        ys: NDArray[np.float64],
        fluxes: NDArray[np.float64],
        plate_scale_arcsec_per_pixel: float,
    ) -> None:
        """Add many stars, arrays of shape `(n,)`, in place: the bits of one at a time, with any threads.

        Raises
        ------
        DomainError
            When a position or flux is not finite, or a flux is negative; names the first.
        ShapeError
            When the arrays differ in length, or `image` is not two-dimensional.
        """
        stars = checked_stars(self._light, xs, ys, fluxes)
        self._draw(image, stars, _plate_scale(self._light, plate_scale_arcsec_per_pixel))

    @property
    def _light(self) -> PSF:
        """The PSF that errors name."""
        return self

    @abstractmethod
    def _draw(self, image: NDArray[Any], stars: Stars, scale: float) -> None:
        """Add checked stars (x, y, flux)."""


class NativePSF(CatalogPSF):
    """A PSF that the compiled kernels draw."""

    @abstractmethod
    def _profile(self, plate_scale: float) -> deposit.Profile:
        """The kernel at a plate scale [arcsec / pixel]."""

    def mixture(self, plate_scale: float, x: Column, y: Column) -> deposit.Mixture | None:
        """The PSF at positions [pixel] as a mixture of Gaussians; None where that would be a poor one."""
        return None

    @property
    def varies(self) -> bool:
        """Whether a parameter depends on position."""
        return any(isinstance(getattr(self, field.name), FieldPolynomial) for field in fields(self))  # type: ignore[arg-type]

    def at(self, x: float, y: float) -> Self:
        """The PSF of one place [pixel], with plain numbers for parameters.

        Raises
        ------
        DomainError
            When a parameter is impossible there.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        there = {
            name: float(value(x, y)) for name, value in values.items() if isinstance(value, FieldPolynomial)
        }
        try:
            return replace(self, **there)  # type: ignore[type-var]
        except DomainError as error:
            raise DomainError(f"{error}, at ({x:g}, {y:g})") from None

    def _draw(self, image: NDArray[Any], stars: Stars, scale: float) -> None:
        with native_pixels(image) as pixels:
            _require_representable(self, stars[2], pixels.dtype)
            if self.varies:
                self._deposit_varying(pixels, stars, scale)
            else:
                self._profile(scale).deposit(pixels, *stars)

    def _deposit_varying(self, pixels: NDArray[Any], stars: Stars, scale: float) -> None:
        mixture = self.mixture(scale, stars[0], stars[1])
        assert mixture is not None  # a PSF without one draws its own way
        deposit_stars(mixture, pixels, stars)

    def truncation_radius_arcsec(self, plate_scale_arcsec_per_pixel: float) -> float:
        """Distance from the star's pixel out to which light is drawn, along the longer axis [arcsec]."""
        scale = _plate_scale(self, plate_scale_arcsec_per_pixel)
        return max(self._fixed(scale).reach_px) * scale

    def lost_flux(self, plate_scale_arcsec_per_pixel: float) -> float:
        """Fraction of the light beyond that reach, which is not drawn, for a star centred on a pixel."""
        return self._fixed(_plate_scale(self, plate_scale_arcsec_per_pixel)).lost_flux

    def _fixed(self, scale: float) -> deposit.Profile:
        require(not self.varies, self, "parameters", "plain numbers here: take at(x, y)", "a FieldPolynomial")
        return self._profile(scale)


@contextmanager
def native_pixels(image: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """`image` as a contiguous float32 or float64 array: itself where it is one, else a copy written back."""
    if not isinstance(image, np.ndarray) or image.ndim != 2:
        raise ShapeError(f"image must be a two-dimensional array, got shape {np.shape(image)}")
    kept = (np.dtype(np.float32), np.dtype(np.float64))
    if image.dtype in kept and image.flags.c_contiguous and image.flags.aligned and image.flags.writeable:
        yield image
        return
    require(image.flags.writeable, "", "image", "writeable", "a read-only array")
    require(image.dtype.kind == "f", "", "image", "an array of real floating-point numbers", image.dtype)
    copy = np.array(image, dtype=np.float32 if image.dtype.itemsize <= 4 else np.float64, order="C")
    yield copy
    image[...] = copy


def deposit_stars(
    mixture: deposit.Mixture, pixels: NDArray[Any], stars: Stars, variance_px2: float = 0.0
) -> None:
    """Add stars behind a mixture, widened by a variance, to a contiguous image."""
    none, one = np.zeros(stars[0].size), np.ones(stars[0].size)
    mixture.deposit(pixels, (*stars, none, one, one, none), variance_px2=variance_px2)


def _plate_scale(owner: Any, value: Any) -> float:
    scale = float(plain(value, "arcsec/px", owner, "plate_scale_arcsec_per_pixel"))
    require(0.0 < scale < math.inf, owner, "plate_scale_arcsec_per_pixel", "> 0 arcsec/pixel", scale)
    return scale


def checked_stars(owner: Any, xs: ArrayLike, ys: ArrayLike, fluxes: ArrayLike) -> Stars:
    """Checked contiguous float64 arrays of one length."""
    columns = {"x": _column(owner, "x", "px", xs), "y": _column(owner, "y", "px", ys)}
    columns["flux"] = _column(owner, "flux", "photons/s", fluxes)
    sizes = [column.size for column in columns.values()]
    if len(set(sizes)) > 1:
        raise ShapeError(f"{type(owner).__name__}: x, y and flux must have one length, got {sizes}")
    for name, column in columns.items():
        _require_all(np.isfinite(column), owner, name, "finite", column)
    _require_all(columns["flux"] >= 0.0, owner, "flux", ">= 0", columns["flux"])
    return columns["x"], columns["y"], columns["flux"]


def _column(owner: Any, name: str, unit: str, values: ArrayLike) -> NDArray[np.float64]:
    try:
        column = np.ascontiguousarray(plain(values, unit, owner, name), dtype=np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, DomainError):
            raise
        raise DomainError(f"{type(owner).__name__}.{name} must be numbers, got {values!r:.80}") from None
    if column.ndim != 1:
        raise ShapeError(f"{type(owner).__name__}: {name} must be one-dimensional, got shape {column.shape}")
    return column


def _require_all(
    holds: NDArray[np.bool_], owner: Any, name: str, rule: str, values: NDArray[np.float64]
) -> None:
    if not holds.all():
        index = int(np.argmin(holds))
        require(False, owner, f"{name}[{index}]", rule, float(values[index]))


def _require_representable(owner: Any, flux: NDArray[np.float64], dtype: np.dtype[Any]) -> None:
    largest = float(np.finfo(dtype).max)
    _require_all(flux <= largest, owner, "flux", f"<= {largest:.3g} in a {dtype} image", flux)
