"""Files of patches, and the state, as a fit leaves them, made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from getframes.fit.chain_file import fill
from getframes.fit.exposure import PixelSource
from getframes.fit.hdf5 import writing
from getframes.fit.patch_file import KIND
from getframes.fit.posterior import STATISTICS, Posterior
from getframes.fit.source import parameter_names, parameters_of


def patch_of(
    path: Path,
    exposures: list[PixelSource],
    models: list[np.ndarray],
    x: tuple[float, float] = (0.0, 1e6),
    y: tuple[float, float] = (0.0, 1e6),
) -> Path:
    """The tiles of a range of pixels, with the residual of a model (height, width) of each exposure."""
    with writing(path, KIND, overwrite=True) as file:
        for exposure, model in zip(exposures, models, strict=True):
            tiles = exposure.tiles(x, y)
            group = file.create_group(f"tiles/{exposure.name.replace('/', '%2F')}")
            full = np.zeros([8 * -(-size // 8) for size in exposure.shape])
            full[: exposure.shape[0], : exposure.shape[1]] = model
            cut = [full[b : b + 8, a : a + 8].ravel() for a, b in zip(tiles.x, tiles.y, strict=True)]
            residual = np.where(tiles.weight > 0.0, tiles.data - np.reshape(cut, tiles.data.shape), 0.0)
            for name, value in {**tiles._asdict(), "residual": residual}.items():
                group[name] = value
    return path


def source_patch(
    path: Path, rows: np.ndarray, bands: tuple[str, ...], sigma: float, *, draws: int = 0, problems: str = ""
) -> Path:
    """A patch of sources, each parameter with an error and no correlation, with draws where some are wanted."""
    names, values = parameter_names(rows, bands), parameters_of(rows)
    with writing(path, KIND, overwrite=True) as file:
        file.attrs.update(patch=int(path.stem[-3:]), seed=7, task=path.stem[:-4], problems=problems)
        file["active"], file["fixed"] = rows["id"], np.empty(0)
        file["names"], file["bands"] = [[word.encode() for word in words] for words in (names, bands)]
        file["parameters"], file["covariance"] = values, sigma**2 * np.eye(len(names))
        tiles = {"weight": np.full((2, 64), 4.0), "residual": np.full((2, 64), 0.5)}
        tiles |= {"x": np.zeros(2, int), "y": np.zeros(2, int), "data": np.zeros((2, 64))}
        for name, value in tiles.items():
            file[f"tiles/e1/{name}"] = value
        if draws:
            shape = (2, draws)
            noise = np.random.default_rng(3).normal(0.0, sigma, (*shape, len(names)))
            statistics = {name: np.zeros(shape) for name in STATISTICS}
            fill(
                Posterior(names=names, draws=values + noise, statistics=statistics, n_fitted=len(names)), file
            )
    return path
