"""Galaxies drawn into images: Sersic profiles convolved with the PSF of the scene, and integrated over pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import deposit
from getframes.memory import require_memory
from getframes.scene.diffusion import DiffusedPSF
from getframes.scene.psf import PSF, ArrayPSF, NativePSF, native_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

SMALLEST_INDEX, LARGEST_INDEX = 0.5, 8.0
REACH_SIGMA = 4.5
OVERSAMPLING = 4
FIRST_REACH, FARTHEST_REACH = 16, 512  # pixels that a PSF of unknown reach is looked for in
SETTLED = 1e-4


@dataclass(frozen=True)
class Galaxies:
    """Galaxies on the pixel grid, arrays of shape `(n,)`.

    Attributes
    ----------
    x, y : array
        Centres [pixel].
    flux : array
        Total light.
    r_eff_px : array
        Half-light radius along the major axis [pixel]; 0 is a star.
    index : array
        Sersic n, in [0.5, 8].
    axis_ratio : array
        Minor over major axis, in (0, 1].
    angle_deg : array
        Angle of the major axis from +x towards +y [deg].
    """

    x: Column
    y: Column
    flux: Column
    r_eff_px: Column
    index: Column
    axis_ratio: Column
    angle_deg: Column

    def __getitem__(self, rows: Any) -> Galaxies:
        return Galaxies(*(np.ascontiguousarray(column[rows]) for column in self.columns()))

    def columns(self) -> tuple[Column, ...]:
        """The arrays, in the order of the attributes."""
        return (self.x, self.y, self.flux, self.r_eff_px, self.index, self.axis_ratio, self.angle_deg)


def deposit_galaxies(image: NDArray[Any], psf: PSF, galaxies: Galaxies, plate_scale: float) -> None:
    """Add galaxies to `image`, shape `(height, width)`, in place and in their order.

    Behind a Gaussian, elliptical Gaussian or Moffat PSF the convolution is analytic, of mixtures of Gaussians; behind
    any other PSF each galaxy takes a Fourier transform of its own.
    """
    plain, variance = (psf.psf, psf.variance_px2) if isinstance(psf, DiffusedPSF) else (psf, 0.0)
    mixture = None
    if isinstance(plain, NativePSF):
        mixture = plain.mixture(plate_scale, galaxies.x, galaxies.y)
    with native_pixels(image) as pixels:
        if mixture is not None:
            mixture.deposit(pixels, *galaxies.columns(), variance_px2=variance)
            return
        for row in range(galaxies.x.size):
            _transformed(pixels, plain, galaxies[row : row + 1], plate_scale, variance)


def _transformed(
    pixels: NDArray[Any], psf: PSF, galaxy: Galaxies, plate_scale: float, variance: float
) -> None:
    """One galaxy: the PSF on a finer grid, times the transform of the galaxy, which is known in closed form."""
    x, y, flux, r_eff, index, axis_ratio, angle = (float(column[0]) for column in galaxy.columns())
    if isinstance(psf, NativePSF) and psf.varies:
        psf = psf.at(x, y)
    shares = [(sigma * r_eff, share) for sigma, share in deposit.sersic(index) if share > 0.0]
    blur = REACH_SIGMA * math.sqrt(variance)
    own = REACH_SIGMA * max(sigma for sigma, _ in shares) + blur
    reach = min(math.ceil(own), 2 * max(pixels.shape)) + _reach(psf, plate_scale)
    column, row = round(x), round(y)
    if not (-reach <= column < pixels.shape[1] + reach and -reach <= row < pixels.shape[0] + reach):
        return
    size = _even_length(2 * reach + 1) * OVERSAMPLING
    require_memory((size, size), 40, "the transform of a galaxy")
    middle = size // OVERSAMPLING // 2
    stamp = _fine_stamp(psf, size, (middle + x - column, middle + y - row), plate_scale)
    light = np.fft.irfft2(
        np.fft.rfft2(stamp) * _transform(size, shares, axis_ratio, angle, variance), s=stamp.shape
    )
    coarse = size // OVERSAMPLING
    patch = light.reshape(coarse, OVERSAMPLING, coarse, OVERSAMPLING).sum(axis=(1, 3))
    _add(pixels, flux * np.maximum(patch, 0.0), (column - middle, row - middle))


def _transform(
    size: int, shares: list[tuple[float, float]], axis_ratio: float, angle: float, variance: float
) -> NDArray[np.float64]:
    """Of the galaxy and the charge diffusion, at the frequencies of the finer grid."""
    u = np.fft.rfftfreq(size) * OVERSAMPLING  # cycles a pixel
    v = np.fft.fftfreq(size)[:, None] * OVERSAMPLING
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    squared = (u * cosine + v * sine) ** 2 + (axis_ratio * (v * cosine - u * sine)) ** 2
    value = np.zeros_like(squared)
    for sigma, share in shares:
        value += share * np.exp(-2.0 * math.pi**2 * sigma**2 * squared)
    if variance > 0.0:
        value *= np.exp(-2.0 * math.pi**2 * variance * (u**2 + v**2))
    return value


def _fine_stamp(psf: PSF, size: int, place: tuple[float, float], plate_scale: float) -> NDArray[np.float64]:
    """The PSF at a place [pixel] of a stamp, on pixels of a quarter of the width."""
    if isinstance(psf, ArrayPSF):
        psf = ArrayPSF(np.kron(psf.kernel, np.ones((OVERSAMPLING, OVERSAMPLING))).astype(np.float64))
    stamp = np.zeros((size, size))
    x, y = (OVERSAMPLING * position + (OVERSAMPLING - 1) / 2.0 for position in place)
    psf.add_source(stamp, x, y, 1.0, plate_scale / OVERSAMPLING)
    return stamp


def _reach(psf: PSF, plate_scale: float) -> int:
    """Pixels that hold the light of a PSF: as it says, or where its sum settles."""
    if isinstance(psf, NativePSF):
        return math.ceil(psf.truncation_radius_arcsec(plate_scale) / plate_scale) + 1
    reach, before = FIRST_REACH, -1.0
    while reach < FARTHEST_REACH:
        stamp = np.zeros((2 * reach + 1, 2 * reach + 1))
        psf.add_source(stamp, float(reach), float(reach), 1.0, plate_scale)
        light = float(stamp.sum())
        if light - before <= SETTLED:
            return reach
        reach, before = 2 * reach, light
    return FARTHEST_REACH


def _even_length(least: int) -> int:
    """A length that transforms quickly."""
    power = 1 << max(least - 1, 1).bit_length()
    return min(length for length in (power, 3 * power // 4, 5 * power // 8) if length >= least)


def _add(pixels: NDArray[Any], patch: NDArray[np.float64], corner: tuple[int, int]) -> None:
    """Add the part of a patch that lies on the image."""
    (left, top), (height, width) = corner, pixels.shape
    columns = slice(max(left, 0), min(left + patch.shape[1], width))
    rows = slice(max(top, 0), min(top + patch.shape[0], height))
    if columns.start < columns.stop and rows.start < rows.stop:
        own = patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        pixels[rows, columns] += own.astype(pixels.dtype)
