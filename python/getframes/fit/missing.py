"""Sources that a catalog lacks: significant peaks of the residuals.

Each residual is filtered with the PSF of its exposure, which gives flux and error of a star at every pixel; candidates are the peaks, and at each of them all
exposures are measured together:

f_b = sum_e s_e (w r * P)_e / sum_e s_e^2 (w * P^2)_e,  1 / sigma_b^2 = sum_e s_e^2 (w * P^2)_e

with residual r, inverse variance w, PSF P and flux scale s of every exposure e of band b. A candidate is kept where f_b / sigma_b reaches the threshold in a band.

Peaks are looked for with the PSF of the middle of an exposure, and measured with the one at the peak.

Not modelled: a galaxy is found as a star, with too little flux.

Source: Turin 1960, doi:10.1109/TIT.1960.1057571 (matched filters).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import require
from getframes.fit.catalog import NUMBERS, SourceCatalog, wrapped
from getframes.fit.grouping import points_of
from getframes.fit.psf import PsfMixture, psf_at
from getframes.fit.residual import ResidualImage
from getframes.fit.source import GALAXY, STAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.fit.exposure import PixelSource

    Numbers = NDArray[np.float64]

LEAST_CANDIDATE = 2.5
"""Signal to noise in one exposure below which nothing is looked at."""
LEAST_HELD = 0.3
"""Share of the squared PSF that has to lie on pixels that count."""
WORTH_A_LOOK = 0.7
"""Part of the threshold that a candidate has to reach with the PSF of the middle to be measured with that of its place."""
_REACH_SIGMA = 4.0


@dataclass(frozen=True, eq=False)
class MissingSources:
    """Peaks that no source explains, n of them, the most significant first.

    Attributes
    ----------
    position : array (n, 2)
        RA and Dec [deg], or x and y [px].
    flux, sigma : array (n, B)
        Of a star there, and its error [flux unit]; NaN in a band that does not see it.
    """

    position: Numbers
    flux: Numbers
    sigma: Numbers

    def __len__(self) -> int:
        return len(self.position)

    @property
    def significance(self) -> Numbers:
        """The greatest signal to noise of any band (n,)."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.nanmax(self.flux / self.sigma, axis=1, initial=-np.inf))


def missing_sources(
    images: Iterable[ResidualImage],
    catalog: SourceCatalog,
    *,
    psfs: Mapping[str, Any] | None = None,
    threshold: float = 5.0,
    least_distance: float | None = None,
) -> MissingSources:
    """Significant peaks of the residuals of a fit.

    Parameters
    ----------
    images : iterable of ResidualImage
        Of all exposures.
    catalog : SourceCatalog
        The sources that were fitted.
    psfs : mapping, optional
        PSFs by the name of an exposure or of a band, instead of those that exposures have.
    threshold : float
        Signal to noise that a peak needs in one band.
    least_distance : float, optional
        Of a peak from every source of the catalog and every other peak [arcsec, or px]; the FWHM of the narrowest PSF when left out.

    Raises
    ------
    DomainError
        If the threshold or the distance is not positive, an exposure has no PSF, or some have a WCS and the catalog has none.
    """
    require(threshold > 0.0, "missing_sources", "threshold", "> 0", threshold)
    maps = [_Filtered(image, psfs or {}, catalog) for image in images if image.weight.any()]
    require(bool(maps), "missing_sources", "images", "one at least with a pixel that counts", 0)
    apart = min(each.fwhm for each in maps) if least_distance is None else least_distance
    require(apart > 0.0, "missing_sources", "least_distance", "> 0", apart)
    lowest = max(LEAST_CANDIDATE, threshold / np.sqrt(len(maps)))
    candidates = [each.peaks(min(lowest, threshold)) for each in maps]
    position = np.concatenate([at for at, _ in candidates])
    rough = MissingSources(position, *_measured(maps, position, catalog.bands, _Filtered.near))
    position = position[rough.significance >= WORTH_A_LOOK * threshold]
    flux, sigma = _measured(maps, position, catalog.bands, _Filtered.at)
    found = MissingSources(position, flux, sigma)
    kept = _apart(position, found.significance, catalog, threshold, apart)
    return MissingSources(position[kept], flux[kept], sigma[kept])


