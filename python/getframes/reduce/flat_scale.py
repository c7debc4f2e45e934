"""Flat scales of a focal plane: what the levels of many detectors in many exposures say about each of them.

Law: B[d, e] = G[d] E[e], the level of detector d in flat e; the mean of G, weighted as its detectors are, is 1.

| symbol | meaning                                                                             | unit    |
|--------|-------------------------------------------------------------------------------------|---------|
| B      | level of a flat                                                                     | any     |
| G      | relative response of a detector to the lamp: gain, efficiency and its place in the light | 1  |
| E      | what the exposure brought                                                           | as of B |

In logarithms it is a two-way table, solved by weighted least squares at once (`getframes.reduce.two_way`). The weight of a cell is one over its relative
variance, N (mean / sigma)^2, or the number of its pixels.

The logarithm of a level with a relative error s is low by s^2/2 on average, and a weight that is worked out from the same level goes up with it by
2 s^2: together a scale is off by 1.5 s^2, 1e-6 for levels known to 1e-3. `space="linear"` fits the levels themselves (weights from the model, G E against B),
which is free of both, for levels that are known to some per cent only.

Not modelled: anything that is not one number for a detector times one for an exposure. What all exposures have in common, as vignetting and the
gradient of a screen, goes into G. What changes from flat to flat, as a gradient that turns or a detector that is not linear, shows in chi^2.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import DomainError, MissingEntryError, ShapeError, require
from getframes.reduce.two_way import TwoWayTable, alternate, components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Parts = NDArray[np.int64]

POLICIES = ("raise", "warn", "nan")
SPACES = ("log", "linear")
LEAST_SNR = 5.0
_MOST_ROUNDS = 100
_CONVERGED = 1e-10
_STEADY = 1e-13


@dataclass(frozen=True, eq=False, repr=False)
class FlatScales:
    """Scales of the detectors and exposures of a set of flats.

    Arrays are read-only. A detector or an exposure without a level has NaN for its scale, and belongs to no component.

    Attributes
    ----------
    detectors, exposures : tuple
        Names, in the order of rows and columns.
    detector_scale : array (n_detectors,)
        G; the mean in each component, weighted with the weights of the rows, is 1.
    exposure_scale : array (n_exposures,)
        E, in the unit of the levels.
    detector_sigma, exposure_sigma : array
        Their standard deviations, with the mean of G held at 1.
    model : array (n_detectors, n_exposures)
        G E; NaN where detector and exposure are not in the same component.
    residual : array (n_detectors, n_exposures)
        ln(level / model); NaN in cells without weight.
    weight : array (n_detectors, n_exposures)
        Weight of each cell; 0 where there is no level.
    chi2 : float
        Sum of weight times residual squared (in linear space: of (level - model)^2 over its variance).
    dof : int
        Levels less what was fitted to them: detectors and exposures, one less in each component.
    detector_component, exposure_component : array of int
        Which connected set of detectors and exposures each belongs to; -1 for none. Scales of different components can't be compared.
    absolute : bool
        Whether weights are inverse variances. If not, the standard deviations are scaled to chi2 = dof, and NaN where dof is 0.
    iterations : int or None
        Rounds that were made; None for a direct solution.
    converged : bool
        Whether another round would change no scale by more than 1e-10.
    """

    detectors: tuple[Hashable, ...]
    exposures: tuple[Hashable, ...]
    detector_scale: Values
    exposure_scale: Values
    detector_sigma: Values
    exposure_sigma: Values
    model: Values
    residual: Values
    weight: Values
    chi2: float
    dof: int
    detector_component: Parts
    exposure_component: Parts
    absolute: bool
    iterations: int | None
    converged: bool

    @property
    def n_components(self) -> int:
        """How many connected sets of detectors and exposures there are."""
        return int(self.detector_component.max(initial=-1)) + 1

    @property
    def by_detector(self) -> dict[Hashable, float]:
        """G of each detector (or amplifier), by name."""
        return dict(zip(self.detectors, self.detector_scale.tolist(), strict=True))

    @property
    def by_exposure(self) -> dict[Hashable, float]:
        """E of each exposure, by name."""
        return dict(zip(self.exposures, self.exposure_scale.tolist(), strict=True))

    def factors(self, exposures: Iterable[Hashable]) -> list[float]:
        """1/E of these exposures, as ``combine(flats, scale=scales.factors(exposures))`` takes them: the master then has the level G of its detector.

        Raises
        ------
        MissingEntryError
            If one is not there; it is a KeyError.
        DomainError
            If one has no scale.
        """
        known, factors = self.by_exposure, []
        for exposure in exposures:
            if exposure not in known:
                raise MissingEntryError(f"exposure must be one of those of the flats, got {exposure!r}")
            require(known[exposure] > 0.0, "", f"exposure {exposure!r}", "one with a scale", known[exposure])
            factors.append(1.0 / known[exposure])
        return factors

    @property
    def pulls(self) -> Values:
        """Residuals in units of their expected error; of RMS sqrt(dof / cells) where the weights are right."""
        return np.asarray(self.residual * np.sqrt(self.weight))

    def __repr__(self) -> str:
        cells = np.count_nonzero(self.weight)
        reduced = f"{self.chi2 / self.dof:.3g}" if self.dof else "none"
        state = "" if self.converged else f", not converged after {self.iterations} rounds"
        return (
            f"FlatScales(detectors={len(self.detectors)}, exposures={len(self.exposures)}, "
            f"levels={cells} of {self.weight.size}, components={self.n_components}, chi2/dof={reduced}{state})"
        )


def flat_scales(
    levels: Any,
    counts: Any = None,
    sigma: Any = None,
    *,
    detectors: Sequence[Hashable] | None = None,
    exposures: Sequence[Hashable] | None = None,
    disconnected: str = "warn",
    iterations: int | None = None,
    space: str = "log",
    absolute: bool | None = None,
    least_snr: float = LEAST_SNR,
) -> FlatScales:
    """Scales of detectors and exposures from the levels of flats, levels = G E.

    Parameters
    ----------
    levels : array (n_detectors, n_exposures)
        Level of each flat above bias and dark. NaN (or a masked cell) where there is none. A cell that is not a positive finite number has weight 0
        and enters no sum.
    counts : float or array, optional
        Pixels behind each level, of the shape of the levels or broadcast to it. A cell without pixels has weight 0.
    sigma : float or array, optional
        Standard deviation of a pixel about the level where `counts` are given, and of the level itself where they are not [unit of the levels].
        Without it weights are the pixel counts, or all the same.
    detectors, exposures : sequence of hashable, optional
        Names of rows and columns, all different; their numbers when left out. An amplifier is a row of its own, such as ``("S22", "C04")``.
    disconnected : {"warn", "raise", "nan"}
        When sets of detectors have no exposure in common, not even through other detectors, their scales can't be compared. Each set has its own gauge,
        with a warning; or it is an error; or all but the set of most levels are NaN.
    iterations : int, optional
        Instead of solving directly, alternate: fit E with G held and G with E held, this many rounds (10 is customary). For comparison.
    space : {"log", "linear"}
        Least squares of the logarithms, or of the levels themselves (needs `sigma`).
    absolute : bool, optional
        Whether weights are inverse variances, so that standard deviations follow from them; True with `sigma` when left out. Otherwise the standard
        deviations are scaled to chi2 = dof.
    least_snr : float
        With `sigma`, a level of fewer than this many standard deviations has weight 0: the ratio to nothing says nothing, and a dead amplifier is NaN.

    Returns
    -------
    FlatScales

    Raises
    ------
    DomainError
        If values are not real numbers, names are not unique, an option is impossible, components are disconnected and that is to be an error, or weights
        differ so much that float64 can't tell the scales of two parts apart.
    ShapeError
        If levels are not a table, or something does not have its shape.

    Notes
    -----
    Time goes with the longer side times the square of the shorter one: 3,024 amplifiers in 200 exposures take a fifth of a second.
    """
    require(disconnected in POLICIES, "", "disconnected", f"one of {', '.join(POLICIES)}", disconnected)
    require(space in SPACES, "", "space", "'log' or 'linear'", space)
    require(space == "log" or sigma is not None, "", "sigma", "given for a fit in linear space", sigma)
    rounds = _rounds(iterations, space)
    require(0 <= least_snr < np.inf, "", "least_snr", "finite and >= 0", least_snr)
    table = _table(levels, counts, sigma, float(least_snr))
    shape = table.level.shape
    rows, columns = _names(detectors, "detectors", shape[0]), _names(exposures, "exposures", shape[1])
    parts = components(table.weight > 0.0)
    count = int(parts[0].max(initial=-1)) + 1
    if count > 1:
        parts = _separated(parts, table.weight, disconnected, rows, columns)
    fit = _Fit(shape)
    for part in range(int(parts[0].max(initial=-1)) + 1):
        cells = np.ix_(np.flatnonzero(parts[0] == part), np.flatnonzero(parts[1] == part))
        fit.add(cells, table.part(cells), rounds, space)
    return fit.scales((rows, columns), parts, rounds, sigma is not None if absolute is None else absolute)


class _Table(NamedTuple):
    """Levels, their errors and their weights; 1, 1 and 0 in cells that do not count."""

    level: Values
    error: Values
    weight: Values

    def part(self, cells: Any) -> _Table:
        return _Table(*(array[cells] for array in self))


class _Fit:
    """Scales of the components, as they are solved."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.scale = np.full(shape[0], np.nan), np.full(shape[1], np.nan)
        self.sigma = np.full(shape[0], np.nan), np.full(shape[1], np.nan)
        self.model, self.residual = np.full(shape, np.nan), np.full(shape, np.nan)
        self.weight = np.zeros(shape)
        self.chi2, self.dof, self.converged = 0.0, 0, True

    def add(self, cells: Any, table: _Table, rounds: int | None, space: str) -> None:
        """Solve a component."""
        rows, columns = cells[0][:, 0], cells[1][0]
        weight, chi2, steady = table.weight, None, True
        equations, logarithm = TwoWayTable(weight), np.log(table.level)
        if rounds is not None:
            a, b, left = alternate(weight, logarithm, rounds)
            steady = left <= _CONVERGED
        else:
            a, b = equations.solve(logarithm)
        if space == "linear":
            weight, equations, (a, b), steady = _linear(table, a, b)
            deviation = np.where(table.weight > 0.0, table.level - np.exp(a[:, None] + b), 0.0)
            chi2 = float(((deviation / table.error) ** 2).sum())
        a, b, share = _gauged(a, b, weight.sum(axis=1))
        variances = equations.variances(share)
        self.scale[0][rows], self.scale[1][columns] = np.exp(a), np.exp(b)
        for sigma, scale, where, variance in zip(
            self.sigma, self.scale, (rows, columns), variances, strict=True
        ):
            sigma[where] = scale[where] * np.sqrt(variance)
        self.model[cells] = np.exp(a[:, None] + b)
        counts = weight > 0.0
        rest = np.where(counts, logarithm - a[:, None] - b, np.nan)
        self.residual[cells], self.weight[cells] = rest, weight
        self.chi2 += float(np.nansum(weight * rest**2)) if chi2 is None else chi2
        self.dof += int(np.count_nonzero(counts)) - rows.size - columns.size + 1
        self.converged &= steady

    def scales(
        self,
        names: tuple[tuple[Hashable, ...], tuple[Hashable, ...]],
        parts: tuple[Parts, Parts],
        rounds: int | None,
        absolute: bool,
    ) -> FlatScales:
        """The result, with standard deviations scaled to the scatter where weights are not variances."""
        if not absolute:
            factor = np.sqrt(self.chi2 / self.dof) if self.dof else np.nan
            for sigma in self.sigma:
                sigma *= factor
        if not self.converged:
            warnings.warn(
                f"flat scales have not converged after {rounds or _MOST_ROUNDS} rounds", stacklevel=3
            )
        for array in (*self.scale, *self.sigma, self.model, self.residual, self.weight, *parts):
            array.flags.writeable = False
        return FlatScales(
            detectors=names[0],
            exposures=names[1],
            detector_scale=self.scale[0],
            exposure_scale=self.scale[1],
            detector_sigma=self.sigma[0],
            exposure_sigma=self.sigma[1],
            model=self.model,
            residual=self.residual,
            weight=self.weight,
            chi2=self.chi2,
            dof=self.dof,
            detector_component=parts[0],
            exposure_component=parts[1],
            absolute=bool(absolute),
            iterations=rounds,
            converged=self.converged,
        )


