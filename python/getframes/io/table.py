"""Columns of any kind of table, as plain arrays of float64."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, did_you_mean, require
from getframes.quantity import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

TEXT_FORMATS = {".csv": "ascii.csv", ".ecsv": "ascii.ecsv"}
FITS_SUFFIXES = {".fits", ".fit", ".fts"}


def open_table(table: Any) -> Any:
    """The table itself, or the one in a FITS, CSV or ECSV file (also gzipped)."""
    if not isinstance(table, (str, Path)):
        return table
    import warnings

    from astropy.table import Table
    from astropy.units import UnitsWarning

    path = Path(table)
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix.lower() in FITS_SUFFIXES:
        form = "fits"
    else:
        known = [*TEXT_FORMATS, *sorted(FITS_SUFFIXES)]
        require(suffix.lower() in TEXT_FORMATS, "", "table file", f"one of {', '.join(known)}", str(path))
        form = TEXT_FORMATS[suffix.lower()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnitsWarning)  # said where such a column is needed
            return Table.read(path, format=form)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise DomainError(f"{path} must be a table in {form}: {error}") from error


def column_names(table: Any) -> list[str]:
    """Names of the columns of an astropy Table, pandas frame, structured array or mapping."""
    if isinstance(table, Mapping):
        return [str(name) for name in table]
    for names in (
        getattr(table, "colnames", None),
        getattr(table, "columns", None),
        getattr(getattr(table, "dtype", None), "names", None),
    ):
        if names is not None:
            return [str(name) for name in names]
    raise DomainError(f"table must be a table, a dict of arrays or a path, got {type(table).__name__}")


def with_known_unit(column: Any) -> Any:
    """A column of a table; a unit of FITS that only astropy knows (``electron s-1``) is understood."""
    from astropy.units import Unit, UnrecognizedUnit

    if not isinstance(getattr(column, "unit", None), UnrecognizedUnit):
        return column
    known = column.copy()
    known.unit = Unit(str(column.unit), parse_strict="silent")
    return known


def read_column(table: Any, name: str, unit: str) -> Column:
    """One column in `unit`, finite in every row.

    Raises
    ------
    DomainError
        When there is no such column, it is not numbers, or a row is masked, NaN or infinite (names the row).
    """
    values, masked = numbers(table, name, unit)
    bad = masked | ~np.isfinite(values)
    if bad.any():
        row = int(np.argmax(bad))
        got = "no value" if masked[row] else f"{values[row]}"
        raise DomainError(f"Catalog column {name!r} must be finite in every row, got {got} in row {row}")
    return values


def numbers(table: Any, name: str, unit: str, owner: str = "Catalog") -> tuple[Column, NDArray[np.bool_]]:
    """One column in `unit`, and where it is masked; `owner` is named in errors.

    Raises
    ------
    DomainError
        When there is no such column, it is not numbers, or has another kind of unit.
    """
    names = column_names(table)
    if name not in names:
        raise DomainError(
            f"{owner} column must be one of {', '.join(names)}, got {name!r}{did_you_mean(name, names)}"
        )
    raw = table[name]
    values = _numbers(raw, name, unit, owner)
    return values, np.broadcast_to(_mask(raw), values.shape)


def _numbers(raw: Any, name: str, unit: str, owner: str) -> Column:
    if getattr(raw, "unit", None) is not None and not hasattr(raw, "to_value"):
        raw = with_known_unit(raw).quantity  # a column of an astropy table with a unit
    holder, thing = ("", f"{owner} {name}") if owner.endswith(":") else (owner, name)
    raw = plain(raw, unit, holder, thing)
    try:
        if hasattr(raw, "to_numpy"):
            values = raw.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            values = np.ma.getdata(np.ma.asarray(raw)).astype(np.float64)
    except (TypeError, ValueError):
        raise DomainError(f"{owner} column {name!r} must be numbers, got {raw!r:.80}") from None
    require(values.ndim == 1, holder, thing, "one-dimensional", values.shape)
    return np.ascontiguousarray(values)


def _mask(raw: Any) -> NDArray[np.bool_]:
    mask = np.ma.getmaskarray(raw) if np.ma.isMaskedArray(raw) else getattr(raw, "mask", False)
    return np.zeros(1, bool) if callable(mask) else np.asarray(mask)  # pandas has a method of that name
