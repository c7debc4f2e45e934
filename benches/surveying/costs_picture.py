"""A picture of what a fit costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from surveying.growth import growth

from getframes.picture.plot import BLUE, FAINT, INK, ORANGE, PAPER, Plot, text

PANELS = (
    ("Sources of a patch", "group", "cpu_s", "CPU time of a source [s]"),
    ("Exposures", "exposures", "cpu_s", "CPU time of a source [s]"),
    ("Sources of a patch", "group", "gradient_ms", "a gradient [ms]"),
    ("Sources of a patch", "group", "gradients_per_effective_draw", "gradients an effective draw"),
)
COLOURS = {"optimize": BLUE, "sample": ORANGE}
BOX, GAP, TOP = (400, 260), 48, 60


def costs(found: Sequence[tuple[Any, dict[str, Any]]]) -> Image.Image:
    """Log-log plots over sources of a patch and over exposures; lines of power 1 are grey."""
    picture = Image.new("RGB", (GAP + 2 * (BOX[0] + GAP), TOP + 2 * (BOX[1] + 2 * GAP)), PAPER)
    draw = ImageDraw.Draw(picture)
    text(draw, (GAP, 14), "Cost of a fit on one thread; grey: in proportion", INK, 22)
    for place, (title, over, figure, label) in enumerate(PANELS):
        left, top = GAP + (place % 2) * (BOX[0] + GAP), TOP + (place // 2) * (BOX[1] + 2 * GAP) + 24
        box = (left, top, left + BOX[0], top + BOX[1])
        lines = {}
        for task in COLOURS:
            some = [
                (cell, told)
                for cell, told in found
                if (cell.table, cell.task) == (title, task) and figure in told
            ]
            sizes = np.array([float(getattr(cell, over)) for cell, _ in some])
            values = np.array(
                [told[figure] / (cell.sources if figure == "cpu_s" else 1.0) for cell, told in some]
            )
            if len(sizes) > 1:
                lines[task] = sizes, values
        if not lines:
            continue
        every = np.concatenate([values for _, values in lines.values()])
        ends = float(every.min()) / 1.6, float(every.max()) * 2.5
        plot = Plot.in_box(draw, box, (0.8, 40.0), ends, log_x=True, log_y=True)
        plot.axes(over if over == "exposures" else "sources of a patch")
        plot.heights()
        text(draw, (left, top - 22), label, INK, 16)
        for row, (task, (sizes, values)) in enumerate(lines.items()):
            if figure == "gradient_ms" and task == "sample":
                continue  # the same
            guide = values[-1] * sizes / sizes[-1]
            plot.line(sizes, guide, FAINT)
            plot.line(sizes, values, COLOURS[task])
            plot.points(sizes, values, COLOURS[task])
            words = f"{task}, power {growth(sizes.tolist(), values.tolist()):.2f}" if len(sizes) > 3 else task
            text(draw, (left + 60, top + 8 + 20 * row), words, COLOURS[task], 15)
    return picture.quantize(64, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
