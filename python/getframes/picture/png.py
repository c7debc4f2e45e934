"""Pictures as PNG files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from PIL.Image import Image


def save_png(picture: Image, path: str | PathLike[str], *, overwrite: bool = True) -> None:
    """Write a picture as PNG, complete or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    from getframes.io.atomic import replacing

    with replacing(path, overwrite=overwrite) as unfinished:
        picture.save(unfinished, format="PNG", optimize=False)
