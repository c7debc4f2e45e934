"""What a data set was made from, in a form that can be compared."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import fields, is_dataclass
from enum import Enum
from types import CodeType, FunctionType
from typing import Any

import numpy as np


def digest(value: Any) -> str:
    """SHA-256 of a value's content: equal content, in this process or another, gives the same digest.

    Looks into dataclasses, sequences, mappings, arrays and functions. Other objects count by what they would
    put into a pickle, and by their class alone where they cannot be pickled.
    """
    running = hashlib.sha256()
    _feed(running, value, ())
    return running.hexdigest()


def _feed(running: Any, value: Any, above: tuple[int, ...]) -> None:
    """Add one value, as a tag, the number of its parts, and the parts."""
    if id(value) in above:
        running.update(b"cycle;")
        return
    tag, parts = _taken_apart(value)
    running.update(f"{tag}:{len(parts)};".encode())
    for part in parts:
        if isinstance(part, bytes):
            running.update(f"{len(part)}:".encode() + part)
        else:
            _feed(running, part, (*above, id(value)))


def _taken_apart(value: Any) -> tuple[str, list[Any]]:
    """A tag for the kind of value, and its parts: bytes where it ends, else further values."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (
        isinstance(value, bool | int | float | complex | str | bytes) and not isinstance(value, Enum)
    ):
        return type(value).__name__, [repr(value).encode()]
    if isinstance(value, Enum):
        return _name(type(value)), [value.value]
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        little = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        return f"array {little.dtype.str} {value.shape}", [little.tobytes()]
    if isinstance(value, list | tuple):
        return "sequence", list(value)
    if isinstance(value, dict):
        return "mapping", [part for key in sorted(value, key=repr) for part in (key, value[key])]
    if isinstance(value, set | frozenset):
        return "set", sorted(digest(part) for part in value)
    if isinstance(value, type):
        return "class", [_name(value).encode()]
    return _object_taken_apart(value)


def _object_taken_apart(value: Any) -> tuple[str, list[Any]]:
    kept = getattr(value, "__dict__", {})
    if is_dataclass(value) and all(item.name in kept for item in fields(value)):
        return _name(type(value)), [getattr(value, item.name) for item in fields(value) if item.compare]
    if isinstance(value, FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        return _name(value), [value.__code__, value.__defaults__, cells]
    if isinstance(value, CodeType):
        return "code", [value.co_code, value.co_names, value.co_consts]
    if isinstance(value, functools.partial):
        return "partial", [value.func, value.args, value.keywords]
    try:
        reduced = value.__reduce_ex__(4)
    except TypeError:  # cannot be pickled
        return _name(type(value)), []
    return _name(type(value)), [reduced.encode()] if isinstance(reduced, str) else list(reduced[1:3])


def _name(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"
