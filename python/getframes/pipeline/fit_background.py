"""Backgrounds of images in a fit file, written there by `getframes fit background`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from getframes.errors import DomainError, InputError, MissingFileError, did_you_mean
from getframes.io.atomic import write_text

if TYPE_CHECKING:
    from os import PathLike

    from getframes.fit import PixelSource

BEGIN = "# Backgrounds that getframes fit background measured: begin"
END = "# Backgrounds that getframes fit background measured: end"


def write_backgrounds(path: str | PathLike[str], levels: Mapping[str, float]) -> None:
    """Write backgrounds [data unit] by the names of images to the end of a fit file, in place of those that were written before; the rest stays as it is.

    Raises
    ------
    MissingFileError, InputError
        If the file cannot be read.
    OutputError
        If it cannot be written; then it is as it was.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingFileError(f"cannot read {path}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    tables = [
        f"[[background]]\nimage = {json.dumps(name, ensure_ascii=False)}\nlevel = {float(level)!r}"
        for name, level in levels.items()
    ]
    kept = _without(text).rstrip("\n")
    write_text(path, "\n\n".join([kept, BEGIN, *tables, END]) + "\n")


def with_backgrounds(images: Iterable[PixelSource], tables: Iterable[Mapping[str, Any]]) -> list[PixelSource]:
    """Images with the backgrounds of a fit file; those that it does not name stay as they are.

    Raises
    ------
    DomainError
        If there is no image of a name.
    """
    levels = {str(table["image"]): float(table["level"]) for table in tables}
    every = list(images)
    names = [image.name for image in every]
    unknown = [name for name in levels if name not in names]
    if unknown:
        near = did_you_mean(unknown[0], names)
        raise DomainError(f"background.image must be the name of an image, got {unknown[0]!r}{near}")
    return [image.with_level(levels[image.name]) if image.name in levels else image for image in every]


def _without(text: str) -> str:
    """The text without what was written before."""
    before, found, after = text.partition(BEGIN)
    if not found:
        return text
    return before.rstrip("\n") + "\n" + after.partition(END)[2]
