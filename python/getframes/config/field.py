"""What a setting is: its name, type, unit, rule and meaning, in one place.

The cameras, the experiment files and the reference pages all read such tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, NamedTuple

from getframes.errors import DomainError
from getframes.quantity import plain


class Rule(NamedTuple):
    """A condition on one value, and its text in an error: ``must be {text}``."""

    text: str
    holds: Callable[[Any], bool]


ANY = Rule("", lambda value: True)
POSITIVE = Rule("> 0", lambda value: bool(value > 0))
NOT_NEGATIVE = Rule(">= 0", lambda value: bool(value >= 0))
AT_LEAST_ONE = Rule(">= 1", lambda value: bool(value >= 1))
WORD = Rule("not empty", lambda text: bool(text.strip()))
BELOW_ONE = Rule("in [0, 1)", lambda value: bool(0 <= value < 1))
FRACTION = Rule("in [0, 1]", lambda value: bool(0 <= value <= 1))


class MisfitError(ValueError):
    """A value is not of the type of its field; the text says what it must be."""


class Kind(NamedTuple):
    """A type of value: its name in the reference, and how a raw value becomes a plain one."""

    name: str
    read: Callable[[Any, bool], Any]


@dataclass(frozen=True)
class Field:
    """One setting.

    Attributes
    ----------
    name : str
        The key in files and the argument in Python.
    kind : Kind
        Its type.
    doc : str
        What it means.
    rule : Rule
        What a value must obey.
    unit : str
        Its unit, empty for none.
    default : Any
        The value when it is left out (for the reference; None for none).
    required : bool
        Whether it must be given.
    optional : bool
        Whether None is a value.
    stage : str
        The stage of the signal chain, not in this version, that the setting belongs to; empty for none.
    asks : str
        What a value other than the neutral one asks that stage for: "frame" or nothing.
    """

    name: str
    kind: Kind
    doc: str
    rule: Rule = ANY
    unit: str = ""
    default: Any = None
    required: bool = False
    optional: bool = False
    stage: str = ""
    asks: str = ""

    @property
    def rule_text(self) -> str:
        """The rule with its unit: ``>= 0 e-/s``."""
        return f"{self.rule.text} {self.unit}".strip() if self.rule.text else ""

    def read(self, value: Any, owner: str, *, strict: bool = False) -> Any:
        """`value` as a plain value of this field.

        `strict` is for files: an integer then is an integer, and None is no value.

        Raises
        ------
        DomainError
            Naming owner, field, rule and value.
        """
        if value is None and self.optional and not strict:
            return None
        try:
            result = self.kind.read(plain(value, self.unit, owner, self.name), strict)
        except MisfitError as misfit:
            wanted = f"{misfit} {self.rule_text}".strip()
            raise DomainError(f"{owner}.{self.name} must be {wanted}, got {shown(value)}") from None
        if not self.rule.holds(result):
            raise DomainError(f"{owner}.{self.name} must be {self.rule_text}, got {shown(value)}")
        return result


def shown(value: Any) -> str:
    """`value` as an error shows it: numpy numbers as plain ones, long values cut."""
    value = _unboxed(value)
    text = str(value) if hasattr(value, "to_value") else repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _unboxed(value: Any) -> Any:
    """A numpy scalar or 0-d array as the Python value it holds."""
    if getattr(value, "shape", None) == () and hasattr(value, "item") and not hasattr(value, "to_value"):
        return value.item()
    return value


def as_number(value: Any, strict: bool = False) -> float:
    """`value` as a finite float."""
    value = _unboxed(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise MisfitError("a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise MisfitError("a finite number")
    return number


def as_integer(value: Any, strict: bool = False) -> int:
    """`value` as an int; 16.0 is 16 unless strict."""
    value = _unboxed(value)
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, Real) or strict or not float(value).is_integer():
        raise MisfitError("an integer")
    return int(float(value))


def as_text(value: Any, strict: bool = False) -> str:
    """`value`, which must be a string."""
    if not isinstance(value, str):
        raise MisfitError("a string")
    return str(value)


def as_flag(value: Any, strict: bool = False) -> bool:
    """`value`, which must be true or false."""
    value = _unboxed(value)
    if not isinstance(value, bool):
        raise MisfitError("true or false")
    return value


def as_mapping(value: Any, strict: bool = False) -> dict[str, Any]:
    """A copy of `value`, which must be a table with string keys."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise MisfitError("a table with string keys")
    return dict(value)


def _elements(value: Any, noun: str) -> list[Any]:
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
        raise MisfitError(noun)
    return list(value)


def _many(one: Callable[[Any, bool], Any], noun: str, length: int | None) -> Callable[[Any, bool], Any]:
    def read(value: Any, strict: bool) -> Any:
        items = _elements(value, noun)
        if length is not None and len(items) != length:
            raise MisfitError(noun)
        try:
            return tuple(one(item, strict) for item in items)
        except MisfitError:
            raise MisfitError(noun) from None

    return read


def numbers(noun: str, length: int | None = None) -> Kind:
    """Numbers in a row, kept as a tuple; `length` of them when given."""
    return Kind(_array_name("float", length), _many(as_number, noun, length))


def integers(noun: str, length: int | None = None) -> Kind:
    """Integers in a row, kept as a tuple; `length` of them when given."""
    return Kind(_array_name("integer", length), _many(as_integer, noun, length))


def texts(noun: str) -> Kind:
    """Strings in a row, kept as a tuple."""
    return Kind(_array_name("string", None), _many(as_text, noun, None))


def _array_name(item: str, length: int | None) -> str:
    return f"array of {item}" if length is None else f"array of {length} {item}"


def one_of(*words: str) -> Rule:
    """The rule of a text that is one of `words`."""
    return Rule("one of " + ", ".join(repr(word) for word in words), lambda value: value in words)


NUMBER = Kind("float", as_number)
INTEGER = Kind("integer", as_integer)
TEXT = Kind("string", as_text)
FLAG = Kind("boolean", as_flag)
TABLE = Kind("table", as_mapping)
