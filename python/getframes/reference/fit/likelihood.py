"""The model of every pixel, and the likelihood of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from getframes.reference.fit.gaussian import gaussian
from getframes.reference.fit.mixture import mixture

if TYPE_CHECKING:
    from collections.abc import Callable

    from getframes.reference.image import Image

SIDE = 8
GALAXY, STAR = 6, 2


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What `getframes._native.fit.Likelihood` is made of, under the same names; `bands` is a count."""

    tile_x: Image
    tile_y: Image
    tile_exposure: Image
    data: Image
    weight: Image
    band: Image
    flux_scale: Image
    background: Image
    kind: Image
    position: Image
    jacobian: Image
    psf_of: Image
    psf: Image
    bands: int

    def columns(self, shapes: Image) -> Image:
        """What each linear parameter adds to each pixel for a value of 1, shape (T * 64, L)."""
        fluxes = len(self.kind) * self.bands
        ends = np.cumsum(np.where(np.asarray(self.kind) == 1, GALAXY, STAR))
        first = fluxes + np.append(0, np.cumsum(self.background))
        columns = np.zeros((len(self.tile_x), SIDE * SIDE, int(first[-1])), np.asarray(shapes).dtype)
        for tile, exposure in enumerate(self.tile_exposure):
            x, y = self._pixels(tile)
            for source, numbers in enumerate(np.split(shapes, ends[:-1])):
                view = self.position[exposure, source], self.jacobian[exposure, source]
                psf = self.psf[self.psf_of[exposure, source]]
                light = sum(gaussian(row, x, y) for row in mixture(numbers, *view, psf[psf[:, 0] != 0.0]))
                number = source * self.bands + self.band[exposure]
                columns[tile, :, number] = self.flux_scale[exposure] * light
            plane = self._plane(exposure, x, y)[: self.background[exposure]]
            columns[tile, :, first[exposure] : first[exposure + 1]] = np.transpose(plane).reshape(64, -1)
        return columns.reshape(-1, columns.shape[-1])

    def model(self, shapes: Image, linear: Image) -> Image:
        """Counts, shape (T, 64)."""
        value: Image = (self.columns(shapes) @ linear).reshape(self.data.shape)
        return value

    def value(self, shapes: Image, linear: Image) -> complex:
        """-1/2 sum w (d - m)^2."""
        used = self.weight > 0.0
        residual = np.where(used, self.data, 0.0) - np.where(used, self.model(shapes, linear), 0.0)
        value: complex = -0.5 * (self.weight * residual**2).sum()
        return value

    def _pixels(self, tile: int) -> tuple[Image, Image]:
        rows, columns = np.divmod(np.arange(SIDE * SIDE), SIDE)
        return self.tile_x[tile] + columns, self.tile_y[tile] + rows

    def _plane(self, exposure: int, x: Image, y: Image) -> list[Image]:
        mine = np.flatnonzero(np.asarray(self.tile_exposure) == exposure)
        middle = (SIDE - 1) / 2.0
        return [
            np.ones(x.shape),
            x - (self.tile_x[mine] + middle).mean(),
            y - (self.tile_y[mine] + middle).mean(),
        ]


def complex_step(function: Callable[[Image], complex], at: Image, step: float = 1e-30) -> Image:
    """Slopes of a function that takes complex numbers: Im f(x + i h) / h, without the rounding of a difference."""
    steps = 1j * step * np.eye(len(at))
    return np.array([np.imag(function(at + row)) / step for row in steps])
