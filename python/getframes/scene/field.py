"""Parameters that change over the field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, require
from getframes.quantity import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class FieldPolynomial:
    """A parameter of a PSF as a polynomial of position: `sum c[i][j] u^i v^j`, u = (x - x0) / s, v = (y - y0) / s.

    Attributes
    ----------
    coefficients : sequence of sequences of float
        `coefficients[i][j]` goes with u^i v^j, in the unit of the parameter; rows may be of different length.
    center_xy : tuple of float
        (x0, y0) [pixel].
    scale_px : float
        s, which keeps the coefficients of one size [pixel].

    Raises
    ------
    DomainError
        When a number is not finite, or the scale is not positive.
    """

    coefficients: Sequence[Sequence[float]]
    center_xy: tuple[float, float] = (0.0, 0.0)
    scale_px: float = 1.0

    def __post_init__(self) -> None:
        try:
            rows = tuple(tuple(float(value) for value in row) for row in self.coefficients)
        except TypeError:
            raise DomainError(
                f"FieldPolynomial.coefficients must be rows of numbers, got {self.coefficients!r}"
            ) from None
        finite = all(math.isfinite(value) for row in rows for value in row)
        require(finite and any(rows), self, "coefficients", "rows of finite numbers", rows)
        center = tuple(float(plain(value, "px", self, "center_xy")) for value in self.center_xy)
        require(len(center) == 2 and all(map(math.isfinite, center)), self, "center_xy", "(x, y)", center)
        scale = float(plain(self.scale_px, "px", self, "scale_px"))
        require(0.0 < scale < math.inf, self, "scale_px", "> 0 pixel", scale)
        for name, value in (("coefficients", rows), ("center_xy", center), ("scale_px", scale)):
            object.__setattr__(self, name, value)

    def __call__(self, x: Any, y: Any) -> NDArray[np.float64]:
        """Values at positions [pixel], numbers or arrays of one shape."""
        u = (np.asarray(x, np.float64) - self.center_xy[0]) / self.scale_px
        v = (np.asarray(y, np.float64) - self.center_xy[1]) / self.scale_px
        value = np.zeros(np.broadcast(u, v).shape)
        for row in reversed(self.coefficients):
            inner = np.zeros_like(value)
            for coefficient in reversed(row):
                inner = inner * v + coefficient
            value = value * u + inner
        return value


def parameter_at(value: float | FieldPolynomial, x: Any, y: Any) -> NDArray[np.float64]:
    """A parameter at positions, shape `(n,)`; of shape `(1,)` where it does not change."""
    if isinstance(value, FieldPolynomial):
        return np.ascontiguousarray(np.atleast_1d(value(x, y)))
    return np.array([value], dtype=np.float64)
