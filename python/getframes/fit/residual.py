"""What a fit left in the images: residuals put together from the files of patches, the background in them, and peaks that no source explains.

Where patches overlap the later one is shown: samples after optima, later sweeps after earlier ones. Pixels that no patch looked at are NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import MissingFileError, require
from getframes.fit.exposure import PixelSource
from getframes.fit.hdf5 import reading
from getframes.fit.patch import TILE
from getframes.fit.patch_file import KIND

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

CLIP_SIGMA = 4.0
"""Pixels farther from the background than this do not count for it."""
PASSES = 10


@dataclass(frozen=True, eq=False)
class ResidualImage:
    """The residual of an exposure.

    Attributes
    ----------
    exposure : PixelSource
        What it was fitted to.
    residual : array (height, width)
        Data minus model [data unit]; NaN where no patch looked.
    weight : array (height, width)
        Inverse variance, as it was fitted with; 0 where no patch looked.
    """

    exposure: PixelSource
    residual: Numbers
    weight: Numbers

    @property
    def model(self) -> Numbers:
        """The model with its background [data unit]; NaN where no patch looked."""
        data, _ = self.exposure.block(*(slice(0, size) for size in self.exposure.shape))
        return np.asarray(data - self.residual)


class Level(NamedTuple):
    """The background that a fit left in an image.

    Attributes
    ----------
    image : str
        Name of the exposure.
    level, sigma : float
        Mean residual and its error [data unit].
    pixels : int
        That it is the mean of.
    """

    image: str
    level: float
    sigma: float
    pixels: int

    @property
    def significance(self) -> float:
        """Level in units of its error."""
        return self.level / self.sigma

    def __str__(self) -> str:
        return f"{self.image}: {self.level:.4g} +- {self.sigma:.2g} ({self.significance:+.1f} sigma, {self.pixels} pixels)"


class Residuals:
    """The residuals of a fit, by the files of its patches.

    Parameters
    ----------
    folder : path
        With the files of the patches.

    Raises
    ------
    MissingFileError
        If there is none.
    IntegrityError
        If one is damaged, or something else.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._files: dict[str, list[Path]] = {}
        for path in patch_files(folder):
            with reading(path, KIND) as file:
                for name in file.get("tiles", {}):
                    self._files.setdefault(name, []).append(path)

    def image(self, exposure: PixelSource, *, whole: bool = False) -> ResidualImage:
        """The residual of an exposure; errors as above.

        Parameters
        ----------
        exposure : PixelSource
            What was fitted.
        whole : bool
            Whether pixels that no patch looked at are what they are, as if nothing were there, and not left out.
        """
        height, width = exposure.shape
        rows, columns = (-(-size // TILE) for size in (height, width))
        residual = np.full((rows, columns, TILE * TILE), np.nan)
        weight = np.zeros((rows, columns, TILE * TILE))
        name = _quoted(exposure.name)
        for path in self._files.get(name, []):
            with reading(path, KIND) as file:
                group = file["tiles"][name]
                at = group["y"][()] // TILE, group["x"][()] // TILE
                new, given = group["weight"][()], group["residual"][()]
            seen = new > 0.0
            residual[at] = np.where(seen, given, residual[at])
            weight[at] = np.where(seen, new, weight[at])
        left, counts = (_joined(each)[:height, :width] for each in (residual, weight))
        if whole:
            data, kept = exposure.block(slice(0, height), slice(0, width))
            unseen = (counts == 0.0) & (kept > 0.0)
            left, counts = np.where(unseen, data - exposure.level, left), np.where(unseen, kept, counts)
        return ResidualImage(exposure, left, counts)

    def images(self, exposures: Iterable[PixelSource], *, whole: bool = False) -> Iterable[ResidualImage]:
        """Those of the exposures that a patch looked at (of all, where they are to be whole), one at a time."""
        seen = (each for each in exposures if whole or _quoted(each.name) in self._files)
        return (self.image(each, whole=whole) for each in seen)


def patch_files(folder: str | PathLike[str]) -> list[Path]:
    """The files of patches in a folder, later ones last.

    Raises
    ------
    MissingFileError
        If there is none.
    """
    found = sorted(Path(folder).glob("*.h5"))
    if not found:
        raise MissingFileError(f"cannot read {folder}: there is no file of a patch")
    return found


def last_files(folder: str | PathLike[str], *, sampled: bool = False) -> dict[int, Path]:
    """The file of the last patch of every source, by its id; of those with draws alone where `sampled`.

    Raises
    ------
    MissingFileError, IntegrityError
        If there is no patch, or one is damaged.
    """
    last: dict[int, Path] = {}
    for path in patch_files(folder):
        with reading(path, KIND) as file:
            if "posterior" in file or not sampled:
                last |= dict.fromkeys(np.atleast_1d(file["active"][()]).astype(int).tolist(), path)
    return last


def residual_background(image: ResidualImage) -> Level:
    """The background that a fit left in an image: the weighted mean of its residual, outliers beyond 4 sigma left out.

    Raises
    ------
    DomainError
        If no pixel counts.
    """
    seen = image.weight > 0.0
    residual, weight = image.residual[seen], image.weight[seen]
    require(residual.size > 0, image.exposure.name, "residual", "one of a pixel at least", 0)
    kept = np.ones(residual.size, bool)
    level = float(np.median(residual))
    for _ in range(PASSES):
        before, kept = kept, np.abs(residual - level) * np.sqrt(weight) < CLIP_SIGMA
        if not kept.any():
            kept = before
        level = float((residual[kept] * weight[kept]).sum() / weight[kept].sum())
        if (kept == before).all():
            break
    sigma = float(1.0 / np.sqrt(weight[kept].sum()))
    return Level(image.exposure.name, level, sigma, int(np.count_nonzero(kept)))


def write_images(image: ResidualImage, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write residual and model of an exposure to a FITS file: RESIDUAL, MODEL and WEIGHT, with its WCS, complete or not at all.

    Raises
    ------
    OutputError
        If the file exists already or cannot be written.
    """
    from astropy.io.fits import HDUList, Header, ImageHDU, PrimaryHDU

    from getframes.io.atomic import replacing

    header, tables = Header(), []
    if image.exposure.wcs is not None:
        described = image.exposure.wcs.to_fits(relax=True)
        header, tables = described[0].header, described[1:]
        header.strip()
    first = PrimaryHDU()
    first.header["FILTER"] = image.exposure.band
    units = [first]
    planes: Mapping[str, Any] = {"RESIDUAL": image.residual, "MODEL": image.model, "WEIGHT": image.weight}
    for name, plane in planes.items():
        units.append(ImageHDU(np.asarray(plane, np.float32), header=header, name=name))
        if image.exposure.unit and name != "WEIGHT":
            units[-1].header["BUNIT"] = image.exposure.unit
    units += tables  # of distortions
    for unit in units:
        unit.add_checksum(when="FITS standard 4.0, 4.4.2.7")
    with replacing(path, overwrite=overwrite) as unfinished:
        HDUList(units).writeto(unfinished, output_verify="exception")


def _quoted(name: str) -> str:
    """The name of an exposure as that of a group."""
    return name.replace("/", "%2F")


def _joined(tiles: Numbers) -> Numbers:
    """The image of tiles (rows, columns, 64)."""
    rows, columns, _ = tiles.shape
    image: Numbers = tiles.reshape(rows, columns, TILE, TILE).swapaxes(1, 2).reshape(rows * TILE, -1)
    return image
