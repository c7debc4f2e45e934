"""What one detector of a focal plane sees of a scene."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.focal_plane.detector import FocalPlaneDetector
    from getframes.scene import Scene, Telescope, WCSInfo

    Values = NDArray[np.float64]


@dataclass(frozen=True)
class _Part:
    """Where the pixels of a detector are in the scene of a focal plane; it stands for the vignetting and the distortion of a telescope.

    A pixel x of the detector sees pixel axis + (x - x_axis) / scale of the scene.
    """

    optics: Telescope
    scene_shape: tuple[int, int]
    axis: tuple[float, float]
    own_axis: tuple[float, float]
    scale: float

    def apply(self, x: Any, y: Any, cx: float, cy: float) -> tuple[Any, Any]:
        """From pixels of the scene to those of the detector, through the distortion about the axis."""
        if self.optics.distortion is not None:
            x, y = self.optics.distortion.apply(x, y, *self.axis)
        (axis_x, axis_y), (own_x, own_y) = self.axis, self.own_axis
        return own_x + (x - axis_x) * self.scale, own_y + (y - axis_y) * self.scale

    def illumination_map(self, shape: tuple[int, int]) -> Values:
        """Fraction of the light that arrives, by the distance from the axis."""
        law = self.optics.vignetting
        assert law is not None
        x, y = (
            (np.arange(side) - own) / self.scale for side, own in zip(shape[::-1], self.own_axis, strict=True)
        )
        corner = math.hypot(*((side - 1) / 2.0 for side in self.scene_shape))
        radius = np.hypot(x[None, :], y[:, None]) / max(corner, np.finfo(float).tiny)
        return np.asarray(np.maximum(1.0 - law.strength * radius**law.power, 0.0))


def part_of(scene: Scene, detector: FocalPlaneDetector, pixel_mm: float) -> Scene:
    """The scene as one detector sees it."""
    response = np.unique(np.asarray(detector.response, np.float64))
    require(response.size == 1, detector, "response", "one number for a scene", detector.response)
    optics, scale = scene.optics, pixel_mm / detector.pixel_mm
    height, width = scene.shape
    axis = ((width - 1) / 2.0, (height - 1) / 2.0)
    if scene.wcs is not None:
        axis = scene.wcs.crpix_x, scene.wcs.crpix_y
    part: Any = _Part(optics, scene.shape, axis, _own_axis(detector), scale)
    return dataclasses.replace(
        scene,
        shape=detector.camera.resolution,
        optics=dataclasses.replace(
            optics,
            throughput=optics.throughput * float(response[0]),
            plate_scale_arcsec_per_pixel=optics.plate_scale_arcsec_per_pixel / scale,
            vignetting=None if optics.vignetting is None else part,
            distortion=part,
        ),
    )


def _own_axis(detector: FocalPlaneDetector) -> tuple[float, float]:
    """Pixel of a detector that would be on the axis, mostly outside."""
    height, width = detector.camera.resolution
    return (width - 1) / 2.0 - detector.x_mm / detector.pixel_mm, (
        height - 1
    ) / 2.0 - detector.y_mm / detector.pixel_mm


def wcs_of(wcs: WCSInfo, detector: FocalPlaneDetector, optics: Telescope) -> WCSInfo:
    x, y = _own_axis(detector)
    return dataclasses.replace(
        wcs, crpix_x=x, crpix_y=y, plate_scale_arcsec_per_pixel=optics.plate_scale_arcsec_per_pixel
    )
