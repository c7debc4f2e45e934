"""The contact sheet of a match: exposures, what is left between them, and its histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.picture.plot import pull_histogram
from getframes.picture.sheet import Sheet, short
from getframes.picture.stretch import Stretch, diverging, fitted, grey

if TYPE_CHECKING:
    from PIL.Image import Image

    from getframes.cli.demo.match import Left
    from getframes.psfmatch import Exposure, PsfMatchResult

PANEL = 512
PULL_LIMIT = 5.0
_BINS = np.linspace(-8.0, 8.0, 161)


def contact_sheet(result: PsfMatchResult, wanted: Exposure, before: Left, after: Left) -> Image:
    """Two rows: the exposures under one stretch; their differences and the histograms of those."""
    title = "The same stars behind two PSFs; the first matched to the second"
    remark = (
        f"kernel {result.kernel.side} x {result.kernel.side} px, {result.kernel.rank} components, "
        f"residual {result.residual:.1e} of the PSF, noise gain {short(result.noise_gain)}"
    )
    sheet = Sheet.blank(title, remark, rows=2, columns=3, panel=PANEL)
    stretch = Stretch.fitting(result.exposure.image)
    shown = (
        (result.exposure, "a PSF that varies over the field"),
        (wanted, "the PSF that is wanted"),
        (result.matched, "the first, matched; black: the kernel reaches beyond"),
    )
    for column, (exposure, caption) in enumerate(shown):
        pixels = grey(stretch(fitted(exposure.image, PANEL, PANEL)))
        detail = f"asinh stretch, {short(stretch.black)} to {short(stretch.white)} e-"
        sheet.show(0, column, pixels, caption, detail)
    for column, (rest, words) in enumerate(((before, "as exposed"), (after, "matched"))):
        value, error = rest.chi2(rest.everywhere)
        detail = f"chi2 per pixel {value:.4f} +- {error:.4f}; -{PULL_LIMIT:g} blue, +{PULL_LIMIT:g} orange"
        pixels = diverging(fitted(rest.pull, PANEL, PANEL), PULL_LIMIT)
        sheet.show(1, column, pixels, f"difference over its sigma, {words}", detail)
    _histograms(sheet, before, after)
    return sheet.picture


def _histograms(sheet: Sheet, before: Left, after: Left) -> None:
    left, top = sheet.corner(1, 2)
    middle = top + PANEL // 2
    boxes = (left, top, left + PANEL, middle - 34), (left, middle + 10, left + PANEL, top + PANEL - 24)
    for rest, box, words in zip((before, after), boxes, ("as exposed", "matched"), strict=True):
        rms = float(np.sqrt(np.nanmean(rest.pull**2)))
        pull_histogram(
            sheet.draw, box, np.clip(rest.pull, _BINS[0], _BINS[-1]), _BINS, f"{words}: RMS {rms:.4f}"
        )
    sheet.caption(1, 2, "pixels against difference over sigma", "logarithmic; orange: noise alone")
