"""The PSF as a mixture of Gaussians, the same everywhere or varying over the field.

PSF(u) = sum_i a_i N(u; d_i, S_i), u measured from where the source falls [px]. A row of a mixture is

| amplitude a | dx, dy | xx, xy, yy |
|---|---|---|
| share of the light, may be negative; they sum to 1 | centre [px] | covariance S [px^2] |

in pixels of the detector, before light is integrated over them: that is done where a source is rendered.

Source: Hogg and Lang 2013, doi:10.1086/671228.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import ShapeError, require, require_count
from getframes.fit.pixel_gaussian import Grid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

COLUMNS = ("amplitude", "dx", "dy", "xx", "xy", "yy")
SUM_TOLERANCE = 1e-9


class Residual(NamedTuple):
    """How well a mixture meets the stamp that it was fitted to.

    Attributes
    ----------
    rms : float
        Root mean square of stamp minus mixture, over the pixels of the stamp [share of its brightest pixel].
    worst : float
        The largest one [share of the brightest pixel].
    enclosed : float
        Largest difference of the light within any circle about the centre [share of the light].
    """

    rms: float
    worst: float
    enclosed: float


@dataclass(frozen=True, eq=False, repr=False)
class PsfMixture:
    """A mixture of n Gaussians.

    Attributes
    ----------
    components : array (n, 6)
        amplitude, dx, dy, xx, xy, yy.
    residual : Residual, optional
        Of the fit that it comes from.

    Raises
    ------
    ShapeError
        If components have another shape.
    DomainError
        If they are not finite, the amplitudes do not sum to 1 (`normalized` divides by their sum), or a covariance is not positive definite.
    """

    components: Numbers
    residual: Residual | None = None

    def __post_init__(self) -> None:
        components = np.array(self.components, np.float64)
        if components.ndim != 2 or components.shape[1] != 6 or not len(components):
            raise ShapeError(
                f"PsfMixture.components must have shape (n, 6): {', '.join(COLUMNS)}, got {components.shape}"
            )
        require(bool(np.isfinite(components).all()), self, "components", "finite", components.tolist())
        total = float(components[:, 0].sum())
        rule = "amplitudes that sum to 1 (PsfMixture.normalized divides by their sum)"
        require(abs(total - 1.0) <= SUM_TOLERANCE, self, "components", rule, total)
        _, _, _, xx, xy, yy = components.T
        positive = (xx > 0.0) & (yy > 0.0) & (xx * yy > xy * xy)
        bad = components[~positive, 3:][:1].tolist()
        require(bool(positive.all()), self, "xx, xy, yy", "a positive definite covariance", bad)
        components.flags.writeable = False
        object.__setattr__(self, "components", components)

    @classmethod
    def normalized(cls, components: ArrayLike, residual: Residual | None = None) -> PsfMixture:
        """A mixture whose amplitudes are divided by their sum.

        Raises
        ------
        ShapeError, DomainError
            As of a mixture; if the sum is not positive.
        """
        made = np.array(components, np.float64)
        if made.ndim == 2 and made.shape[1] == 6:
            total = float(made[:, 0].sum())
            require(0.0 < total < np.inf, cls.__name__, "sum of amplitudes", "> 0", total)
            made[:, 0] /= total
        return cls(made, residual)

    @classmethod
    def gaussian(cls, sigma_px: float) -> PsfMixture:
        """One round Gaussian."""
        return cls(np.array([[1.0, 0.0, 0.0, sigma_px**2, 0.0, sigma_px**2]]))

    def __len__(self) -> int:
        return len(self.components)

    def __repr__(self) -> str:
        told = "" if self.residual is None else f", rms {self.residual.rms:.2g} of the peak"
        return f"PsfMixture({len(self)} Gaussians{told})"

    def at(self, x: float, y: float) -> PsfMixture:
        """The PSF of a source at a pixel position: this one."""
        return self

    def stamp(self, side: int, oversampling: int = 1, *, pixel: str = "stamp") -> Numbers:
        """Light in each pixel of a stamp (side, side) about the centre of the PSF.

        Parameters
        ----------
        side : int
            Of the stamp, in its own pixels.
        oversampling : int
            Pixels of the stamp along one of the detector.
        pixel : {"stamp", "detector"}
            Over which pixel light is integrated; see `fit_psf`.

        Raises
        ------
        DomainError
            If a count is not positive, or there is no such pixel.
        """
        grid = Grid(
            require_count(side, self, "side"), require_count(oversampling, self, "oversampling"), pixel
        )
        return grid.mixture(self.components)


@dataclass(frozen=True, eq=False, repr=False)
class PsfField:
    """A PSF that varies: mixtures of one size on a grid, whose numbers are interpolated bilinearly between its points; beyond the grid that of its edge.

    The components of neighbours have to belong together, as those that `fit_psf_field` finds.

    Attributes
    ----------
    x, y : array (n_x,), (n_y,)
        Rising pixel positions.
    components : array (n_y, n_x, n, 6)
        Of the mixture at each.
    residuals : array (n_y, n_x, 3), optional
        Of the fits, as in `Residual`.

    Raises
    ------
    ShapeError
        If the arrays do not fit together.
    DomainError
        If positions do not rise, or a mixture is impossible.
    """

    x: Numbers
    y: Numbers
    components: Numbers
    residuals: Numbers | None = None

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            positions = np.array(getattr(self, name), np.float64).reshape(-1)
            rises = positions.size > 0 and bool(
                np.isfinite(positions).all() and (np.diff(positions) > 0).all()
            )
            require(rises, self, name, "finite positions [px] that rise", positions.tolist())
            object.__setattr__(self, name, positions)
        components = np.array(self.components, np.float64)
        expected = (self.y.size, self.x.size)
        if components.ndim != 4 or components.shape[:2] != expected:
            raise ShapeError(
                f"PsfField.components must have shape {(*expected, 'n', 6)}, got {components.shape}"
            )
        for mixture in components.reshape(-1, *components.shape[2:]):
            PsfMixture(mixture)
        object.__setattr__(self, "components", components)

    def __repr__(self) -> str:
        return f"PsfField({self.x.size} x {self.y.size} positions, {self.components.shape[2]} Gaussians)"

    def at(self, x: float, y: float) -> PsfMixture:
        """The PSF of a source at a pixel position."""
        made = np.zeros(self.components.shape[2:])
        for row, v in _between(self.y, y):
            for column, u in _between(self.x, x):
                made += u * v * self.components[row, column]
        return PsfMixture.normalized(made)


Psf = PsfMixture | PsfField | Callable[[float, float], PsfMixture]
"""What the PSF of an exposure may be given as; a function gives the mixture of a source at x, y [px]."""


def psf_at(psf: Any, x: float, y: float) -> PsfMixture:
    """The mixture of a source at a pixel position.

    Raises
    ------
    TypeError
        If it is no PSF, or a function gives no mixture.
    """
    found = psf.at(x, y) if hasattr(psf, "at") else psf(x, y) if callable(psf) else None
    if not isinstance(found, PsfMixture):
        raise TypeError(
            f"psf must be a PsfMixture, a PsfField or a function (x, y) -> PsfMixture, got {psf!r}"
        )
    return found


def psf_table(psf: Any, positions: ArrayLike) -> Numbers:
    """Mixtures at several positions (S, 2) as one array (S, n, 6); rows of amplitude 0 where a mixture has fewer Gaussians.

    Raises
    ------
    TypeError
        As `psf_at`.
    """
    found = [psf_at(psf, x, y).components for x, y in np.asarray(positions, np.float64).tolist()]
    most = max((len(components) for components in found), default=1)
    made = np.tile([0.0, 0.0, 0.0, 1.0, 0.0, 1.0], (len(found), most, 1))
    for row, components in zip(made, found, strict=True):
        row[: len(components)] = components
    return made


def _between(positions: Numbers, at: float) -> Sequence[tuple[int, float]]:
    """The positions about a place, and how much each counts."""
    if positions.size == 1:
        return [(0, 1.0)]
    place = min(max(at, float(positions[0])), float(positions[-1]))
    right = min(max(int(np.searchsorted(positions, place)), 1), positions.size - 1)
    share = (place - positions[right - 1]) / (positions[right] - positions[right - 1])
    return [(right - 1, float(1.0 - share)), (right, float(share))]
