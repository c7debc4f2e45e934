"""Pictures of the demonstration of a fit: data, model and residual of an exposure of each band, and a corner plot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    from getframes.cli.demo.fit import Score
    from getframes.fit import Patch, Posterior

    Numbers = NDArray[np.float64]

PULL_LIMIT = 5.0
PANEL = 384


def contact_sheet(patch: Patch, model: Sequence[Numbers], chi2: float) -> Image:
    """Data, model and residual of the first exposure of each band; `model` is that of each exposure."""
    from getframes.fit.patch_pictures import mosaic
    from getframes.picture.plot import PAPER
    from getframes.picture.sheet import Sheet, short
    from getframes.picture.stretch import Stretch, diverging, fitted, grey

    first = {exposure.band: number for number, exposure in reversed(list(enumerate(patch.exposures)))}
    remark = f"{len(patch.sources)} sources, {len(patch.exposures)} exposures, chi2 per pixel {chi2:.3f}"
    sheet = Sheet.blank(
        "Blended sources, fitted in three bands at once", remark, rows=len(first), columns=3, panel=PANEL
    )
    for row, (band, number) in enumerate(sorted(first.items())):
        exposure, found = patch.exposures[number], model[number]
        pulls = (exposure.data - found) * np.sqrt(exposure.weight)
        data, fit, pull = (
            mosaic(exposure.x, exposure.y, np.where(exposure.weight > 0.0, pixels, np.nan), np.nan)
            for pixels in (exposure.data, found, pulls)
        )
        low, high = float(np.nanpercentile(fit, 1.0)), float(np.nanmax(fit))
        stretch = Stretch("asinh", low - 0.05 * (high - low), high, 0.1 * (high - low))
        sheet.heading(row, f"{patch.bands[band]}: {exposure.name}")
        detail = f"asinh stretch, {short(stretch.black)} to {short(stretch.white)} e-"
        for column, (image, caption) in enumerate(((data, "data"), (fit, "model"))):
            level = stretch(np.nan_to_num(image, nan=stretch.black))
            sheet.show(row, column, grey(fitted(level, PANEL, PANEL)), caption, detail)
        rms = float(np.sqrt(np.nanmean(pull**2)))
        colours = diverging(magnified(np.nan_to_num(pull)), PULL_LIMIT)
        colours[np.isnan(magnified(pull))] = PAPER
        detail = f"rms {rms:.3f}; -5 blue, +5 orange"
        sheet.show(row, 2, colours, "residual over its sigma", detail)
    return sheet.picture


def magnified(image: Any) -> Numbers:
    """Each pixel as a square, as large as the panel allows."""
    factor = max(1, PANEL // max(image.shape))
    return np.kron(image, np.ones((factor, factor)))


def corner(posterior: Posterior, scores: Sequence[Score]) -> Image:
    """Shapes of the first source, and what it shares with its neighbours."""
    from getframes.picture.corner import corner_plot

    wanted = ("rhalf[1]", "sersic[1]", "flux_r[1]", "flux_r[2]", "flux_r[3]", "flux_r[4]")
    truth = {score.name: score.truth for score in scores}
    draws = np.stack([posterior[name].ravel() for name in wanted], axis=-1)
    return corner_plot(
        draws, wanted, truth=[truth[name] for name in wanted], title="Joint posterior; truth in orange"
    )
