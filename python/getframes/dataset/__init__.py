"""Data sets: streams of raw frames with their truth, and folders of them.

::

    scenes = random_star_fields(1000, (512, 512), seed=1)
    dataset = pairs(camera=Camera.from_preset("generic_ccd"), scenes=scenes, exposure=30.0, seed=2)
    dataset.to_npz("train")
    assert verify("train") == []
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.dataset.pairs import Pair, PairDataset
from getframes.dataset.star_fields import RandomStarFields
from getframes.dataset.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import DTypeLike

    from getframes.camera import Camera
    from getframes.scene import PSF, Scene, Telescope

__all__ = ["Pair", "PairDataset", "RandomStarFields", "pairs", "random_star_fields", "verify"]


def pairs(
    *,
    camera: Camera,
    scenes: Iterable[Scene],
    exposure: float,
    temperature: float | None = None,
    dtype: DTypeLike = np.float32,
    seed: int | None = None,
) -> PairDataset:
    """Pairs of raw frame and truth of the given scenes; parameters as for `PairDataset`."""
    return PairDataset(camera, scenes, exposure, temperature=temperature, dtype=dtype, seed=seed)


def random_star_fields(
    n: int,
    shape: tuple[int, int],
    *,
    optics: Telescope | None = None,
    psf: PSF | None = None,
    n_stars: int | tuple[int, int] = (20, 200),
    mag_range: tuple[float, float] = (16.0, 22.0),
    sky_mag_arcsec2: float | None = 21.0,
    seed: int | None = None,
) -> RandomStarFields:
    """Scenes of stars at random places; parameters as for `RandomStarFields`."""
    return RandomStarFields(
        n,
        shape,
        optics=optics,
        psf=psf,
        n_stars=n_stars,
        mag_range=mag_range,
        sky_mag_arcsec2=sky_mag_arcsec2,
        seed=seed,
    )
