"""Pictures of priors, and of the coordinates that a sampler moves in."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from getframes.fit.priors import LogUniform, Normal, Uniform, rows_of
from getframes.picture.plot import BLUE, FAINT, INK, ORANGE, PAPER, Plot


def transform() -> Image.Image:
    """Densities of the coordinates of four priors, and how far their logarithms reach."""
    from getframes._native import fit

    u = np.linspace(-12.0, 12.0, 601)
    laws = [
        ("uniform", Uniform(0.1, 0.9), BLUE),
        ("log-uniform", LogUniform(0.01, 1.0), ORANGE),
        ("normal within 0 and 1", Normal(0.3, 0.15, 0.0, 1.0), INK),
    ]
    picture = Image.new("RGB", (980, 330), PAPER)
    draw = ImageDraw.Draw(picture)
    values = Plot.in_box(draw, (20, 20, 480, 290), (-12.0, 12.0), (-0.02, 1.02))
    densities = Plot.in_box(draw, (510, 20, 970, 290), (-12.0, 12.0), (-16.0, 1.0))
    for name, prior, colour in laws:
        placed = fit.place(rows_of([prior] * len(u)), u)
        log = placed[2] + placed[4]
        values.line(u, placed[0], colour)
        densities.line(u, log - log.max(), colour)
        draw.text((30, 40 + 18 * [each[0] for each in laws].index(name)), name, fill=colour)
    for plot, label in ((values, "x of u"), (densities, "ln p of u")):
        plot.axes(label)
        plot.heights()
        plot.marker(0.0, "", FAINT)
    return picture


PICTURES = {"transform.png": transform}
