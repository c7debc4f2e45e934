"""A kernel on an exposure: image, variance and mask, and what is flagged.

image     m = K * i                 variance   v = K^2 * v, at the edge as in `getframes.psfmatch.variance`
mask      a plane is set where it had more than `mask_threshold` of the mass |K| of the kernel there
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from getframes.errors import require
from getframes.psfmatch.exposure import BAD, EDGE, Exposure
from getframes.psfmatch.kernel import VaryingKernel, border
from getframes.psfmatch.variance import propagated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.psfmatch.config import MatchConfig

_MASS_TOLERANCE = 1e-3
"""How well the mass of the kernel is known at each place."""


def applied(exposure: Exposure, kernel: VaryingKernel, config: MatchConfig) -> Exposure:
    """An exposure, convolved; without a PSF."""
    image = np.asarray(exposure.image)
    image = np.asarray(image, np.float32 if image.dtype == np.float32 else np.float64)
    lost = ~np.isfinite(image)
    variance = None if exposure.variance is None else np.ascontiguousarray(exposure.variance, image.dtype)
    if variance is not None:
        known = np.isfinite(variance)
        lowest = float(np.min(variance, initial=0.0, where=known))
        require(lowest >= 0, "Exposure", "variance", ">= 0", lowest)
        lost |= ~known
    planes = dict(exposure.planes)
    mask = np.zeros(exposure.shape, np.int32) if exposure.mask is None else np.array(exposure.mask, np.int32)
    if lost.any():
        planes.setdefault(BAD, _free_bit(planes))
        mask[lost] |= 1 << planes[BAD]
        image = np.where(lost, 0, image)
        variance = None if variance is None else np.where(lost, 0, variance)
    planes.setdefault(EDGE, _free_bit(planes))
    out = kernel.convolve(image, edge=config.edge)
    if variance is not None:
        variance = propagated(kernel, variance, config.edge)
    gone = _grown(mask, lost, kernel, config, planes)
    if gone.any():
        mask[gone] |= 1 << planes[BAD]
        out[gone] = np.nan
        if variance is not None:
            variance[gone] = np.nan
    for strip in border(exposure.shape, kernel.side):
        mask[strip] |= 1 << planes[EDGE]
    header = {} if exposure.header is None else exposure.header
    if isinstance(header, Mapping):
        header = header.copy() if hasattr(header, "copy") else dict(header)
        header["KERNSUM"] = kernel.sum
    return Exposure(out, None, variance, mask, planes, header)


def _grown(
    mask: NDArray[np.int32],
    lost: NDArray[np.bool_],
    kernel: VaryingKernel,
    config: MatchConfig,
    planes: Mapping[str, int],
) -> NDArray[np.bool_]:
    """Spreads the planes of a mask, in place; gives the pixels that too much of is lost."""
    present = int(np.bitwise_or.reduce(mask, axis=None))
    bits = [bit for name, bit in planes.items() if name not in config.no_grow_planes and present >> bit & 1]
    grown = {bit: (mask & (1 << bit)) != 0 for bit in bits}
    if not grown and not lost.any():
        return lost
    spread = kernel.mapped(lambda k: np.abs(k) / np.abs(k).sum(), _MASS_TOLERANCE)

    def reached(plane: NDArray[np.bool_]) -> NDArray[np.bool_]:
        share = spread.convolve(plane.astype(np.float32), edge="renormalize")
        return np.asarray(share > max(config.mask_threshold, _MASS_TOLERANCE))

    for bit, plane in grown.items():
        mask[reached(plane)] |= 1 << bit
    return reached(lost) if lost.any() else lost


def _free_bit(planes: Mapping[str, int]) -> int:
    taken = set(planes.values())
    return next(bit for bit in range(31) if bit not in taken)
