"""Makes the pictures of the documentation: ``python docs/pictures.py [FOLDER]``.

They are committed, so that building the documentation needs neither the compiled kernels nor time.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from getframes import (
    Bandpass,
    Camera,
    ExtendedSource,
    GaussianPSF,
    MoffatPSF,
    Scene,
    Sky,
    Telescope,
    WCSInfo,
    pleiades,
)
from getframes.analysis import photon_transfer_curve
from getframes.noise import apply_em_gain

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


PICTURES = {
    "pleiades.png": pleiades_frame,
    "gain.png": gain_histograms,
    "galaxies.png": galaxies,
    "photon_transfer.png": photon_transfer,
    "calibration.png": calibrated_response,
    "ramp.png": ramps,
}


def main(folder: Path) -> None:
    """Write every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PICTURES.items():
        make().save(folder / name, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
