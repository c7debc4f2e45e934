"""Rows of sources, and what is fitted of them.

A row has a reference position that never moves, and values that are fitted. Inside the fit a position is an offset from the reference, a size is circularized,
and a shape is a reduced shear on the sky:

| field | what | unit |
|---|---|---|
| id | number of the source in its catalog | |
| kind | `STAR` or `GALAXY` | |
| ra, dec | reference position | deg |
| dra, ddec | offset from it: d(ra) cos(dec) towards east, d(dec) towards north | arcsec |
| rhalf | circularized half-light radius, sqrt(a b); 0 of a star | arcsec |
| sersic | Sersic index; 0 of a star | |
| g1, g2 | \\|g\\| cos 2 phi and \\|g\\| sin 2 phi, \\|g\\| = (1 - q) / (1 + q), phi the angle of the major axis from east towards north | |
| flux | one for each band | of the catalog |

Where images have no WCS the sky is the pixels: ra and dec are x and y, and arcsec are px.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rows = Any
"""A structured array of `source_dtype`."""

STAR, GALAXY = 0, 1

SHAPES: dict[int, tuple[str, ...]] = {
    STAR: ("dra", "ddec"),
    GALAXY: ("dra", "ddec", "rhalf", "sersic", "g1", "g2"),
}
"""The nonlinear parameters of each kind, in their order."""


def source_dtype(n_bands: int) -> np.dtype[Any]:
    """Type of a row with so many fluxes."""
    numbers = [(name, np.float64) for name in ("ra", "dec", *SHAPES[GALAXY])]
    return np.dtype([("id", np.int64), ("kind", np.int32), *numbers, ("flux", np.float64, (n_bands,))])


def shape_names(kind: int) -> tuple[str, ...]:
    """The nonlinear parameters of a kind."""
    return SHAPES[int(kind)]


def parameter_names(rows: Rows, bands: Sequence[str]) -> tuple[str, ...]:
    """Names of all parameters, ``rhalf[17]`` of source 17: the nonlinear ones source by source, then the fluxes source by source."""
    shapes = [f"{name}[{row['id']}]" for row in rows for name in shape_names(row["kind"])]
    return (*shapes, *(f"flux_{band}[{row['id']}]" for row in rows for band in bands))


def parameters_of(rows: Rows) -> NDArray[np.float64]:
    """The parameters of rows in a row, as `parameter_names` has them."""
    shapes = [row[name] for row in rows for name in shape_names(row["kind"])]
    return np.concatenate([np.array(shapes, np.float64), np.ravel(rows["flux"])])


def with_parameters(rows: Rows, parameters: NDArray[np.float64]) -> Rows:
    """Copies of rows that have other parameters, given as `parameters_of` gives them."""
    made, given = rows.copy(), iter(np.asarray(parameters, np.float64).tolist())
    for row in made:
        for name in shape_names(row["kind"]):
            row[name] = next(given)
    made["flux"] = np.reshape(list(given), made["flux"].shape)
    return made


def parameter_positions(rows: Rows) -> list[NDArray[np.intp]]:
    """Where the parameters of each source stand among those of `parameter_names`."""
    counts = [len(shape_names(kind)) for kind in rows["kind"]]
    first = np.concatenate([[0], np.cumsum(counts, dtype=int)])
    n_bands = rows.dtype["flux"].shape[0]
    return [
        np.concatenate([np.arange(first[i], first[i + 1]), first[-1] + n_bands * i + np.arange(n_bands)])
        for i in range(len(rows))
    ]


def parameters_kept(rows: Rows, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the parameters of rows (N,) are those of the chosen ones (S,)."""
    counts = [len(shape_names(kind)) for kind in rows["kind"]]
    return np.concatenate([np.repeat(chosen, counts), np.repeat(chosen, rows.dtype["flux"].shape[0])])


def slots(rows: Rows) -> NDArray[np.bool_]:
    """Which parameters of `SLOTS` and the bands each source has (S, K), K = 6 + B."""
    galaxy = (
        np.array([name in SHAPES[STAR] for name in SHAPES[GALAXY]])[None] | (rows["kind"] == GALAXY)[:, None]
    )
    return np.hstack([galaxy, np.ones(rows["flux"].shape, bool)])
