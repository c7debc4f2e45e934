"""Draws: what is said of them, and that files give them back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import (
    IntegrityError,
    MissingEntryError,
    MissingFileError,
    OutputExistsError,
    ShapeError,
)
from getframes.fit import Posterior
from getframes.fit.posterior import STATISTICS

NAMES = ("rhalf[17]", "flux_r[17]", "background[a/b][0]")


def statistics(chains: int, draws: int, **changed: Any) -> dict[str, Any]:
    energy = np.random.default_rng(0).normal(size=(chains, draws))
    made = {name: np.zeros((chains, draws)) for name in STATISTICS}
    return {**made, "energy": energy, "n_steps": np.full((chains, draws), 7.0), **changed}


def posterior(n: int = 300, **changed: Any) -> Posterior:
    values = np.random.default_rng(1).normal(size=(4, n, 3)) * [1.0, 2.0, 3.0] + [0.0, 10.0, 20.0]
    given = {"names": NAMES, "draws": values, "statistics": statistics(4, n), "n_fitted": 2, "seed": 2**64}
    return Posterior(**{**given, **changed})


def test_draws_by_name() -> None:
    made = posterior()
    assert_array_equal(made["flux_r[17]"], made.draws[..., 1])
    with pytest.raises(
        MissingEntryError, match=r"no parameter 'flux_i\[17\]' \(did you mean 'flux_r\[17\]'\?\)"
    ):
        made["flux_i[17]"]


def test_moments() -> None:
    made = posterior()
    assert_allclose(made.mean, [0.0, 10.0, 20.0], atol=0.3)
    assert_allclose(made.sigma, [1.0, 2.0, 3.0], rtol=0.1)
    assert_allclose(made.percentiles([50.0])[0], made.mean, atol=0.3)
    assert made.fitted_covariance.shape == (2, 2)
    assert made.gradients == 4 * 300 * 7
    assert posterior(warmup_gradients=5).gradients == 4 * 300 * 7 + 5


def test_good_draws_have_no_problems() -> None:
    assert posterior().problems() == ()


def test_problems_are_named_with_numbers() -> None:
    diverging = np.zeros((4, 300))
    diverging[1, :3] = 1.0
    deep = np.ones((4, 300))
    energy = np.cumsum(np.ones((4, 300)), axis=1)
    walk = np.cumsum(np.random.default_rng(2).normal(size=(4, 300, 3)), axis=1)
    found = posterior(
        draws=walk,
        statistics=statistics(4, 300, diverging=diverging, reached_max_treedepth=deep, energy=energy),
    ).problems()
    for words in (
        "3 of 1200 trajectories diverged",
        "R-hat of ",
        "bulk effective draws of ",
        "1200 of 1200 trajectories were ended at the largest depth",
        "energy of chain 3: fraction 0",
    ):
        assert any(words in each for each in found), words


def test_few_draws_of_many_parameters_have_no_covariance() -> None:
    walk = np.cumsum(np.random.default_rng(2).normal(size=(1, 40, 30)), axis=1)
    made = posterior(
        names=tuple(f"p[{number}]" for number in range(30)), draws=walk, statistics=statistics(1, 40)
    )
    assert any("covariance of 30 parameters from" in each for each in made.problems())


def test_a_saved_covariance_counts_as_draws() -> None:
    made, saved = posterior(), np.diag([100.0, 100.0])
    assert_allclose(made.warm_start(), made.fitted_covariance)
    assert_allclose(made.warm_start(saved, weight=1200), 0.5 * (saved + made.fitted_covariance))
    with pytest.raises(ShapeError, match=r"saved must have shape \(2, 2\), got \(3, 3\)"):
        made.warm_start(np.eye(3), weight=1.0)


def test_a_file_gives_them_back(tmp_path: Path) -> None:
    before = posterior(20)
    made = posterior(warmup=before)
    made.to_hdf5(tmp_path / "chains.h5")
    back = Posterior.from_hdf5(tmp_path / "chains.h5")
    assert (back.names, back.n_fitted, back.seed) == (made.names, made.n_fitted, made.seed)
    assert_array_equal(back.draws, made.draws)
    for name in STATISTICS:
        assert_array_equal(back.statistics[name], made.statistics[name])
    assert back.warmup is not None
    assert_array_equal(back.warmup.draws, before.draws)
    with pytest.raises(OutputExistsError):
        made.to_hdf5(tmp_path / "chains.h5")


def test_what_is_no_file_of_draws(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with pytest.raises(MissingFileError, match="no such file"):
        Posterior.from_hdf5(tmp_path / "none.h5")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with pytest.raises(IntegrityError, match=r"empty.h5: no draws of a fit"):
        Posterior.from_hdf5(tmp_path / "empty.h5")


def test_files_are_what_the_schema_of_inference_data_says(tmp_path: Path) -> None:
    """Groups, dimensions and types of the schema (python.arviz.org, "InferenceData schema specification") in a file of NetCDF-4, by its HDF5."""
    h5py = pytest.importorskip("h5py")
    before = posterior(50)
    posterior(warmup=before).to_hdf5(tmp_path / "chains.nc")
    with h5py.File(tmp_path / "chains.nc", "r") as file:
        assert set(file) == {"posterior", "sample_stats", "warmup_posterior", "warmup_sample_stats"}
        for name, group in file.items():
            draws = 50 if name.startswith("warmup_") else 300
            assert group.attrs["inference_library"] == "getframes"
            for size, dimension in ((4, "chain"), (draws, "draw")):
                scale = group[dimension]
                assert scale.is_scale and scale.attrs["NAME"].decode() == dimension
                assert scale[()].tolist() == list(range(size))
            variables = {key: each for key, each in group.items() if key not in ("chain", "draw")}
            wanted = STATISTICS if name.endswith("sample_stats") else NAMES
            assert set(variables) == {key.replace("/", "%2F") for key in wanted}
            for each in variables.values():
                assert each.shape == (4, draws)
                assert [dict(axis) for axis in each.dims] == [
                    {"chain": group["chain"]},
                    {"draw": group["draw"]},
                ]
        said = file["sample_stats"]
        types = {name: said[name].dtype.str[1:] for name in STATISTICS}
        assert {name for name, kind in types.items() if kind == "i1"} == {
            "diverging",
            "reached_max_treedepth",
        }
        assert {name for name, kind in types.items() if kind == "i8"} == {"tree_depth", "n_steps"}
        assert all(said[name].attrs["dtype"] == "bool" for name in ("diverging", "reached_max_treedepth"))
        assert {types[name] for name in ("lp", "energy", "step_size", "acceptance_rate")} == {"f8"}


def test_arviz_reads_it(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    made = posterior()
    made.to_hdf5(tmp_path / "chains.nc")
    with xarray.open_dataset(tmp_path / "chains.nc", group="posterior", engine="h5netcdf") as draws:
        assert dict(draws.sizes) == {"chain": 4, "draw": 300}
        assert_array_equal(draws["flux_r[17]"].values, made["flux_r[17]"])
    with xarray.open_dataset(tmp_path / "chains.nc", group="sample_stats", engine="h5netcdf") as said:
        assert said["diverging"].dtype == bool


def test_a_summary_has_a_line_for_each() -> None:
    lines = posterior().summary().splitlines()
    assert len(lines) == 4 and lines[1].startswith("rhalf[17]")


@pytest.mark.parametrize(
    "changed",
    [{"names": NAMES[:2]}, {"statistics": {}}, {"statistics": statistics(4, 299)}],
    ids=["names", "none", "short"],
)
def test_arrays_that_do_not_fit(changed: dict[str, Any]) -> None:
    with pytest.raises(ShapeError):
        posterior(**changed)
