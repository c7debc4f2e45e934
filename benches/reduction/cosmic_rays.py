"""Contests of cosmic rays in one image, against astroscrappy with full and with separable medians."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from contest import OURS, Contest, Figure

GAIN, READ_NOISE_E, SATURATION_ADU = 1.5, 5.0, 60_000.0
FULL, SEPARABLE = "astroscrappy", "astroscrappy, sepmed=True"
MOST_DIFFERENT = 100.0  # pixels in a million


def field(folder: Path, quick: bool) -> None:
    """Stars of 2.5 pixels on a sky of 100 e-, 2000 cosmic rays of 10 pixels on average, without the bias."""
    from getframes import Camera, Catalog, GaussianPSF, Scene, Telescope

    side = 128 if quick else 2048
    camera = Camera.from_preset("generic_ccd")
    area_cm2 = (2048 * camera.config.pixel_size_um * 1e-4) ** 2
    camera = camera.with_config(
        resolution=(side, side),
        gain_e_per_adu=GAIN,
        read_noise_e=READ_NOISE_E,
        cosmic_ray_rate_per_cm2_s=20.0 / area_cm2,
        cosmic_ray_track_length_px=10.0,
    )
    rng = np.random.default_rng(1)
    count = side * side // 1500
    columns = {axis: rng.uniform(0.0, side, count) for axis in "xy"}
    stars = Catalog.from_columns({**columns, "photon_rate": 1000.0 ** rng.uniform(0.0, 1.0, count)})
    scene = Scene((side, side), Telescope.unit(), GaussianPSF(2.5), [stars])
    frame = camera.expose(scene.photon_rate_map(), 100.0, -20.0, background=1.5, seed=1)
    np.save(folder / "field.npy", frame.data.astype(np.float32) - np.float32(camera.config.bias_offset_adu))


def ours(folder: Path) -> Callable[[], Any]:
    """`getframes.reduce.cosmic_rays`: which pixels are hit."""
    from getframes.reduce import Flag, cosmic_rays

    image = np.load(folder / "field.npy")
    return lambda: (
        (
            cosmic_rays(image, gain=GAIN, read_noise=READ_NOISE_E, saturation=SATURATION_ADU).flags
            & Flag.COSMIC_RAY
        )
        != 0
    )


def theirs(separable: bool) -> Callable[[Path], Callable[[], Any]]:
    """`astroscrappy.detect_cosmics`: the same."""

    def side(folder: Path) -> Callable[[], Any]:
        import astroscrappy

        image = np.load(folder / "field.npy")
        settings = {"gain": GAIN, "readnoise": READ_NOISE_E, "satlevel": SATURATION_ADU * GAIN}
        return lambda: astroscrappy.detect_cosmics(image, sepmed=separable, cleantype="medmask", **settings)[
            0
        ]

    return side


def agreement(results: dict[str, Any], measured: dict[str, Any], quick: bool) -> list[Figure]:
    """On how many pixels the two differ, with the edges, which astroscrappy does not filter."""
    different = 1e6 * float((results[OURS] != results[FULL]).mean())
    met = different <= MOST_DIFFERENT
    return [Figure(f"differ from {FULL}", "of a million pixels", different, f"<= {MOST_DIFFERENT:g}", met)]


CONTESTS = (
    Contest(
        "cosmic rays in 2048 x 2048 float32",
        field,
        {OURS: ours, FULL: theirs(False), SEPARABLE: theirs(True)},
        {FULL: 3.0, SEPARABLE: 3.0},
        agreement,
    ),
)
