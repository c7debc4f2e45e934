"""Raw frames without the level of their overscan, cut to the pixels that collect light.

Pixels that are read but collect no light show the offset of the amplifier at the time they are read. Its level is taken from the strip of each
amplifier and subtracted from what that amplifier read:

    row:     o_y = level of row y of the strip             from every pixel of row y
    column:  o_x = level of column x of the strip          from every pixel of column x
    strip:   o   = level of all of the strip               from every pixel of the amplifier

A level is the mean after clipping about the median (`getframes.combine`), the mean, or the median. What is subtracted has an error of its own: the
read noise over sqrt(n), n pixels a level, shared by all pixels that it is taken from. Offsets of channels, which all levels have in the same place, are
no part of it.

Not modelled: levels that are smoothed or fitted along the strip, charge that trails into it (leave those columns out of the section).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import DomainError, require
from getframes.frame import Deferred, Frame, FrameTruth, require_finite
from getframes.reduce.combination import METHODS, clipped_mean
from getframes.reduce.frame import Flag, ReducedFrame
from getframes.reduce.small_samples import MAD_TO_SIGMA
from getframes.sections import AMPLIFIERS, KEYWORD, Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Levels = NDArray[np.float64]

BY = ("row", "column", "strip")
_DOUBLE = np.dtype(np.float64)
_FAR = 5.0
"""Deviations from which a pixel of a strip is no noise."""
_MEDIAN_NOISE = 1.2533141373155
"""Standard error of a median over that of a mean."""


class _Amplifier(NamedTuple):
    """What one amplifier read, and where in a message that is said."""

    data: Section
    bias: Section
    data_name: str
    bias_name: str


def subtract_overscan(
    image: Any,
    *,
    sections: Sequence[tuple[str, str]] | None = None,
    by: str = "row",
    method: str = "sigma_clip",
    sigma: float = 3.0,
    extension: int | str | tuple[str, int] | None = None,
) -> Frame:
    """A raw frame without the level of its overscan, cut to the pixels that collect light [ADU, float64].

    Parameters
    ----------
    image : Frame, CCDData, path of a FITS file, or array (height, width)
        The raw frame.
    sections : sequence of (data, overscan), optional
        One pair of sections for each amplifier, as ``("[1:2048,1:2048]", "[2049:2080,1:2048]")``: columns first, both ends counted, from 1.
        Without them: DATASEC and BIASSEC, or DATASECA, BIASSECA, DATASECB ... of several amplifiers; only what lies in TRIMSEC is kept.
    by : {"row", "column", "strip"}
        Whether each row (or column) has a level of its own, or the strip has one.
    method : {"sigma_clip", "mean", "median"}
        How pixels make a level. A median of whole counts is off by up to half a count where the noise is small.
    sigma : float
        Where pixels are rejected, as in `getframes.combine`.
    extension : int, str or (str, int), optional
        Of a file; its first image when left out.

    Returns
    -------
    Frame
        What the amplifiers read, put together where they were. With the metadata of the frame, less its sections, and for each amplifier its
        mean level in ``overscan_adu`` and the standard error of one level in ``overscan_error_adu``. ``saturate_adu`` and the WCS follow the
        pixels, and so does the truth. A `ReducedFrame` where pixels are masked: they become
        NaN, and those of a strip take no part in its level.

    Raises
    ------
    DomainError
        If a section is missing, is none or lies outside the image, a strip does not cover the rows (or columns) it is to correct, a pixel of it
        is not finite, all of a level are masked, sections do not make up a rectangle, or an option is unknown. The message names the file and the
        keyword.
    InputError, IntegrityError
        If a file cannot be read, or is damaged.
    """
    levels = measure_overscan(
        image, sections=sections, by=by, method=method, sigma=sigma, extension=extension
    )
    return _recorded(_cut(levels.raw, levels.subtracted(), levels.layout), levels)


def overscan_for(
    image: Any, by: str, precision: np.dtype[Any]
) -> tuple[Frame, tuple[Section, Levels] | None]:
    """The overscan of a frame for a pass that takes levels off while it reads, where every row has one.

    Parameters
    ----------
    image, by
        As in `subtract_overscan`.
    precision : numpy.dtype
        Of the pass.

    Returns
    -------
    Frame, and (Section, array (height,)) or None
        With one amplifier and not by column, what `subtract_overscan` gives, but with the counts as they are (a view); where they lie in the raw frame; and
        the level of each of their rows. Otherwise what `subtract_overscan` gives, in that precision.

    Raises
    ------
    DomainError
        As `subtract_overscan`.
    """
    levels = measure_overscan(image, by=by)
    if len(levels.levels_adu) != 1 or by == "column":
        return _recorded(_cut(levels.raw, levels.subtracted(precision), levels.layout), levels), None
    (section,), (level,) = levels.layout.sections, levels.levels_adu
    made = _recorded(_cut(levels.raw, levels.raw.pixels[section.slices], levels.layout), levels)
    return made, (section, np.array(np.broadcast_to(level, (levels.layout.shape[0], 1))[:, 0]))


def _recorded(trimmed: Frame, levels: OverscanLevels) -> Frame:
    """The frame, with what was taken off in its metadata."""
    trimmed.metadata.update(
        overscan_adu=tuple(float(level.mean()) for level in levels.levels_adu),
        overscan_error_adu=levels.errors_adu,
    )
    if trimmed.metadata.get("saturate_adu") is not None:
        # The lowest end of all of its pixels.
        trimmed.metadata["saturate_adu"] -= max(float(level.max()) for level in levels.levels_adu)
    trimmed.metadata["calibration"] = [*trimmed.metadata.get("calibration", ()), "overscan"]
    return trimmed


class OverscanLevels(NamedTuple):
    """What `subtract_overscan` takes off a raw frame, amplifier by amplifier.

    Attributes
    ----------
    raw : Frame
        The frame as it was given.
    layout : Layout
        What each amplifier read, and its place in the trimmed frame.
    levels_adu : tuple of arrays
        Of each amplifier, to be broadcast over what it read: shape (height, 1) by row, (1, width) by column, (1, 1) by strip [ADU].
    errors_adu : tuple of float
        Standard error of one level of each amplifier [ADU].
    """

    raw: Raw
    layout: Layout
    levels_adu: tuple[Levels, ...]
    errors_adu: tuple[float, ...]

    def subtracted(self, precision: np.dtype[Any] = _DOUBLE) -> NDArray[np.floating[Any]]:
        """The trimmed frame without its levels [ADU], shape (height, width); NaN where it is masked."""
        data = np.empty(self.layout.shape, precision)
        for section, place, level in zip(*self.layout, self.levels_adu, strict=True):
            counts, out = self.raw.pixels[section.slices], data[place.slices]
            np.subtract(counts, level, out=out, dtype=np.float64, casting="same_kind")
        if self.raw.mask is not None:
            data[self.layout.assembled(self.raw.mask)] = np.nan
        return data


def measure_overscan(
    image: Any,
    *,
    sections: Sequence[tuple[str, str]] | None = None,
    by: str = "row",
    method: str = "sigma_clip",
    sigma: float = 3.0,
    extension: int | str | tuple[str, int] | None = None,
) -> OverscanLevels:
    """The levels that `subtract_overscan` takes off; parameters and errors as there."""
    require(by in BY, "", "by", f"one of {', '.join(BY)}", by)
    require(method in METHODS, "", "method", f"one of {', '.join(METHODS)}", method)
    require(0 < sigma < np.inf, "", "sigma", "> 0", sigma)
    raw = _read(image, extension)
    amplifiers = _stated(raw) if sections is None else _given(sections, raw)
    layout = Layout.of([amplifier.data for amplifier in amplifiers], raw.name)
    found = [_level(raw, amplifier, by, method, sigma) for amplifier in amplifiers]
    return OverscanLevels(raw, layout, tuple(level for level, _ in found), tuple(error for _, error in found))


def trim(image: Any, *, extension: int | str | tuple[str, int] | None = None) -> Frame:
    """The part of a raw frame that collects light, its values as they are: TRIMSEC, or DATASEC where there is no TRIMSEC.

    Parameters
    ----------
    image : Frame, CCDData or path of a FITS file
        The raw frame.

    Returns
    -------
    Frame
        In the type of the frame, which is returned where nothing says that it is more than that. Metadata, WCS, mask and truth as in
        `subtract_overscan`.

    Raises
    ------
    DomainError
        If a section is none, lies outside the image, or sections do not make up a rectangle.
    """
    raw = _read(image, extension)
    blocks = _blocks(raw)
    if not blocks:
        return raw.frame
    layout = Layout.of([section for section, _ in blocks.values()], raw.name)
    return _cut(raw, layout.assembled(raw.pixels), layout)


def amplifiers(image: Any) -> dict[str, Section]:
    """Where what each amplifier read lies in the trimmed frame, by the end of its keywords: "A" for DATASECA; empty for a frame that does not say.

    Raises
    ------
    DomainError
        As `trim`.
    """
    raw = _read(image, None)
    blocks = _blocks(raw)
    layout = Layout.of([section for section, _ in blocks.values()], raw.name) if blocks else None
    return {} if layout is None else dict(zip(blocks, layout.places, strict=True))


class Layout(NamedTuple):
    """Sections of an image, and their places in an image of them alone."""

    sections: list[Section]
    places: list[Section]

    @classmethod
    def of(cls, sections: list[Section], owner: str) -> Layout:
        across = _packed({(section.left, section.right) for section in sections})
        along = _packed({(section.bottom, section.top) for section in sections})
        whole = across is not None and along is not None and len(set(sections)) == len(sections)
        if not whole or across is None or along is None or len(sections) != len(across) * len(along):
            texts = ", ".join(map(str, sections))
            raise DomainError(
                f"{owner}: data sections must be blocks of a grid of rows and columns, got {texts}"
            )
        places = [
            Section(*across[section.left, section.right], *along[section.bottom, section.top])
            for section in sections
        ]
        return cls(sections, places)

    @property
    def shape(self) -> tuple[int, int]:
        return max(place.top for place in self.places), max(place.right for place in self.places)

    @property
    def origin(self) -> tuple[int, int]:
        """Column and row of the image under the first pixel."""
        return min(section.left for section in self.sections), min(
            section.bottom for section in self.sections
        )

    def assembled(self, image: NDArray[Any]) -> NDArray[Any]:
        """The sections of the last two axes, put together."""
        out = np.empty((*image.shape[:-2], *self.shape), image.dtype)
        for section, place in zip(self.sections, self.places, strict=True):
            (rows, columns), (to_rows, to_columns) = section.slices, place.slices
            out[..., to_rows, to_columns] = image[..., rows, columns]
        return out


def _packed(intervals: set[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, int]] | None:
    """Where intervals come to lie when the gaps between them are closed; None where they overlap."""
    packed, end, used = {}, 0, 0
    for start, stop in sorted(intervals):
        if start < end:
            return None
        packed[start, stop] = (used, used + stop - start)
        end, used = stop, used + stop - start
    return packed


class Raw(NamedTuple):
    """A raw frame, and how messages call it.

    Attributes
    ----------
    name : str
        Its file, or what it is.
    frame : Frame
        With its metadata, its truth, and its mask where it is a `ReducedFrame`.
    pixels : array (height, width)
        Its data.
    mask : array of bool (height, width), optional
        True where a pixel is bad.
    """

    name: str
    frame: Frame
    pixels: NDArray[Any]
    mask: NDArray[np.bool_] | None

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.pixels.shape
        return height, width

    def section(self, keyword: str) -> Section:
        """That of a keyword."""
        return Section.parse(self.frame.metadata[keyword], keyword, self.shape, self.name)


def _read(image: Any, extension: int | str | tuple[str, int] | None) -> Raw:
    from getframes.io.images import Files, open_image

    with Files() as files:
        opened = open_image(
            image, files, extension=extension, name="Frame" if isinstance(image, Frame) else "image"
        )
        pixels, mask = opened.whole()
    if isinstance(image, Frame):
        return Raw(opened.name, image, pixels, mask)
    # A CCDData may have its keywords in any case.
    metadata = {
        name.upper() if KEYWORD.fullmatch(str(name).upper()) else name: value
        for name, value in opened.metadata.items()
    }
    flags = None if mask is None else mask * np.uint16(Flag.MASKED_IN_INPUT | Flag.NO_DATA)
    frame = Frame(pixels, metadata) if flags is None else ReducedFrame(pixels, metadata, flags=flags)
    return Raw(opened.name, frame, pixels, mask)


def _given(sections: Sequence[tuple[str, str]], raw: Raw) -> list[_Amplifier]:
    require(len(sections) > 0, "", "sections", "at least one pair of sections", sections)
    amplifiers = []
    for number, pair in enumerate(sections):
        names = f"sections[{number}][0]", f"sections[{number}][1]"
        is_pair = isinstance(pair, tuple | list) and len(pair) == 2
        require(is_pair, "", f"sections[{number}]", "a pair (data, overscan)", pair)
        data, bias = (
            Section.parse(text, name, raw.shape, raw.name) for text, name in zip(pair, names, strict=True)
        )
        amplifiers.append(_Amplifier(data, bias, *names))
    return amplifiers


def _stated(raw: Raw) -> list[_Amplifier]:
    """What the keywords say about each amplifier."""
    name, matches = raw.name, map(KEYWORD.fullmatch, raw.frame.metadata)
    found = [match.group(2) for match in matches if match and match.group(1) == "BIAS"]
    # One strip of a whole frame says less than those of its amplifiers.
    suffixes = sorted((suffix for suffix in found if suffix), key=AMPLIFIERS.index) or found
    if not suffixes:
        raise DomainError(
            f"{name} must have the keyword BIASSEC (or sections= be given) to subtract an overscan"
        )
    blocks = _blocks(raw)
    for suffix in set(blocks) - set(suffixes):
        raise DomainError(f"{name} must have the keyword BIASSEC{suffix} beside {blocks[suffix][1]}")
    for suffix in set(suffixes) - set(blocks):
        raise DomainError(
            f"{name} must have the keyword DATASEC{suffix} or TRIMSEC{suffix} beside BIASSEC{suffix}"
        )
    keywords = [(suffix, f"BIASSEC{suffix}") for suffix in suffixes]
    return [
        _Amplifier(blocks[suffix][0], raw.section(keyword), blocks[suffix][1], keyword)
        for suffix, keyword in keywords
    ]


def _blocks(raw: Raw) -> dict[str, tuple[Section, str]]:
    """What is kept of each amplifier, by the end of its keywords, with the keyword that says so."""
    stated: dict[str, dict[str, Section]] = {"DATA": {}, "TRIM": {}}
    for match in filter(None, map(KEYWORD.fullmatch, raw.frame.metadata)):
        kind, suffix = match.groups()
        if kind in stated:
            stated[kind][suffix] = raw.section(match.group())
    data, kept = stated["DATA"], stated["TRIM"]
    suffixes = {suffix for suffix in (*data, *kept) if suffix} or {*data, *kept}
    blocks = {}
    for suffix in sorted(suffixes):
        name = f"{'TRIM' if suffix in kept else 'DATA'}SEC{suffix}"
        section = kept[suffix] if suffix in kept else data[suffix]
        common = section.within(kept.get("", section))
        inside = f"partly inside TRIMSEC, {kept.get('')}"
        require(common is not None, "", f"{raw.name}: {name}", inside, str(section))
        assert common is not None
        blocks[suffix] = (common, name)
    return blocks


def _level(raw: Raw, amplifier: _Amplifier, by: str, method: str, sigma: float) -> tuple[Levels, float]:
    """What is taken off an amplifier's pixels, to be broadcast, and the standard error of it."""
    bias, data, name = amplifier.bias, amplifier.data, f"{raw.name}: {amplifier.bias_name}"
    covers = {
        "row": bias.bottom <= data.bottom and data.top <= bias.top,
        "column": bias.left <= data.left and data.right <= bias.right,
        "strip": True,
    }
    rule = f"as long as {amplifier.data_name} {data} to take its level by {by} (by='strip' takes one of all of it)"
    require(covers[by], "", name, rule, str(bias))
    rows = slice(data.bottom, data.top) if by == "row" else slice(bias.bottom, bias.top)
    columns = slice(data.left, data.right) if by == "column" else slice(bias.left, bias.right)
    values = _lines(raw.pixels[rows, columns], by)
    least = 0.5 if values.dtype.kind in "biu" else 0.0
    bad = None if raw.mask is None else _lines(raw.mask[rows, columns], by)
    require_finite(values if bad is None else np.where(bad, 0, values), f"{name} {bias}")
    values = values.astype(np.float64)
    level = _middle(values, method, sigma, least)
    if bad is not None:
        for line in map(int, np.flatnonzero(bad.any(axis=0))):
            good = values[~bad[:, line], line]
            require(
                good.size > 0, "", f"{name} {bias}", f"good in some pixel of {by} {line}", "a mask of all"
            )
            level[line] = _middle(good[:, None], method, sigma, least)[0]
    residuals = values - level if bad is None else np.where(bad, 0.0, values - level)
    error = _noise(residuals, least) / np.sqrt(values.shape[0])
    if method == "median":
        error *= _MEDIAN_NOISE
    return level.reshape((-1, 1) if by == "row" else (1, -1)), float(error)


