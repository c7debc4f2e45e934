"""A made-up survey: stars and galaxies seen in several bands, by exposures that differ in all they can."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    from numpy.typing import NDArray

    from getframes.camera import Camera
    from getframes.fit import PsfMixture
    from getframes.fit.source import Rows
    from getframes.reduce import ReducedFrame
    from getframes.scene import Scene, Telescope, WCSInfo

    Numbers = NDArray[np.float64]
    Columns: TypeAlias = dict[str, NDArray[Any]]

CENTRE_DEG = 150.1, 2.2
APERTURE_M, THROUGHPUT = 1.8, 0.6
FLUX_ZERO_POINT = 23.9
"""AB magnitude of a microjansky."""
GALAXY_SHARE = 0.75
PSF_BETA = 3.5
PSF_GAUSSIANS = 3

FIT = """\
# A made-up field, its images, and the guesses that a fit begins with. truth.fits has what went in.
[catalog]
file = "catalog.fits"

[[images]]
file = "images/*.fits"
background = 1

[psf]
file = "psfs.h5"

[optimize]
visits = 2

[bounds]
rhalf = [0.15, 1.2]
sersic = [0.8, 4.0]
g1 = [-0.55, 0.55]
g2 = [-0.55, 0.55]

[sample]
draws = 150
warmup = 150
chains = 2

