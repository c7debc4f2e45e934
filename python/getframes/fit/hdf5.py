"""HDF5 files: written complete or not at all, read with errors that name the file."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from getframes.errors import GetframesError, InputError, IntegrityError, MissingFileError
from getframes.io.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike


def h5py_module() -> Any:
    """The library h5py.

    Raises
    ------
    InputError
        If it is not installed: names the extra that brings it.
    """
    try:
        return import_module("h5py")
    except ImportError as error:
        raise InputError("HDF5 files need the extra getframes[fit]: pip install 'getframes[fit]'") from error


@contextmanager
def writing(path: str | PathLike[str], kind: str, *, overwrite: bool = False) -> Iterator[Any]:
    """An HDF5 file of some kind to be written, which appears when the block ends well.

    Raises
    ------
    OutputError
        If the file exists already or cannot be written.
    """
    with created(path, overwrite=overwrite) as file:
        file.attrs["getframes"] = kind
        yield file


@contextmanager
def created(path: str | PathLike[str], *, overwrite: bool = False) -> Iterator[Any]:
    """An HDF5 file to be written, of no kind; errors as `writing`."""
    h5py = h5py_module()
    with replacing(path, overwrite=overwrite) as unfinished, _Target(str(unfinished), "w+") as target:
        with h5py.File(target, "w") as file:
            yield file
        target.settle()


class _Target(FileIO):
    """A file that keeps the first error of writing until it is asked: HDF5, when it meets a full disk, ends the process."""

    _wrong: OSError | None = None

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._tried(lambda: self._write_all(view))
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        self._tried(lambda: super(_Target, self).truncate(size))
        return self.tell() if size is None else size

    def settle(self) -> None:
        """Raise the error of writing, if there was one."""
        if self._wrong is not None:
            raise self._wrong

    def _write_all(self, view: memoryview) -> None:
        done = 0
        while done < len(view):
            done += super().write(view[done:])

    def _tried(self, work: Callable[[], object]) -> None:
        if self._wrong is None:
            try:
                work()
            except OSError as error:
                self._wrong = error


@contextmanager
def reading(path: str | PathLike[str], kind: str) -> Iterator[Any]:
    """An HDF5 file of some kind, open for the length of the block.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it cannot be read.
    IntegrityError
        If it is not HDF5, is damaged, or of another kind.
    """
    file = opened(path, kind)
    try:
        yield file
    except GetframesError:
        raise
    except (OSError, KeyError) as error:  # what h5py says about damaged bytes and about what is not there
        raise IntegrityError(f"{path} is damaged: {error}") from error
    finally:
        file.close()


def opened(path: str | PathLike[str], kind: str) -> Any:
    """An open HDF5 file of some kind, errors as `reading`; whoever asks closes it."""
    h5py = h5py_module()
    if not Path(path).is_file():
        raise MissingFileError(f"cannot read {path}: there is no such file")
    try:
        file = h5py.File(path, "r")
    except PermissionError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except OSError as error:
        raise IntegrityError(f"{path} is not a readable HDF5 file: {error}") from error
    if file.attrs.get("getframes") != kind:
        found = file.attrs.get("getframes")
        file.close()
        raise IntegrityError(f"{path} must be a file of getframes with {kind}, got {found!r}")
    return file
