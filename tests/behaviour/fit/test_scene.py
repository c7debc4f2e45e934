"""The super-scene: every source in one patch at a time, and a state that survives whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from getframes.errors import DomainError, IntegrityError, OutputError, ShapeError
from getframes.fit import NothingAvailableError, SourceFlag, SuperScene, read_catalog
from getframes.fit.source import parameters_of
from tests.behaviour.fit.fields import catalog, table

BOUNDS = {"dra": (-1.0, 1.0), "ddec": (-1.0, 1.0), "rhalf": (0.01, 5.0), "flux": (-1e6, 1e6)}

Maker = Callable[..., SuperScene]


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    def made(name: str = "state.fits", count: int = 60, **options: Any) -> SuperScene:
        given = {"bounds": BOUNDS, "state": tmp_path / name, "max_active": 5, "seed": 7, **options}
        bands = given.pop("bands", ("r",))
        source = given.pop("catalog", None) or catalog(count, side=80.0, bands=bands)
        return SuperScene(source, bands, given.pop("bounds"), **given)

    return made


def fitted(region: Any, active: Any, fixed: Any) -> tuple[np.ndarray, np.ndarray]:
    """Something that depends on all that a patch is given."""
    rng = np.random.default_rng(region.seed)
    pull = np.sin(fixed["flux"].sum() + fixed["dra"].sum() + region.ra.sum())
    values = (
        0.9 * parameters_of(active) + 0.01 * pull + 1e-3 * rng.standard_normal(len(parameters_of(active)))
    )
    spread = rng.standard_normal((values.size, values.size))
    return values, spread @ spread.T


def finish(scene: SuperScene, out: Any, **options: Any) -> None:
    values, covariance = fitted(*out)
    scene.checkin_region(out[1], out[2], values, 100, covariance, **options)


def run(scene: SuperScene, target: int, workers: int = 1, seed: int = 0, stop_after: int = 10**9) -> int:
    """Workers that end in any order; returns the patches checked in."""
    rng, out, count = np.random.default_rng(seed), [], 0
    while scene.sweeping or scene.undone(target) or out:
        while len(out) < workers and (scene.sweeping or scene.undone(target)):
            try:
                out.append(scene.checkout_region())
            except NothingAvailableError:
                break
            ids = np.concatenate([active["id"] for _, active, _ in out])
            assert len(set(ids.tolist())) == len(ids) == scene.active.sum()
        if count == stop_after:
            break
        finish(scene, out.pop(rng.integers(len(out))), save=False)
        count += 1
    scene.save()
    return count


def test_a_sweep(make: Maker) -> None:
    scene = make()
    seen: list[int] = []
    while True:
        region, active, fixed = scene.checkout_region()
        assert len(active) <= 5 and not set(active["id"]) & set(fixed["id"])
        assert_array_equal(region.ra, active["ra"])
        finish(scene, (region, active, fixed))
        seen += active["id"].tolist()
        if not scene.sweeping:
            break
    assert sorted(seen) == scene.sources["id"].tolist()
    assert scene.visits.tolist() == [1] * 60 and scene.draws.tolist() == [100] * 60
    assert not scene.undone(100) and scene.undone(101) and scene.undone(visits=2)


def test_fixed_neighbours_overlap_with_an_active_source(make: Maker) -> None:
    scene = make()
    some = 0
    for _ in range(10):
        region, active, fixed = scene.checkout_region()
        for row in fixed:
            roi = scene._state.roi[scene.sources["id"] == row["id"]]
            east = (active["ra"] - row["ra"] + 180) % 360 - 180
            apart = 3600 * np.hypot(east * np.cos(np.deg2rad(row["dec"])), active["dec"] - row["dec"])
            assert np.any(apart < region.radius + roi)
            some += 1
        finish(scene, (region, active, fixed))
    assert some > 5


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The final state of one worker that nothing interrupted."""
    path = tmp_path_factory.mktemp("alone") / "state.fits"
    run(SuperScene(catalog(60, side=80.0), ("r",), BOUNDS, state=path, max_active=5, seed=7), 200)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("workers", "order", "stop"), [(1, 0, 5), (2, 1, 0), (3, 2, 9), (4, 3, 25), (9, 4, 14)]
)
def test_workers_order_and_interruptions_change_nothing(
    make: Maker, tmp_path: Path, alone: bytes, workers: int, order: int, stop: int
) -> None:
    """The final file is the same, byte for byte."""
    run(make(), 200, workers, order, stop)
    again = make()  # what was checked out is forgotten
    run(again, 200, workers, order + 1)
    assert (tmp_path / "state.fits").read_bytes() == alone
    assert again.visits.tolist() == [2] * 60


