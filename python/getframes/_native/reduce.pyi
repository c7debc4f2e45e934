"""Counts to charge and light."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

_Series = tuple[list[float], int]
_Inverse = tuple[list[float], float, float, _Series, _Series]

def inverse_response(coefficients: list[float], full_well_e: float) -> _Inverse | None:
    """The inverse of a response curve q (1 + c1 u + c2 u^2 ...), u = q / full well, ready for `calibrate`; None for a straight line."""

def calibrate(
    counts: NDArray[Any],
    out: NDArray[Any],
    *,
    steps: Mapping[str, Any],
    noise: Mapping[str, Any] | None,
    flags: Mapping[str, Any] | None,
    precision: str,
) -> None:
    """(inverse(scale (counts - level - zero)) - dark_scale dark) factor / flat, into `out` of the precision.

    Counts are C-contiguous uint16, int16, uint32, int32, float32 or float64, and may be larger than `out`; maps are numbers or C-contiguous float32 or
    float64. `noise` and `flags` have the planes they fill as ``out``.
    """
