"""Rules of a camera that hold between fields."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from getframes.config.camera_fields import MAX_PIXELS
from getframes.config.geometry import column_spans, row_spans
from getframes.sections import AMPLIFIERS

_RESPONSE_STEPS = 200


class Conflict(NamedTuple):
    """A field that does not fit the others: the rule it breaks, and its value."""

    field: str
    rule: str
    value: Any


def conflicts(config: Any) -> Iterator[Conflict]:
    """Every conflict between the fields of `config`, whose single values are all right.

    `config` is anything with the attributes of a `CameraConfig`.
    """
    rules = (_layout, _boundaries, _per_amplifier, _channels, _avalanche, _region, _response)
    found = [conflict for rule in rules for conflict in rule(config)]
    yield from found
    if not found:  # strips stand beside amplifiers and regions that are right
        yield from _strips(config)


def _layout(config: Any) -> Iterator[Conflict]:
    height, width = config.resolution
    rows, columns = config.amplifier_layout
    if rows > height or columns > width:
        yield Conflict(
            "amplifier_layout", f"no larger than the sensor of {height} x {width}", config.amplifier_layout
        )


def _boundaries(config: Any) -> Iterator[Conflict]:
    for axis, word in enumerate(("y", "x")):
        field = f"amplifier_boundaries_{word}_px"
        splits = getattr(config, field)
        blocks, length = config.amplifier_layout[axis], config.resolution[axis]
        if not splits:
            continue
        if len(splits) != blocks - 1:
            yield Conflict(field, f"{blocks - 1} long, one less than amplifier_layout[{axis}]", splits)
        elif not all(a < b for a, b in zip((0, *splits), (*splits, length), strict=True)):
            yield Conflict(field, f"increasing and inside 1..{length - 1}", splits)


def _per_amplifier(config: Any) -> Iterator[Conflict]:
    count = config.amplifier_layout[0] * config.amplifier_layout[1]
    for field in ("amplifier_gain_factors", "amplifier_offsets_adu"):
        values = getattr(config, field)
        if values is not None and len(values) != count:
            yield Conflict(field, f"{count} long, one value per amplifier", values)


def _channels(config: Any) -> Iterator[Conflict]:
    length = config.resolution[config.readout_channel_axis]
    if config.readout_channel_count > length:
        yield Conflict(
            "readout_channel_count", f"<= {length}, the pixels along its axis", config.readout_channel_count
        )
    spread, most = config.read_noise_channel_nonuniformity, math.sqrt(config.readout_channel_count - 1)
    if spread and spread >= most:
        rule = f"below {most:.4g}, as factors of mean 1 over {config.readout_channel_count} channels are"
        yield Conflict("read_noise_channel_nonuniformity", rule, spread)
    if config.bias_channel_spread_adu and config.readout_channel_count == 1:
        yield Conflict(
            "bias_channel_spread_adu", "0 with one readout channel", config.bias_channel_spread_adu
        )


def _avalanche(config: Any) -> Iterator[Conflict]:
    if config.avalanche_input_noise_e and config.em_gain == 1.0:
        yield Conflict(
            "avalanche_input_noise_e", "0 without a gain (em_gain > 1)", config.avalanche_input_noise_e
        )


def _region(config: Any) -> Iterator[Conflict]:
    if config.roi is None:
        return
    height, width = config.resolution
    left, top, across, down = config.roi
    if left + across > width or top + down > height:
        yield Conflict("roi", f"inside the sensor of {height} x {width}", config.roi)


def _response(config: Any) -> Iterator[Conflict]:
    coefficients = config.nonlinearity_coeffs
    if coefficients is None:
        return
    steps = [step / _RESPONSE_STEPS for step in range(_RESPONSE_STEPS + 1)]
    factors = (1.0 + sum(c * u ** (i + 1) for i, c in enumerate(coefficients)) for u in steps)
    if min(factors) <= 0.0:
        yield Conflict("nonlinearity_coeffs", "of a response above 0 up to the full well", coefficients)


def _strips(config: Any) -> Iterator[Conflict]:
    rows, columns = config.amplifier_layout
    for field in ("overscan", "prescan"):
        strips = getattr(config, field)
        if strips is None:
            continue
        if strips.side == "both" and strips.columns and columns % 2:
            rule = f"on one side with {columns} columns of amplifiers: 'both' shares them out in two halves"
            yield Conflict(field, rule, strips._asdict())
        if rows * columns > len(AMPLIFIERS):
            rule = (
                f"left out with more than {len(AMPLIFIERS)} amplifiers, whose sections a header cannot hold"
            )
            yield Conflict(field, rule, strips._asdict())
        height, width = (
            sum(span.length for span in spans) for spans in (row_spans(config), column_spans(config))
        )
        if height * width > MAX_PIXELS:
            yield Conflict(field, "small enough for 2^34 pixels with those of the sensor", strips._asdict())
