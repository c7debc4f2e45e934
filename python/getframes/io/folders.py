"""Folders that one run has for itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from getframes.errors import OutputError
from getframes.io.atomic import UNFINISHED, make_folder, output_error


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Refuse a second run in the same folder; the lock ends with the process, however it ends.

    Raises
    ------
    OutputError
        If there is another one, or the folder cannot be made or written.
    """
    trial = make_folder(folder) / f".trial{UNFINISHED}"
    try:
        trial.touch()
        trial.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(trial, error) from error
    descriptor = _locked(folder)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _locked(folder: Path) -> int | None:
    """The folder, open and locked; None where there are no locks."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise OutputError(f"cannot write to {folder}: another run is writing there") from error
    except OSError:  # a file system without locks
        pass
    return descriptor


def remove_unfinished(folder: Path, suffix: str) -> None:
    """Remove what a killed process left of files with this suffix that it was writing."""
    for entry in os.scandir(folder):
        if re.fullmatch(rf"\..+{re.escape(suffix)}\.[0-9a-f]{{8}}{re.escape(UNFINISHED)}", entry.name):
            with suppress(OSError):
                os.unlink(entry.path)  # noqa: PTH108
