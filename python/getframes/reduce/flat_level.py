"""Levels of flats: the mean of the pixels of a detector, or of each of its amplifiers, without outliers.

Outliers are further than k sigma from the median, with sigma from the median absolute deviation; found again until nothing changes. Pixels that are not finite,
masked, or saturated do not count. A level whose pixels are half of them unusable is no level: NaN, of 0 pixels.

The standard deviation of a pixel comes from gain K and read noise R where they are given,

    sigma^2 = L/K + (R/K)^2 + 1/12    [ADU^2],

and otherwise from the scatter of the pixels that were kept, with the tails beyond k sigma put back. It is raised by what a clip costs (1.5 % at 3 sigma), so
that sigma / sqrt(pixels) is the error of the level. The scatter contains what is the same in every flat, as
vignetting and the response of single pixels, which does not make a level uncertain: chi2 is then too small.

Not modelled: the slope of the light inside a section (the clip is about one median: 3 sigma of its own spread), noise that is shared by pixels, what clips below
2.5 sigma cost (found again and again, they end up with few pixels).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import MissingEntryError, ShapeError, require
from getframes.frame import as_pixels
from getframes.reduce.small_samples import MAD_TO_SIGMA
from getframes.sections import Section, require_trimmed

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from getframes.io.images import Files, Image

    Values = NDArray[np.float64]


class Level(NamedTuple):
    """Mean level of some pixels, how many they are, and the standard deviation of one of them."""

    level: float
    pixels: int
    sigma: float


NO_LEVEL = Level(math.nan, 0, math.nan)


def measure_flat_levels(
    flats: Iterable[Any],
    *,
    bias: Any = None,
    sections: Mapping[Any, Any] | None = None,
    extensions: Sequence[int | str] | None = None,
    exposure: str = "exposure",
    detector: str = "detector",
    gain_e_per_adu: float | Mapping[Any, float] | None = None,
    read_noise_e: float | None = None,
    saturate_adu: float | None = None,
    sigma: float = 3.0,
) -> Iterator[dict[str, Any]]:
    """Levels of flats, one record for each detector of each flat, as `normalize_flats` takes them.

    Parameters
    ----------
    flats : iterable of path, Frame, CCDData or array, or of (image, data id)
        Raw flats without overscan, or flats without bias; one is in memory at a time. A data id is a mapping with what metadata or header do not say.
    bias : float, image, or mapping from detector to either, optional
        What is subtracted: a pedestal, a master bias, or a dark that holds the bias; paths are read again for every flat.
    sections : mapping, optional
        Pixels of each amplifier by its name, as FITS sections ``"[1:1024,1:2048]"`` or `Section`; or a mapping from detector to such a mapping,
        as `FocalPlane.sections`. Without it a detector has one level.
    extensions : sequence of int or str, optional
        Of files with several images. Without an entry for the detector, the extension is the detector.
    exposure, detector : str
        Entries of metadata or header (or data id) that name exposure and detector.
    gain_e_per_adu : float or mapping from detector to float, optional
        For the noise of a pixel, together with the read noise; without them it is taken from the scatter.
    read_noise_e : float, optional
        Read noise of a pixel [e-].
    saturate_adu : float, optional
        Counts from which a pixel of the flat is saturated; its ``saturate_adu`` (SATURATE) when left out.
    sigma : float
        Where pixels are rejected.

    Yields
    ------
    dict
        ``exposure``, ``detector``, ``level``, ``pixels`` and ``sigma``; the last three by name of the amplifier where there are sections.

    Raises
    ------
    MissingEntryError
        If a flat does not say what its exposure or detector is; it is a KeyError.
    DomainError, ShapeError
        If an image has an overscan, a section is not inside it, a bias has another shape, or an option is impossible.
    InputError, IntegrityError
        If a file cannot be read.
    """
    require(0 < sigma < np.inf, "", "sigma", "> 0", sigma)
    gains = list(gain_e_per_adu.values()) if isinstance(gain_e_per_adu, Mapping) else [gain_e_per_adu]
    for gain in gains:
        require(gain is None or 0 < gain < np.inf, "", "gain_e_per_adu", "> 0 e-/ADU", gain)
    together = (gain_e_per_adu is None) == (read_noise_e is None)
    require(together, "", "read_noise_e", "given together with gain_e_per_adu, or neither", read_noise_e)
    read_noise = 0.0 if read_noise_e is None else float(read_noise_e)
    require(0 <= read_noise < np.inf, "", "read_noise_e", ">= 0 e-", read_noise_e)
    measure = _Measure(float(sigma), gain_e_per_adu, read_noise, saturate_adu)
    return _records(flats, bias, sections, extensions, (exposure, detector), measure)


class _Measure(NamedTuple):
    """How pixels become a level."""

    sigma: float
    gain_e_per_adu: Any
    read_noise_e: float
    saturate_adu: float | None

    def __call__(self, raw: NDArray[Any], good: NDArray[np.bool_] | None, pedestal: Any) -> Level:
        """The level of a section, above the pedestal."""
        usable = np.isfinite(raw) if raw.dtype.kind == "f" else np.ones(raw.shape, bool)
        if good is not None:
            usable &= good
        if self.saturate_adu is not None:
            usable &= raw < self.saturate_adu
        values = np.asarray((raw - np.asarray(pedestal, np.float64))[usable])
        values = values[np.isfinite(values)]
        if 2 * values.size <= raw.size:
            return NO_LEVEL
        level = clipped_level(values, self.sigma, 0.0 if raw.dtype.kind == "f" else 0.5)
        variance, gain = level.sigma**2, self.gain_e_per_adu
        if gain is not None:
            variance = max(level.level, 0.0) / gain + (self.read_noise_e / gain) ** 2 + 1.0 / 12.0
        return level._replace(sigma=math.sqrt(variance * _clip_moments(self.sigma)[1]))


def clipped_level(values: Values, sigma: float, least: float = 0.0) -> Level:
    """Mean of what is within `sigma` of the median, found again until nothing changes, and the standard deviation of a normal law of that scatter.

    `least` is the smallest deviation that is believed: half a count for whole numbers, of which many are equal.
    """
    ordered = np.sort(values, axis=None)
    low, high = 0, ordered.size
    while True:
        kept = ordered[low:high]
        middle = 0.5 * (kept[(kept.size - 1) // 2] + kept[kept.size // 2])
        reach = sigma * MAD_TO_SIGMA * max(float(np.median(np.abs(kept - middle))), least)
        first = int(np.searchsorted(kept, middle - reach, "left"))
        last = int(np.searchsorted(kept, middle + reach, "right"))
        if last - first == kept.size:
            break
        low, high = low + first, low + last
    spread = float(kept.std(ddof=1)) if kept.size > 1 else math.nan
    return Level(float(kept.mean()), int(kept.size), spread / math.sqrt(_clip_moments(sigma)[0]))


def _clip_moments(sigma: float) -> tuple[float, float]:
    """Variance of what a clip at `sigma` leaves of a standard normal law, and number kept times variance of its mean.

    The second is above 1, as the ends of the clip move with the median: 1.03 at 3 sigma.
    """
    inside = math.erf(sigma / math.sqrt(2.0))
    top, end = (math.exp(-0.5 * at**2) / math.sqrt(2.0 * math.pi) for at in (0.0, sigma))
    variance = 1.0 - 2.0 * sigma * end / inside
    pull = sigma * end / (inside * top)  # of the median on the mean
    return variance, variance + 4.0 * pull * (top - end) + inside * pull**2


def _records(
    flats: Iterable[Any],
    bias: Any,
    sections: Mapping[Any, Any] | None,
    extensions: Sequence[int | str] | None,
    entries: tuple[str, str],
    measure: _Measure,
) -> Iterator[dict[str, Any]]:
    from getframes.io.images import Files, open_image

    for number, flat in enumerate(flats):
        source, data_id = flat if isinstance(flat, tuple) else (flat, {})
        with Files() as files:
            for extension in (None,) if extensions is None else extensions:
                image = open_image(source, files, extension=extension, name=f"flat {number}")
                known = {
                    **({} if extension is None else {entries[1]: extension}),
                    **image.metadata,
                    **data_id,
                }
                exposure, detector = (_entry(known, name, image) for name in entries)
                yield {
                    "exposure": exposure,
                    "detector": detector,
                    **_measured(image, detector, bias, sections, measure, files),
                }


def _measured(
    image: Image,
    detector: Hashable,
    bias: Any,
    sections: Mapping[Any, Any] | None,
    measure: _Measure,
    files: Files,
) -> dict[str, Any]:
    """Level, pixels and sigma of a flat."""
    require_trimmed(image.metadata, image.shape, image.name)
    measure = measure._replace(gain_e_per_adu=_own(measure.gain_e_per_adu, "gain_e_per_adu", detector))
    if measure.saturate_adu is None:
        measure = measure._replace(saturate_adu=image.metadata.get("saturate_adu"))
    pixels, mask = image.whole()
    pedestal = _pedestal(_own(bias, "bias", detector), image, files)
    blocks = _sections_of(sections, detector, image)
    levels = {
        name: measure(
            pixels[block.slices],
            None if mask is None else ~mask[block.slices],
            pedestal if np.ndim(pedestal) == 0 else pedestal[block.slices],
        )
        for name, block in blocks.items()
    }
    if sections is None:
        return levels[""]._asdict()
    return {field: {name: getattr(level, field) for name, level in levels.items()} for field in Level._fields}


def _entry(known: Mapping[str, Any], name: str, image: Image) -> Any:
    if name not in known:
        raise MissingEntryError(f"{image.name} must have the entry {name!r}, got {', '.join(sorted(known))}")
    return known[name]


def _own(given: Any, name: str, detector: Hashable) -> Any:
    """What is given for a detector, where it is given for each."""
    if not isinstance(given, Mapping):
        return given
    if detector not in given:
        raise MissingEntryError(f"{name} must have detector {detector!r}, got {', '.join(map(repr, given))}")
    return given[detector]


def _pedestal(bias: Any, image: Image, files: Files) -> Any:
    """What is subtracted from a flat: a number or an array."""
    from getframes.io.images import open_image

    if bias is None:
        return 0.0
    if np.ndim(bias) == 0 and isinstance(bias, int | float | np.number):
        require(bool(np.isfinite(bias)), "", "bias", "finite", bias)
        return float(bias)
    master = open_image(bias, files, name="bias")
    if master.shape != image.shape:
        raise ShapeError(
            f"{master.name} must have the shape of {image.name}, {image.shape}, got {master.shape}"
        )
    pixels, mask = master.whole()
    return pixels if mask is None else np.where(mask, np.nan, as_pixels(pixels))


def _sections_of(sections: Mapping[Any, Any] | None, detector: Hashable, image: Image) -> dict[str, Section]:
    """The sections of a detector, checked."""
    if sections is None:
        return {"": Section.whole(image.shape)}
    each_has_own = any(isinstance(each, Mapping) for each in sections.values())
    own = _own(sections, "sections", detector) if each_has_own else sections
    owner = f"{image.name}: detector {detector!r}"
    return {name: Section.parse(str(each), str(name), image.shape, owner) for name, each in own.items()}