def _lines(strip: NDArray[Any], by: str) -> NDArray[Any]:
    """The pixels of each level, shape (pixels, levels)."""
    if by == "column":
        return strip
    return strip.T if by == "row" else strip.reshape(-1, 1)


def _middle(values: Levels, method: str, sigma: float, least: float) -> Levels:
    """The level of each column of values."""
    if method == "sigma_clip":
        return clipped_mean(values, sigma, least)
    return np.asarray(values.mean(axis=0) if method == "mean" else np.median(values, axis=0))


def _noise(residuals: Levels, least: float) -> float:
    """Standard deviation of one pixel of a strip, without those five deviations off; what every level has in the same place, such as the offset of a channel,
    is no noise.
    """
    count, levels = residuals.shape
    if count == 1:
        return float("nan")
    places = np.median(residuals, axis=1, keepdims=True) if levels > 1 else 0.0
    distance = np.abs(residuals - places)
    far = _FAR * MAD_TO_SIGMA * max(float(np.median(distance)), least)
    kept = distance <= far if far else np.ones(distance.shape, bool)
    free = (count - 1) / count
    if levels > 1:
        residuals = residuals - np.mean(residuals, axis=1, keepdims=True, where=kept)
        free *= (levels - 1) / levels
    return float(np.sqrt(np.mean(np.square(residuals[kept])) / free))


def _cut(raw: Raw, data: NDArray[Any], layout: Layout) -> Frame:
    """A frame of some sections of another."""
    frame = raw.frame
    metadata = {name: value for name, value in frame.metadata.items() if not KEYWORD.fullmatch(name)}
    for name, shift in zip(("CRPIX1", "CRPIX2"), layout.origin, strict=True):
        if name in metadata:
            metadata[name] = metadata[name] - shift
    truth = None
    if frame.truth is not None:
        parts = {
            name: value if name == "wavelengths_nm" or value is None else Deferred(_assembled, value, layout)
            for name, value in vars(frame.truth).items()
        }
        truth = FrameTruth(**parts)
    if not isinstance(frame, ReducedFrame):
        return Frame(data, metadata, truth)
    uncertainty, flags, used = (
        None if plane is None else _assembled(plane, layout)
        for plane in (frame.uncertainty, frame.flags, frame.used)
    )
    return ReducedFrame(data, metadata, truth, uncertainty, flags, used)


def _assembled(image: Any, layout: Layout) -> NDArray[Any]:
    return layout.assembled(np.asarray(image))
