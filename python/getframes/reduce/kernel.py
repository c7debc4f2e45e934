"""The one pass that both ways to calibrate a frame share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes._native import reduce as native
from getframes.errors import ShapeError
from getframes.frame import as_pixels
from getframes.memory import require_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

_READ = (np.uint32, np.uint16, np.int32, np.float32, np.float64)
"""What the kernel reads without a copy."""


class Steps(NamedTuple):
    """out = (g(k (n - b)) - d) f w; symbols as in `docs/physics/calibration.md`.

    Attributes
    ----------
    shape, precision
        Of the frames, and what they are calibrated in.
    zero_adu, scale, inverse
        b [ADU], k [e-/ADU], and g (None for a straight response).
    dark, weight : float or array
        d [e-] and w.
    """

    shape: tuple[int, int]
    precision: np.dtype[Any]
    zero_adu: float
    scale: float
    inverse: Any
    dark: Any
    weight: Any

    def applied(self, frame: Any, factor: float = 1.0) -> NDArray[np.floating[Any]]:
        """A frame, calibrated.

        Raises
        ------
        ShapeError, DomainError
            If the frame has another shape, or a pixel that is not finite.
        """
        pixels = as_pixels(frame)
        if pixels.shape != self.shape:
            raise ShapeError(f"frame must have shape {self.shape}, got {pixels.shape}")
        if pixels.dtype not in _READ:
            small = pixels.dtype.kind in "bui" and pixels.dtype.itemsize < 4
            pixels = pixels.astype(np.int32 if small else np.float64)
        require_memory(self.shape, self.precision.itemsize, "a calibrated frame")
        out = np.empty(self.shape, self.precision)
        native.calibrate(
            np.ascontiguousarray(pixels),
            out,
            zero_adu=self.zero_adu,
            scale=self.scale,
            inverse=self.inverse,
            dark=self.dark,
            weight=self.weight,
            factor=factor,
            precision=self.precision.name,
        )
        return out
