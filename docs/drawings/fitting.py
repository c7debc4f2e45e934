"""Pictures of what goes into a fit."""

from __future__ import annotations

import numpy as np
from paper import linear, logarithmic, side_by_side, stacked
from PIL import Image

from getframes import AiryPSF, MoffatPSF
from getframes.fit import fit_psf

SIDE, ZOOM = 41, 4


def psf_mixtures() -> Image.Image:
    """PSFs, the mixtures of two and four Gaussians that meet them best, and a hundred times what is left of the second."""
    airy = AiryPSF(1.0, 4.0 * np.pi / (180.0 * 3600.0 * 1.029), 0.3)
    rows = []
    for psf, signed in ((MoffatPSF(4.0, 3.0), False), (airy, False), (airy, True)):
        stamp = np.zeros((SIDE, SIDE))
        psf.add_source(stamp, SIDE // 2, SIDE // 2, 1.0, 1.0)
        stamp /= stamp.max()
        two, four = (
            fit_psf(stamp, n, signed=signed).stamp(SIDE) * stamp.sum()
            for n in ((2, 4) if not signed else (2, 6))
        )
        shown = [logarithmic(image, 1e-4, 1.0) for image in (stamp, two, four)]
        shown = [image.resize((SIDE * ZOOM, SIDE * ZOOM), Image.Resampling.NEAREST) for image in shown]
        rows.append(side_by_side([*shown, linear(100.0 * (stamp - four), -1.0, 1.0, ZOOM)]))
    return stacked(rows)


PICTURES = {"psf_mixtures.png": psf_mixtures}
