"""Addressed random words: Philox4x32-10 and the layout of its counter.

A word is a function of (key, kind of frame, stage, frame number, pixel, draw) and of nothing else. The layout
and the numbers are frozen by `docs/adr/0001-random-contract.md`.

Source: Salmon et al. 2011, *Parallel random numbers: as easy as 1, 2, 3*, doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from getframes.reference.image import Image, Words

MASK = np.uint64(0xFFFFFFFF)
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)


class Kind(IntEnum):
    """Kinds of frame, by their physics."""

    PATTERN = 0
    BIAS = 1
    DARK = 2
    LIGHT = 3
    RAMP = 4
    SCENE = 5
    DARK_RAMP = 6


class Stage(IntEnum):
    """Stages that draw random words."""

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


class Address(NamedTuple):
    """What the pixels of one frame share: its key, kind and number, and the address of the first of them."""

    key: int
    kind: int
    frame: int = 0
    first: int = 0


class Probability(NamedTuple):
    """A probability u by its smaller side: `tail` = min(u, 1 - u), `upper` where that is 1 - u."""

    tail: Image
    upper: NDArray[np.bool_]


def key_from_seed(seed: int | np.random.SeedSequence | None) -> int:
    """The 64-bit key of a seed."""
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    low, high = (int(word) for word in sequence.generate_state(2, np.uint32))
    return low | high << 32


def philox(counter: NDArray[np.uint64], key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Ten rounds of Philox4x32: counters `(..., 4)` and a key `(2,)`, all words below 2^32."""
    a, b, c, d = np.moveaxis(counter, -1, 0)
    for _ in range(10):
        left, right = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = (right >> 32) ^ b ^ key[0], right & MASK, (left >> 32) ^ d ^ key[1], left & MASK
        key = (key + WEYL) & MASK
    return np.stack([a, b, c, d], axis=-1)


def words(key: int, kind: int, stage: int, frame: int, draw: int, first: int, count: int) -> Words:
    """Words of pixels `first ... first + count - 1`, shape `(count,)`."""
    blocks = np.arange(first // 4, (first + count + 3) // 4, dtype=np.uint64)
    counter = np.empty((blocks.size, 4), np.uint64)
    counter[:, 0] = blocks
    counter[:, 1:] = frame & 0xFFFFFFFF, frame >> 32, kind << 24 | stage << 16 | draw
    output = philox(counter, np.array([key & 0xFFFFFFFF, key >> 32], np.uint64))
    return output.ravel()[first % 4 :][:count].astype(np.uint32)


def uniform(words: Words) -> Image:
    """u = (word + 1/2) / 2^32, strictly inside (0, 1)."""
    return (words.astype(np.float64) + 0.5) / 2.0**32


def probability(words: Words) -> Probability:
    """The same u by its smaller side, exactly."""
    return Probability(uniform(np.minimum(words, ~words)), words >= 2**31)


def wide(key: int, kind: int, stage: int, frame: int, first: int, count: int) -> NDArray[np.uint64]:
    """Integers of 52 bits from two draws, the first one high, shape `(count,)`."""
    high, low = (words(key, kind, stage, frame, draw, first, count).astype(np.uint64) for draw in (0, 1))
    integer: NDArray[np.uint64] = (high << np.uint64(32) | low) >> np.uint64(12)
    return integer


def wide_uniform(key: int, kind: int, stage: int, frame: int, first: int, count: int) -> Image:
    """u = (integer + 1/2) / 2^52, strictly inside (0, 1), shape `(count,)`."""
    return (wide(key, kind, stage, frame, first, count).astype(np.float64) + 0.5) / 2.0**52


def wide_probability(key: int, kind: int, stage: int, frame: int, first: int, count: int) -> Probability:
    """The same u by its smaller side, exactly."""
    integer = wide(key, kind, stage, frame, first, count)
    smaller = np.minimum(integer, np.uint64(2**52 - 1) - integer)
    return Probability((smaller.astype(np.float64) + 0.5) / 2.0**52, integer >= 2**51)


def frame_words(at: Address, stage: Stage, shape: tuple[int, ...]) -> Words:
    """The words of one stage for every pixel of a frame, shape `shape`."""
    return words(at.key, at.kind, stage, at.frame, 0, at.first, int(np.prod(shape))).reshape(shape)
