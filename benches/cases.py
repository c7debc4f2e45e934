"""What is timed: calls of the public interface, made with numpy and getframes alone.

Nothing here may know which installation it runs under: the interpreters of both sides execute this file.
getframes is imported where a case is prepared, so that the list of cases costs no import.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PRECISIONS = ("float32", "float64")
SIZES = {
    "andor_ikon_m934": (1024, 1024),
    "generic_scmos": (2048, 2048),
    "generic_emccd": (512, 512),
    "andor_ocam2k": (240, 240),
    "generic_cmos": (4096, 4096),
}
"""Cameras, and the height and width at which they are timed [pixel]; their own, but for the last."""
_TRACKS = {"cosmic_ray_rate_per_cm2_s": 5.0, "cosmic_ray_track_length_px": 20.0}
_SAPHIRA = "first_light_imaging_cred_one"
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ccd with cti": ("andor_ikon_m934", {"cti": 1e-5}),
    "ccd with ipc": ("andor_ikon_m934", {"ipc_coupling": 0.006}),
    "ccd with blooming": ("andor_ikon_m934", {"blooming": True}),
    "ccd with cosmic rays": ("andor_ikon_m934", _TRACKS),
    "ccd with all four": (
        "andor_ikon_m934",
        {"cti": 1e-5, "ipc_coupling": 0.006, "blooming": True, **_TRACKS},
    ),
    "scmos with ipc": ("generic_scmos", {"ipc_coupling": 0.006}),
    "eapd": (_SAPHIRA, {}),
    "eapd without coupling": (_SAPHIRA, {"ipc_coupling": 0.0}),
}
"""Cameras with stages that not every camera has: a preset of `SIZES` or at its own size, and what is changed."""
RATES = (1.0, 200.0)


class Ramp(NamedTuple):
    """How a camera is read without a reset between the reads."""

    shape: tuple[int, int]
    interval_s: float
    changes: dict[str, float]


_SHARED = {"reset_noise_e": 20.0, "read_noise_correlated_fraction": 0.3}
RAMPS = {
    "first_light_imaging_cred_one": Ramp((256, 320), 0.03, {}),
    "generic_cmos": Ramp((1024, 1024), 1.0, _SHARED),
}
READS = 16
FIELD = (2048, 2048)
FWHM_PX = 3.0
GALAXIES = 200
CHANNELS = 16
DATASET_SHAPE = (512, 512)
DATASET_FRAMES = 64

CONDITIONS = {
    "expose": f"rate map uniform in {RATES[0]:g} to {RATES[1]:g} photons/s/pixel, 1 s, `out=`, no truth",
    "variant": "`expose` as above of a camera with one more stage (`VARIANTS`), one pixel in 10 007 at three full wells",
    "binned": "`expose` as above in 2 x 2 super pixels, digital or on the chip, without `out=`",
    "workspace": "`expose` as above with `ipc_coupling` and a `DetectorWorkspace`",
    "dark_frame": "60 s at the default temperature of the camera",
    "to_photons": "`Calibration.to_photons` of counts uniform between the bias and full well, of a camera whose nonlinearity is "
    "undone, with a dark and, where it says so, a flat",
    "measure": "`stack_statistics` of 16 frames, `combine` of 9 by their median",
    "expose, truth attached": "the same light, without `out=`, with `include_truth=True`",
    "expose, truth read": "and then the three truth arrays are read",
    "ramp reads": f"{READS} reads of one ramp under the same light, no truth; per read and pixel; first_light_imaging_cred_one "
    "every 0.03 s, generic_cmos at 1024 x 1024 with reset noise and correlated read noise every second",
    "catalog": f"stars uniform over {FIELD[0]} x {FIELD[1]} pixels, 1 to 10000 photons/s each, "
    f"FWHM {FWHM_PX:g} pixels; `Catalog.from_table` of a dict of arrays, then `Scene.photon_rate_map`",
    "galaxies": f"{GALAXIES} `ExtendedSource.sersic`, n from 0.6 to 4, r_eff from 1 to 5 pixels, in 1024 x 1024 pixels behind a Moffat or "
    f"an Airy PSF of FWHM {FWHM_PX:g} pixels, `Scene.photon_rate_map`; the 2.x package does not convolve them",
    "expose_spectral": f"a cube of {CHANNELS} wavelengths and 1024 x 1024 pixels, folded with a QE curve, no truth; per pixel of the cube",
    "dataset": f"{DATASET_FRAMES} items of generic_ccd at {DATASET_SHAPE[0]} x {DATASET_SHAPE[1]}, float32, "
    "`random_star_fields` with its defaults, 30 s, `to_npz` into a new folder",
    "small": "`expose` as above of generic_ccd at 8 x 8: the overhead of a call",
}
"""What the first part of a case's name means."""


