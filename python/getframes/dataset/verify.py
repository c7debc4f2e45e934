"""Compare a folder of data sets with its manifests."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from getframes.dataset.manifest import JOURNAL, MANIFEST, Entry, read_record
from getframes.errors import IntegrityError, require
from getframes.io.atomic import UNFINISHED
from getframes.io.interrupts import steadily, thread_pool, uninterrupted
from getframes.io.progress import progress

if TYPE_CHECKING:
    from os import PathLike

_THREADS = 2
_CHUNK = 2**20


def verify(directory: str | PathLike[str]) -> list[str]:
    """Compare every file of the data sets in a folder with its recorded size and SHA-256.

    Parameters
    ----------
    directory : path
        A folder that `PairDataset.to_npz` has written to.

    Returns
    -------
    list of str
        One line for each damaged, missing, unrecorded or unfinished file, damaged manifest and unfinished
        data set; empty if all is well.

    Raises
    ------
    DomainError
        If `directory` is no folder.
    """
    folder = Path(directory)
    require(folder.is_dir(), "verify", "directory", "an existing folder", str(directory))
    names = sorted(entry.name for entry in os.scandir(folder))
    prefixes = {name.removesuffix(end) for name in names for end in (MANIFEST, JOURNAL) if name.endswith(end)}
    problems = [] if prefixes else [f"{folder} has no manifest"]
    recorded: set[str] = set()
    for prefix in sorted(prefixes):
        try:
            record = read_record(folder, prefix)
        except IntegrityError as error:
            problems.append(str(error))
            continue
        entries = list(record.entries.values()) if record is not None else []
        recorded.update(entry.file for entry in entries)
        problems += check_files(folder, entries)
        if f"{prefix}{JOURNAL}" in names:
            problems.append(f"{prefix!r} is not finished: the call that made it finishes it when repeated")
    problems += [f"{name} is an unfinished file" for name in names if name.endswith(UNFINISHED)]
    extra = (name for name in names if re.search(r"_\d{6,}\.npz$", name) and name not in recorded)
    return problems + [f"{name} is in no manifest" for name in extra]


def check_files(folder: Path, entries: list[Entry]) -> Iterator[str]:
    """What is wrong with each file that is not as it was recorded."""
    with thread_pool(_THREADS) as pool:
        with uninterrupted():
            found = pool.map(lambda entry: problem_with(folder, entry), entries)
        yield from (problem for problem in progress(steadily(found), len(entries), "checking") if problem)


def problem_with(folder: Path, entry: Entry) -> str:
    """What is wrong with a file, in a line; empty if it is as it was recorded."""
    running = hashlib.sha256()
    size = 0
    try:
        with (folder / entry.file).open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                running.update(chunk)
                size += len(chunk)
    except FileNotFoundError:
        return f"{entry.file} is missing"
    except OSError as error:
        return f"{entry.file} cannot be read: {error.strerror}"
    if size != entry.bytes:
        return f"{entry.file} has {size} bytes, must have {entry.bytes}"
    if running.hexdigest() != entry.sha256:
        return f"{entry.file} differs from its SHA-256"
    return ""
