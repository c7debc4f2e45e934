"""Galaxies and blended pairs by galsim: whether draws cover the truth, and fluxes are right in the mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from draws.judged import Scene, below, column, covered, doubtful
from table import Row
from tests.law.fit.galaxies import SHAPES, by_galsim, population
from tests.patches import noisy

from getframes.fit import sample

TITLE = "Truth"
NOTE = (
    "S/N 15 to 50, behind a PSF of 1.3 px; 2 chains of 300 draws. Shapes are drawn uniformly (r_h 1.5 to 3.5 px, n 0.9 to 2.5, g1 and g2 within 0.25), and these are the priors; with wide ones (r_h 0.3 to "
    "12 px, n 0.6 to 5.5, g1 and g2 within 0.65) medians lean to where the prior has its mass, which is no error of the draws: no target. The bias is that of medians; of 200 scenes it is uncertain by 0.07."
)

KINDS: dict[str, tuple[float | None, Any]] = {
    "one galaxy": (None, SHAPES),
    "pair, 2.2 r_h apart": (2.2, SHAPES),
    "one galaxy, wide priors": (None, None),
}
"""Separation and bounds of each."""
TRUSTED = ("one galaxy", "pair, 2.2 r_h apart")
PSF = 1.3
SNR = (15.0, 50.0)


def scenes(quick: bool) -> list[str]:
    """Kind and seed of each."""
    return [
        f"{kind}: {seed}" for kind in KINDS for seed in range(2 if quick else 200 if kind in TRUSTED else 100)
    ]


def measured(scene: str) -> dict[str, Any]:
    """Where the truth is among the draws, and how far the medians of fluxes are from it [sigma]."""
    kind, _, seed = scene.partition(": ")
    random = np.random.default_rng(int(seed))
    separation, bounds = KINDS[kind]
    clean = population(random, separation, random.uniform(*SNR), PSF, bounds)
    made = sample(noisy(clean, 5000 + int(seed), by_galsim(clean)), 300, 250, chains=2, seed=int(seed))
    off = (np.median(made.flat, axis=0) - clean.parameters) / made.sigma
    return {
        "below": below(made.flat, clean.parameters, made.names),
        "off": dict(zip(made.names, np.round(off, 4).tolist(), strict=True)),
        "problems": list(made.problems()),
    }


def rows(found: dict[str, Scene]) -> list[Row]:
    """Coverage and bias."""
    made = []
    for kind in KINDS:
        some = [scene for name, scene in found.items() if name.partition(":")[0] == kind]
        if some:
            own = [*covered(TITLE, kind, some, 0.58, 1.0), *_biases(kind, some)]
            made += own if kind in TRUSTED else [replace(row, target="", met=None) for row in own]
            made.append(doubtful(TITLE, kind, some))
    return made


def _biases(kind: str, some: list[Scene]) -> Iterator[Row]:
    for name in some[0]["off"]:
        if name.startswith("flux"):
            bias = float(np.mean(column(some, "off", name)))
            yield Row(
                TITLE,
                f"{kind}, {len(some)} scenes: bias of {name}",
                "sigma",
                bias,
                target="< 0.2",
                met=abs(bias) < 0.2,
            )
