"""`getframes demo --match`: the same stars behind a PSF that varies over the field and behind the one that is wanted; the first is matched to the second.

Both are exposed by a camera, each with noise of its own. If the match is right, and the variance that it propagates, then what is left between them is noise:
chi2 per pixel is 1, within an error that takes account of what neighbouring pixels of a convolved image share.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from getframes.psfmatch import Exposure, PsfMatchResult
    from getframes.run_record import RunRecord
    from getframes.scene import PSF

    Image = NDArray[np.float64]

name = "match"
summary = "a PSF that varies over the field, matched to one that does not"

PRESET: str | None = None
SEED = 1
SIDE = 512
EXPOSURE_S = 120.0
STARS = 300
WANTED_FWHM = 3.6
"""[arcsec]; a pixel has 1 arcsec."""
MADE: tuple[str, ...] = ("varying.fits", "wanted.fits", "matched.fits", "match.png", "nodes.png", "match.txt")


@dataclass(frozen=True, eq=False)
class Left:
    """What two images differ by.

    Attributes
    ----------
    pull : array (height, width)
        Difference over its standard deviation; NaN where one of them has no value.
    bright : array of bool (height, width)
        Where the stars are brighter than the sky.
    correlated : float
        How many pixels know as much as one would alone.
    """

    pull: Image
    bright: NDArray[np.bool_]
    correlated: float

    def chi2(self, where: NDArray[np.bool_]) -> tuple[float, float]:
        """Mean square of the pulls of some pixels, and the error of a mean of so many."""
        values = self.pull[where & np.isfinite(self.pull)]
        return float(np.mean(values**2)), float(np.sqrt(2.0 * self.correlated / values.size))

    @property
    def everywhere(self) -> NDArray[np.bool_]:
        """Every pixel."""
        return np.ones(self.pull.shape, bool)


def demonstrate(folder: Path, options: Namespace, record: RunRecord) -> str:
    """Expose twice, match, compare, draw."""
    from getframes.cli.demo.match_sheet import contact_sheet
    from getframes.cli.match import told
    from getframes.io.atomic import write_text
    from getframes.picture.png import save_png
    from getframes.psfmatch import match_psf, write_exposure

    seed: int = options.seed
    record.about["seed"] = seed
    with record.step("simulate", 2, "exposure"):
        varying, *_ = exposed(varying_psf(), seed, 0)
        wanted, truth, bright = exposed(wanted_psf(), seed, 1)
    with record.step("match", 1, "exposure"):
        result = match_psf(varying, wanted)
    with record.step("write", 3, "file"):
        for exposure, file in zip((varying, wanted, result.matched), MADE, strict=False):
            write_exposure(exposure, folder / file, overwrite=True)
    before, after = left(varying, wanted, bright), left(result.matched, wanted, bright, result)
    alone = left(result.matched, truth, bright, result)
    with record.step("picture", 2, "sheet"):
        save_png(contact_sheet(result, wanted, before, after), folder / "match.png")
        save_png(result.plot("nodes"), folder / "nodes.png")
    rows = {"as exposed": before, "matched": after, "matched, other without noise": alone}
    text = "\n".join([told(result), *figures(rows)])
    write_text(folder / "match.txt", f"{text}\n")
    return text


def varying_psf() -> PSF:
    """Sharp in the middle of the field, wider towards its edge and elongated along x to the right."""
    from getframes.scene import EllipticalGaussianPSF, FieldPolynomial

    middle = (SIDE - 1) / 2
    along = FieldPolynomial([[2.1, 0.0, 0.3], [0.3], [0.3]], (middle, middle), middle)
    across = FieldPolynomial([[2.1, 0.0, 0.3], [-0.1], [0.3]], (middle, middle), middle)
    return EllipticalGaussianPSF(along, across, 0.0)


def wanted_psf() -> PSF:
    """Round, and the same everywhere."""
    from getframes.scene import GaussianPSF

    return GaussianPSF(WANTED_FWHM)


def exposed(psf: PSF, seed: int, number: int) -> tuple[Exposure, Exposure, NDArray[np.bool_]]:
    """The stars behind a PSF in electrons, with their variance; the same without noise; and where they are brighter than the sky."""
    from getframes.camera import Camera
    from getframes.dataset import random_star_fields
    from getframes.psfmatch import Exposure, ScenePSF

    (scene,) = random_star_fields(1, (SIDE, SIDE), psf=psf, n_stars=STARS, seed=seed)
    camera = Camera.from_preset("generic_ccd", seed=seed).with_config(
        resolution=(SIDE, SIDE), hot_pixel_fraction=0.0
    )
    frame, config = camera.observe(scene, EXPOSURE_S, seed=2 * seed + number), camera.config
    assert frame.truth is not None
    # What is known for certain is taken from the truth: bias, mean dark, and the variance of each pixel.
    charge = np.asarray(frame.truth.mean_electrons, np.float64)
    dark = charge - frame.truth.mean_photoelectrons
    electrons = (frame.data - config.bias_offset_adu) * config.gain_e_per_adu - dark
    variance = charge + config.read_noise_e**2 + config.gain_e_per_adu**2 / 12.0
    scale = scene.optics.plate_scale_arcsec_per_pixel
    bright = scene.photon_rate_map() > scene.background_photon_rate()
    header = {"EXPTIME": EXPOSURE_S, "BUNIT": "electron"}
    model, light = ScenePSF(psf, scale, side=41), np.asarray(frame.truth.mean_photoelectrons, np.float64)
    taken = Exposure(electrons, model, variance, header=header)
    return taken, Exposure(light, model, np.zeros_like(light)), bright


def left(
    one: Exposure, other: Exposure, bright: NDArray[np.bool_], result: PsfMatchResult | None = None
) -> Left:
    """What an exposure differs from another by; a matched one has noise that neighbours share."""
    variance = one.variance + other.variance
    pull = (one.image - other.image) / np.sqrt(variance)
    share = 0.0 if result is None else float(np.nanmean(np.square(one.variance / variance)))
    return Left(pull, bright, 1.0 + share * (0.0 if result is None else neighbours(result)))


def neighbours(result: PsfMatchResult) -> float:
    """Sum of the squares of the correlations of a pixel with all others, which the kernel in the middle of the field makes."""
    from getframes.psfmatch.basis import full_convolution

    kernel = result.kernel((SIDE - 1) / 2, (SIDE - 1) / 2)
    shared = full_convolution(kernel, kernel[::-1, ::-1]) / np.sum(kernel**2)
    return float(np.sum(shared**2)) - 1.0


def figures(rows: Mapping[str, Left]) -> list[str]:
    """Lines of chi2 per pixel."""
    lines = ["", f"{'chi2 per pixel of the difference':<34}{'all':>18}{'on stars':>20}"]
    for words, rest in rows.items():
        chi2 = rest.chi2(rest.everywhere), rest.chi2(rest.bright)
        cells = [f"{value:.4f} +- {error:.4f}" for value, error in chi2]
        lines.append(f"{words:<34}{cells[0]:>18}{cells[1]:>20}")
    return lines
