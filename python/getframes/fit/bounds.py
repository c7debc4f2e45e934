"""Least and greatest values of parameters, by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, did_you_mean, require
from getframes.fit.source import GALAXY, SHAPES, Rows, parameter_positions, slots

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

UNBOUNDED = (-np.inf, np.inf)
USUAL = {
    "dra": (-1.0, 1.0),
    "ddec": (-1.0, 1.0),
    "rhalf": (0.01, 20.0),
    "sersic": (0.5, 6.0),
    "g1": (-0.7, 0.7),
    "g2": (-0.7, 0.7),
}
"""What holds where nothing is said [arcsec, or px where there is no sky]; fluxes have no bounds."""


def bounds_of(given: Mapping[str, Any], rows: Rows, bands: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Lower and upper bounds of the parameters of sources, (n, 6 + B) each.

    Parameters
    ----------
    given : mapping
        Pairs of numbers, or of arrays (n,), by name: dra, ddec, rhalf, sersic, g1, g2, flux of all bands, or flux_BAND of one. What is not there has the
        bounds of `USUAL`.
    rows : structured array (n,)
        The sources.
    bands : sequence of str
        Names of the bands.

    Raises
    ------
    DomainError
        If a name is unknown, or bounds are no pair in order.
    """
    fluxes = [f"flux_{band}" for band in bands]
    names = (*SHAPES[GALAXY], *fluxes)
    for name in given:
        if name not in (*names, "flux"):
            raise DomainError(f"bounds have no {name!r}{did_you_mean(name, (*names, 'flux'))}")
    pairs = [given.get(name, given.get("flux") if name in fluxes else None) for name in names]
    pairs = [
        USUAL.get(name, UNBOUNDED) if pair is None else pair for name, pair in zip(names, pairs, strict=True)
    ]
    lower, upper = np.empty((2, len(rows), len(names)))
    for column, (name, pair) in enumerate(zip(names, pairs, strict=True)):
        low, high = _pair(name, pair)
        require(bool(np.all(low <= high)), "bounds", name, "in order", pair)
        lower[:, column], upper[:, column] = low, high
    return lower, upper


def in_order(rows: Rows, lower: Numbers, upper: Numbers) -> Numbers:
    """Bounds (N, 2) of the N parameters of sources, as `getframes.fit.source.parameter_names` has them, from those of `bounds_of`."""
    order = parameter_positions(rows)
    made = np.empty((sum(map(len, order)), 2))
    for low, high, own, at in zip(lower, upper, slots(rows), order, strict=True):
        made[at, 0], made[at, 1] = low[own], high[own]
    return made


def _pair(name: str, pair: Any) -> tuple[Any, Any]:
    try:
        low, high = (np.asarray(each, np.float64) for each in pair)
    except (TypeError, ValueError):
        raise DomainError(f"bounds.{name} must be a least and a greatest value, got {pair!r}") from None
    return low, high


def outside(rows: Rows, lower: Numbers, upper: Numbers) -> NDArray[np.bool_]:
    """Sources with a parameter outside its bounds (n,)."""
    values = np.column_stack([*(rows[name] for name in SHAPES[GALAXY]), rows["flux"]])
    wrong: NDArray[np.bool_] = np.any(slots(rows) & ~((values >= lower) & (values <= upper)), axis=1)
    return wrong
