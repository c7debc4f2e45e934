"""Writing the items of a data set to files: in threads, in order, and only those that are not there yet."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from dataclasses import dataclass
from io import BytesIO
from threading import local
from typing import TYPE_CHECKING, Any

from getframes.dataset.manifest import Entry, Journal, file_name
from getframes.dataset.npz import npz_content
from getframes.dataset.verify import problem_with
from getframes.io.atomic import replacing
from getframes.io.interrupts import steadily, thread_pool, uninterrupted
from getframes.io.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future


def writing_threads() -> int:
    """Threads that encode, sum and write while the next frames are simulated: one a core, up to 8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, cores)


def intact_items(journal: Journal) -> set[int]:
    """Items whose files are as the journal recorded them."""
    items = list(journal.entries.items())
    with thread_pool(writing_threads()) as pool:
        with uninterrupted():
            found = pool.map(lambda item: problem_with(journal.folder, item[1]), items)
        checked = progress(zip(items, steadily(found), strict=True), len(items), "checking")
        return {index for (index, _), problem in checked if not problem}


@dataclass(frozen=True)
class Item:
    """One item to write.

    Attributes
    ----------
    number : int
        Which one.
    scene : str, optional
        Digest of its scene, to be recorded.
    arrays : callable, optional
        Gives the arrays by key; called in a writing thread. None where the file is there already.
    """

    number: int
    scene: str | None = None
    arrays: Callable[[], Mapping[str, Any]] | None = None


def write_items(journal: Journal, items: Iterable[Item], *, compress: bool) -> int:
    """Write each item's arrays to its file, and count the items.

    Parameters
    ----------
    journal : Journal
        Where the files are recorded.
    items : iterable of Item
        Drawn from in the calling thread, no more than a few items ahead of the writing.
    compress : bool
        Deflate the arrays.

    Raises
    ------
    OutputError
        If a file cannot be written. Files finished by then stay, recorded.
    """

    buffers = local()

    def store(item: Item, arrays: Callable[[], Mapping[str, Any]]) -> None:
        if not hasattr(buffers, "mine"):
            buffers.mine = BytesIO()
        name = file_name(journal.prefix, item.number)
        with npz_content(arrays(), compress=compress, buffer=buffers.mine) as content:
            entry = Entry(name, len(content), hashlib.sha256(content).hexdigest(), item.scene)
            with replacing(journal.folder / name, durable=False) as unfinished:
                with unfinished.open("xb") as file:
                    file.write(content)
                journal.append(item.number, entry)

    count, threads = 0, writing_threads()
    waiting: deque[Future[None]] = deque()
    with thread_pool(threads) as pool:
        for item in items:
            count += 1
            if item.arrays is not None:
                with uninterrupted():
                    if len(waiting) > threads:  # bounds the memory
                        waiting.popleft().result()
                    waiting.append(pool.submit(store, item, item.arrays))
        while waiting:
            with uninterrupted():
                waiting.popleft().result()
    return count
