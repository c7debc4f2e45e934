"""Likelihood, gradient and marginal of a patch: nanoseconds of CPU per product of a pixel and a Gaussian."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from table import Row

from getframes._native.fit import Likelihood

TITLE = "Likelihood"
NOTE = "CPU time over pixels times Gaussians evaluated; least of many rounds."

PSF = [[0.7, 0, 0, 1.0, 0.1, 1.1], [0.25, 0.1, 0, 3.0, 0, 3.5], [0.05, 0, 0.1, 12.0, 1, 10.0]]


def patch(sources: int, side: int, exposures: int) -> tuple[Likelihood, np.ndarray, np.ndarray]:
    """Galaxies at random places of images of `side` tiles, and a star in ten."""
    rng = np.random.default_rng(1)
    y, x, exposure = (grid.ravel() for grid in np.mgrid[:side, :side, :exposures].astype(np.int32))
    kind = (np.arange(sources) % 10 != 9).astype(np.int32)
    places = rng.uniform(0.0, 8.0 * side, (sources, 2))
    shape = (len(x), 64)
    made = Likelihood(
        tile_x=8 * x,
        tile_y=8 * y,
        tile_exposure=exposure,
        data=rng.normal(0.0, 1.0, shape),
        weight=np.ones(shape),
        band=np.arange(exposures, dtype=np.int32) % 2,
        flux_scale=np.ones(exposures),
        background=np.ones(exposures, np.int32),
        kind=kind,
        position=np.tile(places, (exposures, 1, 1)),
        jacobian=np.tile(np.diag([-5.0, 5.0]), (exposures, sources, 1, 1)),
        psf_of=np.zeros((exposures, sources), np.int32),
        psf=np.array([PSF]),
    )
    shapes = []
    for galaxy in kind:
        shapes += [0.0, 0.0]
        if galaxy:
            shapes += [rng.uniform(0.2, 1.0), rng.uniform(0.7, 5.0), *rng.normal(0.0, 0.2, 2)]
    return made, np.array(shapes), rng.uniform(10.0, 100.0, made.linear)


def rows(quick: bool) -> list[Row]:
    """A patch of one galaxy, and one of a survey."""
    return [
        *patch_rows("1 galaxy, 6 x 6 tiles", quick, sources=1, side=6, exposures=1),
        *patch_rows("20 sources, 10 x 10 tiles, 4 exposures", quick, sources=20, side=10, exposures=4),
    ]


def patch_rows(name: str, quick: bool, **size: int) -> Iterator[Row]:
    """Value and gradient, and the same with fluxes and backgrounds integrated out."""
    made, shapes, linear = patch(**size)
    flat, known = np.zeros(made.linear), np.full(made.linear, 1e-6)
    products = made.evaluations(shapes)
    for what, target, work in [
        ("value and gradient", 2.0, lambda: made.value_and_gradient(shapes, linear)),
        ("marginal and gradient", None, lambda: made.marginal(shapes, flat, known)),
    ]:
        ns = least_ns(work, 2 if quick else 30)
        met = None if target is None or quick else ns / products <= target
        words = "" if target is None else f"<= {target:g}"
        label = f"{what}: {name}"
        yield Row(TITLE, label, "ns", ns / products, target=words, met=met)
        yield Row(TITLE, f"{label}, a call", "ms", ns / 1e6, samples={"products": products})


def least_ns(work: Callable[[], object], rounds: int) -> float:
    """CPU time of a call."""
    took = []
    for _ in range(rounds):
        start = time.process_time_ns()
        work()
        took.append(time.process_time_ns() - start)
    return min(took)
