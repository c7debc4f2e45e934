"""`getframes demo --fit`: a star and three galaxies in a heap, seen in three bands by six exposures that differ in all they can, taken apart again.

The exposures are simulated, reduced and written as FITS files; the fit begins with the files and a catalog of wrong guesses, and is compared with what went in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from getframes.cli.fit.made_up import Columns
    from getframes.fit import Patch, Posterior
    from getframes.run_record import RunRecord

    Numbers = NDArray[np.float64]

name = "fit"
summary = "a heap of blended sources taken apart, in three bands"

PRESET: str | None = None
SEED = 5
SIDE_ARCSEC = 8.0
DRAWS, WARMUP, CHAINS = 400, 200, 2
MADE: tuple[str, ...] = (
    *(f"images/{name}.fits" for name in ("g1", "g2", "r1", "r2", "i1", "i2")),
    "catalog.fits",
    "corner.png",
    "draws.h5",
    "fit.png",
    "fit.toml",
    "fit.txt",
    "psfs.h5",
    "truth.fits",
)

HEAP = {
    "east": [0.0, 1.25, -0.9, -0.5],
    "north": [0.0, 0.55, 1.0, -1.2],
    "magnitude": [20.4, 20.9, 21.3, 20.8],
    "rhalf": [0.75, 0.45, 0.6, 0.0],
    "sersic": [2.5, 1.0, 1.3, 1.0],
    "q": [0.65, 0.8, 0.5, 1.0],
    "pa": [40.0, 110.0, 165.0, 0.0],
    "colour": [0.9, 0.3, 0.5, 0.7],
}
"""Places from the middle [arcsec], magnitudes in r, shapes, and g - r, which is r - i as well."""


@dataclass(frozen=True, eq=False)
class Score:
    """A parameter of a source: what went in, what came out, and how far these are apart."""

    name: str
    truth: float
    median: float
    sigma: float

    @property
    def pull(self) -> float:
        """Difference in standard deviations."""
        return (self.median - self.truth) / self.sigma


def demonstrate(folder: Path, options: Namespace, record: RunRecord) -> str:
    """Simulate, fit, compare, draw."""
    from getframes.cli.demo.fit_sheet import contact_sheet, corner
    from getframes.cli.fit.made_up import write_survey
    from getframes.fit import sample
    from getframes.io.atomic import write_text
    from getframes.picture.png import save_png

    seed: int = options.seed
    record.about["seed"] = seed
    with record.step("simulate", 6, "exposure"):
        write_survey(folder, heap(), SIDE_ARCSEC, seed)
    with record.step("read", 6, "exposure"):
        patch = read_patch_of(folder, seed)
    with record.step("sample", CHAINS * DRAWS, "draw"):
        posterior = sample(patch, DRAWS, WARMUP, chains=CHAINS, seed=seed)
    posterior.to_hdf5(folder / "draws.h5", overwrite=True)
    model = patch.rendered(posterior.mean)
    chi2 = chi2_per_pixel(patch, model)
    scores = scored(patch, posterior, folder)
    with record.step("picture", 2, "sheet"):
        save_png(contact_sheet(patch, model, chi2), folder / "fit.png")
        save_png(corner(posterior, scores), folder / "corner.png")
    text = "\n".join(told(patch, posterior, chi2, scores))
    write_text(folder / "fit.txt", f"{text}\n")
    return text


def heap() -> Columns:
    """The sources as columns of an input catalog."""
    from getframes.cli.fit.made_up import CENTRE_DEG, FLUX_ZERO_POINT

    given = {key: np.array(values) for key, values in HEAP.items()}
    ra, dec = CENTRE_DEG
    magnitudes = {
        band: given["magnitude"] + step * given["colour"]
        for band, step in zip("gri", (1, 0, -1), strict=True)
    }
    star = given["rhalf"] == 0.0
    return {
        "id": np.arange(1, star.size + 1),
        "ra": ra + given["east"] / 3600.0 / math.cos(math.radians(dec)),
        "dec": dec + given["north"] / 3600.0,
        **{key: given[key] for key in ("rhalf", "sersic", "q", "pa")},
        "roi": np.full(star.size, 2.5),
        "kind": np.where(star, "star", "galaxy"),
        **{band: 10.0 ** (-0.4 * (mag - FLUX_ZERO_POINT)) for band, mag in magnitudes.items()},
    }


def read_patch_of(folder: Path, seed: int) -> Patch:
    """The heap as one patch, from the files."""
    from getframes.fit import Patcher, Region, read_catalog, read_exposure, read_psfs
    from getframes.fit.bounds import bounds_of, in_order

    catalog = read_catalog(folder / "catalog.fits")
    files = sorted((folder / "images").glob("*.fits"))
    images = [read_exposure(path, flux_unit=catalog.flux_unit, background=1) for path in files]
    patcher = Patcher(images, read_psfs(folder / "psfs.h5"), bands=catalog.bands)
    rows = catalog.sources()
    region = Region(id=0, seed=seed, ra=rows["ra"], dec=rows["dec"], radius=catalog.roi, sky=catalog.sky)
    return patcher.build_patch(region, rows, bounds=in_order(rows, *bounds_of({}, rows, catalog.bands)))


def chi2_per_pixel(patch: Patch, model: Sequence[Numbers]) -> float:
    """Mean of the squared residuals in standard deviations, over the pixels that count; `model` is that of each exposure."""
    pairs = zip(patch.exposures, model, strict=True)
    squares = (np.sum(seen.weight * (seen.data - made) ** 2) for seen, made in pairs)
    return float(sum(squares) / patch.n_pixels)


def scored(patch: Patch, posterior: Posterior, folder: Path) -> list[Score]:
    """Every parameter of the sources against the truth."""
    from getframes.cli.fit.made_up import truth_of
    from getframes.fit.source import parameters_of

    truth, _ = truth_of(folder)
    assert (truth["id"] == patch.sources["id"]).all()
    middle, sigma = posterior.percentiles((50.0,))[0], posterior.sigma
    values = zip(patch.names, parameters_of(truth), middle, sigma, strict=False)
    return [Score(name, float(true), float(median), float(wide)) for name, true, median, wide in values]


def told(patch: Patch, posterior: Posterior, chi2: float, scores: list[Score]) -> list[str]:
    """The table of the parameters, and how far the fit can be trusted."""
    pulls = np.array([score.pull for score in scores])
    worst = int(np.abs(pulls).argmax())
    pixels = patch.n_pixels
    lines = [
        f"{len(patch.sources)} sources in {len(patch.exposures)} exposures, {pixels} pixels, {len(posterior.names)} parameters",
        f"chi2 per pixel {chi2:.4f} +- {math.sqrt(2.0 / pixels):.4f}",
        f"R-hat at most {posterior.rhat.max():.3f}, {posterior.ess_bulk.min():.0f} effective draws at least, {posterior.divergences} divergences",
        f"pulls: rms {np.sqrt(np.mean(pulls**2)):.2f} of {pulls.size}, largest {pulls[worst]:+.2f} of {scores[worst].name}",
        *posterior.problems(),
        "",
        f"{'parameter':<12}{'truth':>12}{'median':>12}{'sigma':>12}{'pull':>8}",
    ]
    return lines + [
        f"{s.name:<12}{s.truth:12.5g}{s.median:12.5g}{s.sigma:12.2g}{s.pull:8.2f}" for s in scores
    ]
