"""An Airy pattern as a mixture of Gaussians, for what is blurred anyway: rings are gone behind a wide Gaussian, the wings are not.

Seven Gaussians of widths 0.4, 0.8 ... 25.6 lambda / D; their shares, all >= 0, fit the pattern convolved with a Gaussian of
`blur` (`narrowest`) lambda / D, out to 64 lambda / D. The shares sum to 1 less the light beyond.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls
from scipy.special import j0

if TYPE_CHECKING:
    from getframes.reference.image import Image

WIDTHS = 0.4 * 2.0 ** np.arange(7)
BLUR = 1.5
REACH = 64.0
CORE = 0.3  # inside this radius all weigh the same
STEP, LAST = 0.05, 0.95  # of the obstruction in the table
NODES_AN_INTERVAL = 300


def narrowest(obstruction: float) -> float:
    """Standard deviation [lambda / D] from which on a Gaussian hides the rings: they are 1 / (1 - obstruction) wide."""
    return BLUR / (1.0 - obstruction)


def transfer(frequency: Image, obstruction: float) -> Image:
    """The transform of the pattern at frequencies [D / lambda]: the overlap of two pupils, 0 from 1 on.

    O'Neill 1956, doi:10.1364/JOSA.46.000285.
    """
    hole = obstruction / 2.0
    shared = (
        _overlap(0.5, 0.5, frequency) - 2.0 * _overlap(0.5, hole, frequency) + _overlap(hole, hole, frequency)
    )
    value: Image = shared / (np.pi / 4.0 * (1.0 - obstruction**2))
    return value


def _overlap(first: float, second: float, distance: Image) -> Image:
    """Area that two circles share."""
    inside = np.pi * min(first, second) ** 2
    d = np.clip(distance, abs(first - second) + 1e-12, first + second)
    if min(first, second) < 1e-6:
        return np.zeros_like(d)
    alpha = np.arccos(np.clip((d**2 + first**2 - second**2) / (2.0 * d * first), -1.0, 1.0))
    beta = np.arccos(np.clip((d**2 + second**2 - first**2) / (2.0 * d * second), -1.0, 1.0))
    kite = (first + second - d) * (d + first - second) * (d - first + second) * (d + first + second)
    lens = first**2 * alpha + second**2 * beta - 0.5 * np.sqrt(np.maximum(kite, 0.0))
    return np.where(distance <= abs(first - second), inside, lens)


def blurred(radius: Image, obstruction: float, sigma: float) -> Image:
    """The pattern behind a round Gaussian, at radii [lambda / D]."""
    kinks = {0.0, 0.02, 0.1, 0.3, 0.6, 1.0, obstruction, (1.0 - obstruction) / 2.0, (1.0 + obstruction) / 2.0}
    x, w = np.polynomial.legendre.leggauss(NODES_AN_INTERVAL)
    edges = np.array(sorted(kinks))
    middle, half = (edges[1:] + edges[:-1]) / 2.0, (edges[1:] - edges[:-1]) / 2.0
    q, weight = (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()
    share = transfer(q, obstruction) * np.exp(-2.0 * (np.pi * sigma * q) ** 2) * 2.0 * np.pi * q * weight
    return np.array([share @ j0(2.0 * np.pi * q * r) for r in radius])


def gaussians(radius: Image, shares: Image, sigma: float) -> Image:
    """The mixture behind a round Gaussian, at radii [lambda / D]."""
    variance = WIDTHS**2 + sigma**2
    value: Image = np.exp(-0.5 * radius[:, None] ** 2 / variance) / (2.0 * np.pi * variance) @ shares
    return value


@lru_cache(maxsize=64)
def _shares(obstruction: float) -> tuple[float, ...]:
    radius = np.concatenate([np.linspace(0.0, 16.0, 321), np.geomspace(16.0, REACH, 121)[1:]])
    area = 2.0 * np.pi * radius * np.gradient(radius)
    weight = np.sqrt(area) * np.maximum(radius, CORE)
    sigma = narrowest(obstruction)
    design = gaussians(radius, np.eye(WIDTHS.size), sigma) * weight[:, None]
    shares, _ = nnls(design, blurred(radius, obstruction, sigma) * weight)
    return tuple(shares.tolist())


def airy(resolution: float, obstruction: float) -> tuple[Image, Image]:
    """Variances [pixel^2], narrowest first, and shares of the light; `resolution` is lambda / D [pixel]."""
    return np.square(WIDTHS * resolution, dtype=np.float64), np.array(_shares(float(obstruction)))


def rust_table() -> str:
    """The source of `rust/getframes-core/src/profile/airy_table.rs`."""
    knots = np.round(np.arange(0.0, LAST + STEP / 2.0, STEP), 12)
    lines = [
        "//! Made by `python -m tests.parity.profile.table airy` from `python/getframes/reference/profile/airy.py`.",
        "",
        f"/// Shares of the light, at steps of {STEP} of the obstruction.",
        f"pub const TABLE: [[f64; {WIDTHS.size}]; {knots.size}] = [",
    ]
    for knot in knots:
        lines.append("    [" + ", ".join(f"{share:.9e}" for share in _shares(float(knot))) + "],")
    return "\n".join([*lines, "];", ""])
