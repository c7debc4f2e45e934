"""FITS images into the pixel store of a survey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from getframes.errors import require
from getframes.fit.exposure_file import read_exposure
from getframes.fit.store import write_store

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import DTypeLike

    from getframes.fit.exposure import Exposure


def preprocess(
    images: Iterable[str | PathLike[str]],
    path: str | PathLike[str],
    *,
    content: str = "exposures",
    psfs: Mapping[str, Any] | None = None,
    dtype: DTypeLike = "float64",
    overwrite: bool = False,
    **options: Any,
) -> dict[str, dict[str, int]]:
    """Read FITS images one after the other, and write them to a pixel store, complete or not at all.

    Parameters
    ----------
    images : iterable of path
        FITS files.
    path : path
        The store, in ``.h5``.
    content, dtype, overwrite
        As of `write_store`.
    psfs : mapping, optional
        PSFs by the name of an image (its file) or of a band, `read_psfs`.
    options
        As of `read_exposure`, the same for all.

    Returns
    -------
    dict
        Pixels that do not count, by the name of the image and the reason.

    Raises
    ------
    InputError, IntegrityError, ShapeError, DomainError
        As `read_exposure` and `write_store`; if two images have one name.
    OutputError
        If the store exists already or cannot be written.
    """
    told: dict[str, dict[str, int]] = {}

    def read() -> Iterator[Exposure]:
        for image in images:
            name = Path(image).name
            require(name not in told, "preprocess", "name of an image", "its own", str(image))
            exposure = read_exposure(image, name=name, **options)
            psf = (psfs or {}).get(name, (psfs or {}).get(exposure.band))
            told[name] = dict(exposure.left_out)
            yield exposure if psf is None else exposure.with_psf(psf)

    write_store(path, read(), content=content, dtype=dtype, overwrite=overwrite)
    return told
