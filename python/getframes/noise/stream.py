"""Seeds, kinds and stages: the public side of the random contract (docs/adr/0001-random-contract.md)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from getframes.errors import DomainError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STREAM_VERSION = 1


class Kind(IntEnum):
    """What kind of frame a word belongs to; it follows from the physics of the frame."""

    PATTERN = 0
    BIAS = 1
    DARK = 2
    LIGHT = 3
    RAMP = 4
    SCENE = 5
    DARK_RAMP = 6


class StageId(IntEnum):
    """Which stage draws."""

    PRNU = 1
    DSNU = 2
    HOT_PIXELS = 3
    READ_NOISE_CORE = 4
    READ_NOISE_RTS = 5
    READ_NOISE_CHANNELS = 6
    AMPLIFIER_GAIN = 7
    AMPLIFIER_OFFSET = 8
    BIAS_PLANE = 9
    BIAS_COLUMNS = 10
    BIAS_CHANNELS = 11
    BIAS_TEXTURE = 12
    DEAD_PIXELS = 13
    DEAD_COLUMNS = 14
    AVALANCHE_GAIN = 15
    SHOT = 32
    CLOCK_INDUCED_CHARGE = 33
    COSMIC_RAYS = 34
    GAIN = 35
    RESET_NOISE = 36
    AVALANCHE_INPUT_NOISE = 37
    READ_NOISE = 38
    COMMON_MODE = 39
    CORRELATED_READ_NOISE = 40
    STAR_COUNT = 64
    STAR_X = 65
    STAR_Y = 66
    STAR_MAGNITUDE = 67
    POINTING = 68
    LAMP = 69


def seed_key(seed: int | np.random.SeedSequence | None) -> int:
    """The 64-bit key of a seed: any integer >= 0 or a SeedSequence; None asks the operating system.

    Raises
    ------
    DomainError
        For a negative integer.
    """
    from numpy.random import SeedSequence

    if isinstance(seed, SeedSequence):
        sequence = seed
    else:
        if seed is not None and int(seed) < 0:
            raise DomainError(f"seed must be an integer >= 0, got {seed}")
        sequence = SeedSequence(None if seed is None else int(seed))
    low, high = sequence.generate_state(2)
    return int(low) | int(high) << 32


def rng_key(rng: Any) -> int:
    """The key of what a noise function takes as `rng`: a Generator gives one draw, an int is a seed, None asks the system."""
    if hasattr(rng, "integers"):
        return int(rng.integers(0, 2**64, dtype="uint64"))
    return seed_key(rng)


def pointing_normals(key: int, frame: int) -> NDArray[np.float64]:
    """The two standard normal variates of the pointing of a frame, along x and y."""
    from getframes._native import core

    return core.wide_normal(key, Kind.SCENE, StageId.POINTING, frame, 0, 2)


def lamp_normal(key: int, exposure: int) -> float:
    """The standard normal variate of the lamp in an exposure."""
    from getframes._native import core

    return float(core.wide_normal(key, Kind.SCENE, StageId.LAMP, exposure, 0, 1)[0])
