"""The working precision: float32 or float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

_NAMES = {
    "float32": "float32",
    "single": "float32",
    "f4": "float32",
    "float64": "float64",
    "double": "float64",
    "f8": "float64",
}


def resolve_precision(precision: str | DTypeLike) -> np.dtype[Any]:
    """The dtype of a precision: "float32" or "single", "float64" or "double", or a dtype of either.

    Raises
    ------
    DomainError
        For anything else.
    """
    if isinstance(precision, str) and precision in _NAMES:
        return np.dtype(_NAMES[precision])
    if precision is not None and not isinstance(precision, str):
        try:
            dtype: np.dtype[Any] | None = np.dtype(precision).newbyteorder("=")
        except TypeError:
            dtype = None
        if dtype is not None and dtype in (np.dtype("float32"), np.dtype("float64")):
            return dtype
    raise DomainError(f"precision must be 'float32' or 'float64' ('single', 'double'), got {precision!r}")


def working_dtype(float_dtype: DTypeLike | None, precision: str | DTypeLike | None) -> np.dtype[Any]:
    """The dtype of a function that takes either name; float64 when neither is given, an error when they differ."""
    if float_dtype is not None and precision is not None:
        one, other = resolve_precision(float_dtype), resolve_precision(precision)
        if one != other:
            raise DomainError(f"precision must be {one}, as the dtype says, got {other}")
    given = precision if precision is not None else float_dtype
    return np.dtype(np.float64) if given is None else resolve_precision(given)