@dataclass(frozen=True)
class Prepared:
    """A call to time, and what has to be done after each one, untimed."""

    call: Callable[[], object]
    reset: Callable[[], None] | None = None


@dataclass(frozen=True)
class Case:
    """One thing to time.

    Attributes
    ----------
    name : str
        ``what/variant/...``.
    unit : str
        "ns/pixel", "us/star", "us/galaxy", "us" or "frames/s".
    count : float
        Pixels, stars, calls or frames of one call.
    prepare : callable
        Makes the call, untimed.
    target : float, optional
        How many times faster than the peer it has to be.
    """

    name: str
    unit: str
    count: float
    prepare: Callable[[], Prepared]
    target: float | None = None

    def value(self, seconds: float) -> float:
        """The time of one call [s] in the unit of the case."""
        if self.unit == "frames/s":
            return self.count / seconds
        return (
            seconds / self.count * {"ns/pixel": 1e9, "us/star": 1e6, "us/galaxy": 1e6, "us": 1e6}[self.unit]
        )


@dataclass(frozen=True)
class MemoryCase:
    """One thing whose peak memory is taken, in a process of its own.

    `run` calls the function that it is given twice: when all that is not to be counted is there (imports, the
    camera), and when the peak is behind it. It returns the bytes nobody can do without: inputs, outputs and
    fixed maps.
    """

    name: str
    run: Callable[[Callable[[], None]], int]


def camera(preset: str, precision: str) -> Any:
    """A camera of a preset, at the size at which it is timed."""
    import getframes

    made = getframes.Camera.from_preset(preset, precision=precision)
    size = SIZES.get(preset, made.resolution)
    return made if made.resolution == size else made.with_config(resolution=size)


def rate_map(shape: tuple[int, int], precision: str) -> Any:
    """Light on each pixel [photons / s], made without a second copy."""
    rate = np.random.default_rng(1).random(shape, dtype=np.dtype(precision).type)
    rate *= RATES[1] - RATES[0]
    rate += RATES[0]
    return rate


def expose(preset: str, precision: str) -> Prepared:
    """One frame of a rate map."""
    taken = camera(preset, precision)
    rate, out = rate_map(taken.resolution, precision), np.empty(taken.resolution, np.uint32)
    return Prepared(lambda: taken.expose(rate, 1.0, seed=1, include_truth=False, out=out))


def expose_with_truth(preset: str, precision: str, *, read: bool) -> Prepared:
    """One frame of a rate map with its truth attached, and read on request."""
    taken = camera(preset, precision)
    rate = rate_map(taken.resolution, precision)
    if not read:
        return Prepared(lambda: taken.expose(rate, 1.0, seed=1))

    def call() -> tuple[object, ...]:
        truth = taken.expose(rate, 1.0, seed=1).truth
        return truth.mean_electrons, truth.mean_photoelectrons, truth.photon_rate

    return Prepared(call)


def variant(name: str, precision: str) -> Prepared:
    """One frame of a camera with stages that not every camera has; one pixel in 10 000 overflows its well."""
    preset, changes = VARIANTS[name]
    taken = camera(preset, precision).with_config(**changes)
    rate, out = rate_map(taken.resolution, precision), np.empty(taken.resolution, np.uint32)
    rate.ravel()[::10_007] = 3.0 * taken.config.full_well_e
    return Prepared(lambda: taken.expose(rate, 1.0, seed=1, include_truth=False, out=out))


def binned(preset: str, mode: str, precision: str) -> Prepared:
    """One frame of a rate map in super pixels."""
    taken = camera(preset, precision)
    rate = rate_map(taken.resolution, precision)
    options = {"seed": 1, "include_truth": False, "binning": 2, "binning_mode": mode}
    return Prepared(lambda: taken.expose(rate, 1.0, **options))


def workspace(preset: str, precision: str) -> Prepared:
    """One frame of a camera whose pixels are coupled, in room that is there already."""
    import getframes

    taken = camera(preset, precision).with_config(ipc_coupling=0.005)
    rate, out = rate_map(taken.resolution, precision), np.empty(taken.resolution, np.uint32)
    options = {"seed": 1, "include_truth": False, "out": out, "workspace": getframes.DetectorWorkspace()}
    return Prepared(lambda: taken.expose(rate, 1.0, **options))


