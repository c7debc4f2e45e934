"""The tables of the reference pages."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from getframes.config.camera import CameraConfig
from getframes.config.camera_fields import FIELDS
from getframes.config.field import Field
from getframes.config.tables import TABLES, Table


class Row(NamedTuple):
    """One line of the reference: a key of a table, and what it is."""

    table: str
    key: str
    type: str
    default: str
    rule: str
    meaning: str


def field_rows() -> list[Row]:
    """Every field of `CameraConfig`, in order."""
    return [_row("camera", entry, _default(entry)) for entry in FIELDS]


def documented_keys(tables: tuple[Table, ...] = TABLES) -> list[Row]:
    """Every key of every table of a file, in order; of an experiment file when left out."""
    return [row for table in tables for row in _table_rows(table)]


def _table_rows(table: Table) -> list[Row]:
    title = f"[[{table.name}]]" if table.repeated else f"[{table.name}]"
    rows = [_row(title, field, _given(table, field)) for field in table.fields]
    kinds: dict[Field, list[str]] = {}
    for kind, fields in table.variants.items():
        for field in fields:
            kinds.setdefault(field, []).append(kind)
    for field, names in kinds.items():
        line = _row(title, field, _given(table, field))
        rows.append(line._replace(meaning=f"{line.meaning} Goes with type {_listed(names)}."))
    return rows


def _listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _given(table: Table, field: Field) -> str:
    if table.name == "camera" and field in FIELDS:
        default = _default(field)
        return "required without preset" if default == "required" else default
    return "required" if field.required else as_toml(field.default)


def _row(table: str, entry: Field, default: str) -> Row:
    """The line of one field."""
    later = f" (later: {entry.stage})" if entry.stage else ""
    rule = entry.rule_text or entry.unit
    return Row(table, entry.name, entry.kind.name, default, rule, entry.doc + later)


def _default(entry: Field) -> str:
    if entry.required:
        return "required"
    default = next(item.default for item in dataclasses.fields(CameraConfig) if item.name == entry.name)
    if default is dataclasses.MISSING:
        return "{}"
    return as_toml(default)


def as_toml(value: object) -> str:
    """`value` as it would stand in a file; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(as_toml(item) for item in value) + "]"
    return str(value)
