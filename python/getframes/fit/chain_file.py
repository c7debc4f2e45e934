"""Draws in a file that ArviZ reads: NetCDF-4 by its HDF5, groups ``posterior``, ``sample_stats``, ``warmup_posterior`` and ``warmup_sample_stats``.

Every parameter is a variable of its own, with the dimensions ``chain`` and ``draw``. A slash in a name is written as ``%2F``, since it would name a group.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import GetframesError, InputError, IntegrityError, MissingFileError
from getframes.fit.hdf5 import created, h5py_module
from getframes.fit.posterior import STATISTICS, Posterior

if TYPE_CHECKING:
    from os import PathLike

WHOLE = ("tree_depth", "n_steps")
YES_OR_NO = ("diverging", "reached_max_treedepth")
PARTS = ("posterior", "sample_stats")
LIBRARY = ("creation_library", "inference_library")
"""Attributes that the InferenceData schema gives a group."""


def write(posterior: Posterior, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write the draws, complete or not at all."""
    with created(path, overwrite=overwrite) as file:
        fill(posterior, file)


def fill(posterior: Posterior, group: Any) -> None:
    """Write the draws into a group of an HDF5 file."""
    group.attrs["creator"] = "getframes"
    for prefix, each in (("", posterior), ("warmup_", posterior.warmup)):
        if each is not None:
            values = {name: each.draws[..., place] for place, name in enumerate(each.names)}
            one = _part(
                group, prefix + PARTS[0], each.draws.shape, {_quoted(k): v for k, v in values.items()}
            )
            one.attrs["names"] = list(each.names)
            one.attrs["n_fitted"] = each.n_fitted
            one.attrs["warmup_gradients"] = each.warmup_gradients
            one.attrs["seed"] = str(each.seed)
            _part(group, prefix + PARTS[1], each.draws.shape, each.statistics)
            for name in PARTS:
                group[prefix + name].attrs.update(dict.fromkeys(LIBRARY, "getframes"))


def read(path: str | PathLike[str]) -> Posterior:
    """Read what `write` wrote."""
    h5py = h5py_module()
    if not Path(path).is_file():
        raise MissingFileError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            return taken(file)
    except GetframesError as error:
        raise IntegrityError(f"{path}: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: {error}") from error


def taken(group: Any) -> Posterior:
    """Read the draws from a group of an HDF5 file.

    Raises
    ------
    IntegrityError
        If it has none.
    """
    warmup = _taken(group, "warmup_", None) if "warmup_" + PARTS[0] in group else None
    return _taken(group, "", warmup)


def _taken(group: Any, prefix: str, warmup: Posterior | None) -> Posterior:
    try:
        draws, statistics = group[prefix + PARTS[0]], group[prefix + PARTS[1]]
        names = tuple(str(name) for name in draws.attrs["names"])
        return Posterior(
            names=names,
            draws=np.stack([draws[_quoted(name)][()] for name in names], axis=-1).astype(np.float64),
            statistics={name: statistics[name][()].astype(np.float64) for name in STATISTICS},
            n_fitted=int(draws.attrs["n_fitted"]),
            seed=int(draws.attrs["seed"]),
            warmup_gradients=int(draws.attrs["warmup_gradients"]),
            warmup=warmup,
        )
    except KeyError as error:
        raise IntegrityError(f"no draws of a fit: {error.args[0]}") from None


def _part(group: Any, name: str, shape: tuple[int, ...], variables: Any) -> Any:
    """A group of variables with the dimensions chain and draw, as NetCDF-4 has them."""
    part = group.create_group(name)
    for dimension, size in zip(("chain", "draw"), shape, strict=False):
        part[dimension] = np.arange(size)
        part[dimension].make_scale(dimension)
    for key, values in variables.items():
        part[key] = np.asarray(values, _type_of(key))
        if key in YES_OR_NO:
            part[key].attrs["dtype"] = "bool"
        part[key].dims[0].attach_scale(part["chain"])
        part[key].dims[1].attach_scale(part["draw"])
    return part


def _type_of(key: str) -> Any:
    if key in YES_OR_NO:
        return np.int8
    return np.int64 if key in WHOLE else np.float64


def _quoted(name: str) -> str:
    return name.replace("/", "%2F")