def _linear(table: _Table, a: Values, b: Values) -> tuple[Values, TwoWayTable, tuple[Values, Values], bool]:
    """Weights, equations and solution where the levels themselves are fitted: Gauss-Newton in the logarithms of the scales."""
    steady, before = False, a[:, None] + b
    for _ in range(_MOST_ROUNDS):
        model = np.exp(before)
        weight = np.where(table.weight > 0.0, (model / table.error) ** 2, 0.0)
        equations = TwoWayTable(weight)
        if steady:
            break
        a, b = equations.solve(before + (table.level - model) / model)
        after = a[:, None] + b
        steady, before = bool(np.abs(after - before).max() <= _STEADY), after
    return weight, equations, (a, b), steady


def _gauged(a: Values, b: Values, weight: Values) -> tuple[Values, Values, Values]:
    """a and b with the weighted mean of exp(a) at 1, and how much each a counts in that mean."""
    most = float(a.max())
    share = weight * np.exp(a - most)
    shift = most + float(np.log(share.sum() / weight.sum()))
    return a - shift, b + shift, share / share.sum()


def _table(levels: Any, counts: Any, sigma: Any, least_snr: float) -> _Table:
    level = _real(levels, "levels")
    if level.ndim != 2 or level.size == 0:
        raise ShapeError(f"levels must be a table (n_detectors, n_exposures), got shape {level.shape}")
    pixels, spread = (
        np.ones(level.shape) if given is None else _like(given, name, level.shape)
        for given, name in ((counts, "counts"), (sigma, "sigma"))
    )
    good = np.ones(level.shape, bool)
    for values in (level, pixels, spread):
        good &= np.isfinite(values) & (values > 0.0)
    level, pixels, spread = (np.where(good, values, 1.0) for values in (level, pixels, spread))
    with np.errstate(over="ignore", under="ignore"):
        weight = pixels if sigma is None else pixels * (level / spread) ** 2
    good &= np.isfinite(weight) & (weight > 0.0)
    if sigma is not None:
        good &= weight >= least_snr**2
    return _Table(
        *(np.where(good, *pair) for pair in ((level, 1.0), (spread / np.sqrt(pixels), 1.0), (weight, 0.0)))
    )


