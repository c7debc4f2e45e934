"""The one pass that every way to calibrate a frame shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes._native import reduce as native
from getframes.errors import ShapeError
from getframes.frame import as_pixels
from getframes.memory import require_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

_READ = (np.uint32, np.uint16, np.int16, np.int32, np.float32, np.float64)
"""What the kernel reads without a copy."""


class Errors(NamedTuple):
    """Where the variance comes from; symbols as in `docs/physics/masters.md`.

    Attributes
    ----------
    read : float or array
        r: standard deviation of a pixel without signal.
    shot : float
        c: variance of a signal of 1.
    signal : float or array, optional
        e: the light that is expected, in the unit of the result; the counts tell where it is left out.
    zero, dark, flat : float or array
        Standard deviations of b, d and w.
    zero_weight : float
        beta: 1 where the dark knows nothing of the bias.
    """

    read: Any
    shot: float
    signal: Any = None
    zero: Any = 0.0
    zero_weight: float = 1.0
    dark: Any = 0.0
    flat: Any = 0.0


class Marks(NamedTuple):
    """What is flagged.

    Attributes
    ----------
    saturation : float
        Counts from here on are saturated.
    bits : (int, int, int)
        Of a saturated pixel, of one without response, and of one where something is not finite.
    planes : list of arrays of uint16
        Flags of the frame and of its masters.
    """

    saturation: float
    bits: tuple[int, int, int]
    planes: list[NDArray[np.uint16]]


class Planes(NamedTuple):
    """What comes out: data, and uncertainty and flags where they were asked for."""

    data: NDArray[np.floating[Any]]
    uncertainty: NDArray[np.floating[Any]] | None
    flags: NDArray[np.uint16] | None


class Steps(NamedTuple):
    """out = (g(k (n - o - b)) - s d) f / w; symbols as in `docs/physics/masters.md`.

    Attributes
    ----------
    shape, precision
        Of the frames, and what they are calibrated in.
    zero : float or array
        b [ADU].
    scale, inverse
        k [e-/ADU], and g (None for a straight response).
    dark, flat : float or array
        d and w.
    dark_scale : float
        s.
    """

    shape: tuple[int, int]
    precision: np.dtype[Any]
    zero: Any = 0.0
    scale: float = 1.0
    inverse: Any = None
    dark: Any = 0.0
    flat: Any = 1.0
    dark_scale: float = 1.0

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
        return self.planes(pixels, factor=factor).data

    def planes(
        self,
        pixels: NDArray[Any],
        *,
        factor: float = 1.0,
        corner: tuple[int, int] = (0, 0),
        levels: NDArray[np.float64] | None = None,
        errors: Errors | None = None,
        marks: Marks | None = None,
    ) -> Planes:
        """A frame, calibrated, with uncertainty and flags.

        Parameters
        ----------
        pixels : array (height, width)
            Counts, which may be larger than the frame.
        factor : float
            f.
        corner : (int, int)
            Where in the counts the frame begins, (y, x).
        levels : array (height,), optional
            o: what is taken off each row [ADU].
        errors, marks : optional
            What the uncertainty is made of, and what is flagged. Without marks a pixel that is not finite is an error.
        """
        if pixels.dtype not in _READ:
            small = pixels.dtype.kind in "bui" and pixels.dtype.itemsize < 4
            pixels = pixels.astype(np.int32 if small else np.float64)
        size = self.precision.itemsize * (1 if errors is None else 2) + (0 if marks is None else 2)
        require_memory(self.shape, size, "a calibrated frame")
        out = np.empty(self.shape, self.precision)
        noise = None if errors is None else {**errors._asdict(), "out": np.empty(self.shape, self.precision)}
        flags = None if marks is None else {**marks._asdict(), "out": np.empty(self.shape, np.uint16)}
        steps = {
            name: getattr(self, name) for name in ("zero", "scale", "inverse", "dark", "dark_scale", "flat")
        }
        native.calibrate(
            np.ascontiguousarray(pixels),
            out,
            steps={**steps, "factor": factor, "corner": corner, "levels": levels},
            noise=noise,
            flags=flags,
            precision=self.precision.name,
        )
        return Planes(out, None if noise is None else noise["out"], None if flags is None else flags["out"])