def test_a_sweep_depends_on_the_seed(make: Maker) -> None:
    first, other = make("a.fits"), make("b.fits", seed=8)
    one, two = first.checkout_region(), other.checkout_region()
    assert one[1]["id"].tolist() != two[1]["id"].tolist() and one[0].seed != two[0].seed


def test_all_comes_back(make: Maker) -> None:
    scene = make(bands=("r", "i"))
    for _ in range(4):
        out = scene.checkout_region()
        values, covariance = fitted(*out)
        scene.checkin_region(
            out[1], out[2], values, 50, covariance, flags=SourceFlag.FAILED if len(out[1]) == 1 else 0
        )
    again = make(bands=("r", "i"))
    for name in ("sources", "visits", "draws", "flags", "sweep", "patches_left"):
        assert_array_equal(getattr(again, name), getattr(scene, name))
    for one, two in zip(
        again.bounds_and_covs(scene.sources), scene.bounds_and_covs(scene.sources), strict=True
    ):
        assert_array_equal(one, two)


def test_bounds_and_covariances(make: Maker) -> None:
    scene = make(bands=("r", "i"), bounds={**BOUNDS, "flux_i": (0.0, 9e5)})
    out = scene.checkout_region(1)
    bounds, covariance = scene.bounds_and_covs(out[1])
    assert covariance is None and bounds.shape == (len(parameters_of(out[1])), 2)
    assert bounds[0].tolist() == [-1, 1] and bounds[-1].tolist() == [0.0, 9e5]
    values, wanted = fitted(*out)
    scene.checkin_region(out[1], out[2], values, 0, wanted)
    found = scene.bounds_and_covs(out[1][:1])[1]
    assert found is not None
    size = len(parameters_of(out[1][:1]))
    n_shapes = size - 2
    assert_array_equal(found[:n_shapes, :n_shapes], wanted[:n_shapes, :n_shapes])
    at = len(wanted) - 2 * len(out[1])
    assert_array_equal(found[n_shapes:, n_shapes:], wanted[at : at + 2, at : at + 2])


def test_a_source_by_its_number(make: Maker) -> None:
    scene = make()
    region, active, fixed = scene.checkout_region(seed_index=3)
    assert 1003 in active["id"] and len(active) <= 5
    with pytest.raises(NothingAvailableError, match="source 1003 is checked out"):
        scene.checkout_region(3)
    run_ids: list[int] = []
    while True:
        try:
            run_ids += scene.checkout_region()[1]["id"].tolist()
        except NothingAvailableError:
            break
    assert not set(run_ids) & set(active["id"].tolist())
    finish(scene, (region, active, fixed))
    assert scene.visits[3] == 1 and scene.checkout_region()[1]["id"].size
    with pytest.raises(DomainError, match=r"seed_index must be -1 or in \[0, 60\), got 60"):
        scene.checkout_region(60)


def test_giving_back(make: Maker) -> None:
    scene = make()
    first = scene.checkout_region()
    scene.release_region(first[1])
    second = scene.checkout_region()
    assert (second[0].id, second[0].seed) == (first[0].id, first[0].seed)
    assert_array_equal(first[1], second[1])
    assert scene.visits.max() == 0


def test_a_failed_patch_is_not_tried_again(make: Maker) -> None:
    scene = make()
    _, active, fixed = scene.checkout_region()
    scene.checkin_region(active, fixed, flags=SourceFlag.FAILED)
    before = scene.sources
    run(scene, 200)
    failed = np.isin(before["id"], active["id"])
    assert_array_equal(scene.flags[failed], SourceFlag.FAILED)
    assert_array_equal(before[failed], scene.sources[failed])
    assert scene.visits[failed].tolist() == [0] * len(active) and (scene.visits[~failed] == 2).all()


