"""Pictures of a fitted survey: data, model and residual of an exposure, and pulls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from surveying.score import Scored, summary

from getframes.fit import Residuals, read_exposure
from getframes.picture.plot import FAINT, INK, PAPER, pull_histogram, text
from getframes.picture.sheet import Sheet
from getframes.picture.stretch import Stretch, diverging, grey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

LIMIT_SIGMA = 5.0
BINNED = 3
"""Pixels of the image along one of the picture."""
COLOURS = 64
PANELS = {
    "star": (("position", ("dra", "ddec")), ("flux", ("flux_g", "flux_r", "flux_i"))),
    "galaxy": (
        ("position", ("dra", "ddec")),
        ("flux", ("flux_g", "flux_r", "flux_i")),
        ("half-light radius", ("rhalf",)),
        ("Sersic index", ("sersic",)),
        ("shear g1, g2", ("g1", "g2")),
    ),
}


def field(survey: Path, name: str) -> Image.Image:
    """Data, model and residual of an exposure. Where no patch looked the model is the sky of the image, its median."""
    exposure = read_exposure(survey / "images" / name, flux_unit="uJy")
    found = Residuals(survey / "fit" / "patches").image(exposure)
    data, weight = exposure.block(*(slice(0, size) for size in exposure.shape))
    counts, seen = weight > 0.0, found.weight > 0.0
    sky = float(np.median(data[counts]))
    residual = np.where(seen, found.residual, np.where(counts, data - sky, 0.0))
    model = np.where(counts, data - residual, sky) - sky
    light = np.where(counts, data - sky, 0.0)
    side = min(exposure.shape) // BINNED
    sheet = Sheet.blank(
        f"{exposure.name}, {exposure.band}",
        f"{BINNED} x {BINNED} pixels in one; masked pixels are 0",
        rows=1,
        columns=3,
        panel=side,
    )
    shown = Stretch.fitting(binned(light)[:side, :side])
    for column, (image, words, told) in enumerate(
        (
            (light, "data", "sky taken off"),
            (model, "model", f"of {int(seen.sum())} pixels that patches looked at"),
        )
    ):
        sheet.show(0, column, grey(shown(binned(image)[:side, :side])), words, told)
    pull = binned(residual * np.sqrt(weight))[:side, :side] * BINNED
    sheet.show(
        0,
        2,
        diverging(pull, LIMIT_SIGMA),
        "residual / error",
        f"blue -{LIMIT_SIGMA:g}, orange +{LIMIT_SIGMA:g}",
    )
    return sheet.picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


def binned(image: Numbers) -> Numbers:
    """Means of squares of pixels."""
    rows, columns = (size // BINNED for size in image.shape)
    cut = image[: rows * BINNED, : columns * BINNED]
    means: Numbers = cut.reshape(rows, BINNED, columns, BINNED).mean(axis=(1, 3))
    return means


def pulls(every: Sequence[Scored]) -> Image.Image:
    """Histograms of pulls, a row for each kind of source, with the normal law."""
    from PIL import ImageDraw

    panel, gap, top = (300, 170), 24, 56
    columns = max(map(len, PANELS.values()))
    size = gap + columns * (panel[0] + gap), top + len(PANELS) * (panel[1] + 3 * gap)
    picture = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(picture)
    text(
        draw, (gap, 14), "(mean of the draws - truth) / their standard deviation, and the normal law", INK, 20
    )
    edges = np.linspace(-6.0, 6.0, 25)
    for row, (kind, groups) in enumerate(PANELS.items()):
        for column, (label, names) in enumerate(groups):
            some = [each for each in every if each.kind == kind and each.field in names]
            if not some:
                continue
            left, above = gap + column * (panel[0] + gap), top + row * (panel[1] + 3 * gap)
            values = np.array([each.pull for each in some])
            box = (left, above + 20, left + panel[0], above + 20 + panel[1])
            told = summary(some)
            text(draw, (left, above), f"{kind}: {label}", INK, 16)
            text(
                draw,
                (left + panel[0], above),
                f"{told['mean']:+.2f}, rms {told['rms']:.2f}",
                FAINT,
                15,
                "ra",
            )
            pull_histogram(draw, box, np.clip(values, -5.99, 5.99), edges, f"{len(some)}")
    return picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
