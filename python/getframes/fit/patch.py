"""A patch: the sources that are fitted together, and the pixels that see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import ShapeError, require
from getframes.fit.source import Rows, parameter_names, parameters_of, shape_names, with_parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

TILE = 8
"""Side of a tile [px]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PatchExposure:
    """What one exposure knows of the sources of a patch, S of them.

    Attributes
    ----------
    name : str
        Of the exposure.
    band : int
        Its place in the bands of the patch.
    flux_scale : float
        Counts of a unit of flux [data unit / flux unit].
    background : int
        Coefficients of the background that is fitted: 0 for none, 1 for a constant, 3 for a plane.
    x, y : array (T,) of int
        First column and row of each tile of 8 x 8 pixels [px].
    data : array (T, 64)
        Pixels row by row, fixed neighbours taken off.
    weight : array (T, 64)
        Inverse variance; 0 where a pixel is masked, or beyond the image.
    position : array (S, 2)
        Where the reference position of each source falls, x and y [px].
    jacobian : array (S, 2, 2)
        d(x, y) / d(east, north) there [px / arcsec].
    psf : array (S, P, 6)
        Gaussians of the PSF at each source: amplitude, dx, dy, and covariance xx, xy, yy [px, px^2]; amplitude 0 where there are fewer.
    """

    name: str
    band: int
    flux_scale: float
    background: int
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    data: Numbers
    weight: Numbers
    position: Numbers
    jacobian: Numbers
    psf: Numbers

    @property
    def n_pixels(self) -> int:
        """Pixels that count."""
        return int(np.count_nonzero(self.weight))