def test_another_try(make: Maker) -> None:
    """Only what failed is fitted again; neighbours are fixed."""
    scene = make()
    _, active, fixed = scene.checkout_region()
    scene.checkin_region(active, fixed, flags=SourceFlag.FAILED)
    run(scene, 100)
    assert not scene.undone(100)
    scene.retry()
    scene = make()
    tried: list[int] = []
    while scene.undone(100):
        out = scene.checkout_region(target_niter=100)
        tried += out[1]["id"].tolist()
        finish(scene, out)
    assert sorted(tried) == sorted(active["id"].tolist())


def test_sources_without_pixels(make: Maker) -> None:
    scene = make()
    region, active, fixed = scene.checkout_region()
    while len(active) < 3:
        finish(scene, (region, active, fixed))
        region, active, fixed = scene.checkout_region()
    before = scene.sources
    of = active[1:]
    scene.checkin_region(
        active, fixed, 2.0 * parameters_of(of), 10, np.eye(len(parameters_of(of))), sources=of
    )
    flags = dict(zip(before["id"].tolist(), scene.flags.tolist(), strict=True))
    assert [flags[number] for number in active["id"].tolist()] == [SourceFlag.NO_PIXELS] + [0] * len(of)
    places = np.isin(before["id"], of["id"])
    assert_array_equal(scene.sources["flux"][places], 2.0 * before["flux"][places])
    assert scene.bounds_and_covs(of)[1] is not None and scene.bounds_and_covs(active)[1] is None


def test_every_source_flagged(make: Maker) -> None:
    scene = make(bounds={"rhalf": (10.0, 20.0), "flux": (1e5, 1e6)})
    assert (scene.flags == SourceFlag.OUT_OF_BOUNDS).all() and not scene.undone(5)
    with pytest.raises(NothingAvailableError, match="every source is flagged"):
        scene.checkout_region()


def test_bad_rows_are_left_out_and_stay_in_the_catalog(make: Maker, tmp_path: Path) -> None:
    rows = table(60, side=80.0)
    rows["ra"][4], rows["q"][10], rows["id"][7] = np.nan, -1.0, rows["id"][6]
    rows["r"][20] = 1e9
    source = read_catalog(rows, bands=("r",))
    scene = make(catalog=source)
    assert len(scene) == 57 and np.count_nonzero(scene.flags == SourceFlag.OUT_OF_BOUNDS) == 1
    run(scene, 100)
    scene.writeout(tmp_path / "out.fits")
    back = read_catalog(tmp_path / "out.fits")
    assert len(back) == 60 and [each.row for each in back.problems] == [4, 7, 10]
    assert_array_equal(back.flux[back.good, 0], scene.sources["flux"][:, 0])
    with pytest.raises(OutputError, match="exists already"):
        scene.writeout(tmp_path / "out.fits")


def test_some_bands_of_a_catalog(make: Maker, tmp_path: Path) -> None:
    source = catalog(20, bands=("r", "i", "z"))
    scene = make(catalog=source, bands=("z", "r"))
    run(scene, 1)
    scene.writeout(tmp_path / "out.fits")
    back = read_catalog(tmp_path / "out.fits")
    assert back.bands == ("r", "i", "z")
    assert_array_equal(back.flux[:, 1], source.flux[:, 1])
    assert_array_equal(back.flux[:, [2, 0]], scene.sources["flux"])


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            {"catalog": catalog(59, side=80.0)},
            "state.fits is the state of another catalog, which needs a folder of its own: CATHASH must be",
        ),
        (
            {"seed": 8},
            "state.fits is the state of another run, which needs a folder of its own: SEED must be 8, got 7",
        ),
        ({"max_active": 6}, "MAXACT must be 6, got 5"),
        ({"bands": ("g",)}, "state.fits is the state of an"),
        (
            {"bounds": {**BOUNDS, "rhalf": (0.1, 5.0)}},
            "state.fits is the state of a run with other bounds, which needs a folder of its own: LOWER",
        ),
    ],
)
def test_the_state_of_something_else(make: Maker, changed: dict[str, Any], text: str) -> None:
    scene = make()
    finish(scene, scene.checkout_region())
    with pytest.raises(IntegrityError, match=text):
        make(**changed)


