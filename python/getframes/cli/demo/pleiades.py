"""`getframes demo`: the Pleiades, from a real catalog, through two cameras.

A 200 mm f/2.8 lens sees four degrees of sky; behind it a CCD exposes for seconds and an EMCCD for a tenth of
one. Every frame comes with its truth; a contact sheet shows both, and a table compares the noise of every
stage with what is predicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

    from getframes.cli.demo.pleiades_sheet import Taken
    from getframes.run_record import RunRecord
    from getframes.scene import Scene

name = "pleiades"
summary = "the Pleiades through two cameras, with a noise budget; the default"

PRESET: str | None = None
SEED = 45  # the number of the Pleiades in Messier's catalogue
CENTRE_DEG = 56.75, 24.1167
APERTURE_M, FOCAL_M = 0.0714, 0.2
THROUGHPUT = 0.8
PIXEL_UM = 13.0
SCALE_ARCSEC = 206264.806 * PIXEL_UM * 1e-6 / FOCAL_M
FWHM_PX = 2.0
SKY_MAG = 21.0
STARLESS = 0.01

SOURCE = (
    "The list is from Tycho-2 (Hog et al. 2000, doi:10.1051/0004-6361:20000862), which lacks Alcyone and "
    "Electra. Its magnitudes V_T are used as Johnson V; the two differ by up to about 0.1 mag."
)


@dataclass(frozen=True)
class Shot:
    """A camera, how long it looks, and by how much its seed is larger."""

    preset: str
    exposure_s: float
    later: int


NAMED = (
    ("Atlas", 57.2906, 24.0534, -1),
    ("Maia", 56.4567, 24.3678, -1),
    ("Merope", 56.5816, 23.9483, 1),
    ("Taygeta", 56.3021, 24.4673, 1),
)
"""Bright stars: name, RA and Dec [deg], and the side of the name."""

SHOTS = (Shot("andor_ikon_m934", 5.0, 0), Shot("andor_ixon_ultra_888", 0.1, 1))

MADE = (
    *(f"{shot.preset}.fits" for shot in SHOTS),
    "contact_sheet.png",
    "noise_budget.csv",
    "noise_budget.txt",
)

COMPARED = f"pixels on which stars add less than {STARLESS:.0%} to the sky"


def demonstrate(folder: Path, options: Namespace, record: RunRecord) -> str:
    """Make frames, contact sheet and noise budget."""
    from getframes.cli.budget_table import as_csv, as_text
    from getframes.cli.demo.pleiades_sheet import contact_sheet
    from getframes.io.atomic import write_text
    from getframes.picture.png import save_png

    seed: int = options.seed
    record.about["seeds"] = [seed + shot.later for shot in SHOTS]
    taken = [take(shot, seed + shot.later, folder, record) for shot in SHOTS]
    with record.step("picture", len(taken), "camera"):
        save_png(contact_sheet(taken, title(), SOURCE), folder / "contact_sheet.png")
    budgets = {each.frame.metadata["camera"]: each.budget for each in taken}
    text = "\n\n".join(as_text(camera, budget, COMPARED) for camera, budget in budgets.items())
    write_text(folder / "noise_budget.txt", f"{text}\n")
    write_text(folder / "noise_budget.csv", as_csv(budgets))
    return "\n".join([title(), SOURCE, "", text])


def title() -> str:
    """What is seen, and through what."""
    return (
        "The Pleiades from 926 stars of Tycho-2, through a 200 mm f/2.8 lens: "
        f"{SCALE_ARCSEC:.1f} arcsec/pixel, V, sky {SKY_MAG:g} mag/arcsec2"
    )


def pleiades_scene(shape: tuple[int, int]) -> Scene:
    """The cluster on a sensor of 13 um pixels behind the lens."""
    from getframes.scene import Bandpass, GaussianPSF, Scene, Sky, Telescope, WCSInfo, pleiades

    height, width = shape
    optics = Telescope(APERTURE_M, SCALE_ARCSEC, throughput=THROUGHPUT, band=Bandpass.johnson("V"))
    wcs = WCSInfo(*CENTRE_DEG, (width - 1) / 2, (height - 1) / 2, SCALE_ARCSEC)
    psf = GaussianPSF(FWHM_PX * SCALE_ARCSEC)
    return Scene(shape, optics, psf, [pleiades()], sky=Sky(SKY_MAG), wcs=wcs)


def take(shot: Shot, seed: int, folder: Path, record: RunRecord) -> Taken:
    """Expose, write the frame with its truth, and compare its noise with the prediction."""
    import numpy as np

    from getframes.analysis.noise_budget import noise_budget
    from getframes.camera import Camera
    from getframes.cli.demo.pleiades_sheet import Taken
    from getframes.noise.exposure import Exposure
    from getframes.noise.stream import seed_key

    camera = Camera.from_preset(shot.preset)
    with record.step("scene", 926, "star"):
        scene = pleiades_scene(camera.resolution)
        rate = scene.photon_rate_map()
    sky = scene.background_photon_rate()
    with record.step("simulate", 1, "frame"):
        frame = camera.observe(scene, shot.exposure_s, seed=seed)
    with record.step("write", 1, "file"):
        frame.to_fits(folder / f"{shot.preset}.fits", overwrite=True, truth=True)
    with record.step("noise budget", 1, "frame"):
        exposure = Exposure.checked(
            camera.config,
            camera.fixed_patterns,
            np.dtype(camera.precision),
            photon_rate=rate,
            exposure=shot.exposure_s,
            temperature=camera.default_temperature_c,
            background=sky,
        )
        budget = noise_budget(exposure, seed_key(seed), where=rate < STARLESS * sky)
    return Taken(frame, budget, named_stars(scene))


def named_stars(scene: Scene) -> tuple[tuple[str, float, float, int], ...]:
    """Name, column and row of the bright stars, and the side of the name."""
    assert scene.wcs is not None
    return tuple((star, *scene.wcs.world_to_pixel(ra, dec), side) for star, ra, dec, side in NAMED)
