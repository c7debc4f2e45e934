"""Made-up catalogs of the fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from getframes.fit import SourceCatalog, read_catalog


def catalog(
    count: int = 200,
    *,
    seed: int = 1,
    side: float = 300.0,
    centre: tuple[float, float] = (0.0, 40.0),
    bands: Any = ("r",),
) -> SourceCatalog:
    """Stars and galaxies scattered over a square of so many arcsec, about a place at RA = 0."""
    return read_catalog(table(count, seed=seed, side=side, centre=centre, bands=bands), bands=bands)


def table(
    count: int, *, seed: int = 1, side: float, centre: tuple[float, float] = (0.0, 40.0), bands: Any = ("r",)
) -> dict[str, Any]:
    """The columns of such a catalog."""
    rng = np.random.default_rng(seed)
    east, north = rng.uniform(-side / 2, side / 2, (2, count)) / 3600.0
    star = np.arange(count) % 3 == 0
    return {
        "id": 1000 + np.arange(count),
        "ra": np.mod(centre[0] + east / np.cos(np.deg2rad(centre[1])), 360.0),
        "dec": centre[1] + north,
        "rhalf": np.where(star, 0.0, rng.uniform(0.3, 1.5, count)),
        "sersic": np.where(star, 1.0, rng.uniform(1.0, 4.0, count)),
        "q": rng.uniform(0.4, 1.0, count),
        "pa": rng.uniform(0.0, 180.0, count),
        "roi": rng.uniform(2.0, 8.0, count),
        **{band: rng.uniform(10.0, 100.0, count) for band in bands},
    }