@pytest.mark.parametrize("keep", [0, 100, 2880, 9000, -2880, -1])
def test_a_state_that_is_cut_short(make: Maker, tmp_path: Path, keep: int) -> None:
    scene, path = make(), tmp_path / "state.fits"
    finish(scene, scene.checkout_region())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(IntegrityError, match=r"state\.fits"):
        make()


def test_a_state_with_a_flipped_bit(make: Maker, tmp_path: Path) -> None:
    scene, path = make(), tmp_path / "state.fits"
    finish(scene, scene.checkout_region())
    content = bytearray(path.read_bytes())
    content[12000] ^= 4
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"state\.fits was changed or damaged"):
        make()


def test_a_person_can_read_the_state(make: Maker, tmp_path: Path) -> None:
    from astropy.table import Table

    scene = make()
    finish(scene, scene.checkout_region())
    parameters = Table.read(tmp_path / "state.fits", hdu="PARAMETERS")
    assert parameters["RHALF"].unit == "arcsec" and parameters["RA"].unit == "deg"
    assert parameters["VISITS"].sum() == scene.visits.sum() > 0
    assert parameters["FLUX"].shape == (60, 1)
    assert Table.read(tmp_path / "state.fits", hdu="COVARIANCE")["COVARIANCE"].shape == (60, 7, 7)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"parameters": np.zeros(3)}, ShapeError, "parameters must have shape"),
        ({"parameters": "nan"}, DomainError, r"parameters must be finite, got \[nan\]"),
        ({"covariance": np.eye(2)}, ShapeError, "covariance must have shape"),
        ({"sources": catalog(3).sources()}, DomainError, "sources must be among the active ones"),
    ],
)
def test_what_cannot_be_checked_in(
    make: Maker, change: dict[str, Any], error: type[Exception], text: str
) -> None:
    scene = make()
    out = scene.checkout_region()
    given = {
        name: np.full(len(parameters_of(out[1])), np.nan) if isinstance(value, str) else value
        for name, value in change.items()
    }
    with pytest.raises(error, match=text):
        scene.checkin_region(out[1], out[2], **given)
    assert scene.visits.max() == 0 and scene.active.any()
    finish(scene, out)
    with pytest.raises(DomainError, match="active must be the sources of a patch that is checked out"):
        finish(scene, out)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"max_active": 0}, "SuperScene.max_active must be a positive integer, got 0"),
        ({"seed": -1}, "SuperScene.seed must be"),
        ({"bounds": {"rhaf": (0, 1)}}, "bounds have no 'rhaf'.*did you mean 'rhalf'"),
        ({"bounds": {"rhalf": (2, 1)}}, "bounds.rhalf must be in order"),
        ({"bounds": {"rhalf": 3}}, "bounds.rhalf must be a least and a greatest value, got 3"),
    ],
)
def test_settings(make: Maker, changed: dict[str, Any], text: str) -> None:
    with pytest.raises(DomainError, match=text):
        make(**changed)


def test_a_folder_that_is_not_there(make: Maker) -> None:
    scene = make("nowhere/state.fits")
    with pytest.raises(OutputError, match=r"nowhere does not exist"):
        finish(scene, scene.checkout_region())


def test_images_without_a_sky(make: Maker, tmp_path: Path) -> None:
    rows = table(60, side=80.0)
    x, y = np.random.default_rng(3).uniform(0, 80, (2, 60))
    del rows["ra"], rows["dec"]
    scene = make(catalog=read_catalog(rows | {"x": x, "y": y}, bands=("r",)))
    region, active, fixed = scene.checkout_region()
    assert not region.sky and len(active) and len(fixed)
    near = np.hypot(active["ra"][:, None] - fixed["ra"], active["dec"][:, None] - fixed["dec"])
    assert (near.min(axis=0) < 16).all()
    run(make("other.fits", catalog=scene.catalog), 100)
    scene.writeout(tmp_path / "out.fits")
    assert not read_catalog(tmp_path / "out.fits").sky
