"""Small matrices stay on one thread of BLAS while they are worked on, and nothing is changed for others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import scipy.linalg
from threadpoolctl import ThreadpoolController

from getframes.fit import Patch, Patcher, PatchFit, SuperScene, optimize, run, sample
from getframes.fit.model import PatchModel
from tests.behaviour.fit.fields import blank, catalog, exposed, fluxes_only, wcs
from tests.patches import blank as empty
from tests.patches import noisy, star

assert scipy.linalg


def threads() -> set[int]:
    return {each["num_threads"] for each in ThreadpoolController().info() if each["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def three() -> Iterator[None]:
    """Three threads, whatever the machine."""
    with ThreadpoolController().limit(limits=3, user_api="blas"):
        if threads() != {3}:
            pytest.skip("this BLAS has no threads")
        yield


@pytest.mark.parametrize("fit", [optimize, lambda patch: sample(patch, 5, 5, chains=1)])
def test_of_a_patch(fit: Callable[[Patch], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()
    summit = PatchModel.summit

    def watched(model: PatchModel, at: Any) -> Any:
        seen.update(threads())
        return summit(model, at)

    monkeypatch.setattr(PatchModel, "summit", watched)
    fit(noisy(empty([star(14.0, 15.0, 500.0)]), 1))
    assert seen == {1} and threads() == {3}


def test_of_all_workers(tmp_path: Path) -> None:
    """Also of a fit that knows nothing of it."""
    source = catalog(6, side=60.0)
    images = exposed(source, [blank("one", "r", (80, 80), wcs((80, 80), (0.0, 40.0)))], noise=0.1)
    seen: set[int] = set()

    def watched(patch: Patch) -> PatchFit:
        seen.update(threads())
        return fluxes_only(patch)

    run(SuperScene(source, ("r",), {}, state=tmp_path / "state.fits"), Patcher(images), watched, workers=2)
    assert seen == {1} and threads() == {3}
