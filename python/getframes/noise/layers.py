"""What each stage of a chain adds to a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.memory import require_memory
from getframes.noise import chain
from getframes.noise.charge import block_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.noise.exposure import Exposure

    Layer = NDArray[np.float64]

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
    require_memory(exposure.config.output_resolution, 8 * _BETWEEN, "the pixels between two layers")
    layers: dict[str, Layer] = {}
    total, before = np.zeros(adu.shape), np.zeros(adu.shape)
    for count, stage in enumerate(stages, start=1):
        after = _value(exposure, stages[:count], chain.Address(key, frame, exposure.kind))
        layer = after - before
        layers[BIAS if stage.name == "amplifier" else stage.name] = layer
        total += layer
        before = after
    layers[QUANTIZATION] = adu - total
    return layers


def _value(exposure: Exposure, stages: tuple[chain.Stage, ...], address: chain.Address) -> Layer:
    """What the pixels of the frame hold after some stages [ADU]."""
    config, factor = exposure.config, exposure.readout.binning
    values = chain.values(stages, config, address, exposure.dtype).astype(np.float64)
    gain = 1.0 if any(stage.name == "amplifier" for stage in stages) else _gain(exposure)
    if exposure.readout.on_chip:
        is_binned = any(stage.name == "binning" for stage in stages)
        return (values if is_binned else block_sum(values, factor)) / gain
    return block_sum(values / gain, factor) if factor > 1 else values / gain


def _gain(exposure: Exposure) -> float | Layer:
    """Gain of what is read [e-/ADU]: pixels, or super pixels that are binned on the chip."""
    (amplifier,) = (stage for stage in exposure.stages() if stage.name == "amplifier")
    gain = amplifier.parameters["gain_e_per_adu"]
    if np.ndim(gain) == 0:
        return float(gain)
    factor = exposure.readout.binning if exposure.readout.on_chip else 1
    rows, columns = (slice(part.start // factor, part.stop // factor) for part in exposure.config.roi_slices)
    return np.asarray(gain[rows, columns], np.float64)
