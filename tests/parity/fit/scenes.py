"""Small scenes with everything in them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from getframes._native import fit as native
from getframes.reference.fit.likelihood import Scene

GALAXIES = {  # r_half [arcsec], n, g1, g2
    "disk": (0.5, 1.03, 0.2, -0.1),
    "round": (0.3, 3.97, 0.0, 0.0),
    "flat": (0.8, 0.504, -0.5, 0.3),
    "edge": (0.6, 2.0, 0.55, 0.0),
}


def scene(
    seed: int = 0, galaxies: tuple[str, ...] = ("disk", "round"), tiles: int = 1
) -> tuple[Scene, np.ndarray]:
    """Galaxies and a star in three exposures of two bands, of which one is flipped and rotated; and their shapes."""
    rng = np.random.default_rng(seed)
    sources, exposures = len(galaxies) + 1, 3
    angle = np.array([0.0, 0.4, 2.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    jacobian = turn @ np.array(
        [[[-2.5, 0.0], [0.0, 2.5]], [[4.0, 0.1], [0.0, 4.1]], [[-3.0, 0.3], [0.2, 3.0]]]
    )
    y, x, exposure = np.mgrid[:tiles, :tiles, :exposures].reshape(3, -1).astype(np.int32)
    psf = np.zeros((2, 3, 6))
    psf[0] = [
        [0.7, 0.0, 0.0, 0.3, 0.05, 0.25],
        [0.4, 0.1, -0.2, 1.4, -0.1, 1.9],
        [-0.1, 0.0, 0.3, 3.0, 0.0, 2.0],
    ]
    psf[1, :2] = [[0.8, 0.0, 0.1, 1.7, 0.2, 1.5], [0.2, 0.0, 0.0, 9.0, 1.0, 7.0]]
    shape = (len(x), 64)
    made = Scene(
        tile_x=108 - 4 * tiles + 8 * x,
        tile_y=-12 - 4 * tiles + 8 * y,
        tile_exposure=exposure,
        data=rng.normal(3.0, 2.0, shape),
        weight=rng.gamma(3.0, 0.1, shape) * (rng.random(shape) > 0.1),
        band=np.array([0, 1, 0], np.int32),
        flux_scale=np.array([1.0, 2.5, 0.7]),
        background=np.array([1, 0, 3], np.int32),
        kind=np.array([1] * len(galaxies) + [0], np.int32),
        position=np.array([107.5, -12.5]) + rng.uniform(-3.0, 3.0, (exposures, sources, 2)),
        jacobian=np.repeat(jacobian[:, None], sources, axis=1),
        psf_of=rng.integers(0, 2, (exposures, sources)).astype(np.int32),
        psf=psf,
        bands=2,
    )
    shapes = [number for name in galaxies for number in (*rng.normal(0.0, 0.2, 2), *GALAXIES[name])]
    return made, np.array([*shapes, *rng.normal(0.0, 0.2, 2)])


def likelihood(scene: Scene, **changed: object) -> native.Likelihood:
    """The kernel's, with some of its arguments changed."""
    arguments = {field.name: getattr(scene, field.name) for field in fields(scene)}
    return native.Likelihood(**(arguments | changed))
