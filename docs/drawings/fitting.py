"""Pictures of what goes into a fit, of what it draws, and of what is left."""

from __future__ import annotations

import numpy as np
from paper import Pixels, Plot, linear, logarithmic, side_by_side, stacked
from PIL import Image
from scipy.special import erf

from getframes import AiryPSF, Catalog, MoffatPSF, Scene, Telescope
from getframes._native import fit
from getframes.fit import Exposure, Patcher, Region, fit_psf, optimize, read_catalog
from getframes.fit.patch_pictures import patch_picture

SIDE, ZOOM = 41, 4
PLACES = [(3.0, 4.0), (3.5, 4.5), (3.25, 4.1)]


def psf_mixtures() -> Image.Image:
    """PSFs, the mixtures of two and four Gaussians that meet them best, and a hundred times what is left of the second."""
    airy = AiryPSF(1.0, 4.0 * np.pi / (180.0 * 3600.0 * 1.029), 0.3)
    rows = []
    for psf, signed in ((MoffatPSF(4.0, 3.0), False), (airy, False), (airy, True)):
        stamp = np.zeros((SIDE, SIDE))
        psf.add_source(stamp, SIDE // 2, SIDE // 2, 1.0, 1.0)
        stamp /= stamp.max()
        two, four = (
            fit_psf(stamp, n, signed=signed).stamp(SIDE) * stamp.sum()
            for n in ((2, 4) if not signed else (2, 6))
        )
        shown = [logarithmic(image, 1e-4, 1.0) for image in (stamp, two, four)]
        shown = [image.resize((SIDE * ZOOM, SIDE * ZOOM), Image.Resampling.NEAREST) for image in shown]
        rows.append(side_by_side([*shown, linear(100.0 * (stamp - four), -1.0, 1.0, ZOOM)]))
    return stacked(rows)


def fitted_patch() -> Image.Image:
    """A galaxy and a star of the simulator, fitted, beside a star that the catalog lacks."""
    law, shape, noise = MoffatPSF(2.8, 3.5), (64, 64), 3.0
    stamp = np.zeros((SIDE, SIDE))
    law.add_source(stamp, SIDE // 2, SIDE // 2, 1.0, 1.0)
    entries = {"x": [28.3, 38.6, 20.2], "y": [30.1, 34.4, 44.0], "photon_rate": [30000.0, 9000.0, 1500.0]}
    entries |= {"r_eff_arcsec": [4.0, 0.0, 0.0], "sersic_n": [1.5, 1.0, 1.0]}
    entries |= {"ellipticity": [0.4, 0.0, 0.0], "position_angle_deg": [35.0, 0.0, 0.0]}
    columns = {name: np.array(values) for name, values in entries.items()}
    image = Scene(shape, Telescope.unit(), law, [Catalog.from_columns(columns)]).photon_rate_map()
    image = image + np.random.default_rng(8).normal(0.0, noise, shape)
    table = {"id": [1, 2], "x": [28.6, 38.5], "y": [30.0, 34.0], "rhalf": [3.0, 0.0], "sersic": [1.0, 1.0]}
    table |= {"q": [0.8, 1.0], "pa": [20.0, 0.0], "roi": [24.0, 24.0], "r": [20000.0, 9000.0]}
    rows = read_catalog(table, bands=["r"]).sources()
    seen = Exposure.of(
        image, np.full(shape, noise), name="frame of the simulator", band="r", psf=fit_psf(stamp, 4)
    )
    region = Region(id=0, seed=1, ra=rows["ra"], dec=rows["dec"], radius=np.full(2, 24.0), sky=False)
    near, any_flux = [(-3.0, 3.0)] * 2, [(-np.inf, np.inf)] * 2
    bounds = [*near, (0.5, 15.0), (0.5, 6.0), (-0.65, 0.65), (-0.65, 0.65), *near, *any_flux]
    patch = Patcher([seen]).build_patch(region, rows, bounds=np.array(bounds))
    found, (exposure,) = optimize(patch).parameters, patch.exposures
    tiles = {"x": exposure.x, "y": exposure.y, "data": exposure.data, "weight": exposure.weight}
    residual = np.where(exposure.weight > 0.0, exposure.data - patch.rendered(found)[0], 0.0)
    told = {"task": "optimize", "patch": 0, "active": [1, 2]}
    return patch_picture({**told, "tiles": {exposure.name: {**tiles, "residual": residual}}})


def along(sigma: float, centre: float) -> Pixels:
    """Exact means of a Gaussian over eight pixels of a line."""
    edges = erf((np.arange(9) - 0.5 - centre) / sigma / np.sqrt(2.0))
    return np.diff(edges) / 2.0


def largest_error(sigma: float, added: float | None = None) -> float:
    """Of a pixel, as a share of the brightest; of one Gaussian with a variance added, or of the kernel."""
    errors = []
    for x, y in PLACES:
        exact = np.outer(along(sigma, y), along(sigma, x))
        component = np.array([1.0, x, y, sigma**2, 0.0, sigma**2])
        if added is None:
            drawn, _ = fit.gaussian(component, (0, 0), np.zeros((8, 8)))
        else:
            u, v = np.meshgrid(np.arange(8) - x, np.arange(8) - y)
            variance = sigma**2 + added
            drawn = np.exp(-0.5 * (u**2 + v**2) / variance) / (2.0 * np.pi * variance)
        errors.append(np.abs(drawn - exact).max() / exact.max())
    return max(errors)


def pixel_rule() -> Image.Image:
    """Largest error of a pixel against the width of a round Gaussian."""
    sigmas = np.geomspace(0.2, 4.0, 160)
    plot = Plot((0.1, 10.0), (1e-6, 1.0), ("standard deviation [pixel]", "error / peak"), logarithmic=True)
    plot.line(np.array([0.1, 10.0]), np.array([1e-3, 1e-3]), shade=210)
    wide = np.array([largest_error(sigma, 1.0 / 12.0) for sigma in sigmas])
    plot.points(sigmas[::3], wide[::3], shade=150, radius=1.5)
    plot.line(sigmas, np.array([largest_error(sigma) for sigma in sigmas]))
    plot.text(0.2, 5e-5, "3 x 3 points")
    plot.text(0.6, 1e-5, "2 x 2")
    plot.text(2.2, 4e-4, "1")
    return plot.picture


PICTURES = {
    "psf_mixtures.png": psf_mixtures,
    "fitted_patch.png": fitted_patch,
    "pixel_rule.png": pixel_rule,
}
