"""Which levels of a series of flats are below saturation, and what saturates.

With light the mean of a pixel rises, and its variance with it, until the pixel (or its output) holds no more charge or the converter ends:
there the mean stays, and the variance collapses. The lower of the two ends is all that can be seen from outside. It is the converter where the largest
count is 2^bits - 1 and the mean is within a percent of it; counts of full wells scatter by the read noise, and do not end there.

Source: Janesick 2007, *Photon Transfer*, doi:10.1117/3.725073, chapter 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_COLLAPSED = 0.6
"""The brightest level is saturated where its variance is below this fraction of the largest. A full well before a gain stage keeps (F^2 - 1) / F^2 of
its noise, one half at most: it is found where a level comes close to it."""
CONVERTER, WELL = "converter", "full well"


class Saturation(NamedTuple):
    """Where a series of levels ends.

    Attributes
    ----------
    usable : array of bool (n,)
        Levels below saturation.
    level_adu : float, optional
        Mean at saturation [ADU], bias included; None where no level reaches it.
    limit : str, optional
        "full well" or "converter": the lower of the two.
    """

    usable: NDArray[np.bool_]
    level_adu: float | None
    limit: str | None


def saturation(
    mean: Array, variance: Array, dark_adu: float, fraction: float, largest_adu: float
) -> Saturation:
    """Levels below saturation.

    Parameters
    ----------
    mean, variance : array (n,)
        Mean [ADU] and temporal variance [ADU^2] of each level, averages over the pixels.
    dark_adu : float
        Mean without light [ADU].
    fraction : float
        Levels below this fraction of the saturation level are usable, and at least five standard deviations below it.
    largest_adu : float
        Largest count of the brightest level [ADU].
    """
    top = int(np.argmax(mean))
    most = int(np.argmax(variance))
    if variance[top] > _COLLAPSED * variance[most]:
        return Saturation(np.ones(mean.size, np.bool_), None, None)
    level = float(mean[top])
    below = (mean - dark_adu < fraction * (level - dark_adu)) & (mean + 5.0 * np.sqrt(variance) < level)
    at_end = _is_converter_end(largest_adu) and level > dark_adu + 0.99 * (largest_adu - dark_adu)
    return Saturation(below, level, CONVERTER if at_end else WELL)


def _is_converter_end(count: float) -> bool:
    """Whether a count is the last one of a number of bits."""
    bits = float(np.log2(max(count, 0.0) + 1.0))
    return abs(bits - round(bits)) < 1e-12
