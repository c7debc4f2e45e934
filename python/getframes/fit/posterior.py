"""Draws from the posterior of a patch, and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from getframes.errors import MissingEntryError, ShapeError, did_you_mean, require
from getframes.fit.diagnostics import bulk_ess, energy_fraction, rank_rhat, tail_ess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

STATISTICS = (
    "lp",
    "energy",
    "step_size",
    "acceptance_rate",
    "tree_depth",
    "n_steps",
    "diverging",
    "reached_max_treedepth",
)
"""What is known of each draw: ln p, energy, step size, mean acceptance, doublings and gradients of its trajectory, whether this diverged, whether it was ended."""
WORST_RHAT = 1.01
LEAST_ESS = 100
"""Effective draws of each chain, 50 of each half of it."""
LEAST_ENERGY = 0.3


@dataclass(frozen=True, eq=False, kw_only=True)
class Posterior:
    """Draws from the posterior of a patch, C chains of n.

    Attributes
    ----------
    names : tuple of str
        Of the parameters: those of the patch, then the backgrounds, P in all.
    draws : array (C, n, P)
        Their values, fluxes and backgrounds included.
    statistics : mapping of arrays (C, n)
        By the names of `STATISTICS`.
    n_fitted : int
        How many parameters are of sources; they come first.
    warmup : Posterior or None
        The draws before, if they were kept.
    warmup_gradients : int
        Gradients of the draws before, kept or not.
    seed : int
        That gave them.
    """

    names: tuple[str, ...]
    draws: Numbers
    statistics: Mapping[str, Numbers]
    n_fitted: int
    warmup: Posterior | None = None
    warmup_gradients: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.draws.ndim != 3 or self.draws.shape[2] != len(self.names):
            raise ShapeError(
                f"Posterior.draws must be (chains, draws, {len(self.names)}), got {self.draws.shape}"
            )
        for name in STATISTICS:
            if np.shape(self.statistics.get(name, ())) != self.draws.shape[:2]:
                raise ShapeError(f"Posterior.statistics must have {name!r} of shape {self.draws.shape[:2]}")

    def __getitem__(self, name: str) -> Numbers:
        """Draws of one parameter (C, n).

        Raises
        ------
        MissingEntryError
            If there is none of this name.
        """
        if name not in self.names:
            raise MissingEntryError(f"no parameter {name!r}{did_you_mean(name, self.names)}")
        return self.draws[..., self.names.index(name)]

    @property
    def flat(self) -> Numbers:
        """The draws of all chains one after the other (C n, P)."""
        return self.draws.reshape(-1, len(self.names))

    @property
    def mean(self) -> Numbers:
        """Means (P,)."""
        return np.asarray(self.flat.mean(axis=0))

    @cached_property
    def covariance(self) -> Numbers:
        """Covariance (P, P)."""
        return np.cov(self.flat, rowvar=False).reshape(len(self.names), len(self.names))

    @property
    def sigma(self) -> Numbers:
        """Standard deviations (P,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def fitted_covariance(self) -> Numbers:
        """Covariance of the parameters of sources (N, N), as `Patch.covariance` has it."""
        return self.covariance[: self.n_fitted, : self.n_fitted]

    def percentiles(self, levels: Sequence[float] = (16.0, 50.0, 84.0)) -> Numbers:
        """Percentiles of each parameter (levels, P)."""
        require(all(0.0 <= level <= 100.0 for level in levels), self, "percentiles", "in [0, 100]", levels)
        return np.asarray(np.percentile(self.flat, levels, axis=0))

    @cached_property
    def rhat(self) -> Numbers:
        """Rank-normalized split R-hat of each parameter (P,): 1 where chains agree."""
        return rank_rhat(self.draws)

    @cached_property
    def ess_bulk(self) -> Numbers:
        """Effective draws of the centre of each parameter (P,)."""
        return bulk_ess(self.draws)

    @cached_property
    def ess_tail(self) -> Numbers:
        """Effective draws of the tails of each parameter (P,)."""
        return tail_ess(self.draws)

    @property
    def divergences(self) -> int:
        """Trajectories that diverged."""
        return int(np.count_nonzero(self.statistics["diverging"]))

    @property
    def gradients(self) -> int:
        """Gradients of all trajectories, those of the warm-up included."""
        return int(self.statistics["n_steps"].sum()) + self.warmup_gradients

    @property
    def unsure(self) -> NDArray[np.bool_]:
        """Parameters whose chains disagree or have too few effective draws (P,); all of them where trajectories diverged."""
        chains = self.draws.shape[0]
        few = np.fmin(self.ess_bulk, self.ess_tail) < LEAST_ESS * chains
        return np.asarray(few | (self.divergences > 0) | ((self.rhat > WORST_RHAT) & (chains > 1)))

    def problems(self) -> tuple[str, ...]:
        """What makes the draws doubtful, in words with numbers; empty where nothing does."""
        chains, count = self.draws.shape[:2]
        found = []
        if self.divergences:
            found.append(
                f"{self.divergences} of {chains * count} trajectories diverged: "
                "draws near strong curvature are missing"
            )
        found += [self._worst("R-hat", self.rhat, WORST_RHAT, above=True)] if chains > 1 else []
        least = LEAST_ESS * chains
        found.append(self._worst("bulk effective draws", self.ess_bulk, least, above=False))
        found.append(self._worst("tail effective draws", self.ess_tail, least, above=False))
        deep = int(np.count_nonzero(self.statistics["reached_max_treedepth"]))
        if deep > 0.05 * chains * count:
            found.append(f"{deep} of {chains * count} trajectories were ended at the largest depth")
        for number, share in enumerate(energy_fraction(self.statistics["energy"])):
            if share < LEAST_ENERGY:
                found.append(
                    f"energy of chain {number}: fraction {share:.2g} is below {LEAST_ENERGY}, tails are missing"
                )
        smallest = float(np.nanmin(self.ess_bulk)) if np.any(np.isfinite(self.ess_bulk)) else 0.0
        if smallest < len(self.names):
            found.append(
                f"covariance of {len(self.names)} parameters from {smallest:.0f} effective draws: not of full rank"
            )
        return tuple(each for each in found if each)

    def _worst(self, what: str, values: Numbers, limit: float, *, above: bool) -> str:
        """The parameter that is worst, if it is beyond a limit."""
        known = np.where(np.isfinite(values), values, -np.inf if above else np.inf)
        worst = int(np.argmax(known) if above else np.argmin(known))
        beyond = known[worst] > limit if above else known[worst] < limit
        side = "above" if above else "below"
        return f"{what} of {self.names[worst]}: {values[worst]:.4g} is {side} {limit}" if beyond else ""

    def warm_start(self, saved: Numbers | None = None, *, weight: float = 0.0) -> Numbers:
        """Covariance of the parameters of sources (N, N) for the next visit: that of the draws and a saved one, which counts as `weight` draws."""
        require(weight >= 0.0, self, "weight", ">= 0", weight)
        if saved is None:
            return self.fitted_covariance
        if np.shape(saved) != (self.n_fitted, self.n_fitted):
            raise ShapeError(f"saved must have shape {(self.n_fitted, self.n_fitted)}, got {np.shape(saved)}")
        count = self.flat.shape[0]
        return np.asarray((weight * saved + count * self.fitted_covariance) / (weight + count))

    def to_hdf5(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the draws as a file that ArviZ reads; see `getframes.fit.chain_file`.

        Raises
        ------
        OutputError
            If the file exists and is not to be replaced, or cannot be written.
        """
        from getframes.fit.chain_file import write

        write(self, path, overwrite=overwrite)

    @classmethod
    def from_hdf5(cls, path: str | PathLike[str]) -> Posterior:
        """Read what `to_hdf5` wrote.

        Raises
        ------
        InputError
            If the file cannot be read.
        IntegrityError
            If it is no such file.
        """
        from getframes.fit.chain_file import read

        return read(path)

    def summary(self) -> str:
        """A table: median, half the central 68 %, R-hat and effective draws of each parameter."""
        low, middle, high = self.percentiles((15.865, 50.0, 84.135))
        width = max(len(name) for name in self.names)
        lines = [
            f"{'parameter':{width}}  {'median':>12}  {'sigma':>10}  {'R-hat':>6}  {'bulk':>6}  {'tail':>6}"
        ]
        for row in zip(
            self.names, middle, (high - low) / 2.0, self.rhat, self.ess_bulk, self.ess_tail, strict=True
        ):
            lines.append("{:{w}}  {:12.6g}  {:10.3g}  {:6.3f}  {:6.0f}  {:6.0f}".format(*row, w=width))
        return "\n".join(lines)
