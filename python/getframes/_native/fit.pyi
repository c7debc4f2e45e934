"""The fitting room: sources as mixtures of Gaussians, their likelihood and its gradient.

A Gaussian is a row of weight, x, y [pixel], xx, xy, yy [pixel^2]; a source is ra, dec [arcsec towards east and north of its reference], and for a galaxy
r_half [arcsec], Sersic index and reduced shear g1, g2.
"""

from collections.abc import Callable, Sequence
from typing import Any, final

from numpy.typing import NDArray

@final
class Likelihood:
    """The likelihood of tiles of 8 x 8 pixels: everything that depends on the data, made once and asked many times.

    Arrays are C-contiguous, float64 or int32. T tiles of E exposures see S sources through K PSFs.
    `tile_x`, `tile_y` (T,): first pixel; `data`, `weight` (T, 64): counts and inverse variance, 0 where masked; `band`, `flux_scale` [counts per flux], `background`
    (0, 1 or 3 coefficients) (E,); `kind` (S,): 0 a star, 1 a galaxy; `position` (E, S, 2): pixel of the reference; `jacobian` (E, S, 2, 2): d(x, y) / d(east, north)
    [pixel/arcsec]; `psf_of` (E, S): number of the PSF; `psf` (K, P, 6): Gaussians, weight 0 for none; `bands`: their count, by default as many as exposures name.
    Linear parameters are fluxes by source and band, then coefficients of the backgrounds by exposure.
    """

    def __new__(
        cls,
        *,
        tile_x: NDArray[Any],
        tile_y: NDArray[Any],
        tile_exposure: NDArray[Any],
        data: NDArray[Any],
        weight: NDArray[Any],
        band: NDArray[Any],
        flux_scale: NDArray[Any],
        background: NDArray[Any],
        kind: NDArray[Any],
        position: NDArray[Any],
        jacobian: NDArray[Any],
        psf_of: NDArray[Any],
        psf: NDArray[Any],
        bands: int | None = None,
    ) -> Likelihood: ...
    @property
    def shapes(self) -> int:
        """Count of the numbers that place and shape the sources: 2 a star, 6 a galaxy."""
    @property
    def linear(self) -> int:
        """Count of the linear parameters."""
    def value_and_gradient(
        self, shapes: NDArray[Any], linear: NDArray[Any]
    ) -> tuple[float, NDArray[Any], NDArray[Any]]:
        """-1/2 sum w (d - m)^2, and its slopes against both."""
    def marginal(
        self, shapes: NDArray[Any], prior_mean: NDArray[Any], prior_precision: NDArray[Any]
    ) -> tuple[float, NDArray[Any]]:
        """ln of likelihood times prior, integrated over the linear parameters, and its slopes; a precision of 0 is flat."""
    def solve(
        self, shapes: NDArray[Any], prior_mean: NDArray[Any], prior_precision: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """The best linear parameters (L,) and their covariance (L, L)."""
    def model(self, shapes: NDArray[Any], linear: NDArray[Any]) -> NDArray[Any]:
        """The model of the tiles [counts], (T, 64)."""
    def evaluations(self, shapes: NDArray[Any]) -> int:
        """Products of pixels and Gaussians that one rendering evaluates."""

@final
class Posterior:
    """The posterior of a likelihood with priors, as a density of coordinates that are all reals.

    Priors are rows (law, lower, upper, mean, sigma), laws 0 flat, 1 uniform, 2 log-uniform, 3 normal, 4 normal between bounds, for the shapes and the linear
    parameters. Coordinates (D,) are those of the shapes and then of the linear parameters with bounds; the others are integrated.
    """

    def __new__(
        cls, likelihood: Likelihood, shape_priors: NDArray[Any], linear_priors: NDArray[Any]
    ) -> Posterior: ...
    @property
    def likelihood(self) -> Likelihood:
        """As it was given."""
    @property
    def size(self) -> int:
        """Count of coordinates, D."""
    def place(self, coordinates: NDArray[Any]) -> NDArray[Any]:
        """As the function of this name, of the priors of the coordinates."""
    def coordinates(self, values: NDArray[Any]) -> NDArray[Any]:
        """The coordinates of values (D,); NaN where a value is not between its bounds."""
    def value_and_gradient(self, coordinates: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """ln of the density of coordinates, and its gradient."""
    def summit(self, coordinates: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """ln of the density of the parameters at the best linear ones without bounds, and its gradient by coordinate."""
    def conditional(self, coordinates: NDArray[Any], z: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Shapes (n, shapes) and linear parameters (n, L) at coordinates (n, D), drawn by standard normal numbers (n, L)."""
    def sample(
        self,
        start: NDArray[Any],
        mean: NDArray[Any],
        covariance: NDArray[Any],
        *,
        draws: int,
        warmup: int,
        seed: int,
        max_treedepth: int,
        target_accept: float,
        weight: float,
        progress: Callable[[int], object] | None = None,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Chains from starts (chains, D): coordinates (chains, warmup + draws, D), and of each draw ln p, energy, step size, acceptance, depth, gradients, whether it
        diverged, and whether it was ended at the largest depth (chains, warmup + draws, 8). `mean` (D,) and `covariance` (D, D) count as `weight` draws. `progress`
        is called with the draws that are done about ten times a second."""

def place(priors: NDArray[Any], coordinates: NDArray[Any]) -> NDArray[Any]:
    """Value, dx/du, ln p(x), its slope, ln dx/du, and its slope, of each coordinate (6, n)."""

def coordinate(priors: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """The coordinates of values (n,); NaN where a value is not between its bounds."""

def gaussian(
    component: NDArray[Any], tile: tuple[int, int], numbers: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Means of a Gaussian over the pixels of the tile that begins at `tile` (x, y), (8, 8), and the slopes (6,) of their sum times `numbers` (8, 8)."""

def mixture(
    source: NDArray[Any],
    position: Sequence[float],
    jacobian: Sequence[Sequence[float]],
    psf: NDArray[Any],
    changes: NDArray[Any] | None = None,
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The Gaussians (M, 6) of a source, and the slopes of the sum of `changes` (M, 6) times them."""
