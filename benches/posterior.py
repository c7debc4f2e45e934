"""Whether draws of the fit mean what they say, and what they cost, in one run on one machine.

::

    python benches/posterior.py [--quick] [--only calibration truth optimum samplers] [-o STEM]

* calibration: scenes drawn from the prior; the truth's rank among the draws is uniform, and it is inside the central 68 % as often as that.
* truth: galaxies and blended pairs by galsim, S/N 15 to 50.
* optimum: blended pairs by galsim, S/N 30 to 100, against scipy's least squares on models of galsim.
* samplers: emcee (mean and width of each parameter), and nutpie on the same density (effective draws for each gradient), where they are installed.

With `-o` the page and the numbers are written to STEM.md and STEM.json.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import chi2 as chi_square

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.patches import blank, galaxy, noisy, peak_snr, star, tiled

from getframes.fit import LogUniform, Normal, Patch, Posterior, optimize, prepare_model, sample
from getframes.fit.diagnostics import bulk_ess

Numbers = NDArray[np.float64]
Row = dict[str, Any]

BINS = 10
SHARP = 1.3
"""Standard deviation of the PSF of what galsim draws [px]."""
SIDE = 32


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few scenes")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("-o", "--output", type=Path, metavar="STEM")
    options = parser.parse_args(arguments)
    rows: dict[str, list[Row]] = {}
    for name in options.only:
        begun = time.process_time()
        rows[name] = SECTIONS[name](options.quick)
        print(
            f"{name}: {time.process_time() - begun:.0f} s of CPU", *map(str, rows[name]), sep="\n", flush=True
        )
    if options.output:
        write(options.output, rows)
    failed = [row for some in rows.values() for row in some if row.get("met") is False]
    return 1 if failed and not options.quick else 0


def calibration(quick: bool) -> list[Row]:
    """Ranks of the truth among draws of a galaxy and a star in two bands, one with fluxes that are integrated, one with fluxes that are sampled."""
    count = 4 if quick else 200
    priors = {"flux_u": Normal(900.0, 250.0), "flux_g": LogUniform(150.0, 3000.0), "sersic": Normal(1.5, 0.8)}
    bounds = {
        "rhalf": (1.0, 5.0),
        "sersic": (0.6, 4.0),
        "g1": (-0.5, 0.5),
        "g2": (-0.5, 0.5),
        "flux_g": (150.0, 3000.0),
    }
    bounds |= {"dra": (-0.8, 0.8), "ddec": (-0.8, 0.8)}
    sources = [galaxy(14.0, 15.0, 900.0, 500.0), star(18.5, 16.0, 900.0, 500.0)]
    empty = blank(sources, side=SIDE, bounds=bounds, priors=priors)
    ranks, inside, doubtful = [], [], 0
    for seed in range(count):
        random = np.random.default_rng(seed)
        model = prepare_model(empty)
        truth = np.array([_from(prior, random) for prior in model.priors])
        drawn = sample(
            noisy(replace(empty, sources=empty.filled(truth)), 1000 + seed), 300, 250, seed=seed, chains=4
        )
        low, high = drawn.percentiles((15.865, 84.135))
        ranks.append(_ranks(drawn, truth))
        inside.append((low < truth) & (truth < high))
        doubtful += bool(drawn.problems())
    return [*_uniform(np.array(ranks), empty.names), *_covered(np.array(inside), empty.names, 0.58, 0.78),
            {"what": "scenes whose draws were called doubtful", "value": doubtful, "of": count}]  # fmt: skip


def truth(quick: bool) -> list[Row]:
    """Galaxies and pairs by galsim: coverage of the 68 % interval, and flux bias in sigma."""
    rows: list[Row] = []
    for name, separation in (("one galaxy", None), ("pair 2.2 r_h apart", 2.2)):
        inside, pulls, names = [], [], ()
        for seed in range(2 if quick else 100):
            random = np.random.default_rng(seed)
            clean = _drawn_by_galsim(random, separation, random.uniform(15.0, 50.0))
            names = clean.names
            drawn = sample(noisy(clean, 5000 + seed, _image(clean)), 300, 250, seed=seed)
            low, high = drawn.percentiles((15.865, 84.135))
            inside.append((low < clean.parameters) & (clean.parameters < high))
            pulls.append(
                (np.median(drawn.flat, axis=0) - clean.parameters)[clean.n_shapes :]
                / drawn.sigma[clean.n_shapes :]
            )
        rows += [{**row, "scene": name} for row in _covered(np.array(inside), names, 0.58, 1.0)]
        bias = np.mean(pulls, axis=0)
        rows += [
            {"scene": name, "what": f"bias of {field} [sigma]", "value": round(float(value), 3), "of": len(pulls),
             "met": bool(abs(value) < 0.2)}
            for field, value in zip(names[-len(bias) :], bias, strict=True)
        ]  # fmt: skip
    return rows


def optimum(quick: bool) -> list[Row]:
    """Blended pairs by galsim: the optimum against least squares by scipy on models of galsim."""
    rows = []
    for separation in (2.0,) if quick else (1.0, 2.0, 3.0):
        for snr in (30.0,) if quick else (30.0, 60.0, 100.0):
            worst, shifts = 0.0, []
            for seed in range(1 if quick else 5):
                clean = _drawn_by_galsim(np.random.default_rng(seed), separation, snr)
                patch = noisy(clean, 9000 + seed, _image(clean))
                found = optimize(patch)
                wanted = _least_squares(patch, found.fitted, np.sqrt(np.diag(found.fitted_covariance)))
                shifts.append((found.fitted - wanted) / found.sigma[: len(wanted)])
                worst = max(worst, float(np.max(np.abs(shifts[-1]))))
            rows.append(
                {"what": f"{separation:g} r_h apart, S/N {snr:g}: largest difference [sigma]", "value": round(worst, 3),
                 "of": len(shifts), "met": worst < 0.3}
            )  # fmt: skip
    return rows


def samplers(quick: bool) -> list[Row]:
    """Two galaxies and a star: emcee on all parameters, nutpie on the same density."""
    sources = [
        galaxy(13.0, 14.0, 1500.0, rhalf=2.5, sersic=1.2, g1=0.1),
        galaxy(18.0, 16.0, 1200.0, rhalf=2.0, sersic=2.0),
    ]
    patch = noisy(blank([*sources, star(14.0, 20.0, 500.0)], side=SIDE), 77)
    drawn = sample(patch, 200 if quick else 1500, 300, seed=1)
    ours = float(np.min(drawn.ess_bulk[: patch.n_shapes])) / drawn.gradients
    rows: list[Row] = [{"what": "effective draws for each gradient, getframes", "value": round(ours, 4)}]
    if importlib.util.find_spec("emcee"):
        rows += _emcee(patch, drawn, 100 if quick else 12000)
    if importlib.util.find_spec("nutpie"):
        theirs = _nutpie(patch, 100 if quick else 1500)
        rows.append({"what": "effective draws for each gradient, nutpie", "value": round(theirs, 4)})
        rows.append({"what": "ratio", "value": round(ours / theirs, 3), "met": ours / theirs >= 0.5})
    return rows


SECTIONS: dict[str, Callable[[bool], list[Row]]] = {
    "calibration": calibration,
    "truth": truth,
    "optimum": optimum,
    "samplers": samplers,
}


def _from(prior: Any, random: np.random.Generator) -> float:
    if isinstance(prior, LogUniform):
        return float(np.exp(random.uniform(np.log(prior.lower), np.log(prior.upper))))
    if isinstance(prior, Normal):
        while True:
            value = float(random.normal(prior.mean, prior.sigma))
            if not prior.is_bounded or prior.lower < value < prior.upper:
                return value
    return float(random.uniform(prior.lower, prior.upper))


def _ranks(drawn: Posterior, truth: Numbers) -> Numbers:
    """Share of draws below the truth; draws thinned to about independent ones."""
    step = max(1, int(np.ceil(len(drawn.flat) / np.nanmin(drawn.ess_bulk))))
    thin = drawn.draws[:, ::step].reshape(-1, len(truth))
    return np.asarray((np.sum(thin < truth, axis=0) + 0.5) / (len(thin) + 1.0))


def _uniform(ranks: Numbers, names: Sequence[str]) -> list[Row]:
    """chi^2 of the ranks in ten bins; the least p-value of all parameters, times their number."""
    counts = np.stack([np.histogram(ranks[:, each], BINS, (0.0, 1.0))[0] for each in range(len(names))])
    expected = len(ranks) / BINS
    values = chi_square.sf(np.sum((counts - expected) ** 2 / expected, axis=1), BINS - 1)
    worst = int(np.argmin(values))
    corrected = min(1.0, float(values[worst]) * len(names))
    return [{"what": f"ranks are uniform: least p ({names[worst]}), corrected for {len(names)}", "value": round(corrected, 3),
             "of": len(ranks), "met": corrected > 0.01}]  # fmt: skip


def _covered(inside: Numbers, names: Sequence[str], least: float, most: float) -> list[Row]:
    shares = inside.mean(axis=0)
    return [
        {"what": f"68 % interval of {name} covers", "value": round(float(share), 3), "of": len(inside),
         "met": bool(least <= share <= most)}
        for name, share in zip(names, shares, strict=True)
    ]  # fmt: skip


def _drawn_by_galsim(random: np.random.Generator, separation: float | None, snr: float) -> Patch:
    """One galaxy, or a pair, whose light has a signal-to-noise ratio each of about `snr`."""

    def shape() -> dict[str, float]:
        made = {"rhalf": random.uniform(1.5, 3.5), "sersic": random.uniform(0.9, 2.5)}
        return {**made, "g1": random.uniform(-0.25, 0.25), "g2": random.uniform(-0.25, 0.25)}

    angle = random.uniform(0.0, 2.0 * np.pi)
    first = galaxy(15.5 + random.uniform(-0.5, 0.5), 15.5 + random.uniform(-0.5, 0.5), 1000.0, **shape())
    sources = [first]
    if separation is not None:
        reach = separation * first["rhalf"]
        x, y = first["ra"] + reach * np.cos(angle), first["dec"] + reach * np.sin(angle)
        sources.append(galaxy(x, y, 800.0, **shape()))
    side = 48
    sources = [{**each, "ra": each["ra"] + 8.0, "dec": each["dec"] + 8.0} for each in sources]
    made = blank(sources, side=side, psf=SHARP)
    scale = snr / (peak_snr(made) / np.sqrt(len(sources)))
    fluxes = np.arange(len(made.names)) >= made.n_shapes
    return replace(made, sources=made.filled(np.where(fluxes, scale, 1.0) * made.parameters))


def _image(patch: Patch, values: Numbers | None = None) -> Numbers:
    """The light of galaxies by galsim, as tiles."""
    import galsim

    values = patch.parameters if values is None else values
    side = int(patch.exposures[0].x.max()) + 8
    params = galsim.GSParams(maximum_fft_size=16384)
    psf = galsim.Gaussian(sigma=SHARP)
    total = galsim.ImageD(side, side, scale=1.0, xmin=0, ymin=0)
    for number, row in enumerate(patch.sources):
        dx, dy, rhalf, n, g1, g2 = values[6 * number : 6 * number + 6]
        flux = values[patch.n_shapes + number]
        one = galsim.Sersic(n=n, half_light_radius=rhalf, flux=flux, gsparams=params).shear(g1=g1, g2=g2)
        center = galsim.PositionD(row["ra"] + dx, row["dec"] + dy)
        galsim.Convolve(one, psf, gsparams=params).drawImage(total, center=center, add_to_image=True)
    return tiled(total.array)


def _least_squares(patch: Patch, start: Numbers, scale: Numbers) -> Numbers:
    data = np.concatenate([each.data for each in patch.exposures])
    lower, upper = patch.bounds.T

    def residuals(at: Numbers) -> Numbers:
        return (data - _image(patch, at)).ravel()

    inside = np.clip(start, lower + 1e-6, upper - 1e-6)
    return np.asarray(
        least_squares(residuals, inside, bounds=(lower, upper), x_scale=scale, diff_step=1e-4, max_nfev=12).x
    )


def _emcee(patch: Patch, drawn: Posterior, steps: int) -> list[Row]:
    import emcee

    likelihood, (lower, upper), shapes = patch.likelihood(), patch.bounds.T, patch.n_shapes

    def log_density(values: Numbers) -> float:
        if np.any(values <= lower) or np.any(values >= upper):
            return -np.inf
        return float(likelihood.value_and_gradient(values[:shapes].copy(), values[shapes:].copy())[0])

    random = np.random.RandomState(1)
    walkers = 4 * len(drawn.names)
    other = emcee.EnsembleSampler(walkers, len(drawn.names), log_density)
    other.random_state = random.get_state()
    other.run_mcmc(drawn.flat[random.choice(len(drawn.flat), walkers, replace=False)], steps)
    chain = other.get_chain(discard=steps // 6, flat=True)
    time_ = float(np.max(other.get_autocorr_time(tol=0)))
    sigma = chain.std(axis=0)
    mean = float(np.max(np.abs(drawn.mean - chain.mean(axis=0)) / sigma))
    width = float(np.max(np.abs(drawn.sigma / sigma - 1.0)))
    return [
        {"what": f"emcee, {len(chain) / time_:.0f} independent draws: largest difference of means [sigma]",
         "value": round(mean, 3), "met": mean < 0.1},
        {"what": "emcee: largest difference of widths", "value": round(width, 3), "met": width < 0.1},
    ]  # fmt: skip


def _nutpie(patch: Patch, draws: int) -> float:
    """Effective draws for each gradient of nutpie, from the start that ours climbs to."""
    import nutpie

    model = prepare_model(patch)
    top = model.coordinates(optimize(patch).fitted)

    def make_density() -> Any:
        return lambda at: model.value_and_gradient(at)

    def make_expand(*_: Any) -> Any:
        return lambda at: {"u": np.array(at)}

    compiled = nutpie.compiled_pyfunc.from_pyfunc(
        ndim=len(top),
        make_logp_fn=make_density,
        make_expand_fn=make_expand,
        expanded_dtypes=[np.dtype("float64")],
        expanded_shapes=[(len(top),)],
        expanded_names=["u"],
        make_initial_point_fn=lambda seed: top,
    )
    made = nutpie.sample(
        compiled, draws=draws, tune=300, chains=4, seed=1, progress_bar=False, save_warmup=True
    )
    steps = int(made.sample_stats["n_steps"].sum()) + int(made.warmup_sample_stats["n_steps"].sum())
    return float(np.min(bulk_ess(np.asarray(made.posterior["u"].values)))) / steps


def write(stem: Path, rows: dict[str, list[Row]]) -> None:
    """The page and the numbers."""
    facts = {"measured": time.strftime("%Y-%m-%d"), "machine": machine()}
    stem.with_suffix(".json").write_text(
        json.dumps({**facts, "rows": rows}, indent=1) + "\n", encoding="utf-8"
    )
    lines = [
        "# Draws of the fit",
        "",
        f"Measured {facts['measured']} on {facts['machine']['processor']}.",
        "",
    ]
    for name, some in rows.items():
        about = (SECTIONS[name].__doc__ or "").strip()
        lines += [f"## {name.capitalize()}", "", about, "", "| | value | of | met |", "|---|---|---|---|"]
        for row in some:
            what = ": ".join([row["scene"], row["what"]] if "scene" in row else [row["what"]])
            met = {True: "yes", False: "no", None: ""}[row.get("met")]
            lines.append(f"| {what} | {row['value']} | {row.get('of', '')} | {met} |")
        lines.append("")
    stem.with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
