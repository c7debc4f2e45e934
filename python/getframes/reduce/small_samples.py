"""What small samples of Gaussian values do to their scatter, for every size up to n.

| factor         | what it is                                                                                              |
|----------------|---------------------------------------------------------------------------------------------------------|
| `mad`          | standard deviation over the mean MAD of n values                                                        |
| `mean_sigma`   | 1/c4(n): standard deviation over the mean sample standard deviation (ddof = 1)                          |
| `trim`         | values at either end that the scatter about a median leaves out: n/4 of them, so that outliers don't count |
| `median_sigma` | standard deviation of the median over the mean of the sum of x(n-k) - x(1+k), k from `trim` to n/2        |
| `rounding`     | variance that rounding to whole numbers adds to a median, whose own rounding it is: 1/12 in the limit of odd n |

Normal scores after Blom, (i - 3/8) / (n + 1/4); the variance of the median is pi / 2 / (n + c), c within 0.3 % of the integral over order statistics.

Sources: Croux and Rousseeuw 1992, doi:10.1007/978-3-662-26811-7_58 (MAD); Blom 1958, Statistical Estimates and Transformed Beta-Variables; Harter 1961,
doi:10.1093/biomet/48.1-2.151 (order statistics).
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, pi, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAD_TO_SIGMA = 1.482602218505602
_MAD = (1.0, 1.0, 1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107)
"""Factor that makes 1.4826 MAD of n Gaussian values unbiased, for n = 0 ... 9."""
_SUMS = {2: 1.12838, 3: 1.69257, 4: 2.65277}
"""Sums of differences where normal scores are not good enough."""
_SCORES = 24
"""Up to this n sums of normal scores are added up, above they are an integral."""
_NORMAL = NormalDist()


class SmallSamples(NamedTuple):
    """Factors for n = 0, 1, 2, ...; NaN where they do not exist."""

    mad: NDArray[np.float64]
    mean_sigma: NDArray[np.float64]
    trim: list[int]
    median_sigma: NDArray[np.float64]
    rounding: NDArray[np.float64]

    def tables(self, step: float, loss: float = 1.0) -> dict[str, Any]:
        """What the kernel takes the deviations of a result from.

        Values are multiples of `step` (0 for those that are not); deviations are larger by the factor `loss` than the values that are left say.
        """
        return {
            "mean_sigma": loss * self.mean_sigma,
            "trim": self.trim,
            "median_sigma": loss * self.median_sigma,
            "rounding": step**2 * self.rounding,
        }


@lru_cache(maxsize=8)
def small_samples(most: int) -> SmallSamples:
    """The factors for samples of up to `most` values."""
    counts = range(2, most + 1)
    mad = [_MAD[n] if n < len(_MAD) else n / (n - 0.8) for n in range(most + 1)]
    mean = [sqrt((n - 1) / 2) * exp(lgamma((n - 1) / 2) - lgamma(n / 2)) for n in counts]
    median = [_median_deviation(n) / _sum_of_differences(n) for n in counts]
    none = [np.nan, np.nan]
    return SmallSamples(
        MAD_TO_SIGMA * np.array(mad),
        np.array([*none, *mean][: most + 1]),
        [_trim(n) for n in range(most + 1)],
        np.array([*none, *median][: most + 1]),
        np.array([(1 - 2.3 / max(n, 3)) / (12 if n % 2 else 20) for n in range(most + 1)]),
    )


def _trim(n: int) -> int:
    return n // 4 if n >= 5 else 0


def _median_deviation(n: int) -> float:
    shift = 1.40 - 0.55 / n if n % 2 == 0 else 0.4292 + 0.25 / n
    return sqrt(pi / 2 / (n + shift))


def _sum_of_differences(n: int) -> float:
    if n in _SUMS:
        return _SUMS[n]
    low, high = _trim(n), n // 2
    if n <= _SCORES:
        return sum(2 * _NORMAL.inv_cdf((n - k - 0.375) / (n + 0.25)) for k in range(low, high))
    ends = (_NORMAL.inv_cdf((n - k + 0.125) / (n + 0.25)) for k in (high, low))
    inner, outer = (_NORMAL.pdf(end) for end in ends)
    return (n + 0.25) * 2 * (inner - outer)
