"""Raw frames without the level of their overscan, cut to the pixels that collect light.

Pixels that are read but collect no light show the offset of the amplifier at the time they are read. Its level is taken from the strip of each
amplifier and subtracted from what that amplifier read:

    row:     o_y = level of row y of the strip             from every pixel of row y
    column:  o_x = level of column x of the strip          from every pixel of column x
    strip:   o   = level of all of the strip               from every pixel of the amplifier

A level is the mean after clipping about the median (`getframes.combine`), the mean, or the median. What is subtracted has an error of its own: the
read noise over sqrt(n), n pixels a level, shared by all pixels that it is taken from.

Not modelled: levels that are smoothed or fitted along the strip, charge that trails into it (leave those columns out of the section).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import DomainError, require
from getframes.frame import Deferred, Frame, FrameTruth, as_pixels, require_finite
from getframes.reduce.combination import METHODS, clipped_mean
from getframes.sections import AMPLIFIERS, KEYWORD, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Levels = NDArray[np.float64]

BY = ("row", "column", "strip")
_MEDIAN_NOISE = 1.2533141373155
"""Standard error of a median over that of a mean."""
_MAD_TO_SIGMA = 1.482602218505602


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

    Returns
    -------
    Frame
        What the amplifiers read, put together where they were. With the metadata of the frame, less its sections, and for each amplifier its
        mean level in ``overscan_adu`` and the standard error of one level in ``overscan_error_adu``. ``saturate_adu`` and the WCS follow the
        pixels, and so does the truth.

    Raises
    ------
    DomainError
        If a section is missing, is none or lies outside the image, a strip does not cover the rows (or columns) it is to correct, a pixel of it
        is not finite, sections do not make up a rectangle, or an option is unknown. The message names the file and the keyword.
    """
    require(by in BY, "", "by", f"one of {', '.join(BY)}", by)
    require(method in METHODS, "", "method", f"one of {', '.join(METHODS)}", method)
    require(0 < sigma < np.inf, "", "sigma", "> 0", sigma)
    frame, owner = _read(image)
    pixels = as_pixels(frame, owner)
    shape = (pixels.shape[0], pixels.shape[1])
    amplifiers = _given(sections, shape, owner) if sections is not None else _stated(frame, shape, owner)
    layout = _Layout.of([amplifier.data for amplifier in amplifiers], owner)
    data, levels, errors = np.empty(layout.shape), [], []
    for amplifier, place in zip(amplifiers, layout.places, strict=True):
        level, error = _level(pixels, amplifier, by, method, sigma, owner)
        np.subtract(pixels[amplifier.data.slices], level, out=data[place.slices])
        levels.append(level)
        errors.append(error)
    trimmed = _cut(frame, data, layout)
    trimmed.metadata.update(
        overscan_adu=tuple(float(level.mean()) for level in levels), overscan_error_adu=tuple(errors)
    )
    if trimmed.metadata.get("saturate_adu") is not None:
        # The lowest end of all of its pixels.
        trimmed.metadata["saturate_adu"] -= max(float(level.max()) for level in levels)
    steps = trimmed.metadata.get("calibration", ())
    trimmed.metadata["calibration"] = [*steps, "overscan"]
    return trimmed


def trim(image: Any) -> Frame:
    """The part of a raw frame that collects light, its values as they are: TRIMSEC, or DATASEC where there is no TRIMSEC.

    Parameters
    ----------
    image : Frame, CCDData or path of a FITS file
        The raw frame.

    Returns
    -------
    Frame
        In the type of the frame, which is returned where nothing says that it is more than that. Metadata, WCS and truth as in
        `subtract_overscan`.

    Raises
    ------
    DomainError
        If a section is none, lies outside the image, or sections do not make up a rectangle.
    """
    frame, owner = _read(image)
    pixels = as_pixels(frame, owner)
    shape = (pixels.shape[0], pixels.shape[1])
    blocks = _blocks(frame.metadata, shape, owner)
    if not blocks:
        return frame
    layout = _Layout.of([section for section, _ in blocks.values()], owner)
    return _cut(frame, layout.assembled(pixels), layout)


class _Layout(NamedTuple):
    """Sections of an image, and their places in an image of them alone."""

    sections: list[Section]
    places: list[Section]

    @classmethod
    def of(cls, sections: list[Section], owner: str) -> _Layout:
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


def _read(image: Any) -> tuple[Frame, str]:
    """A frame of whatever is given, and how messages call it."""
    if isinstance(image, Frame):
        return image, "Frame"
    if isinstance(image, str | PathLike):
        return Frame.from_fits(image), str(image)
    header = getattr(image, "meta", None)
    if isinstance(header, Mapping):
        from astropy.io.fits import Header

        from getframes.io.keywords import metadata_of

        return Frame(np.asarray(image.data), metadata_of(Header(header))), type(image).__name__
    return Frame(as_pixels(image, "image")), "image"


def _given(sections: Sequence[tuple[str, str]], shape: tuple[int, int], owner: str) -> list[_Amplifier]:
    require(len(sections) > 0, "", "sections", "at least one pair of sections", sections)
    amplifiers = []
    for number, pair in enumerate(sections):
        names = f"sections[{number}][0]", f"sections[{number}][1]"
        is_pair = isinstance(pair, tuple | list) and len(pair) == 2
        require(is_pair, "", f"sections[{number}]", "a pair (data, overscan)", pair)
        data, bias = (Section.parse(text, name, shape, owner) for text, name in zip(pair, names, strict=True))
        amplifiers.append(_Amplifier(data, bias, *names))
    return amplifiers


