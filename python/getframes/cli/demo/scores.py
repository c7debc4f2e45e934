"""Reduced frames against the truth: pixels, and stars in apertures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from getframes.analysis.aperture import overlap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.cli.demo.reduction import Result

    Image = NDArray[np.float64]

APERTURE_PX = 4.0
RING_PX = 9.0, 14.0


@dataclass(frozen=True)
class Scatter:
    """Residuals and pulls of many values.

    Attributes
    ----------
    count : int
        How many.
    bias, rms : float
        Mean and root mean square of the residuals [e-].
    pull_mean, pull_rms, chi2 : float
        Mean of residual over sigma, its root mean square, and its mean square.
    chi2_error : float
        Standard error of the last.
    """

    count: int
    bias: float
    rms: float
    pull_mean: float
    pull_rms: float
    chi2: float
    chi2_error: float

    @classmethod
    def of(cls, residuals: Iterable[Image], sigmas: Iterable[Image]) -> Scatter:
        """Of arrays that belong together; what is not a number is left out."""
        pairs = [(np.ravel(one), np.ravel(two)) for one, two in zip(residuals, sigmas, strict=True)]
        residual, sigma = (np.concatenate([pair[n] for pair in pairs]).astype(np.float64) for n in (0, 1))
        known = np.isfinite(residual) & np.isfinite(sigma)
        residual, pull = residual[known], residual[known] / sigma[known]
        squares = pull**2
        chi2 = float(squares.mean())
        return cls(
            residual.size,
            float(residual.mean()),
            float(np.sqrt(np.mean(residual**2))),
            float(pull.mean()),
            float(np.sqrt(chi2)),
            chi2,
            float(squares.std() / np.sqrt(squares.size)),
        )


@dataclass(frozen=True)
class Fluxes:
    """Light of stars in an aperture, shape (frames, stars) [e-].

    Attributes
    ----------
    measured, true, sigma : array
        In reduced frames, in their truth, and the standard deviation of the first; NaN where a pixel of the aperture is flagged.
    spoiled : array of bool
        Where a pixel was hit by a cosmic ray that nobody found.
    """

    measured: Image
    true: Image
    sigma: Image
    spoiled: NDArray[np.bool_]

    @classmethod
    def of(cls, result: Result, places: Sequence[tuple[float, float]]) -> Fluxes:
        """Of one frame: the same weights on measured and true pixels, so that errors of pixels are all there is."""
        data, sigma, true = result.reduced.data, result.reduced.uncertainty, result.expected
        figures = []
        for x, y in places:
            weight, whole = weights(result.reduced.flags == 0, x, y)
            used = weight != 0.0
            light, wanted = (float(np.sum(weight[used] * image[used])) for image in (data, true))
            error = float(np.sqrt(np.sum((weight[used] * sigma[used]) ** 2)))
            spoiled = bool(result.taken.hits_adu[used].any())
            figures.append((light, wanted, error, spoiled) if whole else (np.nan, wanted, np.nan, spoiled))
        measured, trues, sigmas, hits = (np.array(each) for each in zip(*figures, strict=True))
        return cls(measured, trues, sigmas, hits)

    @classmethod
    def stacked(cls, frames: Sequence[Fluxes]) -> Fluxes:
        """Frames one after another."""
        planes = (
            [getattr(each, name) for each in frames] for name in ("measured", "true", "sigma", "spoiled")
        )
        return cls(*(np.array(plane) for plane in planes))

    @property
    def pulls(self) -> Image:
        """(measured - true) / sigma; NaN where it is spoiled."""
        return np.where(self.spoiled, np.nan, (self.measured - self.true) / self.sigma)


def weights(good: NDArray[np.bool_], x: float, y: float) -> tuple[Image, bool]:
    """Weights of pixels in the light inside a circle, less the mean of the good ones in a ring around it; whether all in the circle are good."""
    rows, columns = (slice(0, side) for side in good.shape)
    inside = overlap((rows, columns), x, y, APERTURE_PX)
    down, right = np.ogrid[rows, columns]
    distance = np.hypot(right - x, down - y)
    ring = good & (distance >= RING_PX[0]) & (distance <= RING_PX[1])
    return np.asarray(inside - ring * (inside.sum() / ring.sum())), bool(good[inside > 0.0].all())