def dark_frame(preset: str, precision: str) -> Prepared:
    """One dark."""
    taken = camera(preset, precision)
    return Prepared(lambda: taken.dark_frame(60.0, seed=1))


def counts(camera: Any) -> Any:
    """Counts between the bias and full well [ADU]."""
    config = camera.config
    top = int(config.bias_offset_adu + 0.9 * config.full_well_e / config.gain_e_per_adu)
    rng = np.random.default_rng(3)
    return rng.integers(int(config.bias_offset_adu), top, camera.resolution).astype(np.uint32)


def to_photons(preset: str, precision: str, *, flat: bool) -> Prepared:
    """Counts of one frame to photons."""
    import getframes

    taken = camera(preset, precision)
    dark = np.full(taken.resolution, taken.config.bias_offset_adu + 1.0, precision)
    response = None
    if flat:
        response = 0.9 + 0.2 * np.random.default_rng(4).random(taken.resolution, np.dtype(precision).type)
    calibration = getframes.Calibration(taken.config, dark, flat=response)
    frame = counts(taken)
    return Prepared(lambda: calibration.to_photons(frame))


def measured(what: str) -> Prepared:
    """A stack of frames, measured or combined."""
    import getframes
    from getframes.analysis import stack_statistics

    taken = camera("andor_ikon_m934", "float64")
    frames = [frame.data for frame in taken.dark_series(60.0, 16, seed=1)]
    if what == "combine":
        return Prepared(lambda: getframes.combine(frames[:9]))
    return Prepared(lambda: stack_statistics(frames))


def ramp_reads(preset: str, precision: str) -> Prepared:
    """Reads of one ramp."""
    import getframes

    ramp, taken = RAMPS[preset], getframes.Camera.from_preset(preset, precision=precision)
    taken = taken.with_config(resolution=ramp.shape, **ramp.changes)
    rate = rate_map(taken.resolution, precision)

    def call() -> None:
        for _ in taken.nondestructive_series(
            rate, ramp.interval_s, READS, READS, seed=1, include_truth=False
        ):
            pass

    return Prepared(call)


def small(side: int) -> Prepared:
    """A frame so small that only the overhead is left."""
    import getframes

    taken = getframes.Camera.from_preset("generic_ccd").with_config(resolution=(side, side))
    rate, out = rate_map((side, side), "float64"), np.empty((side, side), np.uint32)
    return Prepared(lambda: taken.expose(rate, 1.0, seed=1, include_truth=False, out=out))


def star_table(count: int) -> dict[str, Any]:
    """Stars at random places, as columns."""
    rng = np.random.default_rng(2)
    height, width = FIELD
    return {
        "x": rng.uniform(-0.5, width - 0.5, count),
        "y": rng.uniform(-0.5, height - 0.5, count),
        "rate": rng.uniform(1.0, 1e4, count),
    }


def psf(name: str) -> Any:
    """A point spread function of `FWHM_PX`, at one arcsecond per pixel."""
    import getframes

    if name == "gaussian":
        return getframes.GaussianPSF(FWHM_PX)
    if name == "moffat":
        return getframes.MoffatPSF(FWHM_PX, beta=3.0)
    if name == "elliptical":
        return getframes.EllipticalGaussianPSF(1.2 * FWHM_PX, FWHM_PX / 1.2, 30.0)
    if name == "airy":  # FWHM = 1.029 wavelength / diameter
        return getframes.AiryPSF(1.029 * 550e-9 / math.radians(FWHM_PX / 3600.0), 550e-9)
    square = np.arange(-10.0, 11.0) ** 2
    return getframes.ArrayPSF(np.exp(-4.0 * math.log(2.0) / FWHM_PX**2 * np.add.outer(square, square)))


def rate_map_of(stars: dict[str, Any], shape: Any, precision: str) -> Any:
    """From columns of numbers to photons per second and pixel."""
    import getframes

    catalog = getframes.Catalog.from_table(stars, x="x", y="y", photon_rate="rate")
    scene = getframes.Scene(FIELD, getframes.Telescope.unit(), shape, [catalog])
    return scene.photon_rate_map(dtype=np.dtype(precision))


def catalog(name: str, count: int, precision: str) -> Prepared:
    """A rate map of many stars."""
    return Prepared(partial(rate_map_of, star_table(count), psf(name), precision))


