"""How to match."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from getframes.errors import require, require_count
from getframes.psfmatch.basis import BASES
from getframes.psfmatch.kernel import EDGES


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
