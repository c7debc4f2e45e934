"""Digests that freeze the random contract: `python -m tests.behaviour.random.golden` writes them anew.

They may change only together with the stream version (`docs/adr/0001-random-contract.md`): whoever has frames
of an older version must be able to tell from the header that the same seed now means other bits. The inputs
are made by multiplications alone, so that they too are the same on every machine.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from getframes import Camera, FocalPlane, FocalPlaneDetector, Illumination
from getframes._native import core
from getframes.noise import fixed_pattern_maps
from getframes.noise.stream import lamp_normal
from tests.behaviour.random.cameras import EVERY, PRECISIONS, RAMPS, STRIPS, TEMPERATURE_C, light

PATH = Path(__file__).parents[2] / "data" / "golden.json"
KEY, LIGHT, SHOT, FRAME = 0x1234_5678_9ABC_DEF0, 3, 32, 2**40 + 3
COUNT = 4096


def digest(array: np.ndarray) -> str:
    """SHA-256 of the values in little-endian order."""
    return hashlib.sha256(array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()[:32]


def variates() -> dict[str, np.ndarray]:
    """Words and variates of one address."""
    words = core.words(KEY, LIGHT, SHOT, FRAME, 0, 10**9, COUNT)
    step = np.arange(COUNT) / COUNT
    ramp = step * step * step
    arrays: dict[str, np.ndarray] = {
        "words": words,
        "wide uniform": core.wide_uniform(KEY, 0, 1, 0, 5, COUNT),
        "wide normal": core.wide_normal(KEY, 0, 1, 0, 5, COUNT),
    }
    for precision in PRECISIONS:
        means, shapes = (
            (offset + scale * ramp).astype(precision) for offset, scale in ((0.0, 2e6), (0.05, 1e5))
        )
        arrays |= {
            f"uniform {precision}": core.uniform(words, precision),
            f"normal {precision}": core.normal(words, precision),
            f"exponential {precision}": core.exponential(words, precision),
            f"lognormal {precision}": core.lognormal(0.2, words, precision),
            f"poisson {precision}": core.poisson(means, words),
            f"gamma {precision}": core.gamma(shapes, words),
        }
    return arrays


def frames() -> dict[str, np.ndarray]:
    """Frames and maps of small cameras that have every effect."""
    arrays = {}
    for config in EVERY:
        for precision in PRECISIONS:
            camera = Camera(config, default_temperature_c=TEMPERATURE_C, precision=precision)
            name = f"{config.name} {precision}"
            for field, value in fixed_pattern_maps(config, precision=precision)._asdict().items():
                if np.ndim(value):
                    arrays[f"{name} {field}"] = value
            arrays[f"{name} bias"] = camera.bias_frame(seed=1).data
            dark = camera.dark_frame(10.0, seed=1)
            arrays[f"{name} dark"] = dark.data
            arrays[f"{name} mean dark"] = dark.truth.mean_electrons
            arrays[f"{name} light"] = camera.expose(light(1e4), 2.0, seed=1).data
            even = Camera(
                config.replace(resolution=(72, 132), amplifier_layout=(2, 2)),
                default_temperature_c=TEMPERATURE_C,
                precision=precision,
            )
            for mode in ("digital", "on_chip"):
                binned = even.expose(50.0, 2.0, seed=1, binning=6, binning_mode=mode)
                arrays[f"{name} binned {mode}"] = binned.data
    return arrays


def reads() -> dict[str, np.ndarray]:
    """Two ramps of small cameras, the second one shorter."""
    arrays = {}
    for config in RAMPS:
        for precision in PRECISIONS:
            camera = Camera(config, default_temperature_c=TEMPERATURE_C, precision=precision)
            for frame in camera.nondestructive_series(light(5e3), 2.0, 5, 3, seed=1):
                arrays[f"{config.name} {precision} read {frame.metadata['frame_index']}"] = frame.data
            arrays[f"{config.name} {precision} dark"] = camera.correlated_double_sample(
                0.0, 20.0, seed=1
            ).data
    return arrays


def flats() -> dict[str, np.ndarray]:
    """What the flats of a focal plane add to frames: the lamp, and the seeds of detectors and exposures."""
    plane = FocalPlane([FocalPlaneDetector(name, Camera(EVERY[0])) for name in ("R22_S11", 7, -7)])
    lamp = Illumination(photon_rate=100.0)
    taken = plane.flats(lamp, 1.0, [0, 3, 2**40], temperature=TEMPERATURE_C, seed=1)
    return {
        "lamp": np.array([lamp_normal(KEY, exposure) for exposure in range(64)]),
        "seeds of flats": np.array([frame.metadata["seed"] for frame in taken], np.uint64),
    }


def strips() -> dict[str, np.ndarray]:
    """Frames of the same cameras with overscan and prescan, and a ramp."""
    arrays = {}
    for config in (*EVERY, RAMPS[0]):
        for precision in PRECISIONS:
            camera = Camera(
                config.replace(**STRIPS), default_temperature_c=TEMPERATURE_C, precision=precision
            )
            name = f"strips of {config.name} {precision}"
            if config in EVERY:
                arrays[f"{name} bias"] = camera.bias_frame(seed=1).data
                arrays[f"{name} light"] = camera.expose(light(1e4), 2.0, seed=1).data
            else:
                *_, last = camera.nondestructive_series(light(5e3), 2.0, 5, 3, seed=1)
                arrays[f"{name} read 4"] = last.data
    even = Camera(EVERY[0].replace(resolution=(72, 132), **STRIPS), default_temperature_c=TEMPERATURE_C)
    for mode in ("digital", "on_chip"):
        arrays[f"strips binned {mode}"] = even.expose(50.0, 2.0, seed=1, binning=2, binning_mode=mode).data
    return arrays


def digests() -> dict[str, str]:
    """The digest of every array by its name."""
    arrays = {**variates(), **frames(), **reads(), **flats(), **strips()}
    return {name: digest(array) for name, array in arrays.items()}


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(json.dumps(digests(), indent=2) + "\n", encoding="utf-8")
