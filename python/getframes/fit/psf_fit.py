"""Mixtures of Gaussians for PSFs that are given as stamps.

Least squares over all numbers of the mixture at once (a trust region within bounds, derivatives exact), from widths spaced evenly in their logarithm about the
half-light radius and amplitudes of a non-negative least-squares fit at these widths; with signed amplitudes from a second start as well, of widths that lie closer
and amplitudes of any sign, and the better result is kept. Covariances are written as S = L L^T, L lower triangular with exp on its
diagonal, which keeps them positive definite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, ShapeError, require, require_count
from getframes.fit.pixel_gaussian import Grid
from getframes.fit.psf import PsfField, PsfMixture, Residual

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

NARROWEST_PX = 0.4
"""Least standard deviation of a component [px of the detector]: pixels of the fit are integrated well above it."""
WIDEST = 0.5
"""Greatest standard deviation [side of the stamp]."""
SPACING, SIGNED_SPACING = 1.8, 1.35
"""Ratio of the widths of neighbouring components at the start."""
LARGEST_AMPLITUDE = 3.0
"""Of signed amplitudes, without their sign."""
SUM_WEIGHT = 30.0
"""Weight of 'amplitudes sum to 1' against the root of the summed squares of the stamp."""


def fit_psf(
    stamp: ArrayLike,
    n: int = 4,
    *,
    oversampling: int = 1,
    pixel: str = "stamp",
    enclosed: float = 1.0,
    signed: bool = False,
    weight: ArrayLike | None = None,
    start: PsfMixture | None = None,
) -> PsfMixture:
    """The mixture of n Gaussians that meets a stamp best.

    Parameters
    ----------
    stamp : array (side, side)
        Light of a star in each pixel, in any unit; the PSF is centred on the middle of the stamp, and what is off it goes into dx and dy.
    n : int
        Gaussians.
    oversampling : int
        Pixels of the stamp along one of the detector.
    pixel : {"stamp", "detector"}
        The pixel that light is integrated over: that of the stamp (a PSF that was drawn or modelled on a finer grid), or that of the detector (a finer grid of
        samples of what detector pixels see, an "effective" PSF). The same where `oversampling` is 1. The mixture is without any pixel.
    enclosed : float
        Share of all light that the stamp holds. The amplitudes sum to 1: what is beyond the stamp is in the wings of the mixture.
    signed : bool
        Whether amplitudes may be negative, in [-3, 3]: rings are met better, and a fit from noise is worse.
    weight : array (side, side), optional
        Weight of each squared difference, such as an inverse variance; 0 for a pixel without a value, which may then be NaN.
    start : PsfMixture, optional
        Where to start, instead of widths that are guessed; its components keep their order.

    Returns
    -------
    PsfMixture
        With its `residual`.

    Raises
    ------
    ShapeError
        If the stamp is not square, or the weight has another shape.
    DomainError
        If values are not finite or their sum is not positive, n or oversampling is not positive, the stamp has fewer pixels than the mixture has numbers, or
        `enclosed` is not in (0, 1].
    """
    count, fine = require_count(n, "fit_psf", "n"), require_count(oversampling, "fit_psf", "oversampling")
    require(0.0 < enclosed <= 1.0, "fit_psf", "enclosed", "in (0, 1]", enclosed)
    pixels, weights = _checked(stamp, weight, count)
    grid = Grid(len(pixels), fine, pixel)
    share = pixels * (enclosed / float(pixels.sum()))
    problem = _Problem(grid, share, weights, signed=signed, widest=WIDEST * len(pixels) / fine)
    if start is None:
        guesses = [_guess(share, count, fine, problem, signed=sign) for sign in sorted({False, signed})]
    else:
        require(len(start) == count, "fit_psf", "start", f"a mixture of {count} Gaussians", len(start))
        guesses = [start.components]
    components, _ = min((problem.solved(guess) for guess in guesses), key=lambda found: found[1])
    if start is None:
        components = components[np.argsort(components[:, 3] * components[:, 5] - components[:, 4] ** 2)]
    made = PsfMixture.normalized(components)
    return PsfMixture(made.components, _residual(grid, made.components, share, weights, fine))


def fit_psf_field(stamps: ArrayLike, x: ArrayLike, y: ArrayLike, n: int = 4, **options: Any) -> PsfField:
    """Mixtures of a PSF that varies, with components that belong together: each fit starts from that of the mean stamp.

    Parameters
    ----------
    stamps : array (n_y, n_x, side, side)
        At each position.
    x, y : array (n_x,), (n_y,)
        Rising pixel positions.
    n : int
        Gaussians.
    options
        As of `fit_psf`, but `start`.

    Raises
    ------
    ShapeError, DomainError
        As `fit_psf`, naming the position.
    """
    given = np.asarray(stamps, np.float64)
    expected = (np.size(y), np.size(x))
    if given.ndim != 4 or given.shape[:2] != expected:
        raise ShapeError(f"stamps must have shape {(*expected, 'side', 'side')}, got {given.shape}")
    totals = given.sum(axis=(2, 3), keepdims=True)
    mean = fit_psf((given / totals).mean(axis=(0, 1)), n, **options)
    components, residuals = np.empty((*expected, n, 6)), np.empty((*expected, 3))
    for row, column in np.ndindex(*expected):
        try:
            found = fit_psf(given[row, column], n, start=mean, **options)
        except DomainError as error:
            raise DomainError(f"the stamp at row {row}, column {column} of the field: {error}") from error
        components[row, column], residuals[row, column] = found.components, found.residual
    return PsfField(np.asarray(x), np.asarray(y), components, residuals)


class _Problem:
    """The least-squares problem: amplitudes, then dx, dy, log l_xx, l_yx, log l_yy of each component."""

    def __init__(self, grid: Grid, share: Numbers, weight: Numbers, *, signed: bool, widest: float) -> None:
        self._grid, self._share = grid, share
        # In units of the peak, so that the tolerances of the solver mean the same for any stamp.
        self._root = np.sqrt(weight / weight.max()) / float(np.abs(share).max())
        self._sum_weight = SUM_WEIGHT * float(np.sqrt(((self._root * share) ** 2).sum()))
        self._amplitudes = (-LARGEST_AMPLITUDE, LARGEST_AMPLITUDE) if signed else (0.0, 1.0)
        self.widest = max(widest, 2.0 * NARROWEST_PX)

    def solved(self, components: Numbers) -> tuple[Numbers, float]:
        """The mixture at the least sum of squares next to this one, and that sum."""
        from scipy.optimize import least_squares

        bounds = self._bounds(len(components))
        start = np.clip(_parameters(components), bounds[0] + 1e-9, bounds[1] - 1e-9)
        found = least_squares(
            self._residuals, start, jac=self._jacobian, bounds=bounds, x_scale="jac", max_nfev=200
        )
        return _components(found.x), float(found.cost)

    def start_amplitudes(self, components: Numbers, *, signed: bool) -> Numbers:
        """Amplitudes that meet the stamp best with these Gaussians, not negative unless `signed`."""
        from scipy.optimize import nnls

        columns = np.stack([self._weighted(self._grid.mixture(_unit(row))) for row in components], axis=-1)
        wanted = self._weighted(self._share)
        if signed:
            return np.asarray(np.linalg.lstsq(columns, wanted, rcond=1e-6)[0])
        return np.asarray(np.maximum(nnls(columns, wanted)[0], 1e-3))

    def _bounds(self, n: int) -> tuple[Numbers, Numbers]:
        reach, narrow, wide = 0.5 * self.widest, np.log(NARROWEST_PX), np.log(self.widest)
        lower = np.tile([-reach, -reach, narrow, -self.widest, narrow], n)
        upper = np.tile([reach, reach, wide, self.widest, wide], n)
        low, high = self._amplitudes
        return np.concatenate([np.full(n, low), lower]), np.concatenate([np.full(n, high), upper])

    def _residuals(self, parameters: Numbers) -> Numbers:
        components = _components(parameters)
        short = self._sum_weight * (components[:, 0].sum() - 1.0)
        return np.append(self._weighted(self._grid.mixture(components) - self._share), short)

    def _jacobian(self, parameters: Numbers) -> Numbers:
        components = _components(parameters)
        n = len(components)
        made = np.zeros((self._share.size + 1, 6 * n))
        made[-1, :n] = self._sum_weight
        for i, row in enumerate(components):
            value, ddx, ddy, dxx, dxy, dyy = (self._weighted(each) for each in self._grid.derivatives(row))
            amplitude, (a, b, c) = row[0], parameters[n + 5 * i + 2 : n + 5 * i + 5].tolist()
            xx, yy = np.exp(2.0 * a), np.exp(2.0 * c)
            made[:-1, i] = value
            columns = (
                ddx,
                ddy,
                2.0 * xx * dxx + b * np.exp(a) * dxy,
                np.exp(a) * dxy + 2.0 * b * dyy,
                2.0 * yy * dyy,
            )
            made[:-1, n + 5 * i : n + 5 * i + 5] = amplitude * np.stack(columns, axis=-1)
        return made

    def _weighted(self, pixels: Numbers) -> Numbers:
        return np.asarray(pixels * self._root).ravel()


def _checked(stamp: ArrayLike, weight: ArrayLike | None, n: int) -> tuple[Numbers, Numbers]:
    pixels = np.array(stamp, np.float64)
    if pixels.ndim != 2 or pixels.shape[0] != pixels.shape[1]:
        raise ShapeError(f"fit_psf: stamp must be square, got shape {pixels.shape}")
    weights = np.ones_like(pixels) if weight is None else np.array(weight, np.float64)
    if weights.shape != pixels.shape:
        raise ShapeError(f"fit_psf: weight must have shape {pixels.shape}, got {weights.shape}")
    good = bool(np.isfinite(weights).all() and (weights >= 0.0).all())
    require(good, "fit_psf", "weight", "finite and >= 0", float(np.min(weights)))
    pixels[weights == 0.0] = 0.0
    bad = ~np.isfinite(pixels)
    require(
        not bad.any(), "fit_psf", "stamp", "finite where its weight is not 0", np.argwhere(bad)[:1].tolist()
    )
    require(float(pixels.sum()) > 0.0, "fit_psf", "sum of the stamp", "> 0", float(pixels.sum()))
    used = int(np.count_nonzero(weights))
    require(used >= 6 * n, "fit_psf", "stamp", f"one of at least {6 * n} pixels for {n} Gaussians", used)
    return pixels, weights


def _guess(share: Numbers, n: int, oversampling: int, problem: _Problem, *, signed: bool) -> Numbers:
    """Round Gaussians about the centre of the light, with widths about the half-light radius."""
    light = np.maximum(share, 0.0)
    place = (np.arange(len(share)) - (len(share) - 1) / 2.0) / oversampling
    x, y = (np.broadcast_to(each, share.shape) for each in (place, place[:, None]))
    bright = light > 0.1 * light.max()
    dx, dy = (float((light * at)[bright].sum() / light[bright].sum()) for at in (x, y))
    distance = np.hypot(x - dx, y - dy)
    order = np.argsort(distance, axis=None)
    within = np.cumsum(light.ravel()[order])
    half = float(distance.ravel()[order][np.searchsorted(within, 0.5 * within[-1])])
    middle = max(half / np.sqrt(2.0 * np.log(2.0)), NARROWEST_PX)
    spacing = SIGNED_SPACING if signed else SPACING
    widths = middle * spacing ** (np.arange(n) - min(0.5 * (n - 1), 1.0))
    made = np.zeros((n, 6))
    made[:, 1], made[:, 2] = dx, dy
    made[:, 3] = made[:, 5] = np.clip(widths, 1.05 * NARROWEST_PX, 0.6 * problem.widest) ** 2
    made[:, 0] = problem.start_amplitudes(made, signed=signed)
    return made


def _unit(row: Numbers) -> Numbers:
    return np.concatenate([[1.0], row[1:]])[None, :]


def _parameters(components: Numbers) -> Numbers:
    amplitude, dx, dy, xx, xy, yy = components.T
    left = np.sqrt(xx)
    lower = xy / left
    shape = np.stack([dx, dy, np.log(left), lower, 0.5 * np.log(yy - lower**2)], axis=-1)
    return np.concatenate([amplitude, shape.ravel()])


def _components(parameters: Numbers) -> Numbers:
    n = parameters.size // 6
    dx, dy, a, b, c = parameters[n:].reshape(n, 5).T
    return np.stack(
        [parameters[:n], dx, dy, np.exp(2.0 * a), b * np.exp(a), b * b + np.exp(2.0 * c)], axis=-1
    )


def _residual(
    grid: Grid, components: Numbers, share: Numbers, weight: Numbers, oversampling: int
) -> Residual:
    left = np.where(weight > 0.0, share - grid.mixture(components), 0.0)
    peak = float(share.max())
    place = (np.arange(len(share)) - (len(share) - 1) / 2.0) / oversampling
    order = np.argsort(np.hypot(place, place[:, None]), axis=None, kind="stable")
    enclosed = float(np.abs(np.cumsum(left.ravel()[order])).max())
    rms = float(np.sqrt((left**2).sum() / np.count_nonzero(weight)))
    return Residual(rms / peak, float(np.abs(left).max()) / peak, enclosed)
