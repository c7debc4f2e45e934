"""What a folder of a data set holds: the recipe, and the size and checksum of every file.

While files are being made their records go, one line each, to the journal `<prefix>_manifest.jsonl`, whose
first line is the recipe. A record is appended before its file gets its final name, so that, however a
process ends, no file stands under a final name without a record, and a torn last line is a file that is
made again. When all files are there the journal becomes `<prefix>_manifest.json` in one step.

Single files are not forced to the disk, which would cost far more than making them: after a power cut, not
after a killed process, recorded files may be torn. Their checksums tell, and the same call makes them again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from getframes.errors import IntegrityError, OutputError, OutputExistsError, require
from getframes.io.atomic import UNFINISHED, output_error, replacing

FORMAT = 1
"""Version of the layout of manifest and journal."""

MANIFEST = "_manifest.json"
JOURNAL = "_manifest.jsonl"


@dataclass(frozen=True)
class Entry:
    """One file: its name, size and SHA-256, and the digest of its scene where the recipe does not fix it."""

    file: str
    bytes: int
    sha256: str
    scene: str | None = None


@dataclass
class Record:
    """All that is known of one data set: its recipe, and the entries of its files by item number."""

    recipe: dict[str, Any]
    entries: dict[int, Entry] = field(default_factory=dict)


def file_name(prefix: str, index: int) -> str:
    """Name of the file of an item."""
    return f"{prefix}_{index:06d}.npz"


def item_number(prefix: str, name: str) -> int | None:
    """The item that a file belongs to, or None."""
    match = re.fullmatch(rf"{re.escape(prefix)}_(\d{{6,}})\.npz", name)
    return int(match[1]) if match else None


def read_record(folder: Path, prefix: str) -> Record | None:
    """What manifest and journal say together; None where there is neither.

    Raises
    ------
    IntegrityError
        If one of them is damaged, or of another format.
    """
    manifest, journal = folder / f"{prefix}{MANIFEST}", folder / f"{prefix}{JOURNAL}"
    record = _read_manifest(manifest, prefix) if manifest.exists() else None
    if journal.exists():
        newer = _read_journal(journal, prefix)
        if record is not None:
            newer.entries = {**record.entries, **newer.entries}
        record = newer
    return record


class Journal:
    """The one writer of a data set in a folder.

    Parameters
    ----------
    folder : Path
        An existing folder.
    prefix : str
        First part of the names of the files.
    recipe : dict
        What the data set is made from.

    Attributes
    ----------
    entries : dict
        Entries by item number, those of earlier runs included.

    Raises
    ------
    OutputError
        If the folder has files of another recipe, or without one (then it is also a `FileExistsError`), if
        another process is writing there, or if it cannot be written.
    IntegrityError
        If its manifest is damaged.
    """

    def __init__(self, folder: Path, prefix: str, recipe: dict[str, Any]) -> None:
        require(prefix != "" and Path(prefix).name == prefix, "to_npz", "prefix", "a file name", prefix)
        self.folder, self.prefix = folder, prefix
        self.recipe: dict[str, Any] = json.loads(json.dumps(recipe))  # as a file gives it back
        self.path = folder / f"{prefix}{JOURNAL}"
        record = self._check()
        if not self.path.exists():
            with replacing(self.path, overwrite=False) as unfinished:
                unfinished.write_bytes(_line({"format": FORMAT, "recipe": self.recipe}))
        try:
            self._descriptor: int | None = os.open(
                self.path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)
            )
        except OSError as error:
            raise output_error(self.path, error) from error
        try:
            self._lock()
            record = self._check()  # what another process wrote before the lock was ours
            self._clean()
        except BaseException:
            self.close()
            raise
        self.entries = record.entries if record is not None else {}

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder; the journal stays and can be continued."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def append(self, index: int, entry: Entry) -> None:
        """Record a file that is about to get its final name. Any thread may call this."""
        self._write(_line({"item": index, **_without_none(vars(entry))}))
        self.entries[index] = entry

    def finish(self) -> None:
        """Turn the journal into the manifest, forced to the disk."""
        with replacing(self.folder / f"{self.prefix}{MANIFEST}") as unfinished:
            unfinished.write_bytes(manifest_content(self.recipe, self.entries))
        if os.name == "nt":  # where an open file cannot be removed
            self.close()
        self.path.unlink(missing_ok=True)

    def _write(self, line: bytes) -> None:
        assert self._descriptor is not None
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            raise output_error(self.path, error) from error
        if written != len(line):
            raise OutputError(f"cannot write {self.path}: no space left on the disk of {self.folder}")

    def _check(self) -> Record | None:
        """What the folder holds, if it is ours to write to."""
        record = read_record(self.folder, self.prefix)
        if record is None:
            self._check_unclaimed()
        elif record.recipe != self.recipe:
            keys = sorted(record.recipe.keys() | self.recipe.keys())
            differences = [
                f"{key} is {record.recipe.get(key)!r} there and {self.recipe.get(key)!r} here"
                for key in keys
                if record.recipe.get(key) != self.recipe.get(key)
            ]
            raise OutputExistsError(
                f"{self.folder} holds {self.prefix!r} files of another data set, nothing was written: "
                + "; ".join(differences)
            )
        return record

    def _check_unclaimed(self) -> None:
        names = (entry.name for entry in os.scandir(self.folder))
        taken = min((name for name in names if item_number(self.prefix, name) is not None), default=None)
        if taken is not None:
            raise OutputExistsError(
                f"{self.folder} holds {taken}, which no manifest accounts for; nothing was written. "
                "Choose another folder or prefix"
            )

    def _lock(self) -> None:
        """Refuse a second writer; the lock ends with the process, however it ends."""
        try:
            import fcntl
        except ImportError:  # not a POSIX system
            return
        message = f"cannot write to {self.folder}: another process is writing {self.prefix!r} files there"
        try:
            assert self._descriptor is not None
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(message) from error
        except OSError:  # a file system without locks
            return
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(self._descriptor), os.stat(self.path)):  # noqa: PTH116
                return
        raise OutputError(message)  # it finished between our look and our lock

    def _clean(self) -> None:
        """Remove what a killed process left, and begin a new line after its last words."""
        ours = rf"{re.escape(self.prefix)}_(\d{{6,}}\.npz|manifest\.jsonl?)"
        unfinished = rf"\.{ours}\.[0-9a-f]+{re.escape(UNFINISHED)}"
        for entry in os.scandir(self.folder):
            if re.fullmatch(unfinished, entry.name):
                os.unlink(entry.path)  # noqa: PTH108
        if not self.path.read_bytes().endswith(b"\n"):
            self._write(b"\n")


def manifest_content(recipe: dict[str, Any], entries: dict[int, Entry]) -> bytes:
    """The manifest: JSON with one line a file, which ends with the SHA-256 of all that stands before it."""
    files = ",\n".join(json.dumps(_without_none(vars(entries[index]))) for index in sorted(entries))
    text = (
        f'{{\n"format": {FORMAT},\n"recipe": {json.dumps(recipe, indent=1)},\n"count": {len(entries)},\n'
        f'"files": [\n{files}\n],\n'
    )
    return f'{text}"sha256": "{hashlib.sha256(text.encode()).hexdigest()}"\n}}\n'.encode()


def _read_manifest(path: Path, prefix: str) -> Record:
    content = path.read_bytes()
    try:
        known = json.loads(content)
        entries = {_number(prefix, item["file"]): Entry(**item) for item in known["files"]}
        intact = known["format"] == FORMAT and content == manifest_content(known["recipe"], entries)
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path} is damaged: {error}") from error
    if not intact:
        raise IntegrityError(f"{path} is damaged, or of another version: its own checksum does not hold")
    return Record(known["recipe"], entries)


def _read_journal(path: Path, prefix: str) -> Record:
    first, *lines = path.read_bytes().split(b"\n")
    try:
        head = _checked(first)
        if head["format"] != FORMAT:
            raise ValueError(f"its format is {head['format']}, must be {FORMAT}")
        record = Record(head["recipe"])
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path} is damaged: {error}") from error
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):  # torn: the file is made again
            item = _checked(line)
            entry = Entry(**{key: value for key, value in item.items() if key != "item"})
            record.entries[_number(prefix, entry.file)] = entry
    return record


def _number(prefix: str, name: str) -> int:
    number = item_number(prefix, name)
    if number is None:
        raise ValueError(f"{name!r} is no file of {prefix!r}")
    return number


def _line(content: dict[str, Any]) -> bytes:
    """A line of the journal: JSON, then a part of its SHA-256, which tells a torn or damaged line."""
    text = json.dumps(content)
    return f"{text}\t{_mark(text)}\n".encode()


def _checked(line: bytes) -> dict[str, Any]:
    text, _, mark = line.decode().rpartition("\t")
    if mark != _mark(text):
        raise ValueError("a line is torn")
    content: dict[str, Any] = json.loads(text)
    return content


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _without_none(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value is not None}
