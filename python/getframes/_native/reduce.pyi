"""Counts to charge and light."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Series = tuple[list[float], int]
_Inverse = tuple[list[float], float, float, _Series, _Series]

_Maps = list[float | NDArray[np.floating[Any]]]

def combine(
    frames: list[NDArray[Any]],
    masks: list[NDArray[np.bool_] | None],
    zero: _Maps,
    scale: _Maps,
    weights: _Maps,
    data: NDArray[np.float64],
    sigma: NDArray[np.float32],
    used: NDArray[np.uint32],
    flags: NDArray[np.uint16],
    *,
    median: bool,
    extremes: tuple[int, int],
    clip: tuple[str, float, NDArray[np.float64], float, float, float, float] | None,
    mean_sigma: NDArray[np.float64],
    trim: list[int],
    median_sigma: NDArray[np.float64],
    rounding: NDArray[np.float64],
) -> None:
    """Combine a band of frames of one type into `data`, `sigma`, `used` and `flags`; lists are empty or as long as `frames`.

    `clip` is the spread ("mad", "std", "noise"), the limit in standard deviations, the limit in MAD for each count of values, the least MAD [ADU],
    gain [e-/ADU], read noise [ADU] and pedestal [ADU].
    """

def inverse_response(coefficients: list[float], full_well_e: float) -> _Inverse | None:
    """The inverse of a response curve q (1 + c1 u + c2 u^2 ...), u = q / full well, ready for `calibrate`; None for a straight line."""

def datasum(words: NDArray[np.uint32]) -> int:
    """Ones' complement sum of 32-bit words."""

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

def lacosmic(
    image: NDArray[np.floating[Any]],
    out: NDArray[np.floating[Any]],
    states: NDArray[np.uint8],
    *,
    settings: tuple[float, float, float, float, int, bool],
    gain: float,
    read_noise_e: float,
    background: float | NDArray[np.floating[Any]],
    variance: NDArray[np.floating[Any]] | None,
    precision: str,
) -> int:
    """Find cosmic rays in an image and replace them, into `out`; the number of rounds.

    Images are C-contiguous and of the precision. Bits of the states: in, 1 masked, 2 saturated; out, as well, 4 hit, 8 hidden by a saturated star, 16 not
    finite. The settings are sigma_clip, sigma_frac, object_limit, saturation, iterations, and whether a hit becomes a mean instead of a median.
    """
