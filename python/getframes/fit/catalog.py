"""The input catalog: a FITS binary table (or any table of astropy) of stars and galaxies.

| column         | unit   | what                                                                                                        |
|----------------|--------|-------------------------------------------------------------------------------------------------------------|
| id             |        | whole number, its own in every row                                                                          |
| ra, dec        | deg    | position, ICRS; or x, y [px, pixel centres at integers, the first 0] where images have no WCS               |
| rhalf          | arcsec | half-light radius along the major axis; 0 is a star [px with x, y]                                          |
| sersic         |        | Sersic index, in [0.5, 6]                                                                                   |
| q              |        | axis ratio b / a, in (0, 1]                                                                                 |
| pa             | deg    | position angle of the major axis, from north towards east; with x, y from +x towards +y                     |
| roi            | arcsec | radius of influence: sources whose circles overlap are fitted together [px with x, y]                       |
| kind           |        | ``star`` or ``galaxy``; may be left out, then rhalf decides                                                 |
| one for each band |     | flux, under the name of the band; all in one unit                                                           |

The header names the bands, in their order: ``BANDS = 'F090W,F115W'``. A column without a unit has the one above; another unit of the same kind is converted. What
else the table has is kept. Shapes of stars are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, InputError, MissingFileError, ShapeError, did_you_mean, require
from getframes.fit.catalog_row import Problem, rules
from getframes.fit.shape import along_major_axis, axis_ratio_and_angle, circularized, reduced_shear
from getframes.fit.source import GALAXY, STAR, source_dtype
from getframes.io.atomic import replacing
from getframes.io.table import column_names, numbers, open_table, with_known_unit

if TYPE_CHECKING:
    from os import PathLike

    from astropy.io.fits import BinTableHDU
    from astropy.table import Table
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

NUMBERS = ("rhalf", "sersic", "q", "pa", "roi")
KINDS = {"star": STAR, "galaxy": GALAXY}
UNITS = {"id": "", "ra": "deg", "dec": "deg", "x": "px", "y": "px", "sersic": "", "q": "", "pa": "deg"}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SourceCatalog:
    """Stars and galaxies to be fitted, n of them, in B bands.

    Attributes
    ----------
    id : array (n,) of int
        Number of each source.
    position : array (n, 2)
        RA in [0, 360) and Dec [deg], or x and y [px].
    rhalf, sersic, q, pa, roi : array (n,)
        As the columns of the table.
    kind : array (n,) of int
        `STAR` or `GALAXY`.
    flux : array (n, B)
        In `flux_unit`.
    bands : tuple of str
        Names of the bands.
    sky : bool
        Whether positions are on the sky.
    flux_unit : str
        In the notation of astropy; empty where nothing is said.
    others : mapping
        What else the table has, by column.
    problems : tuple of Problem
        What is wrong with rows; in their order.
    name : str
        The file, or what else to call it.

    Raises
    ------
    ShapeError
        If columns differ in length.
    """

    id: NDArray[np.int64]
    position: Numbers
    rhalf: Numbers
    sersic: Numbers
    q: Numbers
    pa: Numbers
    roi: Numbers
    kind: NDArray[np.int32]
    flux: Numbers
    bands: tuple[str, ...]
    sky: bool = True
    flux_unit: str = ""
    others: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    name: str = "catalog"

    def __post_init__(self) -> None:
        rows = len(self.id)
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys((*NUMBERS, "kind"), (rows,))
        shapes |= {"position": (rows, 2), "flux": (rows, len(self.bands))}
        for name, shape in shapes.items():
            if np.shape(getattr(self, name)) != shape:
                raise ShapeError(
                    f"{self.name}: {name} must have shape {shape}, got {np.shape(getattr(self, name))}"
                )

    def __len__(self) -> int:
        return len(self.id)

    def __repr__(self) -> str:
        galaxies = int(np.count_nonzero(self.kind == GALAXY))
        bad = len(self) - int(np.count_nonzero(self.good))
        return f"SourceCatalog({len(self) - galaxies} stars, {galaxies} galaxies, bands {', '.join(self.bands)}, {bad} unusable rows)"

    @property
    def position_columns(self) -> tuple[str, str]:
        """Names of the columns of positions."""
        return ("ra", "dec") if self.sky else ("x", "y")

    @property
    def size_unit(self) -> str:
        """Unit of rhalf and roi."""
        return "arcsec" if self.sky else "px"

    @property
    def flags(self) -> NDArray[np.int32]:
        """Bits of `RowFlag` for each row (n,); 0 where a row is good."""
        made = np.zeros(len(self), np.int32)
        for problem in self.problems:
            made[problem.row] |= int(problem.flag)
        return made

    @property
    def good(self) -> NDArray[np.bool_]:
        """Rows that can be fitted (n,)."""
        return np.asarray(self.flags == 0)

    def reasons(self, row: int) -> list[str]:
        """What is wrong with a row, in words."""
        return [str(problem) for problem in self.problems if problem.row == row]

    def column(self, name: str) -> NDArray[Any]:
        """A column of the table, by its name there.

        Raises
        ------
        DomainError
            If there is none.
        """
        columns: dict[str, NDArray[Any]] = {"id": self.id, "kind": self.kind}
        columns |= dict(zip(self.position_columns, self.position.T, strict=True))
        columns |= {each: getattr(self, each) for each in NUMBERS}
        columns |= dict(zip(self.bands, self.flux.T, strict=True)) | dict(self.others)
        require(name in columns, self.name, "column", f"one of {', '.join(columns)}", name)
        return columns[name]

    def select(self, rows: NDArray[Any]) -> SourceCatalog:
        """The catalog of some rows, a mask or numbers; what was wrong with them is forgotten where they are good.

        Raises
        ------
        IndexError
            If there is no such row.
        """
        names = ("id", "position", *NUMBERS, "kind", "flux")
        kept = np.arange(len(self))[rows]
        new_row = {int(row): number for number, row in enumerate(kept.tolist())}
        problems = tuple(
            each._replace(row=new_row[each.row]) for each in self.problems if each.row in new_row
        )
        others = {name: np.asarray(values)[kept] for name, values in self.others.items()}
        columns: dict[str, Any] = {name: getattr(self, name)[kept] for name in names}
        return replace(self, **columns, others=others, problems=problems)

    def usable(self) -> SourceCatalog:
        """The catalog of the good rows."""
        return self.select(self.good)

    def sources(self) -> Any:
        """The rows as those of the fit (`getframes.fit.source`), sizes circularized and shapes as reduced shear.

        Raises
        ------
        DomainError
            If a row is not good: names the first.
        """
        if self.problems:
            raise DomainError(f"{self.name}: {self.problems[0]}; usable() leaves such rows out")
        rows = np.zeros(len(self), source_dtype(len(self.bands)))
        galaxy = self.kind == GALAXY
        rows["id"], rows["kind"], rows["flux"] = self.id, self.kind, self.flux
        rows["ra"], rows["dec"] = self.position.T
        rows["rhalf"][galaxy] = circularized(self.rhalf, self.q)[galaxy]
        rows["sersic"][galaxy] = self.sersic[galaxy]
        shear = reduced_shear(self.q, self.pa, sky=self.sky)
        rows["g1"][galaxy], rows["g2"][galaxy] = (each[galaxy] for each in shear)
        return rows

    def with_sources(self, rows: Any) -> SourceCatalog:
        """The catalog with the values of rows of the fit, matched by id, offsets added to the positions.

        Raises
        ------
        DomainError
            If an id is not in the catalog.
        """
        place = {
            number: row for row, number in reversed([*enumerate(self.id.tolist())])
        }  # the first of an id is the good one
        unknown = set(rows["id"].tolist()) - set(place)
        require(not unknown, self.name, "id", "in the catalog", sorted(unknown)[:3])
        at = np.array([place[number] for number in rows["id"].tolist()], np.intp)
        galaxy = rows["kind"] == GALAXY
        q, pa = axis_ratio_and_angle(rows["g1"], rows["g2"], sky=self.sky)
        made = {name: getattr(self, name).copy() for name in ("position", "flux", *NUMBERS)}
        made["position"][at], made["flux"][at] = moved(rows, sky=self.sky), rows["flux"]
        fitted = {"q": q, "pa": pa, "rhalf": along_major_axis(rows["rhalf"], q), "sersic": rows["sersic"]}
        for name, values in fitted.items():
            made[name][at[galaxy]] = values[galaxy]
        return replace(self, **made)

    def to_table(self) -> Table:
        """The table as it is written, with units and the bands in its `meta`."""
        from astropy.table import Table

        table = Table(meta={"BANDS": ",".join(self.bands)})
        words = {number: word for word, number in KINDS.items()}
        for name in ("id", *self.position_columns, *NUMBERS):
            table[name] = self.column(name)
            table[name].unit = _written_unit(name, self.size_unit)
        table["kind"] = [words.get(number, "") for number in self.kind.tolist()]
        for band, flux in zip(self.bands, self.flux.T, strict=True):
            table[band] = flux
            table[band].unit = self.flux_unit or None
        for name, values in self.others.items():
            table[name] = values
        return table


def moved(rows: Any, *, sky: bool = True) -> Numbers:
    """Positions of rows of the fit with their offsets, (n, 2): RA in [0, 360) and Dec [deg], or x and y [px]."""
    east, north = rows["dra"], rows["ddec"]
    if not sky:
        return np.stack([rows["ra"] + east, rows["dec"] + north], axis=-1)
    ra = rows["ra"] + east / (3600.0 * np.cos(np.deg2rad(rows["dec"])))
    return np.stack([wrapped(ra), rows["dec"] + north / 3600.0], axis=-1)


def wrapped(ra_deg: Numbers) -> Numbers:
    """The same RA in [0, 360) deg."""
    turned = np.mod(ra_deg, 360.0)
    return np.where(turned == 360.0, 0.0, turned)


def read_catalog(
    source: Any,
    *,
    bands: Sequence[str] | None = None,
    positive_flux: bool = False,
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> SourceCatalog:
    """Read an input catalog; rows that cannot be fitted are kept, and said to be so.

    Parameters
    ----------
    source : path or table
        A FITS, ECSV or CSV file; a table of astropy, a pandas frame, a structured array, or a dict of arrays.
    bands : sequence of str, optional
        Names of the bands, for a table whose header does not say (BANDS), or a choice of them.
    positive_flux : bool
        Whether a flux has to be above 0, as where its prior is one of its logarithm.
    bounds : mapping of str to (float, float), optional
        Least and greatest value of a column.

    Raises
    ------
    MissingFileError
        If there is no such file.
    DomainError
        If it is no table, lacks a column or the bands, or a column has a unit of another kind: names file and column.
    """
    name = str(source) if isinstance(source, str | Path) else "catalog"
    table = _opened(source, name)
    names = column_names(table)
    sky = _on_sky(names, name)
    found = tuple(bands) if bands is not None else _bands(table, name)
    size_unit = "arcsec" if sky else "px"
    position = ("ra", "dec") if sky else ("x", "y")
    for column in ("id", *position, *NUMBERS, *found):
        _require_column(column, names, name, found)
    values: dict[str, Any] = {
        column: _column(table, column, UNITS.get(column, size_unit), name) for column in (*position, *NUMBERS)
    }
    ids, bad_ids = _ids(table, name)
    kind, bad_kinds = _kinds(table, names, values["rhalf"])
    flux, flux_unit = _fluxes(table, found, name)
    place = np.stack([values[column] for column in position], axis=-1)
    if sky:
        place[:, 0] = wrapped(place[:, 0])
    values["rhalf"] = np.where(kind == STAR, 0.0, values["rhalf"])
    used = {"id", "kind", *position, *NUMBERS, *found}
    made = SourceCatalog(
        id=ids,
        position=place,
        kind=kind,
        flux=flux,
        bands=found,
        sky=sky,
        flux_unit=flux_unit,
        others={each: table[each] for each in names if each not in used},
        name=name,
        **{column: values[column] for column in NUMBERS},
    )
    every = rules(
        made, bad_ids=bad_ids, bad_kinds=bad_kinds, positive_flux=positive_flux, bounds=bounds or {}
    )
    problems = sorted((each for rule in every for each in rule.problems(made.id)), key=lambda each: each.row)
    return replace(made, problems=tuple(problems))


def write_catalog(catalog: SourceCatalog, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write a catalog to a ``.fits`` or ``.ecsv`` file that `read_catalog` reads, complete or not at all.

    Raises
    ------
    OutputError
        If the file exists already or cannot be written.
    """
    table = catalog.to_table()
    with replacing(path, overwrite=overwrite) as unfinished:
        if Path(path).suffix.lower() == ".ecsv":
            table.write(unfinished, format="ascii.ecsv")
        else:
            _fits_unit(table).writeto(unfinished, output_verify="exception")


