"""The frames of a file with several detectors, reduced together.

An extension is known by its EXTNAME and EXTVER, and goes with the extension of that name and version of every other file. A file counts as one of
several detectors where its primary unit has no image and two or more extensions have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from getframes.errors import DomainError, require
from getframes.reduce.frame import ReducedFrame
from getframes.reduce.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Key = tuple[str, int]


class Extensions(Mapping[Key, ReducedFrame]):
    """Reduced frames by the name and version of their extension.

    Parameters
    ----------
    frames : mapping
        ``(EXTNAME, EXTVER)`` to `ReducedFrame`; ``frames["CCD1"]`` is version 1.

    Raises
    ------
    DomainError
        If there is none, or one is asked for that there is not.
    """

    def __init__(self, frames: Mapping[Key, ReducedFrame]) -> None:
        require(len(frames) > 0, self, "frames", "at least one", 0)
        self._frames = dict(frames)

    def __getitem__(self, key: Key | str) -> ReducedFrame:
        found = (key, 1) if isinstance(key, str) else key
        if found not in self._frames:
            there = ", ".join(map(str, self._frames))
            raise DomainError(f"there must be an extension {found} (EXTNAME, EXTVER), got {there}")
        return self._frames[found]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)

    def __repr__(self) -> str:
        return f"Extensions({', '.join(f'{name},{version}' for name, version in self._frames)})"

    def to_fits(self, path: str | PathLike[str], overwrite: bool = False) -> None:
        """Write SCI, MASK and UNCERT of each to one file, complete or not at all; errors as in `Frame.to_fits`."""
        from getframes.io.fits import write_extensions

        write_extensions(self._frames, path, overwrite=overwrite)

    @classmethod
    def from_fits(cls, path: str | PathLike[str], *, checksum: bool = True) -> Extensions:
        """Read what `to_fits` wrote; errors as in `Frame.from_fits`."""
        from getframes.io.fits import read_extensions

        found = read_extensions(path, ("MASK", "UNCERT", "USED"), checksum=checksum)
        return cls({key: ReducedFrame.of_planes(*parts) for key, parts in found.items()})


def extensions_of(source: Any) -> list[Key]:
    """Names and versions of the images of a file of several detectors; empty for anything else."""
    if isinstance(source, str | PathLike):
        from getframes.io.fits import image_extensions

        return image_extensions(source)
    return list(source) if isinstance(source, Extensions) else []


def part(source: Any, key: Key, kind: str) -> Any:
    """The extension of a master that belongs to one of a frame.

    Raises
    ------
    DomainError
        If it has none: names the file and the extension.
    """
    if source is None:
        return None
    keys = extensions_of(source)
    if keys and keys[0][0] == "SCI" and not isinstance(source, Extensions):
        source = Extensions.from_fits(source)
        keys = list(source)
    name = source if isinstance(source, str | PathLike) else kind
    there = ", ".join(map(str, keys)) or "one image"
    require(key in keys, "", f"{name} ({kind})", f"a file with the extension {key} (EXTNAME, EXTVER)", there)
    return source[key] if isinstance(source, Extensions) else Raw.of(source, kind, extension=key)


def together(sources: Iterable[Any], make: Callable[[Key], ReducedFrame]) -> Extensions | None:
    """What `make` gives for each extension, where the sources are files of several detectors; None where they are not.

    Raises
    ------
    DomainError
        If files do not have the same extensions.
    """
    first: list[Key] | None = None
    for source in sources:
        keys = extensions_of(source)
        if first is None:
            first = keys
        missing = [str(key) for key in (*first, *keys) if (key in first) != (key in keys)]
        require(not missing, "", str(source), f"of the extensions {first}; without match", ", ".join(missing))
    return Extensions({key: make(key) for key in first}) if first else None
