"""The contact sheet of the Pleiades: a row of panels for each camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.picture.plot import BLUE, ORANGE, Plot, pull_histogram, text
from getframes.picture.sheet import Sheet, short
from getframes.picture.stretch import Stretch, diverging, fitted, grey

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    from getframes.analysis.noise_budget import NoiseBudget
    from getframes.frame import Frame

PANEL = 512
PULL_LIMIT = 5.0
CLOSE_UP = 128


@dataclass(frozen=True, eq=False)
class Taken:
    """A row of the sheet.

    Attributes
    ----------
    frame : Frame
        With its truth.
    budget : NoiseBudget
        Of the frame.
    names : tuple
        Name, column and row of stars, and the side of the name: 1 for the right, -1 for the left.
    """

    frame: Frame
    budget: NoiseBudget
    names: tuple[tuple[str, float, float, int], ...] = ()


def contact_sheet(taken: Sequence[Taken], title: str, remark: str) -> Image:
    """Counts, truth, pulls, a close-up and histograms of each camera; north is up and east is left.

    Parameters
    ----------
    taken : sequence of Taken
        A frame with its truth and its prediction, for each row.
    title, remark : str
        Two lines above the panels.
    """
    sheet = Sheet.blank(title, remark, rows=len(taken), columns=len(_PANELS) + 1, panel=PANEL)
    for row, each in enumerate(taken):
        _row(sheet, row, each)
    return sheet.picture


def _row(sheet: Sheet, row: int, taken: Taken) -> None:
    about = taken.frame.metadata
    gain = f", EM gain {about['em_gain']:g}" if about["em_gain"] > 1 else ""
    sheet.heading(
        row,
        f"{about['camera']} ({about['sensor']}{gain}): {about['exposure_s']:g} s, "
        f"read noise {about['read_noise_e']:g} e-, {about['gain_e_per_adu']:g} e-/ADU",
    )
    for column, panel in enumerate(_PANELS):
        sheet.show(row, column, *panel(taken))
    _names(sheet.draw, *sheet.corner(row, 1), taken)
    _histograms(sheet, row, len(_PANELS), taken)


def _counts(taken: Taken) -> tuple[NDArray[np.uint8], str, str]:
    image = fitted(taken.frame.data, PANEL, PANEL)
    stretch = Stretch.fitting(image)
    detail = f"asinh stretch, {short(stretch.black)} to {short(stretch.white)} ADU; 2 x 2 pixels averaged"
    return grey(stretch(image)), "raw counts", detail


def _truth(taken: Taken) -> tuple[NDArray[np.uint8], str, str]:
    """The mean charge, stretched as the counts are: the same brightness is the same light."""
    assert taken.frame.truth is not None
    about = taken.frame.metadata
    stretch = Stretch.fitting(fitted(taken.frame.data, PANEL, PANEL))
    factor = about["em_gain"] / about["gain_e_per_adu"]
    empty = _bias(taken)
    image = fitted(taken.frame.truth.mean_electrons, PANEL, PANEL)
    black, white = (short((limit - empty) / factor) for limit in (stretch.black, stretch.white))
    detail = f"the same stretch, {black} to {white} e-"
    return grey(stretch(image * factor + empty)), "truth: mean charge", detail


def _pulls(taken: Taken) -> tuple[NDArray[np.uint8], str, str]:
    values = pulls(taken)
    near = np.isnan(values).sum()
    detail = f"-{PULL_LIMIT:g} blue, 0 black, +{PULL_LIMIT:g} orange; green: {near} pixels near a limit"
    # Every second pixel, not their mean: the mean of four would have half the scatter.
    step = max(1, -(-max(values.shape) // PANEL))
    spotted = _any(np.isnan(values), step)
    shown = np.where(spotted, np.nan, values[::step, ::step])
    return diverging(shown, PULL_LIMIT), "pull: (raw - predicted mean) / predicted sigma", detail


def _close_up(taken: Taken) -> tuple[NDArray[np.uint8], str, str]:
    data = taken.frame.data
    rows, columns = (slice((side - CLOSE_UP) // 2, (side + CLOSE_UP) // 2) for side in data.shape)
    stretch = Stretch.fitting(data[rows, columns])
    image = fitted(data[rows, columns], PANEL, PANEL)
    detail = f"{CLOSE_UP} x {CLOSE_UP} pixels at full resolution"
    return grey(stretch(image)), "raw counts, the centre", detail


_PANELS: tuple[Callable[[Taken], tuple[NDArray[np.uint8], str, str]], ...] = (
    _counts,
    _truth,
    _pulls,
    _close_up,
)


def _histograms(sheet: Sheet, row: int, column: int, taken: Taken) -> None:
    left, top = sheet.corner(row, column)
    middle = top + PANEL // 2
    _count_histogram(sheet.draw, (left, top, left + PANEL, middle - 34), taken)
    _pull_histogram(sheet.draw, (left, middle + 10, left + PANEL, top + PANEL - 24), taken)
    words = "orange: a normal law of sigma 1" + (
        "; the law of the gain stage is skewed" if taken.frame.metadata["em_gain"] > 1 else ""
    )
    sheet.caption(row, column, "histograms, logarithmic", words)


def _count_histogram(draw: ImageDraw, box: tuple[int, int, int, int], taken: Taken) -> None:
    above = taken.frame.data.ravel() - round(_bias(taken))
    edges = np.unique(np.round(np.geomspace(3.0, taken.frame.metadata["saturate_adu"], 160))) - 0.5
    counts, _ = np.histogram(above, edges)
    density = counts / np.diff(edges)
    x, y = (float(edges[0]), float(edges[-1])), (0.5 * density[density > 0].min(), 5 * density.max())
    plot = Plot.in_box(draw, box, x, y, log_x=True, log_y=True)
    plot.bars(edges, density, BLUE)
    plot.axes("pixels per ADU against ADU above the bias")


def _pull_histogram(draw: ImageDraw, box: tuple[int, int, int, int], taken: Taken) -> None:
    values = pulls(taken)
    label = f"pixels against pull: mean {np.nanmean(values):+.4f}, RMS {np.sqrt(np.nanmean(values**2)):.4f}"
    pull_histogram(draw, box, values, _pull_edges(taken), label)


def _pull_edges(taken: Taken) -> NDArray[np.float64]:
    """Edges from -8 to 8, between whole counts of a pixel of the sky: every bin holds as many of them."""
    mean, variance = (float(np.median(moment)) for moment in taken.budget.prediction.moments[:2])
    sigma = np.sqrt(variance)
    wide = max(1, round(sigma / 5))
    first, last = np.floor(mean - 8 * sigma), np.ceil(mean + 8 * sigma)
    edges: NDArray[np.float64] = (np.arange(first, last + wide, wide) - 0.5 - mean) / sigma
    return edges


def _names(draw: ImageDraw, left: int, top: int, taken: Taken) -> None:
    """Names beside bright stars, to the left or to the right of them."""
    scale = PANEL / max(taken.frame.shape)
    for name, x, y, side in taken.names:
        at = left + x * scale + 9 * side, top + PANEL - y * scale
        text(draw, at, name, ORANGE, 14, "lm" if side > 0 else "rm")


def pulls(taken: Taken) -> NDArray[np.float64]:
    """(counts - predicted mean) / predicted sigma of each pixel; NaN where a limit is near."""
    mean, variance, *_ = taken.budget.prediction.moments
    values: NDArray[np.float64] = (taken.frame.data - mean) / np.sqrt(variance)
    values[~taken.budget.prediction.inside] = np.nan
    return values


def _bias(taken: Taken) -> float:
    """Counts of an empty pixel, from the prediction."""
    about = taken.frame.metadata
    assert taken.frame.truth is not None
    mean = np.median(taken.budget.prediction.moments.mean)
    charge = np.median(taken.frame.truth.mean_electrons)
    return float(mean - charge * about["em_gain"] / about["gain_e_per_adu"])


def _any(mask: NDArray[Any], step: int) -> NDArray[Any]:
    """Whether any pixel of a block is set."""
    height, width = (side // step * step for side in mask.shape)
    blocks = mask[:height, :width].reshape(height // step, step, width // step, step)
    return np.asarray(blocks.any(axis=(1, 3)))
