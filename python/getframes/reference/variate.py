"""Random variates: the quantile of a law at one addressed uniform.

Functions take words `w` of any shape and evaluate the law at u = (w + 1/2) / 2^32, through the smaller of u
and 1 - u, so that neither tail cancels. Those ending in `_at` take the probability, which may have more bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from getframes.reference import incomplete, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.reference.image import Image, Words
    from getframes.reference.stream import Probability


def normal_at(u: Probability) -> Image:
    """Phi^-1(u) [1]."""
    z: Image = np.where(u.upper, -1.0, 1.0) * special.ndtri(u.tail)
    return z


def normal(words: Words) -> Image:
    """Standard normal variates."""
    return normal_at(stream.probability(words))


def exponential(words: Words) -> Image:
    """Exponential variates of mean 1: -log(1 - u)."""
    u = stream.probability(words)
    return np.where(u.upper, -np.log(u.tail), -np.log1p(-u.tail))


def lognormal_at(sigma: float, u: Probability) -> Image:
    """exp(s z - s^2 / 2): log-normal of width s and mean 1."""
    variate: Image = np.exp(sigma * normal_at(u) - sigma**2 / 2.0)
    return variate


def lognormal(sigma: float, words: Words) -> Image:
    """Log-normal variates of width `sigma` and mean 1."""
    return lognormal_at(sigma, stream.probability(words))


def gamma(shape: Image, words: Words) -> Image:
    """Gamma variates of scale 1: P^-1(a, u). To rounding for shapes up to 1e5."""
    u = stream.probability(words)
    x: Image = np.where(u.upper, special.gammainccinv(shape, u.tail), special.gammaincinv(shape, u.tail))
    return x


def poisson(mean: Image, words: Words) -> Image:
    """Poisson variates: the smallest k with F(k; mean) >= u, as floats."""
    mean, words = np.broadcast_arrays(np.asarray(mean, float), words)
    count: Image = _poisson_start(mean, normal(words))
    while True:
        step = np.where(_reaches(count, mean, words), 0.0, 1.0)
        step = np.where((count > 0.0) & _reaches(count - 1.0, mean, words), -1.0, step)
        if not step.any():
            return count
        count += step


def _poisson_start(mean: Image, z: Image) -> Image:
    """Cornish-Fisher: within two of the quantile for every mean."""
    start: Image = np.ceil(mean + np.sqrt(mean) * z + (z**2 - 1.0) / 6.0 - 0.5)
    return np.maximum(start, 0.0)


def _reaches(count: Image, mean: Image, words: Words) -> NDArray[np.bool_]:
    """Whether F(count; mean) >= u."""
    u = stream.probability(words)
    shape = np.maximum(count + 1.0, 1.0)
    reaches: NDArray[np.bool_] = np.where(
        u.upper, incomplete.lower(shape, mean) <= u.tail, incomplete.upper(shape, mean) >= u.tail
    )
    return reaches