@dataclass(frozen=True, eq=False, kw_only=True)
class Patch:
    """Sources that are fitted together, as a `Patcher` makes it.

    Parameters are in the order of `names`: nonlinear ones source by source, then fluxes source by source, N in all. Backgrounds of exposures come after the fluxes
    among the linear parameters of the likelihood, and belong to the patch alone.

    Attributes
    ----------
    sources : structured array (S,)
        The active sources with the values that they have now; see `getframes.fit.source`.
    bands : tuple of str
        Names of the bands, B of them.
    exposures : tuple of PatchExposure
        Those that see the patch.
    bounds : array (N, 2)
        Least and greatest value of each parameter; infinite for none.
    priors : mapping
        Prior by the full name of a parameter (``flux_r[17]``), or the name of a field (``rhalf``, ``flux_r``); uniform within the bounds where there is none.
    covariance : array (N, N) or None
        Of the parameters, from earlier visits, a block for each source; None where there was none.
    visits, draws : array (S,) of int
        How often each source was in a patch, and draws that it has.
    fixed : array of int
        Ids of the neighbours that were taken off.
    id, seed : int
        Number of the patch, and the seed of what is random in its fit.

    Raises
    ------
    ShapeError
        If bounds or covariance do not fit the sources.
    DomainError
        If a lower bound is above an upper one, or an exposure has a band that is none.
    """

    sources: Rows
    bands: tuple[str, ...]
    exposures: tuple[PatchExposure, ...]
    bounds: Numbers
    priors: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    covariance: Numbers | None = None
    visits: NDArray[np.int64]
    draws: NDArray[np.int64]
    fixed: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    id: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sources["flux"].shape != (len(self.sources), len(self.bands)):
            raise ShapeError(
                f"Patch.sources must have a flux for each of {self.bands}, got {self.sources['flux'].shape}"
            )
        size = len(self.names)
        wanted = {
            "bounds": (size, 2),
            "covariance": (size, size),
            "visits": self.sources.shape,
            "draws": self.sources.shape,
        }
        for name, shape in wanted.items():
            value = getattr(self, name)
            if value is not None and np.shape(value) != shape:
                raise ShapeError(f"Patch.{name} must have shape {shape}, got {np.shape(value)}")
        for name, (lower, upper) in zip(self.names, self.bounds.tolist(), strict=True):
            require(lower <= upper, self, f"bounds of {name}", "in order", (lower, upper))
        for exposure in self.exposures:
            known = 0 <= exposure.band < len(self.bands)
            require(known, self, f"band of {exposure.name}", f"in [0, {len(self.bands)})", exposure.band)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, ``rhalf[17]`` and ``flux_r[17]`` of source 17."""
        return parameter_names(self.sources, self.bands)

    @property
    def n_shapes(self) -> int:
        """How many of them are nonlinear; they come first."""
        return sum(len(shape_names(kind)) for kind in self.sources["kind"])

    @property
    def n_linear(self) -> int:
        """Linear parameters of the likelihood: fluxes, then the backgrounds of the exposures."""
        return int(self.sources["flux"].size) + sum(exposure.background for exposure in self.exposures)

    @property
    def parameters(self) -> Numbers:
        """The values that the sources have now (N,)."""
        return parameters_of(self.sources)

    @property
    def n_pixels(self) -> int:
        """Pixels that count."""
        return sum(exposure.n_pixels for exposure in self.exposures)

    def filled(self, parameters: Numbers) -> Rows:
        """The sources with other parameters (N,).

        Raises
        ------
        ShapeError
            If there are not N of them.
        """
        if np.shape(parameters) != (len(self.names),):
            raise ShapeError(f"parameters must have shape {(len(self.names),)}, got {np.shape(parameters)}")
        return with_parameters(self.sources, parameters)

    def packed(self) -> dict[str, Any]:
        """The patch as arguments of the likelihood; tiles in the order of the exposures."""
        exposures, n_sources = self.exposures, len(self.sources)
        tiles = [len(exposure.x) for exposure in exposures]
        psf = [_padded(exposure.psf, max(each.psf.shape[1] for each in exposures)) for exposure in exposures]
        return {
            "tile_x": _joined([exposure.x for exposure in exposures], np.int32, (0,)),
            "tile_y": _joined([exposure.y for exposure in exposures], np.int32, (0,)),
            "tile_exposure": np.repeat(np.arange(len(exposures), dtype=np.int32), tiles),
            "data": _joined([exposure.data for exposure in exposures], np.float64, (0, TILE * TILE)),
            "weight": _joined([exposure.weight for exposure in exposures], np.float64, (0, TILE * TILE)),
            "band": np.array([exposure.band for exposure in exposures], np.int32),
            "flux_scale": np.array([exposure.flux_scale for exposure in exposures], np.float64),
            "background": np.array([exposure.background for exposure in exposures], np.int32),
            "kind": np.ascontiguousarray(self.sources["kind"], np.int32),
            "position": _stacked([exposure.position for exposure in exposures], (n_sources, 2)),
            "jacobian": _stacked([exposure.jacobian for exposure in exposures], (n_sources, 2, 2)),
            "psf_of": np.arange(len(exposures) * n_sources, dtype=np.int32).reshape(-1, n_sources),
            "psf": _joined(psf, np.float64, (0, 1, 6)),
            "bands": len(self.bands),
        }

    def likelihood(self) -> Any:
        """The likelihood of the pixels, as a `getframes._native.fit.Likelihood`."""
        native: Any = import_module("getframes._native")
        return native.fit.Likelihood(**self.packed())

    def rendered(self, parameters: Numbers) -> list[Numbers]:
        """The model of the tiles of each exposure (T, 64) [data unit]: of parameters (N,), and backgrounds after them where there are any.

        Raises
        ------
        ShapeError
            If there are not N parameters, or N and all backgrounds.
        """
        sizes = (len(self.names), self.n_shapes + self.n_linear)
        if np.shape(parameters) not in [(size,) for size in sizes]:
            raise ShapeError(f"parameters must have shape {(sizes[0],)}, got {np.shape(parameters)}")
        every = np.zeros(sizes[1])
        every[: len(parameters)] = parameters
        model = self.likelihood().model(every[: self.n_shapes], every[self.n_shapes :])
        ends = np.cumsum([len(exposure.x) for exposure in self.exposures])
        return list(np.split(model, ends[:-1]))


def _padded(psf: Numbers, size: int) -> Numbers:
    """Mixtures of `size` Gaussians; those added have amplitude 0 and the covariance of a unit circle."""
    made = np.tile([0.0, 0.0, 0.0, 1.0, 0.0, 1.0], (len(psf), size, 1))
    made[:, : psf.shape[1]] = psf
    return made


def _joined(parts: list[Any], dtype: Any, empty: tuple[int, ...]) -> NDArray[Any]:
    return np.ascontiguousarray(np.concatenate(parts or [np.empty(empty)]), dtype)


def _stacked(parts: list[Any], inner: tuple[int, ...]) -> Numbers:
    return np.ascontiguousarray(np.reshape(parts, (len(parts), *inner)), np.float64)
