"""Galaxies by galsim, alone and in pairs, whose signal-to-noise ratio is known."""

from __future__ import annotations

import numpy as np
from tests.patches import blank, galaxy, peak_snr

from getframes.fit import Patch

SIDE = 48
SHAPES = {"rhalf": (1.5, 3.5), "sersic": (0.9, 2.5), "g1": (-0.25, 0.25), "g2": (-0.25, 0.25)}
"""Between which shapes are drawn, uniformly."""


def drawn(
    random: np.random.Generator,
    separation: float | None,
    snr: float,
    psf: float,
    bounds: dict[str, tuple[float, float]] | None = None,
) -> Patch:
    """A galaxy, or two a separation apart [r_half of the first], behind a PSF of standard deviation `psf` [px]; `snr` is the mean of what each has alone."""
    shapes = [{name: random.uniform(*ends) for name, ends in SHAPES.items()} for _ in range(2)]
    angle, (x, y) = random.uniform(0.0, 2.0 * np.pi), SIDE / 2 + random.uniform(-0.5, 0.5, 2)
    sources = [galaxy(x, y, 1000.0, **shapes[0])]
    if separation is not None:
        reach = separation * shapes[0]["rhalf"]
        sources.append(galaxy(x + reach * np.cos(angle), y + reach * np.sin(angle), 800.0, **shapes[1]))
    alone = [peak_snr(blank([each], side=SIDE, psf=psf)) for each in sources]
    scale = snr / np.mean(alone)
    sources = [{**each, "flux": (scale * each["flux"][0],)} for each in sources]
    return blank(sources, side=SIDE, psf=psf, bounds=bounds)
