"""What a fit found: errors of sources, tables of patches, percentiles, pictures of chains."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from getframes.errors import DomainError, IntegrityError, MissingFileError, OutputExistsError
from getframes.fit import (
    SuperScene,
    chain_plots,
    patch_table,
    percentile_table,
    read_catalog,
    read_scene_state,
    stamp_pictures,
    with_errors,
    write_catalog,
)
from tests.behaviour.fit.fitted_patches import source_patch
from tests.behaviour.fit.test_catalog import table

BANDS = ("F090W", "F115W")
WIDE = {
    "dra": (-9.0, 9.0),
    "ddec": (-9.0, 9.0),
    "rhalf": (0.01, 9.0),
    "sersic": (0.5, 6.0),
    "g1": (-0.8, 0.8),
    "g2": (-0.8, 0.8),
}


@pytest.fixture
def root(tmp_path):
    """A scene of a star and two galaxies, one of which was not fitted."""
    scene = SuperScene(read_catalog(table()), BANDS, WIDE, state=tmp_path / "state.fits")
    for index in (0, 1):
        _, active, fixed = scene.checkout_region(index)
        count = 4 if index == 0 else 8
        parameters = np.concatenate([np.full(count - 2, 0.1), [20.0, 30.0]])
        if index:
            parameters[:6] = [0.36, -0.36, 0.5, 2.0, 0.2, 0.1]
        covariance = np.diag(np.arange(1.0, count + 1)) * 1e-4
        scene.checkin_region(active, fixed, parameters, 100, covariance)
    scene.writeout(tmp_path / "catalog.fits")
    return tmp_path


def state_of(root):
    return read_scene_state(root / "state.fits")


def test_the_state_is_read_without_the_catalog(root):
    state = state_of(root)
    assert state.bands == BANDS and state.sky
    assert state.visits.tolist() == [1, 1, 0] and state.draws.tolist() == [100, 100, 0]
    assert np.isnan(state.covariance[2]).all() and np.isfinite(state.covariance[:2]).all()
    with pytest.raises(MissingFileError):
        read_scene_state(root / "nowhere.fits")
    with pytest.raises(IntegrityError, match="has no table PARAMETERS"):
        read_scene_state(root / "catalog.fits")


def test_a_catalog_with_errors_is_an_input_catalog(root):
    made = with_errors(read_catalog(root / "catalog.fits"), state_of(root))
    write_catalog(made, root / "postop.fits")
    back = read_catalog(root / "postop.fits")
    assert back.bands == BANDS and back.good.all() and len(back.sources()) == 3
    assert_allclose(back.column("F090W_err"), [np.sqrt(3e-4), np.sqrt(7e-4), np.nan])
    assert_allclose(back.column("F115W_err"), [np.sqrt(4e-4), np.sqrt(8e-4), np.nan])
    assert_allclose(back.column("ra_err"), [0.01, 0.01, np.nan])
    assert_allclose(back.column("sersic_err"), [np.nan, 0.02, np.nan])
    assert back.column("visits").tolist() == [1, 1, 0]
    assert_array_equal(back.flux[1], [20.0, 30.0])


def test_errors_of_axis_ratio_and_angle_are_those_of_draws(root):
    made = with_errors(read_catalog(root / "catalog.fits"), state_of(root))
    draws = np.random.default_rng(1).multivariate_normal(
        [0.5, 0.2, 0.1], np.diag([3e-4, 5e-4, 6e-4]), 200_000
    )
    size = np.hypot(draws[:, 1], draws[:, 2])
    q = (1 - size) / (1 + size)
    pa = 90.0 - 0.5 * np.rad2deg(np.arctan2(draws[:, 2], draws[:, 1]))
    for name, values in (("q", q), ("pa", pa), ("rhalf", draws[:, 0] / np.sqrt(q))):
        assert_allclose(made.column(f"{name}_err")[1], values.std(), rtol=0.03, err_msg=name)


def test_errors_belong_to_the_catalog_of_the_state(root):
    other = read_catalog(table(id=[3, 8, 9]))
    with pytest.raises(DomainError, match=r"id must be that of every source of the state, got \[1, 4\]"):
        with_errors(other, state_of(root))


def rows_of(root):
    return state_of(root).sources


def test_patches_have_a_row_each(root):
    rows = rows_of(root)
    source_patch(root / "patches_optimize_001.h5", rows[:1], BANDS, 0.1, problems="not converged\nat a bound")
    source_patch(root / "patches_sample_002.h5", rows[1:2], BANDS, 0.1, draws=50)
    made = patch_table(root)
    assert made["task"].tolist() == ["patches_optimize", "patches_sample"]
    assert made["patch"].tolist() == [1, 2] and made["parameters"].tolist() == [4, 8]
    assert made["pixels"].tolist() == [128, 128]
    assert_allclose(made["chi2"], 128.0)
    assert made["draws"].tolist() == [0, 100] and made["divergences"].tolist() == [0, 0]
    assert np.isnan(made["worst_rhat"][0]) and 0.9 < made["worst_rhat"][1] < 1.2
    assert made["problems"].tolist() == ["not converged; at a bound", ""]
    with pytest.raises(MissingFileError):
        patch_table(root / "nowhere")


@pytest.mark.parametrize("draws", [0, 2000])
def test_percentiles_are_those_of_the_normal_law(root, draws):
    rows, folder = rows_of(root), root / "patches"
    folder.mkdir()
    source_patch(folder / "first_001.h5", rows[:2], BANDS, 0.5)
    source_patch(folder / "later_002.h5", rows[:2], BANDS, 0.02, draws=draws)
    made = percentile_table(folder, state_of(root))
    assert made["id"].tolist() == [3, 1] and made["task"].tolist() == ["later"] * 2
    assert made["draws"].tolist() == [2 * draws] * 2
    galaxy = made[1]
    flux = [galaxy[f"F090W_p{level}"] for level in (16, 50, 84)]
    assert_allclose(flux, [19.98, 20.0, 20.02], atol=0.003)
    assert_allclose([galaxy["sersic_p16"], galaxy["sersic_p84"]], [1.98, 2.02], atol=0.003)
    assert_allclose(galaxy["dec_p84"] - galaxy["dec_p16"], 0.04 / 3600.0, rtol=0.1)
    q = (1 - np.hypot(0.2, 0.1)) / (1 + np.hypot(0.2, 0.1))
    assert_allclose(galaxy["q_p50"], q, atol=0.01)
    assert_allclose(galaxy["rhalf_p50"], 0.5 / np.sqrt(q), atol=0.01)
    assert_allclose(galaxy["pa_p50"], 90.0 - 0.5 * np.rad2deg(np.arctan2(0.1, 0.2)), atol=1.0)
    names = made.meta["COVNAMES"].split(",")
    assert names == ["dra", "ddec", "rhalf", "sersic", "g1", "g2", "flux_F090W", "flux_F115W"]
    assert_allclose(np.diag(galaxy["covariance"]), 0.02**2, rtol=0.15)
    assert_array_equal(
        np.isfinite(np.diag(made[0]["covariance"])), [name not in names[2:6] for name in names]
    )
    star = made[0]
    assert np.isnan([star["rhalf_p50"], star["pa_p16"]]).all()
    assert star["ra_p16"] < star["ra_p50"] < star["ra_p84"] < 360.1  # 359.9999 and a little more


def test_percentiles_of_choice_and_of_angles_about_0(root):
    rows = rows_of(root)[1:2]
    rows["g1"], rows["g2"] = -0.3, 0.0  # along north: angles of 0 and 180 are one
    source_patch(root / "sample_001.h5", rows, BANDS, 0.05, draws=500)
    made = percentile_table(root, state_of(root), (2.5, 97.5))
    assert made.colnames[3:5] == ["ra_p2.5", "ra_p97.5"]
    assert 0.0 < made["pa_p97.5"][0] - made["pa_p2.5"][0] < 30.0
    with pytest.raises(DomainError, match=r"levels must be in \[0, 100\], got \[120.0\]"):
        percentile_table(root, state_of(root), [120.0])


def test_chains_are_drawn(root):
    rows = rows_of(root)
    source_patch(root / "optimize_001.h5", rows[:2], BANDS, 0.1)
    source_patch(root / "sample_002.h5", rows[:2], BANDS, 0.1, draws=60)
    made = chain_plots(root, root / "pictures")
    assert [path.name for path in made] == ["1_trace.png", "1_corner.png", "3_trace.png", "3_corner.png"]
    for path in made:
        with Image.open(path) as picture:
            assert len(np.unique(np.asarray(picture.convert("L")))) > 20
    assert [path.name for path in chain_plots(root, root / "some", ids=[3, 99])] == [
        "3_trace.png",
        "3_corner.png",
    ]
    with pytest.raises(OutputExistsError):
        chain_plots(root, root / "pictures")


def test_patches_are_drawn(root):
    source_patch(root / "optimize_001.h5", rows_of(root)[:2], BANDS, 0.1)
    (path,) = stamp_pictures(root, root / "stamps")
    assert path.name == "optimize_001.png"
    with Image.open(path) as picture:
        assert picture.width > picture.height > 256
        colours = np.unique(np.asarray(picture).reshape(-1, 3), axis=0)
    assert len(colours) > 20
    with pytest.raises(OutputExistsError):
        stamp_pictures(root, root / "stamps")
