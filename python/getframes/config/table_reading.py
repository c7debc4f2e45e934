"""Values of a table of a file, checked against its fields."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from getframes.config.document import Document, Place
from getframes.config.field import Field
from getframes.config.tables import Table, children_of
from getframes.errors import DomainError, did_you_mean


def read_whole(document: Document, defaults_unless: Collection[str] | None = None) -> dict[str, Any]:
    """The tables of a file by their names, as `read_tables` gives them.

    Parameters
    ----------
    document : Document
        The file.
    defaults_unless : collection of str, optional
        Tables that say something by not being there; any other that is not there holds its defaults. None has them when left out.

    Raises
    ------
    ConfigError
        With every problem of the tables, and every key of the file that is none of them.
    """
    names = list(children_of("", document.tables))
    for key in document.values:
        if key not in names:
            document.problem((key,), f"unknown table {key!r}{did_you_mean(key, names)}")
    found = read_tables(document)
    document.require_none()
    if defaults_unless is not None:
        for table in document.tables:
            if found[table.name] is None and table.name not in defaults_unless:
                found[table.name] = {field.name: field.default for field in table.fields}
    return found


def read_tables(document: Document, name: str = "", place: Place = ()) -> dict[str, Any]:
    """The tables that stand in table `name`, with defaults filled in; problems go to the document.

    A table that is not there is None, an array of tables that is not there is empty.
    """
    inside = _at(document.values, place)
    found: dict[str, Any] = {}
    for key, table in children_of(name, document.tables).items():
        if key in inside:
            found[key] = _read_child(document, table, (*place, key), inside[key])
        else:
            found[key] = () if table.repeated else None
            if table.required:
                document.problem(place, f"[{table.name}] is missing")
    return found


def _read_child(document: Document, table: Table, place: Place, value: Any) -> Any:
    if not table.repeated:
        return _read_table(document, table, place, value)
    if not isinstance(value, list):
        document.problem(place, f"{table.name} must be an array of tables, as in [[{table.name}]]")
        return ()
    return tuple(_read_table(document, table, (*place, i), item) for i, item in enumerate(value))


def _read_table(document: Document, table: Table, place: Place, values: Any) -> dict[str, Any] | None:
    if not isinstance(values, dict):
        document.problem(place, f"{table.name} must be a table, as in [{table.name}]")
        return None
    fields = _fields(table, values)
    _report_unknown(document, table, place, values, [field.name for field in fields])
    _report_missing(document, table, place, values, fields)
    read = {field.name: _read_field(document, field, table, place, values) for field in fields}
    return {**read, **read_tables(document, table.name, place)}


def _fields(table: Table, values: dict[str, Any]) -> tuple[Field, ...]:
    """The keys of the table, for the `type` that it has."""
    kind = values.get("type")
    if not table.variants or (isinstance(kind, str) and kind in table.variants):
        return table.keys(kind)
    fields = {
        field.name: field for kind in table.variants for field in table.variants[kind] if field.name in values
    }
    return (*table.fields, *fields.values())


def _report_unknown(
    document: Document, table: Table, place: Place, values: dict[str, Any], known: Iterable[str]
) -> None:
    names = [*known, *children_of(table.name, document.tables)]
    elsewhere = {field.name for fields in table.variants.values() for field in fields}
    for key in values:
        if key in names:
            continue
        if key in elsewhere:
            text = f"[{table.name}] of type {values['type']!r} has no {key!r}"
        else:
            text = f"unknown key {key!r} in [{table.name}]{did_you_mean(key, names)}"
        document.problem((*place, key), text)


def _report_missing(
    document: Document, table: Table, place: Place, values: dict[str, Any], fields: tuple[Field, ...]
) -> None:
    missing = [repr(field.name) for field in fields if field.required and field.name not in values]
    if missing and table.base not in values:
        base = f"{table.base!r}, or " if table.base else ""
        document.problem(place, f"[{table.name}] needs {base}{', '.join(missing)}")


def _read_field(document: Document, field: Field, table: Table, place: Place, values: dict[str, Any]) -> Any:
    if field.name not in values:
        return field.default
    try:
        return field.read(values[field.name], table.name, strict=True)
    except DomainError as error:
        document.problem((*place, field.name), str(error))
        return field.default


def _at(values: Any, place: Place) -> dict[str, Any]:
    for step in place:
        values = values[step]
    return values if isinstance(values, dict) else {}
