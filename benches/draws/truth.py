"""Galaxies and blended pairs by galsim: whether draws cover the truth, and fluxes are right in the mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from draws.judged import Scene, below, column, covered, doubtful
from draws.pairs import drawn
from table import Row
from tests.law.fit.galaxies import by_galsim
from tests.patches import noisy

from getframes.fit import sample

TITLE = "Truth"
NOTE = ""

APART = {"one galaxy": None, "pair, 2.2 r_h apart": 2.2}
PSF = 1.3
SNR = (15.0, 50.0)


def scenes(quick: bool) -> list[str]:
    """Kind and seed of each."""
    return [f"{kind}: {seed}" for kind in APART for seed in range(2 if quick else 200)]


def measured(scene: str) -> dict[str, Any]:
    """Where the truth is among the draws, and how far the medians of fluxes are from it [sigma]."""
    kind, _, seed = scene.partition(": ")
    random = np.random.default_rng(int(seed))
    clean = drawn(random, APART[kind], random.uniform(*SNR), PSF)
    made = sample(noisy(clean, 5000 + int(seed), by_galsim(clean)), 300, 250, seed=int(seed))
    off = (np.median(made.flat, axis=0) - clean.parameters) / made.sigma
    return {
        "below": below(made.flat, clean.parameters, made.names),
        "off": dict(zip(made.names, np.round(off, 4).tolist(), strict=True)),
        "problems": list(made.problems()),
    }


def rows(found: dict[str, Scene]) -> list[Row]:
    """Coverage and bias."""
    made = []
    for kind in APART:
        some = [scene for name, scene in found.items() if name.startswith(kind)]
        if not some:
            continue
        made += covered(TITLE, f"{kind}: 68 % interval covers", some, 0.58, 1.0)
        for name in some[0]["off"]:
            if name.startswith("flux"):
                bias = float(np.mean(column(some, "off", name)))
                what = f"{kind}: bias of {name}"
                made.append(Row(TITLE, what, "sigma", bias, target="< 0.2", met=abs(bias) < 0.2))
        made.append(doubtful(TITLE, kind, some))
    return made
