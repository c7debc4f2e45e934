"""Sources with a shape: Sersic galaxies, and light given as an array."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import ShapeError, require
from getframes.scene.diffusion import DiffusedPSF
from getframes.scene.galaxies import LARGEST_INDEX, SMALLEST_INDEX, Galaxies, deposit_galaxies
from getframes.scene.light_curve import LightCurve, factor_at
from getframes.scene.optics import Telescope, number
from getframes.scene.psf import ArrayPSF, add_stars
from getframes.scene.sources import RenderContext, Source, check_brightness, steady_photon_rate
from getframes.spectral import SED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

ROWS_AT_ONCE = 1 << 15  # light of an array that is drawn at a time [array pixels]
NODES = np.array([-0.5 * np.sqrt(0.6), 0.0, 0.5 * np.sqrt(0.6)])  # Gauss-Legendre on a pixel
WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0


@dataclass(frozen=True, eq=False)
class ExtendedSource(Source):
    """A galaxy or a nebula, convolved with the PSF of the scene. Made by `sersic` or `from_array`.

    Attributes
    ----------
    x, y : float, optional
        Centre [pixel]; or
    ra_deg, dec_deg : float, optional
        centre on the sky [deg].
    magnitude, photon_rate, flux_sed : float, float, SED, optional
        One of them: magnitude in the band of the telescope, photons / s at the detector, or an absolute spectrum.
    profile : ndarray, shape (m, n), optional
        Share of the light per detector pixel, of sum 1; its middle ((n - 1) / 2, (m - 1) / 2) is the centre.
    sersic_n, r_eff_arcsec : float, optional
        Index, in [0.5, 8], and half-light radius along the major axis [arcsec].
    ellipticity : float
        1 - minor / major axis, in [0, 1).
    position_angle_deg : float
        Angle of the major axis from +x towards +y [deg].
    sed, brightness, name : SED, LightCurve, str, optional
        As in `PointSource`.
    convolved : bool
        Whether `profile` holds the PSF already, so that none is applied.

    Notes
    -----
    Sersic (1968): I ~ exp(-b (r / r_eff)^(1/n)), with half of the light within r_eff; the profile is not truncated. It
    is a mixture of Gaussians, right to 0.2 % of the peak and 1 % of the light behind any PSF (Hogg and Lang 2013,
    doi:10.1086/668228). n below 0.5, flatter than a Gaussian, is not modelled; nor are arms, bars and colour gradients.

    Raises
    ------
    DomainError, ShapeError
        When a value is impossible, or there is not one centre, one brightness and one shape.
    """

    x: float | None = None
    y: float | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    magnitude: float | None = None
    photon_rate: float | None = None
    profile: NDArray[np.float64] | None = None
    sersic_n: float | None = None
    r_eff_arcsec: float | None = None
    ellipticity: float = 0.0
    position_angle_deg: float = 0.0
    sed: SED | None = None
    brightness: LightCurve | None = None
    name: str | None = None
    flux_sed: SED | None = None
    convolved: bool = False

    def __post_init__(self) -> None:
        units = {"x": "px", "y": "px", "ra_deg": "deg", "dec_deg": "deg"}
        given = [name for name in units if getattr(self, name) is not None]
        known = given in (["x", "y"], ["ra_deg", "dec_deg"])
        require(known, self, "position", "given by x and y, or by ra and dec", given or None)
        for name in given:
            number(self, name, units[name])
        check_brightness(self)
        shapes = [name for name in ("profile", "sersic_n") if getattr(self, name) is not None]
        require(len(shapes) == 1, self, "shape", "one of profile and sersic_n", shapes or None)
        require(
            self.profile is not None or not self.convolved, self, "convolved", "False without a profile", True
        )
        if self.profile is None:
            self._check_sersic()
        else:
            object.__setattr__(self, "profile", _normalized(self.profile))

    def _check_sersic(self) -> None:
        require(self.r_eff_arcsec is not None, self, "r_eff_arcsec", "given with sersic_n", None)
        index = number(self, "sersic_n", "")
        rule = f"in [{SMALLEST_INDEX:g}, {LARGEST_INDEX:g}]"
        require(SMALLEST_INDEX <= index <= LARGEST_INDEX, self, "sersic_n", rule, index)
        radius = number(self, "r_eff_arcsec", "arcsec")
        require(radius > 0.0, self, "r_eff_arcsec", "> 0 arcsec", radius)
        ellipticity = number(self, "ellipticity", "")
        require(0.0 <= ellipticity < 1.0, self, "ellipticity", "in [0, 1)", ellipticity)
        number(self, "position_angle_deg", "deg")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExtendedSource):
            return NotImplemented
        return all(
            np.array_equal(mine, theirs) if isinstance(mine, np.ndarray) else mine == theirs
            for mine, theirs in ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        )

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def sersic(
        cls,
        *,
        x: float | None = None,
        y: float | None = None,
        ra: float | None = None,
        dec: float | None = None,
        magnitude: float | None = None,
        photon_rate: float | None = None,
        n: float = 1.0,
        r_eff_arcsec: float,
        ellipticity: float = 0.0,
        position_angle_deg: float = 0.0,
        sed: SED | None = None,
        brightness: LightCurve | None = None,
        name: str | None = None,
        flux_sed: SED | None = None,
    ) -> ExtendedSource:
        """A galaxy: `n` = 1 is an exponential disk, 4 a de Vaucouleurs bulge. Parameters as the attributes."""
        light = (x, y, ra, dec, magnitude, photon_rate)
        shape = (None, n, r_eff_arcsec, ellipticity, position_angle_deg)
        return cls(*light, *shape, sed, brightness, name, flux_sed)

    @classmethod
    def from_array(
        cls,
        image: NDArray[np.float64],
        *,
        x: float | None = None,
        y: float | None = None,
        ra: float | None = None,
        dec: float | None = None,
        magnitude: float | None = None,
        photon_rate: float | None = None,
        sed: SED | None = None,
        brightness: LightCurve | None = None,
        name: str | None = None,
        flux_sed: SED | None = None,
        convolved: bool = False,
    ) -> ExtendedSource:
        """Light of any shape: `image`, shape `(m, n)`, one value >= 0 per detector pixel, scaled to a sum of 1.

        Light is spread evenly over each pixel of the array. Other parameters as the attributes.
        """
        light = (x, y, ra, dec, magnitude, photon_rate)
        return cls(*light, image, None, None, 0.0, 0.0, sed, brightness, name, flux_sed, convolved)

    @property
    def position_angle(self) -> float:
        """`position_angle_deg` [deg]."""
        return self.position_angle_deg

    def total_photon_rate(self, optics: Telescope, time_s: float | None = None) -> float:
        """All its light at the detector [photons / s]."""
        return steady_photon_rate(self, optics) * factor_at(self.brightness, time_s)

    def deposit(self, image: NDArray[np.float64], ctx: RenderContext) -> None:
        """Add the source to `image` [photons / s / pixel] in place; light off the image is lost."""
        if self.profile is None:
            _deposit_galaxies([self], image, ctx)
            return
        x, y, rate = self._light(ctx)
        if not (np.isfinite(x) and np.isfinite(y)):  # the far half of the sky has no pixel
            return
        if self.convolved:
            psf: Any = ArrayPSF(self.profile)
            if isinstance(ctx.psf, DiffusedPSF):
                psf = replace(ctx.psf, psf=psf)
            psf.add_source(image, x, y, rate, ctx.optics.plate_scale_arcsec_per_pixel)
        else:
            self._deposit_array(image, ctx, (x, y), rate)

    def _light(self, ctx: RenderContext) -> tuple[float, float, float]:
        """Place [pixel] and photon rate."""
        x, y = (float(value) for value in ctx.place(self.x, self.y, self.ra_deg, self.dec_deg))
        sed = self.sed if self.sed is not None else self.flux_sed
        return x, y, self.total_photon_rate(ctx.optics, ctx.time_s) * ctx.qe_scale(sed)

    def _galaxy(self, ctx: RenderContext) -> tuple[float, ...]:
        """The galaxy as a row of `Galaxies`."""
        assert self.sersic_n is not None and self.r_eff_arcsec is not None  # __post_init__ saw to it
        radius = self.r_eff_arcsec / ctx.optics.plate_scale_arcsec_per_pixel
        return (*self._light(ctx), radius, self.sersic_n, 1.0 - self.ellipticity, self.position_angle_deg)

    def _deposit_array(
        self, image: NDArray[np.float64], ctx: RenderContext, centre: tuple[float, float], rate: float
    ) -> None:
        """Each pixel of the array as nine stars: a rule for a square of even light."""
        assert self.profile is not None
        rows, columns = np.nonzero(self.profile)
        height, width = self.profile.shape
        down, across = (offsets.ravel() for offsets in np.meshgrid(NODES, NODES, indexing="ij"))
        shares = np.outer(WEIGHTS, WEIGHTS).ravel()
        for first in range(0, rows.size, ROWS_AT_ONCE):
            j, i = rows[first : first + ROWS_AT_ONCE], columns[first : first + ROWS_AT_ONCE]
            x = centre[0] + (i - (width - 1) / 2.0)[:, None] + across
            y = centre[1] + (j - (height - 1) / 2.0)[:, None] + down
            flux = rate * self.profile[j, i][:, None] * shares
            scale = ctx.optics.plate_scale_arcsec_per_pixel
            add_stars(ctx.psf, image, x.ravel(), y.ravel(), flux.ravel(), scale)


def deposit_in_order(sources: Sequence[Source], image: NDArray[Any], ctx: RenderContext) -> None:
    """Add sources to `image` in their order; galaxies that follow one another share the work of a catalog."""
    for of_galaxies, some in groupby(sources, _is_galaxy):
        if of_galaxies:
            _deposit_galaxies(some, image, ctx)  # type: ignore[arg-type]
        else:
            for source in some:
                source.deposit(image, ctx)


def _deposit_galaxies(galaxies: Iterable[ExtendedSource], image: NDArray[Any], ctx: RenderContext) -> None:
    rows = np.array([galaxy._galaxy(ctx) for galaxy in galaxies], dtype=np.float64)
    seen = rows[np.isfinite(rows[:, :2]).all(axis=1)]  # the far half of the sky has no pixel
    if seen.size:
        columns = np.ascontiguousarray(seen.T)
        deposit_galaxies(image, ctx.psf, Galaxies(*columns), ctx.optics.plate_scale_arcsec_per_pixel)


def _is_galaxy(source: Source) -> bool:
    """Whether a source is a Sersic profile that nobody draws in a way of their own."""
    return type(source) is ExtendedSource and source.profile is None


def _normalized(image: Any) -> NDArray[np.float64]:
    """A read-only copy of sum 1."""
    try:
        return ArrayPSF(image).kernel
    except (ShapeError, ValueError) as error:
        raise type(error)(str(error).replace("ArrayPSF.kernel", "ExtendedSource.profile")) from None
