"""Exposures from FITS files: image, uncertainty and mask from their extensions, WCS, band and flux scale from the header.

Without names of extensions the image is the first of the file, its uncertainty the one of these that the file has, and its mask MASK:

| extension | uncertainty |
|---|---|
| UNCERT, ERR, SIGMA, RMS | standard deviation |
| VARIANCE, VAR | variance |
| IVAR, WHT, WEIGHT | inverse variance |

A unit of the uncertainty (BUNIT) that is of the kind of the image's is converted, another is an error; without one it is that of the image.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, ShapeError, require
from getframes.fit.exposure import Exposure
from getframes.fit.flux_scale import flux_scale_of, unit_of
from getframes.io.images import Files, FitsImage, readable

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

    Extension = int | str | tuple[str, int]

ERRORS = {
    "UNCERT": "sigma",
    "ERR": "sigma",
    "SIGMA": "sigma",
    "RMS": "sigma",
    "VARIANCE": "variance",
    "VAR": "variance",
    "IVAR": "inverse",
    "WHT": "inverse",
    "WEIGHT": "inverse",
}
"""Names of extensions of uncertainties, and what they are."""
POWERS = {"sigma": 1, "variance": 2, "inverse": -2}
"""Of the unit of the data, in that of an uncertainty."""


def read_exposure(
    path: str | PathLike[str],
    *,
    band: str | None = None,
    psf: Any = None,
    sci_ext: Extension | None = None,
    unc_ext: Extension | None = None,
    unc_path: str | PathLike[str] | None = None,
    error: str | None = None,
    mask_ext: Extension | None = None,
    flux_unit: str = "",
    flux_scale: float | None = None,
    sky: bool = True,
    background: int = 0,
    max_snr: float = np.inf,
    name: str | None = None,
) -> Exposure:
    """Read an exposure of a FITS file.

    Parameters
    ----------
    path : path
        The file.
    band : str, optional
        Its band; FILTER of the header when left out.
    psf : PSF, optional
        As of a `PixelSource`.
    sci_ext, unc_ext, mask_ext : int, str or (str, int), optional
        Number, name, or name and version of the extensions of image, uncertainty and mask (not 0 is bad; with BADBITS in its header those bits are). Those of the
        table above when left out, of the version of the image.
    unc_path : path, optional
        File of the uncertainty, where it is another one; its first image without `unc_ext`.
    error : {"sigma", "variance", "inverse"}, optional
        What the uncertainty is; may be left out for the names of the table.
    flux_unit : str
        Unit of the fluxes of the catalog; see `getframes.fit.flux_scale`.
    flux_scale : float, optional
        Given instead [data unit / flux unit].
    sky : bool
        Whether to take the WCS of the header; without it positions are pixels.
    background, max_snr
        As of a `PixelSource`.
    name : str, optional
        Of the exposure; that of the file when left out.

    Raises
    ------
    MissingFileError, InputError, IntegrityError
        If a file cannot be read, is no FITS file or cut short.
    ShapeError
        If image, uncertainty and mask differ in shape.
    DomainError
        If there is no such extension, no uncertainty, no band, no WCS of the sky, no flux scale, or a unit of another kind: names file and keyword.
    """
    label = Path(path).name if name is None else name
    with Files() as files:
        image = FitsImage(path, files, sci_ext)
        header = image.header
        uncertainty, kind = _uncertainty(path, files, image, sci_ext, unc_ext, unc_path, error)
        band = _band(header, str(path)) if band is None else band
        wcs = _wcs(path, header) if sky else None
        unit = str(header.get("BUNIT", "")).strip()
        if flux_scale is None:
            flux_scale = flux_scale_of(header, unit, flux_unit, str(path), wcs)
        data, mask = image.whole()
        mask = _with_extension(mask, path, files, image, sci_ext, mask_ext)
        for what, other in (
            ("uncertainty", uncertainty.shape),
            ("mask", image.shape if mask is None else mask.shape),
        ):
            if other != image.shape:
                raise ShapeError(
                    f"{path}: the {what} must have shape {image.shape}, got {other} (NAXIS2, NAXIS1)"
                )
        factor = _unit_factor(unit, uncertainty, kind, str(path))
        return Exposure.of(
            data,
            uncertainty.whole().pixels * factor,
            error=kind,
            mask=mask,
            name=label,
            band=band,
            psf=psf,
            wcs=wcs,
            flux_scale=flux_scale,
            background=background,
            max_snr=max_snr,
            unit=unit,
        )


def _uncertainty(
    path: Any,
    files: Files,
    image: FitsImage,
    sci_ext: Extension | None,
    unc_ext: Extension | None,
    unc_path: Any,
    error: str | None,
) -> tuple[FitsImage, str]:
    """The image of the uncertainty, and what it is."""
    if unc_path is not None or unc_ext is not None:
        found = FitsImage(path if unc_path is None else unc_path, files, unc_ext)
        kind = error or ERRORS.get(str(found.header.get("EXTNAME", "")).strip().upper())
        rule = f"one of {', '.join(POWERS)} for the extension {unc_ext!r}"
        require(kind in POWERS, "", f"{path}: error", rule, error)
        assert kind is not None
        return found, kind
    version = _version(image, sci_ext)
    rule = f"one of {', '.join(POWERS)}"
    require(error is None or error in POWERS, "", f"{path}: error", rule, error)
    for name, usual in ERRORS.items():
        there = _extension(path, files, name, version)
        if there is not None:
            return there, error or usual
    raise DomainError(f"{path} must have an uncertainty: give unc_ext=, or an extension {', '.join(ERRORS)}")


def _version(image: FitsImage, sci_ext: Extension | None) -> int:
    if isinstance(sci_ext, tuple):
        return sci_ext[1]
    return int(image.header.get("EXTVER", 1))


def _extension(path: Any, files: Files, name: str, version: int) -> FitsImage | None:
    """The extension of a name and version; None where there is none."""
    try:
        return FitsImage(path, files, (name, version))
    except DomainError:
        return None


def _with_extension(
    mask: NDArray[np.bool_] | None,
    path: Any,
    files: Files,
    image: FitsImage,
    sci_ext: Extension | None,
    mask_ext: Extension | None,
) -> NDArray[np.bool_] | None:
    """The mask with that of an extension, by name or by default the MASK of the image's version."""
    if mask_ext is not None:
        found: FitsImage | None = FitsImage(path, files, mask_ext)
    else:
        found = None if sci_ext is None else _extension(path, files, "MASK", _version(image, sci_ext))
    if found is None:
        return mask
    flags, bits = found.whole().pixels, found.header.get("BADBITS")
    bad = flags != 0 if not isinstance(bits, int) else (flags & flags.dtype.type(bits)) != 0
    return np.asarray(bad if mask is None or mask.shape != bad.shape else bad | mask)


