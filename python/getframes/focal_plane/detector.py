"""A camera at its place on a focal plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from getframes.camera import Camera
from getframes.errors import ShapeError, require
from getframes.focal_plane.illumination import Illumination
from getframes.quantity import plain
from getframes.sections import Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FocalPlaneDetector:
    """A camera at its place.

    Attributes
    ----------
    name : str or int
        What it is called in records and files.
    camera : Camera
        With its own gain and fixed patterns (`fixed_pattern_seed`).
    x_mm, y_mm : float
        Place of the middle of the frame on the focal plane [mm].
    response : float or sequence of float
        Relative throughput, >= 0: of the detector, or of each amplifier, row by row. In a scene it multiplies the throughput of the telescope: magnitudes,
        spectra and backgrounds; a source with a `photon_rate` has that at the detector.

    Raises
    ------
    DomainError
        If a number is impossible.
    ShapeError
        If there is not one response for each amplifier.
    """

    name: str | int
    camera: Camera
    x_mm: float = 0.0
    y_mm: float = 0.0
    response: float | Sequence[float] = 1.0

    def __post_init__(self) -> None:
        named = isinstance(self.name, str | int | np.integer) and not isinstance(self.name, bool)
        require(named, self, "name", "a text or a whole number", self.name)
        for field in ("x_mm", "y_mm"):
            value = float(plain(getattr(self, field), "mm", self, field))
            require(math.isfinite(value), self, field, "finite", value)
            object.__setattr__(self, field, value)
        responses = np.atleast_1d(np.asarray(self.response, np.float64))
        possible = bool((np.isfinite(responses) & (responses >= 0.0)).all())
        require(possible, self, "response", "finite and >= 0", self.response)
        if responses.size not in (1, len(self.sections)):
            raise ShapeError(
                f"FocalPlaneDetector.response must be one number or one for each of the {len(self.sections)} "
                f"amplifiers, got {responses.size}"
            )

    @property
    def sections(self) -> dict[str, Section]:
        """Pixels of each amplifier of the frame, by its name: A1, A2 ... row by row."""
        config = self.camera.config
        height, width = self.camera.resolution
        rows = (0, *config.active_amplifier_boundaries_y_px, height)
        columns = (0, *config.active_amplifier_boundaries_x_px, width)
        blocks = (
            Section(left, right, bottom, top)
            for bottom, top in pairwise(rows)
            for left, right in pairwise(columns)
        )
        return {f"A{number}": block for number, block in enumerate(blocks, 1)}

    @property
    def amplifiers(self) -> tuple[str, ...]:
        """Names of the amplifiers."""
        return tuple(self.sections)

    @property
    def pixel_mm(self) -> float:
        """Pitch of the pixels [mm]."""
        return self.camera.config.pixel_size_um / 1e3

    def places_mm(self) -> tuple[Values, Values]:
        """x, shape (1, width), and y, shape (height, 1), of the pixels on the focal plane [mm]."""
        height, width = self.camera.resolution
        x, y = (np.arange(side, dtype=np.float64) - (side - 1) / 2.0 for side in (width, height))
        return (self.x_mm + x * self.pixel_mm)[None, :], (self.y_mm + y * self.pixel_mm)[:, None]

    def light(self, illumination: Illumination) -> Values:
        """Pattern of the lamp times response, shape (height, width)."""
        pattern = illumination.pattern(*self.places_mm())
        responses = np.broadcast_to(np.asarray(self.response, np.float64), (len(self.sections),))
        for section, response in zip(self.sections.values(), responses, strict=True):
            pattern[section.slices] *= response
        return pattern

    def adu_per_photon(self) -> Values:
        """Mean counts above the bias for one photon on a pixel [ADU], shape (height, width); NaN where it is dead."""
        config, maps = self.camera.config, self.camera.fixed_patterns
        rows, columns = config.roi_slices
        response, avalanche, gain, dead = (
            np.broadcast_to(np.asarray(value), config.resolution)[rows, columns]
            for value in (
                maps.prnu_multiplier,
                maps.avalanche_gain_multiplier,
                maps.amplifier_gain,
                False if maps.defect_mask is None else maps.defect_mask,
            )
        )
        multiplied = config.quantum_efficiency * config.em_gain * avalanche.astype(np.float64)
        counts = multiplied * response / gain
        return np.where(dead, np.nan, counts)
