"""A progress bar for long loops."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")


def progress(iterable: Iterable[T], total: int | None, label: str, unit: str = "frame") -> Iterator[T]:
    """Pass the items through, and show how many are done, the rate and the time left.

    The bar is on standard error, appears after one second, and only on a terminal.

    Parameters
    ----------
    iterable : iterable
        What to loop over.
    total : int or None
        How many items there will be; None where that is not known.
    label : str
        What the items are, before the bar.
    unit : str
        What one of them is.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield from iterable
        return
    from tqdm import tqdm

    style = {"unit": f" {unit}", "delay": 1.0, "dynamic_ncols": True, "file": sys.stderr}
    yield from tqdm(iterable, total=total, desc=label, **style)


@contextmanager
def counting(total: int, label: str, unit: str) -> Iterator[Callable[[int], object]]:
    """A bar like that of `progress` for work that says itself how many are done, by the function that the block is given.

    Parameters
    ----------
    total : int
        How many there will be.
    label, unit : str
        What they are, before the bar and after the numbers.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda done: None
        return
    from tqdm import tqdm

    with tqdm(
        total=total, desc=label, unit=f" {unit}", delay=1.0, dynamic_ncols=True, file=sys.stderr
    ) as bar:
        yield lambda done: bar.update(done - bar.n)
        bar.update(total - bar.n)
