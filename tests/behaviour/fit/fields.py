"""Made-up catalogs and images of the fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from getframes.fit import Exposure, Patch, Patcher, PatchFit, PsfMixture, Region, SourceCatalog, read_catalog
from getframes.fit.source import parameters_of


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


def wcs(shape: tuple[int, int], centre: tuple[float, float], *, scale: float = 1.0, turn: float = 0.0) -> Any:
    """A tangent plane about a place, turned by so many degrees, of so many arcsec a pixel."""
    from astropy.wcs import WCS

    made = WCS(naxis=2)
    made.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    made.wcs.crval = list(centre)
    made.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    made.wcs.cd = scale / 3600.0 * np.array([[-c, s], [s, c]])
    return made


def blank(name: str, band: str, shape: tuple[int, int], projection: Any, **known: Any) -> Exposure:
    """An exposure of nothing, with a unit error in every pixel."""
    psf = known.pop("psf", PsfMixture.gaussian(1.2))
    return Exposure(
        name=name, band=band, data=np.zeros(shape), weight=np.ones(shape), wcs=projection, psf=psf, **known
    )


def exposed(
    source: SourceCatalog, exposures: list[Exposure], *, noise: float = 0.0, seed: int = 5
) -> list[Exposure]:
    """Exposures that see the sources of a catalog, without what is beyond their circles of influence."""
    rows = source.usable().sources()
    region = Region(id=0, seed=0, ra=rows["ra"], dec=rows["dec"], radius=source.usable().roi, sky=source.sky)
    size = len(parameters_of(rows))
    bounds = np.tile([-np.inf, np.inf], (size, 1))
    patcher = Patcher(exposures, bands=source.bands)
    patch = patcher.build_patch(region, rows, bounds=bounds)
    light = dict(zip([each.name for each in patch.exposures], patch.rendered(patch.parameters), strict=True))
    made = []
    rng = np.random.default_rng(seed)
    for exposure in exposures:
        image = noise * rng.standard_normal(exposure.shape)
        for each in patch.exposures:
            if each.name == exposure.name:
                for x, y, tile in zip(each.x, each.y, light[each.name].reshape(-1, 8, 8), strict=True):
                    here = image[y : y + 8, x : x + 8]
                    here += tile[: here.shape[0], : here.shape[1]]
        made.append(replace(exposure, data=image, weight=exposure.weight / (noise or 1.0) ** 2))
    return made


def fluxes_only(patch: Patch) -> PatchFit:
    """The best fluxes of sources whose shapes stay as they are: exact, and quick."""
    likelihood, count = patch.likelihood(), patch.sources["flux"].size
    linear, covariance = likelihood.solve(
        patch.parameters[: patch.n_shapes], np.zeros(patch.n_linear), np.full(patch.n_linear, 1e-12)
    )
    every = np.zeros((len(patch.names), len(patch.names)))
    every[patch.n_shapes :, patch.n_shapes :] = covariance[:count, :count]
    return PatchFit(parameters=np.concatenate([patch.parameters[: patch.n_shapes], linear]), covariance=every)
