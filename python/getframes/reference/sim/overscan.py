"""Overscan and prescan: pixels that are read but collect no light, around those of the sensor.

Each strip is a small sensor without charge. Strips are numbered from the bottom to the top and from left to right, and their pixels, row by row, take the
addresses after those of the sensor.

Source: Janesick 2001, *Scientific Charge-Coupled Devices*, doi:10.1117/3.374903.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.reference.sim import chain, channels, pattern
from getframes.reference.stream import Address, key_from_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from getframes.reference.image import Image

    Line = list[tuple[int, int]]

READ = (
    *("nonlinearity", "gain", "output_full_well", "reset_noise", "avalanche_input_noise", "read_noise"),
    *("amplifier", "bias_structure", "common_mode", "digitize"),
)
"""Stages that pixels without charge of their own go through."""


class Strip(NamedTuple):
    """Rows and columns, each pixel with its amplifier and its place on the sensor (beyond its edge), where they stand, and the first address."""

    rows: Line
    columns: Line
    place: tuple[int, int]
    first: int


def lines(sensor: Any, axis: int) -> list[tuple[str, Line]]:
    """What a frame consists of along an axis: kind, and amplifier and place on the sensor of every pixel."""
    length = sensor.resolution[axis]
    splits = (sensor.sensor_amplifier_boundaries_y_px, sensor.sensor_amplifier_boundaries_x_px)[axis]
    edges = [0, *splits, length]
    amplifiers = list(zip(range(len(edges) - 1), edges[:-1], edges[1:], strict=True))
    data = [(number, place) for number, start, stop in amplifiers for place in range(start, stop)]
    before, after = sensor.prescan, sensor.overscan
    if axis == 0:
        low, high = (before.rows if before else 0), (after.rows if after else 0)
        return [
            ("prescan", [(0, place) for place in range(-low, 0)]),
            ("data", data),
            ("overscan", [(len(amplifiers) - 1, length + place) for place in range(high)]),
        ]

    def strip(kind: str, edge: str) -> tuple[str, Line]:
        figures, line = {"prescan": before, "overscan": after}[kind], []
        for number, start, stop in amplifiers if figures else ():
            side = figures.side
            if side == "both":
                side = "left" if number < len(amplifiers) // 2 else "right"
            if side == edge:
                first = start - figures.columns if kind == "prescan" else stop
                line += [(number, first + place) for place in range(figures.columns)]
        return kind, line

    return [
        strip("prescan", "left"),
        strip("overscan", "left"),
        ("data", data),
        strip("overscan", "right"),
        strip("prescan", "right"),
    ]


def strips(sensor: Any) -> tuple[list[tuple[str, str, Strip]], tuple[int, int]]:
    """Kind along rows and columns, and figures of each strip; and row and column at which the data stand."""
    found, data, first, top = [], (0, 0), sensor.resolution[0] * sensor.resolution[1], 0
    for row_kind, rows in lines(sensor, 0):
        left = 0
        for column_kind, columns in lines(sensor, 1):
            if row_kind == column_kind == "data":
                data = (top, left)
            else:
                found.append((row_kind, column_kind, Strip(rows, columns, (top, left), first)))
                first += len(rows) * len(columns)
            left += len(columns)
        top += len(rows)
    return found, data


def overscan(
    sensor: Any,
    adu: NDArray[Any],
    at: Address,
    trail_e: Image | None = None,
    firsts: Sequence[int] | None = None,
) -> NDArray[np.uint32]:
    """The counts of the sensor in their frame, with its strips around them [ADU].

    `trail_e` is the charge behind the last row; `firsts` are other first addresses, such as those of the pixels that super pixels are made of.
    """
    found, (top, left) = strips(sensor)
    shape = [sum(len(line) for _, line in lines(sensor, axis)) for axis in (0, 1)]
    frame = np.zeros(shape, np.uint32)
    frame[top : top + adu.shape[0], left : left + adu.shape[1]] = adu
    for number, (row_kind, column_kind, strip) in enumerate(found):
        charge = np.zeros((len(strip.rows), len(strip.columns)))
        if charge.size == 0:
            continue
        if trail_e is not None and (row_kind, column_kind) == ("overscan", "data"):
            charge[0] = trail_e
        address = Address(at.key, at.kind, at.frame, firsts[number] if firsts else strip.first)
        stages = chain.stages(sensor, _patterns(sensor, strip), address)
        y, x = strip.place
        frame[y : y + charge.shape[0], x : x + charge.shape[1]] = chain.run(
            charge, [stage for stage in stages if stage[0] in READ]
        )
    return frame


def _patterns(sensor: Any, strip: Strip) -> chain.Patterns:
    """Amplifiers and channels go on beyond the edge; pixels have nothing of their own."""
    key, layout = key_from_seed(sensor.fixed_pattern_seed), sensor.amplifier_layout
    (rows, y), (columns, x) = (np.transpose(line) for line in (strip.rows, strip.columns))
    amplifiers = rows[:, None] * layout[1] + columns
    gains = pattern.amplifier_gains(key, layout, sensor.amp_gain_nonuniformity, sensor.amplifier_gain_factors)
    offsets = pattern.amplifier_offsets(
        key, layout, sensor.amp_offset_spread_adu, sensor.amplifier_offsets_adu
    )
    count = sensor.readout_channel_count
    channel = (y[:, None] + 0 * x if sensor.readout_channel_axis == 0 else 0 * y[:, None] + x) % count
    factors = channels.noise_factors(key, count, sensor.read_noise_channel_nonuniformity)
    bias = channels.bias_offsets(key, count, sensor.bias_channel_spread_adu)
    one = np.ones(amplifiers.shape)
    return chain.Patterns(
        prnu=one,
        dark_multiplier=one,
        glow=one,
        read_noise_e=sensor.read_noise_e * factors[channel],
        avalanche_gain=one,
        amplifier_gain=gains[amplifiers],
        amplifier_offset_adu=offsets[amplifiers],
        bias_structure_adu=bias[channel],
        dead=np.zeros(amplifiers.shape, np.bool_),
    )
