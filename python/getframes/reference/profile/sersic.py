"""A Sersic profile as a mixture of Gaussians: radii in units of r_eff, shares of the light a function of n alone.

exp(-b r^(1/n)) is completely monotone in r^2 for n >= 1/2: it is exactly a mixture of Gaussians, whose widths follow
a positive stable law of index 1/(2n). The rectangle rule in ln(width) makes a finite mixture of it, good to the
ripple of its step; small corrections, held back by a ridge, take the ripple down further.

Sources: Sersic 1968; the stable density: Kanter 1975, doi:10.1214/aop/1176996309; mixtures for galaxies: Hogg and Lang
2013, doi:10.1086/668228.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import interpolate, special

if TYPE_CHECKING:
    from getframes.reference.image import Image

COMPONENTS = 14
KNOTS, NARROWEST, WIDEST, SHIFT = 65, 0.51, 8.0, 0.45
SIGMA_OF_HALF = 1.0 / np.sqrt(2.0 * np.log(2.0))  # n = 1/2 is one Gaussian, of this width
UPPER_TAIL, RIDGE = 0.005, 0.01
# Share of the light in narrower Gaussians than the first, against n: a spline through these.
TAIL_N = np.array([0.51, 0.55, 0.6, 0.7, 0.8, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0])
TAIL = np.array([3e-3, 3e-4, 1e-4, 2e-5, 1e-5, 1e-5, 4e-5, 3e-4, 1e-3, 3e-3, 4e-3])

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
GRID = np.linspace(-14.0, 9.0, 6001)


def scale(n: float) -> float:
    """b, for which half of the light lies within r_eff: P(2n, b) = 1/2."""
    return float(special.gammaincinv(2.0 * n, 0.5))


def surface_brightness(n: float, r: Image) -> Image:
    """exp(-b r^(1/n)) with a total of 1, r in units of r_eff."""
    b = scale(n)
    log_norm = 2.0 * n * np.log(b) - np.log(2.0 * np.pi * n) - special.gammaln(2.0 * n)
    value: Image = np.exp(log_norm - b * r ** (1.0 / n))
    return value


def enclosed(n: float, r: Image) -> Image:
    """Share of the light within r: P(2n, b r^(1/n))."""
    value: Image = special.gammainc(2.0 * n, scale(n) * r ** (1.0 / n))
    return value


def width_density(n: float, log_sigma: Image) -> Image:
    """Share of the light per ln(sigma)."""
    b = scale(n)
    log_t = -2.0 * log_sigma - 2.0 * n * np.log(b) - np.log(2.0)
    peak = surface_brightness(n, np.zeros(1))
    value: Image = 4.0 * np.pi * np.exp(2.0 * log_sigma) * peak * _stable(0.5 / n, log_t)
    return value


def _stable(index: float, log_t: Image) -> Image:
    """Density of ln T for a positive T with the Laplace transform exp(-s^index)."""
    edges = np.pi * (1.0 - np.array([1.0, 0.5, 0.2, 0.05, 0.01, 1e-3, 1e-4, 0.0]))
    half = np.diff(edges)[:, None] / 2.0
    angle = (edges[:-1, None] + half * (1.0 + NODES)).ravel()
    weight = (half * WEIGHTS).ravel()
    rest = 1.0 - index
    sines = (
        index * np.log(np.sin(index * angle)) + rest * np.log(np.sin(rest * angle)) - np.log(np.sin(angle))
    )
    exponent = sines / rest - index / rest * log_t[:, None]
    value: Image = index / rest / np.pi * (np.exp(exponent - np.exp(np.minimum(exponent, 700.0))) @ weight)
    return value


def sersic(n: float) -> tuple[Image, Image]:
    """Widths (in units of r_eff) and shares (of sum 1) of the Gaussians at an index in [0.5, 8].

    Below 0.51 the last one is the Gaussian of n = 1/2, mixed in linearly.
    """
    sigma, share = _mixture(max(n, NARROWEST))
    part = max(NARROWEST - n, 0.0) / (NARROWEST - 0.5)
    return np.append(sigma, SIGMA_OF_HALF), np.append((1.0 - part) * share, part)


def between_knots(n: complex) -> tuple[Image, Image]:
    """The same by Lagrange's cubic through four knots of the table, as the kernel has it; also for a complex index."""
    start = np.log(NARROWEST - SHIFT)
    step = (np.log(WIDEST - SHIFT) - start) / (KNOTS - 1)
    inside = n if np.real(n) > NARROWEST else NARROWEST
    position = (np.log(inside - SHIFT) - start) / step
    second = min(max(int(np.real(position)), 1), KNOTS - 3)
    s = position - second
    weights = [
        -s * (s - 1.0) * (s - 2.0) / 6.0,
        (s + 1.0) * (s - 1.0) * (s - 2.0) / 2.0,
        -(s + 1.0) * s * (s - 2.0) / 2.0,
        (s + 1.0) * s * (s - 1.0) / 6.0,
    ]
    row = sum(weight * knot(second - 1 + number) for number, weight in enumerate(weights))
    sigma = np.exp(row[0] + (row[1] - row[0]) * np.arange(COMPONENTS) / (COMPONENTS - 1))
    part = (NARROWEST - n) / (NARROWEST - 0.5) if np.real(n) < NARROWEST else 0.0
    share = row[2:] / row[2:].sum()
    return np.append(sigma, SIGMA_OF_HALF), np.append((1.0 - part) * share, part)


