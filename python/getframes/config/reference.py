"""The tables of the reference pages."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from getframes.config.camera import CameraConfig
from getframes.config.camera_fields import FIELDS
from getframes.config.field import Field


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
    return [row("camera", entry, _default(entry)) for entry in FIELDS]


def row(table: str, entry: Field, default: str) -> Row:
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
