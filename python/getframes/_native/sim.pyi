"""The signal chain and the fixed patterns."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

def run_chain(
    stages: Sequence[tuple[str, Mapping[str, Any]]],
    out: NDArray[Any],
    *,
    sensor_shape: tuple[int, int],
    origin: tuple[int, int],
    key: int,
    frame: int,
    kind: int,
    precision: str,
    max_adu: int = 0,
    binning: int = 1,
    first: int = 0,
    window: tuple[int, int, int, int] | None = None,
    images: Images | None = None,
    held: tuple[NDArray[np.floating[Any]] | None, NDArray[np.floating[Any]] | None] | None = None,
) -> None:
    """Run stages over a frame; write counts (uint32 `out`, with `max_adu`) or values (`out` in the precision).

    What is written is summed over blocks of `binning` x `binning` pixels. Maps over the frame (light, charge) have the shape of `out` before
    that, those over the sensor (patterns) `sensor_shape`, and behind a stage `binning` those of its super pixels; all are C-contiguous float32
    or float64, or numbers. `getframes.noise.chain` lists the stages and their parameters. `first` is the address of the sensor's first pixel.
    With a `window` (top, left, height, width) counts go there in `out`, whose other pixels stay as they are.
    Images between runs are kept in `images` where it is given. `held` are the images of charge that the stages well and node add to, in the
    precision: over the sensor where a stage that looks at other pixels comes later, else like `out`.
    """

@final
class Images:
    """Room for the images between runs of the chain."""

    def __new__(cls) -> Images: ...
    @property
    def nbytes(self) -> int: ...

def common_mode_after(before: float | None, correlation: float, key: int, frame: int, kind: int) -> float:
    """The common mode of a read over its RMS, from that of the read before it (None for the first)."""

def sensor_map(
    shape: tuple[int, int],
    *,
    key: int,
    scale: float,
    spread_stage: int,
    spread: float,
    outlier_stage: int,
    outlier_fraction: float,
    outlier_factor: float,
    precision: str,
    channels: tuple[int, int, float] | None = None,
    edge: tuple[float, float] | None = None,
) -> NDArray[np.floating[Any]]:
    """A fixed pattern: a log-normal map of mean `scale` times a factor in a random fraction of the pixels.

    `channels` (count, axis, spread) and `edge` (factor, scale [px]) multiply it further.
    """

def bias_structure(
    shape: tuple[int, int],
    *,
    key: int,
    amplitude: float,
    channels: tuple[int, int, float],
    texture: float,
    edges: tuple[tuple[float, float, int | None], tuple[float, float, int | None]],
    precision: str,
) -> NDArray[np.floating[Any]]:
    """The fixed structure of the bias: plane and columns, channels (count, axis, spread), texture, edges (amplitude, scale, axis)."""

def dead_pixels(
    shape: tuple[int, int], key: int, pixel_fraction: float, column_fraction: float
) -> NDArray[np.bool_]:
    """True where a pixel of the sensor is dead."""

def edge_glow(shape: tuple[int, int], scale_px: float, precision: str) -> NDArray[np.floating[Any]]:
    """Glow that falls off from the edges, mean 1."""

def dark_current(rate_e_per_s: float, temperature_c: float, reference_c: float, doubling_c: float) -> float:
    """Dark current at a temperature: D0 2^((T - T0) / step)."""

def logarithm(x: float) -> float:
    """Natural logarithm, the same on every machine."""

def power(x: float, y: float) -> float:
    """x^y for positive x, the same on every machine."""

def diffusion_weights(sigma: float) -> list[float]:
    """Weights of a Gaussian integrated over samples, 0, 1, 2 ... samples away, of sum 1 over both sides."""

def diffuse(light: NDArray[np.floating[Any]], sigma: float) -> NDArray[np.floating[Any]]:
    """A map convolved with a Gaussian of `sigma` samples, in its precision."""

def fold_light(
    light: NDArray[Any], efficiency: list[float], out: NDArray[np.floating[Any]]
) -> tuple[int, int, float] | None:
    """Light per wavelength, shape (n, ny, nx), folded with efficiencies into `out`, in its precision.

    Light is C-contiguous float32, float64, uint16, int16, uint32 or int32. The first value that is negative, infinite or not a number is given as
    (sample, pixel, value); `out` is then not to be used.
    """

def release_latent(
    signal: NDArray[np.floating[Any]], latent: NDArray[np.floating[Any]], fraction: float, decay: float
) -> NDArray[np.floating[Any]]:
    """One frame of persistence: the charge released into it; `latent` becomes what is latent after it."""
