"""The cost of fitting a survey whose sources stand in groups of one size."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.behaviour.fit.fields import blank, exposed, wcs
from worker import status_bytes

from getframes.fit import (
    Exposure,
    Patcher,
    PsfMixture,
    SuperScene,
    prepare_model,
    read_catalog,
    read_store,
    run,
    write_store,
)
from getframes.fit.model import PatchModel

CENTRE = 0.0, 40.0
BANDS = ("g", "r", "i")
SCALE_ARCSEC, APART_ARCSEC, ROI_ARCSEC = 0.2, 1.8, 2.2
NOISE = 0.05
PSF = [[0.7, 0.0, 0.0, 2.0, 0.1, 2.1], [0.25, 0.0, 0.0, 5.0, 0.0, 5.5], [0.05, 0.0, 0.0, 20.0, 0.0, 18.0]]
AT_ONCE = 16
"""Sources that are drawn together."""


def measured(
    folder: Path,
    *,
    task: str,
    sources: int,
    group: int,
    exposures: int,
    workers: int,
    stored: bool,
    draws: int,
) -> dict[str, Any]:
    """Fit such a survey, and tell what it took."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        catalog = catalog_of(sources, group)
        images = drawn(catalog, exposures)
        pixels = sum(2 * 8 * image.data.size for image in images)
        if stored:
            write_store(place / "pixels.h5", images)
            del images
            return in_child(place, catalog, pixels)
        guess = replace(catalog, flux=1.1 * catalog.flux, rhalf=0.9 * catalog.rhalf)
        bands = catalog.bands[: min(exposures, len(BANDS))]
        scene = SuperScene(guess, bands, {}, state=place / "state.fits", max_active=max(group, 1), seed=1)
        counted = Counted()
        options = {"draws": draws, "warmup": draws, "chains": 2} if task == "sample" else {}
        patcher = Patcher(images, bands=bands)
        if task == "sample":  # from the optimum, whose cost is its own
            run(scene, patcher, "optimize", workers=workers)
        with counted:
            began, wall = time.process_time(), time.perf_counter()
            run(scene, patcher, task, workers=workers, out=place / "patches", **options)
            took, wall = time.process_time() - began, time.perf_counter() - wall
        return {
            "cpu_s": took,
            "wall_s": wall,
            "sources_per_cpu_s": sources / took,
            **gradients(place, task, counted, scene, patcher),
        }


