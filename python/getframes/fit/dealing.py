"""Which patches of a scene there are, which may be fitted now, and which are out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from getframes.errors import GetframesError
from getframes.fit.grouping import overlaps, points_of, share_out
from getframes.fit.schedule import Schedule
from getframes.fit.source_flag import ENDING

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from getframes.fit.state import State

    Chosen = NDArray[np.bool_]
    Places = NDArray[np.intp]

_LOG = logging.getLogger("getframes.fit")
_BY_HAND = 2**32 - 1
"""Stands where the number of a sweep does, in the seed of a patch that was asked for by its source."""


class NothingAvailableError(GetframesError, LookupError):
    """No source can be checked out: all are in patches now, wait for one that is, or are flagged."""


class Dealt(NamedTuple):
    """A patch that is given out.

    Attributes
    ----------
    id : int
        Its number; negative where it was asked for by its source.
    seed : int
        Of what is random in its fit.
    sources : array of bool (n,)
        Its active sources.
    """

    id: int
    seed: int
    sources: Chosen


class Dealer:
    """Shares the sources of a scene out among patches, and gives these out.

    Parameters
    ----------
    state : State
        Of the scene, in which sweeps and what is done are noted.
    path : path
        Its file, for errors.
    """

    def __init__(self, state: State, path: Path) -> None:
        self._state, self._path = state, path
        self._points = points_of(state.sources["ra"], state.sources["dec"], sky=state.sky)
        self.links = overlaps(self._points, state.roi)
        self.active = np.zeros(len(state.sources), bool)
        self._out: dict[tuple[int, ...], int | None] = {}
        self._schedule = self._scheduled()

    @property
    def patches_left(self) -> int:
        """Patches of this sweep that are not done."""
        return len(self._schedule.left)

    def short(self, target_niter: int | None, visits: int | None) -> Chosen:
        """Sources that are fitted and short of what is wanted; None wants nothing, and both None everything."""
        progress = self._state.progress
        short = np.full(len(self.active), target_niter is None and visits is None)
        if target_niter is not None:
            short |= progress["draws"] < target_niter
        if visits is not None:
            short |= progress["visits"] < visits
        return np.array(short & self._fitted)

    def deal(self, target_niter: int | None, visits: int | None) -> Dealt:
        """Give out the next patch of the sweep; where none is left, of a new one of the sources that are `short`.

        Raises
        ------
        NothingAvailableError
            If none can be given out before another one is back.
        """
        if not self.patches_left:
            self._begin_sweep(self.short(target_niter, visits))
        number, chosen = self._next()
        state = self._state
        name = (state.sweep - 1) * len(chosen) + number
        return self._given(chosen, number, name, [state.seed, state.sweep, number])

    def deal_around(self, source: int) -> Dealt:
        """Give out a patch of a source and those of its group that are not out.

        Raises
        ------
        NothingAvailableError
            If it is out, or flagged.
        """
        state, free = self._state, self._fitted & ~self.active
        if not free[source]:
            raise NothingAvailableError(f"source {state.sources['id'][source]} is checked out, or flagged")
        patch = self._shared(free, np.array([source]))
        visits = int(state.progress["visits"][source])
        name = -1 - visits * len(free) - source
        return self._given(patch == 0, None, name, [state.seed, _BY_HAND, visits, source])

    def is_out(self, places: Places) -> bool:
        """Whether these are the sources of a patch that is out."""
        return tuple(places.tolist()) in self._out

    def take_back(self, places: Places, *, done: bool) -> None:
        """Take a patch back, which is done or can be given out again."""
        self.active[places] = False
        number = self._out.pop(tuple(places.tolist()))
        if number is None:
            return
        if done:
            self._state.progress["done"][places] = True
            self._schedule.finish(number)
        else:
            self._schedule.give_back(number)

    @property
    def _fitted(self) -> Chosen:
        fitted: Chosen = self._state.progress["flags"] & int(ENDING) == 0
        return fitted

    def _scheduled(self) -> Schedule:
        progress = self._state.progress
        return Schedule(progress["patch"], self.links, progress["done"])

    def _shared(self, free: Chosen, order: Places) -> NDArray[np.int32]:
        state = self._state
        return share_out(self._points, state.roi, self.links, free=free, order=order, most=state.max_active)

    def _begin_sweep(self, free: Chosen) -> None:
        """Share sources out anew."""
        state = self._state
        if not free.any():
            raise NothingAvailableError(f"{self._path}: every source is flagged, or has all that is wanted")
        state.sweep += 1
        order = np.random.default_rng([state.seed, state.sweep]).permutation(len(free))
        state.progress["patch"] = self._shared(free, order)
        state.progress["done"] = ~free
        self._schedule = self._scheduled()
        _LOG.info(
            "sweep %d: %d patches of %d sources", state.sweep, self.patches_left, np.count_nonzero(free)
        )

    def _next(self) -> tuple[int, Chosen]:
        """Number and sources of the next patch of the sweep."""
        held = []
        try:
            while (number := self._schedule.take()) is not None:
                chosen = self._state.progress["patch"] == number
                if not (chosen & self.active).any():
                    return number, chosen
                held.append(number)  # a source of it was checked out by hand
        finally:
            for number in held:
                self._schedule.give_back(number)
        raise NothingAvailableError("every patch of the sweep is checked out, or waits for one that is")

    def _given(self, chosen: Chosen, number: int | None, name: int, key: list[int]) -> Dealt:
        self.active |= chosen
        self._out[tuple(np.flatnonzero(chosen).tolist())] = number
        seed = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1)
        return Dealt(name, seed, chosen)
