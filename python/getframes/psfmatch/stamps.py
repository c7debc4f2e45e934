"""Stamps of two PSF models in sizes that fit together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from getframes.psfmatch.models import PSFModel, ResizedPSF

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Stamp = NDArray[np.float64]


@dataclass(frozen=True)
class Stamps:
    """Source and target in harmonized sizes: evaluated again where a model can, with zeros around them where not, never cut."""

    source: PSFModel
    target: PSFModel

    @classmethod
    def of(cls, source: PSFModel, target: PSFModel) -> Stamps:
        """Of two models, in the size of the larger."""
        side = max(source.side, target.side)
        # Zeros around the pixels of a source change nothing: the convolution is a full one.
        return cls(_sided(source, side) if source.resizes else source, _sided(target, side))

    @property
    def vary(self) -> bool:
        """Whether one of them depends on the position."""
        return self.source.varies or self.target.varies

    def at(self, x: float, y: float) -> tuple[Stamp, Stamp]:
        """Both at a position [px]."""
        return self.source.stamp(x, y), self.target.stamp(x, y)


def _sided(psf: PSFModel, side: int) -> PSFModel:
    return psf if psf.side == side else ResizedPSF(psf, side)