def with_missing(
    catalog: SourceCatalog, found: MissingSources, *, roi: float, rhalf: float = 0.0
) -> SourceCatalog:
    """A catalog with what it lacked as further rows: stars, or round galaxies of Sersic index 1 where a size is given.

    Parameters
    ----------
    catalog : SourceCatalog
        What there is; its rows stay as they are.
    found : MissingSources
        Peaks of residuals.
    roi, rhalf : float
        Of the new rows [arcsec, or px].

    Raises
    ------
    DomainError
        If the radius of influence is not positive, or the size is negative.
    """
    require(roi > 0.0, "with_missing", "roi", "> 0", roi)
    require(rhalf >= 0.0, "with_missing", "rhalf", ">= 0", rhalf)
    count = len(found)
    first = int(catalog.id.max(initial=0)) + 1
    new = {"rhalf": rhalf, "sersic": 1.0, "q": 1.0, "pa": 0.0, "roi": roi}
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(catalog, name), np.full(count, new[name])]) for name in NUMBERS
    }
    others = {name: _longer(values, count) for name, values in catalog.others.items()}
    kind = np.full(count, GALAXY if rhalf > 0.0 else STAR, np.int32)
    return replace(
        catalog,
        id=np.concatenate([catalog.id, first + np.arange(count)]),
        position=np.concatenate([catalog.position, found.position]),
        kind=np.concatenate([catalog.kind, kind]),
        flux=np.concatenate([catalog.flux, np.nan_to_num(found.flux, nan=0.0)]),
        others=others,
        **columns,
    )