def _band(header: Any, name: str) -> str:
    found = str(header.get("FILTER", "")).strip()
    if not found:
        raise DomainError(f"{name} must have FILTER: give band=")
    return found


def _wcs(path: Any, header: Any) -> Any:
    """The WCS of an image; tables of distortions are in other extensions of its file."""
    from astropy.io import fits
    from astropy.wcs import WCS

    tables = any(f"{word}{axis}" in header for word in ("CPDIS", "D2IMDIS") for axis in (1, 2))
    try:
        if tables:
            with readable(path), fits.open(path) as units:
                found = WCS(header, fobj=units)
        else:
            found = WCS(header)
    except Exception as error:  # wcslib has many ways to refuse a header
        raise DomainError(f"{path}: the WCS (CTYPE, CRVAL, CD, ...) must be one: {error}") from error
    if not found.has_celestial:
        raise DomainError(
            f"{path} must have a WCS of the sky (CTYPE1, CTYPE2), got {list(found.wcs.ctype)}: sky=False takes pixels"
        )
    return found


def _unit_factor(unit: str, uncertainty: FitsImage, kind: str, name: str) -> float:
    """What brings an uncertainty into the unit of the data."""
    text = str(uncertainty.header.get("BUNIT", "")).strip()
    data, given = unit_of(unit), unit_of(text)
    if data is None or given is None:
        return 1.0
    wanted = data ** POWERS[kind]
    rule = f"in {wanted} for a {kind} of data in {unit}"
    require(given.is_equivalent(wanted), "", f"{name}: BUNIT of the uncertainty", rule, text)
    return float(given.to(wanted))
