"""Pictures of sources taken back out of pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from getframes.fit import Patch, PatchExposure, sample
from getframes.fit.priors import LogUniform, Normal, Uniform, rows_of
from getframes.fit.source import GALAXY, source_dtype
from getframes.picture.corner import corner_plot
from getframes.picture.plot import BLUE, FAINT, INK, ORANGE, PAPER, Plot

SIDE, PSF_SIGMA = 32, 2.0
SHOWN = ("dra[1]", "rhalf[1]", "sersic[1]", "flux_r[1]", "flux_r[2]")


def blended_pair() -> Patch:
    """Two galaxies 1.5 half-light radii apart, with noise."""
    rows = np.zeros(2, source_dtype(1))
    rows["id"], rows["kind"] = (1, 2), GALAXY
    rows["ra"], rows["dec"] = (13.5, 17.3), (15.0, 17.0)
    rows["rhalf"], rows["sersic"], rows["flux"] = (2.6, 2.2), (1.2, 2.0), [[1500.0], [1100.0]]
    rows["g1"], rows["g2"] = (0.15, -0.2), (-0.1, 0.1)
    y, x = np.mgrid[:SIDE:8, :SIDE:8].reshape(2, -1).astype(np.int32)
    exposure = PatchExposure(
        name="r",
        band=0,
        flux_scale=1.0,
        background=1,
        x=x,
        y=y,
        data=np.zeros((len(x), 64)),
        weight=np.ones((len(x), 64)),
        position=np.stack([rows["ra"], rows["dec"]], axis=1),
        jacobian=np.tile(np.eye(2), (2, 1, 1)),
        psf=np.tile([1.0, 0.0, 0.0, PSF_SIGMA**2, 0.0, PSF_SIGMA**2], (2, 1, 1)),
    )
    shapes = [(-2.0, 2.0), (-2.0, 2.0), (0.3, 9.0), (0.6, 5.5), (-0.65, 0.65), (-0.65, 0.65)] * 2
    given = {
        "sources": rows,
        "bands": ("r",),
        "bounds": np.array([*shapes, (-np.inf, np.inf), (-np.inf, np.inf)]),
        "visits": np.zeros(2, np.int64),
        "draws": np.zeros(2, np.int64),
    }
    empty = Patch(exposures=(exposure,), **given)
    light = empty.likelihood().model(empty.parameters[:12].copy(), np.array([1500.0, 1100.0, 3.0]))
    noise = np.random.default_rng(4).normal(size=light.shape)
    seen = PatchExposure(
        **{**{name: getattr(exposure, name) for name in exposure.__dataclass_fields__}, "data": light + noise}
    )
    return Patch(exposures=(seen,), **given)


def posterior() -> Image.Image:
    """Draws of the blended pair, with the truth."""
    patch = blended_pair()
    drawn = sample(patch, 600, 200, chains=2, seed=1)
    truth = dict(zip(patch.names, patch.parameters.tolist(), strict=True))
    places = [drawn.names.index(name) for name in SHOWN]
    return corner_plot(
        drawn.flat[:, places],
        SHOWN,
        truth=[truth[name] for name in SHOWN],
        title="Two galaxies 1.5 r_h apart",
    )


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


PICTURES = {"posterior.png": posterior, "transform.png": transform}