[output]
folder = "fit"
"""


@dataclass(frozen=True)
class Visit:
    """One exposure of the survey: a band, and how the sky falls on the sensor."""

    name: str
    band: str
    scale_arcsec: float
    rotation_deg: float
    fwhm_arcsec: float
    exposure_s: float
    sky_mag: float
    offset_arcsec: tuple[float, float] = (0.0, 0.0)


VISITS = (
    Visit("g1", "g", 0.20, 0.0, 0.75, 400.0, 21.3),
    Visit("g2", "g", 0.26, 31.0, 1.00, 250.0, 21.0, (1.3, -0.7)),
    Visit("r1", "r", 0.20, 90.0, 0.70, 300.0, 20.8, (-0.6, 0.9)),
    Visit("r2", "r", 0.26, -17.0, 0.90, 200.0, 20.6, (0.4, 1.1)),
    Visit("i1", "i", 0.20, 180.0, 0.65, 300.0, 19.6, (0.9, 0.3)),
    Visit("i2", "i", 0.30, 64.0, 0.85, 500.0, 19.4, (-1.2, -0.4)),
)
"""Different pixel scales, rotations, PSFs and depths."""


def draw_sources(number: int, side_arcsec: float, seed: int) -> Columns:
    """Stars and galaxies as columns of an input catalog (`getframes.fit.read_catalog`), fluxes in microjansky.

    Half of them come in pairs that overlap.
    """
    rng = np.random.default_rng(seed)
    galaxy = rng.random(number) < GALAXY_SHARE
    offset = rng.uniform(-0.5, 0.5, (number, 2)) * side_arcsec
    partner = np.arange(1, number, 4)
    turn = rng.uniform(0.0, 2.0 * math.pi, partner.size)
    apart = rng.uniform(0.8, 1.8, partner.size)
    offset[partner] = offset[partner - 1] + apart[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    offset = np.clip(offset, -0.5 * side_arcsec, 0.5 * side_arcsec)
    magnitude = rng.uniform(19.5, 22.0, number)
    colour = rng.normal([0.0, 0.5, 0.9], 0.25, (number, 3))
    flux = 10.0 ** (-0.4 * (magnitude[:, None] - colour - FLUX_ZERO_POINT))
    rhalf = np.where(galaxy, rng.uniform(0.35, 1.1, number), 0.0)
    ra_0, dec_0 = CENTRE_DEG
    dec = dec_0 + offset[:, 1] / 3600.0
    return {
        "id": np.arange(1, number + 1),
        "ra": ra_0 + offset[:, 0] / 3600.0 / math.cos(math.radians(dec_0)),
        "dec": dec,
        "rhalf": rhalf,
        "sersic": np.where(galaxy, rng.uniform(0.8, 4.0, number), 1.0),
        "q": np.where(galaxy, rng.uniform(0.4, 0.95, number), 1.0),
        "pa": np.where(galaxy, rng.uniform(0.0, 180.0, number), 0.0),
        "roi": np.where(galaxy, 1.2 + 2.0 * rhalf, 1.5),
        "kind": np.where(galaxy, "galaxy", "star"),
        **{band: flux[:, column] for column, band in enumerate(bands())},
    }


def bands() -> tuple[str, ...]:
    """The bands of the visits, each once."""
    return tuple(dict.fromkeys(visit.band for visit in VISITS))


def telescope_of(visit: Visit) -> Telescope:
    """The telescope in the band of a visit."""
    from getframes.scene import Bandpass, Telescope

    band = Bandpass.ab(visit.band)
    return Telescope(APERTURE_M, visit.scale_arcsec, throughput=THROUGHPUT, band=band)


def camera_of(visit: Visit, side_arcsec: float) -> Camera:
    """A CCD that sees the field and something around it, with cosmic rays."""
    from getframes.camera import Camera

    pixels = math.ceil((side_arcsec * 1.05 + 12.0) / visit.scale_arcsec / 8.0) * 8
    return Camera.from_preset("generic_ccd").with_config(
        resolution=(pixels, pixels),
        dark_current_e_per_s=0.0,
        hot_pixel_fraction=0.0,
        cosmic_ray_rate_per_cm2_s=0.05,
        cosmic_ray_track_length_px=4.0,
    )


def scene_of(visit: Visit, camera: Camera, sources: Columns) -> Scene:
    """The sky of a visit."""
    from getframes.scene import Catalog, MoffatPSF, Scene, Sky, WCSInfo

    middle = (camera.resolution[0] - 1) / 2
    ra, dec = (at + shift / 3600.0 for at, shift in zip(CENTRE_DEG, visit.offset_arcsec, strict=True))
    wcs = WCSInfo(ra, dec, middle, middle, visit.scale_arcsec, visit.rotation_deg)
    columns = {
        "ra": sources["ra"],
        "dec": sources["dec"],
        "magnitude": FLUX_ZERO_POINT - 2.5 * np.log10(sources[visit.band]),
        "r_eff": sources["rhalf"],
        "n": sources["sersic"],
        "ellipticity": 1.0 - sources["q"],
        "angle": angle_in_pixels(wcs, sources),
    }
    stars_and_galaxies = Catalog.from_table(
        columns,
        magnitude="magnitude",
        ra="ra",
        dec="dec",
        r_eff="r_eff",
        n="n",
        ellipticity="ellipticity",
        position_angle="angle",
    )
    psf = MoffatPSF(visit.fwhm_arcsec, PSF_BETA)
    return Scene(
        camera.resolution, telescope_of(visit), psf, [stars_and_galaxies], sky=Sky(visit.sky_mag), wcs=wcs
    )


def angle_in_pixels(wcs: WCSInfo, sources: Columns) -> Numbers:
    """Angle of the major axes from +x towards +y [deg], from those from north towards east."""
    pa, step = np.deg2rad(sources["pa"]), 0.1 / 3600.0
    ra, dec = sources["ra"], sources["dec"]
    x, y = wcs.world_to_pixel(ra, dec)
    x_1, y_1 = wcs.world_to_pixel(ra + step * np.sin(pa) / np.cos(np.deg2rad(dec)), dec + step * np.cos(pa))
    return np.asarray(np.mod(np.rad2deg(np.arctan2(y_1 - y, x_1 - x)), 180.0))


def electrons_per_microjansky(visit: Visit, camera: Camera) -> float:
    """Electrons of a source of one microjansky."""
    rate = telescope_of(visit).photon_rate_from_magnitude(FLUX_ZERO_POINT)
    return rate * camera.config.quantum_efficiency * visit.exposure_s


def observed(visit: Visit, camera: Camera, scene: Scene, seed: int) -> ReducedFrame:
    """The exposure, reduced: electrons with uncertainty, cosmic rays flagged, and a zero point."""
    from dataclasses import replace

    from getframes.reduce import calibrate, cosmic_rays

    raw = camera.observe(scene, visit.exposure_s, seed=seed)
    bias = np.full(camera.resolution, camera.config.bias_offset_adu)
    reduced = cosmic_rays(calibrate(raw, bias=bias, unit="electron"))
    zero_point = FLUX_ZERO_POINT + 2.5 * math.log10(electrons_per_microjansky(visit, camera))
    return replace(reduced, metadata={**reduced.metadata, "filter": visit.band, "ZEROPNT": zero_point})


def psf_of(visit: Visit) -> PsfMixture:
    """The PSF of a visit as a mixture, from a stamp on a finer grid."""
    from getframes.fit import fit_psf
    from getframes.scene import MoffatPSF

    fine, side = 2, 2 * 33
    stamp = np.zeros((side, side))
    psf, middle = MoffatPSF(visit.fwhm_arcsec, PSF_BETA), (side - 1) / 2
    psf.add_source(stamp, middle, middle, 1.0, visit.scale_arcsec / fine)
    return fit_psf(stamp, PSF_GAUSSIANS, oversampling=fine, enclosed=float(stamp.sum()))


def guessed(sources: Columns, seed: int) -> Columns:
    """What a detection might say of the sources: all somewhat wrong."""
    rng = np.random.default_rng([seed, 1])
    number, galaxy = len(sources["id"]), sources["rhalf"] > 0.0
    made = dict(sources)
    made["ra"] = sources["ra"] + rng.normal(0.0, 0.06, number) / 3600.0
    made["dec"] = sources["dec"] + rng.normal(0.0, 0.06, number) / 3600.0
    made["rhalf"] = np.where(
        galaxy, np.clip(sources["rhalf"] * np.exp(rng.normal(0.0, 0.2, number)), 0.3, 1.2), 0.0
    )
    made["sersic"] = np.where(galaxy, rng.uniform(1.2, 2.5, number), 1.0)
    made["q"] = np.where(galaxy, np.clip(sources["q"] + rng.normal(0.0, 0.1, number), 0.3, 0.95), 1.0)
    made["pa"] = np.mod(sources["pa"] + rng.normal(0.0, 15.0, number), 180.0)
    return made | {band: sources[band] * np.exp(rng.normal(0.0, 0.2, number)) for band in bands()}


def write_survey(folder: Path, sources: Columns, side_arcsec: float, seed: int) -> list[Path]:
    """Write images, PSFs, the catalog of guesses, the truth, and a fit file; the paths.

    Raises
    ------
    OutputError
        If something cannot be written.
    """
    from getframes.fit import write_psfs
    from getframes.io.atomic import make_folder, write_text

    images = make_folder(folder / "images")
    made = [images / f"{visit.name}.fits" for visit in VISITS]
    for number, (visit, path) in enumerate(zip(VISITS, made, strict=True)):
        camera = camera_of(visit, side_arcsec)
        frame = observed(visit, camera, scene_of(visit, camera, sources), seed + number)
        frame.to_fits(path, overwrite=True)
    write_psfs(folder / "psfs.h5", {f"{visit.name}.fits": psf_of(visit) for visit in VISITS}, overwrite=True)
    _write_table(sources, folder / "truth.fits")
    _write_table(guessed(sources, seed), folder / "catalog.fits")
    write_text(folder / "fit.toml", FIT)
    return [*made, *(folder / name for name in ("catalog.fits", "fit.toml", "psfs.h5", "truth.fits"))]


def _write_table(columns: Columns, path: Path) -> None:
    from astropy.table import Table

    from getframes.fit import read_catalog, write_catalog

    units = {"ra": "deg", "dec": "deg", "rhalf": "arcsec", "pa": "deg", "roi": "arcsec"}
    table = Table(columns, units=units | dict.fromkeys(bands(), "uJy"), meta={"BANDS": ",".join(bands())})
    write_catalog(read_catalog(table), path, overwrite=True)


def truth_of(folder: Path) -> tuple[Rows, tuple[str, ...]]:
    """The sources that went into a survey, with places from where its catalog has them (dra, ddec), and the bands."""
    from getframes.fit import read_catalog

    true, guess = (read_catalog(folder / f"{name}.fits") for name in ("truth", "catalog"))
    rows, reference = true.sources(), guess.sources()
    rows["dra"] = (rows["ra"] - reference["ra"]) * 3600.0 * np.cos(np.deg2rad(reference["dec"]))
    rows["ddec"] = (rows["dec"] - reference["dec"]) * 3600.0
    return rows, true.bands
