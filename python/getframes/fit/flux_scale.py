"""What a source of flux 1 adds to the data of an image: from the unit of the catalog and the header of the image.

The first of these that a header has decides:

| header | what one unit of the data is |
|---|---|
| BUNIT, a flux density of the kind of the catalog (``nJy``) | itself |
| BUNIT, a surface brightness (``MJy/sr``) | times the area of a pixel: PIXAR_SR, or that of the WCS |
| ZEROPOINT, ZEROPNT, ZPAB, MAGZERO, MAGZPT, MAGZP, PHOTZP, ABMAG_ZP | AB magnitude of 1: 3631 Jy x 10^(-0.4 zero point) |
| PHOTFLAM and PHOTPLAM | [erg / (s cm2 Angstrom)] of 1 each second, at the wavelength [Angstrom] |
| PHOTFNU | [Jy] of 1 each second |

PHOTFLAM and PHOTFNU are divided by EXPTIME where BUNIT is not one of a second. Where the catalog has no unit, or that of the data, the scale is 1.

Source: Oke and Gunn 1983, doi:10.1086/160817 (AB magnitudes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, require

if TYPE_CHECKING:
    from collections.abc import Mapping

ZERO_POINTS = ("ZEROPOINT", "ZEROPNT", "ZPAB", "MAGZERO", "MAGZPT", "MAGZP", "PHOTZP", "ABMAG_ZP")
_WORDS = {
    "electrons": "electron",
    "e-": "electron",
    "counts": "ct",
    "count": "ct",
    "cps": "ct/s",
    "dn": "DN",
    "adu": "adu",
}


def flux_scale_of(header: Mapping[str, Any], unit: str, flux_unit: str, name: str, wcs: Any = None) -> float:
    """Data of a source of flux 1 [data unit / flux unit].

    Parameters
    ----------
    header : mapping
        Keywords of the image.
    unit : str
        Of its data, as in BUNIT.
    flux_unit : str
        Of the catalog.
    name : str
        Of the image, for errors.
    wcs : astropy.wcs.WCS, optional
        Of the image.

    Raises
    ------
    DomainError
        If nothing in the header says it, or a keyword is impossible: names image and keywords.
    """
    from astropy import units

    wanted, there = unit_of(flux_unit), unit_of(unit)
    if not flux_unit.strip() or flux_unit.strip() == unit.strip() or (wanted is not None and wanted == there):
        return 1.0
    if wanted is None:
        raise DomainError(f"{name}: the unit of fluxes must be one that astropy knows, got {flux_unit!r}")
    if there is not None and there.is_equivalent(wanted):
        return float(wanted.to(there))
    if there is not None and there.is_equivalent(wanted / units.sr):
        return float((wanted / (_pixel_area_sr(header, name, wcs) * units.sr)).to_value(there))
    one = _one_unit(header, there, name)
    if one is None or not wanted.is_equivalent(units.Jy):
        rule = f"BUNIT in {flux_unit} (or that per sr), or with {', '.join(ZERO_POINTS)}, PHOTFLAM and PHOTPLAM, or PHOTFNU"
        raise DomainError(f"{name} must have {rule}, got BUNIT {unit!r}: give flux_scale=")
    return float((1.0 * wanted / one).to_value(units.dimensionless_unscaled))


def unit_of(text: str) -> Any:
    """The unit of a BUNIT; None for none and for one that astropy does not know, capitals and plurals aside."""
    from astropy import units

    text = text.strip()
    lower = "/".join(_WORDS.get(word, word) for word in text.lower().replace(" per ", "/").split("/"))
    for spelled in (text, lower):
        try:
            return units.Unit(spelled) if text else None
        except ValueError:
            continue
    return None


def _pixel_area_sr(header: Mapping[str, Any], name: str, wcs: Any) -> float:
    if "PIXAR_SR" in header:
        return _positive(header, "PIXAR_SR", name)
    if wcs is None:
        raise DomainError(f"{name} must have PIXAR_SR, or a WCS: its BUNIT is one of a steradian")
    from astropy.wcs.utils import proj_plane_pixel_area

    return float(proj_plane_pixel_area(wcs.celestial) * np.deg2rad(1.0) ** 2)


def _one_unit(header: Mapping[str, Any], unit: Any, name: str) -> Any:
    """Flux density of one unit of the data; None where nothing says it."""
    from astropy import units

    for keyword in ZERO_POINTS:
        if keyword in header:
            return 3631.0 * units.Jy * 10.0 ** (-0.4 * _number(header, keyword, name))
    if "PHOTFLAM" in header and "PHOTPLAM" in header:
        density = _positive(header, "PHOTFLAM", name) * units.erg / (units.s * units.cm**2 * units.AA)
        at = units.spectral_density(_positive(header, "PHOTPLAM", name) * units.AA)
        return density.to(units.Jy, equivalencies=at) / _seconds(header, unit, name)
    if "PHOTFNU" in header:
        return _positive(header, "PHOTFNU", name) * units.Jy / _seconds(header, unit, name)
    return None


def _seconds(header: Mapping[str, Any], unit: Any, name: str) -> float:
    """Time in which the data were collected, where they are not those of a second."""
    from astropy import units

    if unit is not None and units.s in unit.bases:
        return 1.0
    return _positive(header, "EXPTIME", name)


def _number(header: Mapping[str, Any], keyword: str, name: str) -> float:
    value = header.get(keyword)
    good = isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
    require(good, "", f"{name}: {keyword}", "a finite number", value)
    assert value is not None
    return float(value)


def _positive(header: Mapping[str, Any], keyword: str, name: str) -> float:
    value = _number(header, keyword, name)
    require(value > 0.0, "", f"{name}: {keyword}", "> 0", value)
    return value
