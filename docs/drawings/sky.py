"""Pictures of scenes: stars, galaxies, light that changes."""

from __future__ import annotations

import math

import numpy as np
from paper import linear, logarithmic, side_by_side
from PIL import Image

from getframes import (
    AiryPSF,
    Bandpass,
    Camera,
    ExtendedSource,
    GaussianPSF,
    LightCurve,
    MoffatPSF,
    Pointing,
    PointSource,
    Scene,
    Sky,
    Source,
    Telescope,
    WCSInfo,
    apply_charge_diffusion,
    pleiades,
)
from getframes.noise import block_sum


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


PICTURES = {
    "pleiades.png": pleiades_frame,
    "galaxies.png": galaxies,
    "airy_galaxies.png": airy_galaxies,
    "series.png": series,
    "diffusion.png": diffused_stars,
}
