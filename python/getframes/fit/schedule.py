"""In which order the patches of a sweep may be fitted.

Patches that touch take each other's sources as fixed neighbours. They are fitted one after the other, in the order of their numbers; all others at any time. So a
patch always finds the same neighbours, whatever the number of workers and however fast each is: the result is that of one worker.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.fit.grouping import Links


class Schedule:
    """The patches of a sweep that are not done yet.

    Parameters
    ----------
    patch : array (n,) of int
        Patch of each source; -1 for none.
    links : Links
        Which sources overlap.
    done : array (n,) of bool
        Sources whose patch is done.
    """

    def __init__(self, patch: NDArray[np.int32], links: Links, done: NDArray[np.bool_]) -> None:
        self.left = set(np.unique(patch[(patch >= 0) & ~done]).tolist())
        first, second = patch[links.first], patch[links.second]
        apart = (first != second) & (first >= 0) & (second >= 0)
        touching = np.unique(np.sort(np.stack([first, second])[:, apart], axis=0), axis=1)
        self._after: dict[int, list[int]] = {}
        self._awaited = dict.fromkeys(self.left, 0)
        for before, after in touching.T.tolist():
            if before in self.left and after in self.left:
                self._after.setdefault(before, []).append(after)
                self._awaited[after] += 1
        self._ready = [number for number, count in self._awaited.items() if count == 0]
        heapify(self._ready)

    def take(self) -> int | None:
        """The first patch that may be fitted now; None where all others have to wait, or there are none."""
        return heappop(self._ready) if self._ready else None

    def give_back(self, number: int) -> None:
        """Let a patch that was taken be taken again."""
        heappush(self._ready, number)

    def finish(self, number: int) -> None:
        """A patch that was taken is done."""
        self.left.discard(number)
        for after in self._after.pop(number, []):
            self._awaited[after] -= 1
            if self._awaited[after] == 0:
                heappush(self._ready, after)
