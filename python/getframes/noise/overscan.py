"""Overscan and prescan: what is read beside the sensor, and where it stands in a frame.

A strip is a small sensor without charge: its pixels go through the readout alone, with the gain and the offset of their amplifier, the channels going
on beyond the edge, the common mode of the frame and words of their own. With charge transfer inefficiency the first row behind the sensor holds what the
last row has deferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.config.geometry import data_spans, strips
from getframes.noise import chain
from getframes.noise.patterns import fixed_pattern_maps
from getframes.sections import AMPLIFIERS, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from getframes.config import CameraConfig
    from getframes.config.geometry import Span, Strip
    from getframes.noise.exposure import Exposure
    from getframes.noise.patterns import FixedPatternMaps

    Stages = tuple[chain.Stage, ...]
    Image = NDArray[np.floating[Any]]


def strips_read(exposure: Exposure) -> Iterator[tuple[Strip, FixedPatternMaps]]:
    """The strips of a frame, and the maps of their readout: those of super pixels where charge is binned on the chip."""
    config, readout = exposure.config, exposure.readout
    maps = readout.maps if readout.on_chip and readout.maps is not None else exposure.maps
    if not config.has_strips:
        return
    if maps.strips is None:  # maps of a camera without strips
        maps = fixed_pattern_maps(config, float_dtype=exposure.dtype)
    assert maps.strips is not None
    for strip, own in zip(strips(config), maps.strips, strict=True):
        if strip.is_read:
            yield strip, own


def strip_stages(exposure: Exposure, strip: Strip, maps: FixedPatternMaps, trail: Image | None) -> Stages:
    """The chain of a strip in one exposure; `trail` is the charge behind the last row [e-]."""
    config, readout = exposure.config, exposure.readout
    charge: Stages = ()
    if trail is not None and (strip.rows.kind, strip.columns.kind) == ("overscan", "data"):
        electrons = np.zeros((strip.rows.length, trail.size), exposure.dtype)
        electrons[0] = trail
        charge = (chain.Stage("input", {"electrons": electrons}), *_at_the_output(config))
    if readout.on_chip:
        charge += (chain.Stage("binning", {"factor": readout.binning}),)
    return (*charge, *chain.readout(config, maps, readout.binning if readout.on_chip else 1))


def strip_chains(exposure: Exposure, address: chain.Address) -> Iterator[tuple[Strip, Stages]]:
    """The strips of a frame, and the chain of each."""
    trail = trailing_charge(exposure, address)
    for strip, maps in strips_read(exposure):
        yield strip, strip_stages(exposure, strip, maps, trail)


def read_strips(
    exposure: Exposure,
    strips: Iterable[tuple[Strip, Stages]],
    address: chain.Address,
    out: NDArray[np.uint32],
) -> None:
    """Write the counts of strips into their frame [ADU]."""
    for strip, stages in strips:
        chain.count_strip(
            stages, strip, exposure.config, address, exposure.dtype, out, exposure.readout.digital
        )


def trailing_charge(exposure: Exposure, address: chain.Address) -> Image | None:
    """Charge that the last row of the sensor has deferred to the row behind it [e-], over the columns of the frame; None for none.

    The law is that of [charge transfer inefficiency](cti.md): min(cti r, 1) q of row r, here the last.
    """
    config = exposure.config
    if config.overscan is None or config.overscan.rows == 0 or config.cti == 0.0:
        return None
    last = config.resolution[0] - 1
    # Blooming brings charge up the column; without it the last row is enough.
    top = config.roi_slices[0].start
    above = exposure.rows_to_the_end(top if config.blooming else last)
    stages = above.stages()
    names = [stage.name for stage in stages]
    values = chain.values(stages[: names.index("cti")], above.config, address, exposure.dtype)
    fraction = exposure.dtype.type(min(config.cti * last, 1.0))
    return np.asarray(values[-1] * fraction)


def _at_the_output(config: CameraConfig) -> Stages:
    """What happens to charge of virtual pixels before it is read."""
    stages = chain.nonlinearity(config)
    if config.has_gain_stage:
        stages += (chain.gain(config.em_gain, config.gain_excess_noise_factor),)
    return stages


def padded(image: Any, config: CameraConfig, factor: int) -> NDArray[Any]:
    """An image over the pixels that collect light, in the frame: 0 where nothing is collected."""
    image = np.asarray(image)
    height, width = (side // factor for side in config.frame_resolution)
    top, left, rows, columns = chain.window_of(*data_spans(config), factor)
    frame = np.zeros((*image.shape[:-2], height, width), image.dtype)
    frame[..., top : top + rows, left : left + columns] = image
    return np.asarray(frame)


def moved_wcs(cards: dict[str, Any], config: CameraConfig) -> dict[str, Any]:
    """WCS cards of the pixels that collect light, in the frame."""
    rows, columns = data_spans(config)
    moved = {name: cards[name] + span.start for name, span in (("CRPIX1", columns), ("CRPIX2", rows))}
    return {**cards, **moved}


def sections(config: CameraConfig, factor: int = 1) -> dict[str, str]:
    """DATASEC, TRIMSEC, BIASSEC and PRESEC of a frame, or those of each amplifier; nothing without strips.

    The BIASSEC of an amplifier is its overscan: the columns, or else the rows; without an overscan it is the prescan. PRESEC is there where both are.
    """
    if not config.has_strips:
        return {}
    found = {
        "DATASEC": _section(*data_spans(config), factor),
        "TRIMSEC": _section(*data_spans(config), factor),
    }
    several = config.amplifier_layout != (1, 1)
    for number, (row, column) in enumerate(np.ndindex(*config.amplifier_layout)):
        pieces = _of_amplifier(config, row, column)
        if "data" not in pieces:
            continue  # outside the region
        suffix = AMPLIFIERS[number] if several else ""
        names = [name for name in ("overscan", "prescan") if name in pieces]
        stated = {"DATASEC": "data", **dict(zip(("BIASSEC", "PRESEC"), names, strict=False))}
        found |= {f"{keyword}{suffix}": _bounds(*pieces[name], factor) for keyword, name in stated.items()}
    return found


def _of_amplifier(config: CameraConfig, row: int, column: int) -> dict[str, tuple[Any, Any]]:
    """Rows and columns of the data and of the strips of one amplifier in the frame."""
    data_rows, data_columns = (
        span.of_amplifier(number) for span, number in zip(data_spans(config), (row, column), strict=True)
    )
    if data_rows is None or data_columns is None:
        return {}
    pieces: dict[str, tuple[Any, Any]] = {"data": (data_rows, data_columns)}
    row_spans, column_spans = config.frame_spans
    for spans, number, is_row in ((column_spans, column, False), (row_spans, row, True)):
        for span in spans:
            place = None if span.kind == "data" else span.of_amplifier(number)
            if place is not None:
                pieces.setdefault(span.kind, (place, data_columns) if is_row else (data_rows, place))
    return pieces


def _section(rows: Span, columns: Span, factor: int) -> str:
    return _bounds((rows.start, rows.stop), (columns.start, columns.stop), factor)


def _bounds(rows: tuple[int, int], columns: tuple[int, int], factor: int) -> str:
    return str(Section(columns[0] // factor, columns[1] // factor, rows[0] // factor, rows[1] // factor))
