"""Arrays that one process writes and many read.

A process pool pickles what it is given, a memory map too: masters of 100 MB then travel with every frame. `share` writes them into one file and gives back
arrays that are maps of it and whose pickle is the name of the file. Whoever unpickles one maps the file as well, once per process, so that all processes
look at the same pages of memory.

The file lies in memory (``/dev/shm``) where there is room, else in the folder of temporary files. The process that made it removes it: at the end of the
``with`` block, at `SharedArrays.close`, when the last of the arrays is let go there, or when that process ends. What a killed process left is removed by the
next `share` in the same folder, which sees that nobody holds its lock.
"""

from __future__ import annotations

import mmap
import os
import pickle
import re
import secrets
import socket
import tempfile
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from getframes.errors import DomainError, OutputError, require
from getframes.frame import Frame

_PAGE = 4096  # every array begins on a page of its own
_MAGIC = b"getframes shares"
_HEAD = len(_MAGIC) + 8


def share(arrays: Mapping[str, Any], directory: str | os.PathLike[str] | None = None) -> SharedArrays:
    """Write arrays once, for all processes to read.

    ::

        with share({"bias": bias, "flat": flat}) as shared, Pool(8) as pool:
            for _ in pool.imap(partial(reduce_one, shared=shared), files):
                ...

    Parameters
    ----------
    arrays : mapping of str to array or Frame
        What to share; of a frame all of it, of a `ReducedFrame` uncertainty, flags and metadata too. Bytes in the order of a file are turned into that of the
        machine.
    directory : path, optional
        An existing folder for the file, which all processes have to see: on a cluster, one of a common file system. When left out, memory where there is twice
        the room in it, else the folder of temporary files.

    Returns
    -------
    SharedArrays
        A mapping with the same keys. Its values are read-only; they pickle, like the mapping itself, to less than 1 kB.

    Raises
    ------
    DomainError
        If a value is neither a frame nor an array of plain numbers; a masked array, or one with a unit, would lose what it is.
    OutputError
        If the file cannot be written; nothing is left of it.
    """
    require(len(arrays) > 0, "share", "arrays", "at least one array", dict(arrays))
    contents = {str(name): _storable(str(name), value) for name, value in arrays.items()}
    buffers: list[pickle.PickleBuffer] = []
    index = pickle.dumps(contents, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    head = pickle.dumps((index, [view.nbytes for view in views]))
    size = _HEAD + len(head) + sum(view.nbytes + _PAGE for view in views)
    folder = _roomy_folder(size) if directory is None else Path(directory)
    _remove_orphans(folder)
    path, descriptor = _create(folder)
    try:
        _write(descriptor, head, views)
        home = _Home(path)
    except BaseException as error:
        _remove(path, descriptor, os.getpid())
        if isinstance(error, OSError):
            reason = f"{error.strerror or error} ({size / 1e6:.0f} MB are needed)"
            raise OutputError(f"cannot share arrays in {folder}: {reason}") from error
        raise
    home.made_here(descriptor)
    return SharedArrays(home)


class SharedArrays(Mapping[str, Any]):
    """The arrays and frames of `share`, by name. The end of its ``with`` block removes the file."""

    def __init__(self, home: _Home) -> None:
        self._home = home

    def __getitem__(self, name: str) -> Any:
        value = self._home.contents[name]
        return (
            _shared_frame(self._home, name, value) if isinstance(value, Frame) else self._home.shared(value)
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._home.contents)

    def __len__(self) -> int:
        return len(self._home.contents)

    def __enter__(self) -> SharedArrays:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        return _attached, (self._home.sent(),)

    def __repr__(self) -> str:
        return f"SharedArrays({', '.join(self)} in {self.path})"

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self._home.path)

    def kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is worked out from the arrays once in each process: `make()` at first, and the same thing from then on."""
        made = self._home.kept
        return made[key] if key in made else made.setdefault(key, make())

    def close(self) -> None:
        """Remove the file, in the process that made it; elsewhere this does nothing.

        Arrays that a process has got stay readable there, but can no longer be sent to another one.
        """
        self._home.remove()


class SharedArray(np.ndarray[Any, Any]):
    """A read-only array in the file of a `share`; what is computed from it is an ordinary array.

    It pickles as the name of the file and its place there, and so does a view of it. A copy pickles with its pixels, as any array.
    """

    _home: _Home | None = None

    def __array_finalize__(self, source: Any) -> None:
        home = getattr(source, "_home", None)
        self._home = home if home is not None and home.holds(self) else None

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar else plain

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self._home is None:
            return np.asarray(self).__reduce_ex__(protocol)
        offset = self._home.offset(self)
        return _attached_array, (self._home.sent(), offset, self.shape, self.strides, self.dtype)


class _Home:
    """A file of shared arrays, mapped into this process.

    Attributes
    ----------
    path : str
        The file.
    contents : dict
        Its arrays and frames; they look at the map.
    kept : dict
        What was worked out from them.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, "rb") as file:  # noqa: PTH123
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._map[: len(_MAGIC)] != _MAGIC:
            raise OSError(f"{path} holds no shared arrays")
        length = int.from_bytes(self._map[len(_MAGIC) : _HEAD], "little")
        index, sizes = pickle.loads(self._map[_HEAD : _HEAD + length])
        whole = memoryview(self._map)
        places = zip(_starts(_HEAD + length, sizes), sizes, strict=True)
        self.contents: dict[str, Any] = pickle.loads(index, buffers=[whole[at : at + n] for at, n in places])
        self._first = _address(np.frombuffer(self._map, np.uint8))
        self.kept: dict[Hashable, Any] = {}
        self._owner: weakref.finalize[Any, Any] | None = None

    def made_here(self, descriptor: int) -> None:
        """Remove the file with this object, or when this process ends; but not where a child of it does."""
        self._owner = weakref.finalize(self, _remove, self.path, descriptor, os.getpid())
        _MADE[self.path] = self

    def remove(self) -> None:
        """Remove the file if this process made it."""
        if self._owner is not None:
            self._owner()

    def sent(self) -> str:
        """The name of the file, for another process.

        Raises
        ------
        DomainError
            If the file is no longer there.
        """
        if self._owner is not None and not self._owner.alive:
            raise DomainError(f"shared arrays must not be closed before they are sent, got {self.path}")
        return self.path

    def offset(self, array: SharedArray) -> int:
        """Where an array begins in the file [bytes]."""
        return _address(array) - self._first

    def holds(self, array: SharedArray) -> bool:
        """Whether an array looks at the map; a copy does not."""
        return 0 <= self.offset(array) < len(self._map)

    def view(self, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: Any) -> SharedArray:
        """A part of the file as an array."""
        array: SharedArray = SharedArray(shape, dtype, self._map, offset, strides)
        array._home = self
        return array

    def shared(self, array: Any) -> SharedArray:
        """One of the arrays of the contents, such that it pickles by its place."""
        seen: SharedArray = array.view(SharedArray)
        seen._home = self if self.holds(seen) else None
        return seen


