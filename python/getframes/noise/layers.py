"""What each stage of a chain adds to a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.memory import require_memory
from getframes.noise import chain, overscan
from getframes.noise.charge import block_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from getframes.config.geometry import Span, Strip
    from getframes.noise.exposure import Exposure
    from getframes.noise.readout import Readout

    Layer = NDArray[np.float64]
    Stages = tuple[chain.Stage, ...]

BIAS, QUANTIZATION = "bias", "quantization"
"""Layers of the amplifier and of the converter."""

_BETWEEN = 5
"""Images in float64 that are held beside the layers."""


def layers_of(exposure: Exposure, key: int, frame: int, adu: NDArray[np.uint32]) -> dict[str, Layer]:
    """The layers of frame number `frame` of a key, whose counts are `adu` [ADU].

    The value after a stage is a run of the chain up to it, in the precision of the exposure: fused, region and neighbours as in the frame. The
    last layer is what the others, added one by one, are short of the frame, so that their sum is exact.

    Raises
    ------
    SizeError
        If the layers do not fit in memory; nothing is allocated then.
    """
    stages = exposure.stages()
    require_memory(adu.shape, 8 * (len(stages) + 1), "the layers of a frame")
    require_memory(exposure.config.frame_resolution, 8 * _BETWEEN, "the pixels between two layers")
    layers: dict[str, Layer] = {}
    total, before = np.zeros(adu.shape), np.zeros(adu.shape)
    address = chain.Address(key, frame, exposure.kind)
    strips = tuple(overscan.strip_chains(exposure, address))
    for count, stage in enumerate(stages, start=1):
        after = _value(exposure, stages[:count], address)
        if exposure.config.has_strips:
            after = overscan.padded(after, exposure.config, exposure.readout.binning)
            _fill_strips(after, exposure, strips, {stage.name for stage in stages[:count]}, address)
        layer = after - before
        layers[BIAS if stage.name == "amplifier" else stage.name] = layer
        total += layer
        before = after
    layers[QUANTIZATION] = adu - total
    return layers


def _value(exposure: Exposure, stages: Stages, address: chain.Address) -> Layer:
    """What the pixels that collect light hold after some stages [ADU]."""
    values = chain.values(stages, exposure.config, address, exposure.dtype)
    rows, columns = exposure.config.roi_slices
    return _in_adu(
        values, stages, exposure.readout, _gain(exposure.stages(), exposure.readout, rows, columns)
    )


def _fill_strips(
    image: Layer,
    exposure: Exposure,
    strips: Sequence[tuple[Strip, Stages]],
    done: set[str],
    address: chain.Address,
) -> None:
    """What the pixels of overscan and prescan hold after the same stages [ADU], into an image of the frame."""
    readout = exposure.readout
    for strip, stages in strips:
        # The charge that trails into a strip is what charge transfer has left behind.
        reached = tuple(stage for stage in stages if ("cti" if stage.name == "input" else stage.name) in done)
        values = chain.strip_values(reached, strip, address, exposure.dtype)
        gain = _gain(stages, readout, *map(_part, (strip.rows, strip.columns)))
        top, left, height, width = chain.window_of(strip.rows, strip.columns, readout.binning)
        image[top : top + height, left : left + width] = _in_adu(values, reached, readout, gain)


def _in_adu(image: NDArray[np.floating[Any]], stages: Stages, readout: Readout, gain: float | Layer) -> Layer:
    """Values after some stages, in the counts of the frame [ADU]."""
    values, factor = image.astype(np.float64), readout.binning
    if any(stage.name == "amplifier" for stage in stages):
        gain = 1.0
    if readout.on_chip:
        is_binned = any(stage.name == "binning" for stage in stages)
        return (values if is_binned else block_sum(values, factor)) / gain
    return block_sum(values / gain, factor) if factor > 1 else values / gain


def _gain(stages: Stages, readout: Readout, rows: slice, columns: slice) -> float | Layer:
    """Gain of what is read [e-/ADU]: pixels, or super pixels that are binned on the chip."""
    (amplifier,) = (stage for stage in stages if stage.name == "amplifier")
    gain = amplifier.parameters["gain_e_per_adu"]
    if np.ndim(gain) == 0:
        return float(gain)
    factor = readout.binning if readout.on_chip else 1
    part = tuple(slice(side.start // factor, side.stop // factor) for side in (rows, columns))
    return np.asarray(gain[part], np.float64)


def _part(span: Span) -> slice:
    """What a frame has of all pixels of a span."""
    return slice(span.origin, span.origin + span.stop - span.start)