def catalog_of(sources: int, group: int) -> Any:
    """Stars and galaxies in groups, a square of them each; groups do not touch."""
    rng = np.random.default_rng(1)
    number = np.arange(sources)
    side = int(np.ceil(np.sqrt(group)))
    groups = int(np.ceil(np.sqrt(-(-sources // group))))
    pitch = side * APART_ARCSEC + 2 * ROI_ARCSEC + 2.0
    member, which = number % group, number // group
    offset = np.stack([which % groups, which // groups], axis=-1) * pitch
    offset = offset + np.stack([member % side, member // side], axis=-1) * APART_ARCSEC
    offset = offset - offset.mean(axis=0) + rng.uniform(-0.3, 0.3, (sources, 2))
    star = number % 4 == 3
    colours = np.array([0.6, 1.0, 1.4])
    flux = rng.uniform(10.0, 40.0, sources)[:, None] * colours
    return read_catalog(
        {
            "id": number + 1,
            "ra": np.mod(CENTRE[0] + offset[:, 0] / 3600.0 / np.cos(np.deg2rad(CENTRE[1])), 360.0),
            "dec": CENTRE[1] + offset[:, 1] / 3600.0,
            "rhalf": np.where(star, 0.0, rng.uniform(0.4, 0.9, sources)),
            "sersic": np.where(star, 1.0, rng.uniform(0.8, 3.0, sources)),
            "q": rng.uniform(0.5, 0.95, sources),
            "pa": rng.uniform(0.0, 180.0, sources),
            "roi": np.full(sources, ROI_ARCSEC),
            **dict(zip(BANDS, flux.T, strict=True)),
        },
        bands=BANDS,
    )


def drawn(catalog: Any, exposures: int) -> list[Exposure]:
    """Its images with noise, turned against each other."""
    rows = catalog.sources()
    east = (np.mod(rows["ra"] + 180.0, 360.0) - 180.0) * np.cos(np.deg2rad(CENTRE[1])) * 3600.0
    north = (rows["dec"] - CENTRE[1]) * 3600.0
    width = 2.0 * float(np.hypot(east, north).max()) + 2.0 * ROI_ARCSEC + 4.0
    shape = (int(np.ceil(width / SCALE_ARCSEC / 8.0)) * 8,) * 2
    psf = PsfMixture(np.array(PSF))
    made = []
    for number in range(exposures):
        projection = wcs(shape, CENTRE, scale=SCALE_ARCSEC, turn=37.0 * number)
        one = blank(f"{number:03d}", BANDS[number % len(BANDS)], shape, projection, psf=psf)
        light = np.random.default_rng(number).normal(0.0, NOISE, shape)
        for first in range(0, len(catalog), AT_ONCE):
            some = catalog.select(np.arange(first, min(first + AT_ONCE, len(catalog))))
            light += exposed(
                replace(some, bands=(one.band,), flux=some.flux[:, [BANDS.index(one.band)]]), [one]
            )[0].data
        made.append(replace(one, data=light, weight=np.full(shape, NOISE**-2.0), background=1))
    return made


class Counted:
    """Counts gradients while a fit runs: of the density, and of the density at the best fluxes."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Counted:
        self._summit = PatchModel.summit
        counted = self

        def summit(model: PatchModel, at: Any) -> Any:
            counted.count += 1
            return counted._summit(model, at)

        PatchModel.summit = summit  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        PatchModel.summit = self._summit  # type: ignore[method-assign]


def gradients(
    place: Path, task: str, counted: Counted, scene: SuperScene, patcher: Patcher
) -> dict[str, float]:
    """How many, of a patch or of an effective draw, and what one takes."""
    done = list(_read(place, task))
    made: dict[str, float] = {"patches": len(done)}
    if task == "sample":
        middle = [float(np.nanmedian(each["posterior"].ess_bulk)) for each in done]
        used = [each["posterior"].gradients for each in done]
        made["gradients_per_effective_draw"] = float(np.sum(used) / np.sum(middle))
        made["gradients"] = float(np.sum(used))
    else:
        made["gradients_per_patch"] = counted.count / len(done)
    region, active, fixed = scene.checkout_region(0)
    bounds, covariance = scene.bounds_and_covs(active)
    model = prepare_model(patcher.build_patch(region, active, fixed, bounds=bounds, covariance=covariance))
    at = model.coordinates(model.patch.parameters)
    took = []
    for _ in range(20):
        began = time.process_time_ns()
        model.value_and_gradient(at)
        took.append(time.process_time_ns() - began)
    made["gradient_ms"] = float(np.median(took)) / 1e6
    made["pixels"] = model.patch.n_pixels
    return made


def _read(place: Path, task: str) -> Iterator[Any]:
    from getframes.fit import read_patch
    from getframes.fit.residual import patch_files

    return (read_patch(path) for path in patch_files(place / "patches") if path.name.startswith(task))


def in_child(place: Path, catalog: Any, pixels: int) -> dict[str, Any]:
    """Optimize from a pixel store, in a process of which nothing but that is known."""
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return {**pool.apply(optimized, (place, catalog)), "pixel_bytes": pixels}


def optimized(place: Path, catalog: Any) -> dict[str, Any]:
    """The peak of the memory above that before."""
    import astropy.wcs
    import scipy.optimize  # noqa: F401

    assert astropy.wcs
    before = status_bytes("VmRSS")
    began = time.process_time()
    scene = SuperScene(catalog, BANDS, {}, state=place / "state.fits", seed=1, max_active=64)
    run(scene, Patcher(read_store(place / "pixels.h5")), "optimize", workers=1, out=place / "patches")
    return {
        "peak_bytes": status_bytes("VmHWM") - before,
        "before_bytes": before,
        "cpu_s": time.process_time() - began,
    }
