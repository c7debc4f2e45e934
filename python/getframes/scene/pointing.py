"""Where the telescope points during a series of frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from getframes.errors import DomainError, require
from getframes.quantity import plain
from getframes.scene.optics import number

if TYPE_CHECKING:
    import numpy as np

    Pair = tuple[float, float]


@dataclass(frozen=True)
class Pointing:
    """Jitter, drift and dither, as shifts of every source on the detector.

    offset(frame i, time t) = jitter z + drift t + dither[i mod n], in arcsec along x and y.

    Attributes
    ----------
    jitter_arcsec : float
        Standard deviation of each frame's random offset, along each axis [arcsec].
    drift_arcsec_per_s : tuple of float
        Steady motion along x and y [arcsec / s].
    dither_arcsec : sequence of tuples of float, optional
        Offsets along x and y, taken in turn [arcsec].

    Notes
    -----
    An offset holds for a whole frame. Not modelled: motion during an exposure (give the PSF two widths), field rotation.

    Raises
    ------
    DomainError
        When a number is not finite, the jitter is negative, or the dither is empty.
    """

    jitter_arcsec: float = 0.0
    drift_arcsec_per_s: tuple[float, float] = (0.0, 0.0)
    dither_arcsec: Sequence[tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        jitter = number(self, "jitter_arcsec", "arcsec")
        require(jitter >= 0.0, self, "jitter_arcsec", ">= 0 arcsec", jitter)
        drift = _pair("drift_arcsec_per_s", self.drift_arcsec_per_s, "arcsec/s")
        object.__setattr__(self, "drift_arcsec_per_s", drift)
        if self.dither_arcsec is not None:
            dither = tuple(_pair("dither_arcsec", pair, "arcsec") for pair in self.dither_arcsec)
            require(len(dither) > 0, self, "dither_arcsec", "at least one (x, y)", dither)
            object.__setattr__(self, "dither_arcsec", dither)

    @property
    def is_static(self) -> bool:
        """Whether every frame sees the sources at the same place."""
        still = self.jitter_arcsec == 0.0 and self.drift_arcsec_per_s == (0.0, 0.0)
        return still and len(set(self.dither_arcsec or ((0.0, 0.0),))) == 1

    def offset_pixels(
        self,
        frame_index: int,
        time_s: float,
        plate_scale_arcsec_per_pixel: float,
        rng: np.random.Generator,
    ) -> tuple[float, float]:
        """Shift of the sources along x and y [pixel]; the jitter takes two normal variates of `rng`."""
        jitter = rng.standard_normal(2) if self.jitter_arcsec > 0.0 else (0.0, 0.0)
        return self.offset_of(frame_index, time_s, plate_scale_arcsec_per_pixel, jitter)

    def offset_of(
        self, frame_index: int, time_s: float, plate_scale_arcsec_per_pixel: float, jitter: Any
    ) -> Pair:
        """The shift [pixel] for given standard normal variates."""
        scale = float(plain(plate_scale_arcsec_per_pixel, "arcsec/px", self, "plate_scale_arcsec_per_pixel"))
        require(0.0 < scale < math.inf, self, "plate_scale_arcsec_per_pixel", "> 0 arcsec/pixel", scale)
        time = float(plain(time_s, "s", self, "time_s"))
        dither = (0.0, 0.0)
        if self.dither_arcsec is not None:
            dither = self.dither_arcsec[frame_index % len(self.dither_arcsec)]
        x, y = (
            (self.jitter_arcsec * float(jitter[axis]) + self.drift_arcsec_per_s[axis] * time + dither[axis])
            / scale
            for axis in (0, 1)
        )
        return x, y


def _pair(name: str, pair: object, unit: str) -> Pair:
    """Two finite numbers."""
    try:
        x, y = (float(plain(value, unit, "Pointing", name)) for value in pair)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        if isinstance(error, DomainError):
            raise
        raise DomainError(f"Pointing.{name} must be (x, y), got {pair!r}") from None
    require(math.isfinite(x) and math.isfinite(y), "Pointing", name, "finite", (x, y))
    return x, y