def _fits_unit(table: Table) -> BinTableHDU:
    """The header-data unit of a table; units that the standard does not know are written too."""
    from astropy.io.fits import BinTableHDU

    units = {name: str(table[name].unit) for name in table.colnames if table[name].unit is not None}
    for name in units:
        table[name].unit = None
    unit = BinTableHDU(table, name="CATALOG")
    for number, name in enumerate(table.colnames, start=1):
        if name in units:
            unit.header[f"TUNIT{number}"] = units[name]
    unit.add_checksum(when="FITS standard 4.0, 4.4.2.7")
    return unit


def _opened(source: Any, name: str) -> Any:
    try:
        return open_table(source)
    except FileNotFoundError as error:
        raise MissingFileError(f"cannot read {name}: there is no such file") from error
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or error}") from error


def _on_sky(names: list[str], name: str) -> bool:
    """Whether positions are RA and Dec."""
    rule = "columns ra and dec [deg], or x and y [px]"
    sky = {"ra", "dec"} <= set(names)
    if not sky and not {"x", "y"} <= set(names):
        raise DomainError(f"{name} must have {rule}, got {', '.join(names)}")
    return sky


def _bands(table: Any, name: str) -> tuple[str, ...]:
    meta = {str(key).upper(): value for key, value in (getattr(table, "meta", None) or {}).items()}
    given = meta.get("BANDS")
    if isinstance(given, str):
        given = given.split(",")
    bands = tuple(str(band).strip() for band in given) if isinstance(given, list | tuple) else ()
    rule = "the bands, 'F090W,F115W', each once, where bands= does not say them"
    require(bool(bands) and all(bands) and len(set(bands)) == len(bands), "", f"{name}: BANDS", rule, given)
    return bands