def galaxies(shape: str, precision: str) -> Prepared:
    """A rate map of galaxies, each a source of its own."""
    import getframes

    rng = np.random.default_rng(5)
    sources = [
        getframes.ExtendedSource.sersic(
            x=float(x), y=float(y), photon_rate=1e3, n=float(n), r_eff_arcsec=float(r), ellipticity=float(e)
        )
        for x, y, n, r, e in rng.uniform([0, 0, 0.6, 1.0, 0.0], [1024, 1024, 4.0, 5.0, 0.7], (GALAXIES, 5))
    ]
    scene = getframes.Scene((1024, 1024), getframes.Telescope.unit(), psf(shape), sources)
    return Prepared(lambda: scene.photon_rate_map(dtype=np.dtype(precision)))


def expose_spectral(precision: str) -> Prepared:
    """One frame of a cube of light."""
    import getframes

    curve = getframes.QE.from_arrays([300.0, 500.0, 700.0], [0.2, 0.9, 0.4])
    taken = camera("andor_ikon_m934", precision).with_config(qe_curve=curve)
    cube = np.random.default_rng(6).random((CHANNELS, *taken.resolution), dtype=np.dtype(precision).type)
    wavelengths = np.linspace(320.0, 680.0, CHANNELS)
    return Prepared(lambda: taken.expose_spectral(cube, wavelengths, 10.0, seed=1, include_truth=False))


def star_pairs(frames: int) -> Any:
    """The data set that is written."""
    import getframes
    from getframes.dataset import pairs, random_star_fields

    taken = getframes.Camera.from_preset("generic_ccd", precision="float32").with_config(
        resolution=DATASET_SHAPE
    )
    return pairs(
        camera=taken, scenes=random_star_fields(frames, DATASET_SHAPE, seed=1), exposure=30.0, seed=2
    )


def dataset(frames: int) -> Prepared:
    """Frames and truth, made and written."""
    folder = tempfile.TemporaryDirectory(prefix="getframes-bench-")
    items, target = star_pairs(frames), Path(folder.name, "items")
    return Prepared(lambda: (folder, items.to_npz(str(target))), lambda: shutil.rmtree(target))


def dataset_ceiling(frames: int) -> Prepared:
    """The files of `dataset` written, checksummed and renamed, with nothing made."""
    folder = tempfile.TemporaryDirectory(prefix="getframes-bench-")
    target = Path(folder.name, "items")
    content = Path(star_pairs(1).to_npz(folder.name)[0]).read_bytes()

    def call() -> object:
        target.mkdir()
        for number in range(frames):
            unfinished = target / f"{number}.part"
            unfinished.write_bytes(content)
            hashlib.sha256(content).digest()
            os.replace(unfinished, target / f"{number}.npz")  # noqa: PTH105 - the bare call is the point
        return folder

    return Prepared(call, lambda: shutil.rmtree(target))


def expose_memory(precision: str, mark: Callable[[], None]) -> int:
    """One frame at 4096 x 4096, maps built on the way."""
    from getframes.noise import fixed_pattern_maps

    taken = camera("generic_cmos", precision)
    mark()
    rate, out = rate_map(taken.resolution, precision), np.empty(taken.resolution, np.uint32)
    taken.expose(rate, 1.0, seed=1, include_truth=False, out=out)
    mark()
    maps = fixed_pattern_maps(taken.config, float_dtype=np.dtype(precision))
    own = [one for one in maps if isinstance(one, np.ndarray) and 0 not in one.strides]
    return int(rate.nbytes + out.nbytes + sum(one.nbytes for one in own))


def catalog_memory(count: int, mark: Callable[[], None]) -> int:
    """A rate map of very many stars: the table, the catalog's own copy of it, and the map."""
    spread = psf("gaussian")
    mark()
    stars = star_table(count)
    image = rate_map_of(stars, spread, "float64")
    mark()
    return int(image.nbytes + 2 * sum(column.nbytes for column in stars.values()))


def _frame_cases() -> Iterator[Case]:
    for preset, shape in SIZES.items():
        for precision in PRECISIONS:
            single = precision == "float32"
            calls: list[tuple[str, Callable[..., Prepared], float | None]] = [
                ("expose", expose, 12.0 if single else 6.0),
                ("dark_frame", dark_frame, 12.0 if single else 4.0),
                ("expose, truth attached", partial(expose_with_truth, read=False), None),
                ("expose, truth read", partial(expose_with_truth, read=True), None),
            ]
            for what, prepare, target in calls:
                name = f"{what}/{preset}/{precision}"
                yield Case(name, "ns/pixel", math.prod(shape), partial(prepare, preset, precision), target)


def _variant_cases() -> Iterator[Case]:
    for name, (preset, _) in VARIANTS.items():
        for precision, target in {"float32": 8.0, "float64": 4.0}.items():
            pixels = math.prod(SIZES.get(preset, (256, 320)))
            yield Case(
                f"variant/{name}/{precision}", "ns/pixel", pixels, partial(variant, name, precision), target
            )


