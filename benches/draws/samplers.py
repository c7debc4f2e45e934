"""Other samplers on the same pixels: means, widths, and what an effective draw costs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from draws.judged import Scene
from table import Row
from tests.patches import blank, galaxy, noisy, star

from getframes.fit import Patch, Posterior, optimize, prepare_model, sample
from getframes.fit.diagnostics import bulk_ess

TITLE = "Samplers"
NOTE = (
    "emcee in the parameters themselves, fluxes too; numpyro's sampler on a model of its own, written with jax, fluxes too; nutpie on our density in our coordinates. Differences of means in units of the "
    "standard deviation, of widths as a share; the largest of all parameters. Effective draws are those of the worst shape or place, gradients those of the warm-up included."
)

CHAINS = 4


def three() -> Patch:
    """Two galaxies and a star in one exposure."""
    sources = [
        galaxy(13.0, 14.0, 1500.0, rhalf=2.5, sersic=1.2, g1=0.1),
        galaxy(18.0, 16.0, 1200.0, rhalf=2.0, sersic=2.0),
        star(14.0, 20.0, 500.0),
    ]
    return noisy(blank(sources, side=32), 77)


def six() -> Patch:
    """Four galaxies and two stars in two bands, an exposure of each, which have their own PSFs, places and depths."""
    sources = [
        galaxy(11.0, 12.0, 2000.0, 1500.0, rhalf=2.5, sersic=1.2, g1=0.15),
        galaxy(16.5, 14.0, 1500.0, 2500.0, rhalf=2.0, sersic=2.0, g2=-0.1),
        galaxy(13.0, 18.5, 1200.0, 1000.0, rhalf=2.2, sersic=1.0, g1=-0.1, g2=0.1),
        galaxy(20.5, 18.0, 1800.0, 1200.0, rhalf=3.0, sersic=1.5),
        star(18.0, 10.5, 700.0, 500.0),
        star(9.5, 16.0, 500.0, 800.0),
    ]
    made = blank(sources, side=32)
    others = ((0.0, 0.7, 1.0, 1.0), (0.4, 1.2, 0.5, 1.3))
    exposures = [
        replace(
            each,
            position=each.position + shift,
            psf=each.psf * [1, 1, 1, size, 1, size],
            weight=each.weight * depth,
            flux_scale=scale,
        )
        for each, (shift, size, depth, scale) in zip(made.exposures, others, strict=True)
    ]
    return noisy(replace(made, exposures=tuple(exposures)), 78)


PATCHES = {"two galaxies and a star": three, "six sources, two bands": six}


def scenes(quick: bool) -> list[str]:
    """Patch and sampler, where it is installed."""
    every = [
        f"{patch}: {name}"
        for patch in PATCHES
        for name in SAMPLERS
        if importlib.util.find_spec(name) and not (name == "emcee" and PATCHES[patch] is six)
    ]
    return every[:1] if quick else every


def measured(scene: str) -> dict[str, Any]:
    """What another sampler has for one patch."""
    patch, _, name = scene.partition(": ")
    return SAMPLERS[name](PATCHES[patch]())


def rows(found: dict[str, Scene]) -> list[Row]:
    """Means, widths, effective draws."""
    made = []
    for scene, known in found.items():
        if "mean" in known:
            title = f"{scene}, {known['independent']:.0f} independent draws"
            for what, unit in (("mean", "sigma"), ("width", "")):
                worst = max(known[what].values(), key=abs)
                made.append(
                    Row(TITLE, f"{title}: difference of {what}s", unit, abs(worst), target="< 0.1", met=abs(worst) < 0.1)
                )  # fmt: skip
        if "efficiency" in known:
            ours, other = known["efficiency"]
            promised = scene.endswith("nutpie")
            ratio = ours / other
            made.append(
                Row(
                    TITLE,
                    f"{scene}: effective draws for a thousand gradients",
                    "",
                    1e3 * ours,
                    1e3 * other,
                    ratio,
                    target=">= 0.5x" if promised else "",
                    met=ratio >= 0.5 if promised else None,
                )
            )
    return made


def _emcee(patch: Patch) -> dict[str, Any]:
    import emcee

    likelihood, (lower, upper), shapes = patch.likelihood(), patch.bounds.T, patch.n_shapes

    def log_density(values: np.ndarray) -> float:
        if np.any(values <= lower) or np.any(values >= upper):
            return -np.inf
        return float(likelihood.value_and_gradient(values[:shapes].copy(), values[shapes:].copy())[0])

    drawn, random = _ours(patch), np.random.RandomState(1)
    walkers, steps = 4 * len(drawn.names), 20_000
    other = emcee.EnsembleSampler(walkers, len(drawn.names), log_density)
    other.random_state = random.get_state()
    other.run_mcmc(drawn.flat[random.choice(len(drawn.flat), walkers, replace=False)], steps)
    chain = other.get_chain(discard=steps // 6, flat=True)
    longest = float(np.max(other.get_autocorr_time(tol=0)))
    return _compared(drawn, chain, len(chain) / longest)


def _numpyro(patch: Patch) -> dict[str, Any]:
    from draws.black_box import drawn_by_numpyro

    drawn = _ours(patch)
    chains = CHAINS if len(patch.bands) == 1 else 3  # a gradient by jax takes as long as eighteen of ours
    other, gradients = drawn_by_numpyro(patch, chains, 800, 400)
    effective = bulk_ess(other)
    compared = _compared(drawn, other.reshape(-1, other.shape[2]), float(np.min(effective)))
    theirs = float(np.min(effective[: patch.n_shapes])) / gradients
    return {**compared, "efficiency": [_efficiency(patch, drawn), theirs]}


def _nutpie(patch: Patch) -> dict[str, Any]:
    import nutpie

    model = prepare_model(patch)
    top = model.coordinates(optimize(patch).fitted)
    compiled = nutpie.compiled_pyfunc.from_pyfunc(
        ndim=len(top),
        make_logp_fn=lambda: model.value_and_gradient,
        make_expand_fn=lambda *_: lambda at: {"u": np.array(at)},
        expanded_dtypes=[np.dtype("float64")],
        expanded_shapes=[(len(top),)],
        expanded_names=["u"],
        make_initial_point_fn=lambda seed: top,
    )
    made = nutpie.sample(
        compiled, draws=1500, tune=300, chains=CHAINS, seed=1, progress_bar=False, save_warmup=True
    )
    steps = int(made.sample_stats["n_steps"].sum()) + int(made.warmup_sample_stats["n_steps"].sum())
    theirs = float(np.min(bulk_ess(np.asarray(made.posterior["u"].values)))) / steps
    drawn = sample(patch, 1500, 300, seed=1)
    return {"efficiency": [_efficiency(patch, drawn), theirs]}


SAMPLERS: dict[str, Callable[[Patch], dict[str, Any]]] = {
    "emcee": _emcee,
    "nutpie": _nutpie,
    "numpyro": _numpyro,
}


def _ours(patch: Patch) -> Posterior:
    return sample(patch, 3000, 300, seed=1, chains=CHAINS)


def _efficiency(patch: Patch, drawn: Posterior) -> float:
    return float(np.min(drawn.ess_bulk[: patch.n_shapes])) / drawn.gradients


def _compared(drawn: Posterior, chain: np.ndarray, independent: float) -> dict[str, Any]:
    sigma = chain.std(axis=0)
    mean = (drawn.mean - chain.mean(axis=0)) / sigma
    return {
        "independent": round(min(independent, float(np.min(drawn.ess_bulk)))),
        "mean": dict(zip(drawn.names, np.round(mean, 4).tolist(), strict=True)),
        "width": dict(zip(drawn.names, np.round(drawn.sigma / sigma - 1.0, 4).tolist(), strict=True)),
    }
