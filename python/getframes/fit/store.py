"""The pixel store of a survey: exposures in one HDF5 file, of which a patch reads the pixels that it needs and no others.

A group for each exposure, ``exposures/0``, ``exposures/1`` ... in their order:

| in a group | what |
|---|---|
| data, weight | images in chunks of 8 x 8 tiles, 64 x 64 pixels; chunks without a pixel that counts are not kept |
| psf | as in a file of PSFs, where the exposure has one |
| attributes | name, band, unit, flux_scale, background, level, max_snr, height, width; wcs (a FITS header), left_out_* (pixels that do not count, by reason) |

The attribute `content` of the file says whether these are mosaics or single exposures; the two are kept in files of their own, as their pixels are not to be
fitted together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, require
from getframes.fit.exposure import PixelSource
from getframes.fit.hdf5 import reading, writing
from getframes.fit.patch import TILE
from getframes.fit.psf import PsfField, PsfMixture
from getframes.fit.psf_file import psf_of_group, put_psf

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import DTypeLike, NDArray

    Numbers = NDArray[np.float64]

KIND = "pixel store 1"
CHUNK = 8 * TILE
CONTENTS = ("mosaics", "exposures")
NUMBERS = ("flux_scale", "background", "level", "max_snr")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class StoredExposure(PixelSource):
    """An exposure in a pixel store; it holds no pixels, and goes to other processes as it is.

    Attributes
    ----------
    store : path
        The file.
    group : str
        Its place there.
    size : (int, int)
        Height and width [px].
    """

    store: Path
    group: str
    size: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        return self.size

    def block(self, rows: slice, columns: slice) -> tuple[Numbers, Numbers]:
        with reading(self.store, KIND) as file:
            group = file[self.group]
            return group["data"][rows, columns], group["weight"][rows, columns]


def write_store(
    path: str | PathLike[str],
    exposures: Iterable[PixelSource],
    *,
    content: str = "exposures",
    dtype: DTypeLike = np.float64,
    overwrite: bool = False,
) -> None:
    """Write exposures to a pixel store, one at a time, complete or not at all.

    Parameters
    ----------
    path : path
        The file, in ``.h5``.
    exposures : iterable of PixelSource
        Each with a name of its own; they may be made when they are asked for.
    content : {"mosaics", "exposures"}
        What they are.
    dtype : dtype
        Of the pixels in the file, float32 or float64.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    DomainError
        If a name comes twice, a PSF is a function, a WCS cannot be written as a header, or there is no exposure.
    OutputError
        If the file exists already or cannot be written.
    """
    require(content in CONTENTS, "write_store", "content", f"one of {', '.join(CONTENTS)}", content)
    kind = np.dtype(dtype)
    require(kind in (np.float32, np.float64), "write_store", "dtype", "float32 or float64", kind.name)
    names: set[str] = set()
    with writing(path, KIND, overwrite=overwrite) as file:
        file.attrs["content"] = content
        for number, exposure in enumerate(exposures):
            require(exposure.name not in names, "write_store", "name", "that of one exposure", exposure.name)
            names.add(exposure.name)
            _put(file.create_group(f"exposures/{number}"), exposure, kind)
        require(bool(names), "write_store", "exposures", "one at least", 0)


def read_store(path: str | PathLike[str]) -> list[StoredExposure]:
    """The exposures of a pixel store, in their order; their pixels stay where they are.

    Raises
    ------
    MissingFileError
        If there is no such file.
    IntegrityError
        If it is no pixel store, or damaged.
    """
    with reading(path, KIND) as file:
        groups = file["exposures"]
        return [_exposure(Path(path), groups[str(number)]) for number in range(len(groups))]


def store_content(path: str | PathLike[str]) -> str:
    """Whether a store is one of ``mosaics`` or of ``exposures``; errors as `read_store`."""
    with reading(path, KIND) as file:
        return str(file.attrs["content"])


def _put(group: Any, exposure: PixelSource, dtype: np.dtype[Any]) -> None:
    height, width = exposure.shape
    group.attrs.update(name=exposure.name, band=exposure.band, unit=exposure.unit, height=height, width=width)
    group.attrs.update({name: getattr(exposure, name) for name in NUMBERS})
    group.attrs.update({f"left_out_{why}": count for why, count in getattr(exposure, "left_out", {}).items()})
    if exposure.wcs is not None:
        group.attrs["wcs"] = _header_text(exposure)
    if exposure.psf is not None:
        good = isinstance(exposure.psf, PsfMixture | PsfField)
        require(good, exposure.name, "psf", "a PsfMixture or a PsfField to be stored", exposure.psf)
        put_psf(group.create_group("psf"), exposure.psf)
    chunks = (min(CHUNK, height), min(CHUNK, width))
    data, weight = (
        group.create_dataset(name, exposure.shape, dtype, chunks=chunks, fillvalue=0)
        for name in ("data", "weight")
    )
    for top in range(0, height, CHUNK):
        rows = slice(top, min(top + CHUNK, height))
        some_data, some_weight = exposure.block(rows, slice(0, width))
        for left in range(0, width, CHUNK):
            columns = slice(left, min(left + CHUNK, width))
            if some_weight[:, columns].any():
                data[rows, columns] = some_data[:, columns]
                weight[rows, columns] = some_weight[:, columns]


def _header_text(exposure: PixelSource) -> str:
    """The WCS as a header that gives it back.

    Raises
    ------
    DomainError
        If it does not.
    """
    height, width = exposure.shape
    text = str(exposure.wcs.to_header(relax=True).tostring())
    corners = np.array([(x, y) for x in (0.0, width - 1.0) for y in (0.0, height - 1.0)])
    there, back = (np.asarray(wcs.all_pix2world(corners, 0)) for wcs in (exposure.wcs, _wcs_of(text)))
    if not np.allclose(there, back, rtol=0.0, atol=1e-12 + 1e-6 * _pixel_deg(exposure.wcs)):
        raise DomainError(
            f"{exposure.name}: the WCS must be one that a header can hold (no tables of distortions), got one that is not"
        )
    return text


def _pixel_deg(wcs: Any) -> float:
    from astropy.wcs.utils import proj_plane_pixel_scales

    return float(np.min(proj_plane_pixel_scales(wcs.celestial)))


def _wcs_of(text: str) -> Any:
    from astropy.io.fits import Header
    from astropy.wcs import WCS

    return WCS(Header.fromstring(text))


def _exposure(path: Path, group: Any) -> StoredExposure:
    known = group.attrs
    return StoredExposure(
        name=str(known["name"]),
        band=str(known["band"]),
        unit=str(known["unit"]),
        flux_scale=float(known["flux_scale"]),
        background=int(known["background"]),
        level=float(known["level"]),
        max_snr=float(known["max_snr"]),
        wcs=_wcs_of(str(known["wcs"])) if "wcs" in known else None,
        psf=psf_of_group(group["psf"]) if "psf" in group else None,
        store=path,
        group=group.name,
        size=(int(known["height"]), int(known["width"])),
    )
