"""What the reduction of a simulated night came to, in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from getframes.cli.demo.night import BIASES, DARKS, FLATS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from getframes.cli.demo.reduction import Reduction
    from getframes.cli.demo.scores import Scatter

TABLE = 6
"""Stars in the table; the others are in the light curves."""


class Recovered(NamedTuple):
    """The light curve of a star against that of the truth, measured = level (1 + (true / mean - 1) change).

    Attributes
    ----------
    mean_e : float
        Of the truth [e-].
    offset, offset_error : float
        level over the mean of the truth, less 1.
    change, change_error : float
        Of the variation, as a part of the true one; NaN where it does not vary.
    pull_mean, pull_rms : float
        Of the fluxes.
    frames : int
        In which no pixel of the aperture is flagged, and no hit was missed.
    """

    mean_e: float
    offset: float
    offset_error: float
    change: float
    change_error: float
    pull_mean: float
    pull_rms: float
    frames: int


def recovered(reduction: Reduction, star: int) -> Recovered:
    """The light curve of a star by number, from a weighted straight line through measured against true flux."""
    fluxes = reduction.fluxes
    measured, true, sigma = (each[:, star] for each in (fluxes.measured, fluxes.true, fluxes.sigma))
    known = np.isfinite(fluxes.pulls[:, star])
    measured, true, sigma = measured[known], true[known], sigma[known]
    mean = float(np.average(true, weights=sigma**-2))
    pull = (measured - true) / sigma
    weight = 1.0 / sigma**2
    error = 1.0 / np.sqrt(weight.sum()) / mean
    swing = true - mean
    varies = float(np.ptp(true)) > 5.0 * float(np.median(sigma))
    power = float(np.sum(weight * swing**2))
    change = float(np.sum(weight * swing * measured)) / power if varies else np.nan
    return Recovered(
        mean,
        float(np.average(measured, weights=weight)) / mean - 1.0,
        float(error),
        change,
        power**-0.5 if varies else np.nan,
        float(pull.mean()),
        float(np.sqrt(np.mean(pull**2))),
        int(known.sum()),
    )


def title(reduction: Reduction) -> str:
    """The camera and its night."""
    night = reduction.night
    config, side = night.camera.config, night.side
    return (
        f"A night of {config.name} ({config.sensor_type.value}, {side} x {side} px): "
        f"{BIASES} biases, {DARKS} darks, {FLATS} flats, {len(reduction.results)} frames of {night.exposure_s:g} s"
    )


def report(reduction: Reduction) -> str:
    """Residuals and pulls of pixels, cosmic rays, and light curves."""
    pixels, counts, hits = reduction.pixels, reduction.pixels_from_counts, reduction.hits
    sky = float(np.median(reduction.results[0].expected))
    lines = [
        title(reduction),
        "",
        f"Reduced less truth, {pixels.count} pixels that are not flagged and were not hit; the sky has {sky:.4g} e-.",
        f"residual      bias {pixels.bias:+.3f} e-, rms {pixels.rms:.2f} e-",
        f"pull          mean {pixels.pull_mean:+.4f}, rms {pixels.pull_rms:.4f}",
        f"chi^2/pixel   {_chi2(pixels)}   Poisson noise of the light that was put in",
        f"              {_chi2(counts)}   of the counts, as the pipeline has to (about 2/N more)",
    ]
    if hits.hard:
        spoiled = int((reduction.fluxes.spoiled & np.isfinite(reduction.fluxes.measured)).sum())
        lines += [
            f"cosmic rays   {hits.found} of {hits.hard} pixels that were hit by 5 sigma are flagged, and {hits.wrong} beside them;",
            f"              {spoiled} of {reduction.fluxes.spoiled.size} fluxes have a hit that was not found, and are left out below",
        ]
    return "\n".join([*lines, "", *_table(reduction)])


def light_curves_csv(reduction: Reduction) -> str:
    """Every flux of every star: measured, its standard deviation, and true."""
    fluxes = reduction.fluxes
    lines = ["star,x,y,time_s,measured_e,sigma_e,true_e"]
    for n, star in enumerate(reduction.night.stars):
        label = star.name or f"field {n}"
        for row, each in enumerate(reduction.results):
            dx, dy = each.taken.offset_px
            place = f"{star.x + dx:.3f},{star.y + dy:.3f},{each.taken.time_s:g}"
            figures = (fluxes.measured[row, n], fluxes.sigma[row, n], fluxes.true[row, n])
            lines.append(f"{label},{place}," + ",".join(f"{value:.6g}" for value in figures))
    return "\n".join(lines) + "\n"


def _chi2(scatter: Scatter) -> str:
    return f"{scatter.chi2:.4f} +- {scatter.chi2_error:.4f}"


def _table(reduction: Reduction) -> Iterator[str]:
    """A line for each of the brightest stars, and one for all."""
    yield "Light curves, aperture of 4 px, against the same aperture on the truth:"
    yield (
        f"{'star':<11} {'true/e-':>10} {'level: error':>14} {'+-':>8}  {'variation':>9} {'+-':>7}"
        f"  {'pull: mean':>10} {'rms':>6}  frames"
    )
    for n, star in enumerate(reduction.night.stars[:TABLE]):
        found = recovered(reduction, n)
        varied = (
            f"{found.change:9.4f} {found.change_error:7.4f}"
            if found.change == found.change
            else f"{'-':>9} {'-':>7}"
        )
        yield (
            f"{star.name or f'field {n}':<11} {found.mean_e:10.0f} {100 * found.offset:+13.4f}% {100 * found.offset_error:7.4f}%"
            f"  {varied}  {found.pull_mean:+10.3f} {found.pull_rms:6.3f}  {found.frames}"
        )
    pulls = reduction.fluxes.pulls
    known = pulls[np.isfinite(pulls)]
    yield (
        f"all {len(reduction.night.stars)} stars{'':<48}{known.mean():+15.3f} {np.sqrt(np.mean(known**2)):6.3f}  {known.size}"
    )
