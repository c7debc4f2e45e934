"""Sources of light: stars and even illumination."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, require
from getframes.scene.light_curve import LightCurve, factor_at
from getframes.scene.optics import Telescope, number
from getframes.scene.psf import PSF
from getframes.scene.wcs import WCSInfo
from getframes.spectral import SED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.scene.catalog import Catalog, CatalogEntry
    from getframes.scene.extended import ExtendedSource

__all__ = [
    "Catalog",
    "CatalogEntry",
    "ExtendedSource",
    "LightCurve",
    "PointSource",
    "RenderContext",
    "Source",
    "UniformIllumination",
]


@dataclass(frozen=True)
class RenderContext:
    """What a source gets when its light is deposited.

    Attributes
    ----------
    optics : Telescope
        The telescope.
    psf : PSF
        The point spread function.
    wcs : WCSInfo or None
        Sky to pixels.
    time_s : float or None
        Time, for light curves [s].
    offset_xy : tuple of float
        Where the telescope points, as a shift of every source [pixel].
    qe_scale : callable
        SED (or None) to a factor: 1 in a map of photons, the effective QE in a map of electrons.
    pixel_transform : callable, optional
        Distortion of the field: (x, y) to (x, y), numbers or arrays [pixel].
    """

    optics: Telescope
    psf: PSF
    wcs: WCSInfo | None
    time_s: float | None
    offset_xy: tuple[float, float]
    qe_scale: Callable[[SED | None], float]
    pixel_transform: Callable[[Any, Any], tuple[Any, Any]] | None = None

    def place(self, x: Any, y: Any, ra_deg: Any, dec_deg: Any) -> tuple[Any, Any]:
        """Pixel position on the detector, from `x, y` [pixel] or, where those are None, RA and Dec [deg].

        Numbers or arrays; NaN for a position on the far half of the sky.

        Raises
        ------
        DomainError
            When neither is given, or RA and Dec without a WCS.
        """
        if x is None or y is None:
            x, y = self._from_sky(ra_deg, dec_deg)
        x, y = x + self.offset_xy[0], y + self.offset_xy[1]
        return (x, y) if self.pixel_transform is None else self.pixel_transform(x, y)

    def _from_sky(self, ra_deg: Any, dec_deg: Any) -> tuple[Any, Any]:
        if ra_deg is None or dec_deg is None:
            raise DomainError("a source must be placed by x and y, or by RA and Dec, got neither")
        if self.wcs is None:
            raise DomainError("Scene.wcs must be given for a source placed by RA and Dec, got None")
        return self.wcs.world_to_pixel(ra_deg, dec_deg)


class Source(ABC):
    """Something that sends light."""

    @abstractmethod
    def deposit(self, image: NDArray[np.float64], ctx: RenderContext) -> None:
        """Add the light to `image` [photons / s / pixel], shape `(height, width)`, in place."""

    @abstractmethod
    def total_photon_rate(self, optics: Telescope, time_s: float | None = None) -> float:
        """All its light at the detector [photons / s]."""


def check_brightness(source: Any) -> None:
    """One of magnitude, photon_rate and flux_sed is given, and possible."""
    ways = ("magnitude", "photon_rate", "flux_sed")
    given = [name for name in ways if getattr(source, name) is not None]
    require(len(given) == 1, source, "brightness", f"given by one of {', '.join(ways)}", given or None)
    if source.magnitude is not None:
        number(source, "magnitude", "mag")
    if source.photon_rate is not None:
        rate = number(source, "photon_rate", "photons/s")
        require(rate >= 0.0, source, "photon_rate", ">= 0 photons/s", rate)
    if source.flux_sed is not None:
        require(source.flux_sed.is_absolute, source, "flux_sed", "an absolute SED", "a relative one")


def steady_photon_rate(source: Any, optics: Telescope) -> float:
    """Light of a source that has passed `check_brightness`, without its light curve [photons / s]."""
    if source.magnitude is not None:
        return optics.photon_rate_from_magnitude(source.magnitude)
    if source.flux_sed is not None:
        return optics.photon_rate_from_sed(source.flux_sed)
    return float(source.photon_rate)


@dataclass(frozen=True)
class PointSource(Source):
    """A star.

    Attributes
    ----------
    x, y : float
        Position [pixel]; pixel centres are at integers.
    magnitude, photon_rate, flux_sed : float, float, SED
        Its brightness, exactly one of: magnitude in the band of the telescope, photons / s at the detector,
        or an absolute spectrum.
    sed : SED, optional
        Shape of its spectrum, for the effective quantum efficiency.
    brightness : LightCurve, optional
        Factor against time.
    name : str, optional
        For light curves in the truth of a series.
    """

    x: float
    y: float
    magnitude: float | None = None
    photon_rate: float | None = None
    sed: SED | None = None
    brightness: LightCurve | None = None
    name: str | None = None
    flux_sed: SED | None = None

    def __post_init__(self) -> None:
        number(self, "x", "px")
        number(self, "y", "px")
        check_brightness(self)

    def total_photon_rate(self, optics: Telescope, time_s: float | None = None) -> float:
        """All its light at the detector [photons / s]."""
        return steady_photon_rate(self, optics) * factor_at(self.brightness, time_s)

    def deposit(self, image: NDArray[np.float64], ctx: RenderContext) -> None:
        """Add the star to `image` [photons / s / pixel] in place."""
        x, y = ctx.place(self.x, self.y, None, None)
        sed = self.sed if self.sed is not None else self.flux_sed
        rate = self.total_photon_rate(ctx.optics, ctx.time_s) * ctx.qe_scale(sed)
        ctx.psf.add_source(image, x, y, rate, ctx.optics.plate_scale_arcsec_per_pixel)


@dataclass(frozen=True)
class UniformIllumination(Source):
    """The same light on every pixel: a flat field lamp. No PSF touches it; vignetting does.

    Attributes
    ----------
    photon_rate : float
        [photons / s / pixel].
    sed, brightness, name : SED, LightCurve, str, optional
        As in `PointSource`.
    """

    photon_rate: float
    sed: SED | None = None
    brightness: LightCurve | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        rate = number(self, "photon_rate", "photons/s")
        require(rate >= 0.0, self, "photon_rate", ">= 0 photons/s/pixel", rate)

    def total_photon_rate(self, optics: Telescope, time_s: float | None = None) -> float:
        """Its light on one pixel [photons / s / pixel]."""
        return self.photon_rate * factor_at(self.brightness, time_s)

    def deposit(self, image: NDArray[np.float64], ctx: RenderContext) -> None:
        """Add the light to every pixel of `image` [photons / s / pixel] in place."""
        image += self.total_photon_rate(ctx.optics, ctx.time_s) * ctx.qe_scale(self.sed)


def __getattr__(name: str) -> Any:
    """Catalogs and galaxies live in files of their own and are named here too."""
    if name in ("Catalog", "CatalogEntry"):
        from getframes.scene import catalog

        return getattr(catalog, name)
    if name == "ExtendedSource":
        from getframes.scene import extended

        return extended.ExtendedSource
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
