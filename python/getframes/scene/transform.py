"""Galaxies behind PSFs that are no mixtures of Gaussians, by Fourier transforms that all galaxies of a PSF share.

A galaxy has a transform in closed form. The PSF has one as well (Airy), or is drawn once for each size of stamp on a finer grid
and transformed; each galaxy then takes one inverse transform of its own, of the size that holds what is sharp: what is
wide, and the wings of an Airy pattern, are Gaussians (`getframes._native.deposit.Mixture`).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import deposit
from getframes.memory import require_memory
from getframes.scene.psf.airy import AiryPSF
from getframes.scene.psf.array import ArrayPSF
from getframes.scene.psf.stars import PSF, NativePSF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

OVERSAMPLING, OVERSAMPLING_OF_SHARP = 4, 8  # of drawn PSFs; sharp ones have light at higher frequencies
SHARP = 1.5  # second moment below which a PSF is sharp [pixel^2]
STAMP_PIXELS = 1 << 22  # that are held at a time
KEPT_VALUES = 1 << 20  # of a transform that is kept for the next galaxies
FIRST_REACH, FARTHEST_REACH = 16, 512  # pixels that a PSF of unknown reach is looked for in
SETTLED = 1e-4
HIDDEN = 1e-3  # error of the brightest pixel behind a Gaussian that hides a PSF


def deposit_transformed(
    pixels: NDArray[Any], psf: PSF, columns: tuple[Column, ...], plate_scale: float, variance: float
) -> None:
    """Add galaxies, columns as those of `Galaxies`, to a contiguous image, in their order; `variance` widens them [pixel^2]."""
    if isinstance(psf, NativePSF) and psf.varies:
        for row in range(columns[0].size):
            one = tuple(column[row : row + 1] for column in columns)
            there = psf.at(float(one[0][0]), float(one[1][0]))
            Transforms(there, plate_scale, variance).add(pixels, one)
    else:
        made = _kept(psf, plate_scale, variance) if isinstance(psf, NativePSF) else None
        (made or Transforms(psf, plate_scale, variance)).add(pixels, columns)


class Transforms:
    """A PSF at a plate scale [arcsec / pixel], and its transforms for stamps of any size.

    Parameters
    ----------
    psf : PSF
        One that does not change over the field.
    plate_scale : float
        [arcsec / pixel].
    variance : float
        Of a Gaussian that widens every source [pixel^2].
    """

    def __init__(self, psf: PSF, plate_scale: float, variance: float) -> None:
        self._psf, self._scale, self._variance = psf, plate_scale, variance
        self._transfers: dict[int, deposit.Transfer] = {}
        if isinstance(psf, AiryPSF):
            self._law = psf.wings(plate_scale)
        else:
            self._law, self._oversampling = _image_law(psf, plate_scale)

    def add(self, pixels: NDArray[Any], columns: tuple[Column, ...]) -> None:
        """Add galaxies to a contiguous image, in their order."""
        sides = self._law.sides(pixels.shape, columns, variance_px2=self._variance)
        ends = np.cumsum(sides.astype(np.int64) ** 2)
        first = 0
        while first < sides.size:
            before = int(ends[first - 1]) if first else 0
            last = max(int(np.searchsorted(ends, before + STAMP_PIXELS, side="right")), first + 1)
            some = tuple(column[first:last] for column in columns)
            stamps = self._stamps(sides[first:last], some)
            self._law.deposit(
                pixels, some, variance_px2=self._variance, sides=sides[first:last], stamps=stamps
            )
            first = last

    def _stamps(self, sides: NDArray[np.uintp], columns: tuple[Column, ...]) -> NDArray[np.float32]:
        """The stamps of some galaxies, one after the other."""
        ends = np.cumsum(sides.astype(np.int64) ** 2)
        stamps = np.empty(int(ends[-1]), np.float32)
        for side in sorted(set(sides.tolist()) - {0}):
            rows = np.flatnonzero(sides == side)
            own = tuple(column[rows] for column in columns)
            pairs = self._law.spectra(self._transfer(side), own, variance_px2=self._variance)
            spectra = pairs.view(np.complex64).reshape(rows.size, side, side // 2 + 1)
            made = np.fft.irfft2(spectra, s=(side, side))
            for row, stamp in zip(rows.tolist(), made, strict=True):
                stamps[ends[row] - side * side : ends[row]] = stamp.ravel()
        return stamps

    def _transfer(self, side: int) -> deposit.Transfer:
        if side not in self._transfers:
            require_memory((side, side), 24, "the transform of a galaxy")
            psf, scale = self._psf, self._scale
            if isinstance(psf, AiryPSF):
                pairs = psf.transfer(scale, side).astype(np.complex64)
            else:
                pairs = _drawn(psf, scale, side, self._oversampling).astype(np.complex64)
            transfer = deposit.Transfer(pairs.view(np.float32), side)
            if pairs.size > KEPT_VALUES:
                return transfer
            self._transfers[side] = transfer
        return self._transfers[side]


@lru_cache(maxsize=4)
def _kept(psf: NativePSF, plate_scale: float, variance: float) -> Transforms:
    """Those of a PSF that cannot change, for the next galaxies."""
    return Transforms(psf, plate_scale, variance)


def _image_law(psf: PSF, plate_scale: float) -> tuple[deposit.Mixture, int]:
    """How far a PSF reaches, its moments, and what hides the higher ones; and how finely it is to be drawn."""
    reach = _reach(psf, plate_scale)
    size = OVERSAMPLING * (2 * reach + 1)
    stamp = _fine(psf, plate_scale, size, OVERSAMPLING)
    place = (np.arange(size) - (size - 1) / 2.0) / OVERSAMPLING
    share = stamp / max(float(stamp.sum()), 1e-300)
    centre = (round(float(share.sum(axis=0) @ place), 9), round(float(share.sum(axis=1) @ place), 9))
    x, y = place - centre[0], (place - centre[1])[:, None]
    xx, xy, yy = (float((share * product).sum()) for product in (x * x, x * y, y * y))
    excess = abs(float((share * (x * x + y * y) ** 2).sum()) - 2.0 * (xx + yy) ** 2)
    narrowest = max((excess / (8.0 * HIDDEN)) ** 0.25, 2.0 * math.sqrt(max(xx, yy)))
    moments = (round(xx, 9), round(xy, 9), round(yy, 9))
    sharp = min(xx, yy) < SHARP
    law = deposit.Mixture.image(float(reach), centre, moments, round(narrowest, 9))
    return law, OVERSAMPLING_OF_SHARP if sharp else OVERSAMPLING


def _drawn(psf: PSF, plate_scale: float, side: int, oversampling: int) -> NDArray[np.complex128]:
    """The transform of a PSF and a pixel from a finer drawing, shape (m side, m side / 2 + 1)."""
    size = oversampling * side
    require_memory((size, size), 40, "the transform of a PSF")
    stamp = _fine(psf, plate_scale, size, oversampling)
    values = np.fft.rfft2(np.roll(stamp, oversampling // 2, axis=(0, 1)))
    for axis, count in ((0, size), (1, size // 2 + 1)):
        frequency = np.arange(count)
        turns = frequency[:, None] * np.arange(oversampling) / size
        pixel = np.exp(2j * np.pi * turns).mean(axis=1) * (1.0 - 2.0 * (frequency % 2))  # about the middle
        values *= pixel[:, None] if axis == 0 else pixel
    return values


def _fine(psf: PSF, plate_scale: float, size: int, oversampling: int) -> NDArray[np.float64]:
    """A PSF in the middle of `size` x `size` pixels of a finer grid."""
    stamp = np.zeros((size, size))
    if isinstance(psf, ArrayPSF):
        psf = ArrayPSF(psf.kernel.repeat(oversampling, axis=0).repeat(oversampling, axis=1))
    middle = (size - 1) / 2.0
    psf.add_source(stamp, middle, middle, 1.0, plate_scale / oversampling)
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
