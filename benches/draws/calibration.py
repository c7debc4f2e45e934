"""Scenes drawn from the prior: whether the truth is anywhere among the draws with the same probability."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from draws.judged import Scene, below, column, covered, doubtful, thinned
from scipy.stats import chi2, norm
from table import Row
from tests.patches import blank, galaxy, noisy, star

from getframes.fit import LogUniform, Normal, Patch, prepare_model, sample

TITLE = "Calibration"
NOTE = (
    "A galaxy and a star 4.6 px away in two bands, drawn from their priors (uniform, normal, log-uniform), with fluxes that are integrated in one band and sampled in the other; "
    "4 chains of 300 draws. Ranks of the truth among independent draws: chi^2 of ten bins, and chi^2 of their normal quantiles, which sees draws that are too wide or too narrow; "
    "the least p-value of both and all parameters, times their number. Warnings: fewer than 400 effective draws of the 1200 in the centre or the tails, R-hat above 1.01, "
    "a trajectory that diverged."
)

BINS = 10
PRIORS = {"flux_u": Normal(900.0, 250.0), "flux_g": LogUniform(150.0, 3000.0), "sersic": Normal(1.5, 0.8)}
BOUNDS = {
    "dra": (-0.8, 0.8),
    "ddec": (-0.8, 0.8),
    "rhalf": (1.0, 5.0),
    "sersic": (0.6, 4.0),
    "g1": (-0.5, 0.5),
    "g2": (-0.5, 0.5),
    "flux_g": (150.0, 3000.0),
}


def scenes(quick: bool) -> list[str]:
    """Their seeds."""
    return [str(seed) for seed in range(4 if quick else 200)]


def measured(scene: str) -> dict[str, Any]:
    """Where the truth is among the draws of one scene."""
    seed, empty = int(scene), _empty()
    random = np.random.default_rng(seed)
    truth = np.array([_from(prior, random) for prior in prepare_model(empty).priors])
    patch = noisy(replace(empty, sources=empty.filled(truth)), 1000 + seed)
    drawn = sample(patch, 300, 250, seed=seed)
    return {
        "below": below(drawn.flat, truth, drawn.names),
        "rank": below(thinned(drawn), truth, drawn.names),
        "problems": list(drawn.problems()),
    }


def rows(found: dict[str, Scene]) -> list[Row]:
    """Ranks and coverage."""
    every = list(found.values())
    ranks = {name: column(every, "rank", name) for name in every[0]["rank"]}
    tests = {f"{name}, bins": _p_of_bins(values) for name, values in ranks.items()}
    tests |= {f"{name}, width": _p_of_width(values) for name, values in ranks.items()}
    worst = min(tests, key=tests.__getitem__)
    corrected = min(1.0, len(tests) * tests[worst])
    name = f"prior, {len(every)} scenes: ranks are uniform, least p ({worst}) times {len(tests)}"
    return [
        Row(TITLE, name, "", corrected, target="> 0.01", met=corrected > 0.01),
        *covered(TITLE, "prior", every, 0.58, 0.78),
        doubtful(TITLE, "prior", every),
    ]


def _empty() -> Patch:
    sources = [galaxy(14.0, 15.0, 900.0, 500.0), star(18.5, 16.0, 900.0, 500.0)]
    return blank(sources, side=32, bounds=BOUNDS, priors=PRIORS)


def _from(prior: Any, random: np.random.Generator) -> float:
    if isinstance(prior, LogUniform):
        return float(np.exp(random.uniform(np.log(prior.lower), np.log(prior.upper))))
    if isinstance(prior, Normal):
        while True:
            value = float(random.normal(prior.mean, prior.sigma))
            if not prior.is_bounded or prior.lower < value < prior.upper:
                return value
    return float(random.uniform(prior.lower, prior.upper))


def _p_of_bins(ranks: np.ndarray) -> float:
    counts = np.histogram(ranks, BINS, (0.0, 1.0))[0]
    expected = len(ranks) / BINS
    return float(chi2.sf(np.sum((counts - expected) ** 2) / expected, BINS - 1))


def _p_of_width(ranks: np.ndarray) -> float:
    square = float(np.sum(norm.ppf(ranks) ** 2))
    return 2.0 * float(min(chi2.sf(square, len(ranks)), chi2.cdf(square, len(ranks))))
