"""Pictures of patches: data, model and what is left, of every exposure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.fit.patch import TILE
from getframes.fit.patch_file import read_patch
from getframes.fit.residual import patch_files
from getframes.io.atomic import make_folder
from getframes.picture.png import save_png
from getframes.picture.sheet import Sheet, short
from getframes.picture.stretch import Stretch, diverging, fitted, grey

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray
    from PIL.Image import Image

    Numbers = NDArray[np.float64]

PANEL = 256
LIMIT_SIGMA = 5.0
"""Residual that is shown in the full colour, in units of its error."""


def stamp_pictures(
    folder: str | PathLike[str], out: str | PathLike[str], *, overwrite: bool = False
) -> list[Path]:
    """Draw every patch.

    Parameters
    ----------
    folder : path
        With the files of the patches.
    out : path
        Folder of the pictures, ``NAME.png`` of the patch in ``NAME.h5``; made where it is not there.
    overwrite : bool
        Replace existing files.

    Returns
    -------
    list of Path
        The pictures.

    Raises
    ------
    MissingFileError, IntegrityError
        If there is no patch, or one is damaged.
    OutputError
        If a file exists already or cannot be written.
    """
    into, made = make_folder(out), []
    for path in patch_files(folder):
        patch = read_patch(path)
        if patch["tiles"]:
            made.append(into / f"{path.stem}.png")
            save_png(patch_picture(patch), made[-1], overwrite=overwrite)
    return made


def patch_picture(patch: Mapping[str, Any]) -> Image:
    """A sheet with a row for each exposure of a patch: data without fixed neighbours, model, and residual in units of its error.

    Parameters
    ----------
    patch : mapping
        As `read_patch` gives it.
    """
    tiles = patch["tiles"]
    ids = ", ".join(str(number) for number in np.atleast_1d(patch["active"]).tolist()[:12])
    title = f"{patch['task']}, patch {patch['patch']}"
    sheet = Sheet.blank(title, f"sources {ids}", rows=len(tiles), columns=3, panel=PANEL)
    for row, (name, own) in enumerate(tiles.items()):
        sheet.heading(row, name)
        data, residual, weight = (
            mosaic(own["x"], own["y"], own[each]) for each in ("data", "residual", "weight")
        )
        seen = weight > 0.0
        stretch = Stretch.fitting(data[seen])
        for column, (image, words) in enumerate(((data, "data"), (data - residual, "model"))):
            pixels = grey(stretch(_framed(np.where(seen, image, np.nan))))
            sheet.show(
                row,
                column,
                pixels,
                words,
                f"{short(float(image[seen].min()))} to {short(float(image[seen].max()))}",
            )
        pull = residual * np.sqrt(weight)
        chi2 = float((pull[seen] ** 2).sum())
        framed = _framed(np.where(seen, pull, np.nan))
        shown = diverging(framed, LIMIT_SIGMA)
        shown[np.isnan(framed)] = 0
        sheet.show(row, 2, shown, "residual / error", f"chi2 {short(chi2)} of {int(seen.sum())} pixels")
    return sheet.picture


def mosaic(x: Any, y: Any, pixels: Any, between: float = 0.0) -> Numbers:
    """The pixels (T, 64) of tiles where they lie; x and y (T,) are those of the first pixel of each [px]. `between` stands where no tile is."""
    column, row = ((np.asarray(first) - np.min(first)) // TILE for first in (x, y))
    grid = np.full((int(row.max()) + 1, int(column.max()) + 1, TILE, TILE), between)
    grid[row, column] = np.reshape(pixels, (-1, TILE, TILE))
    image: Numbers = grid.swapaxes(1, 2).reshape(grid.shape[0] * TILE, -1)
    return image


def _framed(image: Numbers) -> Any:
    """An image in the middle of a panel."""
    fits = fitted(image, PANEL, PANEL)
    panel = np.full((PANEL, PANEL), np.nan)
    top, left = ((PANEL - size) // 2 for size in fits.shape)
    panel[top : top + fits.shape[0], left : left + fits.shape[1]] = fits
    return panel
