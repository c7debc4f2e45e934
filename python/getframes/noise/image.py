"""Images as the kernels take them: contiguous, native, float32 or float64, the right shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, ShapeError
from getframes.quantity import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray


def number_or_image(
    value: Any, name: str, unit: str, shape: tuple[int, int], dtype: np.dtype[Any]
) -> float | NDArray[np.floating[Any]]:
    """`value` as a float, or as an image of `shape` that a kernel can read, with at most one copy.

    Scalars are checked here; the pixels of an image are checked by the kernel while it reads them.

    Raises
    ------
    ShapeError
        If an array has another shape.
    DomainError
        If a scalar is negative or not finite, or the values are not real numbers.
    """
    value = plain(value, unit, "", name)
    if np.ndim(value) == 0:
        return nonnegative(value, name, unit)
    image = readable(value, name, dtype)
    if image.shape != shape:
        raise ShapeError(f"{name} must be a number or have shape {shape}, got {image.shape}")
    return image


def readable(value: Any, name: str, dtype: np.dtype[Any]) -> NDArray[np.floating[Any]]:
    """An array as native float32 or float64, C-contiguous; other real types become `dtype`."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise DomainError(f"{name} must hold real numbers, got {array.dtype}")
    if array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
        return np.ascontiguousarray(array, dtype=dtype)
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def nonnegative(value: Any, name: str, unit: str) -> float:
    """A scalar that is finite and >= 0."""
    number = number_or_nan(value)
    if not 0.0 <= number < float("inf"):
        raise DomainError(f"{name} must be finite and >= 0 {unit}".rstrip() + f", got {value!r}")
    return number


def whole_number(value: Any, name: str) -> int:
    """A count of things, at least 1."""
    number = number_or_nan(value)
    if isinstance(value, bool) or not 1.0 <= number < 2.0**63 or number != int(number):
        raise DomainError(f"{name} must be an integer >= 1, got {value!r}")
    return int(value)


def number_or_nan(value: Any) -> float:
    """A number; NaN, which breaks every rule, for what is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def require_finite(image: NDArray[Any], name: str) -> None:
    """Raise `DomainError`, which names the first pixel, unless every value is finite."""
    if not np.isfinite(image).all():
        y, x = np.argwhere(~np.isfinite(image))[0]
        raise DomainError(f"{name} must be finite, got {image[y, x]} at (y, x) = ({y}, {x})")
