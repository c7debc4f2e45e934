"""Exposures and PSF models in files.

An exposure is a FITS file: the image first, then what there is of

| extension            | what                                             | cards                                             |
|----------------------|--------------------------------------------------|---------------------------------------------------|
| VARIANCE (or UNCERT) | variance (or standard deviation) of each pixel   |                                                   |
| MASK                 | bits                                             | ``MP_BAD = 0``: bit of each plane, by name        |
| PSF                  | stamps (n_y, n_x, side, side), or (side, side)   | ``PSFX1 ...``, ``PSFY1 ...``: positions [px], from 0 |

A PSF in a file of its own has the last of these alone, or the arrays stamps, x and y of an ``.npz``. Any model is written as stamps at positions.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from getframes.errors import IntegrityError, MissingFileError
from getframes.io.atomic import replacing
from getframes.psfmatch.exposure import Exposure
from getframes.psfmatch.models import PixelPSF, PSFModel, psf_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from astropy.io.fits import HDUList, ImageHDU

T = TypeVar("T")

POSITIONS = 9
"""Positions along each axis at which a PSF that varies is written."""


def write_psf(
    model: PSFModel,
    path: str | PathLike[str],
    shape: tuple[int, int] | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write a PSF model to a ``.fits`` or ``.npz`` file, complete or not at all.

    Parameters
    ----------
    model : PSFModel
        The PSF.
    path : path
        The file.
    shape : (int, int), optional
        Height and width of the image of a PSF that varies and is no `PixelPSF`: it is written at 9 x 9 positions from corner to corner.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    ValueError
        If the PSF varies and no shape is given.
    OutputError
        If the file exists already or cannot be written.
    """
    pixels = as_stamps(model, shape)
    with replacing(path, overwrite=overwrite) as unfinished, unfinished.open("wb") as file:
        if Path(path).suffix == ".npz":
            np.savez(file, stamps=pixels.stamps, x=pixels.x, y=pixels.y)
        else:
            from astropy.io.fits import HDUList, PrimaryHDU

            HDUList([PrimaryHDU(), psf_unit(pixels)]).writeto(file, output_verify="exception")


def read_psf(path: str | PathLike[str], role: str = "PSF") -> PSFModel:
    """Read a PSF model that `write_psf` or `write_exposure` wrote; beyond its positions it is that of the nearest.

    Parameters
    ----------
    path : path
        The file.
    role : str
        What to call it in an error.

    Raises
    ------
    FileNotFoundError, RuntimeError
        If the file is not there, or holds no PSF: names role and path.
    """
    if Path(path).suffix == ".npz":
        return _readable(path, role, lambda: _from_npz(path))

    def from_fits() -> PSFModel | None:
        with _opened(path) as units:
            return psf_of(units)

    model = _readable(path, role, from_fits)
    if model is None:
        raise PSFFileError(f"cannot read the {role} {path}: it has no extension PSF")
    return model