class _InFile:
    """What makes a frame pickle as the name of its file; `_shared_kind` mixes it into a kind of frame."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        home: _Home | None = self.__dict__.get("_home")
        if home is None:  # made from a shared frame, by dataclasses.replace
            return _plain_frame, (type(self).__bases__[1], dict(self.__dict__))
        return _attached_frame, (home.sent(), self.__dict__["_name"])


class _Gone(np.lib.mixins.NDArrayOperatorsMixin):
    """Stands for shared arrays whose file is not there: an error at use, in the task that uses them.

    An error while a task is unpickled would end the worker, and a pool would wait for its answer without end.
    """

    def __init__(self, path: str, reason: str) -> None:
        self._text = f"shared arrays must be there as long as they are used, but {path}: {reason}"

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise DomainError(self._text)

    __getattr__ = __getitem__ = __len__ = __iter__ = __array__ = __array_ufunc__ = _refuse


_MADE: weakref.WeakValueDictionary[str, _Home] = weakref.WeakValueDictionary()
"""Files that this process made."""

_ATTACHED: dict[str, _Home] = {}
"""Files of other processes, kept mapped between tasks."""


def _home_at(path: str) -> _Home:
    home = _MADE.get(path) or _ATTACHED.get(path)
    if home is not None:
        return home
    for other in [other for other in _ATTACHED if not os.path.exists(other)]:  # noqa: PTH110
        _ATTACHED.pop(other, None)  # or the memory of a removed file would never be free
    return _ATTACHED.setdefault(path, _Home(path))


def _attached(path: str) -> SharedArrays | _Gone:
    try:
        return SharedArrays(_home_at(path))
    except OSError as error:
        return _Gone(path, error.strerror or str(error))


def _attached_frame(path: str, name: str) -> Any:
    found = _attached(path)
    return found if isinstance(found, _Gone) else found[name]


def _attached_array(path: str, *place: Any) -> Any:
    found = _attached(path)
    return found if isinstance(found, _Gone) else found._home.view(*place)


def _shared_frame(home: _Home, name: str, frame: Frame) -> Any:
    fields = {
        key: home.shared(value) if isinstance(value, np.ndarray) else value
        for key, value in vars(frame).items()
    }
    kind: Any = type(frame)
    own = {"metadata": dict(frame.metadata), "_home": home, "_name": name}
    return _plain_frame(_shared_kind(kind), {**fields, **own})


@cache
def _shared_kind(kind: Any) -> type[Any]:
    return type(f"Shared{kind.__name__}", (_InFile, kind), {"__doc__": f"A {kind.__name__} of `share`."})


def _storable(name: str, value: Any) -> Any:
    """What is written of a value: arrays in one piece and in native byte order."""
    if isinstance(value, Frame):
        kind = type(value).__bases__[1] if isinstance(value, _InFile) else type(value)
        fields = {key: item for key, item in vars(value).items() if key not in ("_home", "_name")}
        whole = {key: _whole(item) for key, item in fields.items() if isinstance(item, np.ndarray)}
        return _plain_frame(kind, {**fields, **whole})
    special = isinstance(value, np.ma.MaskedArray) or hasattr(value, "unit")
    array = np.asarray(value)
    right = not special and array.dtype.kind in "biufc" and array.size > 0
    require(right, "share", f"arrays[{name!r}]", "a Frame or an array of plain numbers", type(value).__name__)
    return _whole(array)


def _plain_frame(kind: type[Frame], fields: dict[str, Any]) -> Frame:
    frame: Frame = object.__new__(kind)
    frame.__dict__.update(fields)
    return frame


def _whole(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(array, array.dtype.newbyteorder("="), order="C")


def _roomy_folder(size: int) -> Path:
    memory = Path("/dev/shm")
    with suppress(OSError, AttributeError):  # not there, or no such thing in this system
        room = os.statvfs(memory)
        if room.f_bavail * room.f_frsize > 2 * size and os.access(memory, os.W_OK):
            return memory
    return Path(tempfile.gettempdir())


def _create(folder: Path) -> tuple[str, int]:
    """A new file, locked as long as this process, or one that it forked, has it open."""
    while True:
        path = str(folder / f"{_prefix()}{secrets.token_hex(8)}.shared")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        except OSError as error:
            raise OutputError(f"cannot share arrays in {folder}: {error.strerror or error}") from error
        if _lock(descriptor) is not False and os.path.exists(path):  # noqa: PTH110
            return path, descriptor
        os.close(descriptor)  # another process took it for an orphan, between our two steps


def _write(descriptor: int, head: bytes, views: list[memoryview]) -> None:
    with open(descriptor, "wb", closefd=False) as file:
        file.write(_MAGIC + len(head).to_bytes(8, "little") + head)
        for start, view in zip(
            _starts(_HEAD + len(head), [view.nbytes for view in views]), views, strict=True
        ):
            file.seek(start)
            file.write(view)


def _starts(first: int, sizes: list[int]) -> Iterator[int]:
    """Where arrays of these sizes begin, each on a page of its own."""
    for size in sizes:
        start = -(-first // _PAGE) * _PAGE
        first = start + size
        yield start


def _remove(path: str, descriptor: int, pid: int) -> None:
    if os.getpid() == pid:
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108
        with suppress(OSError):
            os.close(descriptor)


def _remove_orphans(folder: Path) -> None:
    """Remove the files of processes of this machine that were killed."""
    name = re.compile(re.escape(_prefix()) + r"[0-9a-f]{16}\.shared")
    with suppress(OSError):
        for entry in os.scandir(folder):
            if name.fullmatch(entry.name):
                with suppress(OSError), open(entry.path, "r+b") as file:  # noqa: PTH123
                    if _lock(file.fileno()):
                        os.unlink(entry.path)  # noqa: PTH108


def _lock(descriptor: int) -> bool | None:
    """Take the lock of a file unless somebody has it; None where there are no locks, and files of killed processes stay."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


def _prefix() -> str:
    return f"getframes-{re.sub('[^A-Za-z0-9]', '_', socket.gethostname())}-"


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])
