"""PSFs in an HDF5 file, a group for each filter (or image), as `getframes fit psf` writes them.

| in a group | shape | what |
|---|---|---|
| components | (n, 6), or (n_y, n_x, n, 6) of a PSF that varies | amplitude, dx, dy, xx, xy, yy [px, px^2]; its attribute `columns` names them |
| x, y | (n_x,), (n_y,) | positions of a PSF that varies [px] |
| residual | (3,), or (n_y, n_x, 3) | rms, worst pixel, enclosed light, of the fits; left out where it is not known |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import GetframesError, IntegrityError, require
from getframes.fit.hdf5 import reading, writing
from getframes.fit.psf import COLUMNS, PsfField, PsfMixture, Residual

if TYPE_CHECKING:
    from os import PathLike

KIND = "PSF mixtures 1"


def write_psfs(
    path: str | PathLike[str], psfs: Mapping[str, PsfMixture | PsfField], *, overwrite: bool = False
) -> None:
    """Write PSFs by the names of their filters, or images, complete or not at all.

    Raises
    ------
    DomainError
        If a name is empty or has a slash, or a PSF is neither mixture nor field of mixtures.
    OutputError
        If the file exists already or cannot be written.
    """
    for name, psf in psfs.items():
        require(bool(name) and "/" not in name, "write_psfs", "name", "one without a slash", name)
        good = isinstance(psf, PsfMixture | PsfField)
        require(good, "write_psfs", f"PSF {name!r}", "a PsfMixture or a PsfField", psf)
    with writing(path, KIND, overwrite=overwrite) as file:
        for name, psf in psfs.items():
            put_psf(file.create_group(name), psf)


def read_psfs(path: str | PathLike[str]) -> dict[str, PsfMixture | PsfField]:
    """PSFs of a file, by the names of their filters or images.

    Raises
    ------
    MissingFileError
        If there is no such file.
    IntegrityError
        If it is no such file, damaged, or holds an impossible PSF: names the file.
    """
    with reading(path, KIND) as file:
        return {str(name): _of_file(path, name, file[name]) for name in file}


def put_psf(group: Any, psf: PsfMixture | PsfField) -> None:
    """Write a PSF into a group of an HDF5 file."""
    group["components"] = psf.components
    group["components"].attrs["columns"] = ",".join(COLUMNS)
    if isinstance(psf, PsfField):
        group["x"], group["y"] = psf.x, psf.y
        if psf.residuals is not None:
            group["residual"] = psf.residuals
    elif psf.residual is not None:
        group["residual"] = np.array(psf.residual)


def psf_of_group(group: Any) -> PsfMixture | PsfField:
    """The PSF in a group of an HDF5 file."""
    residual = group["residual"][()] if "residual" in group else None
    if "x" in group:
        return PsfField(group["x"][()], group["y"][()], group["components"][()], residual)
    return PsfMixture(group["components"][()], None if residual is None else Residual(*residual.tolist()))


def _of_file(path: str | PathLike[str], name: str, group: Any) -> PsfMixture | PsfField:
    try:
        return psf_of_group(group)
    except GetframesError as error:
        raise IntegrityError(f"{path}: the PSF {name!r} is impossible: {error}") from error
