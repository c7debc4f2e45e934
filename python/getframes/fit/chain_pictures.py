"""Pictures of the draws of a fit: a trace and a corner plot for each source."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from getframes.fit.patch_file import read_patch
from getframes.fit.residual import patch_files
from getframes.io.atomic import make_folder
from getframes.picture.corner import corner_plot
from getframes.picture.png import save_png
from getframes.picture.trace import trace_plot

if TYPE_CHECKING:
    from os import PathLike


def chain_plots(
    folder: str | PathLike[str],
    out: str | PathLike[str],
    *,
    ids: Collection[int] | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Draw the chains of every source of the patches that have draws.

    Parameters
    ----------
    folder : path
        With the files of the patches.
    out : path
        Folder of the pictures ``ID_trace.png`` and ``ID_corner.png``; made where it is not there. A source of several patches is drawn from the last.
    ids : collection of int, optional
        The sources to draw; all when left out.
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
    into, last = make_folder(out), dict[int, Path]()
    for path in patch_files(folder):
        patch = read_patch(path)
        if "posterior" in patch:
            last |= {int(number): path for number in np.atleast_1d(patch["active"]).tolist()}
    made: list[Path] = []
    for number in sorted(last if ids is None else set(last) & set(ids)):
        patch = read_patch(last[number])
        posterior, end = patch["posterior"], f"[{number}]"
        places = [place for place, name in enumerate(patch["names"]) if name.endswith(end)]
        names = [patch["names"][place].removesuffix(end).removeprefix("flux_") for place in places]
        draws, title = posterior.draws[..., places], f"source {number}"
        flat = draws.reshape(-1, len(places))
        for kind, picture in (
            ("trace", trace_plot(draws, names, title=title)),
            ("corner", corner_plot(flat, names, title=title)),
        ):
            made.append(into / f"{number}_{kind}.png")
            save_png(picture, made[-1], overwrite=overwrite)
    return made
