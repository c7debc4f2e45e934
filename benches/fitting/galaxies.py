"""Galaxies drawn as the likelihood sees them, against galsim."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

from table import Row

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.law.fit.galaxies import difference

TITLE = "Galaxies"
NOTE = (
    "The worst of n 0.5 to 6, axis ratio 0.3 to 1, behind a PSF of two Gaussians with a FWHM of 1.2 to 4 pixels, against galsim with transforms of up to 8192 pixels. "
    "Images have 21 to 64 half-light radii. The case is n, axis ratio, FWHM."
)

SIZES = {1.0: 64, 3.0: 96, 10.0: 256, 30.0: 640}
INDICES = (0.5, 0.7, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
CASES = tuple(product(INDICES, (0.3, 0.6, 1.0), (1.2, 2.0, 4.0)))
TARGETS = {"of the peak": 2e-3, "of the light": 1e-2}


def rows(quick: bool) -> list[Row]:
    """The largest residual as a share of the peak, and the sum of all as a share of the light."""
    found = []
    for r_half, side in list(SIZES.items())[: 1 if quick else None]:
        cases = CASES[: 2 if quick else None]
        both = {case: difference(side, case[2], r_half, case[0], case[1]) for case in cases}
        for place, (what, target) in enumerate(TARGETS.items()):
            worst = max(cases, key=lambda case: both[case][place])
            share = both[worst][place]
            name = "r_half {:g} pixels: {} ({:g}, {:g}, {:g})".format(r_half, what, *worst)
            every = {"{:g}, {:g}, {:g}".format(*case): both[case][place] for case in cases}
            limit = f"< {100 * target:g}"
            found.append(Row(TITLE, name, "%", 100 * share, target=limit, met=share < target, samples=every))
    return found
