"""Truth in layers: what each stage of the signal chain added to a frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

    from getframes.frame import Frame

    Layer = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Layers(Mapping[str, "Layer"]):
    """A frame, and by the name of each stage what that stage added to it [ADU].

    A layer is the value of a pixel after a stage minus the value before it, in float64. Charge is shown in ADU, divided by the gain of the
    pixel's amplifier, so that all layers have one unit. They come in the order of the chain, of which the amplifier is called `bias` and the
    converter `quantization` (rounding, and clipping at its ends).

    Added one by one in that order, they are the frame exactly, without a rounding error: `total`.

    Attributes
    ----------
    frame : Frame
        The frame, as `Camera.expose` makes it.
    """

    frame: Frame
    _layers: Mapping[str, Layer]

    def __getitem__(self, name: str) -> Layer:
        return self._layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Layers({', '.join(self)}; shape={self.frame.shape})"

    def total(self) -> Layer:
        """The layers added one by one [ADU], shape (height, width): the counts of the frame, as float64."""
        total = np.zeros(self.frame.shape)
        for layer in self.values():
            total += layer
        return total

    def to_fits(self, path: str | PathLike[str], overwrite: bool = False) -> None:
        """Write the frame to a FITS file, with every layer as an image extension of its name [adu].

        Raises
        ------
        OutputError
            If the file exists already (also a `FileExistsError`) or cannot be written.
        """
        from getframes.io.fits import write_frame

        write_frame(self.frame, path, overwrite=overwrite, layers=self)

    def to_npz(self, path: str | PathLike[str], overwrite: bool = False) -> None:
        """Write a .npz file with the counts as `raw` and every layer under its name.

        Raises
        ------
        DomainError
            If the name does not end in .npz.
        OutputError
            As in `to_fits`.
        """
        from pathlib import Path

        from getframes.io.atomic import replacing

        if Path(path).suffix != ".npz":
            raise DomainError(f"path must end in .npz, got {str(path)!r}")
        with replacing(path, overwrite=overwrite) as unfinished, unfinished.open("wb") as file:
            arrays: dict[str, Any] = {"raw": self.frame.data, **self}
            np.savez(file, **arrays)
