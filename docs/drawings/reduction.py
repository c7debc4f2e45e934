"""Pictures of raw frames reduced."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from detector import detector
from paper import GAP, INK, PAPER, Pixels, Plot, linear, logarithmic, side_by_side, stacked
from PIL import Image

from getframes import (
    Camera,
    FocalPlane,
    GaussianPSF,
    Illumination,
    PointSource,
    Scene,
    Telescope,
    UniformIllumination,
    combine,
)
from getframes.cli.demo.night import Night
from getframes.cli.demo.reduction import PRESET, SEED, reduce_night
from getframes.cli.demo.reduction_sheet import reduction_sheet
from getframes.reduce import (
    Flag,
    calibrate,
    master_bias,
    master_dark,
    measure_flat_levels,
    normalize_flats,
    subtract_overscan,
)
from getframes.reduce import cosmic_rays as find_cosmic_rays
from getframes.run_record import RunRecord


def combined_frames() -> Image.Image:
    """What a cosmic ray does to a clipped mean, and what uncertainties are worth, by number of frames."""
    rng, counts, shape = np.random.default_rng(1), np.arange(3, 26), (120, 120)
    moved: dict[str, list[float]] = {"std": [], "mad": []}
    worth: dict[str, list[float]] = {"mean": [], "median": [], "plain": []}
    for count in counts:
        frames = rng.normal(1000.0, 10.0, (count, *shape))
        hit = frames.copy()
        hit[count // 2] += 1000.0
        for clip, found in moved.items():
            master = combine(hit, method="sigma_clip", clip=clip).data
            found.append(float(np.median(np.abs(master - 1000.0)) / (10.0 / np.sqrt(count))))
        for method in ("mean", "median"):
            made = combine(frames, method=method)
            worth[method].append(float(made.uncertainty.mean() / (made.data - 1000.0).std()))
        worth["plain"].append(float(frames.std(axis=0).mean() / np.sqrt(count) / frames.mean(axis=0).std()))
    left = Plot((0.0, 30.0), (0.0, 70.0), ("frames", "shift by one cosmic ray [sigma]"))
    left.points(counts.astype(float), np.array(moved["std"]), 150)
    left.points(counts.astype(float), np.array(moved["mad"]))
    right = Plot((0.0, 30.0), (0.6, 1.1), ("frames", "reported over true sigma"))
    right.line(np.array([0.0, 30.0]), np.ones(2), 210)
    for name, shade in (("plain", 190), ("median", 120), ("mean", INK)):
        right.points(counts.astype(float), np.array(worth[name]), shade)
    return side_by_side([left.picture, right.picture])


def shared_errors() -> Image.Image:
    """Variance of darks that were calibrated with masters of three frames, against their exposure."""
    camera = Camera.from_preset("generic_ccd", seed=6)
    camera = camera.with_config(resolution=(256, 256), dark_current_e_per_s=0.0)
    bias = master_bias([camera.bias_frame() for _ in range(3)], method="mean")
    dark = master_dark([camera.dark_frame(60.0) for _ in range(3)], bias, method="mean")
    plot = Plot((0.0, 120.0), (10.0, 30.0), ("exposure [s]", "variance [ADU^2]"))
    exposures = np.linspace(0.0, 120.0, 61)
    shared, noise = float(np.mean(bias.uncertainty**2)), float(np.mean(dark.uncertainty**2))
    own = (camera.config.read_noise_e / camera.config.gain_e_per_adu) ** 2 + 1.0 / 12.0
    plot.line(exposures, own + shared + exposures**2 * noise, 180)
    plot.line(exposures, own + (1.0 - exposures / 30.0) * shared + exposures**2 * noise)
    some = exposures[::4]
    made = [calibrate(camera.dark_frame(t), bias=bias, dark=dark) for t in some]
    plot.points(some, np.array([np.mean(np.square(frame.data)) for frame in made]))
    plot.text(4.0, 27.5, "dots: measured; black: the uncertainty")
    plot.text(4.0, 26.0, "if bias and dark were independent", 150)
    return plot.picture


class StruckField:
    """Stars under cosmic rays without the bias [e-], and the charge that those left."""

    def __init__(self, fwhm_px: float, side: int = 400, hits: float = 80.0) -> None:
        area_cm2, exposure_s = (side * 13e-4) ** 2, 100.0
        figures = {"cosmic_ray_track_length_px": 10.0, "pixel_size_um": 13.0, "read_noise_e": 5.0}
        rate = hits / (area_cm2 * exposure_s)
        camera = detector((side, side), cosmic_ray_rate_per_cm2_s=rate, **figures)
        rng = np.random.default_rng(5)
        places = rng.uniform(0.0, side, (side * side // 600, 2))
        stars = [(x, y, 1000.0 ** rng.random()) for x, y in places]
        sources = [PointSource(x, y, photon_rate=rate) for x, y, rate in stars]
        light = Scene((side, side), Telescope.unit(), GaussianPSF(fwhm_px), sources).photon_rate_map()
        layers = camera.layers(light, exposure_s, -40.0, background=1.5, seed=2)
        gain = camera.config.gain_e_per_adu
        self.image = (layers.frame.data - float(camera.config.bias_offset_adu)) * gain
        self.charge = layers["cosmic_rays"] * gain
        self.strong = self.charge > 10.0 * np.sqrt(layers.frame.truth.mean_electrons + 25.0)
        around = np.pad(self.charge > 0.0, 1)
        self.touched = np.any([np.roll(around, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)], 0)

    def cleaned(self, sigma_clip: float = 4.5, object_limit: float = 5.0) -> tuple[Pixels, float, float]:
        """The image without hits; the part of the strong ones that is found; the part of what is found that is one or touches one."""
        frame = find_cosmic_rays(
            self.image, sigma_clip=sigma_clip, object_limit=object_limit, gain=1.0, read_noise=5.0
        )
        found = (frame.flags & Flag.COSMIC_RAY) != 0
        return frame.data, float(found[self.strong].mean()), float(self.touched[1:-1, 1:-1][found].mean())


def found_cosmic_rays() -> Image.Image:
    """A field before and after; completeness and purity against the threshold, and against the width of stars."""
    field = StruckField(2.5)
    part = np.s_[40:200, 40:200]
    pictures = [logarithmic(image[part], 60.0, 6000.0) for image in (field.image, field.cleaned()[0])]
    panels = side_by_side([picture.resize((316, 316), Image.Resampling.NEAREST) for picture in pictures])
    clips = np.linspace(3.0, 10.0, 15)
    scores = np.array([field.cleaned(clip)[1:] for clip in clips])
    limits = Plot((2.0, 12.0), (0.0, 1.25), ("sigma_clip", "part of the pixels"))
    for values, shade in zip(scores.T, (INK, 150), strict=True):
        limits.line(clips, values, shade)
        limits.points(clips, values, shade)
    limits.text(7.0, 0.3, "complete: found of those above 10 sigma")
    limits.text(7.0, 0.22, "pure: hit of those found", 150)
    widths = np.linspace(1.0, 3.0, 9)
    sharp = Plot((0.5, 3.0), (0.0, 1.25), ("FWHM of the stars [px]", "part that is hit of those found"))
    fields = [StruckField(width) for width in widths]
    for limit, shade in ((5.0, INK), (10.0, 150)):
        pure = np.array([each.cleaned(object_limit=limit)[2] for each in fields])
        sharp.line(widths, pure, shade)
        sharp.points(widths, pure, shade)
    sharp.text(2.2, 0.3, "object_limit = 5")
    sharp.text(2.2, 0.22, "object_limit = 10", 150)
    return stacked([panels, limits.picture, sharp.picture])


def focal_plane_flats() -> Image.Image:
    """Two flats of nine detectors with a dead amplifier, and the same over the scales of amplifiers and exposures; one is missing in the second."""
    config = detector(
        (64, 64), amplifier_layout=(2, 2), amp_gain_nonuniformity=0.04, dead_pixel_fraction=0.002
    ).config
    rng = np.random.default_rng(5)
    responses: list[float | tuple[float, ...]] = list(rng.uniform(0.75, 1.1, 9))
    responses[5] = (1.0, 1.0, 0.0, 1.0)
    plane = FocalPlane.grid(config, (3, 3), gap_mm=0.09, responses=responses)
    lamp = Illumination(
        photon_rate=20_000.0, drift=-0.05, vignetting=0.4, field_radius_mm=2.2, gradient_per_mm=(0.05, -0.02)
    )
    bias, missing = config.bias_offset_adu, [("D00", 7)]
    frames = list(plane.flats(lamp, 1.0, 8, missing=missing, temperature=-60.0, seed=1))
    records = measure_flat_levels(
        frames,
        bias=bias,
        sections=plane.sections,
        gain_e_per_adu=config.gain_e_per_adu,
        read_noise_e=config.read_noise_e,
    )
    scales = normalize_flats(list(records), camera=plane, level="amp", counts="pixels", sigma="sigma")
    rows = []
    for exposure in (0, 7):
        taken = {f.metadata["detector"]: f.data - bias for f in frames if f.metadata["exposure"] == exposure}
        flat = {name: image.astype(float) for name, image in taken.items()}
        for name, image in flat.items():
            for amplifier, section in plane.sections[name].items():
                image[section.slices] /= scales.by_detector[name, amplifier] * scales.by_exposure[exposure]
        before, after = (np.nan_to_num(plane.mosaic(images)) for images in (taken, flat))
        rows.append(side_by_side([linear(before, 1500.0, 12_000.0, 2), linear(after, 0.85, 1.15, 2)]))
    sheet = Image.new("L", (rows[0].width, 2 * rows[0].height + GAP), PAPER)
    for number, row in enumerate(rows):
        sheet.paste(row, (0, number * (row.height + GAP)))
    return sheet


def strips_of_a_frame() -> Image.Image:
    """A raw frame with strips of two amplifiers, and what is left of it when their level is taken off."""
    camera = Camera.from_preset("generic_ccd").with_config(
        resolution=(280, 280),
        amplifier_layout=(1, 2),
        amplifier_offsets_adu=(0.0, 40.0),
        readout_channel_count=280,
        readout_channel_axis=0,
        bias_channel_spread_adu=15.0,
        cti=1e-3,
        overscan={"columns": 24, "rows": 14},
        prescan={"columns": 12},
    )
    rng = np.random.default_rng(4)
    stars = [
        PointSource(*rng.uniform(0.0, 280.0, 2), photon_rate=float(rate))
        for rate in np.geomspace(2e3, 2e5, 40)
    ]
    scene = Scene(
        (280, 280), Telescope.unit(), GaussianPSF(3.0), sources=[UniformIllumination(300.0), *stars]
    )
    raw = camera.observe(scene, 1.0, seed=1)
    reduced = subtract_overscan(raw)
    level = float(np.median(reduced.data))
    bias = camera.config.bias_offset_adu
    grey = [
        Image.fromarray(np.clip(96.0 + (image[::-1] - middle) * 0.75, 0, 255).astype(np.uint8))
        for image, middle in ((raw.data.astype(float), bias + 0.4 * level), (reduced.data, level))
    ]
    return side_by_side(grey)


def reduced_night() -> Image.Image:
    """The sheet of `getframes demo --reduce`, at half its size."""
    with TemporaryDirectory() as folder:
        reduction = reduce_night(Night.of(PRESET, SEED), Path(folder), RunRecord("reduce"))
        sheet = reduction_sheet(reduction)
    return sheet.resize((sheet.width // 2, sheet.height // 2), Image.Resampling.LANCZOS)


PICTURES = {
    "combine.png": combined_frames,
    "masters.png": shared_errors,
    "lacosmic.png": found_cosmic_rays,
    "flat_scale.png": focal_plane_flats,
    "overscan.png": strips_of_a_frame,
    "reduction.png": reduced_night,
}
