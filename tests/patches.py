"""Patches of known sources with the noise of a seed, on images whose sky is their pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from getframes.fit import Patch, PatchExposure
from getframes.fit.source import GALAXY, STAR, parameter_names, source_dtype

Numbers = NDArray[np.float64]

BOUNDS = {
    "dra": (-2.0, 2.0),
    "ddec": (-2.0, 2.0),
    "rhalf": (0.3, 12.0),
    "sersic": (0.6, 5.5),
    "g1": (-0.65, 0.65),
    "g2": (-0.65, 0.65),
}
PSF_SIGMA = 2.0
"""Standard deviation of the PSF [px]."""


def star(x: float, y: float, *flux: float) -> dict[str, Any]:
    """A star whose reference position is at (x, y)."""
    return {"kind": STAR, "ra": x, "dec": y, "flux": flux}


def galaxy(x: float, y: float, *flux: float, **shape: float) -> dict[str, Any]:
    """A galaxy whose reference position is at (x, y)."""
    round_one = {"rhalf": 2.5, "sersic": 1.5, "g1": 0.0, "g2": 0.0}
    return {"kind": GALAXY, "ra": x, "dec": y, "flux": flux, **round_one, **shape}


def rows_of(sources: Sequence[Mapping[str, Any]]) -> Any:
    """Rows of sources, numbered from 1."""
    rows = np.zeros(len(sources), source_dtype(len(sources[0]["flux"])))
    for number, (row, source) in enumerate(zip(rows, sources, strict=True), start=1):
        row["id"] = number
        for name, value in source.items():
            row[name] = value
    return rows


def blank(
    sources: Sequence[Mapping[str, Any]],
    *,
    side: int = 32,
    sigma: float = 1.0,
    background: int = 0,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    priors: Mapping[str, Any] | None = None,
    exposures: int = 1,
    psf: float = PSF_SIGMA,
) -> Patch:
    """A patch of sources on images without light, `exposures` of `side` x `side` pixels for each band, `psf` px the standard deviation of the PSF."""
    rows = rows_of(sources)
    bands = tuple("ugrizy"[: rows["flux"].shape[1]])
    origins = np.arange(0, side, 8, dtype=np.int32)
    y, x = (axis.ravel() for axis in np.meshgrid(origins, origins, indexing="ij"))
    count = len(rows)
    made = [
        PatchExposure(
            name=f"{band}{number}",
            band=bands.index(band),
            flux_scale=1.0,
            background=background,
            x=x,
            y=y,
            data=np.zeros((len(x), 64)),
            weight=np.full((len(x), 64), sigma**-2.0),
            position=np.stack([rows["ra"], rows["dec"]], axis=1),
            jacobian=np.tile(np.eye(2), (count, 1, 1)),
            psf=np.tile([1.0, 0.0, 0.0, psf**2, 0.0, psf**2], (count, 1, 1)),
        )
        for band in bands
        for number in range(exposures)
    ]
    names = parameter_names(rows, bands)
    known = {**BOUNDS, **(bounds or {})}
    return Patch(
        sources=rows,
        bands=bands,
        exposures=tuple(made),
        bounds=np.array([known.get(name.split("[")[0], (-np.inf, np.inf)) for name in names]),
        priors=dict(priors or {}),
        visits=np.zeros(count, np.int64),
        draws=np.zeros(count, np.int64),
    )


def linear_of(patch: Patch) -> Numbers:
    """Linear parameters of a patch: its fluxes, backgrounds 0."""
    fluxes = np.ravel(patch.sources["flux"])
    return np.concatenate([fluxes, np.zeros(patch.n_linear - fluxes.size)])


def with_images(patch: Patch, tiles: Numbers) -> Patch:
    """The patch with other pixels (T, 64), those of its exposures one after the other."""
    ends = np.cumsum([len(each.x) for each in patch.exposures])[:-1]
    made = [
        replace(each, data=data) for each, data in zip(patch.exposures, np.split(tiles, ends), strict=True)
    ]
    return replace(patch, exposures=tuple(made))


def light(patch: Patch) -> Numbers:
    """The light of the sources of a patch, without noise (T, 64)."""
    shapes = np.ascontiguousarray(patch.parameters[: patch.n_shapes])
    return np.asarray(patch.likelihood().model(shapes, linear_of(patch)))


def tiled(image: Numbers) -> Numbers:
    """An image as tiles (T, 64), rows of tiles from the bottom up."""
    height, width = image.shape
    blocks = image.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2)
    return np.ascontiguousarray(blocks.reshape(-1, 64))


def noisy(patch: Patch, seed: int, tiles: Numbers | None = None) -> Patch:
    """The patch with its own light, or other pixels, and the noise of its weights."""
    clean = light(patch) if tiles is None else tiles
    sigma = np.concatenate([each.weight for each in patch.exposures]) ** -0.5
    return with_images(patch, clean + sigma * np.random.default_rng(seed).normal(size=clean.shape))


def peak_snr(patch: Patch) -> float:
    """Signal-to-noise ratio of all the light of a patch, as a matched filter has it."""
    weight = np.concatenate([each.weight for each in patch.exposures])
    return float(np.sqrt(np.sum(weight * light(patch) ** 2)))
