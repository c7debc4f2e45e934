"""Pictures of the draws of a fit: a trace and a corner plot for each source."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from getframes.fit.patch_file import read_patch
from getframes.fit.residual import last_files
from getframes.io.atomic import make_folder
from getframes.picture.corner import corner_plot
from getframes.picture.png import save_png
from getframes.picture.trace import trace_plot

if TYPE_CHECKING:
    from os import PathLike

    from PIL.Image import Image


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
    into, last = make_folder(out), last_files(folder, sampled=True)
    made: list[Path] = []
    for number in sorted(last if ids is None else set(last) & set(ids)):
        for kind, picture in chain_pictures(read_patch(last[number]), number).items():
            made.append(into / f"{number}_{kind}.png")
            save_png(picture, made[-1], overwrite=overwrite)
    return made


def chain_pictures(patch: Mapping[str, Any], number: int) -> dict[str, Image]:
    """The draws of a source as ``trace`` and ``corner``; none where a patch, as `read_patch` gives it, has no draws."""
    if "posterior" not in patch:
        return {}
    end, title = f"[{number}]", f"source {number}"
    places = [place for place, name in enumerate(patch["names"]) if name.endswith(end)]
    names = [patch["names"][place].removesuffix(end).removeprefix("flux_") for place in places]
    draws = patch["posterior"].draws[..., places]
    return {
        "trace": trace_plot(draws, names, title=title),
        "corner": corner_plot(draws.reshape(-1, len(places)), names, title=title),
    }
