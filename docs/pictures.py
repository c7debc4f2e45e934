"""Makes the pictures of the documentation: ``python docs/pictures.py [FOLDER]``.

They are committed, so that building the documentation needs neither the compiled kernels nor time.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from getframes import (
    QE,
    SED,
    AiryPSF,
    Bandpass,
    Camera,
    ExtendedSource,
    FocalPlane,
    GaussianPSF,
    Illumination,
    LightCurve,
    MoffatPSF,
    Pointing,
    PointSource,
    Scene,
    Sky,
    Source,
    Telescope,
    UniformIllumination,
    WCSInfo,
    apply_charge_diffusion,
    combine,
    pleiades,
)
from getframes.analysis import photon_transfer_curve
from getframes.noise import apply_em_gain, apply_nonlinearity, block_sum, digitize, release_latent
from getframes.psfmatch import MatchConfig, ScenePSF, match_psf
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
from getframes.scene import FieldPolynomial

Pixels = NDArray[np.float64]
GAP = 8
INK, PAPER = 40, 255


def logarithmic(image: Pixels, low: float, high: float) -> Image.Image:
    """An image in grey between two levels, logarithmic; the first row is at the bottom."""
    scaled = np.log(np.clip(image, low, high) / low) / np.log(high / low)
    return Image.fromarray((255.0 * scaled[::-1]).astype(np.uint8))


def side_by_side(images: list[Image.Image]) -> Image.Image:
    """Images in a row."""
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    row = Image.new("L", (width, max(image.height for image in images)), PAPER)
    left = 0
    for image in images:
        row.paste(image, (left, 0))
        left += image.width + GAP
    return row


def stacked(images: list[Image.Image]) -> Image.Image:
    """Images below each other."""
    height = sum(image.height for image in images) + GAP * (len(images) - 1)
    column = Image.new("L", (max(image.width for image in images), height), PAPER)
    top = 0
    for image in images:
        column.paste(image, (0, top))
        top += image.height + GAP
    return column


def pleiades_frame() -> Image.Image:
    """The frame of the tutorial, and the expected charge behind it."""
    camera = Camera.from_preset("generic_ccd")
    height, width = camera.resolution
    wcs = WCSInfo(56.75, 24.12, (width - 1) / 2, (height - 1) / 2, plate_scale_arcsec_per_pixel=10.0)
    band = Bandpass.johnson("V")
    telescope = Telescope(0.1, 10.0, throughput=0.6, central_obstruction=0.3, band=band)
    scene = Scene(camera.resolution, telescope, GaussianPSF(20.0), [pleiades()], sky=Sky(20.5), wcs=wcs)
    frame = camera.observe(scene, 10.0, temperature=-20.0, seed=7)
    config = camera.config
    drawn = (frame.data - config.bias_offset_adu) * config.gain_e_per_adu
    part = np.s_[128:384, 128:384]
    shown = [np.asarray(image)[part] for image in (drawn, frame.truth.mean_electrons)]
    pictures = [logarithmic(image, 120.0, 5000.0) for image in shown]
    return side_by_side([picture.resize((384, 384), Image.Resampling.NEAREST) for picture in pictures])


def gain_histograms(size: tuple[int, int] = (640, 300)) -> Image.Image:
    """Distribution of the output of a few electrons at a gain of 100."""
    width, height = size
    left, bottom, top = 20, height - 24, 10
    picture = Image.new("L", size, PAPER)
    draw = ImageDraw.Draw(picture)
    edges = np.linspace(0.0, 1200.0, 121)
    across = left + (edges[:-1] + 5.0) / 1200.0 * (width - 2 * left)
    for electrons, shade in ((1, 30), (2, 80), (3, 120), (5, 160)):
        out = apply_em_gain(np.full((1000, 1000), float(electrons)), 100.0, rng=electrons)
        density = np.histogram(out, edges)[0] / out.size / 10.0
        up = bottom - density / 0.01 * (bottom - top)
        draw.line(list(zip(across.tolist(), up.tolist(), strict=True)), fill=shade, width=2)
        peak = int(np.argmax(density))
        draw.text((across[peak] + 12, up[peak] - 3), f"{electrons} e-", fill=shade, anchor="lb")
    draw.line((left, bottom, width - left, bottom), fill=INK)
    for tick in range(0, 1201, 200):
        x = left + tick / 1200.0 * (width - 2 * left)
        draw.line((x, bottom, x, bottom + 4), fill=INK)
        draw.text((x, bottom + 6), str(tick), fill=INK, anchor="ma")
    draw.text((width - left, bottom - 14), "output [e-]", fill=INK, anchor="ra")
    return picture


def binned_star() -> Image.Image:
    """A faint star in super pixels, of counts and of charge."""
    config = Camera.from_preset("generic_ccd").config.replace(resolution=(128, 128), read_noise_e=10.0)
    camera = Camera(config)
    star = Scene(
        camera.resolution, Telescope.unit(), GaussianPSF(8.0), [PointSource(63.5, 63.5, photon_rate=600.0)]
    )
    rate = star.photon_rate_map() / config.quantum_efficiency
    pictures = []
    for mode, reads in (("digital", 16), ("on_chip", 1)):
        frame = camera.expose(rate, 1.0, seed=4, binning=4, binning_mode=mode)
        charge = (frame.data - reads * config.bias_offset_adu) * config.gain_e_per_adu
        grey = np.clip((charge + 80.0) / 360.0, 0.0, 1.0) * 255.0
        shown = Image.fromarray(grey[::-1].astype(np.uint8))
        pictures.append(shown.resize((320, 320), Image.Resampling.NEAREST))
    return side_by_side(pictures)


def layers_of_a_frame() -> Image.Image:
    """What some stages added to a frame of bright and faint stars, and the frame."""
    config = Camera.from_preset("generic_ccd").config.replace(
        resolution=(160, 160),
        blooming=True,
        full_well_e=30_000.0,
        cti=5e-5,
        cosmic_ray_rate_per_cm2_s=15.0,
        cosmic_ray_track_length_px=14.0,
    )
    camera = Camera(config)
    rng = np.random.default_rng(5)
    at, flux = rng.uniform(8.0, 152.0, (40, 2)), np.geomspace(20.0, 60_000.0, 40)
    stars = [PointSource(x, y, photon_rate=rate) for (x, y), rate in zip(at, flux, strict=True)]
    scene = Scene(camera.resolution, Telescope.unit(), GaussianPSF(3.0), stars)
    layers = camera.layers(scene.photon_rate_map(), 20.0, background=3.0, seed=3)
    shown = [
        (layers["photo"] + layers["dark"], 300.0),
        (layers["shot"], 60.0),
        (layers["cosmic_rays"], 300.0),
        (layers["blooming"], 3000.0),
        (layers["cti"], 20.0),
        (layers.frame.data - config.bias_offset_adu, 300.0),
    ]
    pictures = []
    for layer, scale in shown:
        bent = np.arcsinh(10.0 * layer / scale) / np.arcsinh(10.0)
        lowest = -1.0 if (layer < 0.0).any() else 0.0
        grey = 255.0 * np.clip((bent - lowest) / (1.0 - lowest), 0.0, 1.0)
        pictures.append(
            Image.fromarray(grey[::-1].astype(np.uint8)).resize((240, 240), Image.Resampling.NEAREST)
        )
    return stacked([side_by_side(pictures[:3]), side_by_side(pictures[3:])])


class Plot:
    """Axes with ticks, to draw points and lines in."""

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        labels: tuple[str, str],
        *,
        logarithmic: bool = False,
    ) -> None:
        self.size, self.box, self.logarithmic = (640, 320), (56, 12, 624, 284), logarithmic
        self.x, self.y = x, y
        self.picture = Image.new("L", self.size, PAPER)
        self.draw = ImageDraw.Draw(self.picture)
        left, top, right, bottom = self.box
        self.draw.line((left, top, left, bottom, right, bottom), fill=INK)
        for tick in self._ticks(x):
            at = self._at(tick, y[0])
            self.draw.line((*at, at[0], at[1] + 4), fill=INK)
            self.draw.text((at[0], at[1] + 6), f"{tick:g}", fill=INK, anchor="ma")
        for tick in self._ticks(y):
            at = self._at(x[0], tick)
            self.draw.line((*at, at[0] - 4, at[1]), fill=INK)
            self.draw.text((at[0] - 7, at[1]), f"{tick:g}", fill=INK, anchor="rm")
        self.draw.text((right, bottom + 20), labels[0], fill=INK, anchor="ra")
        self.draw.text((left + 8, top), labels[1], fill=INK, anchor="la")

    def line(self, x: Pixels, y: Pixels, shade: int = INK) -> None:
        """A line through points."""
        self.draw.line([self._at(a, b) for a, b in zip(x, y, strict=True)], fill=shade, width=2)

    def points(self, x: Pixels, y: Pixels, shade: int = INK, radius: float = 2.5) -> None:
        """Dots."""
        for a, b in zip(x, y, strict=True):
            left, top = self._at(a, b)
            self.draw.ellipse((left - radius, top - radius, left + radius, top + radius), fill=shade)

    def text(self, x: float, y: float, words: str, shade: int = INK) -> None:
        """Words that begin at a point."""
        self.draw.text(self._at(x, y), words, fill=shade, anchor="lm")

    def _ticks(self, ends: tuple[float, float]) -> list[float]:
        if self.logarithmic:
            first, last = (round(float(np.log10(end))) for end in ends)
            return [10.0**power for power in range(first, last + 1)]
        return np.linspace(*ends, 6).tolist()

    def _at(self, x: float, y: float) -> tuple[float, float]:
        left, top, right, bottom = self.box
        along, up = (self._part(value, ends) for value, ends in ((x, self.x), (y, self.y)))
        return left + along * (right - left), bottom - up * (bottom - top)

    def _part(self, value: float, ends: tuple[float, float]) -> float:
        low, high = ends
        if self.logarithmic:
            return float(np.log(value / low) / np.log(high / low))
        return (value - low) / (high - low)


def photon_transfer() -> Image.Image:
    """Photon transfer curve of a camera, and the line that was fitted."""
    camera = Camera.from_preset("generic_scmos", seed=1).with_config(resolution=(256, 256))
    curve = photon_transfer_curve(camera, np.geomspace(3.0, 60_000.0, 24), seed=3)
    plot = Plot((1.0, 1e5), (1.0, 1e6), ("mean above bias [ADU]", "variance [ADU^2]"), logarithmic=True)
    signal = np.geomspace(1.0, 6e4, 100)
    read = (curve.read_noise_e / curve.gain_e_per_adu) ** 2 + 1.0 / 12.0
    plot.line(signal, read + signal / curve.gain_e_per_adu, 170)
    plot.line(signal, np.full(signal.size, read), 210)
    plot.points(curve.mean_adu - curve.bias_adu, curve.variance_adu2)
    plot.text(3.0, 2.2e5, f"slope 1/K: K = {curve.gain_e_per_adu:.3f} e-/ADU")
    plot.text(3.0, 8e4, f"intercept: read noise {curve.read_noise_e:.2f} e-")
    plot.text(3.0, 2.9e4, f"saturation: {curve.saturation}, {curve.full_well_adu:.0f} ADU")
    return plot.picture


def calibrated_response() -> Image.Image:
    """What a bent response takes away, before and after calibration."""
    camera = Camera.from_preset("generic_scmos", seed=1)
    camera = camera.with_config(resolution=(64, 64), nonlinearity=0.1, prnu=0.0)
    calibration, config = camera.calibration(1.0, 32, seed=2), camera.config
    plot = Plot((0.0, 35_000.0), (-0.025, 0.1), ("light [photons]", "missing signal"))
    light = np.linspace(500.0, 35_000.0, 70)
    frames = [camera.expose(rate, 1.0, seed=10 + i, include_truth=False) for i, rate in enumerate(light)]
    straight = (
        np.array([frame.data.mean() for frame in frames]) - calibration.dark_adu.mean()
    ) * config.gain_e_per_adu
    photons = np.array([calibration.to_photons(frame).mean() for frame in frames])
    plot.line(np.array([0.0, 35_000.0]), np.zeros(2), 210)
    plot.points(light, 1.0 - straight / config.quantum_efficiency / light, 150)
    plot.points(light, 1.0 - photons / light)
    return plot.picture


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


def galaxies(size: int = 96) -> Image.Image:
    """Sersic galaxies behind a Moffat PSF: n = 0.5, 1, 2.5 and 4, rounder from left to right."""
    panels = []
    for number, n in enumerate((0.5, 1.0, 2.5, 4.0)):
        source = ExtendedSource.sersic(
            x=size / 2,
            y=size / 2,
            photon_rate=1e5,
            n=n,
            r_eff_arcsec=8.0,
            ellipticity=0.6 - 0.15 * number,
            position_angle_deg=30.0,
        )
        rate = Scene((size, size), Telescope.unit(), MoffatPSF(2.5, 3.0), [source]).photon_rate_map()
        panels.append(logarithmic(rate, 1.0, 3e3).resize((2 * size, 2 * size), Image.Resampling.NEAREST))
    return side_by_side(panels)


def airy_galaxies(size: int = 96) -> Image.Image:
    """Behind the pattern of an obstructed aperture: a star, and galaxies of r_eff = 1, 3 and 9 pixels, as bright as it."""
    sources: list[Source] = [PointSource(x=size / 2, y=size / 2, photon_rate=1e5)]
    for r_eff in (1.0, 3.0, 9.0):
        sources.append(
            ExtendedSource.sersic(
                x=size / 2, y=size / 2, photon_rate=1e5, n=1.0, r_eff_arcsec=r_eff, ellipticity=0.5
            )
        )
    psf = AiryPSF(1.0, 4.0 / (180.0 * 3600.0 / math.pi), 0.3)
    scenes = [Scene((size, size), Telescope.unit(), psf, [source]) for source in sources]
    panels = [logarithmic(scene.photon_rate_map(), 0.1, 3e3) for scene in scenes]
    return side_by_side([panel.resize((2 * size, 2 * size), Image.Resampling.NEAREST) for panel in panels])


def ramps() -> Image.Image:
    """Mean of the reads of ramps above the bias, with what settles after a reset; thin lines are the charge."""
    camera = Camera.from_preset("generic_eapd", seed=1).with_config(
        resolution=(128, 128),
        bias_offset_adu=3000.0,
        readout_common_mode_noise_adu=200.0,
        readout_common_mode_correlation=0.95,
        ndr_reset_settling_input_e=100.0,
        ndr_reset_settling_scale_reads=1.5,
    )
    config, interval, length, count = camera.config, 0.1, 12, 36
    e_per_adu = config.gain_e_per_adu / config.em_gain
    plot = Plot((0.0, 4.5), (-200.0, 1300.0), ("time [s]", "mean of a read [e- at the input]"))
    for rate, shade in ((1000.0, 40), (400.0, 110), (0.0, 170)):
        frames = list(camera.nondestructive_series(rate, interval, count, length, seed=2))
        time = interval * (1.0 + np.arange(count, dtype=np.float64))
        level = np.array([(frame.data.mean() - config.bias_offset_adu) * e_per_adu for frame in frames])
        charge = np.array([frame.truth.mean_electrons.mean() for frame in frames if frame.truth is not None])
        for ramp in np.arange(count).reshape(-1, length):
            plot.line(time[ramp], charge[ramp], 210)
        plot.points(time, level, shade)
        plot.text(3.65, charge[-1], f"{rate:g} photons/s", shade)
    return plot.picture


def linear(image: Pixels, low: float, high: float, zoom: int = 1) -> Image.Image:
    """An image in grey between two levels, magnified; the first row is at the bottom."""
    scaled = np.clip((np.asarray(image, float) - low) / (high - low), 0.0, 1.0)
    picture = Image.fromarray((255.0 * scaled[::-1]).astype(np.uint8))
    return picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)


def detector(shape: tuple[int, int] = (160, 160), **figures: object) -> Camera:
    """A quiet detector with one effect."""
    quiet = {"read_noise_e": 3.0, "prnu": 0.0, "dark_current_nonuniformity": 0.0, "hot_pixel_fraction": 0.0}
    return Camera.from_preset("generic_ccd").with_config(resolution=shape, **{**quiet, **figures})


def star_field(shape: tuple[int, int], stars: list[tuple[float, float, float]], fwhm: float = 3.0) -> Pixels:
    """Stars (x, y, photons/s) on a faint sky."""
    sources = [PointSource(x, y, photon_rate=rate) for x, y, rate in stars]
    return Scene(shape, Telescope.unit(), GaussianPSF(fwhm), sources).photon_rate_map() + 20.0


def cosmic_rays() -> Image.Image:
    """Ten minutes in the dark: hits of single pixels, and tracks."""
    panels = []
    for length in (0.0, 15.0):
        figures = {"cosmic_ray_rate_per_cm2_s": 0.6, "cosmic_ray_track_length_px": length}
        panels.append(linear(detector(**figures).dark_frame(600.0, -60.0, seed=4).data, 380.0, 1500.0, 2))
    return side_by_side(panels)


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


def bloomed_stars() -> Image.Image:
    """Bright stars in wells that lose their excess, and in wells that let it flow."""
    light = star_field((160, 160), [(50.3, 60.2, 6e6), (100.8, 100.1, 1.5e6), (120.0, 40.0, 1e5)])
    panels = []
    for flows in (False, True):
        frame = detector(blooming=flows, bit_depth=18, full_well_e=5e4).expose(light, 1.0, seed=1)
        panels.append(logarithmic(frame.data, 400.0, 4e4).resize((320, 320), Image.Resampling.NEAREST))
    return side_by_side(panels)


def trails() -> Image.Image:
    """Single bright pixels without and with a hundred times the usual inefficiency; the register is below."""
    light = np.full((80, 80), 20.0)
    light[4::8, 4::8] = 5e3
    frames = (detector((80, 80), cti=cti).expose(light, 1.0, seed=1).data for cti in (0.0, 3e-3))
    return side_by_side([linear(frame, 380.0, 1500.0, 4) for frame in frames])


def coupled_pixels() -> Image.Image:
    """Single bright pixels, and what interpixel capacitance of 3 % makes of them."""
    light = np.full((40, 40), 20.0)
    light[::8, ::8] = 4e3
    frames = (detector((40, 40), ipc_coupling=c).expose(light, 1.0, seed=1).data for c in (0.0, 0.03))
    return side_by_side(
        [logarithmic(frame, 380.0, 3e3).resize((320, 320), Image.Resampling.NEAREST) for frame in frames]
    )


def dead_pixels() -> Image.Image:
    """A flat with dead pixels and columns."""
    camera = detector((160, 320), dead_pixel_fraction=0.004, bad_column_fraction=0.01)
    return linear(camera.flat_frame(2000.0, 1.0, seed=1).data, 300.0, 1700.0, 2)


def drifting_frames() -> Image.Image:
    """Sixteen biases with a common mode of 8 ADU RMS."""
    camera = detector((40, 40), readout_common_mode_noise_adu=8.0)
    frames = [frame.data for frame in camera.dark_series(0.0, 16, seed=1)]
    return side_by_side([linear(frame, 375.0, 425.0) for frame in frames])


def channel_noise() -> Image.Image:
    """Read noise of each pixel: eight channels, and a rise towards the edges."""
    camera = detector(
        (120, 240),
        readout_channel_count=8,
        read_noise_channel_nonuniformity=0.15,
        read_noise_edge_factor=2.0,
        read_noise_edge_scale_px=8.0,
    )
    return linear(np.asarray(camera.fixed_patterns.read_noise_sigma), 2.0, 6.0, 3)


def biases() -> Image.Image:
    """Plane and columns, channels, texture, and two edges."""
    parts: tuple[dict[str, object], ...] = (
        {"bias_structure_amplitude_adu": 25.0},
        {"bias_channel_spread_adu": 10.0, "readout_channel_count": 16},
        {"bias_pixel_spread_adu": 10.0},
        {"bias_edge_amplitude_adu": 25.0, "bias_edge_scale_px": 12.0, "bias_edge_axis": 1},
    )
    maps = [np.asarray(detector(**part).fixed_patterns.bias_structure) for part in parts]
    return side_by_side([linear(one, -30.0, 30.0) for one in [*maps, sum(maps)]])


def avalanche_noise() -> Image.Image:
    """Avalanche input noise of 0.5 e- at a gain of 2, against the gain, for three exponents."""
    gains = np.geomspace(2.0, 80.0, 12)
    plot = Plot((1.0, 100.0), (0.3, 300.0), ("gain", "noise behind the gain [e-]"), logarithmic=True)
    for exponent, shade in ((0.5, 170), (1.0, 40), (1.5, 110)):
        sigmas = []
        for gain in gains:
            camera = detector(
                (64, 64),
                sensor_type="EAPD",
                em_gain=float(gain),
                read_noise_e=0.0,
                avalanche_input_noise_e=0.5,
                avalanche_input_noise_reference_gain=2.0,
                avalanche_input_noise_gain_exponent=exponent,
                gain_e_per_adu=0.02,
                bias_offset_adu=30_000.0,
            )
            sigmas.append(camera.bias_frame(seed=1).data.std() * 0.02)
        plot.line(gains, 0.5 * gains * (gains / 2.0) ** (exponent - 1.0), 210)
        plot.points(gains, np.array(sigmas), shade)
        plot.text(20.0, 0.42 * 20.0 * 10.0 ** (exponent - 1.0) * 1.7, f"p = {exponent:g}")
    return plot.picture


def diffused_stars() -> Image.Image:
    """Light on 8 x 8 samples a pixel, before and after it spreads over 0.8 pixels, and the pixels that collect it."""
    samples, side = 8, 20
    rng = np.random.default_rng(2)
    fine = np.zeros((side * samples, side * samples))
    fine[rng.integers(16, 144, 9), rng.integers(16, 144, 9)] = 1e4
    spread = apply_charge_diffusion(fine, 0.8, oversampling=samples)
    images = [linear(fine, 0.0, 1e3, 2), linear(spread, 0.0, 250.0, 2)]
    images += [linear(block_sum(one, samples), 0.0, 1e4, 2 * samples) for one in (fine, spread)]
    return side_by_side([images[0], images[2], images[1], images[3]])


def afterglow() -> Image.Image:
    """A star, and five dark frames after it."""
    camera = detector((64, 64), persistence_fraction=0.06, persistence_decay=0.4)
    light = [star_field((64, 64), [(31.5, 31.5, 4e5)], 6.0), *[np.full((64, 64), 20.0)] * 5]
    latent, frames = np.zeros((64, 64)), []
    for number, rate in enumerate(light):
        signal = camera.expose(rate, 1.0, seed=number).truth.mean_photoelectrons
        released, latent = release_latent(latent, signal, camera.config)
        frames.append(camera.expose(rate, 1.0, extra_electrons=released, seed=number).data)
    return side_by_side(
        [logarithmic(frame, 395.0, 600.0).resize((128, 128), Image.Resampling.NEAREST) for frame in frames]
    )


def series() -> Image.Image:
    """Six frames of a dithered, drifting field; the star in the middle dims in two of them."""
    camera = Camera.from_preset("generic_ccd").with_config(resolution=(64, 64))
    transit = LightCurve.box(depth=0.9, t0=20.0, t1=40.0)
    stars = [
        PointSource(x, y, photon_rate=rate)
        for x, y, rate in ((16, 14, 900.0), (48, 22, 500.0), (22, 48, 1500.0))
    ]
    stars.append(PointSource(34, 32, photon_rate=3000.0, brightness=transit))
    scene = Scene((64, 64), Telescope.unit(), GaussianPSF(3.0), stars)
    pointing = Pointing(drift_arcsec_per_s=(0.12, 0.0), dither_arcsec=[(0.0, 0.0), (0.0, 5.0)])
    frames = camera.observe_series(scene, 10.0, 6, temperature=-40.0, pointing=pointing, seed=2)
    offset = camera.config.bias_offset_adu - 20.0
    shown = [logarithmic(frame.data - offset, 10.0, 5e3) for frame in frames]
    return side_by_side([image.resize((128, 128), Image.Resampling.NEAREST) for image in shown])


def light_and_charge() -> Image.Image:
    """Light on the detector, and the mean charge that pixels of unequal response make of it."""
    light = star_field((120, 160), [(40.0, 80.0, 2e4), (110.3, 50.7, 4e4)], 12.0)
    frame = detector((120, 160), prnu=0.1).expose(light, 10.0, seed=1)
    return side_by_side(
        [linear(light, 0.0, 200.0, 2), linear(frame.truth.mean_photoelectrons, 0.0, 1700.0, 2)]
    )


def folded_light() -> Image.Image:
    """A hot and a cool star at three wavelengths, and the frame of a camera that sees blue light badly."""
    wavelengths = np.array([400.0, 550.0, 700.0])
    shape, places = (96, 96), ((30.0, 48.0), (66.0, 48.0))
    spectra = [SED.blackbody(kelvin) for kelvin in (20_000.0, 3500.0)]
    weights = np.array([spectrum(wavelengths) / spectrum(550.0) for spectrum in spectra])
    stars = [star_field(shape, [(x, y, 1e4)], 14.0) - 20.0 for x, y in places]
    cube = np.tensordot(weights.T, np.array(stars), 1)
    curve = QE.from_arrays(wavelengths, [0.2, 0.9, 0.8])
    frame = detector(shape, qe_curve=curve).expose_spectral(cube, wavelengths, 10.0, seed=1)
    charge = (frame.data - 400.0) / 10.0
    return side_by_side([*(linear(light, 0.0, 90.0, 2) for light in cube), linear(charge, 0.0, 150.0, 2)])


def darks() -> Image.Image:
    """One minute in the dark at -40, -20 and 0 degrees, with hot pixels and glow at the edges."""
    camera = detector(
        (120, 120),
        dark_current_nonuniformity=0.2,
        hot_pixel_fraction=0.005,
        detector_glow_e_per_s=0.5,
        detector_glow_edge_scale_px=10.0,
    )
    return side_by_side(
        [linear(camera.dark_frame(60.0, t, seed=1).data, 380.0, 700.0, 2) for t in (-40.0, -20.0, 0.0)]
    )


def extra_charge() -> Image.Image:
    """A frame, and the same frame with charge of an earlier one in its pixels."""
    camera, light = detector(), star_field((160, 160), [(40.0, 110.0, 1e5)], 4.0)
    ghost = 0.02 * star_field((160, 160), [(110.0, 60.0, 1e6)], 14.0)
    frames = (camera.expose(light, 1.0, extra_electrons=left, seed=1).data for left in (0.0, ghost))
    return side_by_side([linear(frame, 380.0, 520.0, 2) for frame in frames])


def shot_noise() -> Image.Image:
    """Variance of a count of electrons against its mean."""
    camera = detector((100, 100), read_noise_e=0.0, gain_e_per_adu=1.0, bias_offset_adu=0.0, bit_depth=24)
    plot = Plot((0.01, 1e5), (0.01, 1e5), ("mean [e-]", "variance [e-^2]"), logarithmic=True)
    means = np.geomspace(0.02, 8e4, 24)
    efficiency = camera.config.quantum_efficiency
    frames = [camera.expose(mean / efficiency, 1.0, -90.0, seed=n).data for n, mean in enumerate(means)]
    plot.line(means, means, 180)
    plot.points(np.array([frame.mean() for frame in frames]), np.array([frame.var() for frame in frames]))
    return plot.picture


def clock_charge() -> Image.Image:
    """Biases of an EMCCD without and with 0.02 electrons a pixel of clock-induced charge."""
    camera = Camera.from_preset("generic_emccd").with_config(resolution=(120, 160))
    frames = (camera.with_config(clock_induced_charge_e=c).bias_frame(seed=1).data for c in (0.0, 0.02))
    bias = camera.config.bias_offset_adu
    return side_by_side([linear(frame, bias - 30.0, bias + 150.0, 2) for frame in frames])


def filling_well() -> Image.Image:
    """Charge that is held against the charge that light frees, for wells of 20 000 and 50 000 electrons."""
    plot = Plot((0.0, 1e5), (0.0, 6e4), ("freed [e-]", "held [e-]"))
    freed = np.linspace(500.0, 1e5, 60)
    for well, shade in ((2e4, 130), (5e4, 40)):
        camera = detector((16, 16), full_well_e=well, bit_depth=20)
        config = camera.config
        frames = [camera.expose(e / config.quantum_efficiency, 1.0, -60.0, seed=1).data.mean() for e in freed]
        plot.points(freed, (np.array(frames) - config.bias_offset_adu) * config.gain_e_per_adu, shade)
    return plot.picture


def bent_response() -> Image.Image:
    """Response of a well of 100 000 electrons: a straight line, one coefficient, and three."""
    plot = Plot((0.0, 1e5), (0.0, 1e5), ("charge [e-]", "response [e-]"))
    charge = np.linspace(0.0, 1e5, 100)
    plot.line(charge, charge, 200)
    curves: tuple[tuple[dict[str, object], int], ...] = (
        ({"nonlinearity": 0.1}, 110),
        ({"nonlinearity_coeffs": (0.1, 0.0, -0.35)}, 30),
    )
    for figures, shade in curves:
        config = detector(full_well_e=1e5, **figures).config
        plot.line(charge, apply_nonlinearity(charge[None], config)[0], shade)
    return plot.picture


def reset_biases() -> Image.Image:
    """Biases without and with a reset noise of 20 electrons."""
    frames = (detector((120, 160), reset_noise_e=e).bias_frame(seed=1).data for e in (0.0, 20.0))
    return side_by_side([linear(frame, 360.0, 440.0, 2) for frame in frames])


def noisy_pixels() -> Image.Image:
    """Read noise of each pixel of an sCMOS: a core, and a tail of pixels with random telegraph noise."""
    camera = detector(
        (120, 320), read_noise_nonuniformity=0.25, read_noise_rts_fraction=0.02, read_noise_rts_factor=3.0
    )
    return linear(np.asarray(camera.fixed_patterns.read_noise_sigma), 1.0, 9.0, 2)


def amplifier_blocks() -> Image.Image:
    """A flat read through two by four amplifiers."""
    camera = detector(
        (120, 320), amplifier_layout=(2, 4), amp_gain_nonuniformity=0.03, amp_offset_spread_adu=20.0
    )
    return linear(camera.flat_frame(1000.0, 1.0, seed=1).data, 850.0, 1150.0, 2)


def steps() -> Image.Image:
    """Counts against charge at 10 electrons per count, and the end of the converter."""
    config = detector(
        (1, 601), gain_e_per_adu=10.0, bias_offset_adu=2.0, read_noise_e=0.0, bit_depth=6
    ).config
    charge = np.linspace(0.0, 750.0, 601)
    plot = Plot((0.0, 750.0), (0.0, 80.0), ("charge [e-]", "counts [ADU]"))
    plot.line(charge, charge / 10.0 + 2.0, 200)
    plot.line(charge, digitize(charge[None], config, 1)[0].astype(float))
    return plot.picture


def fixed_maps() -> Image.Image:
    """Pixel response, dark signal with hot pixels, read noise, glow."""
    maps = detector(
        (140, 140),
        prnu=0.02,
        dark_current_nonuniformity=0.2,
        hot_pixel_fraction=0.005,
        read_noise_nonuniformity=0.3,
        read_noise_rts_fraction=0.01,
        detector_glow_e_per_s=0.1,
        detector_glow_edge_scale_px=12.0,
    ).fixed_patterns
    ranges = ((0.94, 1.06), (0.3, 2.5), (1.0, 8.0), (0.0, 4.0))
    shown = (maps.prnu_multiplier, maps.dark_multiplier, maps.read_noise_sigma, maps.glow_shape)
    return side_by_side([linear(np.asarray(one), *span) for one, span in zip(shown, ranges, strict=True)])


def explained_variance() -> Image.Image:
    """Variance after every stage of the example of `getframes explain`, predicted and drawn."""
    from getframes.analysis.noise_budget import noise_budget
    from getframes.config.experiment import read_experiment
    from getframes.noise.exposure import Exposure
    from getframes.noise.stream import seed_key

    experiment = read_experiment(Path(__file__).parents[1] / "configs" / "explain" / "detector.toml")
    camera, frame = Camera(experiment.camera), experiment.frame
    light = Exposure.checked(
        camera.config,
        camera.fixed_patterns,
        np.dtype(np.float64),
        photon_rate=frame.photon_rate,
        exposure=frame.exposure_s,
        temperature=frame.temperature_c,
    )
    rows = noise_budget(light, seed_key(frame.seed)).rows[2:]
    number = np.arange(1.0, len(rows) + 1.0)
    plot = Plot(
        (0.0, len(rows) + 1.0), (0.0, 4000.0), ("stage, from shot to digitize", "variance [e-^2, ADU^2]")
    )
    plot.line(number, np.array([row.predicted_variance for row in rows]), shade=150)
    plot.points(number, np.array([row.drawn_variance for row in rows]))
    return plot.picture


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


def matched_psfs() -> Image.Image:
    """A PSF at nine places, the kernels there, the PSF after matching, and a thousand times what is left."""
    places = [(x, y) for y in (40.0, 255.5, 471.0) for x in (40.0, 255.5, 471.0)]
    along = FieldPolynomial([[3.0, 0.5], [1.0, 0.3]], (255.5, 255.5), 255.5)
    source = ScenePSF(MoffatPSF(along, 3.5), side=41)
    target = ScenePSF(MoffatPSF(5.5, 3.0), side=41)
    result = match_psf(
        np.zeros((512, 512)), target, psf=source, config=MatchConfig(kernel_size=31, nodes=(6, 6))
    )
    achieved = result.matched.psf
    assert achieved is not None
    columns = [
        [source.stamp(*place) for place in places],
        [np.pad(result.kernel(*place), 5) for place in places],
        [achieved.stamp(*place) for place in places],
        [1000.0 * np.abs(achieved.stamp(*place) - target.stamp(*place)) for place in places],
    ]
    made = []
    for stamps in columns:
        mosaic = np.block([stamps[row : row + 3] for row in (0, 3, 6)])
        made.append(logarithmic(mosaic, 1e-5, 0.05).resize((246, 246), Image.Resampling.NEAREST))
    return side_by_side(made)


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


PICTURES = {
    "pleiades.png": pleiades_frame,
    "gain.png": gain_histograms,
    "galaxies.png": galaxies,
    "airy_galaxies.png": airy_galaxies,
    "series.png": series,
    "photon_transfer.png": photon_transfer,
    "binning.png": binned_star,
    "layers.png": layers_of_a_frame,
    "explain.png": explained_variance,
    "calibration.png": calibrated_response,
    "combine.png": combined_frames,
    "masters.png": shared_errors,
    "ramp.png": ramps,
    "photo.png": light_and_charge,
    "fold.png": folded_light,
    "dark.png": darks,
    "extra.png": extra_charge,
    "shot.png": shot_noise,
    "clock_induced_charge.png": clock_charge,
    "full_well.png": filling_well,
    "nonlinearity.png": bent_response,
    "reset_noise.png": reset_biases,
    "read_noise.png": noisy_pixels,
    "amplifier.png": amplifier_blocks,
    "digitize.png": steps,
    "pattern.png": fixed_maps,
    "cosmic_ray.png": cosmic_rays,
    "lacosmic.png": found_cosmic_rays,
    "blooming.png": bloomed_stars,
    "cti.png": trails,
    "ipc.png": coupled_pixels,
    "defects.png": dead_pixels,
    "common_mode.png": drifting_frames,
    "channels.png": channel_noise,
    "overscan.png": strips_of_a_frame,
    "bias_structure.png": biases,
    "avalanche_noise.png": avalanche_noise,
    "diffusion.png": diffused_stars,
    "matching.png": matched_psfs,
    "persistence.png": afterglow,
    "flat_scale.png": focal_plane_flats,
}


def main(folder: Path) -> None:
    """Write every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PICTURES.items():
        make().save(folder / name, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