def write_exposure(exposure: Exposure, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write an exposure to a FITS file, complete or not at all.

    Raises
    ------
    OutputError
        If the file exists already or cannot be written.
    """
    from astropy.io.fits import HDUList, ImageHDU, PrimaryHDU

    first = PrimaryHDU(np.asarray(exposure.image), header=_header(exposure))
    units = [first]
    if exposure.variance is not None:
        units.append(ImageHDU(np.asarray(exposure.variance), name="VARIANCE"))
    if exposure.mask is not None:
        units.append(ImageHDU(np.asarray(exposure.mask), name="MASK"))
        for name, bit in exposure.planes.items():
            units[-1].header[f"HIERARCH MP_{name}"] = int(bit)
    if exposure.psf is not None:
        units.append(psf_unit(as_stamps(psf_model(exposure.psf), exposure.shape)))
    for unit in units:
        unit.add_checksum(when="FITS standard 4.0, 4.4.2.7")
    with replacing(path, overwrite=overwrite) as unfinished, unfinished.open("wb") as file:
        HDUList(units).writeto(file, output_verify="exception")


def read_exposure(path: str | PathLike[str], role: str = "exposure") -> Exposure:
    """Read an exposure; without an extension PSF it has no PSF.

    Parameters
    ----------
    path : path
        The file.
    role : str
        What to call it in an error.

    Raises
    ------
    FileNotFoundError, RuntimeError
        If the file is not there, or has no image: names role and path.
    """

    def read() -> Exposure:
        with _opened(path) as units:
            first = next((unit for unit in units if unit.is_image and unit.header.get("NAXIS", 0) == 2), None)
            if first is None:
                raise PSFFileError("it has no image")
            names = {unit.name for unit in units}
            variance = _pixels(units["VARIANCE"]) if "VARIANCE" in names else None
            if variance is None and "UNCERT" in names:
                variance = _pixels(units["UNCERT"]).astype(np.float64) ** 2
            mask, planes = None, {}
            if "MASK" in names:
                mask, cards = _pixels(units["MASK"]).astype(np.int32), units["MASK"].header
                planes = {key[3:]: int(cards[key]) for key in cards if key.startswith("MP_")}
                planes = planes or {"BAD": 0}
            return Exposure(_pixels(first), psf_of(units), variance, mask, planes, first.header.copy())

    return _readable(path, role, read)


class PSFFileError(IntegrityError, RuntimeError):
    """A file does not hold what was looked for in it."""


def psf_unit(pixels: PixelPSF) -> ImageHDU:
    """The extension PSF."""
    from astropy.io.fits import ImageHDU

    unit = ImageHDU(np.asarray(pixels.stamps), name="PSF")
    for name, positions in (("PSFX", pixels.x), ("PSFY", pixels.y)):
        for number, at in enumerate(positions.tolist(), start=1):
            unit.header[f"{name}{number}"] = (at, "position of the stamps [px], from 0")
    return unit


def psf_of(units: HDUList) -> PSFModel | None:
    """The PSF of a file, if it has one."""
    if "PSF" not in units:
        return None
    unit = units["PSF"]
    stamps = _pixels(unit)
    positions = [
        [float(value) for key, value in unit.header.items() if key.startswith(name) and key[4:].isdigit()]
        for name in ("PSFX", "PSFY")
    ]
    x, y = (given or None for given in positions)
    return PixelPSF(stamps, x, y, outside="nearest")


def as_stamps(model: PSFModel, shape: tuple[int, int] | None) -> PixelPSF:
    """A model as stamps at positions."""
    if isinstance(model, PixelPSF):
        return model
    if not model.varies:
        return PixelPSF(model.stamp(0.0, 0.0))
    if shape is None:
        raise ValueError("shape must be given to write a PSF that varies, got None")
    xs, ys = (np.linspace(0.0, max(side - 1, 1), POSITIONS) for side in (shape[1], shape[0]))
    stamps = np.array([[model.stamp(x, y) for x in xs.tolist()] for y in ys.tolist()])
    return PixelPSF(stamps, xs, ys, outside="nearest")


def _from_npz(path: str | PathLike[str]) -> PSFModel:
    with np.load(path, allow_pickle=False) as file:
        if "stamps" not in file:
            raise PSFFileError("it holds no stamps")
        x, y = (file.get(name) for name in ("x", "y"))
        return PixelPSF(file["stamps"], x, y, outside="nearest")


def _header(exposure: Exposure) -> Any:
    from astropy.io.fits import Header

    header = exposure.header
    if hasattr(header, "cards"):
        return header.copy()
    made = Header()
    for key, value in (header or {}).items():
        if isinstance(value, str | int | float | bool) and len(key) <= 60:
            made[key if len(key) <= 8 else f"HIERARCH {key}"] = value
    return made


def _opened(path: str | PathLike[str]) -> Any:
    from astropy.io import fits

    return fits.open(path, memmap=False)


def _pixels(unit: Any) -> Any:
    data = unit.data
    return data.astype(data.dtype.newbyteorder("="))


def _readable(path: str | PathLike[str], role: str, read: Callable[[], T]) -> T:
    """Whatever goes wrong names the role and the path."""
    try:
        return read()
    except FileNotFoundError as error:
        raise MissingFileError(f"cannot read the {role} {path}: there is no such file") from error
    except Exception as error:  # damaged bytes have many ways to stumble over
        raise PSFFileError(f"cannot read the {role} {path}: {error}") from error
