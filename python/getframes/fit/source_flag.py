"""What is wrong with a source of a scene, or doubtful about its fit."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

import numpy as np

from getframes.fit.source import parameter_positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.fit.patch import Patch

    Numbers = NDArray[np.float64]

FAINT_SIGMA = 5.0
"""A source without a flux so far above 0 is faint."""
BOUND_SIGMA = 2.0
"""A bound nearer than this cuts off more than 2 % of a normal law."""


class SourceFlag(IntFlag):
    """What is wrong with a source. One with a flag of `ENDING` is not fitted (any more); its light is still taken off where it reaches into a patch. The others say that
    its last fit is doubtful."""

    OUT_OF_BOUNDS = 1
    """Its catalog values are outside the bounds."""
    NO_PIXELS = 2
    """No exposure has a good pixel of it."""
    FAILED = 4
    """The fit of its patch ended in an error."""
    AT_BOUND = 8
    """A bound is within 2 standard deviations of a parameter: it shapes the result."""
    FAINT = 16
    """No flux is 5 standard deviations above 0."""
    UNSURE = 32
    """The optimum of its patch was not found, or its chains disagree, are too short or diverged."""


ENDING = SourceFlag.OUT_OF_BOUNDS | SourceFlag.NO_PIXELS | SourceFlag.FAILED


def doubts(
    patch: Patch, parameters: Numbers, covariance: Numbers, unsure: NDArray[np.bool_] | bool = False
) -> NDArray[np.int32]:
    """What is doubtful about each source of a fitted patch (S,), bits of `SourceFlag`.

    Parameters
    ----------
    patch : Patch
        As it was fitted.
    parameters, covariance : arrays (N,), (N, N)
        What came out.
    unsure : array (N,) of bool, or bool
        Parameters that were not found.
    """
    sigma = np.sqrt(np.diag(covariance))
    lower, upper = patch.bounds.T
    bounded = np.minimum(parameters - lower, upper - parameters) < BOUND_SIGMA * sigma
    seen = parameters > FAINT_SIGMA * sigma
    lost = np.broadcast_to(unsure, len(parameters))
    made = np.zeros(len(patch.sources), np.int32)
    for row, places in enumerate(parameter_positions(patch.sources)):
        fluxes = places[-len(patch.bands) :]
        made[row] |= int(SourceFlag.AT_BOUND) * bool(bounded[places].any())
        made[row] |= int(SourceFlag.FAINT) * (not seen[fluxes].any())
        made[row] |= int(SourceFlag.UNSURE) * bool(lost[places].any())
    return made