def _real(values: Any, name: str) -> Values:
    array = (
        np.ma.filled(np.ma.asarray(values, np.float64), np.nan) if np.ma.isMA(values) else np.asarray(values)
    )
    require(array.dtype.kind in "biuf", "", name, "real numbers", str(array.dtype))
    return np.asarray(array, np.float64)


def _like(values: Any, name: str, shape: tuple[int, ...]) -> Values:
    array = _real(values, name)
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ShapeError(f"{name} must have the shape of the levels, {shape}, got {array.shape}") from None


def _names(names: Sequence[Hashable] | None, name: str, count: int) -> tuple[Hashable, ...]:
    given = tuple(range(count)) if names is None else tuple(names)
    if len(given) != count:
        raise ShapeError(f"{name} must be one name for each of the {count}, got {len(given)}")
    seen: set[Hashable] = set()
    for each in given:
        require(each not in seen, "", name, "all different", each)
        seen.add(each)
    return given


def _rounds(iterations: int | None, space: str) -> int | None:
    if iterations is None:
        return None
    whole = isinstance(iterations, int | np.integer) and not isinstance(iterations, bool)
    require(whole and iterations >= 1, "", "iterations", "a positive integer or None", iterations)
    require(space == "log", "", "space", "'log' for alternating rounds", space)
    return int(iterations)


