"""What a match gives: the matched exposure, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from getframes.psfmatch.basis import NodeKernel, full_convolution
from getframes.psfmatch.models import PSFModel, odd, resized

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from getframes.psfmatch.config import MatchConfig
    from getframes.psfmatch.exposure import Exposure
    from getframes.psfmatch.kernel import VaryingKernel

    Stamp = NDArray[np.float64]


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
