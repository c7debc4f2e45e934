"""Frames as files, by their suffix: FITS, or npz with the key `raw`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from getframes.frame import Frame


def write_frame_file(frame: Frame, path: Path, *, overwrite: bool, truth: bool) -> None:
    """Write a frame, complete or not at all.

    An npz file has the counts as `raw`, the metadata as a JSON text `metadata`, and, on request, the truth
    arrays under their names.

    Raises
    ------
    OutputError
        If the file exists already or cannot be written.
    """
    if path.suffix.lower() != ".npz":
        frame.to_fits(path, overwrite=overwrite, truth=truth)
        return
    from getframes.io.atomic import replacing

    arrays = {"raw": frame.data}
    if truth and frame.truth is not None:
        arrays |= frame.truth.arrays()
    with replacing(path, overwrite=overwrite) as unfinished, unfinished.open("wb") as file:
        np.savez(file, metadata=np.array(json.dumps(frame.metadata)), **arrays)
