"""Give an image the PSF of another.

The kernel K(x, y) with PSF(x, y) * K(x, y) = reference(x, y) is found from the two PSF *models*, at Chebyshev-Gauss nodes of the image, carried to every
pixel as a few components times surfaces, and applied to image, variance and mask.

Not modelled: the covariance of neighbouring pixels, which a convolution brings (the noise of a sum over an aperture is not the root of the sum of variances).

A small residual does not make a good kernel: one that is too small, with too weak a ridge, can be several times its own peak wrong and still fit. Look at
the kernel, its noise gain and the residual: `PsfMatchResult.nodes` has all three.

Sources: Alard and Lupton 1998, doi:10.1086/305984; Becker et al. 2012, doi:10.1111/j.1365-2966.2012.21542.x.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, require
from getframes.psfmatch.application import applied
from getframes.psfmatch.basis import NodeKernel, solve
from getframes.psfmatch.config import MatchConfig
from getframes.psfmatch.exposure import Exposure
from getframes.psfmatch.guardrails import (
    least_side,
    outer_share,
    warn_between_nodes,
    warn_of_deconvolution,
    warn_of_gain,
    warn_of_size,
)
from getframes.psfmatch.kernel import chebyshev_nodes, fitted
from getframes.psfmatch.models import PSFModel, psf_model
from getframes.psfmatch.result import AchievedPSF, PsfMatchResult
from getframes.psfmatch.stamps import Stamps

if TYPE_CHECKING:
    pass

_OUTER = 1e-4
"""Share of |K| in the outermost ring of a kernel that is large enough."""
_FIRST_SIDE = 11
_GROWTH = 4


def match_psf(
    exposure: Any,
    reference_psf: Any,
    kernel_sum: float = 1.0,
    config: MatchConfig | None = None,
    *,
    psf: Any = None,
    plate_scale_arcsec_per_pixel: float = 1.0,
) -> PsfMatchResult:
    """Give an exposure the PSF of a reference.

    Parameters
    ----------
    exposure : Exposure, CCDData, Frame or array (height, width)
        What to match. Pixels that are not finite count as masked, and give no light to others.
    reference_psf : PSFModel, PSF of the simulator, array (side, side), callable, Exposure or CCDData
        The PSF that is wanted; of an exposure, its own.
    kernel_sum : float
        Sum of the kernel, which scales the image.
    config : MatchConfig, optional
        How.
    psf : PSFModel or the like, optional
        PSF of the exposure, where it does not carry one.
    plate_scale_arcsec_per_pixel : float
        For PSFs of the simulator [arcsec / px].

    Returns
    -------
    PsfMatchResult

    Raises
    ------
    RuntimeError
        If the exposure has no PSF model.
    DomainError, ShapeError
        If a stamp is impossible, the kernel is larger than the stamps or the image allow, or a value breaks its rule.

    Warns
    -----
    UserWarning
        If the reference is narrower than the PSF in some direction, a given kernel is smaller than eight of its standard deviations, the noise
        gain had to be bounded, or the nodes are too few to follow the PSFs.
    """
    config = MatchConfig() if config is None else config
    require(0 < kernel_sum < np.inf, "", "kernel_sum", "finite and > 0", kernel_sum)
    exposure = Exposure.of(exposure, psf)
    if exposure.psf is None:
        raise RuntimeError(
            "the exposure has no PSF model: give it one (Exposure(psf=...), CCDData(psf=...)) or pass psf="
        )
    source = psf_model(exposure.psf, plate_scale_arcsec_per_pixel=plate_scale_arcsec_per_pixel)
    exposure = replace(exposure, psf=source)
    reference = _reference(reference_psf, plate_scale_arcsec_per_pixel)
    stamps = Stamps.of(source, reference)
    middle = ((exposure.shape[1] - 1) / 2, (exposure.shape[0] - 1) / 2)
    warn_of_deconvolution(*stamps.at(*middle))
    warn_of_size(config, *stamps.at(*middle))
    config = _sized(config, stamps, middle, exposure.shape)
    assert config.kernel_size is not None
    xs, ys = _node_places(config, exposure.shape, varies=stamps.vary)
    nodes = _solved(config, stamps, [(x, y) for y in ys.tolist() for x in xs.tolist()], config.kernel_size)
    warn_of_gain(nodes, config)
    kernels = np.array([node.kernel for node in nodes]).reshape(ys.size, xs.size, config.kernel_size, -1)
    kernel = fitted(kernels, xs, ys, exposure.shape, config.rank_tolerance, config.max_rank)
    warn_between_nodes(kernel, nodes, stamps)
    achieved = AchievedPSF(stamps.source, kernel, stamps.target.side)
    kernel = replace(kernel, sum=float(kernel_sum))
    matched = applied(exposure, kernel, config)
    return PsfMatchResult(replace(matched, psf=achieved), kernel, nodes, stamps.target, config, exposure)


def _reference(psf: Any, scale: float) -> PSFModel:
    if isinstance(psf, Exposure) or (hasattr(psf, "psf") and hasattr(psf, "meta")):
        if psf.psf is None:
            raise RuntimeError("the reference exposure has no PSF model")
        psf = psf.psf
    return psf_model(psf, plate_scale_arcsec_per_pixel=scale)


def _node_places(config: MatchConfig, shape: tuple[int, int], *, varies: bool) -> tuple[Any, Any]:
    counts = config.nodes or ((config.spatial_order + 2,) * 2 if varies else (1, 1))
    return chebyshev_nodes(shape[1], counts[0]), chebyshev_nodes(shape[0], counts[1])


def _sized(
    config: MatchConfig, stamps: Stamps, at: tuple[float, float], shape: tuple[int, int]
) -> MatchConfig:
    """The configuration with a kernel size."""
    source, target = stamps.at(*at)
    most = min(stamps.target.side, *(side if side % 2 else side - 1 for side in shape))
    if config.kernel_size is not None:
        if config.kernel_size > most:
            raise DomainError(
                f"MatchConfig.kernel_size must be at most {most} px, the side of the PSF stamps and of the image, got {config.kernel_size}: "
                "give PSF stamps of a larger side, or a smaller kernel"
            )
        return config
    side = min(max(least_side(source, target), _FIRST_SIDE), most)
    while side < most:
        (node,) = _solved(config, stamps, [at], side)
        if outer_share(node.kernel) < _OUTER:
            break
        side = min(side + _GROWTH, most)
    return replace(config, kernel_size=side)


def _solved(
    config: MatchConfig, stamps: Stamps, places: list[tuple[float, float]], side: int
) -> list[NodeKernel]:
    pairs = [stamps.at(*place) for place in places]
    return solve(pairs, places, side, config.ridge, config.basis, config.max_noise_gain)
