"""Give an image the PSF of another.

The kernel K(x, y) with PSF(x, y) * K(x, y) = reference(x, y) is found from the two PSF *models*, at Chebyshev-Gauss nodes of the image, carried to every
pixel as a few components times surfaces, and applied to image, variance and mask.

Not modelled: the covariance of neighbouring pixels, which a convolution brings (the noise of a sum over an aperture is not the root of the sum of variances).

A small residual does not make a good kernel: one that is too small, with too weak a ridge, can be several times its own peak wrong and still fit. Look at
the kernel, its noise gain and the residual: `PsfMatchResult.nodes` has all three.

Sources: Alard and Lupton 1998, doi:10.1086/305984; Becker et al. 2012, doi:10.1111/j.1365-2966.2012.21542.x.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, require, require_count
from getframes.psfmatch.application import applied
from getframes.psfmatch.basis import BASES, NodeKernel, full_convolution, relative_residual, solve
from getframes.psfmatch.exposure import Exposure
from getframes.psfmatch.kernel import EDGES, VaryingKernel, chebyshev_nodes, fitted
from getframes.psfmatch.models import PSFModel, ResizedPSF, odd, psf_model, resized

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    Stamp = NDArray[np.float64]

_OUTER = 1e-4
"""Share of |K| in the outermost ring of a kernel that is large enough."""
_FIRST_SIDE = 11
_GROWTH = 4
_NARROWER = 0.99
_LESS_GOOD, _LEAST_TOLD = 10.0, 1e-3
"""How much larger than at the nodes a residual elsewhere has to be, and how large, to be told."""


@dataclass(frozen=True)
class MatchConfig:
    """How to match.

    Attributes
    ----------
    kernel_size : int, optional
        Side of the kernel, odd [px]. Left out, it grows until less than 1e-4 of it lies in its outermost ring.
    basis : {"pixel", "alard-lupton"}
        What the kernel is made of; see `getframes.psfmatch.basis`.
    ridge : float
        Regularization, in units of the zero lag of the autocorrelation of the source.
    nodes : (int, int), optional
        Nodes along x and y; ``spatial_order + 2`` each when left out, one where nothing varies.
    spatial_order : int
        Degree of the surfaces that is wanted.
    max_rank : int
        Most components that vary.
    rank_tolerance : float
        Components are kept until what is left out is this much of the kernels.
    edge : {"nan", "renormalize", "reflect"}
        Pixels whose kernel reaches beyond the image; see `VaryingKernel.convolve`. They are flagged EDGE whatever is chosen.
    mask_threshold : float
        Share of |K| over masked pixels from which a pixel is masked; less than 1e-3 counts as that.
    no_grow_planes : tuple of str
        Planes of the mask that stay as they are.
    max_noise_gain : float
        Bound of sqrt(sum K^2): the ridge grows until it is kept.
    """

    kernel_size: int | None = None
    basis: str = "pixel"
    ridge: float = 1e-6
    nodes: tuple[int, int] | None = None
    spatial_order: int = 4
    max_rank: int = 8
    rank_tolerance: float = 1e-5
    edge: str = "nan"
    mask_threshold: float = 1e-2
    no_grow_planes: tuple[str, ...] = ()
    max_noise_gain: float = 2.0

    def __post_init__(self) -> None:
        if self.kernel_size is not None:
            size = require_count(self.kernel_size, self, "kernel_size")
            require(size % 2 == 1, self, "kernel_size", "odd", size)
        require(self.basis in BASES, self, "basis", f"one of {', '.join(BASES)}", self.basis)
        require(self.edge in EDGES, self, "edge", f"one of {', '.join(EDGES)}", self.edge)
        require(0 <= self.ridge < np.inf, self, "ridge", "finite and >= 0", self.ridge)
        require(0 < self.rank_tolerance < 1, self, "rank_tolerance", "in (0, 1)", self.rank_tolerance)
        require(0 <= self.mask_threshold <= 1, self, "mask_threshold", "in [0, 1]", self.mask_threshold)
        require(self.max_noise_gain > 0, self, "max_noise_gain", "> 0", self.max_noise_gain)
        require_count(self.max_rank, self, "max_rank")
        if self.nodes is not None:
            require(len(self.nodes) == 2, self, "nodes", "(n_x, n_y)", self.nodes)
            for count in self.nodes:
                require_count(count, self, "nodes")
        whole = isinstance(self.spatial_order, int) and self.spatial_order >= 0
        require(whole, self, "spatial_order", "an integer >= 0", self.spatial_order)


class AchievedPSF(PSFModel):
    """The PSF of a matched image: that of the image, convolved with the kernel of the place."""

    def __init__(self, psf: PSFModel, kernel: VaryingKernel, side: int) -> None:
        self.psf, self.kernel, self._side = psf, kernel, side

    @property
    def side(self) -> int:
        return self._side

    @property
    def varies(self) -> bool:
        return self.psf.varies or self.kernel.rank > 0

    def stamp(self, x: float, y: float, side: int | None = None) -> Stamp:
        made = full_convolution(self.psf.stamp(x, y), self.kernel(x, y))
        return resized(made, self._side if side is None else odd(side, self))

    def __repr__(self) -> str:
        return f"AchievedPSF({self.psf!r}, {self.kernel!r})"


@dataclass(frozen=True, eq=False, repr=False)
class PsfMatchResult:
    """A matched exposure, and how it came about.

    Attributes
    ----------
    matched : Exposure
        Image, variance, mask and header; its PSF is the one achieved (`AchievedPSF`), not the one wished for: what is measured on the image has to
        know the PSF that the image has.
    kernel : VaryingKernel
        What it was convolved with.
    nodes : list of NodeKernel
        Stamps, residual, noise gain, ridge and condition at each node, row by row.
    reference : PSFModel
        The reference as used, in the size that its stamps had.
    config : MatchConfig
        With the kernel size that was chosen.
    exposure : Exposure
        What was matched.
    """

    matched: Exposure
    kernel: VaryingKernel
    nodes: list[NodeKernel]
    reference: PSFModel
    config: MatchConfig
    exposure: Exposure

    @property
    def residual(self) -> float:
        """Largest |PSF * K - reference| / |reference| of the nodes."""
        return max(node.residual for node in self.nodes)

    @property
    def noise_gain(self) -> float:
        """Largest sqrt(sum K^2) of the nodes, for a kernel of sum 1."""
        return max(node.noise_gain for node in self.nodes)

    def plot(self, kind: str = "nodes", mask_transparency: float = 0.5) -> Image:
        """A picture, to see whether the match is good.

        Parameters
        ----------
        kind : {"input", "reference", "matched", "nodes", "basis", "kernels", "surfaces"}
            What to draw: the exposure, its mask and its PSF; the PSF wanted, with cuts; the matched exposure, its PSF and what that differs by; residual and
            noise gain of the nodes, good ones green and bad ones red; what the kernel is made of; the kernel over the field; how much of each component
            there is where.
        mask_transparency : float
            Of the mask over an image, from 0, which hides the image, to 1, which shows no mask.

        Returns
        -------
        PIL.Image.Image
            ``numpy.asarray`` makes pixels (height, width, 3) of it, ``save("match.png")`` a file.

        Raises
        ------
        DomainError
            If the kind is unknown, or the transparency not in [0, 1].
        """
        from getframes.psfmatch.drawing import draw

        return draw(self, kind, mask_transparency)

    def __repr__(self) -> str:
        return (
            f"PsfMatchResult({self.kernel!r}, nodes={len(self.nodes)}, residual={self.residual:.2g}, "
            f"noise gain={self.noise_gain:.3g})"
        )


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
    exposure = Exposure.of(
        exposure,
        None if psf is None else psf_model(psf, plate_scale_arcsec_per_pixel=plate_scale_arcsec_per_pixel),
    )
    source = exposure.psf
    if source is None:
        raise RuntimeError(
            "the exposure has no PSF model: give it one (Exposure(psf=...), CCDData(psf=...)) or pass psf="
        )
    reference = _reference(reference_psf, plate_scale_arcsec_per_pixel)
    stamps = _Stamps.of(source, reference)
    middle = ((exposure.shape[1] - 1) / 2, (exposure.shape[0] - 1) / 2)
    _warn_of_deconvolution(*stamps.at(*middle))
    config = _sized(config, stamps, middle, exposure.shape)
    assert config.kernel_size is not None
    xs, ys = _node_places(config, exposure.shape, varies=stamps.vary)
    nodes = _solved(config, stamps, [(x, y) for y in ys.tolist() for x in xs.tolist()], config.kernel_size)
    _warn_of_gain(nodes, config)
    kernels = np.array([node.kernel for node in nodes]).reshape(ys.size, xs.size, config.kernel_size, -1)
    kernel = fitted(kernels, xs, ys, exposure.shape, config.rank_tolerance, config.max_rank)
    _warn_between_nodes(kernel, nodes, stamps)
    achieved = AchievedPSF(source, kernel, stamps.target.side)
    kernel = replace(kernel, sum=float(kernel_sum))
    matched = applied(exposure, kernel, config)
    return PsfMatchResult(replace(matched, psf=achieved), kernel, nodes, stamps.target, config, exposure)


def _reference(psf: Any, scale: float) -> PSFModel:
    if isinstance(psf, Exposure) or (hasattr(psf, "psf") and hasattr(psf, "meta")):
        if psf.psf is None:
            raise RuntimeError("the reference exposure has no PSF model")
        psf = psf.psf
    return psf_model(psf, plate_scale_arcsec_per_pixel=scale)


@dataclass(frozen=True)
class _Stamps:
    """Source and target in harmonized sizes: evaluated again where a model can, with zeros around them where not, never cut."""

    source: PSFModel
    target: PSFModel

    @classmethod
    def of(cls, source: PSFModel, target: PSFModel) -> _Stamps:
        side = max(source.side, target.side)
        # Zeros around the pixels of a source change nothing: the convolution is a full one.
        return cls(_sided(source, side) if source.resizes else source, _sided(target, side))

    @property
    def vary(self) -> bool:
        return self.source.varies or self.target.varies

    def at(self, x: float, y: float) -> tuple[Stamp, Stamp]:
        return self.source.stamp(x, y), self.target.stamp(x, y)


def _sided(psf: PSFModel, side: int) -> PSFModel:
    return psf if psf.side == side else ResizedPSF(psf, side)


def _node_places(config: MatchConfig, shape: tuple[int, int], *, varies: bool) -> tuple[Any, Any]:
    counts = config.nodes or ((config.spatial_order + 2,) * 2 if varies else (1, 1))
    return chebyshev_nodes(shape[1], counts[0]), chebyshev_nodes(shape[0], counts[1])


def _sized(
    config: MatchConfig, stamps: _Stamps, at: tuple[float, float], shape: tuple[int, int]
) -> MatchConfig:
    """The configuration with a kernel size."""
    source, target = stamps.at(*at)
    most = min(stamps.target.side, *(side if side % 2 else side - 1 for side in shape))
    wanted = _least_side(source, target)
    if config.kernel_size is not None:
        if config.kernel_size > most:
            raise DomainError(
                f"MatchConfig.kernel_size must be at most {most} px, the side of the PSF stamps and of the image, got {config.kernel_size}: "
                "give PSF stamps of a larger side, or a smaller kernel"
            )
        if config.kernel_size < wanted:
            _warn(
                f"a kernel of {config.kernel_size} px is smaller than eight of its standard deviations, {wanted} px: such kernels look boxy"
            )
        return config
    side = min(max(wanted, _FIRST_SIDE), most)
    while side < most:
        (node,) = _solved(config, stamps, [at], side)
        if _outer_share(node.kernel) < _OUTER:
            break
        side = min(side + _GROWTH, most)
    return replace(config, kernel_size=side)


def _solved(
    config: MatchConfig, stamps: _Stamps, places: list[tuple[float, float]], side: int
) -> list[NodeKernel]:
    pairs = [stamps.at(*place) for place in places]
    return solve(pairs, places, side, config.ridge, config.basis, config.max_noise_gain)


def _outer_share(kernel: Stamp) -> float:
    inner = np.abs(kernel[1:-1, 1:-1]).sum()
    return float(1.0 - inner / np.abs(kernel).sum())


def _least_side(source: Stamp, target: Stamp) -> int:
    """Eight standard deviations of the kernel between two PSFs, odd."""
    variance = max(np.linalg.eigvalsh(_moments(target) - _moments(source)).max(), 0.0)
    return int(np.ceil(8.0 * np.sqrt(variance))) | 1


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


def _warn_of_deconvolution(source: Stamp, target: Stamp) -> None:
    ours, wanted = _moments(source), _moments(target)
    # Along the direction in which the reference is narrowest compared with the image.
    ratio = float(np.linalg.eigvals(np.linalg.solve(ours, wanted)).real.min())
    if ratio < _NARROWER:
        _warn(
            f"the reference PSF is narrower than that of the exposure ({np.sqrt(ratio):.3f} of its width in some direction): "
            "matching has to deconvolve, which amplifies noise"
        )


def _warn_of_gain(nodes: Sequence[NodeKernel], config: MatchConfig) -> None:
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


def _warn_between_nodes(kernel: VaryingKernel, nodes: Sequence[NodeKernel], stamps: _Stamps) -> None:
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


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=4)
