"""The lamp and the screen of flats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import require
from getframes.noise.image import nonnegative
from getframes.noise.stream import lamp_normal, seed_key
from getframes.quantity import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Illumination:
    """The lamp and the screen of the flats.

    Attributes
    ----------
    photon_rate : float
        Light on the axis at lamp level 1 [photons / s / pixel].
    drift : float
        Relative change of the lamp from one exposure to the next.
    flicker : float
        RMS of the logarithm of the lamp level about the drift.
    vignetting, vignetting_power : float
        Fraction of the light lost at `field_radius_mm`, in [0, 1), and how steeply.
    field_radius_mm : float
        Radius of the field [mm].
    gradient_per_mm : (float, float)
        Relative slope of the screen along x and y [1 / mm].

    Raises
    ------
    DomainError
        If a number is impossible.
    """

    photon_rate: float
    drift: float = 0.0
    flicker: float = 0.0
    vignetting: float = 0.0
    vignetting_power: float = 2.0
    field_radius_mm: float = 100.0
    gradient_per_mm: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        rate = nonnegative(
            plain(self.photon_rate, "photons/s", self, "photon_rate"), "photon_rate", "photons/s"
        )
        object.__setattr__(self, "photon_rate", rate)
        gradient = tuple(float(slope) for slope in self.gradient_per_mm)
        possible = len(gradient) == 2 and all(map(math.isfinite, gradient))
        require(possible, self, "gradient_per_mm", "(x, y), finite", self.gradient_per_mm)
        object.__setattr__(self, "gradient_per_mm", gradient)
        require(-1.0 < self.drift < math.inf, self, "drift", "> -1", self.drift)
        require(0.0 <= self.flicker < math.inf, self, "flicker", ">= 0", self.flicker)
        require(0.0 <= self.vignetting < 1.0, self, "vignetting", "in [0, 1)", self.vignetting)
        require(
            0.0 < self.vignetting_power < math.inf, self, "vignetting_power", "> 0", self.vignetting_power
        )
        require(
            0.0 < self.field_radius_mm < math.inf, self, "field_radius_mm", "> 0 mm", self.field_radius_mm
        )

    def pattern(self, x_mm: Any, y_mm: Any) -> Values:
        """Relative light at places of the focal plane, 1 on the axis; never below 0."""
        x, y = np.asarray(x_mm, np.float64), np.asarray(y_mm, np.float64)
        radius = np.hypot(x, y) / self.field_radius_mm
        screen = 1.0 + self.gradient_per_mm[0] * x + self.gradient_per_mm[1] * y
        return np.asarray(np.maximum((1.0 - self.vignetting * radius**self.vignetting_power) * screen, 0.0))

    def level(self, exposure: int, seed: int) -> float:
        """Level of the lamp in an exposure, counted from 0, in the night of this seed."""
        noise = self.flicker * lamp_normal(seed_key(seed), exposure) if self.flicker else 0.0
        return math.exp(math.log1p(self.drift) * exposure + noise)
