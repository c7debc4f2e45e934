"""What is doubtful about a source is told with it, and forgotten when it is fitted anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from getframes.fit import Patch, Patcher, PatchFit, SourceFlag, SuperScene, read_scene_state, run
from getframes.fit.posterior import STATISTICS, Posterior
from getframes.fit.source_flag import doubts
from tests.behaviour.fit.fields import blank, catalog, exposed, fluxes_only, wcs
from tests.patches import blank as empty
from tests.patches import galaxy, star, with_images


@pytest.fixture
def patch() -> Patch:
    """A star and a galaxy in two bands: 2 + 6 nonlinear parameters, 2 + 2 fluxes."""
    return empty([star(10.0, 10.0, 100.0, 80.0), galaxy(20.0, 18.0, 300.0, 200.0)])


def flagged(
    patch: Patch, sigma: Any = 0.01, unsure: Any = False, unseen: Any = False, **values: float
) -> list[int]:
    """Flags of the two with other values, where every parameter has the same relative error or one of its own."""
    parameters = patch.parameters.copy()
    for name, value in values.items():
        field, _, source = name.rpartition("_")
        parameters[patch.names.index(f"{field}[{source}]")] = value
    errors = np.full(len(parameters), sigma)
    return doubts(patch, parameters, np.diag(errors**2), unsure, unseen).tolist()


def test_a_good_fit_has_no_flag(patch: Patch) -> None:
    assert flagged(patch) == [0, 0]


@pytest.mark.parametrize(
    "value, flag", [(0.615, SourceFlag.AT_BOUND), (0.625, 0), (5.485, SourceFlag.AT_BOUND)]
)
def test_a_bound_that_cuts_the_posterior(patch: Patch, value: float, flag: int) -> None:
    """Bounds of the index are 0.6 and 5.5, its error is 0.01: 1.5 and 2.5 standard deviations away."""
    assert flagged(patch, sersic_2=value) == [0, flag]


def test_a_source_is_faint_in_all_bands_or_not_at_all(patch: Patch) -> None:
    assert flagged(patch, flux_u_1=0.04, flux_g_1=1.0) == [0, 0]
    assert flagged(patch, flux_u_1=0.04, flux_g_1=-1.0) == [SourceFlag.FAINT, 0]


def test_what_was_not_found(patch: Patch) -> None:
    lost = np.array([name in ("g1[2]", "flux_u[1]") for name in patch.names])
    assert flagged(patch, unsure=lost) == [SourceFlag.UNSURE] * 2
    assert flagged(patch, unsure=True) == [SourceFlag.UNSURE] * 2
    lost[patch.names.index("flux_u[1]")] = False
    assert flagged(patch, unsure=lost, flux_u_1=0.0, flux_g_1=0.0) == [SourceFlag.FAINT, SourceFlag.UNSURE]


@pytest.mark.parametrize("sigma, flags", [(5.9, [0, 0]), (-6.1, [0, SourceFlag.MISFIT])])
def test_a_pixel_far_from_the_model(patch: Patch, sigma: float, flags: list[int]) -> None:
    """It is nearer to the galaxy, where this is now and not where its reference is."""
    values = patch.parameters.copy()
    values[patch.names.index("dra[2]")] = -1.0
    made = with_images(patch, np.concatenate(patch.rendered(values)))
    exposure = made.exposures[0]
    data = exposure.data.copy()
    x, y = 14, 15  # 6.4 pixels from the star, 5.8 from the galaxy
    tile = int(np.flatnonzero((exposure.x == 8) & (exposure.y == 8))[0])
    data[tile, 8 * (y - 8) + x - 8] += sigma
    made = replace(made, exposures=(replace(exposure, data=data), *made.exposures[1:]))
    assert doubts(made, values, 1e-4 * np.eye(len(made.names))).tolist() == flags


def test_a_flux_that_no_pixel_tells(patch: Patch) -> None:
    unseen = np.array([name == "flux_u[2]" for name in patch.names])
    assert flagged(patch, unseen=unseen) == [0, SourceFlag.UNSEEN]


def posterior(draws: Any, diverging: int = 0) -> Posterior:
    statistics = {name: np.zeros(draws.shape[:2]) for name in STATISTICS}
    statistics["diverging"][0, :diverging] = 1.0
    return Posterior(names=("a", "b"), draws=draws, statistics=statistics, n_fitted=2)


def test_chains_that_disagree_are_unsure_of_one_parameter() -> None:
    draws = np.random.default_rng(1).normal(size=(4, 400, 2))
    assert posterior(draws).unsure.tolist() == [False, False]
    draws[1, :, 1] += 1.0
    assert posterior(draws).unsure.tolist() == [False, True]
    assert posterior(draws, diverging=1).unsure.tolist() == [True, True]
    assert posterior(draws[:, :50]).unsure.all()  # too few


def test_flags_are_of_the_last_fit(tmp_path: Path) -> None:
    """Doubts do not end the fitting of a source, are in the state and the report, and go when they no longer hold."""
    source = catalog(12, side=60.0)
    images = exposed(source, [blank("one", "r", (80, 80), wcs((80, 80), (0.0, 40.0)))], noise=0.1)
    scene = SuperScene(source, ("r",), {}, state=tmp_path / "state.fits")
    doubted = int(source.id[3])

    def unsure_at_first(patch: Patch) -> PatchFit:
        found = fluxes_only(patch)
        at = np.array([f"[{doubted}]" in name for name in patch.names])
        at &= patch.visits.max() == 0
        small = 1e-6 * np.eye(len(found.covariance))
        return PatchFit(parameters=found.parameters, covariance=small, unsure=at)

    report = run(scene, Patcher(images), unsure_at_first, workers=1)
    assert report.flagged == {"UNSURE": (doubted,)} and report.exit_code == 0
    assert f"1 sources are flagged UNSURE: {doubted}" in report.told()
    kept = read_scene_state(scene.path)
    assert kept.sources["id"][kept.flags == SourceFlag.UNSURE].tolist() == [doubted]
    report = run(scene, Patcher(images), unsure_at_first, workers=1, visits=2)
    assert (scene.visits == 2).all() and report.flagged == {}
