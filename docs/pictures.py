"""Makes the pictures of the documentation: ``python docs/pictures.py [FOLDER]``.

They are committed, so that building the documentation needs neither the compiled kernels nor time.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from getframes import Bandpass, Camera, GaussianPSF, Scene, Sky, Telescope, WCSInfo, pleiades
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


PICTURES = {"pleiades.png": pleiades_frame, "gain.png": gain_histograms}


def main(folder: Path) -> None:
    """Write every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PICTURES.items():
        make().save(folder / name, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
