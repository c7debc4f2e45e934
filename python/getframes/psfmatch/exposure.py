"""What is matched: an image with its variance, its mask, and the model of its PSF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, ShapeError
from getframes.frame import Frame, as_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.psfmatch.models import PSFModel

BAD, EDGE = "BAD", "EDGE"


@dataclass(frozen=True, eq=False, repr=False)
class Exposure:
    """An image and what is known about it.

    Attributes
    ----------
    image : array (height, width)
        In any unit.
    psf : PSFModel, optional
        Of the image.
    variance : array (height, width), optional
        Of each pixel, in the unit of the image squared.
    mask : array of bool or integers (height, width), optional
        True, or bits, where something is said about a pixel.
    planes : dict of str to int, optional
        Bit of each name in the mask; ``{"BAD": 0}`` for a mask of bool.
    header : mapping, optional
        Whatever belongs to the image; WCS, flux calibration and filter are in it, and are kept.

    Raises
    ------
    ShapeError
        If variance or mask does not have the shape of the image.
    DomainError
        If a plane has an impossible bit.
    """

    image: Any
    psf: PSFModel | None = None
    variance: Any = None
    mask: Any = None
    planes: Mapping[str, int] = field(default_factory=dict)
    header: Any = None

    def __post_init__(self) -> None:
        shape = as_pixels(self.image, "image").shape
        for name in ("variance", "mask"):
            plane = getattr(self, name)
            if plane is not None and np.shape(plane) != shape:
                raise ShapeError(f"Exposure.{name} must have shape {shape}, got {np.shape(plane)}")
        if self.mask is not None and np.asarray(self.mask).dtype == bool:
            object.__setattr__(self, "mask", np.asarray(self.mask).astype(np.int32))
            object.__setattr__(self, "planes", dict(self.planes) or {BAD: 0})
        for name, bit in self.planes.items():
            if not 0 <= int(bit) < 31:
                raise DomainError(f"Exposure.planes[{name!r}] must be in [0, 30], got {bit}")

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width [px]."""
        height, width = np.shape(self.image)
        return height, width

    @classmethod
    def of(cls, image: Any, psf: PSFModel | None = None) -> Exposure:
        """An exposure of an array, a Frame, a reduced frame, or a CCDData, whose ``psf`` and uncertainty are taken."""
        if isinstance(image, Exposure):
            return image if psf is None else replace(image, psf=psf)
        if isinstance(image, Frame):
            uncertainty, flags = getattr(image, "uncertainty", None), getattr(image, "flags", None)
            variance = None if uncertainty is None else np.square(uncertainty, dtype=np.float64)
            mask = None if flags is None else image.mask  # type: ignore[attr-defined]
            return cls(image.data, psf, variance, mask, header=dict(image.metadata))
        if hasattr(image, "uncertainty") and hasattr(image, "meta"):
            variance = None if image.uncertainty is None else _variance(image.uncertainty)
            own = image.psf if psf is None else psf
            return cls(np.asarray(image.data), own, variance, image.mask, header=image.meta)
        return cls(as_pixels(image, "exposure"), psf)

    def __repr__(self) -> str:
        height, width = self.shape
        planes = ", ".join(name for name in ("variance", "mask") if getattr(self, name) is not None)
        return f"Exposure({height} x {width}, psf={self.psf!r}, with {planes or 'no planes'})"


def _variance(uncertainty: Any) -> NDArray[np.float64]:
    """Variance of an astropy uncertainty of any kind."""
    from astropy.nddata import VarianceUncertainty

    return np.asarray(uncertainty.represent_as(VarianceUncertainty).array, np.float64)
