"""A camera and scenes that take no time, for tests of what surrounds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from getframes.config import CameraConfig
from getframes.frame import Deferred, Frame, FrameTruth


def config(**changes: Any) -> CameraConfig:
    numbers = {
        "name": "Quick",
        "sensor_type": "CCD",
        "resolution": (6, 8),
        "pixel_size_um": 10.0,
        "quantum_efficiency": 0.9,
        "full_well_e": 1e5,
        "bit_depth": 16,
        "gain_e_per_adu": 1.5,
        "bias_offset_adu": 100.0,
        "read_noise_e": 3.0,
        "dark_current_e_per_s": 0.0,
    }
    return CameraConfig(**numbers | changes)


@dataclass
class QuickCamera:
    """Makes frames out of NumPy random numbers, one generator per item."""

    config: CameraConfig = field(default_factory=config)
    default_temperature_c: float = 20.0
    precision: str = "float64"

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def resolution(self) -> tuple[int, int]:
        return self.config.resolution

    def observe_item(
        self, scene: QuickScene, exposure: float, temperature: float | None, seed: int, index: int
    ) -> Frame:
        level = np.full(self.resolution, scene.level * exposure)
        adu = np.random.default_rng([seed, index]).poisson(level).astype(np.uint32)
        truth = FrameTruth(Deferred(np.array, level), level, level)
        return Frame(adu, {"camera": self.name}, truth)


@dataclass
class QuickScene:
    level: float


@dataclass
class QuickScenes:
    """A sequence of scenes that says what it is made of."""

    n: int
    level: float = 100.0
    asked: list[int] = field(default_factory=list, compare=False)

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> QuickScene:
        self.asked.append(index)
        return QuickScene(self.level + index)

    def recipe(self) -> dict[str, Any]:
        return {"level": self.level}
