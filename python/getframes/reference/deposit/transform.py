"""Galaxies behind an Airy pattern, by one Fourier transform of everything on a large square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from getframes.reference.deposit.galaxy import covariance
from getframes.reference.profile import sersic
from getframes.reference.profile.airy import transfer

if TYPE_CHECKING:
    from getframes.reference.deposit.galaxy import Galaxy
    from getframes.reference.image import Image


def behind_airy(
    shape: tuple[int, int],
    sources: Iterable[Galaxy],
    resolution_px: float,
    obstruction: float = 0.0,
    variance: float = 0.0,
    side: int = 768,
) -> Image:
    """Image of sources (x, y, flux, r_eff, n, axis ratio, angle) in pixels and degrees; a star has r_eff 0.

    `variance` [pixel^2] widens all of them. Light beyond the square of `side` pixels comes in again on the other side of it.
    """
    size = side * max(1, int(np.ceil(2.0 / resolution_px)))
    u, v = np.arange(size // 2 + 1) / side, np.fft.fftfreq(size, 1.0 / size)[:, None] / side
    behind = transfer(resolution_px * np.hypot(u, v), obstruction) * np.sinc(u) * np.sinc(v)
    spectrum = np.zeros(behind.shape, complex)
    for x, y, flux, r_eff, n, axis_ratio, angle in sources:
        own = covariance(r_eff, r_eff * axis_ratio, angle)
        shares = zip(*sersic(n), strict=True) if r_eff > 0.0 else [(0.0, 1.0)]
        galaxy = np.zeros(behind.shape)
        for sigma, share in shares:
            (xx, xy), (_, yy) = sigma**2 * own + variance * np.eye(2)
            galaxy += share * np.exp(-2.0 * np.pi**2 * (xx * u**2 + 2.0 * xy * u * v + yy * v**2))
        spectrum += flux * galaxy * np.exp(-2j * np.pi * (u * x + v * y))
    # On pixels `size / side` times finer the image is right between the pixels too; theirs are those of the coarse grid.
    fine = np.fft.irfft2(spectrum * behind, s=(size, size)) * (size / side) ** 2
    image: Image = fine[:: size // side, :: size // side][: shape[0], : shape[1]]
    return image
