"""PSFs given as an array."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import deposit
from getframes.errors import ShapeError, require
from getframes.scene.psf.stars import NativePSF

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ArrayPSF(NativePSF):
    """A measured or computed PSF, one value per detector pixel, whatever the plate scale.

    Attributes
    ----------
    kernel : ndarray, shape (m, n)
        Fraction of the light per pixel, >= 0; scaled to a sum of 1. The star is at the middle,
        ((n - 1) / 2, (m - 1) / 2).

    Notes
    -----
    Light is taken to be spread evenly over each pixel of the kernel, so that a shift by a fraction of a
    pixel is the exact overlap of squares (bilinear). Structure inside a pixel is not modelled.
    """

    kernel: NDArray[np.float64]

    def __post_init__(self) -> None:
        kernel = np.array(self.kernel, dtype=np.float64, order="C")
        if kernel.ndim != 2 or kernel.size == 0:
            raise ShapeError(
                f"ArrayPSF.kernel must be two-dimensional and not empty, got shape {kernel.shape}"
            )
        require(bool(np.isfinite(kernel).all()), self, "kernel", "finite", "NaN or infinity")
        require(bool((kernel >= 0.0).all()), self, "kernel", ">= 0", float(kernel.min()))
        total = float(kernel.sum())
        require(0.0 < total < math.inf, self, "kernel", "of positive sum", total)
        if abs(total - 1.0) > 1e-15 * kernel.size:  # what has been scaled once keeps its bits
            kernel /= total
        kernel.flags.writeable = False
        object.__setattr__(self, "kernel", kernel)
        object.__setattr__(self, "_native", deposit.Profile.array(kernel))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrayPSF) and np.array_equal(self.kernel, other.kernel)

    def __hash__(self) -> int:
        return hash((self.kernel.shape, self.kernel.tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def _profile(self, plate_scale: float) -> deposit.Profile:
        native: deposit.Profile = self._native  # type: ignore[attr-defined]
        return native