class _Filtered:
    """The residual of an exposure, filtered with its PSF."""

    def __init__(self, image: ResidualImage, psfs: Mapping[str, Any], catalog: SourceCatalog) -> None:
        from scipy.signal import fftconvolve

        self.exposure: PixelSource = image.exposure
        exposure = self.exposure
        same = (exposure.wcs is not None) == catalog.sky
        require(same, exposure.name, "wcs", "there, as the catalog has ra and dec", exposure.wcs)
        psf = psfs.get(exposure.name, psfs.get(exposure.band, exposure.psf))
        require(psf is not None, exposure.name, "psf", "given", None)
        height, width = exposure.shape
        mixture = psf_at(psf, 0.5 * (width - 1), 0.5 * (height - 1))
        sigma = _sigma(mixture)
        stamp = mixture.stamp(_side(sigma))
        seen = image.weight > 0.0
        weighted = np.where(seen, image.residual * image.weight, 0.0)
        self._psf, self._weighted, self._counts = psf, weighted, image.weight
        turned = stamp[::-1, ::-1]
        scale = exposure.flux_scale
        self._sum = scale * fftconvolve(weighted, turned, mode="same")
        self._weight = scale**2 * np.maximum(fftconvolve(image.weight, turned**2, mode="same"), 0.0)
        held = fftconvolve(seen.astype(float), turned**2, mode="same") / float((stamp**2).sum())
        self._weight[held < LEAST_HELD] = 0.0
        self.fwhm = 2.3548 * sigma * self._pixel()

    def _pixel(self) -> float:
        """Side of a pixel [arcsec, or px]."""
        height, width = self.exposure.shape
        if self.exposure.wcs is None:
            return 1.0
        ra, dec = self._sky(np.array([[0.5 * (width - 1), 0.5 * (height - 1)]]))[0]
        return float(1.0 / np.sqrt(np.abs(np.linalg.det(self.exposure.linearized(ra, dec)[1]))))

    def peaks(self, least: float) -> tuple[Numbers, Numbers]:
        """Positions and signal to noise of the peaks."""
        from scipy.ndimage import maximum_filter

        ratio = np.zeros_like(self._sum)
        np.divide(self._sum, np.sqrt(self._weight), out=ratio, where=self._weight > 0.0)
        row, column = np.nonzero((ratio >= least) & (ratio == maximum_filter(ratio, 3)))
        at = np.stack(
            [column + _vertex(ratio, row, column, 1), row + _vertex(ratio, row, column, 0)], axis=-1
        )
        return self._sky(at), ratio[row, column]

    def near(self, position: Numbers) -> tuple[Numbers, Numbers]:
        """Numerator and inverse variance of the flux of a star at the pixels next to positions, with the PSF of the middle; 0 where this exposure does not see them."""
        pixel, inside = self._pixels(position)
        column, row = np.where(inside[:, None], np.round(pixel), 0.0).astype(int).T
        weight = np.where(inside, self._weight[row, column], 0.0)
        return np.where(weight > 0.0, self._sum[row, column], 0.0), weight

    def at(self, position: Numbers) -> tuple[Numbers, Numbers]:
        """The same at the positions themselves, with the PSF there."""
        pixel, inside = self._pixels(position)
        made = np.zeros((len(position), 2))
        for number in np.flatnonzero(inside).tolist():
            made[number] = self._star(*pixel[number].tolist())
        return made[:, 0], made[:, 1]

    def _pixels(self, position: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
        """Pixels of positions, and which of them are on the image."""
        pixel, _ = self.exposure.linearized(position[:, 0], position[:, 1])
        height, width = self.exposure.shape
        return pixel, np.all((pixel >= -0.5) & (pixel < [width - 0.5, height - 0.5]), axis=1)

    def _star(self, x: float, y: float) -> tuple[float, float]:
        """The same of a star at a pixel position, with the PSF there."""
        column, row = round(x), round(y)
        components = psf_at(self._psf, x, y).components.copy()
        components[:, 1:3] += [x - column, y - row]
        mixture = PsfMixture(components)
        stamp = mixture.stamp(_side(_sigma(mixture)))
        half = len(stamp) // 2
        top, left = max(row - half, 0), max(column - half, 0)
        part = slice(top, row + half + 1), slice(left, column + half + 1)
        counts = self._counts[part]
        light = stamp[top - row + half :, left - column + half :][: counts.shape[0], : counts.shape[1]]
        if (light**2)[counts > 0.0].sum() < LEAST_HELD * (stamp**2).sum():
            return 0.0, 0.0
        scale = self.exposure.flux_scale
        return scale * float((self._weighted[part] * light).sum()), scale**2 * float(
            (counts * light**2).sum()
        )

    def _sky(self, pixel: Numbers) -> Numbers:
        if self.exposure.wcs is None:
            return pixel
        sky = np.asarray(self.exposure.wcs.celestial.all_pix2world(pixel, 0)).reshape(-1, 2)
        return np.stack([wrapped(sky[:, 0]), sky[:, 1]], axis=-1)


def _sigma(mixture: PsfMixture) -> float:
    """Standard deviation of a PSF [px]."""
    amplitude, dx, dy, xx, _, yy = mixture.components.T
    return float(np.sqrt(max((amplitude * (xx + dx * dx + yy + dy * dy)).sum() / 2.0, 0.1)))


def _side(sigma: float) -> int:
    """Of a stamp [px]."""
    return 2 * int(np.ceil(_REACH_SIGMA * sigma)) + 1


def _vertex(ratio: Numbers, row: NDArray[np.intp], column: NDArray[np.intp], axis: int) -> Numbers:
    """Where the parabola through a pixel and its neighbours along an axis is highest, from its centre [px]."""
    size = ratio.shape[axis]
    place = (row, column)[axis]
    before, after = np.maximum(place - 1, 0), np.minimum(place + 1, size - 1)
    low, high = (ratio[(at, column) if axis == 0 else (row, at)] for at in (before, after))
    curvature = low - 2.0 * ratio[row, column] + high
    shift = np.where(curvature < 0.0, 0.5 * (low - high) / np.where(curvature < 0.0, curvature, 1.0), 0.0)
    return np.clip(shift, -0.5, 0.5)


def _measured(
    maps: Sequence[_Filtered],
    position: Numbers,
    bands: Sequence[str],
    measure: Callable[[_Filtered, Numbers], tuple[Numbers, Numbers]],
) -> tuple[Numbers, Numbers]:
    """Flux of a star at positions and its error, from all exposures of each band; NaN in one that does not see it."""
    total, weight = np.zeros((len(position), len(bands))), np.zeros((len(position), len(bands)))
    for each in maps:
        if each.exposure.band in bands:
            band = bands.index(each.exposure.band)
            one, its_weight = measure(each, position)
            total[:, band] += one
            weight[:, band] += its_weight
    seen = weight > 0.0
    safe = np.where(seen, weight, 1.0)
    return np.where(seen, total / safe, np.nan), np.where(seen, 1.0 / np.sqrt(safe), np.nan)


def _apart(
    position: Numbers, significance: Numbers, catalog: SourceCatalog, threshold: float, apart: float
) -> list[int]:
    """Numbers of the candidates that count, the most significant first, each apart from sources and from those before it."""
    from scipy.spatial import KDTree

    def points(place: Numbers) -> Numbers:
        return points_of(place[:, 0], place[:, 1], sky=catalog.sky)

    candidates = points(position)
    known = catalog.position[np.isfinite(catalog.position).all(axis=1)]
    near = np.zeros(len(position), bool)
    if len(known):
        near = KDTree(points(known)).query(candidates)[0] < apart
    order = [
        i
        for i in np.argsort(-significance, kind="stable").tolist()
        if significance[i] >= threshold and not near[i]
    ]
    tree, taken, kept = KDTree(candidates) if len(candidates) else None, set[int](), []
    for i in order:
        if i not in taken and tree is not None:
            kept.append(i)
            taken.update(tree.query_ball_point(candidates[i], apart))
    return kept


def _longer(values: Any, count: int) -> Any:
    """A column with rows more, of which nothing is known."""
    masked: Any = np.ma
    column = masked.asarray(values)
    longer = masked.concatenate([column, masked.masked_all((count, *column.shape[1:]), column.dtype)])
    return longer.filled(np.nan) if column.dtype.kind == "f" else longer
