"""The contact sheet of a reduced night: a frame on its way, and light curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.cli.demo.reduction_report import recovered, title
from getframes.picture.plot import BLUE, ORANGE, Plot, pull_histogram, text
from getframes.picture.sheet import Sheet, short
from getframes.picture.stretch import Stretch, diverging, fitted, grey

if TYPE_CHECKING:
    from PIL.Image import Image

    from getframes.cli.demo.reduction import Reduction, Result

PULL_LIMIT = 5.0
WATCHED = 3
UPPER = 330
"""Height of a light curve over its differences [px]."""
LABELS = 24


def reduction_sheet(reduction: Reduction) -> Image:
    """Raw, calibrated, truth and pulls of the frame in the middle of the night; below it the three stars, and the pulls of all pixels."""
    pixels = reduction.pixels
    remark = (
        f"chi^2 per pixel {pixels.chi2:.4f} +- {pixels.chi2_error:.4f}, pull {pixels.pull_mean:+.4f} +- {pixels.pull_rms:.4f}, "
        f"bias {pixels.bias:+.3f} e-, over {pixels.count:,} pixels"
    )
    sheet = Sheet.blank(title(reduction), remark, rows=2, columns=4)
    shown = reduction.results[len(reduction.results) // 2]
    sheet.heading(
        0,
        f"Frame {len(reduction.results) // 2}: raw, calibrated by the pipeline, as it should be, and the difference",
    )
    sheet.heading(1, "Light curves: measured in the calibrated frames (dots), true (lines); difference below")
    _images(sheet, shown, reduction)
    _names(sheet, shown, reduction)
    for column in range(WATCHED):
        _light_curve(sheet, column, reduction)
    _pulls(sheet, WATCHED, reduction)
    return sheet.picture


def _images(sheet: Sheet, shown: Result, reduction: Reduction) -> None:
    side = reduction.night.side
    raw = shown.taken.frame.data[:side, :side]
    stretch = Stretch.fitting(raw)
    ends = f"asinh stretch, {short(stretch.black)} to {short(stretch.white)} ADU"
    sheet.show(0, 0, grey(stretch(fitted(raw, sheet.panel, sheet.panel))), "raw counts", ends)
    light = Stretch.fitting(shown.reduced.data)
    ends = f"asinh stretch, {short(light.black)} to {short(light.white)} e-"
    for column, image, caption, detail in (
        (1, shown.reduced.data, "calibrated, cosmic rays replaced", ends),
        (2, shown.expected, "truth: expected light", "the same stretch"),
    ):
        sheet.show(0, column, grey(light(fitted(image, sheet.panel, sheet.panel))), caption, detail)
    pull = np.where(shown.reduced.flags == 0, (shown.reduced.data - shown.expected) / shown.sigma, np.nan)
    factor = sheet.panel // side
    colours = np.repeat(np.repeat(diverging(pull, PULL_LIMIT), factor, 0), factor, 1)
    flagged = int(np.isnan(pull).sum())
    detail = f"-{PULL_LIMIT:g} blue, 0 black, +{PULL_LIMIT:g} orange; green: {flagged} flagged pixels"
    sheet.show(0, 3, colours, "pull: (calibrated - truth) / sigma", detail)


def _names(sheet: Sheet, shown: Result, reduction: Reduction) -> None:
    """Names to the right of the stars whose light curves are shown."""
    left, top = sheet.corner(0, 0)
    scale = sheet.panel // reduction.night.side
    dx, dy = shown.taken.offset_px
    for star in reduction.night.stars[:WATCHED]:
        at = left + (star.x + dx) * scale + 12, top + sheet.panel - (star.y + dy) * scale
        text(sheet.draw, at, star.name or "", ORANGE, 14, "lm")


def _light_curve(sheet: Sheet, star: int, reduction: Reduction) -> None:
    left, top = sheet.corner(1, star)
    right, bottom = left + sheet.panel, top + sheet.panel - LABELS
    fluxes = reduction.fluxes
    measured, true, sigma = (each[:, star] for each in (fluxes.measured, fluxes.true, fluxes.sigma))
    mean = true.mean()
    hours = np.array([each.taken.time_s for each in reduction.results]) / 3600.0
    x = float(-0.15 * hours[-1]), float(1.05 * hours[-1])
    margin = max(0.15 * float(np.ptp(true)), 6.0 * float(np.nanmedian(sigma)))
    upper = Plot.in_box(
        sheet.draw,
        (left, top, right, top + UPPER),
        x,
        ((true.min() - margin) / mean, (true.max() + margin) / mean),
    )
    upper.axes(f"flux over its mean, {short(mean)} e-")
    upper.heights()
    upper.line(hours, true / mean, ORANGE)
    upper.measured(hours, measured / mean, sigma / mean, BLUE)
    percent = 100.0 / mean
    widest = 4.5 * float(np.nanmax(sigma)) * percent
    lower = Plot.in_box(sheet.draw, (left, top + UPPER + LABELS, right, bottom), x, (-widest, widest))
    lower.axes("measured - true [%], against hours")
    lower.heights()
    lower.line(np.array(x), np.zeros(2), ORANGE)
    lower.measured(hours, (measured - true) * percent, sigma * percent, BLUE)
    found = recovered(reduction, star)
    varied = (
        f"; {found.change:.4f} +- {found.change_error:.4f} of the variation"
        if np.isfinite(found.change)
        else ""
    )
    detail = f"level {100 * found.offset:+.3f} +- {100 * found.offset_error:.3f} %{varied}; pulls {found.pull_rms:.2f}"
    sheet.caption(1, star, reduction.night.stars[star].name or "", detail)


def _pulls(sheet: Sheet, column: int, reduction: Reduction) -> None:
    left, top = sheet.corner(1, column)
    box = left, top, left + sheet.panel, top + sheet.panel - LABELS
    values = np.concatenate([(each.residual / each.sigma).ravel() for each in reduction.results])
    edges = np.linspace(-8.0, 8.0, 129)
    pull_histogram(sheet.draw, box, values, edges, "pixels against pull, all frames")
    sheet.caption(1, column, "pulls of all pixels, logarithmic", "orange: a normal law of sigma 1")
