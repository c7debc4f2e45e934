"""Parameters of PSFs: plain numbers, or polynomials of position, and the rules they keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import require
from getframes.scene.field import FieldPolynomial, parameter_at
from getframes.scene.optics import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]


def fixed(value: float | FieldPolynomial) -> float:
    """A parameter that is known to be a number."""
    assert not isinstance(value, FieldPolynomial)
    return value


def parameter(owner: Any, field: str, unit: str) -> float | None:
    """A plain number put in the place of the field, or None for a polynomial."""
    return None if isinstance(getattr(owner, field), FieldPolynomial) else number(owner, field, unit)


def require_positive(owner: Any, field: str, unit: str) -> None:
    """A plain number must be positive; a polynomial is asked at every source."""
    value = parameter(owner, field, unit)
    require(value is None or value > 0.0, owner, field, f"> 0 {unit}", value)


def above_at(owner: Any, field: str, bound: float, x: Column, y: Column) -> Column:
    """A parameter at positions, which must be above a bound there."""
    values = parameter_at(getattr(owner, field), x, y)
    require_places((values > bound) & np.isfinite(values), owner, field, f"> {bound:g}", values, x, y)
    return values


def positive_at(owner: Any, field: str, x: Column, y: Column) -> Column:
    """A parameter at positions, which must be positive there."""
    return above_at(owner, field, 0.0, x, y)


def below_one_at(owner: Any, field: str, x: Column, y: Column) -> Column:
    """A parameter at positions, which must lie in [0, 1) there."""
    values = parameter_at(getattr(owner, field), x, y)
    require_places((values >= 0.0) & (values < 1.0), owner, field, "in [0, 1)", values, x, y)
    return values


def require_places(
    holds: NDArray[np.bool_], owner: Any, field: str, rule: str, values: Column, x: Column, y: Column
) -> None:
    """A rule for the parameter of every source; names the first place."""
    if not holds.all():
        first = int(np.argmin(holds))
        require(False, owner, f"{field} at ({x[first]}, {y[first]})", rule, float(values[first]))
