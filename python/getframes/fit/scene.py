"""A large scene, fitted patch by patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import ShapeError, require, require_count
from getframes.fit.bounds import bounds_of, in_order, outside
from getframes.fit.dealing import Dealer
from getframes.fit.region import Region
from getframes.fit.source import (
    Rows,
    parameter_positions,
    parameters_of,
    slots,
    source_dtype,
    with_parameters,
)
from getframes.fit.source_flag import ENDING, SourceFlag
from getframes.fit.state import PROGRESS, State, catalog_digest
from getframes.io.interrupts import uninterrupted

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

    from getframes.fit.catalog import SourceCatalog

    Numbers = NDArray[np.float64]
    Places = NDArray[np.intp]


class SuperScene:
    """The sources of a catalog and all that is known about them so far, with a state on disk.

    Patches are checked out, fitted, and checked in. A *sweep* shares all sources out among patches: groups of sources whose circles of influence overlap stay
    together, up to `max_active`; a larger group is split (see `getframes.fit.grouping.share_out`), differently in each sweep, and overlapping sources in another
    patch are fixed. A source is active in one patch at a time. Patches that touch each other are given out one after the other, in an order drawn from the seed.

    So what a patch finds depends on the catalog, the settings and the seed alone. The final state is the same, bit for bit, with one worker or many, in whatever
    order patches come back, and however often the run was killed and started again: what is checked in is on disk, and what is not is given out again, with the
    same seed. (Versions of libraries and kinds of processors are another matter.)

    Parameters
    ----------
    catalog : SourceCatalog
        Its usable rows are the sources.
    bands : sequence of str
        Names of the bands to fit.
    bounds : mapping
        Pairs by the names of parameters; see `getframes.fit.bounds.bounds_of`.
    state : path
        FITS file of the state. Where it is there the scene goes on from it.
    max_active : int
        Sources that a patch may have.
    seed : int
        Of all that is random.

    Raises
    ------
    DomainError
        If the catalog has no usable row, bands that are not in it, or a setting is impossible.
    IntegrityError
        If the state is damaged, or that of another catalog or other settings; names the file.
    OutputError
        If the state cannot be written.
    """

    def __init__(
        self,
        catalog: SourceCatalog,
        bands: Sequence[str],
        bounds: Mapping[str, Any],
        *,
        state: str | PathLike[str],
        max_active: int = 20,
        seed: int = 0,
    ) -> None:
        require_count(max_active, self, "max_active")
        require(0 <= seed < 2**63, self, "seed", "in [0, 2^63)", seed)
        require(bool(bands) and set(bands) <= set(catalog.bands), self, "bands", f"of {catalog.bands}", bands)
        usable = catalog.usable()
        require(len(usable) > 0, self, "catalog", "a catalog with a usable row", catalog)
        self.catalog, self.path = catalog, Path(state)
        self._columns = [catalog.bands.index(band) for band in bands]
        sources = _in_bands(usable.sources(), self._columns)
        lower, upper = bounds_of(bounds, sources, bands)
        count, width = lower.shape
        self._state = State(
            sources=sources,
            roi=np.array(usable.roi, np.float64),
            progress=np.zeros(count, PROGRESS),
            lower=lower,
            upper=upper,
            visited=np.zeros(count, bool),
            covariance=np.zeros((count, width, width)),
            bands=tuple(bands),
            sky=usable.sky,
            seed=int(seed),
            max_active=int(max_active),
        )
        self._state.progress["patch"] = -1
        self._state.progress["flags"][outside(sources, lower, upper)] = SourceFlag.OUT_OF_BOUNDS
        self._digest = catalog_digest(sources, self._state.roi)
        self._place = {number: place for place, number in enumerate(sources["id"].tolist())}
        self._lock = RLock()
        if self.path.exists():
            self._state.restore(self.path, self._digest)
        self._dealer = Dealer(self._state, self.path)

    def __len__(self) -> int:
        return len(self._state.sources)

    def __repr__(self) -> str:
        flagged = int(np.count_nonzero(self.flags & ENDING))
        return f"SuperScene({len(self)} sources, {flagged} flagged, bands {', '.join(self.bands)}, sweep {self.sweep}, {self.path})"

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands."""
        return self._state.bands

    @property
    def sky(self) -> bool:
        """Whether positions are on the sky."""
        return self._state.sky

    @property
    def sources(self) -> Rows:
        """The sources as they are now (n,); see `getframes.fit.source`."""
        return self._state.sources.copy()

    @property
    def visits(self) -> NDArray[np.int64]:
        """How often each source was fitted (n,)."""
        return np.array(self._state.progress["visits"])

    @property
    def draws(self) -> NDArray[np.int64]:
        """Draws that each source has (n,)."""
        return np.array(self._state.progress["draws"])

    @property
    def flags(self) -> NDArray[np.int32]:
        """Bits of `SourceFlag` (n,); 0 where nothing is wrong."""
        return np.array(self._state.progress["flags"])

    @property
    def active(self) -> NDArray[np.bool_]:
        """Sources in patches that are checked out (n,)."""
        return np.array(self._dealer.active)

    @property
    def sweep(self) -> int:
        """Sweeps begun so far."""
        return self._state.sweep

    @property
    def sweeping(self) -> bool:
        """Whether patches of this sweep are left."""
        return self._dealer.patches_left > 0

    @property
    def patches_left(self) -> int:
        """Patches of this sweep that are not checked in."""
        return self._dealer.patches_left

    def undone(self, target_niter: int = 0, *, visits: int = 0) -> bool:
        """Whether a source that is not flagged has fewer draws than `target_niter`, or was active less than `visits` times."""
        with self._lock:
            return bool(self._dealer.short(target_niter, visits).any())

    def checkout_region(
        self, seed_index: int = -1, *, target_niter: int | None = None, visits: int | None = None
    ) -> tuple[Region, Rows, Rows]:
        """Give out a patch.

        Parameters
        ----------
        seed_index : int
            Number of a source, which is then active with those of its group that are not in other patches; -1 for the next patch of the sweep.
        target_niter, visits : int, optional
            Where a new sweep begins, sources take part that have fewer draws, or were in fewer patches; all when both are left out.

        Returns
        -------
        region : Region
            What to look at.
        active, fixed : structured arrays
            Sources to fit, and sources that overlap with one of them, as they are now.

        Raises
        ------
        NothingAvailableError
            If no patch can be given out before another one is checked in, or the source cannot.
        DomainError
            If there is no such source.
        """
        with self._lock:
            if seed_index == -1:
                patch = self._dealer.deal(target_niter, visits)
            else:
                require(
                    0 <= seed_index < len(self), self, "seed_index", f"-1 or in [0, {len(self)})", seed_index
                )
                patch = self._dealer.deal_around(seed_index)
            chosen = patch.sources
            sources, roi = self._state.sources, self._state.roi
            region = Region(
                id=patch.id,
                seed=patch.seed,
                ra=sources["ra"][chosen],
                dec=sources["dec"][chosen],
                radius=roi[chosen],
                sky=self._state.sky,
            )
            return region, sources[chosen], sources[self._dealer.links.neighbours(chosen)]

    def bounds_and_covs(self, active: Rows) -> tuple[Numbers, Numbers | None]:
        """Bounds (N, 2) of the N parameters of active sources, and their covariance (N, N), a block for each source; None unless all have one.

        Raises
        ------
        DomainError
            If a source is not in the scene.
        """
        with self._lock:
            places, has = self._places(active), slots(active)
            state = self._state
            order = parameter_positions(active)
            bounds = in_order(active, state.lower[places], state.upper[places])
            covariance = np.zeros((len(bounds), len(bounds)))
            for place, own, at in zip(places.tolist(), has, order, strict=True):
                covariance[np.ix_(at, at)] = state.covariance[place][np.ix_(own, own)]
            return bounds, covariance if state.visited[places].all() else None

    def progress_of(self, active: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Visits and draws of active sources; errors as in `bounds_and_covs`."""
        with self._lock:
            rows = self._state.progress[self._places(active)]
            return rows["visits"].copy(), rows["draws"].copy()

    def checkin_region(
        self,
        active: Rows,
        fixed: Rows | None = None,
        parameters: Numbers | None = None,
        draws: int = 0,
        covariance: Numbers | None = None,
        *,
        sources: Rows | None = None,
        flags: int | NDArray[np.int32] = 0,
        save: bool = True,
    ) -> None:
        """Take a patch back, and save the state.

        Parameters
        ----------
        active, fixed : structured arrays
            As they were given out; of `fixed` nothing is taken.
        parameters : array (N,), optional
            New values, in the order of `getframes.fit.source.parameter_names`; left out where the fit failed, which is no visit.
        draws : int
            Draws made.
        covariance : array (N, N), optional
            Of the parameters; the block of each source is kept.
        sources : structured array, optional
            The active sources that parameters and covariance are of, ``patch.sources``; all when left out. The others are flagged `NO_PIXELS`.
        flags : int or array of int
            Bits of `SourceFlag` to set for `sources`. What their last fit was doubted for is forgotten where there are new values.
        save : bool
            Write the state now; otherwise `save` does it.

        Raises
        ------
        DomainError
            If a source is not checked out, or a value is not finite: nothing is taken over.
        ShapeError
            If something does not have N parameters.
        OutputError
            If the state cannot be written.
        """
        with self._lock, uninterrupted():
            places = self._checked_out(active)
            of = active if sources is None else sources
            among = np.isin(active["id"], of["id"])
            require(int(among.sum()) == len(of), self, "sources", "among the active ones", of["id"].tolist())
            seen = self._places(of)
            size = len(parameters_of(of))
            if covariance is not None:
                covariance = _checked("covariance", covariance, (size, size))
            if parameters is not None:
                values = _checked("parameters", parameters, (size,))
                self._state.sources[seen] = with_parameters(self._state.sources[seen], values)
            if covariance is not None:
                self._keep(seen, of, covariance)
            progress = self._state.progress
            progress["visits"][seen] += parameters is not None
            progress["draws"][seen] += draws
            if parameters is not None:
                progress["flags"][seen] &= int(ENDING)
            progress["flags"][seen] |= np.asarray(flags, np.int32)
            progress["flags"][places[~among]] |= int(SourceFlag.NO_PIXELS)
            self._state.checkins += 1
            self._dealer.take_back(places, done=True)
            if save:
                self.save()

    def release_region(self, active: Rows) -> None:
        """Take a patch back as if it had never been given out.

        Raises
        ------
        DomainError
            If a source is not checked out.
        """
        with self._lock:
            self._dealer.take_back(self._checked_out(active), done=False)

    def retry(self) -> None:
        """Forget that patches failed: their sources are fitted again, from the next sweep on; errors as in `save`."""
        with self._lock:
            self._state.progress["flags"] &= ~int(SourceFlag.FAILED)
            self.save()

    def save(self) -> None:
        """Write the state; errors as in `checkin_region`."""
        with self._lock:
            self._state.save(self.path, self._digest)

    def writeout(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the catalog with the values that the sources have now; it is a valid input catalog.

        Raises
        ------
        OutputError
            If the file exists already or cannot be written.
        """
        from getframes.fit.catalog import write_catalog

        with self._lock:
            rows = self.catalog.usable().sources()
            fluxes = rows["flux"].copy()
            fluxes[:, self._columns] = self._state.sources["flux"]
            for name in rows.dtype.names:
                rows[name] = fluxes if name == "flux" else self._state.sources[name]
        write_catalog(self.catalog.with_sources(rows), path, overwrite=overwrite)

    def _places(self, active: Rows) -> Places:
        unknown = [number for number in active["id"].tolist() if number not in self._place]
        require(not unknown, self, "id", "of a source of the scene", unknown[:3])
        return np.array([self._place[number] for number in active["id"].tolist()], np.intp)

    def _checked_out(self, active: Rows) -> Places:
        places = self._places(active)
        require(
            self._dealer.is_out(places),
            self,
            "active",
            "the sources of a patch that is checked out",
            active["id"].tolist(),
        )
        return places

    def _keep(self, places: Places, active: Rows, covariance: Numbers) -> None:
        for place, own, at in zip(places.tolist(), slots(active), parameter_positions(active), strict=True):
            self._state.covariance[place][np.ix_(own, own)] = covariance[np.ix_(at, at)]
            self._state.visited[place] = True


def _in_bands(rows: Rows, columns: list[int]) -> Rows:
    """Rows with the fluxes of some bands."""
    made = np.zeros(len(rows), source_dtype(len(columns)))
    for name in made.dtype.names or ():
        made[name] = rows[name][:, columns] if name == "flux" else rows[name]
    return made


def _checked(name: str, values: Any, shape: tuple[int, ...]) -> Numbers:
    array = np.asarray(values, np.float64)
    if array.shape != shape:
        raise ShapeError(f"{name} must have shape {shape}, got {array.shape}")
    require(bool(np.isfinite(array).all()), "", name, "finite", array[~np.isfinite(array)][:1].tolist())
    return array
