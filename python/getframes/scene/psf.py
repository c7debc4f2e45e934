"""Point spread functions: how the light of a star falls on pixels.

Every PSF deposits `flux` times the fraction of itself that falls in each pixel: integrated over the pixel,
never negative, with unit total over the plane. Light beyond the edge of the image, and beyond the reach of
the PSF (`truncation_radius_arcsec`, `lost_flux`), is lost and never put back.

A parameter may be a `FieldPolynomial` of position: it is then evaluated for every source. Not modelled: a PSF that
depends on brightness or colour.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import deposit
from getframes.errors import DomainError, ShapeError, require
from getframes.quantity import plain
from getframes.scene.field import FieldPolynomial, parameter_at
from getframes.scene.optics import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Self

    Column = NDArray[np.float64]

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
ARCSEC_PER_RADIAN = 180.0 * 3600.0 / math.pi


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


class NativePSF(PSF):
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
        return replace(self, **there)  # type: ignore[type-var]

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
        x, y, flux = checked_stars(self, xs, ys, fluxes)
        scale = _plate_scale(self, plate_scale_arcsec_per_pixel)
        with native_pixels(image) as pixels:
            _require_representable(self, flux, pixels.dtype)
            if self.varies:
                self._deposit_varying(pixels, x, y, flux, scale)
            else:
                self._profile(scale).deposit(pixels, x, y, flux)

    def _deposit_varying(
        self, pixels: NDArray[Any], x: Column, y: Column, flux: Column, scale: float
    ) -> None:
        mixture = self.mixture(scale, x, y)
        assert mixture is not None  # a PSF without one draws its own way
        deposit_stars(mixture, pixels, x, y, flux)

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


@dataclass(frozen=True)
class GaussianPSF(NativePSF):
    """A round Gaussian: seeing with good guiding, integrated over pixels exactly (error functions).

    Attributes
    ----------
    fwhm_arcsec : float or FieldPolynomial
        Full width at half maximum [arcsec].

    Notes
    -----
    Drawn to 5 standard deviations or a little more; the light beyond is less than 1.2e-6.
    """

    fwhm_arcsec: float | FieldPolynomial

    def __post_init__(self) -> None:
        _require_positive(self, "fwhm_arcsec", "arcsec")

    def _profile(self, plate_scale: float) -> deposit.Profile:
        return _gaussian(fixed(self.fwhm_arcsec) / FWHM_PER_SIGMA / plate_scale)

    def mixture(self, plate_scale: float, x: Column, y: Column) -> deposit.Mixture | None:
        """One Gaussian."""
        sigma = _positive_at(self, "fwhm_arcsec", x, y) / (FWHM_PER_SIGMA * plate_scale)
        return deposit.Mixture.gaussian(sigma, sigma, np.zeros(1))


@dataclass(frozen=True)
class EllipticalGaussianPSF(NativePSF):
    """A Gaussian with two widths: poor guiding, wind shake, astigmatism.

    Attributes
    ----------
    fwhm_major_arcsec, fwhm_minor_arcsec : float or FieldPolynomial
        Full widths at half maximum along the two axes [arcsec]; either may be the longer one.
    position_angle_deg : float or FieldPolynomial
        Angle of the first axis, from +x towards +y [deg].
    """

    fwhm_major_arcsec: float | FieldPolynomial
    fwhm_minor_arcsec: float | FieldPolynomial
    position_angle_deg: float | FieldPolynomial = 0.0

    def __post_init__(self) -> None:
        _require_positive(self, "fwhm_major_arcsec", "arcsec")
        _require_positive(self, "fwhm_minor_arcsec", "arcsec")
        _parameter(self, "position_angle_deg", "deg")

    def _profile(self, plate_scale: float) -> deposit.Profile:
        unit = FWHM_PER_SIGMA * plate_scale
        return _elliptical(
            fixed(self.fwhm_major_arcsec) / unit,
            fixed(self.fwhm_minor_arcsec) / unit,
            fixed(self.position_angle_deg),
        )

    def mixture(self, plate_scale: float, x: Column, y: Column) -> deposit.Mixture | None:
        """One Gaussian."""
        unit = FWHM_PER_SIGMA * plate_scale
        major, minor = (
            _positive_at(self, name, x, y) / unit for name in ("fwhm_major_arcsec", "fwhm_minor_arcsec")
        )
        return deposit.Mixture.gaussian(major, minor, parameter_at(self.position_angle_deg, x, y))


@dataclass(frozen=True)
class MoffatPSF(NativePSF):
    """Seeing with wings: f(r) ~ (1 + r^2 / alpha^2)^-beta (Moffat 1969, A&A 3, 455).

    Attributes
    ----------
    fwhm_arcsec : float or FieldPolynomial
        Full width at half maximum [arcsec].
    beta : float or FieldPolynomial
        Steepness of the wings, > 1. Kolmogorov turbulence is near 4.765 (Trujillo et al. 2001,
        doi:10.1046/j.1365-8711.2001.04937.x).
    """

    fwhm_arcsec: float | FieldPolynomial
    beta: float | FieldPolynomial = 3.0

    def __post_init__(self) -> None:
        _require_positive(self, "fwhm_arcsec", "arcsec")
        beta = _parameter(self, "beta", "")
        require(beta is None or beta > 1.0, self, "beta", "> 1", beta)

    def _profile(self, plate_scale: float) -> deposit.Profile:
        return _moffat(fixed(self.fwhm_arcsec) / plate_scale, fixed(self.beta))

    def mixture(self, plate_scale: float, x: Column, y: Column) -> deposit.Mixture | None:
        """About a dozen Gaussians, right to 2e-4 of the peak."""
        beta = _above_at(self, "beta", 1.0, x, y)
        return deposit.Mixture.moffat(_positive_at(self, "fwhm_arcsec", x, y) / plate_scale, beta)


@dataclass(frozen=True)
class AiryPSF(NativePSF):
    """Diffraction by a circular aperture, at one wavelength.

    Attributes
    ----------
    aperture_diameter_m : float or FieldPolynomial
        Diameter of the aperture [m].
    wavelength_m : float or FieldPolynomial
        Wavelength [m].
    obstruction : float or FieldPolynomial
        Diameter of the central obstruction, as a fraction of the aperture, in [0, 1).

    Notes
    -----
    f(v) ~ (2 J1(v) / v - e^2 2 J1(e v) / (e v))^2, v = pi D theta / lambda. Not modelled: spiders, a band
    of finite width, aberrations. Source: Born and Wolf, Principles of Optics, 8.5 and 8.6.

    Where a parameter changes over the field, patterns are drawn at steps of about 1 % of lambda / D and 0.01 of the
    obstruction, and blended linearly between them: right to 3e-4 of the peak for an
    obstruction below 0.6.
    """

    aperture_diameter_m: float | FieldPolynomial
    wavelength_m: float | FieldPolynomial
    obstruction: float | FieldPolynomial = 0.0

    def __post_init__(self) -> None:
        _require_positive(self, "aperture_diameter_m", "m")
        _require_positive(self, "wavelength_m", "m")
        obstruction = _parameter(self, "obstruction", "")
        if obstruction is not None:
            require(0.0 <= obstruction < 1.0, self, "obstruction", "in [0, 1)", obstruction)

    def _profile(self, plate_scale: float) -> deposit.Profile:
        resolution = fixed(self.wavelength_m) / fixed(self.aperture_diameter_m) * ARCSEC_PER_RADIAN
        return _airy(resolution / plate_scale, fixed(self.obstruction))

    def _deposit_varying(
        self, pixels: NDArray[Any], x: Column, y: Column, flux: Column, scale: float
    ) -> None:
        wavelength = _positive_at(self, "wavelength_m", x, y)
        aperture = _positive_at(self, "aperture_diameter_m", x, y)
        resolution = np.broadcast_to(wavelength / aperture * (ARCSEC_PER_RADIAN / scale), x.shape)
        obstruction = np.broadcast_to(_below_one_at(self, "obstruction", x, y), x.shape)
        # lambda / D between neighbours of 7 bits, obstruction between hundredths: exact in binary, alike for all stars.
        mantissa, exponent = np.frexp(resolution)
        width, width_part = _between(mantissa * 128.0)
        hole, hole_part = _between(obstruction * 100.0)
        hole = np.minimum(hole, 98)
        hole_part = np.minimum(obstruction * 100.0 - hole, 1.0)
        patterns = np.stack([exponent, width, hole])
        for key in np.unique(patterns, axis=1).T.tolist():
            here = (patterns == np.array(key)[:, None]).all(axis=0)
            self._deposit_blend(
                pixels, (x[here], y[here], flux[here]), key, (width_part[here], hole_part[here])
            )

    def _deposit_blend(
        self,
        pixels: NDArray[Any],
        stars: tuple[Column, Column, Column],
        key: list[int],
        parts: tuple[Column, Column],
    ) -> None:
        exponent, width, hole = key
        x, y, flux = stars
        for more_width, of_width in enumerate((1.0 - parts[0], parts[0])):
            for more_hole, of_hole in enumerate((1.0 - parts[1], parts[1])):
                light = np.ascontiguousarray(flux * of_width * of_hole)
                if light.any():
                    resolution = math.ldexp((width + more_width) / 128.0, exponent)
                    _airy(resolution, (hole + more_hole) / 100.0).deposit(
                        pixels, np.ascontiguousarray(x), np.ascontiguousarray(y), light
                    )


@dataclass(frozen=True, eq=False)
class ArrayPSF(NativePSF):
    """A measured or computed PSF, one value per detector pixel, whatever the plate scale.

    Attributes
    ----------
    kernel : ndarray, shape (m, n)
        Fraction of the light per pixel, >= 0; scaled to a sum of 1. The star is at the middle,
        ((n - 1) / 2, (m - 1) / 2).

    Notes
    -----
    Light is taken to be spread evenly over each pixel of the kernel, so that a shift by a fraction of a
    pixel is the exact overlap of squares (bilinear). Structure inside a pixel is not modelled.
    """

    kernel: NDArray[np.float64]

    def __post_init__(self) -> None:
        kernel = np.array(self.kernel, dtype=np.float64, order="C")
        if kernel.ndim != 2 or kernel.size == 0:
            raise ShapeError(
                f"ArrayPSF.kernel must be two-dimensional and not empty, got shape {kernel.shape}"
            )
        require(bool(np.isfinite(kernel).all()), self, "kernel", "finite", "NaN or infinity")
        require(bool((kernel >= 0.0).all()), self, "kernel", ">= 0", float(kernel.min()))
        total = float(kernel.sum())
        require(0.0 < total < math.inf, self, "kernel", "of positive sum", total)
        if abs(total - 1.0) > 1e-15 * kernel.size:  # what has been scaled once keeps its bits
            kernel /= total
        kernel.flags.writeable = False
        object.__setattr__(self, "kernel", kernel)
        object.__setattr__(self, "_native", deposit.Profile.array(kernel))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrayPSF) and np.array_equal(self.kernel, other.kernel)

    def __hash__(self) -> int:
        return hash((self.kernel.shape, self.kernel.tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def _profile(self, plate_scale: float) -> deposit.Profile:
        native: deposit.Profile = self._native  # type: ignore[attr-defined]
        return native


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


@lru_cache(maxsize=16)
def _gaussian(sigma_px: float) -> deposit.Profile:
    return deposit.Profile.gaussian(sigma_px)


@lru_cache(maxsize=16)
def _elliptical(sigma_major_px: float, sigma_minor_px: float, angle_deg: float) -> deposit.Profile:
    return deposit.Profile.elliptical(sigma_major_px, sigma_minor_px, angle_deg)


@lru_cache(maxsize=16)
def _moffat(fwhm_px: float, beta: float) -> deposit.Profile:
    return deposit.Profile.moffat(fwhm_px, beta)


@lru_cache(maxsize=128)
def _airy(resolution_px: float, obstruction: float) -> deposit.Profile:
    return deposit.Profile.airy(resolution_px, obstruction)


def deposit_stars(
    mixture: deposit.Mixture,
    pixels: NDArray[Any],
    x: Column,
    y: Column,
    flux: Column,
    variance_px2: float = 0.0,
) -> None:
    """Add stars behind a mixture, widened by a variance, to a contiguous image."""
    none, one = np.zeros(x.size), np.ones(x.size)
    mixture.deposit(pixels, x, y, flux, none, one, one, none, variance_px2=variance_px2)


def fixed(value: float | FieldPolynomial) -> float:
    """A parameter that is known to be a number."""
    assert not isinstance(value, FieldPolynomial)
    return value


def _parameter(owner: Any, field: str, unit: str) -> float | None:
    """A plain number put in the place of the field, or None for a polynomial."""
    return None if isinstance(getattr(owner, field), FieldPolynomial) else number(owner, field, unit)


def _require_positive(owner: Any, field: str, unit: str) -> None:
    value = _parameter(owner, field, unit)
    require(value is None or value > 0.0, owner, field, f"> 0 {unit}", value)


def _above_at(owner: Any, field: str, bound: float, x: Column, y: Column) -> Column:
    values = parameter_at(getattr(owner, field), x, y)
    _require_places((values > bound) & np.isfinite(values), owner, field, f"> {bound:g}", values, x, y)
    return values


def _positive_at(owner: Any, field: str, x: Column, y: Column) -> Column:
    return _above_at(owner, field, 0.0, x, y)


def _below_one_at(owner: Any, field: str, x: Column, y: Column) -> Column:
    values = parameter_at(getattr(owner, field), x, y)
    _require_places((values >= 0.0) & (values < 1.0), owner, field, "in [0, 1)", values, x, y)
    return values


def _require_places(
    holds: NDArray[np.bool_], owner: Any, field: str, rule: str, values: Column, x: Column, y: Column
) -> None:
    """A rule for the parameter of every source; names the first place."""
    if not holds.all():
        first = int(np.argmin(holds))
        require(False, owner, f"{field} at ({x[first]}, {y[first]})", rule, float(values[first]))


def _between(position: Column) -> tuple[NDArray[np.int64], Column]:
    """The step below, and the way to the next in [0, 1)."""
    below = np.floor(position)
    return below.astype(np.int64), position - below


def _plate_scale(owner: Any, value: Any) -> float:
    scale = float(plain(value, "arcsec/px", owner, "plate_scale_arcsec_per_pixel"))
    require(0.0 < scale < math.inf, owner, "plate_scale_arcsec_per_pixel", "> 0 arcsec/pixel", scale)
    return scale


def checked_stars(owner: Any, xs: ArrayLike, ys: ArrayLike, fluxes: ArrayLike) -> tuple[Column, ...]:
    """Checked contiguous float64 arrays of one length."""
    columns = {"x": _column(owner, "x", "px", xs), "y": _column(owner, "y", "px", ys)}
    columns["flux"] = _column(owner, "flux", "photons/s", fluxes)
    sizes = [column.size for column in columns.values()]
    if len(set(sizes)) > 1:
        raise ShapeError(f"{type(owner).__name__}: x, y and flux must have one length, got {sizes}")
    for name, column in columns.items():
        _require_all(np.isfinite(column), owner, name, "finite", column)
    _require_all(columns["flux"] >= 0.0, owner, "flux", ">= 0", columns["flux"])
    return tuple(columns.values())


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
