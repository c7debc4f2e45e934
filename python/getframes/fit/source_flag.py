"""What is wrong with a source of a scene, or doubtful about its fit."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

import numpy as np

from getframes.fit.patch import TILE
from getframes.fit.source import parameter_positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.fit.patch import Patch

    Numbers = NDArray[np.float64]

FAINT_SIGMA = 5.0
"""A source without a flux so far above 0 is faint."""
BOUND_SIGMA = 2.0
"""A bound nearer than this cuts off more than 2 % of a normal law."""
MISFIT_SIGMA = 6.0
"""Noise leaves one pixel of 5e8 farther from the model."""


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
    MISFIT = 64
    """A pixel that is nearer to it than to others is 6 standard deviations from the model: a cosmic ray that was not masked, a source that the catalog lacks, a wrong PSF."""
    UNSEEN = 128
    """No pixel tells one of its fluxes, which stays about that of the catalog."""


ENDING = SourceFlag.OUT_OF_BOUNDS | SourceFlag.NO_PIXELS | SourceFlag.FAILED


def doubts(
    patch: Patch,
    parameters: Numbers,
    covariance: Numbers,
    unsure: NDArray[np.bool_] | bool = False,
    unseen: NDArray[np.bool_] | bool = False,
) -> NDArray[np.int32]:
    """What is doubtful about each source of a fitted patch (S,), bits of `SourceFlag`.

    Parameters
    ----------
    patch : Patch
        As it was fitted.
    parameters, covariance : arrays (N,) or longer, (N, N)
        What came out; backgrounds after the parameters of the sources.
    unsure : array (N,) of bool, or bool
        Parameters that were not found.
    unseen : array (N,) of bool, or bool
        Parameters that no pixel tells.
    """
    sigma, values = np.sqrt(np.diag(covariance)), parameters[: len(covariance)]
    lower, upper = patch.bounds.T
    bounded = np.minimum(values - lower, upper - values) < BOUND_SIGMA * sigma
    seen = values > FAINT_SIGMA * sigma
    lost, dark = (np.broadcast_to(each, len(values)) for each in (unsure, unseen))
    made = int(SourceFlag.MISFIT) * _misfits(patch, parameters).astype(np.int32)
    for row, places in enumerate(parameter_positions(patch.sources)):
        fluxes = places[-len(patch.bands) :]
        made[row] |= int(SourceFlag.AT_BOUND) * bool(bounded[places].any())
        made[row] |= int(SourceFlag.FAINT) * (not seen[fluxes].any())
        made[row] |= int(SourceFlag.UNSURE) * bool(lost[places].any())
        made[row] |= int(SourceFlag.UNSEEN) * bool(dark[places].any())
    return made


def _misfits(patch: Patch, parameters: Numbers) -> NDArray[np.bool_]:
    """Sources that are the nearest one of a pixel far from the model (S,)."""
    found = np.zeros(len(patch.sources), bool)
    sources = patch.filled(parameters[: len(patch.names)])
    moved = np.stack([sources["dra"], sources["ddec"]], axis=-1)
    for exposure, model in zip(patch.exposures, patch.rendered(parameters), strict=True):
        far = np.abs(exposure.data - model) * np.sqrt(exposure.weight) > MISFIT_SIGMA
        tile, pixel = np.nonzero(far)
        row, column = np.divmod(pixel, TILE)
        place = np.stack([exposure.x[tile] + column, exposure.y[tile] + row], axis=-1)
        away = np.einsum("sij,psj->psi", np.linalg.inv(exposure.jacobian), place[:, None] - exposure.position)
        found[np.argmin(np.linalg.norm(away - moved, axis=-1), axis=1)] = True
    return found
