"""Numbers with units: an astropy Quantity becomes a plain number of the unit in the name."""

from __future__ import annotations

import math
from typing import Any

from getframes.errors import DomainError, require

_ALTERNATIVES = {
    "um": ("um",),
    "nm": ("nm",),
    "m": ("m",),
    "s": ("s",),
    "K": ("K",),
    "deg": ("deg",),
    "arcsec": ("arcsec",),
    "arcsec/px": ("arcsec / pix", "arcsec"),
    "px": ("pix",),
    "deg C": ("deg_C",),
    "C": ("deg_C", "K"),  # a difference of temperatures
    "mag": ("mag",),
    "e-": ("electron", "electron / pix"),
    "e-/s": ("electron / s", "electron / (s pix)"),
    "e-/ADU": ("electron / adu",),
    "ADU": ("adu", "adu / pix"),
    "ADU/s": ("adu / s",),
    "photons/s": ("ph / s", "ph / (s pix)", "1 / s"),
    "photons/s/m2/nm": ("ph / (s m2 nm)", "1 / (s m2 nm)"),
    "hits/cm2/s": ("1 / (cm2 s)",),
    "": ("",),
}


def plain(value: Any, unit: str, owner: Any = "", field: str = "value") -> Any:
    """`value` in `unit`; a value without a unit is taken to be in `unit` already.

    Parameters
    ----------
    value : Any
        A number, an array, or an astropy Quantity of either. Anything else passes unchanged.
    unit : str
        Unit in the notation of this package, such as ``"um"``, ``"deg C"`` or ``"e-/s"``.
    owner, field : Any, str
        Named in the error.

    Raises
    ------
    DomainError
        When the Quantity measures something else than `unit` does.
    """
    if not hasattr(value, "to_value"):
        return value
    from astropy import units

    equivalencies = units.temperature() if unit in ("deg C", "K") else []
    for name in _ALTERNATIVES.get(unit, (unit,)):
        try:
            return value.to_value(units.Unit(name), equivalencies)
        except ValueError:  # another kind of unit, or one that astropy does not know
            continue
    name = owner if isinstance(owner, str) else type(owner).__name__
    thing = f"{name}.{field}" if name else field
    got = value if getattr(value, "ndim", 0) == 0 else value.unit
    raise DomainError(f"{thing} must be in {unit or 'a number without a unit'}, got {got}")


def finite(value: Any, unit: str, owner: Any, field: str) -> float:
    """A number in `unit`, as `plain` takes it, that is neither infinite nor NaN.

    Raises
    ------
    DomainError
        When it is no such number.
    """
    given = plain(value, unit, owner, field)
    try:
        number: float | None = float(given)
    except (TypeError, ValueError):
        number = None
    require(number is not None, owner, field, "a number", given)
    assert number is not None
    require(math.isfinite(number), owner, field, "finite", number)
    return number
