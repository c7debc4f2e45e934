"""Whole scenes: nothing is lost, whatever happens to a patch, a worker or the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import DomainError, InputError, OutputError
from getframes.fit import (
    Patch,
    Patcher,
    PatchFit,
    SourceCatalog,
    SourceFlag,
    SuperScene,
    read_catalog,
    read_patch,
    run,
)
from getframes.io.tasks import LostWorkerError
from tests.behaviour.fit.fields import blank, catalog, exposed, fluxes_only, table, wcs

posix = pytest.mark.skipif(os.name != "posix", reason="needs signals")

CENTRE, SHAPE = (0.0, 40.0), (110, 110)
COUNT = 40


def images(source: Any) -> list[Any]:
    made = [
        blank("one", "r", SHAPE, wcs(SHAPE, CENTRE)),
        blank("two", "r", SHAPE, wcs(SHAPE, CENTRE, scale=0.9, turn=50.0)),
    ]
    return exposed(source, made, noise=0.1)


@pytest.fixture(scope="module")
def field() -> Any:
    source = catalog(COUNT, side=90.0)
    return source, images(source)


Maker = Callable[..., tuple[SuperScene, Patcher]]


@pytest.fixture
def make(field: Any, tmp_path: Path) -> Maker:
    def made(name: str = "state.fits", source: Any = None) -> tuple[SuperScene, Patcher]:
        scene = SuperScene(source or field[0], ("r",), {}, state=tmp_path / name, max_active=6, seed=3)
        return scene, Patcher(field[1])

    return made


def failing(patch: Patch) -> PatchFit:
    if 1007 in patch.sources["id"]:
        raise ZeroDivisionError("a patch that cannot be fitted")
    return fluxes_only(patch)


def not_finite(patch: Patch) -> PatchFit:
    found = fluxes_only(patch)
    bad = np.where(np.isin(1007, patch.sources["id"]), np.nan, 1.0)
    return replace(found, parameters=found.parameters * bad)


def doubtful(patch: Patch) -> PatchFit:
    return replace(fluxes_only(patch), problems=("looks odd",) if 1007 in patch.sources["id"] else ())


def without_disk(patch: Patch) -> PatchFit:
    raise OutputError("cannot write: no space left")


def without_store(patch: Patch) -> PatchFit:
    raise InputError("cannot read the store")


def lost(patch: Patch) -> PatchFit:
    """As if it had ended three processes."""
    if 1007 in patch.sources["id"]:
        raise LostWorkerError("3 processes ended while they worked on it")
    return fluxes_only(patch)


def test_fluxes_come_back(make: Maker, tmp_path: Path) -> None:
    scene, patcher = make()
    report = run(scene, patcher, fluxes_only, workers=2, out=tmp_path / "patches", config="a = 1\n")
    assert (report.exit_code, report.failed, report.told()) == (0, {}, [])
    assert not scene.undone(visits=1) and report.patches > 5
    found, truth = scene.sources["flux"][:, 0], scene.catalog.flux[:, 0]
    spread = np.sqrt([np.diag(scene.bounds_and_covs(row[None])[1])[-1] for row in scene.sources])  # type: ignore[arg-type]
    pulls = (found - truth) / spread
    assert 0.6 < np.sqrt(np.mean(pulls**2)) < 1.4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fit.run.json", "patches", "state.fits"]
    assert len(list((tmp_path / "patches").iterdir())) == report.patches


def test_started_again_there_is_nothing_to_do(make: Maker) -> None:
    scene, patcher = make()
    run(scene, patcher, fluxes_only)
    before = scene.path.read_bytes()
    again, _ = make()
    assert run(again, patcher, fluxes_only).patches == 0
    assert scene.path.read_bytes() == before
    assert run(again, patcher, fluxes_only, visits=2).patches > 0 and again.visits.tolist() == [2] * COUNT


@pytest.fixture(scope="module")
def alone(field: Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The final state of one worker."""
    path = tmp_path_factory.mktemp("alone") / "state.fits"
    run(
        SuperScene(field[0], ("r",), {}, state=path, max_active=6, seed=3),
        Patcher(field[1]),
        fluxes_only,
        workers=1,
    )
    return path.read_bytes()


