"""Gaussians integrated over the pixels of a stamp, with their derivatives: Gauss-Legendre quadrature within each pixel.

Three points a pixel and axis for Gaussians wider than the pixel (standard deviation), five for others: right to 1e-5 of the peak for 0.4 px and more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from getframes.errors import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


class Points(NamedTuple):
    """Where Gaussians are evaluated, the same along both axes.

    Attributes
    ----------
    at : array (side * q,)
        Positions [px of the detector], from the middle of the stamp.
    shares : array (q,)
        Of each point of a pixel in its integral, along one axis.
    """

    at: Numbers
    shares: Numbers

    @classmethod
    def of(cls, side: int, oversampling: int, width: float, count: int) -> Points:
        """`count` points in each pixel of a width [px of the detector]."""
        nodes, weights = np.polynomial.legendre.leggauss(count)
        centres = (np.arange(side) - (side - 1) / 2.0) / oversampling
        return cls((centres[:, None] + 0.5 * width * nodes).ravel(), 0.5 * weights / oversampling)

    def pixels(self, values: Numbers) -> Numbers:
        """Integrals over pixels (side, side) of values at the points."""
        count = self.shares.size
        rows = (values.reshape(-1, count) @ self.shares).reshape(-1, count, self.at.size // count)
        return np.asarray(self.shares @ rows)


class Grid:
    """A square stamp.

    Parameters
    ----------
    side : int
        In its own pixels.
    oversampling : int
        Of them along a pixel of the detector.
    pixel : {"stamp", "detector"}
        What light is integrated over; divided by `oversampling` squared for the detector's, so that a stamp sums to the light in it.

    Raises
    ------
    DomainError
        If there is no such pixel.
    """

    def __init__(self, side: int, oversampling: int, pixel: str) -> None:
        require(pixel in ("stamp", "detector"), "", "pixel", "'stamp' or 'detector'", pixel)
        self._width = 1.0 if pixel == "detector" else 1.0 / oversampling
        self._few, self._many = (Points.of(side, oversampling, self._width, count) for count in (3, 5))

    def mixture(self, components: Numbers) -> Numbers:
        """Light in pixels of a mixture (n, 6)."""
        return np.asarray(sum(row[0] * self._moments(row, 1)[0] for row in components))

    def derivatives(self, row: Numbers) -> Numbers:
        """Light in pixels of one Gaussian of flux 1, and its derivatives with respect to dx, dy, xx, xy, yy: (6, side, side)."""
        return np.stack(self._moments(row, 6))

    def _moments(self, row: Numbers, count: int) -> list[Numbers]:
        _, dx, dy, xx, xy, yy = row.tolist()
        determinant = xx * yy - xy * xy
        narrowest = 0.5 * (xx + yy) - np.hypot(0.5 * (xx - yy), xy)
        points = self._few if narrowest > self._width**2 else self._many
        x, y = points.at[None, :] - dx, points.at[:, None] - dy
        along, up = (yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant
        value = np.exp(-0.5 * (along * x + up * y)) / (2.0 * np.pi * np.sqrt(determinant))
        moments = [value]
        if count > 1:
            moments += [
                value * along,
                value * up,
                0.5 * value * (along * along - yy / determinant),
                value * (along * up + xy / determinant),
                0.5 * value * (up * up - xx / determinant),
            ]
        return [points.pixels(each) for each in moments]
