"""Pictures of an image with the PSF of another."""

from __future__ import annotations

from functools import cache

import numpy as np
from paper import logarithmic, side_by_side
from PIL import Image

from getframes import (
    MoffatPSF,
)
from getframes.cli.match import made_up
from getframes.psfmatch import MatchConfig, PsfMatchResult, ScenePSF, match_psf
from getframes.scene import FieldPolynomial


@cache
def match() -> PsfMatchResult:
    """A PSF that widens over the field, and a wider one that does not."""
    along = FieldPolynomial([[2.6, 0.4], [0.7, 0.2]], (255.5, 255.5), 255.5)
    source, target = (ScenePSF(psf, side=71) for psf in (MoffatPSF(along, 4.5), MoffatPSF(5.8, 4.5)))
    config = MatchConfig(kernel_size=31, nodes=(5, 5))
    return match_psf(np.zeros((512, 512)), target, psf=source, config=config)


def matched_psfs() -> Image.Image:
    """A PSF at nine places, the kernels there, the PSF after matching, and a thousand times what is left."""
    places = [(x, y) for y in (40.0, 255.5, 471.0) for x in (40.0, 255.5, 471.0)]
    result = match()
    source, target, achieved = result.exposure.psf, result.reference, result.matched.psf
    assert source is not None and achieved is not None
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
    "matching_nodes.png": lambda: match().plot("nodes"),
    "matching_kernels.png": lambda: match().plot("kernels"),
    "tutorial_match.png": lambda: match_psf(*made_up(1)).plot("matched", mask_transparency=0.7),
}
