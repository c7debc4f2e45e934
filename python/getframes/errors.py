"""Errors of getframes: every message names the thing, the rule and the value."""

from __future__ import annotations

from difflib import get_close_matches
from numbers import Integral
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class GetframesError(Exception):
    """Base class of every error raised on purpose by getframes."""


class DomainError(GetframesError, ValueError):
    """A value breaks the rule of the thing it was given for."""


class ShapeError(GetframesError, ValueError):
    """Two arrays, or an array and a sensor, do not fit together."""


class SingularError(GetframesError, ValueError):
    """The data do not determine an unknown of a linear system."""


class ConfigError(GetframesError, ValueError):
    """A configuration file has an unknown key, a wrong type or an impossible value."""


class UnknownPresetError(GetframesError, KeyError):
    """No shipped camera has this name."""

    def __str__(self) -> str:
        return str(self.args[0])


class MissingEntryError(GetframesError, KeyError):
    """A mapping lacks an entry that is needed."""

    def __str__(self) -> str:
        return str(self.args[0])


class StageNotAvailableError(GetframesError, NotImplementedError):
    """A camera needs a stage of the signal chain that this version does not have."""


class SizeError(GetframesError, MemoryError):
    """An array would not fit in memory; nothing has been allocated."""


class InputError(GetframesError, OSError):
    """A file could not be read: it is not there, not allowed, or the disk fails."""


class MissingFileError(InputError, FileNotFoundError):
    """A file is not there, or has vanished."""


class OutputError(GetframesError, OSError):
    """A file or folder could not be written; nothing under a final name was touched."""


class OutputExistsError(OutputError, FileExistsError):
    """A file is there already and was not to be replaced."""


class IntegrityError(GetframesError, ValueError):
    """A file differs from what was written."""


def require(holds: bool, owner: Any, field: str, rule: str, value: Any) -> None:
    """Raise `DomainError` unless the rule holds: ``CameraConfig.prnu must be >= 0, got -1``.

    `owner` is a string, or an object whose class names the owner; empty for none.
    """
    if not holds:
        name = owner if isinstance(owner, str) else type(owner).__name__
        thing = f"{name}.{field}" if name else field
        raise DomainError(f"{thing} must be {rule}, got {value!r}")


def require_count(value: Any, owner: Any, field: str) -> int:
    """`value` as an int; raise `DomainError` unless it is a positive integer (True is none)."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    require(whole and value >= 1, owner, field, "a positive integer", value)
    return int(value)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'prnu'?)`` for the nearest known word, else an empty string."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""
