"""A Moffat profile as a mixture of Gaussians.

(1 + r^2/alpha^2)^-beta is exactly a mixture: with t ~ Gamma(beta - 1) for the light, sigma^2 = alpha^2 / (2 t). The
rectangle rule in ln t makes a finite one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from getframes.reference.image import Image

STEP, LONGEST_STEP = 0.65, 0.7
FAINTEST, REACH_FWHM, STEPS = 2e-5, 8.0, 400


def moffat(fwhm: float, beta: float) -> tuple[Image, Image]:
    """Variances and shares of the light, narrowest first; the shares sum to 1 less what is wider than 8 FWHM."""
    a = beta - 1.0
    step = min(STEP * np.sqrt(2.0 / a), LONGEST_STEP)
    log_t = np.log(a) + step * np.arange(STEPS, -STEPS - 1, -1)
    t = np.exp(np.minimum(log_t, 700.0))
    log_share = a * (log_t - np.log(a)) - t + a
    share = np.exp(np.maximum(log_share, -700.0)) * (log_share > -700.0)
    below = share[-1] / np.expm1(step * a)  # the rest of the series is geometric
    share /= share.sum() + below
    variance = fwhm**2 / (4.0 * (2.0 ** (1.0 / beta) - 1.0)) / (2.0 * np.maximum(t, 1e-300))
    bright = (share >= FAINTEST) | (share * t >= FAINTEST * a)
    kept = bright & (variance <= (REACH_FWHM * fwhm) ** 2)
    return variance[kept], share[kept]
