"""Counts to charge and light."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_Series = tuple[list[float], int]
_Inverse = tuple[list[float], float, float, _Series, _Series]

def inverse_response(coefficients: list[float], full_well_e: float) -> _Inverse | None:
    """The inverse of a response curve q (1 + c1 u + c2 u^2 ...), u = q / full well, ready for `calibrate`; None for a straight line."""

def calibrate(
    counts: NDArray[Any],
    out: NDArray[Any],
    *,
    zero_adu: float,
    scale: float,
    inverse: _Inverse | None,
    dark: float | NDArray[np.floating[Any]],
    weight: float | NDArray[np.floating[Any]],
    factor: float,
    precision: str,
) -> None:
    """(inverse(scale (counts - zero)) - dark) factor weight, into `out` of the precision.

    Counts are C-contiguous uint16, uint32, int32, float32 or float64; maps C-contiguous float32 or float64.
    """
