"""Galaxies drawn as the likelihood sees them, against galsim with tight parameters."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np
from table import Row

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.law.fit.galaxies import difference

TITLE = "Galaxies"
NOTE = "The worst of n 0.6 to 5.5, axis ratio 0.3 to 1, behind a PSF of FWHM 1.2 to 4 pixels, against galsim."

SIZES = {1.0: 64, 3.0: 96}


def rows(quick: bool) -> list[Row]:
    """The largest residual as a share of the peak, and the sum of all as a share of the light."""
    found = []
    for r_half, side in list(SIZES.items())[: 1 if quick else None]:
        cases = product((0.6, 1.0, 2.5, 4.0, 5.5), (0.3, 1.0), (1.2, 4.0))
        both = [difference(side, fwhm, r_half, n, q) for n, q, fwhm in list(cases)[: 2 if quick else None]]
        peak, light = np.max(both, axis=0)
        name = f"r_half {r_half:g} pixels"
        found.append(
            Row(TITLE, f"{name}: of the peak", "%", float(100 * peak), target="< 0.2", met=bool(peak < 2e-3))
        )
        found.append(
            Row(TITLE, f"{name}: of the light", "%", float(100 * light), target="< 1", met=bool(light < 1e-2))
        )
    return found