def _separated(
    parts: tuple[Parts, Parts],
    weight: Values,
    policy: str,
    rows: tuple[Hashable, ...],
    columns: tuple[Hashable, ...],
) -> tuple[Parts, Parts]:
    """The components, after what is to be done about several of them."""
    count = int(parts[0].max()) + 1
    if policy == "nan":
        per_row = np.count_nonzero(weight, axis=1)
        sizes = np.bincount(parts[0] + 1, per_row, count + 1)[1:]
        kept = int(np.argmax(sizes))
        return tuple(np.where(part == kept, 0, -1) for part in parts)  # type: ignore[return-value]
    text = "; ".join(_described(part, parts, rows, columns) for part in range(count))
    message = f"flats must be connected, got {count} sets of detectors without an exposure in common: {text}"
    if policy == "raise":
        raise DomainError(message)
    warnings.warn(f"{message}; each has its own gauge", stacklevel=3)
    return parts


def _described(
    part: int, parts: tuple[Parts, Parts], rows: tuple[Hashable, ...], columns: tuple[Hashable, ...]
) -> str:
    detectors, exposures = np.flatnonzero(parts[0] == part), np.flatnonzero(parts[1] == part)
    more = ", ..." if detectors.size > 3 else ""
    shown = ", ".join(repr(rows[i]) for i in detectors[:3])
    return f"{shown}{more} in {exposures.size} exposures from {columns[exposures[0]]!r}"
