"""Pictures of an image with the PSF of another."""

from __future__ import annotations

import numpy as np
from paper import logarithmic, side_by_side
from PIL import Image

from getframes import (
    MoffatPSF,
)
from getframes.psfmatch import MatchConfig, ScenePSF, match_psf
from getframes.scene import FieldPolynomial


def matched_psfs() -> Image.Image:
    """A PSF at nine places, the kernels there, the PSF after matching, and a thousand times what is left."""
    places = [(x, y) for y in (40.0, 255.5, 471.0) for x in (40.0, 255.5, 471.0)]
    along = FieldPolynomial([[3.0, 0.5], [1.0, 0.3]], (255.5, 255.5), 255.5)
    source = ScenePSF(MoffatPSF(along, 3.5), side=41)
    target = ScenePSF(MoffatPSF(5.5, 3.0), side=41)
    result = match_psf(
        np.zeros((512, 512)), target, psf=source, config=MatchConfig(kernel_size=31, nodes=(6, 6))
    )
    achieved = result.matched.psf
    assert achieved is not None
    columns = [
        [source.stamp(*place) for place in places],
        [np.pad(result.kernel(*place), 5) for place in places],
        [achieved.stamp(*place) for place in places],
        [1000.0 * np.abs(achieved.stamp(*place) - target.stamp(*place)) for place in places],
    ]
    made = []
    for stamps in columns:
        mosaic = np.block([stamps[row : row + 3] for row in (0, 3, 6)])
        made.append(logarithmic(mosaic, 1e-5, 0.05).resize((246, 246), Image.Resampling.NEAREST))
    return side_by_side(made)


PICTURES = {
    "matching.png": matched_psfs,
}
