"""Weighted fits of y = sum a_k x^k, with as many terms as the data ask for.

A curve with too few terms is biased and one with too many is noisy: a further term is kept where it lowers chi^2 by more than nine,
three standard deviations of its coefficient.

Source: Bevington and Robinson 2003, *Data Reduction and Error Analysis for the Physical Sciences*, chapters 7 and 11 (ISBN 0-07-247227-8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_FIRM = 9.0
"""A further term has to lower chi^2 by this much: three standard deviations of its coefficient."""


class Curve(NamedTuple):
    """A fitted curve.

    Attributes
    ----------
    powers : tuple of int
        k of each term.
    coefficients, errors : arrays
        a_k and their standard errors.
    chi2 : float
        Weighted sum of squared residuals.
    """

    powers: tuple[int, ...]
    coefficients: NDArray[np.float64]
    errors: NDArray[np.float64]
    chi2: float

    def __call__(self, x: Array) -> Array:
        """The curve at `x`."""
        return np.asarray(
            sum(a * x**k for a, k in zip(self.coefficients, self.powers, strict=True)), np.float64
        )

    def of(self, power: int) -> float:
        """The coefficient of a power; 0 where the curve does not have it."""
        return float(self.coefficients[self.powers.index(power)]) if power in self.powers else 0.0


def fitted(x: Array, y: Array, sigma: Array, powers: Sequence[int]) -> Curve:
    """The least-squares curve with these powers; `sigma` are the standard errors of y."""
    reach = float(np.max(np.abs(x))) or 1.0
    design = np.stack([(x / reach) ** k / sigma for k in powers], axis=1)
    solution, _, _, _ = np.linalg.lstsq(design, y / sigma, rcond=None)
    covariance = np.linalg.pinv(design.T @ design)
    scales = np.array([reach**-k for k in powers])
    chi2 = float(np.sum((y / sigma - design @ solution) ** 2))
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return Curve(tuple(powers), solution * scales, errors * scales, chi2)


def best(x: Array, y: Array, sigma: Array, powers: Sequence[int], more: Sequence[int]) -> Curve:
    """The curve with `powers`, and with the first of `more` as far as they are needed."""
    chosen = fitted(x, y, sigma, powers)
    for count in range(1, len(more) + 1):
        if x.size <= len(powers) + count:
            break
        longer = fitted(x, y, sigma, [*powers, *more[:count]])
        if longer.chi2 < chosen.chi2 - _FIRM * (len(longer.powers) - len(chosen.powers)):
            chosen = longer
    return chosen
