"""Blended pairs by galsim: the most probable parameters against least squares by scipy on models of galsim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from draws.judged import Scene
from scipy.optimize import least_squares
from table import Row
from tests.law.fit.galaxies import by_galsim, population
from tests.patches import noisy

from getframes.fit import Patch, optimize, prepare_model

TITLE = "Optimum"
NOTE = (
    "Pairs of galaxies by galsim; least squares by scipy with models of galsim, from our optimum on, within the same bounds. The largest difference of any parameter, "
    "in standard deviations; where it is above 0.3, also with our optimum from where scipy ended, which is near if there is more than one maximum. r_h is 1.5 to 3.5 px, so that a PSF of 2 px hides most of a shape."
)

PAIRS = 10
INSIDE = 1e-6
FAR = 0.3


def scenes(quick: bool) -> list[str]:
    """PSF, separation, signal-to-noise ratio and seed of each."""
    if quick:
        return [f"PSF 1.3 px, 2 r_h apart, S/N 30: {seed}" for seed in (0, 2)]
    return [
        f"PSF {psf:g} px, {apart} r_h apart, S/N {snr}: {seed}"
        for psf in (1.3, 2.0)
        for apart in (1, 2, 3)
        for snr in (30, 60, 100)
        for seed in range(PAIRS)
    ]


def measured(scene: str) -> dict[str, Any]:
    """The largest difference, and chi^2 of both optima on the models of galsim."""
    kind, _, seed = scene.partition(": ")
    psf, apart, snr = (
        float(part.split()[number]) for part, number in zip(kind.split(", "), (1, 0, 1), strict=True)
    )
    clean = population(np.random.default_rng(int(seed)), apart, snr, psf)
    patch = noisy(clean, 9000 + int(seed), by_galsim(clean))
    found = optimize(patch)
    sigma = np.sqrt(np.diag(found.fitted_covariance))
    other = _least_squares(patch, found.fitted, sigma)
    off = np.abs(found.fitted - other) / sigma
    worst = int(np.argmax(off))
    made = {
        "off": round(float(off[worst]), 4),
        "parameter": patch.names[worst],
        "at bounds": list(found.at_bounds),
        "converged": found.converged,
        "chi2": {
            "ours": round(_chi2(patch, found.fitted), 4),
            "other": round(_chi2(patch, other), 4),
            "other in our model": round(prepare_model(patch).chi2(other), 4),
            "ours in our model": round(found.chi2, 4),
        },
    }
    if made["off"] >= FAR:
        back = optimize(replace(patch, sources=patch.filled(other)))
        away = np.abs(back.fitted - other) / np.sqrt(np.diag(back.fitted_covariance))
        made["off from there"] = round(float(np.max(away)), 4)
        made["ln p gained there"] = round(back.log_posterior - found.log_posterior, 4)
    return made


def rows(found: dict[str, Scene]) -> list[Row]:
    """The worst of each kind of pair."""
    kinds: dict[str, list[Scene]] = {}
    for name, scene in found.items():
        kinds.setdefault(name.partition(": ")[0], []).append(scene)
    made = []
    for kind, some in kinds.items():
        made.append(_row(f"{kind}: worst of {len(some)}", max(scene["off"] for scene in some)))
    for name, scene in found.items():
        if scene["off"] >= FAR:
            gain = f"ln p {scene['ln p gained there']:+.2f}"
            made.append(_row(f"{name}: our optimum from that of scipy on ({gain})", scene["off from there"]))
    return made


def _row(name: str, off: float) -> Row:
    return Row(TITLE, name, "sigma", off, target=f"< {FAR:g}", met=off < FAR)


def _chi2(patch: Patch, values: np.ndarray) -> float:
    (exposure,) = patch.exposures
    return float(np.sum(exposure.weight * (exposure.data - by_galsim(patch, values)) ** 2))


def _least_squares(patch: Patch, start: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    lower, upper = patch.bounds.T
    (exposure,) = patch.exposures

    def residuals(at: np.ndarray) -> np.ndarray:
        return (np.sqrt(exposure.weight) * (exposure.data - by_galsim(patch, at))).ravel()

    inside = np.clip(start, lower + INSIDE, upper - INSIDE)
    return np.asarray(
        least_squares(residuals, inside, bounds=(lower, upper), x_scale=sigma, diff_step=1e-4, max_nfev=60).x
    )
