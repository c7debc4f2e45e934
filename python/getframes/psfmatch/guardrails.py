"""What is told about a match that may be a bad one."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from getframes.errors import DomainError
from getframes.psfmatch.basis import NodeKernel, relative_residual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.psfmatch.config import MatchConfig
    from getframes.psfmatch.kernel import VaryingKernel
    from getframes.psfmatch.stamps import Stamps

    Stamp = NDArray[np.float64]

_NARROWER = 0.99
_LESS_GOOD, _LEAST_TOLD = 10.0, 1e-3
"""How much larger than at the nodes a residual elsewhere has to be, and how large, to be told."""


def warn_of_deconvolution(source: Stamp, target: Stamp) -> None:
    """Where the reference is narrower in some direction."""
    ours, wanted = _moments(source), _moments(target)
    # Along the direction in which the reference is narrowest compared with the image.
    ratio = float(np.linalg.eigvals(np.linalg.solve(ours, wanted)).real.min())
    if ratio < _NARROWER:
        _warn(
            f"the reference PSF is narrower than that of the exposure ({np.sqrt(ratio):.3f} of its width in some direction): "
            "matching has to deconvolve, which amplifies noise"
        )


def warn_of_size(config: MatchConfig, source: Stamp, target: Stamp) -> None:
    """Where a given kernel is smaller than eight of its standard deviations."""
    wanted = least_side(source, target)
    if config.kernel_size is not None and config.kernel_size < wanted:
        _warn(
            f"a kernel of {config.kernel_size} px is smaller than eight of its standard deviations, {wanted} px: such kernels look boxy"
        )


def warn_of_gain(nodes: Sequence[NodeKernel], config: MatchConfig) -> None:
    """Where the noise gain had to be bounded, or is above its bound."""
    bounded = [node for node in nodes if node.ridge > config.ridge]
    if bounded:
        worst = max(bounded, key=lambda node: node.residual)
        _warn(
            f"the noise gain was bounded to {config.max_noise_gain:g} at {len(bounded)} of {len(nodes)} nodes; "
            f"the residual there is up to {worst.residual:.2g} of the PSF, at (x, y) = ({worst.x:.0f}, {worst.y:.0f})"
        )
    noisy = max(nodes, key=lambda node: node.noise_gain)
    if noisy.noise_gain > config.max_noise_gain:
        _warn(f"the noise gain is {noisy.noise_gain:.3g}, above its bound of {config.max_noise_gain:g}")


def warn_between_nodes(kernel: VaryingKernel, nodes: Sequence[NodeKernel], stamps: Stamps) -> None:
    """Where nodes are too few, or surfaces or components, the corners of the image show it first."""
    if not stamps.vary:
        return
    worst, at = max(node.residual for node in nodes), (0.0, 0.0)
    bound = max(_LESS_GOOD * worst, _LEAST_TOLD)
    for corner in [(x, y) for y in (0.0, kernel.shape[0] - 1.0) for x in (0.0, kernel.shape[1] - 1.0)]:
        try:
            source, target = stamps.at(*corner)
        except DomainError:  # a PSF need not be known beyond its nodes
            continue
        found = relative_residual(source, kernel(*corner), target)
        if found > worst:
            worst, at = found, corner
    if worst > bound:
        _warn(
            f"the kernel does not follow the PSFs: at (x, y) = ({at[0]:.0f}, {at[1]:.0f}) the residual is {worst:.2g} of the PSF. "
            "More nodes, a higher spatial_order or max_rank help"
        )


def least_side(source: Stamp, target: Stamp) -> int:
    """Eight standard deviations of the kernel between two PSFs, odd."""
    variance = max(np.linalg.eigvalsh(_moments(target) - _moments(source)).max(), 0.0)
    return int(np.ceil(8.0 * np.sqrt(variance))) | 1


def outer_share(kernel: Stamp) -> float:
    """Share of |K| in the outermost ring."""
    inner = np.abs(kernel[1:-1, 1:-1]).sum()
    return float(1.0 - inner / np.abs(kernel).sum())


def _moments(stamp: Stamp) -> NDArray[np.float64]:
    """Second moments of the core of a PSF [px^2]: under a Gaussian weight that has its width, so that wings do not count."""
    at = np.arange(stamp.shape[0]) - stamp.shape[0] // 2
    places = np.stack(np.meshgrid(at, at))
    weighted = np.eye(2) * 2.0
    for _ in range(50):
        weight = np.exp(-0.5 * np.einsum("iyx,ij,jyx->yx", places, np.linalg.inv(weighted), places)) * stamp
        found = 2.0 * np.einsum("iyx,jyx,yx->ij", places, places, weight) / weight.sum()
        if not np.isfinite(found).all() or np.linalg.eigvalsh(found).min() <= 0.05:
            return weighted
        if np.abs(found - weighted).max() < 1e-6 * found.max():
            break
        weighted = found
    return np.asarray(weighted)


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=4)
