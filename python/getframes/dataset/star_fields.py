"""Scenes of stars at random places."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from operator import index as as_integer
from secrets import randbits
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import core
from getframes.dataset.recipe import digest
from getframes.errors import require
from getframes.noise.stream import STREAM_VERSION, Kind, StageId, seed_key
from getframes.quantity import plain
from getframes.scene import PSF, Bandpass, Catalog, GaussianPSF, Scene, Sky, Telescope

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RandomStarFields:
    """Scenes with stars uniform over the frame and uniform in magnitude.

    Scene `i` is a function of the seed and `i` alone: every pass gives the same scenes, and one can be had
    without those before it. Numbers of stars, positions and magnitudes are addressed draws of the random
    contract (kind `scene`, stages 64 to 67, frame number `i`, the star as "pixel").

    Parameters
    ----------
    n : int
        Number of scenes.
    shape : (int, int)
        Height and width of each [px].
    optics : Telescope, optional
        Default: 0.5 m aperture, 1 arcsec per pixel, throughput 0.5, Johnson V.
    psf : PSF, optional
        Default: Gaussian with a FWHM of 2.5 arcsec.
    n_stars : int or (int, int)
        Number of stars, or the least and the most, both included.
    mag_range : (float, float)
        Brightest and faintest magnitude.
    sky_mag_arcsec2 : float or None
        Brightness of the sky [mag / arcsec^2]; None for a dark one.
    seed : int, optional
        Without it one is drawn from the operating system; `seed` tells which.

    Raises
    ------
    DomainError
        If a value is impossible.

    Notes
    -----
    Not modelled: clustering, a luminosity function, galaxies. Positions go from the outer edge of the first
    pixel to that of the last, -0.5 to width - 0.5, so that stars at the edge lose light.
    """

    def __init__(
        self,
        n: int,
        shape: tuple[int, int],
        *,
        optics: Telescope | None = None,
        psf: PSF | None = None,
        n_stars: int | tuple[int, int] = (20, 200),
        mag_range: tuple[float, float] = (16.0, 22.0),
        sky_mag_arcsec2: float | None = 21.0,
        seed: int | None = None,
    ) -> None:
        self.n = _whole(n, self, "n")
        require(len(shape) == 2, self, "shape", "(height, width)", shape)
        self.shape = (_whole(shape[0], self, "shape", 1), _whole(shape[1], self, "shape", 1))
        self.optics = _default_optics() if optics is None else optics
        self.psf = GaussianPSF(2.5) if psf is None else psf
        self.n_stars = n_stars
        limits = n_stars if isinstance(n_stars, tuple | list) else (n_stars, n_stars)
        require(len(limits) == 2, self, "n_stars", "(least, most)", n_stars)
        fewest, most = limits
        self._fewest, self._most = _whole(fewest, self, "n_stars"), _whole(most, self, "n_stars")
        require(self._fewest <= self._most, self, "n_stars", "(least, most)", n_stars)
        require(len(mag_range) == 2, self, "mag_range", "(brightest, faintest)", mag_range)
        brightest, faintest = (float(plain(limit, "mag", self, "mag_range")) for limit in mag_range)
        ordered = bool(np.isfinite([brightest, faintest]).all()) and brightest <= faintest
        require(ordered, self, "mag_range", "(brightest, faintest)", mag_range)
        self.mag_range = (brightest, faintest)
        self.sky_mag_arcsec2 = sky_mag_arcsec2
        self.seed_drawn = seed is None
        self.seed = randbits(128) if seed is None else seed
        self._key = seed_key(self.seed)

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Scene]:
        return (self[number] for number in range(self.n))

    def __getitem__(self, index: int) -> Scene:
        """Scene `index`, made alone; negative numbers count from the end."""
        number = as_integer(index)
        if number < 0:
            number += self.n
        if not 0 <= number < self.n:
            raise IndexError(f"RandomStarFields index must be below its length {self.n}, got {index}")
        count = self._count(number)
        height, width = self.shape
        brightest, faintest = self.mag_range
        stars = {
            "x": self._uniform(number, StageId.STAR_X, count) * width - 0.5,
            "y": self._uniform(number, StageId.STAR_Y, count) * height - 0.5,
            "magnitude": self._uniform(number, StageId.STAR_MAGNITUDE, count) * (faintest - brightest),
        }
        stars["magnitude"] += brightest
        catalog = Catalog.from_columns(stars)
        sky = None if self.sky_mag_arcsec2 is None else Sky(self.sky_mag_arcsec2)
        return Scene(self.shape, self.optics, self.psf, [catalog], sky=sky)

    def __repr__(self) -> str:
        return (
            f"RandomStarFields(n={self.n}, shape={self.shape}, n_stars={self.n_stars}, "
            f"mag_range={self.mag_range}, sky_mag_arcsec2={self.sky_mag_arcsec2}, seed={self.seed})"
        )

    def recipe(self) -> dict[str, Any]:
        """What the scenes depend on, as plain values; their number is not part of it."""
        return {
            "random_star_fields": list(self.shape),
            "n_stars": [int(self._fewest), int(self._most)],
            "mag_range": list(self.mag_range),
            "sky_mag_arcsec2": self.sky_mag_arcsec2,
            "seed": self.seed if isinstance(self.seed, int) else str(self.seed),
            "seed_drawn": self.seed_drawn,
            "optics_digest": digest(self.optics),
            "psf_digest": digest(self.psf),
            "stream_version": STREAM_VERSION,
        }

    def continuing(self, recipe: Any) -> RandomStarFields:
        """These scenes with the seed that was drawn for others of their kind, where none was given here."""
        if not (self.seed_drawn and isinstance(recipe, dict) and recipe.get("seed_drawn")):
            return self
        continued = copy(self)
        continued.seed = recipe["seed"]
        continued._key = seed_key(continued.seed)
        return continued

    def _count(self, number: int) -> int:
        choices = self._most - self._fewest + 1
        return self._fewest + min(int(self._uniform(number, StageId.STAR_COUNT, 1)[0] * choices), choices - 1)

    def _uniform(self, number: int, stage: StageId, count: int) -> NDArray[np.float64]:
        uniform: NDArray[np.float64] = core.wide_uniform(self._key, Kind.SCENE, stage, number, 0, count)
        return uniform


def _default_optics() -> Telescope:
    return Telescope(
        aperture_diameter_m=0.5, plate_scale_arcsec_per_pixel=1.0, throughput=0.5, band=Bandpass.johnson("V")
    )


def _whole(value: Any, owner: object, field: str, least: int = 0) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    require(whole and value >= least, owner, field, f"an integer >= {least}", value)
    return int(value)
