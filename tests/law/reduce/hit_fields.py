"""Star fields under cosmic rays, whose truth is known in every pixel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from getframes import Camera, Catalog, GaussianPSF, MoffatPSF, Scene, Telescope

SATURATION_ADU = 60_000.0


class Field(NamedTuple):
    """An exposure without its bias.

    Attributes
    ----------
    counts : array (height, width)
        [ADU], float32.
    charge_e : array (height, width)
        What cosmic rays left [e-].
    noise_e : array (height, width)
        Standard deviation of everything else [e-].
    gain_e_per_adu, read_noise_e : float
        Of the camera.
    """

    counts: np.ndarray
    charge_e: np.ndarray
    noise_e: np.ndarray
    gain_e_per_adu: float
    read_noise_e: float


def field(
    side: int = 512,
    *,
    fwhm_px: float = 2.5,
    moffat: bool = False,
    sky_e: float = 100.0,
    read_noise_e: float = 5.0,
    hits: float = 100.0,
    track_px: float = 10.0,
    brightest: float = 1000.0,
    seed: int = 1,
) -> Field:
    """A field with about `hits` hits and a star for every 600 pixels."""
    exposure_s, camera = 100.0, Camera.from_preset("generic_ccd")
    area_cm2 = (side * camera.config.pixel_size_um * 1e-4) ** 2
    camera = camera.with_config(
        resolution=(side, side),
        read_noise_e=read_noise_e,
        cosmic_ray_rate_per_cm2_s=hits / (area_cm2 * exposure_s),
        cosmic_ray_track_length_px=track_px,
    )
    rng = np.random.default_rng(seed)
    stars = side * side // 600
    places = {axis: rng.uniform(-5.0, side + 5.0, stars) for axis in "xy"}
    catalog = Catalog.from_columns({**places, "photon_rate": brightest ** rng.uniform(0.0, 1.0, stars)})
    psf = MoffatPSF(fwhm_px) if moffat else GaussianPSF(fwhm_px)
    scene = Scene((side, side), Telescope.unit(), psf, [catalog])
    background = sky_e / exposure_s / camera.config.quantum_efficiency
    layers = camera.layers(scene.photon_rate_map(), exposure_s, -20.0, background=background, seed=seed)
    config, frame = camera.config, layers.frame
    return Field(
        frame.data.astype(np.float32) - np.float32(config.bias_offset_adu),
        layers["cosmic_rays"] * config.gain_e_per_adu,
        np.sqrt(frame.truth.mean_electrons + read_noise_e**2),
        config.gain_e_per_adu,
        read_noise_e,
    )
