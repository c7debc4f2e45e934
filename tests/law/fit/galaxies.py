"""Galaxies drawn by the likelihood, and by galsim with parameters as tight as its transforms allow."""

from __future__ import annotations

import galsim
import numpy as np

from getframes._native import fit as native
from getframes.fit import Patch
from tests.patches import blank, galaxy, peak_snr, tiled

LARGEST_FFT = 8192
"""Side of a transform [pixel]; 0.5 GB."""
ACCURACIES = (
    (1e-5, 1e-6),
    (1e-4, 1e-5),
    (5e-4, 1e-4),
    (1e-3, 1e-4),
    (2e-3, 1e-4),
    (5e-3, 1e-4),
    (2e-2, 1e-4),
)
"""Of galsim: light that is folded over the edge of its transform, spread over all of it, and amplitude that is left out beyond its last frequency."""

SHAPES = {"rhalf": (1.5, 3.5), "sersic": (0.9, 2.5), "g1": (-0.25, 0.25), "g2": (-0.25, 0.25)}
"""Between which shapes are drawn, uniformly."""


def ours(side: int, source, psf) -> np.ndarray:
    """A source of flux 1 at the middle of `side` x `side` pixels (a multiple of 8), at its offsets [pixel]."""
    tiles = np.arange(0, side, 8, dtype=np.int32)
    y, x = (grid.ravel() for grid in np.meshgrid(tiles, tiles, indexing="ij"))
    made = native.Likelihood(
        tile_x=x,
        tile_y=y,
        tile_exposure=np.zeros(len(x), np.int32),
        data=np.zeros((len(x), 64)),
        weight=np.ones((len(x), 64)),
        band=np.zeros(1, np.int32),
        flux_scale=np.ones(1),
        background=np.zeros(1, np.int32),
        kind=np.ones(1, np.int32),
        position=np.full((1, 1, 2), side / 2),
        jacobian=np.eye(2)[None, None],
        psf_of=np.zeros((1, 1), np.int32),
        psf=psf[None],
    )
    image = made.model(np.array(source), np.ones(1)).reshape(len(tiles), len(tiles), 8, 8)
    return image.transpose(0, 2, 1, 3).reshape(side, side)


def theirs(side: int, source, psf) -> np.ndarray:
    """The same by galsim, as accurate as a transform of `LARGEST_FFT` allows: pointed profiles have wide wings."""
    x, y, *_ = source
    for folded, beyond in ACCURACIES:
        profile = blurred(source, psf, folded, beyond)
        if 2.0 * profile.maxk <= LARGEST_FFT * profile.stepk:
            break
    image = galsim.ImageD(side, side)
    profile.drawImage(image, scale=1.0, center=galsim.PositionD(side / 2 + 1 + x, side / 2 + 1 + y))
    return image.array


def blurred(source, psf, folded: float, beyond: float) -> galsim.GSObject:
    """A galaxy behind its PSF."""
    _, _, r_half, n, g1, g2 = source
    accuracy = galsim.GSParams(
        folding_threshold=folded,
        maxk_threshold=beyond,
        kvalue_accuracy=1e-6,
        stepk_minimum_hlr=10,
        maximum_fft_size=2 * LARGEST_FFT,
    )
    galaxy = galsim.Sersic(n, half_light_radius=r_half, gsparams=accuracy).shear(g1=g1, g2=g2)
    parts = [galsim.Gaussian(sigma=np.sqrt(row[3]), flux=row[0], gsparams=accuracy) for row in psf]
    return galsim.Convolve([galaxy, galsim.Add(parts)], gsparams=accuracy)


def double(fwhm: float) -> np.ndarray:
    """A PSF of two Gaussians."""
    sigma = fwhm / 2.3548
    return np.array([[0.8, 0, 0, sigma**2, 0, sigma**2], [0.2, 0, 0, 4 * sigma**2, 0, 4 * sigma**2]])


def difference(side: int, fwhm: float, r_half: float, n: float, q: float) -> tuple[float, float]:
    """Largest residual as a share of the peak, and the sum of all, for a galaxy of flux 1 at an angle."""
    shear, angle = (1.0 - q) / (1.0 + q), 0.7
    source = [0.3, -0.2, r_half, n, shear * np.cos(2 * angle), shear * np.sin(2 * angle)]
    got, want = ours(side, source, double(fwhm)), theirs(side, source, double(fwhm))
    return float(np.abs(got - want).max() / want.max()), float(np.abs(got - want).sum())


def by_galsim(patch: Patch, values: np.ndarray | None = None) -> np.ndarray:
    """The light (T, 64) of the galaxies of a patch of one square image, behind its round Gaussian PSF; other parameters than they have now, if given."""
    values = patch.parameters if values is None else values
    (exposure,) = patch.exposures
    side = int(exposure.x.max()) + 8
    params = galsim.GSParams(maximum_fft_size=16384)
    psf = galsim.Gaussian(sigma=float(np.sqrt(exposure.psf[0, 0, 3])), gsparams=params)
    total = galsim.ImageD(side, side, scale=1.0, xmin=0, ymin=0)
    for number, (x, y) in enumerate(exposure.position):
        dx, dy, r_half, n, g1, g2 = values[6 * number : 6 * number + 6]
        flux = values[patch.n_shapes + number]
        galaxy = galsim.Sersic(n, half_light_radius=r_half, flux=flux, gsparams=params).shear(g1=g1, g2=g2)
        seen = galsim.Convolve(galaxy, psf, gsparams=params)
        seen.drawImage(total, center=galsim.PositionD(x + dx, y + dy), add_to_image=True)
    return tiled(total.array)


def population(
    random: np.random.Generator,
    separation: float | None,
    snr: float,
    psf: float,
    bounds: dict[str, tuple[float, float]] | None = None,
    side: int = 48,
) -> Patch:
    """A galaxy, or two a separation apart [r_half of the first], behind a PSF of standard deviation `psf` [px]; `snr` is the mean of what each has alone."""
    shapes = [{name: random.uniform(*ends) for name, ends in SHAPES.items()} for _ in range(2)]
    angle, (x, y) = random.uniform(0.0, 2.0 * np.pi), side / 2 + random.uniform(-0.5, 0.5, 2)
    sources = [galaxy(x, y, 1000.0, **shapes[0])]
    if separation is not None:
        reach = separation * shapes[0]["rhalf"]
        sources.append(galaxy(x + reach * np.cos(angle), y + reach * np.sin(angle), 800.0, **shapes[1]))
    alone = [peak_snr(blank([each], side=side, psf=psf)) for each in sources]
    scale = snr / np.mean(alone)
    sources = [{**each, "flux": (scale * each["flux"][0],)} for each in sources]
    return blank(sources, side=side, psf=psf, bounds=bounds)
