"""The telescope: area, plate scale, throughput, and what its optics do over the field."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from getframes.errors import DomainError, require
from getframes.quantity import finite, plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.scene.photometry import Bandpass
    from getframes.spectral import SED

Coordinate = TypeVar("Coordinate", float, "NDArray[np.float64]")


def number(owner: Any, field: str, unit: str) -> float:
    """Replace a field of a frozen dataclass by a plain finite number, and return it."""
    value = finite(getattr(owner, field), unit, owner, field)
    object.__setattr__(owner, field, value)
    return value


def image_shape(owner: Any, shape: Any) -> tuple[int, int]:
    """Rows and columns of an image, positive whole numbers."""
    try:
        height, width = (operator.index(count) for count in shape)
    except (TypeError, ValueError):
        name = type(owner).__name__
        raise DomainError(f"{name}.shape must be two whole numbers of pixels, got {shape!r}") from None
    require(height > 0 and width > 0, owner, "shape", "of positive height and width", shape)
    return height, width


@dataclass(frozen=True)
class Vignetting:
    """Light lost towards the corners: 1 - strength (r / r_corner)^power.

    Attributes
    ----------
    strength : float
        Fraction lost in the corners, in [0, 1].
    power : float
        Steepness, > 0.
    """

    strength: float
    power: float = 2.0

    def __post_init__(self) -> None:
        strength, power = number(self, "strength", ""), number(self, "power", "")
        require(0.0 <= strength <= 1.0, self, "strength", "in [0, 1]", strength)
        require(power > 0.0, self, "power", "> 0", power)

    def illumination_map(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Fraction of the light that arrives, shape `shape`; r is measured from the centre of the image."""
        y, x = (np.arange(count) - (count - 1) / 2.0 for count in image_shape(self, shape))
        corner = max(float(x[-1] ** 2 + y[-1] ** 2), np.finfo(float).tiny)
        squared = (x**2 + y[:, None] ** 2) / corner
        result: NDArray[np.float64] = 1.0 - self.strength * squared ** (self.power / 2.0)
        return result


@dataclass(frozen=True)
class RadialDistortion:
    """Positions moved along the radius: r' = r (1 + k1 r^2 + k2 r^4), r from the centre of the image.

    Attributes
    ----------
    k1 : float
        [1 / pixel^2]; positive is a pincushion.
    k2 : float
        [1 / pixel^4].
    """

    k1: float
    k2: float = 0.0

    def __post_init__(self) -> None:
        number(self, "k1", "")
        number(self, "k2", "")

    def apply(self, x: Coordinate, y: Coordinate, cx: float, cy: float) -> tuple[Coordinate, Coordinate]:
        """Where light meant for `(x, y)` arrives [pixel], numbers or arrays, about the centre `(cx, cy)`."""
        dx, dy = x - cx, y - cy
        squared = dx * dx + dy * dy
        stretch = 1.0 + squared * (self.k1 + self.k2 * squared)
        return cx + dx * stretch, cy + dy * stretch


@dataclass(frozen=True)
class Telescope:
    """A telescope and its camera optics.

    Attributes
    ----------
    aperture_diameter_m : float
        Diameter of the aperture [m].
    plate_scale_arcsec_per_pixel : float
        Width of a pixel on the sky [arcsec / pixel].
    throughput : float
        Fraction of the photons that reaches the detector, in [0, 1].
    central_obstruction : float
        Diameter of the obstruction, as a fraction of the aperture, in [0, 1).
    band : Bandpass, optional
        Needed for magnitudes and spectra.
    vignetting, distortion : Vignetting, RadialDistortion, optional
        What changes over the field.
    """

    aperture_diameter_m: float
    plate_scale_arcsec_per_pixel: float
    throughput: float = 1.0
    central_obstruction: float = 0.0
    band: Bandpass | None = None
    vignetting: Vignetting | None = None
    distortion: RadialDistortion | None = None

    def __post_init__(self) -> None:
        diameter = number(self, "aperture_diameter_m", "m")
        require(diameter > 0.0, self, "aperture_diameter_m", "> 0 m", diameter)
        scale = number(self, "plate_scale_arcsec_per_pixel", "arcsec/px")
        require(scale > 0.0, self, "plate_scale_arcsec_per_pixel", "> 0 arcsec/pixel", scale)
        throughput = number(self, "throughput", "")
        require(0.0 <= throughput <= 1.0, self, "throughput", "in [0, 1]", throughput)
        obstruction = number(self, "central_obstruction", "")
        require(0.0 <= obstruction < 1.0, self, "central_obstruction", "in [0, 1)", obstruction)

    @classmethod
    def unit(cls, plate_scale_arcsec_per_pixel: float = 1.0) -> Telescope:
        """One metre, nothing lost, no band: for scenes whose sources are given in photons / s."""
        return cls(1.0, plate_scale_arcsec_per_pixel)

    @property
    def collecting_area_m2(self) -> float:
        """pi / 4 (D^2 - (obstruction D)^2) [m2]."""
        return math.pi / 4.0 * self.aperture_diameter_m**2 * (1.0 - self.central_obstruction**2)

    @property
    def pixel_solid_angle_arcsec2(self) -> float:
        """Sky seen by one pixel [arcsec2]."""
        return self.plate_scale_arcsec_per_pixel**2

    def illumination_map(self, shape: tuple[int, int]) -> NDArray[np.float64] | None:
        """Fraction of the light that arrives, shape `shape`; None where it is 1 everywhere."""
        return None if self.vignetting is None else self.vignetting.illumination_map(shape)

    def photon_rate_from_magnitude(self, magnitude: float) -> float:
        """Photons of a star at the detector [photons / s]: zeropoint * 10^(-0.4 m) * area * throughput.

        Raises
        ------
        DomainError
            Without a band.
        """
        return self.required_band("a magnitude").photon_flux(magnitude) * self.photon_gain_m2

    def photon_rate_from_sed(self, sed: SED) -> float:
        """Photons of an absolute spectrum at the detector [photons / s]."""
        return self.required_band("a spectrum").photon_flux_from_sed(sed) * self.photon_gain_m2

    def surface_brightness_photon_rate(self, surface_brightness_mag_arcsec2: float) -> float:
        """Photons of a surface brightness [photons / s / pixel]: rate(mag / arcsec2) * plate scale^2."""
        brightness = plain(surface_brightness_mag_arcsec2, "mag / arcsec2", self, "surface brightness")
        return self.photon_rate_from_magnitude(brightness) * self.pixel_solid_angle_arcsec2

    @property
    def photon_gain_m2(self) -> float:
        """Area times throughput [m2]: photons / s at the detector per photon / s / m2 above the telescope."""
        return self.collecting_area_m2 * self.throughput

    def required_band(self, use: str) -> Bandpass:
        """The band.

        Raises
        ------
        DomainError
            Without one; `use` says what it is needed for.
        """
        if self.band is None:
            raise DomainError(
                f"Telescope.band must be given for {use}, got None; or give the source a photon_rate"
            )
        return self.band