def _mixture(n: float) -> tuple[Image, Image]:
    knots = np.log(TAIL_N - SHIFT)
    tail = np.exp(interpolate.CubicSpline(knots, np.log(TAIL))(np.log(n - SHIFT)))
    cumulated = np.cumsum(width_density(n, GRID))
    low, high = np.interp([tail, 1.0 - UPPER_TAIL], cumulated / cumulated[-1], GRID)
    log_sigma = np.linspace(low, high, COMPONENTS)
    share = width_density(n, log_sigma)
    sigma = np.exp(log_sigma)
    share = _corrected(n, sigma, share / share.sum())
    return sigma, share / share.sum()


def _corrected(n: float, sigma: Image, share: Image) -> Image:
    """Shares times 1 + d: d by least squares with a ridge, against density, blurred peaks and enclosed light."""
    r = np.geomspace(0.02, max(4.5, 2.0 * sigma[-1]) if n < 2.0 else 6.0, 240)
    density = _gaussians(sigma, r) * share / surface_brightness(n, r)[:, None]
    blurs = np.array([0.012, 0.017, 0.03, 0.05, 0.1, 0.2, 0.4])
    peaks = share / (2.0 * np.pi * (sigma**2 + blurs[:, None] ** 2)) / _blurred_peak(n, blurs)[:, None]
    radii = np.geomspace(0.05, 30.0, 60)
    light = -np.expm1(-0.5 * (radii[:, None] / sigma) ** 2) * share
    blocks = [
        (density, np.ones(r.size), np.where((r >= 0.05) & (r <= 4.0), 1.0, 0.3)),
        (peaks, np.ones(blurs.size), np.full(blurs.size, 15.0)),
        (light, enclosed(n, radii), np.full(radii.size, 8.0)),
        (share[None], np.ones(1), np.full(1, 1e4)),
    ]
    matrix = np.concatenate([rows * weight[:, None] for rows, _, weight in blocks])
    misfit = np.concatenate([(want - rows.sum(axis=1)) * weight for rows, want, weight in blocks])
    ridge = np.concatenate([matrix, RIDGE * np.eye(sigma.size)])
    change = np.linalg.lstsq(ridge, np.concatenate([misfit, np.zeros(sigma.size)]), rcond=None)[0]
    corrected: Image = share * (1.0 + change)
    return corrected


def _gaussians(sigma: Image, r: Image) -> Image:
    value: Image = np.exp(-0.5 * (r[:, None] / sigma) ** 2) / (2.0 * np.pi * sigma**2)
    return value


def _blurred_peak(n: float, blurs: Image) -> Image:
    """Central brightness behind Gaussians of these widths."""
    r = np.geomspace(1e-7, 60.0, 20001)
    light = surface_brightness(n, r) * r**2 * np.exp(-0.5 * (r / blurs[:, None]) ** 2)
    value: Image = np.trapezoid(light, np.log(r), axis=1) / blurs**2
    return value


def table() -> Image:
    """One row a knot, equally spaced in ln(n - SHIFT): ln of the narrowest and the widest, and the shares."""
    return np.array([knot(number) for number in range(KNOTS)])


@lru_cache(maxsize=KNOTS)
def knot(number: int) -> Image:
    """A row of the table."""
    sigma, share = _mixture(float(indices()[number]))
    return np.concatenate([np.log(sigma[[0, -1]]), share])


def indices() -> Image:
    """The knots."""
    steps = np.linspace(np.log(NARROWEST - SHIFT), np.log(WIDEST - SHIFT), KNOTS)
    value: Image = np.exp(steps) + SHIFT
    return value


def rust_table() -> str:
    """The source of `rust/getframes-core/src/profile/sersic_table.rs`."""
    lines = [
        "//! Made by `python -m tests.parity.profile.table sersic` from `python/getframes/reference/profile/sersic.py`.",
        "",
        "/// ln of the narrowest and of the widest width, and the shares of the light, at equal steps of ln(n - 0.45).",
        f"pub const TABLE: [[f64; {COMPONENTS + 2}]; {KNOTS}] = [",
    ]
    lines += ["    [" + ", ".join(f"{value:.12e}" for value in row) + "]," for row in table()]
    return "\n".join([*lines, "];", ""])