@pytest.mark.parametrize("pool", [{"workers": 4}, {"workers": 2, "processes": True}], ids=str)
def test_workers_change_nothing(make: Maker, alone: bytes, pool: dict[str, Any]) -> None:
    scene, patcher = make()
    run(scene, patcher, fluxes_only, **pool)
    assert scene.path.read_bytes() == alone


def test_on_a_cluster(make: Maker, alone: bytes) -> None:
    distributed = pytest.importorskip("distributed")
    scene, patcher = make()
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0", memory_limit=None
    ) as cluster:
        run(scene, patcher, fluxes_only, scheduler=cluster.scheduler_address)
    assert scene.path.read_bytes() == alone


@pytest.mark.parametrize(
    ("fit", "text"),
    [
        (failing, "unexpected ZeroDivisionError: a patch that"),
        (not_finite, "parameters must be finite"),
        (lost, "3 processes ended"),
    ],
)
def test_a_patch_that_fails(make: Maker, fit: Any, text: str) -> None:
    scene, patcher = make()
    report = run(scene, patcher, fit, workers=2)
    assert report.exit_code == 1 and len(report.failed) == 1 and text in next(iter(report.failed.values()))
    flagged = scene.sources["id"][scene.flags == SourceFlag.FAILED]
    assert 1007 in flagged and (scene.visits[scene.flags == 0] == 1).all()
    assert any("sources are flagged FAILED" in line for line in report.told())
    scene.retry()
    again = run(scene, patcher, fluxes_only)
    assert again.exit_code == 0 and (scene.visits == 1).all()


def test_what_is_doubtful_is_told(make: Maker) -> None:
    scene, patcher = make()
    report = run(scene, patcher, doubtful)
    assert report.exit_code == 0 and [line.split(": ")[1] for line in report.told()] == ["looks odd"]
    assert not scene.flags.any()


@pytest.mark.parametrize(("fit", "error"), [(without_disk, OutputError), (without_store, InputError)])
def test_what_no_patch_survives_ends_the_run(make: Maker, fit: Any, error: type[Exception]) -> None:
    scene, patcher = make()
    with pytest.raises(error):
        run(scene, patcher, fit)
    scene, _ = make()
    assert not scene.flags.any() and run(scene, patcher, fluxes_only).exit_code == 0


def test_bad_rows_and_sources_that_nothing_sees(make: Maker) -> None:
    rows = table(COUNT, side=90.0)
    rows["ra"][4], rows["r"][5], rows["id"][7] = np.nan, np.inf, rows["id"][6]
    rows["ra"][8], rows["dec"][8] = rows["ra"][9], rows["dec"][9]
    rows["dec"][10], rows["rhalf"][11], rows["r"][12] = 41.0, 500.0, 0.0
    scene, patcher = make(source=read_catalog(rows, bands=("r",)))
    report = run(scene, patcher, fluxes_only)
    told = "\n".join(report.told())
    for text in (
        "row 4 (id 1004): ra must be finite",
        "row 5 (id 1005): r must be finite",
        "row 7 (id 1006): id must be",
        "row 9 (id 1009): ra, dec must be farther",
    ):
        assert f"catalog: {text}" in told
    unlike = (1008, 1030)  # beside the light of rows that are not there
    assert report.flagged == {"OUT_OF_BOUNDS": (1011,), "NO_PIXELS": (1010,), "MISFIT": unlike}
    assert "1 sources are flagged NO_PIXELS: 1010" in told and report.exit_code == 0
    assert (scene.visits[scene.flags == 0] == 1).all()


