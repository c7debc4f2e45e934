"""What a fit of a scene found: its sources with their errors, tables of its patches, and percentiles of the posterior."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import require
from getframes.fit.catalog import SourceCatalog
from getframes.fit.patch_file import read_patch
from getframes.fit.residual import patch_files
from getframes.fit.shape import along_major_axis, axis_ratio_and_angle
from getframes.fit.source import GALAXY, shape_names, slots, source_dtype
from getframes.io.fits import read_tables

if TYPE_CHECKING:
    from os import PathLike

    from astropy.table import Table
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Values = dict[str, Numbers]

LEVELS = (16.0, 50.0, 84.0)
GAUSSIAN_DRAWS = 4000
"""Of the normal law about an optimum, for percentiles of what follows from its parameters."""
GREATEST_SHEAR = 0.99
_STEP = 1e-5


class SceneState(NamedTuple):
    """The sources of a scene as its state has them, n of them in B bands.

    Attributes
    ----------
    sources : structured array (n,)
        As `getframes.fit.source`.
    covariance : array (n, K, K)
        Of dra, ddec, rhalf, sersic, g1, g2 and the fluxes; NaN where a source was not fitted.
    visits, draws, flags : array (n,) of int
        Patches that a source was in, draws that it has, and bits of `SourceFlag`.
    bands : tuple of str
        Their names.
    sky : bool
        Whether positions are on the sky.
    """

    sources: Any
    covariance: Numbers
    visits: NDArray[Any]
    draws: NDArray[Any]
    flags: NDArray[Any]
    bands: tuple[str, ...]
    sky: bool


def read_scene_state(path: str | PathLike[str]) -> SceneState:
    """Read the state that a `SuperScene` saved.

    Raises
    ------
    MissingFileError
        If there is no such file.
    IntegrityError
        If it is damaged, or something else.
    """
    header, tables = read_tables(path, ("PARAMETERS", "COVARIANCE"))
    rows, covariance = tables.values()
    bands = tuple(str(header["BANDS"]).split(","))
    sources = np.zeros(len(rows), source_dtype(len(bands)))
    for name in sources.dtype.names or ():
        sources[name] = rows[name.upper()].reshape(sources[name].shape)
    size = len(shape_names(GALAXY)) + len(bands)
    matrices = np.array(covariance["COVARIANCE"], np.float64).reshape(len(rows), size, size)
    matrices[~covariance["VISITED"].astype(bool)] = np.nan
    return SceneState(
        sources=sources,
        covariance=matrices,
        visits=rows["VISITS"],
        draws=rows["DRAWS"],
        flags=rows["FLAGS"],
        bands=bands,
        sky=bool(header["SKY"]),
    )


def with_errors(catalog: SourceCatalog, state: SceneState) -> SourceCatalog:
    """A catalog of results with the errors of a fit as further columns; it is a valid input catalog.

    Parameters
    ----------
    catalog : SourceCatalog
        As `SuperScene.writeout` wrote it.
    state : SceneState
        Of the same scene.

    Returns
    -------
    SourceCatalog
        With ``BAND_err`` in the unit of the flux, ``ra_err`` and ``dec_err`` [arcsec] (``x_err``, ``y_err`` [px]), ``rhalf_err``, ``sersic_err``, ``q_err`` and
        ``pa_err`` [deg] by linear propagation, and ``visits``, ``draws`` and ``flags``. NaN, or 0, where a row was not fitted, and for shapes of stars.

    Raises
    ------
    DomainError
        If a source of the state is not in the catalog.
    """
    place = {number: row for row, number in enumerate(catalog.id.tolist())}
    unknown = [number for number in state.sources["id"].tolist() if number not in place]
    require(not unknown, catalog.name, "id", "that of every source of the state", unknown[:3])
    at = np.array([place[number] for number in state.sources["id"].tolist()], np.intp)
    errors = _errors(state)
    first, second = catalog.position_columns
    columns: dict[str, Any] = {f"{first}_err": errors["dra"], f"{second}_err": errors["ddec"]}
    columns |= {f"{name}_err": errors[name] for name in ("rhalf", "sersic", "q", "pa")}
    columns |= {f"{band}_err": errors[f"flux_{band}"] for band in state.bands}
    made: dict[str, Any] = {}
    for name, values in columns.items():
        made[name] = np.full(len(catalog), np.nan)
        made[name][at] = values
    for name in ("visits", "draws", "flags"):
        made[name] = np.zeros(len(catalog), np.int64)
        made[name][at] = getattr(state, name)
    return replace(catalog, others={**catalog.others, **made})


def patch_table(folder: str | PathLike[str]) -> Table:
    """A row for every patch: its task and number, sources, parameters, pixels and chi2; of draws their number, divergences, the greatest R-hat and the least effective
    sample; and what makes it doubtful.

    Parameters
    ----------
    folder : path
        With the files of the patches.

    Raises
    ------
    MissingFileError, IntegrityError
        If there is none, or one is damaged.
    """
    from astropy.table import Table

    rows = [patch_row(read_patch(path)) for path in patch_files(folder)]
    return Table({name: [row[name] for row in rows] for name in rows[0]})


def percentile_table(
    folder: str | PathLike[str], state: SceneState, levels: Sequence[float] = LEVELS
) -> Table:
    """Percentiles of every source that was fitted, from the draws of its last patch, or from the normal law about its optimum where there are none.

    Parameters
    ----------
    folder : path
        With the files of the patches.
    state : SceneState
        Of the scene.
    levels : sequence of float
        Percentiles, each in [0, 100].

    Returns
    -------
    Table
        id, task and number of draws, and for ra, dec (x, y), rhalf along the major axis, sersic, q, pa and the flux of each band a column for each level: ``rhalf_p16``.
        Percentiles of angles rise: ra and pa go on beyond 0 and 360, or 180, where draws lie on both sides. NaN for shapes of stars. ``covariance`` (K, K) is that of the
        parameters of the fit, whose names are in the header (COVNAMES): dra, ddec, circularized rhalf, sersic, g1, g2, and the flux of each band.

    Raises
    ------
    DomainError
        If a level is not in [0, 100].
    MissingFileError, IntegrityError
        If there is no patch, or one is damaged.
    """
    from astropy.table import Table

    good = bool(len(levels)) and all(0.0 <= level <= 100.0 for level in levels)
    require(good, "percentile_table", "levels", "in [0, 100]", list(levels))
    rows = {int(row["id"]): row for row in state.sources}
    parameters = _parameter_names(state)
    found: dict[int, dict[str, Any]] = {}
    for path in patch_files(folder):
        patch = read_patch(path)
        for number, values in source_draws(patch):
            if number in rows:
                count = len(next(iter(values.values()))) if "posterior" in patch else 0
                told = {"id": number, "task": str(patch["task"]), "draws": count}
                found[number] = told | _percentiles(values, rows[number], state, levels)
                found[number]["covariance"] = _covariance(values, parameters)
    made = [found[number] for number in rows if number in found]
    names = made[0] if made else {"id": 0, "task": "", "draws": 0}
    columns = {name: [row[name] for row in made] for name in names}
    return Table(columns, meta={"COVNAMES": ",".join(parameters)})


def source_draws(patch: Mapping[str, Any]) -> Iterator[tuple[int, Values]]:
    """Draws of each source of a patch by the names of its parameters; of an optimum those of the normal law about it.

    Parameters
    ----------
    patch : mapping
        As `read_patch` gives it.
    """
    names = patch["names"]
    if "posterior" in patch:
        draws = patch["posterior"].flat
    else:
        law = np.random.default_rng(int(patch["seed"]))
        draws = law.multivariate_normal(patch["parameters"], patch["covariance"], GAUSSIAN_DRAWS)
    for number in np.atleast_1d(patch["active"]).tolist():
        end = f"[{int(number)}]"
        columns = {name.removesuffix(end): place for place, name in enumerate(names) if name.endswith(end)}
        yield int(number), {name: draws[:, place] for name, place in columns.items()}


def _parameter_names(state: SceneState) -> list[str]:
    """Of a galaxy, in the order of covariances."""
    return [*shape_names(GALAXY), *(f"flux_{band}" for band in state.bands)]


def _covariance(values: Values, names: Sequence[str]) -> Numbers:
    """Covariance of draws of parameters (K, K); NaN where a source has none of a name."""
    made = np.full((len(names), len(names)), np.nan)
    there = [place for place, name in enumerate(names) if name in values]
    made[np.ix_(there, there)] = np.cov([values[names[place]] for place in there])
    return made


def _errors(state: SceneState) -> Values:
    """Standard deviations of each parameter and of what follows from it (n,); NaN where there is none."""
    names = _parameter_names(state)
    sigma = np.sqrt(np.diagonal(state.covariance, axis1=1, axis2=2))
    sigma[~slots(state.sources)] = np.nan
    errors = {name: sigma[:, place] for place, name in enumerate(names)}
    shape = [names.index(name) for name in ("rhalf", "g1", "g2")]
    covariance = state.covariance[:, shape][:, :, shape]
    values = np.stack([state.sources[names[place]] for place in shape], axis=-1)
    galaxy = state.sources["kind"] == GALAXY
    gradient = np.zeros((len(sigma), 3, 3))
    for place in range(3):
        step = _STEP * np.eye(3)[place]
        ahead, behind = (_major(values + sign * step, state.sky) for sign in (1.0, -1.0))
        turn = ahead - behind
        turn[:, 2] = np.mod(turn[:, 2] + 90.0, 180.0) - 90.0
        gradient[:, :, place] = turn / (2.0 * _STEP)
    variance = np.einsum("nij,njk,nik->ni", gradient, covariance, gradient)
    for place, name in enumerate(("rhalf", "q", "pa")):
        errors[name] = np.where(galaxy, np.sqrt(np.maximum(variance[:, place], 0.0)), np.nan)
    return errors


def _major(values: Numbers, sky: bool) -> Numbers:
    """Half-light radius along the major axis, axis ratio and position angle of circularized radii and shears (n, 3)."""
    q, pa = axis_ratio_and_angle(values[:, 1], values[:, 2], sky=sky)
    return np.stack([along_major_axis(values[:, 0], q), q, np.broadcast_to(pa, q.shape)], axis=-1)


def patch_row(patch: Mapping[str, Any]) -> dict[str, Any]:
    """What `patch_table` says of a patch, as `read_patch` gives it."""
    chi2 = sum(float((tiles["weight"] * tiles["residual"] ** 2).sum()) for tiles in patch["tiles"].values())
    pixels = sum(int(np.count_nonzero(tiles["weight"])) for tiles in patch["tiles"].values())
    posterior = patch.get("posterior")
    draws = {"draws": 0, "divergences": 0, "worst_rhat": np.nan, "least_ess": np.nan}
    if posterior is not None:
        draws = {
            "draws": len(posterior.flat),
            "divergences": posterior.divergences,
            "worst_rhat": float(np.max(posterior.rhat)),
            "least_ess": float(np.min(posterior.ess_bulk)),
        }
    return {
        "task": str(patch["task"]),
        "patch": int(patch["patch"]),
        "sources": len(np.atleast_1d(patch["active"])),
        "fixed": int(np.size(patch["fixed"])),
        "parameters": len(patch["names"]),
        "exposures": len(patch["tiles"]),
        "pixels": pixels,
        "chi2": chi2,
        **draws,
        "problems": "; ".join(str(patch["problems"]).splitlines()),
    }


def _percentiles(values: Values, row: Any, state: SceneState, levels: Sequence[float]) -> dict[str, Any]:
    """Percentiles of what a catalog says of a source, by the names of their columns."""
    first, second = ("ra", "dec") if state.sky else ("x", "y")
    degrees = 3600.0 if state.sky else 1.0
    across = degrees * (np.cos(np.deg2rad(row["dec"])) if state.sky else 1.0)
    wanted = {first: row["ra"] + values["dra"] / across, second: row["dec"] + values["ddec"] / degrees}
    nothing = np.full(1, np.nan)
    if "g1" in values:
        # A normal law reaches beyond what a shape can be.
        shrunk = np.minimum(1.0, GREATEST_SHEAR / np.maximum(np.hypot(values["g1"], values["g2"]), 1e-300))
        size = np.stack(
            [np.maximum(values["rhalf"], 0.0), shrunk * values["g1"], shrunk * values["g2"]], axis=-1
        )
        major, q, pa = _major(size, state.sky).T
        middle = float(axis_ratio_and_angle(values["g1"].mean(), values["g2"].mean(), sky=state.sky)[1])
        near = middle + np.mod(pa - middle + 90.0, 180.0) - 90.0
        wanted |= {"rhalf": major, "sersic": values["sersic"], "q": q, "pa": near}
    else:
        wanted |= dict.fromkeys(("rhalf", "sersic", "q", "pa"), nothing)
    wanted |= {band: values.get(f"flux_{band}", nothing) for band in state.bands}
    return {
        f"{name}_p{level:g}": float(at)
        for name, draws in wanted.items()
        for level, at in zip(levels, np.percentile(draws, levels), strict=True)
    }
