"""The part of the sky that a patch looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Region:
    """The circles of influence of the active sources of a patch, A of them.

    Attributes
    ----------
    id : int
        Number of the patch.
    seed : int
        Of what is random in its fit.
    ra, dec : array (A,)
        Centres of the circles [deg], or x and y [px].
    radius : array (A,)
        Their radii [arcsec], or [px].
    sky : bool
        Whether there is a sky, or only pixels.
    """

    id: int
    seed: int
    ra: Numbers
    dec: Numbers
    radius: Numbers
    sky: bool