def _calibration_cases() -> Iterator[Case]:
    pixels = math.prod(SIZES["generic_scmos"])
    for precision, target in {"float32": 8.0, "float64": 4.0}.items():
        for what, flat in (("dark", False), ("dark and flat", True)):
            prepare = partial(to_photons, "generic_scmos", precision, flat=flat)
            yield Case(f"to_photons/generic_scmos, {what}/{precision}", "ns/pixel", pixels, prepare, target)
    for what, frames in (("stack", 16), ("combine", 9)):
        pixels = frames * math.prod(SIZES["andor_ikon_m934"])
        yield Case(f"measure/{what}", "ns/pixel", pixels, partial(measured, what))


def _ramp_cases() -> Iterator[Case]:
    for preset, ramp in RAMPS.items():
        for precision, target in (("float32", 8.0), ("float64", 4.0)):
            prepare = partial(ramp_reads, preset, precision)
            count = READS * math.prod(ramp.shape)
            yield Case(f"ramp reads/{preset}/{precision}", "ns/pixel", count, prepare, target)


def _readout_cases() -> Iterator[Case]:
    for precision, target in (("float32", 8.0), ("float64", 4.0)):
        for preset in ("andor_ikon_m934", "generic_emccd"):
            pixels = math.prod(SIZES[preset])
            # On the chip every pixel still draws its own charge and has its own well; no factor was promised for it.
            for mode, wanted in (("digital", target), ("on_chip", None)):
                prepare = partial(binned, preset, mode, precision)
                yield Case(f"binned/{preset} {mode}/{precision}", "ns/pixel", pixels, prepare, wanted)
        pixels = math.prod(SIZES["generic_scmos"])
        prepare = partial(workspace, "generic_scmos", precision)
        yield Case(f"workspace/generic_scmos/{precision}", "ns/pixel", pixels, prepare, target)


def _catalog_cases() -> Iterator[Case]:
    stars = [("gaussian", 100_000, {"float64": 30.0, "float32": 100.0})]
    stars += [
        (name, 10_000, {"float64": 20.0, "float32": 20.0})
        for name in ("moffat", "airy", "elliptical", "array")
    ]
    for name, count, targets in stars:
        for precision, target in targets.items():
            prepare = partial(catalog, name, count, precision)
            yield Case(f"catalog/{name} {count}/{precision}", "us/star", count, prepare, target)


def _light_cases() -> Iterator[Case]:
    for precision in PRECISIONS:
        for shape in ("moffat", "airy"):
            name = f"galaxies/{shape} {GALAXIES}/{precision}"
            yield Case(name, "us/galaxy", GALAXIES, partial(galaxies, shape, precision))
        pixels = CHANNELS * math.prod(SIZES["andor_ikon_m934"])
        name = f"expose_spectral/{CHANNELS} wavelengths/{precision}"
        target = {"float32": 8.0, "float64": 4.0}[precision]
        yield Case(name, "ns/pixel", pixels, partial(expose_spectral, precision), target)


TIMED = {
    case.name: case
    for case in (
        *_frame_cases(),
        *_variant_cases(),
        *_calibration_cases(),
        *_ramp_cases(),
        *_readout_cases(),
        *_catalog_cases(),
        *_light_cases(),
        Case("small/8 x 8", "us", 1, partial(small, 8)),
    )
}
"""Cases that are timed on both sides, by name."""

DATASET = Case("dataset/npz", "frames/s", DATASET_FRAMES, partial(dataset, DATASET_FRAMES))
"""Timed on both sides as well, with its ceiling."""

CEILING = Case("dataset/ceiling", "frames/s", DATASET_FRAMES, partial(dataset_ceiling, DATASET_FRAMES))
"""What writing alone allows."""

ALL = {**TIMED, DATASET.name: DATASET, CEILING.name: CEILING}

MEMORY = {
    case.name: case
    for case in (
        *(
            MemoryCase(f"memory/expose 4096 x 4096/{name}", partial(expose_memory, name))
            for name in PRECISIONS
        ),
        MemoryCase("memory/catalog 1000000 stars/float64", partial(catalog_memory, 1_000_000)),
    )
}
"""Cases whose peak memory is taken, by name."""

THREADED = (
    "expose/generic_cmos/float32",
    "expose/generic_cmos/float64",
    "dark_frame/generic_cmos/float32",
    "catalog/gaussian 100000/float32",
)
"""Timed cases that are also run on one and on two threads."""
