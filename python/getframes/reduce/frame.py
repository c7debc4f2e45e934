"""A reduced frame: pixels with their uncertainty, what is wrong with them, and how many frames went in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import ShapeError, require
from getframes.frame import Frame, _binned, _compact, _expanded, _same

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from astropy.nddata import CCDData
    from numpy.typing import NDArray


class Flag(IntFlag):
    """What may be said about a pixel, one bit each; 0 is a good pixel.

    Attributes
    ----------
    MASKED_IN_INPUT
        Masked in at least one of the frames that it comes from.
    REJECTED
        At least one value was rejected as an outlier; the pixel is good.
    SATURATED
        At the end of the well or of the converter.
    NO_DATA
        Nothing is known: masked or rejected in every frame. The value is NaN.
    DEAD
        Has no response: its flat is not positive.
    COSMIC_RAY
        Hit by a cosmic ray.
    NOT_FINITE
        Infinite or not a number in at least one of the frames that it comes from.
    HOT
        Dark current far above that of the others.
    """

    MASKED_IN_INPUT = 1
    REJECTED = 2
    SATURATED = 4
    NO_DATA = 8
    DEAD = 16
    COSMIC_RAY = 32
    NOT_FINITE = 64
    HOT = 128


UNUSABLE = Flag.SATURATED | Flag.NO_DATA | Flag.DEAD | Flag.COSMIC_RAY | Flag.HOT
"""Flags of a pixel whose value is not to be used. The others say that a value was left out on the way, which the count of frames and the uncertainty know."""


@dataclass(frozen=True, eq=False, repr=False)
class ReducedFrame(Frame):
    """A `Frame` whose noise and bad pixels are known.

    Attributes
    ----------
    data, metadata, truth
        As in `Frame`.
    uncertainty : array (height, width), optional
        Standard deviation of each pixel, in the unit of the data.
    flags : array of uint16 (height, width), optional
        Bits of `Flag`; None where every pixel is good.
    used : array of integers (height, width), optional
        How many frames went into each pixel.
    unit : str
        Unit of the data in the notation of FITS: ``"adu"``, ``"adu/s"``, ``"electron"``, ``""`` for a ratio. From ``metadata["unit"]`` when left out,
        which it also sets.

    Raises
    ------
    ShapeError
        If a plane does not have the shape of the data.
    DomainError
        If the flags are no integers.
    """

    uncertainty: Any = None
    flags: Any = None
    used: Any = None
    unit: str | None = None

    def __post_init__(self) -> None:
        for name in ("uncertainty", "flags", "used"):
            plane = getattr(self, name)
            if plane is not None and np.shape(plane) != self.shape:
                raise ShapeError(f"ReducedFrame.{name} must have shape {self.shape}, got {np.shape(plane)}")
        kind = None if self.flags is None else np.asarray(self.flags).dtype
        require(kind is None or kind.kind in "ui", self, "flags", "integers", str(kind))
        unit = self.metadata.get("unit", "adu") if self.unit is None else self.unit
        object.__setattr__(self, "unit", str(unit))
        if self.metadata.get("unit", "adu") != self.unit:
            object.__setattr__(self, "metadata", {**self.metadata, "unit": self.unit})

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Pixels whose value is not to be used (`UNUSABLE`)."""
        if self.flags is None:
            return np.zeros(self.shape, bool)
        return np.asarray(np.bitwise_and(self.flags, int(UNUSABLE)) != 0)

    def extensions(self) -> dict[str, tuple[NDArray[Any], dict[str, Any]]]:
        """What a FITS file of the frame has beside the data: image and cards, by name."""
        planes: dict[str, tuple[Any, dict[str, Any]]] = {
            "MASK": (
                self.flags,
                {**{f"FLAG{int(flag)}": flag.name for flag in Flag}, "BADBITS": int(UNUSABLE)},
            ),
            "UNCERT": (self.uncertainty, {"UTYPE": "StdDevUncertainty", "BUNIT": self.unit}),
            "USED": (self.used, {}),
        }
        return {
            name: (np.asarray(plane), cards) for name, (plane, cards) in planes.items() if plane is not None
        }

    @classmethod
    def from_fits(cls, path: str | PathLike[str], *, checksum: bool = True) -> ReducedFrame:
        """Read a reduced frame with its planes; one that has none becomes a reduced frame without.

        Parameters and errors as in `Frame.from_fits`.
        """
        from getframes.io.fits import read_planes

        return cls.of_planes(*read_planes(path, ("MASK", "UNCERT", "USED"), checksum=checksum))

    @classmethod
    def of_planes(cls, frame: Frame, planes: Mapping[str, NDArray[Any]]) -> ReducedFrame:
        """A frame with the planes of a file, by the names of their extensions."""
        flags = planes.get("MASK")
        return cls(
            frame.data,
            frame.metadata,
            frame.truth,
            uncertainty=planes.get("UNCERT"),
            flags=None if flags is None else flags.astype(np.uint16),
            used=planes.get("USED"),
        )

    def to_ccddata(self) -> CCDData:
        """The frame as an `astropy.nddata.CCDData`, with uncertainty, mask (`mask`) and flags as well."""
        from astropy.nddata import StdDevUncertainty

        made = super().to_ccddata()
        if self.uncertainty is not None:
            made.uncertainty = StdDevUncertainty(np.asarray(self.uncertainty))
        if self.flags is not None:
            made.mask = self.mask
            made.flags = np.asarray(self.flags)
        return made

    def binned(self, factor: int, *, method: str = "sum") -> ReducedFrame:
        """As `Frame.binned`; pixels are taken to be independent, flags add up, and `used` is the least of a block."""
        frame = super().binned(factor, method=method)
        height, width = frame.shape
        scale = 1.0 if method == "sum" else 1.0 / factor**2
        blocks = (
            None if plane is None else np.asarray(plane).reshape(height, factor, width, factor)
            for plane in (self.flags, self.used)
        )
        flags, used = blocks
        variance = None if self.uncertainty is None else np.square(self.uncertainty, dtype=np.float64)
        return ReducedFrame(
            frame.data,
            frame.metadata,
            frame.truth,
            uncertainty=None if variance is None else np.sqrt(_binned(variance, factor, "sum")) * scale,
            flags=None if flags is None else np.bitwise_or.reduce(flags, axis=(1, 3)),
            used=None if used is None else used.min(axis=(1, 3)),
            unit=self.unit,
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Frame) and not isinstance(other, ReducedFrame):
            return False
        same = super().__eq__(other)
        if same is not True or not isinstance(other, ReducedFrame):
            return same
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("uncertainty", "flags", "used"))
        return all((a is None) == (b is None) and (a is None or _same(a, b)) for a, b in pairs)

    __hash__ = None

    def __repr__(self) -> str:
        planes = [name for name in ("uncertainty", "flags", "used") if getattr(self, name) is not None]
        start = super().__repr__().removeprefix("Frame").removesuffix(")")
        return f"ReducedFrame{start}, unit={self.unit!r}, planes={planes})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: _compact(value) for name, value in self.__dict__.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({name: _expanded(value) for name, value in state.items()})