def _require_column(column: str, names: list[str], name: str, bands: tuple[str, ...]) -> None:
    if column not in names:
        why = " (BANDS names it)" if column in bands else ""
        near = did_you_mean(column, names)
        raise DomainError(f"{name} must have a column {column!r}{why}, got {', '.join(names)}{near}")


def _column(table: Any, column: str, unit: str, name: str) -> Numbers:
    """A column of numbers, NaN where it is masked."""
    values, masked = numbers(table, column, unit, f"{name}:")
    return np.where(masked, np.nan, values)


def _ids(table: Any, name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Ids, and rows that have none; those are given -1, -2, ..."""
    raw = table["id"]
    if np.asarray(raw).dtype.kind in "iu" and not np.ma.is_masked(raw):
        return np.array(raw, np.int64), np.zeros(len(raw), bool)
    values = _column(table, "id", "", name)
    bad = ~np.isfinite(values) | (values != np.round(np.nan_to_num(values)))
    return np.where(bad, -1 - np.arange(values.size), np.nan_to_num(values)).astype(np.int64), bad


def _kinds(table: Any, names: list[str], rhalf: Numbers) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Kinds, and rows where a word is none."""
    by_size = np.where(rhalf == 0.0, STAR, GALAXY).astype(np.int32)
    if "kind" not in names:
        return by_size, np.zeros(rhalf.size, bool)
    raw = np.ma.filled(np.ma.asarray(table["kind"]).astype(str), "")
    words = np.char.lower(np.char.strip(raw.astype(str)))
    kind = np.select([words == word for word in KINDS], list(KINDS.values()), by_size).astype(np.int32)
    return kind, ~np.isin(words, [*KINDS, ""])


def _fluxes(table: Any, bands: tuple[str, ...], name: str) -> tuple[Numbers, str]:
    """Fluxes in the unit of the first band, and that unit."""
    units = [_unit_text(table[band], f"{name}: column {band!r}") for band in bands]
    for band, unit in zip(bands, units, strict=True):
        rule = f"in {units[0]!r}, as {bands[0]!r} is"
        require(bool(unit) == bool(units[0]), "", f"{name}: column {band!r}", rule, unit)
    columns = [_column(table, band, units[0], name) for band in bands]
    return np.stack(columns, axis=-1), units[0]


def _unit_text(column: Any, owner: str) -> str:
    """The unit of a column in the notation of astropy; empty for none."""
    from astropy.units import UnrecognizedUnit

    unit = getattr(with_known_unit(column), "unit", None)
    require(not isinstance(unit, UnrecognizedUnit), "", owner, "in a unit that astropy knows", str(unit))
    return "" if unit is None else str(unit)


def _written_unit(name: str, size_unit: str) -> str | None:
    unit = UNITS.get(name, size_unit)
    return {"": None, "px": "pix"}.get(unit, unit)
