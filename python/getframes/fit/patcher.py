"""Pixels for a patch: what every exposure sees of it, with the light of its neighbours taken off."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import require
from getframes.fit.grouping import points_of
from getframes.fit.patch import TILE, Patch, PatchExposure
from getframes.fit.psf import psf_table
from getframes.fit.region import Region
from getframes.fit.source import Rows, parameters_kept, parameters_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.fit.exposure import PixelSource

    Numbers = NDArray[np.float64]

FAR_AWAY = -1e9
"""Where a source is that an exposure cannot see at all, as it is on the other side of the sky [px]."""


class Patcher:
    """Makes patches from images.

    A patch has the pixels within the circles of influence of its sources, of every exposure that has any. The WCS is linearized at each source, and the PSF taken
    there.

    Parameters
    ----------
    images : iterable of Exposure
        In memory or in a store.
    psfs : mapping, optional
        PSFs by the name of an exposure or of a band, which take the place of those that exposures have.
    bands : sequence of str, optional
        The bands to fit, in their order; those of the images in the order in which they come, when left out.
    priors : mapping, optional
        Prior by the name of a field; see `Patch`.
    unseen_sigma : float
        Where an exposure of a band is there but none has a pixel of a source, its flux has a normal prior about its value, with this standard deviation as a part
        of the brightest flux of the patch.

    Raises
    ------
    DomainError
        If there is no image, one has no PSF, two have one name, or some have a WCS and some not.
    """

    def __init__(
        self,
        images: Iterable[PixelSource],
        psfs: Mapping[str, Any] | None = None,
        *,
        bands: Sequence[str] | None = None,
        priors: Mapping[str, Any] | None = None,
        unseen_sigma: float = 1.0,
    ) -> None:
        every = [_as_it_travels(image) for image in images]
        self.bands = tuple(dict.fromkeys(image.band for image in every) if bands is None else bands)
        self.images = [image for image in every if image.band in self.bands]
        given = sorted({image.band for image in every})
        require(bool(self.images), "", "images", f"of the bands {', '.join(self.bands)}, one at least", given)
        self.others = [image for image in every if image.band not in self.bands]
        self.priors, self.unseen_sigma = dict(priors or {}), unseen_sigma
        counts = Counter(image.name for image in self.images)
        twice = sorted(name for name, count in counts.items() if count > 1)
        require(not twice, "", "names of images", "their own, each once", twice)
        known = psfs or {}
        self.psfs = [known.get(each.name, known.get(each.band, each.psf)) for each in self.images]
        for image, psf in zip(self.images, self.psfs, strict=True):
            rule = f"given, by the name of the image or of its band {image.band!r}"
            require(psf is not None, "", f"PSF of {image.name}", rule, sorted(known))
        self.sky = self.images[0].wcs is not None
        for image in self.images:
            require(
                (image.wcs is not None) == self.sky,
                self,
                f"WCS of {image.name}",
                "there in all images or in none",
                image.wcs,
            )
        if self.sky:
            circles = [circle_around(image) for image in self.images]
            self._centre = np.array([centre for centre, _ in circles])
            self._radius = np.array([radius for _, radius in circles])

    def __repr__(self) -> str:
        return f"Patcher({len(self.images)} images in {', '.join(self.bands)})"

    def idle(self, sources: Rows, reach: float) -> list[str]:
        """What of the images tells nothing about some sources, in words.

        Parameters
        ----------
        sources : structured array (n,)
            As `getframes.fit.source`.
        reach : float
            Farthest that a source is looked at [arcsec, or px].
        """
        told = [f"{image.name} is of the band {image.band}, which is not fitted" for image in self.others]
        bands = {image.band for image in self.images}
        told += [
            f"there is none of the band {band}: its fluxes stay those of the catalog"
            for band in self.bands
            if band not in bands
        ]
        if self.sky and len(sources):
            from scipy.spatial import KDTree

            tree = KDTree(points_of(sources["ra"], sources["dec"], sky=True))
            near, _ = tree.query(self._centre)
            for image, distance, radius in zip(
                self.images, near.tolist(), self._radius.tolist(), strict=True
            ):
                if distance > radius + reach:
                    told.append(f"{image.name} sees no source of the catalog: is its WCS right?")
        return told

    def build_patch(
        self,
        region: Region,
        active: Rows,
        fixed: Rows | None = None,
        *,
        bounds: Numbers,
        covariance: Numbers | None = None,
        visits: Any = 0,
        draws: Any = 0,
    ) -> Patch:
        """The patch of a region.

        Parameters
        ----------
        region, active, fixed
            As `SuperScene.checkout_region` gives them.
        bounds, covariance : arrays (N, 2), (N, N)
            As `SuperScene.bounds_and_covs` gives them.
        visits, draws : array (A,) of int, optional
            As `SuperScene.progress_of` gives them.

        Returns
        -------
        Patch
            Of the active sources that have a good pixel. There may be none, and no exposure.

        Raises
        ------
        ShapeError
            If bounds or covariance do not fit the sources.
        DomainError
            If the catalog is one of the sky and the images have no WCS, or the other way round.
        IntegrityError, InputError
            If a store is damaged, or cannot be read.
        """
        found = [self._exposure(number, region, active) for number in self._near(region)]
        exposures = [exposure for exposure, _ in filter(None, found)]
        seen = np.zeros(active["flux"].shape, bool)
        for exposure, sees in filter(None, found):
            seen[sees, exposure.band] = True
        chosen: NDArray[np.bool_] = np.any(seen, axis=1)
        kept = parameters_kept(active, chosen)
        patch = Patch(
            sources=active[chosen],
            bands=self.bands,
            exposures=tuple(_of_sources(each, chosen) for each in exposures) if chosen.any() else (),
            bounds=np.asarray(bounds)[kept],
            covariance=None if covariance is None else np.asarray(covariance)[np.ix_(kept, kept)],
            priors=self.priors | self._priors_of_unseen(active[chosen], seen[chosen]),
            visits=np.broadcast_to(visits, len(active))[chosen],
            draws=np.broadcast_to(draws, len(active))[chosen],
            fixed=np.empty(0, np.int64) if fixed is None else fixed["id"],
            id=region.id,
            seed=region.seed,
        )
        return (
            patch if fixed is None or not len(fixed) or not patch.exposures else self._without(patch, fixed)
        )

    def _near(self, region: Region) -> list[int]:
        """Numbers of the images that may see a region."""
        require(
            region.sky == self.sky,
            "",
            "positions of the catalog",
            "ra and dec" if self.sky else "x and y: images have no WCS",
            "x and y" if self.sky else "ra and dec",
        )
        if not self.sky:
            return list(range(len(self.images)))
        points = points_of(region.ra, region.dec, sky=True)
        apart = np.linalg.norm(self._centre[:, None] - points, axis=-1) - region.radius
        near: list[int] = np.flatnonzero(apart.min(axis=1) <= self._radius).tolist()
        return near

    def _exposure(
        self, number: int, region: Region, active: Rows
    ) -> tuple[PatchExposure, NDArray[np.bool_]] | None:
        """What an image sees of a region, and which sources it has good pixels of; None where it has no pixel."""
        image = self.images[number]
        position, jacobian = _linearized(image, active)
        reach = region.radius * np.linalg.norm(jacobian, 2, axis=(1, 2))
        here = position[:, 0] > FAR_AWAY
        if not here.any():
            return None
        low = (position - reach[:, None])[here].min(axis=0)
        high = (position + reach[:, None])[here].max(axis=0)
        x, y, data, weight = image.tiles((low[0], high[0]), (low[1], high[1]))
        inside = _inside(x, y, position, jacobian, region.radius)
        good = inside & (weight > 0.0)
        tiles: NDArray[np.bool_] = np.any(good, axis=(0, 2))
        if not tiles.any():
            return None
        counts = good[:, tiles].any(axis=0)
        exposure = PatchExposure(
            name=image.name,
            band=self.bands.index(image.band),
            flux_scale=float(image.flux_scale),
            background=int(image.background),
            x=x[tiles],
            y=y[tiles],
            data=np.where(counts, data[tiles], 0.0),
            weight=np.where(counts, weight[tiles], 0.0),
            position=position,
            jacobian=jacobian,
            psf=psf_table(self.psfs[number], position),
        )
        sees: NDArray[np.bool_] = np.any(good, axis=(1, 2))
        return exposure, sees

    def _priors_of_unseen(self, sources: Rows, seen: NDArray[np.bool_]) -> dict[str, Any]:
        """Priors of the fluxes that no pixel tells."""
        if seen.all():
            return {}
        from getframes.fit.priors import Normal

        sigma = self.unseen_sigma * max(float(np.abs(sources["flux"]).max(initial=0.0)), 1e-300)
        return {
            f"flux_{self.bands[band]}[{sources['id'][row]}]": Normal(float(sources["flux"][row, band]), sigma)
            for row, band in np.argwhere(~seen).tolist()
        }

    def _without(self, patch: Patch, fixed: Rows) -> Patch:
        """The patch with the light of fixed sources taken off."""
        by_name = {image.name: number for number, image in enumerate(self.images)}
        exposures = []
        for exposure in patch.exposures:
            number = by_name[exposure.name]
            position, jacobian = _linearized(self.images[number], fixed)
            psf = psf_table(self.psfs[number], position)
            exposures.append(replace(exposure, background=0, position=position, jacobian=jacobian, psf=psf))
        size = len(parameters_of(fixed))
        neighbours = Patch(
            sources=fixed,
            bands=patch.bands,
            exposures=tuple(exposures),
            bounds=np.tile([-np.inf, np.inf], (size, 1)),
            visits=np.zeros(len(fixed), np.int64),
            draws=np.zeros(len(fixed), np.int64),
        )
        light = neighbours.rendered(neighbours.parameters)
        return replace(
            patch,
            exposures=tuple(
                replace(each, data=np.where(each.weight > 0.0, each.data - model, 0.0))
                for each, model in zip(patch.exposures, light, strict=True)
            ),
        )


def circle_around(image: PixelSource) -> tuple[Numbers, float]:
    """Centre (as `points_of` gives it) and radius [arcsec] of a circle on the sky that holds an image."""
    height, width = image.shape
    x, y = (np.linspace(-0.5, side - 0.5, 9) for side in (width, height))
    edge = np.concatenate([[[u, v] for u in x for v in y[[0, -1]]], [[u, v] for u in x[[0, -1]] for v in y]])
    points = points_of(*np.asarray(image.wcs.all_pix2world(edge, 0)).T, sky=True)
    centre = points.mean(axis=0)
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    return centre, 1.01 * radius


def _as_it_travels(image: PixelSource) -> PixelSource:
    """An image with the WCS that another process would get, so that the place of a fit does not change a bit: astropy sends it as cards, with 12 or so digits."""
    return image if image.wcs is None else replace(image, wcs=pickle.loads(pickle.dumps(image.wcs)))


def _linearized(image: PixelSource, rows: Rows) -> tuple[Numbers, Numbers]:
    """Positions and Jacobians of sources, with those that an image cannot see far away."""
    position, jacobian = image.linearized(rows["ra"], rows["dec"])
    finite = np.isfinite(np.concatenate([position, jacobian.reshape(-1, 4)], axis=1))
    bad: NDArray[np.bool_] = np.any(~finite, axis=1)
    position, jacobian = np.where(bad[:, None], FAR_AWAY, position), np.array(jacobian)
    jacobian[bad] = np.eye(2)
    return position, jacobian


def _inside(
    x: NDArray[np.int32], y: NDArray[np.int32], position: Numbers, jacobian: Numbers, radius: Numbers
) -> NDArray[np.bool_]:
    """Pixels of tiles within the circle of each source (A, T, 64)."""
    row, column = np.divmod(np.arange(TILE * TILE), TILE)
    made = np.empty((len(position), len(x), TILE * TILE), bool)
    for number, (place, inverse) in enumerate(zip(position, np.linalg.inv(jacobian), strict=True)):
        u = x[:, None] + column - place[0]
        v = y[:, None] + row - place[1]
        east, north = inverse[0, 0] * u + inverse[0, 1] * v, inverse[1, 0] * u + inverse[1, 1] * v
        made[number] = east**2 + north**2 <= radius[number] ** 2
    return made


def _of_sources(exposure: PatchExposure, chosen: NDArray[np.bool_]) -> PatchExposure:
    """What an exposure knows of some of the sources."""
    return replace(
        exposure,
        position=exposure.position[chosen],
        jacobian=exposure.jacobian[chosen],
        psf=exposure.psf[chosen],
    )
