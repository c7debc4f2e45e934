"""Interpixel capacitance from the noise of flats: what a pixel shares with its neighbours is seen twice.

The node of a pixel shows a fraction c of the signal of each of its four neighbours. Shot noise is independent from pixel to pixel; after the
coupling it is not, and the covariance C(dy, dx) of the difference of two flats is that of the kernel with itself:

| neighbour | C / S, with S the variance of the shot noise before the coupling |
|---|---|
| (0, 0) | (1 - 4c)^2 + 4 c^2 |
| (0, 1), (1, 0) | 2 c (1 - 4c) |
| (1, 1) | 2 c^2 |
| (0, 2), (2, 0) | c^2 |

The sum over all of them is S. c follows from the correlation r of nearest neighbours, the mean over both axes of C(0, 1) / C(0, 0):

    c = (1 + 4 r - (1 - 4 r^2)^1/2) / (8 + 20 r),

and with c the factor C(0, 0) / S that the noise of a pixel keeps. A photon transfer curve without it has a gain too high by S / C(0, 0).

Not modelled: a kernel that is not symmetric or depends on the signal; an excess noise that arises behind the coupling; diffusion of charge (it moves
whole electrons and leaves no covariance).

Source: Moore, Ninkov and Forrest 2006, doi:10.1117/1.2219103.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.coupling import noise_kept
from getframes.errors import ShapeError, require
from getframes.frame import lit_pixels, require_finite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from getframes.frame import Frame

    FrameLike = Frame | NDArray[Any]

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
"""Neighbours (dy, dx) that coupling makes a pixel correlate with; each stands for itself and its opposite."""


@dataclass(frozen=True)
class Coupling:
    """Interpixel coupling, measured.

    Attributes
    ----------
    ipc_coupling : float
        c, the fraction of the signal in each of the four neighbours; as in `CameraConfig`.
    error : float
        Its standard error.
    correlation : tuple of 6 floats
        C / C(0, 0) of the shot noise for `NEIGHBOURS`; beyond the first two they tell whether the kernel is the one assumed.
    noise_kept : float
        C(0, 0) / S: what multiplies the gain of a photon transfer curve that does not know of the coupling.
    """

    ipc_coupling: float
    error: float
    correlation: tuple[float, ...]
    noise_kept: float


def interpixel_coupling(flats: Iterable[FrameLike], *, read_variance_adu2: float = 0.0) -> Coupling:
    """Interpixel coupling from flats of one level.

    Parameters
    ----------
    flats : iterable of Frame or array (height, width)
        Two or more, below saturation, well above the read noise. Differences of neighbours in time are used, so that fixed patterns drop out.
    read_variance_adu2 : float
        Variance of a frame without light [ADU^2], read noise and quantization: it is not coupled.

    Raises
    ------
    DomainError
        If there are too few frames, a value is not finite, or there is no noise above the read noise.
    ShapeError
        If frames differ in shape, or are smaller than 8 x 8.
    """
    sums, differences = np.zeros(1 + len(NEIGHBOURS)), 0
    pixels = 0
    for one, two in pairwise(_checked(flats)):
        difference = one.astype(np.float64) - two
        sums += covariances(difference)
        differences += 1
        pixels = difference.size
    require(differences > 0, "", "interpixel_coupling flats", "at least 2 frames", differences)
    own, *shared = (sums / (2 * differences)).tolist()
    shot = own - read_variance_adu2
    require(shot > 0, "", "interpixel_coupling flats", "noisier than read_variance_adu2", shot)
    correlation = tuple(value / shot for value in shared)
    coupling = coupling_of((correlation[0] + correlation[1]) / 2.0)
    # Differences of neighbours in time share a frame: n of them tell as much as (n + 1) / 2 apart. dc/dr is 1/2 where c is small.
    error = 0.5 * own / shot / sqrt(2.0 * pixels * (differences + 1) / 2.0)
    return Coupling(coupling, error, correlation, noise_kept(coupling))


def coupling_of(correlation: float) -> float:
    """c of a correlation of nearest neighbours, at most 1/2."""
    r = min(correlation, 0.5)
    return (1.0 + 4.0 * r - sqrt(1.0 - 4.0 * r * r)) / (8.0 + 20.0 * r)


def covariances(difference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance of an image and its covariance with itself moved to each of `NEIGHBOURS`; the edges are left out."""
    centred = difference - difference.mean()
    centre = centred[2:-2, 2:-2]
    height, width = centred.shape
    moved = (centred[2 + dy : height - 2 + dy, 2 + dx : width - 2 + dx] for dy, dx in NEIGHBOURS)
    return np.array([float(np.mean(centre * centre)), *(float(np.mean(centre * other)) for other in moved)])


def _checked(flats: Iterable[FrameLike]) -> Iterable[NDArray[Any]]:
    shape = None
    for index, flat in enumerate(flats):
        pixels = lit_pixels(flat, f"flat {index}")
        require_finite(pixels, f"flat {index}")
        if min(pixels.shape) < 8 or (shape is not None and pixels.shape != shape):
            rule = "at least (8, 8)" if shape is None else str(shape)
            raise ShapeError(f"flat {index} must have shape {rule}, got {pixels.shape}")
        shape = pixels.shape
        yield pixels
