"""Whole frames as functions: the chain without a Camera."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.backend import require_cpu
from getframes.config.stages import require_stages
from getframes.noise.exposure import Exposure
from getframes.noise.overscan import padded
from getframes.noise.patterns import fixed_pattern_maps
from getframes.noise.readout import Readout, super_pixel_maps
from getframes.noise.stream import rng_key
from getframes.precision import working_dtype

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from getframes.config import CameraConfig
    from getframes.noise.overscan import padded
from getframes.noise.patterns import FixedPatternMaps


class SimulationResult(NamedTuple):
    """A frame and what it was drawn from."""

    adu: NDArray[np.uint32]
    """Counts, shape (height, width); of super pixels where the frame is binned, and so are the means."""
    mean_photoelectrons: NDArray[np.floating[Any]]
    """Mean charge from light [e-]."""
    mean_dark_electrons: NDArray[np.floating[Any]]
    """Mean dark charge and glow [e-]."""
    photon_rate: Any
    """Light as given [photons / s / pixel]."""


def simulate_frame(
    config: CameraConfig,
    photon_rate: Any,
    exposure_s: float,
    *,
    temperature_c: float,
    background_photon_rate: Any = 0.0,
    quantum_efficiency: float | None = None,
    extra_electrons: Any = 0.0,
    binning: int = 1,
    binning_mode: str = "digital",
    rng: Any | None = None,
    seed: int | None = None,
    float_dtype: DTypeLike | None = None,
    precision: str | None = None,
    backend: Any = None,
    fixed_patterns: FixedPatternMaps | None = None,
    workspace: Any = None,
    out: Any | None = None,
) -> SimulationResult:
    """One exposure of a camera; the words are those of `Camera.expose` with the same seed.

    Parameters
    ----------
    photon_rate, background_photon_rate : float or array (height, width)
        Light [photons / s / pixel].
    exposure_s, temperature_c : float
        Time [s] and temperature [deg C].
    binning, binning_mode, workspace
        As in `Camera.expose`. Reads of super pixels have maps of their own, whatever `fixed_patterns` holds.
    rng, seed
        One of them: a numpy Generator gives one draw as the key, an int is a seed, None asks the operating system.

    Raises
    ------
    DomainError, ShapeError
        If a value is impossible, or an array does not fit the frame.
    StageNotAvailableError
        If the camera needs a stage that this version does not have.
    """
    require_cpu(backend)
    readout = Readout.checked(config, binning, binning_mode, workspace)
    require_stages(config)
    dtype = working_dtype(float_dtype, precision)
    if readout.on_chip:
        readout = replace(readout, maps=super_pixel_maps(config, readout.binning, dtype))
    exposure = Exposure.checked(
        config,
        fixed_patterns if fixed_patterns is not None else fixed_pattern_maps(config, float_dtype=dtype),
        dtype,
        photon_rate=photon_rate,
        exposure=exposure_s,
        temperature=temperature_c,
        background=background_photon_rate,
        extra_electrons=extra_electrons,
        quantum_efficiency=quantum_efficiency,
        readout=readout,
    )
    adu = exposure.adu(rng_key(seed if seed is not None else rng), 0, out)
    light = exposure.light_stages()
    dark = tuple(stage for stage in exposure.mean_stages() if stage.name == "dark")
    means = [exposure.evaluated(stages) for stages in (light, dark)]
    if config.has_strips:
        means = [padded(mean, config, readout.binning) for mean in means]
    return SimulationResult(adu, means[0], means[1], photon_rate)


def generate_dark_frame(
    config: CameraConfig,
    exposure_s: float,
    temperature_c: float,
    rng: Any | None = None,
    seed: int | None = None,
    *,
    backend: Any = None,
    fixed_patterns: FixedPatternMaps | None = None,
) -> NDArray[np.uint32]:
    """Counts of one dark exposure [ADU], shape (height, width)."""
    result = simulate_frame(
        config,
        0.0,
        exposure_s,
        temperature_c=temperature_c,
        rng=rng,
        seed=seed,
        backend=backend,
        fixed_patterns=fixed_patterns,
    )
    return result.adu