def test_a_file_of_a_patch(make: Maker, tmp_path: Path) -> None:
    scene, patcher = make()
    region, active, fixed = scene.checkout_region()
    scene.release_region(active)
    run(scene, patcher, fluxes_only, workers=1, out=tmp_path / "patches", config="a = 1\n")
    found = read_patch(tmp_path / "patches" / f"fluxes_only_{region.id:08d}.h5")
    assert (found["patch"], found["seed"], found["task"], found["config"]) == (
        region.id,
        region.seed,
        "fluxes_only",
        "a = 1\n",
    )
    assert_array_equal(found["active"], active["id"])
    assert_array_equal(found["fixed"], fixed["id"])
    assert found["names"][0] == f"dra[{active['id'][0]}]" and found["bands"] == ("r",)
    now = scene.sources[np.isin(scene.sources["id"], active["id"])]
    assert_array_equal(found["parameters"][-len(active) :], now["flux"][:, 0])
    assert_array_equal(found["bounds"], scene.bounds_and_covs(active)[0])
    tiles = found["tiles"]["one"]
    good = tiles["weight"] > 0
    assert tiles["residual"].shape == tiles["data"].shape == (len(tiles["x"]), 64)
    assert tiles["residual"][good].std() == pytest.approx(0.1, rel=0.2) and tiles["data"][good].std() > 0.2


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"task": "optimise"},
            r"task must be one of optimize, sample, got 'optimise' \(did you mean 'optimize'\?\)",
        ),
        ({"workers": 0}, "workers must be a positive integer, got 0"),
        ({"processes": True, "scheduler": "tcp://x:1"}, "processes must be left out with a scheduler"),
    ],
)
def test_what_cannot_be_asked_for(make: Maker, given: dict[str, Any], text: str) -> None:
    scene, patcher = make()
    with pytest.raises(DomainError, match=text):
        run(scene, patcher, **{"task": fluxes_only, **given})


def test_two_runs_of_one_state(make: Maker) -> None:
    from getframes.io.folders import alone_in

    scene, patcher = make()
    with alone_in(scene.path.parent), pytest.raises(OutputError, match="another run is writing there"):
        run(scene, patcher, fluxes_only)


def crowd() -> SourceCatalog:
    return catalog(200, side=120.0)


def survey(folder: Path, stop: int = 0, how: str = "SIGKILL") -> None:
    """Fit 200 sources; the process gets a signal after so many patches."""
    shape, source = (140, 140), crowd()
    pictures = exposed(source, [blank("one", "r", shape, wcs(shape, CENTRE))], noise=0.1)
    scene = SuperScene(source, ("r",), {}, state=folder / "state.fits", max_active=20, seed=3)
    left, kept = [stop], scene.checkin_region

    def counted(*given: Any, **options: Any) -> None:
        kept(*given, **options)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), getattr(signal, how))

    scene.checkin_region = counted  # type: ignore[method-assign]
    run(scene, Patcher(pictures), fluxes_only, workers=3, out=folder / "patches")
    scene.writeout(folder / "catalog.fits", overwrite=True)


@posix
def test_200_sources_killed_half_way(tmp_path: Path) -> None:
    """SIGKILL, then Ctrl-C, then to the end: the files are those of a run that nothing stopped."""
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    straight.mkdir()
    stopped.mkdir()
    survey(straight)

    def elsewhere(stop: int, how: str) -> int:
        script = (
            "import sys; from pathlib import Path; from tests.behaviour.fit.test_survey import survey;"
            "survey(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])"
        )
        root = Path(__file__).parents[3]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
        words = [sys.executable, "-c", script, str(stopped), str(stop), how]
        return subprocess.run(words, cwd=root, env=environment, stderr=subprocess.DEVNULL).returncode

    assert elsewhere(4, "SIGKILL") == -signal.SIGKILL
    state = SuperScene(crowd(), ("r",), {}, state=stopped / "state.fits", max_active=20, seed=3)
    before = np.count_nonzero(state.visits)
    assert 1 <= before < 190 and state.sweeping
    assert elsewhere(3, "SIGINT") != 0
    state = SuperScene(crowd(), ("r",), {}, state=stopped / "state.fits", max_active=20, seed=3)
    assert before < np.count_nonzero(state.visits) < 200 and state.sweeping
    survey(stopped)
    for name in ("state.fits", "catalog.fits"):
        assert (stopped / name).read_bytes() == (straight / name).read_bytes()
    names = [sorted(path.name for path in (folder / "patches").iterdir()) for folder in (stopped, straight)]
    assert names[0] == names[1] and not any("part" in name for name in names[0])
    assert_allclose(read_catalog(straight / "catalog.fits").flux, crowd().flux, rtol=0.3)
