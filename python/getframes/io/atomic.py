"""Files that appear complete or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from getframes.errors import OutputError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

UNFINISHED = ".part"
"""Last part of the name of a file that is still being written."""


@contextmanager
def replacing(path: str | PathLike[str], *, overwrite: bool = True, durable: bool = True) -> Iterator[Path]:
    """Give a temporary name beside `path`; when the block ends well, the file gets its final name at once.

    Whatever goes wrong, a Ctrl-C included, the temporary file is removed and what stood at `path` stays. Only
    a killed process leaves a ``.<name>.<random>.part`` behind, never a torn file under the final name.

    Parameters
    ----------
    path : path
        The final name. A symbolic link is followed.
    overwrite : bool
        Replace an existing file.
    durable : bool
        Force the bytes and the new name to the disk before returning, so that the file survives a power
        cut as well. Without it the file is safe from everything but that.

    Yields
    ------
    Path
        The name to write to, in the folder of `path`.

    Raises
    ------
    OutputError
        If the file exists (then it is also a `FileExistsError`), is no regular file, or cannot be written.
    """
    final = Path(os.path.realpath(path))
    check_target(final, overwrite=overwrite)
    unfinished = final.with_name(f".{final.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        yield unfinished
        if durable:
            _synchronize(unfinished)
        check_target(final, overwrite=overwrite)
        os.replace(unfinished, final)  # noqa: PTH105
        if durable:
            _synchronize_folder(final.parent)
    except OSError as error:
        raise output_error(final, error) from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def check_target(path: Path, *, overwrite: bool) -> None:
    """Raise `OutputError` unless a file may be written at `path`."""
    if not path.parent.is_dir():
        raise OutputError(f"cannot write {path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder")
    if path.exists() and not path.is_file():
        raise OutputError(f"cannot write {path}: it is not a regular file")
    if path.exists() and not overwrite:
        raise OutputExistsError(f"cannot write {path}: it exists already (overwrite=True replaces it)")


def write_text(path: str | PathLike[str], text: str) -> None:
    """Write a text file in UTF-8, complete or not at all, in place of an older one.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def make_folder(path: str | PathLike[str]) -> Path:
    """Make a folder, and those above it, where they do not exist yet.

    Raises
    ------
    OutputError
        If it cannot be made, or a file has its name.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(f"cannot write to {folder}: it is a file and no folder") from error
    except OSError as error:
        raise output_error(folder, error) from error
    return folder


def output_error(path: Path, error: OSError) -> OutputError:
    """The `OutputError` of a failed write: names the file and what stood in the way."""
    if isinstance(error, OutputError):
        return error
    while error.errno is None and isinstance(error.__context__, OSError):
        error = error.__context__  # a library's own words for a system error
    made = OutputError(f"cannot write {path}: {_reason(path, error)}")
    made.errno = error.errno
    return made


def _reason(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"no space left on the disk of {path.parent}"
    if error.errno == errno.EDQUOT:
        return f"the disk quota of {path.parent} is used up"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"the folder {path.parent} is not writable ({error.strerror})"
    return error.strerror or str(error)


def _synchronize(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _synchronize_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(descriptor)