def _stated(frame: Frame, shape: tuple[int, int], owner: str) -> list[_Amplifier]:
    """What the keywords say about each amplifier."""
    metadata = frame.metadata
    found = [
        match.group(2) for match in map(KEYWORD.fullmatch, metadata) if match and match.group(1) == "BIAS"
    ]
    # One strip of a whole frame says less than those of its amplifiers.
    suffixes = sorted((suffix for suffix in found if suffix), key=AMPLIFIERS.index) or found
    if not suffixes:
        raise DomainError(
            f"{owner} must have the keyword BIASSEC (or sections= be given) to subtract an overscan"
        )
    blocks = _blocks(metadata, shape, owner)
    amplifiers = []
    for suffix in suffixes:
        keyword = f"BIASSEC{suffix}"
        if suffix not in blocks:
            raise DomainError(
                f"{owner} must have the keyword DATASEC{suffix} or TRIMSEC{suffix} beside {keyword}"
            )
        section, name = blocks[suffix]
        amplifiers.append(
            _Amplifier(section, Section.parse(metadata[keyword], keyword, shape, owner), name, keyword)
        )
    return amplifiers


def _blocks(
    metadata: Mapping[str, Any], shape: tuple[int, int], owner: str
) -> dict[str, tuple[Section, str]]:
    """What is kept of each amplifier, by the end of its keywords, with the keyword that says so."""
    stated: dict[str, dict[str, Section]] = {"DATA": {}, "TRIM": {}}
    for match in filter(None, map(KEYWORD.fullmatch, metadata)):
        kind, suffix = match.groups()
        if kind in stated:
            stated[kind][suffix] = Section.parse(metadata[match.group()], match.group(), shape, owner)
    data, kept = stated["DATA"], stated["TRIM"]
    suffixes = {suffix for suffix in (*data, *kept) if suffix} or {*data, *kept}
    blocks = {}
    for suffix in sorted(suffixes):
        name = f"{'TRIM' if suffix in kept else 'DATA'}SEC{suffix}"
        section = kept[suffix] if suffix in kept else data[suffix]
        common = section.within(kept.get("", section))
        require(
            common is not None, "", f"{owner}: {name}", f"partly inside TRIMSEC, {kept.get('')}", str(section)
        )
        assert common is not None
        blocks[suffix] = (common, name)
    return blocks


def _level(
    pixels: NDArray[Any], amplifier: _Amplifier, by: str, method: str, sigma: float, owner: str
) -> tuple[Levels, float]:
    """What is taken off an amplifier's pixels, to be broadcast, and the standard error of it."""
    bias, data = amplifier.bias, amplifier.data
    covers = {
        "row": bias.bottom <= data.bottom and data.top <= bias.top,
        "column": bias.left <= data.left and data.right <= bias.right,
        "strip": True,
    }
    rule = f"as long as {amplifier.data_name} {data} to take its level by {by} (by='strip' takes one of all of it)"
    require(covers[by], "", f"{owner}: {amplifier.bias_name}", rule, str(bias))
    rows = slice(data.bottom, data.top) if by == "row" else slice(bias.bottom, bias.top)
    columns = slice(data.left, data.right) if by == "column" else slice(bias.left, bias.right)
    strip = pixels[rows, columns]
    require_finite(strip, f"{owner}: {amplifier.bias_name} {bias}")
    values = {"row": strip.T, "column": strip, "strip": strip.reshape(-1, 1)}[by].astype(np.float64)
    least = 0.5 if strip.dtype.kind in "biu" else 0.0
    if method == "sigma_clip":
        level = clipped_mean(values, sigma, least)
    else:
        level = np.asarray(values.mean(axis=0) if method == "mean" else np.median(values, axis=0))
    error = _noise(values - level, least) / np.sqrt(values.shape[0])
    if method == "median":
        error *= _MEDIAN_NOISE
    return level.reshape((-1, 1) if by == "row" else (1, -1)), float(error)


def _noise(residuals: Levels, least: float) -> float:
    """Standard deviation of one pixel of a strip, without those five deviations off."""
    count = residuals.shape[0]
    if count == 1:
        return float("nan")
    deviation = _MAD_TO_SIGMA * max(float(np.median(np.abs(residuals))), least)
    kept = residuals[np.abs(residuals) <= 5.0 * deviation] if deviation else residuals
    return float(np.sqrt(np.mean(kept**2) * count / (count - 1)))


def _cut(frame: Frame, data: NDArray[Any], layout: _Layout) -> Frame:
    """A frame of some sections of another."""
    metadata = {name: value for name, value in frame.metadata.items() if not KEYWORD.fullmatch(name)}
    for name, shift in zip(("CRPIX1", "CRPIX2"), layout.origin, strict=True):
        if name in metadata:
            metadata[name] = metadata[name] - shift
    if frame.truth is None:
        return Frame(data, metadata)
    parts = {
        name: value if name == "wavelengths_nm" or value is None else Deferred(_assembled, value, layout)
        for name, value in vars(frame.truth).items()
    }
    return Frame(data, metadata, FrameTruth(**parts))


def _assembled(image: Any, layout: _Layout) -> NDArray[Any]:
    return layout.assembled(np.asarray(image))
