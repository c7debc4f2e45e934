"""What makes a row of an input catalog unusable: a flag for each kind of reason, and the reason in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import IntFlag
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.fit.grouping import points_of
from getframes.fit.source import GALAXY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.fit.catalog import SourceCatalog

    Rows = NDArray[np.bool_]

LEAST_SERSIC, GREATEST_SERSIC = 0.5, 6.0
TOO_CLOSE = 1e-3
"""Distance below which two sources have one position [arcsec, or px without WCS]."""


class RowFlag(IntFlag):
    """Why a row of a catalog is not used."""

    ID = 1
    """No whole number, or one that an earlier row has."""
    KIND = 2
    """Neither star nor galaxy."""
    POSITION = 4
    """Not finite, or off the sphere."""
    DUPLICATE = 8
    """The position of an earlier row."""
    SIZE = 16
    """Half-light radius of a galaxy not positive, or that of a star negative."""
    SERSIC = 32
    """Of a galaxy, not in [0.5, 6]."""
    SHAPE = 64
    """Axis ratio or position angle of a galaxy impossible."""
    ROI = 128
    """Radius of influence not positive."""
    FLUX = 256
    """Not finite, or not positive where it has to be."""
    BOUNDS = 512
    """Outside the bounds that were given."""


class Problem(NamedTuple):
    """What is wrong with a row.

    Attributes
    ----------
    row, id : int
        Number of the row, from 0, and id of the source.
    flag : RowFlag
        The kind of reason.
    column, rule : str
        Of the table.
    value : Any
        What it is.
    """

    row: int
    id: int
    flag: RowFlag
    column: str
    rule: str
    value: Any

    def __str__(self) -> str:
        return f"row {self.row} (id {self.id}): {self.column} must be {self.rule}, got {self.value}"


class Rule(NamedTuple):
    """A rule for a column, and the rows that break it."""

    flag: RowFlag
    column: str
    rule: str
    bad: Rows
    values: NDArray[Any]

    def problems(self, ids: NDArray[np.int64]) -> Iterator[Problem]:
        """One for each row that breaks it."""
        for row in np.flatnonzero(self.bad).tolist():
            yield Problem(row, int(ids[row]), self.flag, self.column, self.rule, self.values[row])


def rules(
    catalog: SourceCatalog,
    *,
    bad_ids: Rows,
    bad_kinds: Rows,
    positive_flux: bool,
    bounds: Mapping[str, tuple[float, float]],
) -> list[Rule]:
    """Every rule, with the rows of a catalog that break it."""
    galaxy = catalog.kind == GALAXY
    first, second = catalog.position_columns
    x, y = catalog.position.T
    on_sphere = np.isfinite(y) & ((np.abs(y) <= 90.0) | (not catalog.sky))
    made = [
        Rule(RowFlag.ID, "id", "a whole number", bad_ids, catalog.id),
        Rule(RowFlag.ID, "id", "that of no earlier row", _repeated(catalog.id) & ~bad_ids, catalog.id),
        Rule(RowFlag.KIND, "kind", "'star' or 'galaxy'", bad_kinds, catalog.kind),
        Rule(RowFlag.POSITION, first, "finite", ~np.isfinite(x), x),
        Rule(RowFlag.POSITION, second, "in [-90, 90] deg" if catalog.sky else "finite", ~on_sphere, y),
        Rule(
            RowFlag.DUPLICATE,
            f"{first}, {second}",
            f"farther than {TOO_CLOSE:g} {catalog.size_unit} from every earlier row",
            _same_position(catalog),
            catalog.position,
        ),
        Rule(RowFlag.SIZE, "rhalf", "> 0 for a galaxy", galaxy & ~_positive(catalog.rhalf), catalog.rhalf),
        Rule(
            RowFlag.SERSIC,
            "sersic",
            f"in [{LEAST_SERSIC}, {GREATEST_SERSIC}]",
            galaxy & ~_within(catalog.sersic, LEAST_SERSIC, GREATEST_SERSIC),
            catalog.sersic,
        ),
        Rule(RowFlag.SHAPE, "q", "in (0, 1]", galaxy & ~(_positive(catalog.q) & (catalog.q <= 1)), catalog.q),
        Rule(RowFlag.SHAPE, "pa", "finite", galaxy & ~np.isfinite(catalog.pa), catalog.pa),
        Rule(RowFlag.ROI, "roi", "> 0", ~_positive(catalog.roi), catalog.roi),
    ]
    for band, flux in zip(catalog.bands, catalog.flux.T, strict=True):
        good: Callable[[Any], Rows] = _positive if positive_flux else np.isfinite
        made.append(Rule(RowFlag.FLUX, band, "> 0" if positive_flux else "finite", ~good(flux), flux))
    for name, (low, high) in bounds.items():
        values = catalog.column(name)
        applies = galaxy if name in ("rhalf", "sersic", "q", "pa") else np.ones(len(catalog), bool)
        outside = applies & np.isfinite(values) & ~_within(values, low, high)
        made.append(Rule(RowFlag.BOUNDS, name, f"in [{low:g}, {high:g}]", outside, values))
    return made


def _positive(values: NDArray[Any]) -> Rows:
    return np.asarray(np.isfinite(values) & (values > 0.0))


def _within(values: NDArray[Any], low: float, high: float) -> Rows:
    return np.asarray((values >= low) & (values <= high))


def _repeated(ids: NDArray[np.int64]) -> Rows:
    """Rows whose id an earlier row has."""
    repeated = np.ones(ids.size, bool)
    repeated[np.unique(ids, return_index=True)[1]] = False
    return repeated


def _same_position(catalog: SourceCatalog) -> Rows:
    """Rows whose position an earlier row has; those without a position are no rows."""
    from scipy.spatial import KDTree

    there = np.flatnonzero(np.isfinite(catalog.position).all(axis=1))
    repeated = np.zeros(len(catalog), bool)
    if there.size:
        points = points_of(*catalog.position[there].T, sky=catalog.sky)
        pairs = KDTree(points).query_pairs(TOO_CLOSE, output_type="ndarray")
        repeated[there[pairs.max(axis=1, initial=-1)]] = True
    return repeated
