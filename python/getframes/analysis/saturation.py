"""Which levels of a series of flats are below saturation, and what saturates.

With light the mean of a pixel rises, and its variance with it, until the pixel (or its output) holds no more charge or the converter ends:
there the mean stays, and the variance collapses. The lower of the two ends is all that can be seen from outside. Which one it is shows in the
variance that is left: behind a full well there is still read noise, at the end of the converter there is none.

Source: Janesick 2007, *Photon Transfer*, doi:10.1117/3.725073, chapter 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

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


def saturation(mean: Array, variance: Array, dark_adu: float, fraction: float) -> Saturation:
    """Levels below saturation.

    Parameters
    ----------
    mean, variance : array (n,)
        Mean [ADU] and temporal variance [ADU^2] of each level, averages over the pixels.
    dark_adu : float
        Mean without light [ADU].
    fraction : float
        Levels below this fraction of the saturation level are usable, and at least five standard deviations below it.
    """
    top = int(np.argmax(mean))
    most = int(np.argmax(variance))
    expected = variance[most] * (mean[top] - dark_adu) / max(mean[most] - dark_adu, 1e-300)
    if variance[top] > 0.5 * expected:
        return Saturation(np.ones(mean.size, np.bool_), None, None)
    level = float(mean[top])
    below = (mean - dark_adu < fraction * (level - dark_adu)) & (mean + 5.0 * np.sqrt(variance) < level)
    ends = variance[top] < 1e-3 and _is_converter_end(level)
    return Saturation(below, level, CONVERTER if ends else WELL)


def _is_converter_end(level: float) -> bool:
    bits = round(float(np.log2(max(level, 0.0) + 1.0)))
    return bool(abs(level - (2.0**bits - 1.0)) < 1e-3 * level)
