"""What became of a patch, as an HDF5 file.

| name | what |
|---|---|
| attributes | `patch`, `task`, `seed`, `kind` of fit, `config` (TOML), `problems` |
| active, fixed, names, bands | ids of the sources; names of the parameters (N,) and of the bands |
| bounds, start, parameters, covariance | (N, 2), (N,), (N,), (N, N): what was given, and what came out |
| visits, draws | of each source, before |
| attempts | how an optimum was found, a line each |
| posterior, sample_stats, ... | chains, where there are draws; ArviZ reads the file as it is |
| tiles/NAME | x, y, data, weight, residual of the tiles of an exposure (T, 64), fixed neighbours taken off |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.fit.hdf5 import reading, writing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from numpy.typing import NDArray

    from getframes.fit.patch import Patch

    Numbers = NDArray[np.float64]

KIND = "a fitted patch 1"


def write_patch(
    path: str | PathLike[str],
    patch: Patch,
    parameters: Numbers,
    covariance: Numbers,
    *,
    about: Mapping[str, Any],
    chains: Any = None,
    attempts: Any = (),
) -> None:
    """Write what became of a patch, complete or not at all, in place of an older file.

    Parameters
    ----------
    path : path
        The file.
    patch : Patch
        As it was fitted.
    parameters, covariance : arrays (N,) or longer, (N, N)
        What came out; backgrounds come after the parameters of the sources.
    about : mapping
        Attributes: plain values.
    chains : Posterior, optional
        Draws.
    attempts : sequence of Attempt
        Of an optimizer.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    count = len(patch.names)
    values = {
        "active": patch.sources["id"],
        "fixed": patch.fixed,
        "names": [name.encode() for name in patch.names],
        "bands": [band.encode() for band in patch.bands],
        "bounds": patch.bounds,
        "start": patch.parameters,
        "parameters": parameters[:count],
        "covariance": covariance,
        "visits": patch.visits,
        "draws": patch.draws,
        "attempts": [str(each).encode() for each in attempts],
    }
    with writing(path, KIND, overwrite=True) as file:
        file.attrs.update({"patch": patch.id, "seed": patch.seed, **about})
        for name, value in values.items():
            file[name] = np.asarray(value) if len(value) else np.empty(0)
        for exposure, model in zip(patch.exposures, patch.rendered(parameters), strict=True):
            group = file.create_group(f"tiles/{exposure.name.replace('/', '%2F')}")
            residual = np.where(exposure.weight > 0.0, exposure.data - model, 0.0)
            tiles = {"x": exposure.x, "y": exposure.y, "data": exposure.data, "weight": exposure.weight}
            for name, value in {**tiles, "residual": residual}.items():
                group[name] = value
        if chains is not None:
            from getframes.fit.chain_file import fill

            fill(chains, file)


def read_patch(path: str | PathLike[str]) -> dict[str, Any]:
    """What a file of a patch says, by the names above; ``tiles`` is a dict of dicts, ``posterior`` the `Posterior` where there are draws.

    Raises
    ------
    MissingFileError
        If there is no such file.
    IntegrityError
        If it is no such file, or damaged.
    """
    with reading(path, KIND) as file:
        found: dict[str, Any] = {
            name: _plain(value) for name, value in file.attrs.items() if name != "getframes"
        }
        for name, value in file.items():
            if hasattr(value, "shape") and name not in ("chain", "draw"):
                found[name] = _texts(value[()]) if value.dtype.kind in "SO" else value[()]
        found["tiles"] = {
            name.replace("%2F", "/"): {key: each[()] for key, each in group.items()}
            for name, group in file.get("tiles", {}).items()
        }
        if "posterior" in file:
            from getframes.fit.chain_file import taken

            found["posterior"] = taken(file)
        return found


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(each.decode() for each in values.tolist())


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
