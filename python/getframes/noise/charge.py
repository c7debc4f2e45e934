"""Charge: noise functions that act on an image of electrons. None changes its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.backend import require_cpu
from getframes.errors import ShapeError, require
from getframes.noise import chain
from getframes.noise.exposure import Exposure, counts_like
from getframes.noise.image import readable
from getframes.noise.patterns import fixed_pattern_maps
from getframes.noise.stream import Kind, rng_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from getframes.config import CameraConfig
    from getframes.noise.patterns import FixedPatternMaps


def apply_gain_stage(
    electrons: Any, gain: float, excess_noise_factor: float, rng: Any, *, backend: Any = None
) -> NDArray[np.floating[Any]]:
    """Charge after a gain stage [e-]: Gamma(shape q/(F^2 - 1), scale G (F^2 - 1)); F = 1 is exactly q G.

    Parameters
    ----------
    electrons : array (height, width)
        Charge before it [e-], >= 0.
    gain, excess_noise_factor : float
        Mean gain G >= 1 and excess noise factor F >= 1.
    rng : numpy Generator, int or None
        A Generator gives one draw as the key; an int is a seed.
    """
    require_cpu(backend)
    require(np.isfinite(gain) and gain >= 1.0, "", "gain", "finite and >= 1", gain)
    require(
        np.isfinite(excess_noise_factor) and excess_noise_factor >= 1.0,
        "",
        "excess_noise_factor",
        "finite and >= 1",
        excess_noise_factor,
    )
    return run_stages([chain.gain(gain, excess_noise_factor)], electrons, rng)


def apply_em_gain(
    electrons: Any, em_gain: float, rng: Any, *, backend: Any = None
) -> NDArray[np.floating[Any]]:
    """Charge after an EM register [e-]: `apply_gain_stage` with F = sqrt(2).

    Basden, Haniff & Mackay 2003, doi:10.1046/j.1365-8711.2003.07020.x.
    """
    return apply_gain_stage(electrons, em_gain, float(np.sqrt(2.0)), rng, backend=backend)


def apply_nonlinearity(
    electrons: Any, config: CameraConfig, *, backend: Any = None
) -> NDArray[np.floating[Any]]:
    """Charge after the response curve of the camera [e-]: q max(0, 1 + c1 u + c2 u^2 ...), u = q / full well."""
    require_cpu(backend)
    return run_stages(chain.nonlinearity(config), electrons, 0)


def frame_electrons(
    config: CameraConfig,
    mean_electrons: Any,
    rng: Any,
    exposure_s: float = 0.0,
    *,
    backend: Any = None,
    fixed_patterns: FixedPatternMaps | None = None,
) -> NDArray[np.floating[Any]]:
    """Charge at the output node [e-] for a mean charge: shot noise, CIC, full well, nonlinearity, gain.

    Parameters
    ----------
    mean_electrons : array (height, width)
        Mean charge of each pixel [e-], >= 0.
    rng : numpy Generator, int or None
        As in `apply_gain_stage`.
    exposure_s : float
        Time over which cosmic rays would fall; this version has none.
    """
    require_cpu(backend)
    values = readable(mean_electrons, "mean_electrons", np.dtype(np.float64))
    maps = (
        fixed_patterns if fixed_patterns is not None else fixed_pattern_maps(config, float_dtype=values.dtype)
    )
    return run_stages(chain.charge(config, maps), values, rng, config)


def digitize(
    electrons: Any,
    config: CameraConfig,
    rng: Any,
    *,
    backend: Any = None,
    fixed_patterns: FixedPatternMaps | None = None,
    reset_noise_e: Any | None = None,
    correlated_read_noise_e: Any | None = None,
    common_mode_adu: Any | None = None,
    avalanche_input_noise_e: float | None = None,
    out: Any | None = None,
) -> NDArray[np.uint32]:
    """Counts [ADU] of the charge at the output node: well, reset and read noise, gain, bias, rounding, clipping.

    `reset_noise_e` is a map added instead of a drawn one. Correlated read noise, common mode and avalanche input noise belong to
    stages that this version does not have, and are an error when given.
    """
    from getframes.errors import StageNotAvailableError

    require_cpu(backend)
    absent = {
        "correlated_read_noise_e": correlated_read_noise_e,
        "common_mode_adu": common_mode_adu,
        "avalanche_input_noise_e": avalanche_input_noise_e,
    }
    for name, value in absent.items():
        if value is not None:
            raise StageNotAvailableError(f"digitize: {name} needs a stage that this version does not have")
    charge = readable(electrons, "electrons", np.dtype(np.float64))
    _require_frame(charge, config)
    maps = (
        fixed_patterns if fixed_patterns is not None else fixed_pattern_maps(config, float_dtype=charge.dtype)
    )
    if reset_noise_e is not None:
        well = chain.readout(config, maps)[0].parameters["limit_e"]
        charge = np.clip(charge, 0.0, well) + np.asarray(reset_noise_e, charge.dtype)
    stages = [
        stage
        for stage in chain.readout(config, maps)
        if reset_noise_e is None or stage.name not in ("reset_noise", "output_full_well")
    ]
    address = chain.Address(rng_key(rng), 0, Kind.LIGHT)
    source = chain.Stage("input", {"electrons": charge})
    return chain.count([source, *stages], config, address, charge.dtype, counts_like(charge.shape, out))


def dark_frame_electrons(
    config: CameraConfig, exposure_s: float, temperature_c: float, rng: Any, *, backend: Any = None
) -> NDArray[np.floating[Any]]:
    """Charge at the output node [e-] of a dark exposure."""
    require_cpu(backend)
    dtype = np.dtype(np.float64)
    maps = fixed_pattern_maps(config, float_dtype=dtype)
    exposure = Exposure.checked(
        config, maps, dtype, photon_rate=0.0, exposure=exposure_s, temperature=temperature_c
    )
    stages = (*exposure.mean_stages(), *chain.charge(config, maps))
    return chain.values(stages, config, chain.Address(rng_key(rng), 0, exposure.kind), dtype)


def block_sum(array: Any, factor: int | tuple[int, int]) -> NDArray[Any]:
    """Sums over blocks of `factor` pixels (rows, columns), shape (height / rows, width / columns).

    Raises
    ------
    ShapeError
        If the blocks do not divide the image.
    """
    rows, columns = (factor, factor) if isinstance(factor, int) else factor
    values = np.asarray(array)
    require(rows >= 1 and columns >= 1, "", "factor", "a positive integer, or two", factor)
    if values.ndim != 2 or values.shape[0] % rows or values.shape[1] % columns:
        raise ShapeError(
            f"array must be divisible into blocks of {rows} x {columns}, got shape {values.shape}"
        )
    blocks = values.reshape(values.shape[0] // rows, rows, values.shape[1] // columns, columns)
    summed: NDArray[Any] = blocks.sum(axis=(1, 3))
    return summed


def run_stages(
    stages: Sequence[chain.Stage], electrons: Any, rng: Any, config: CameraConfig | None = None
) -> NDArray[np.floating[Any]]:
    """Run stages on an image of charge, which stays as it is; the result has its precision."""
    charge = readable(electrons, "electrons", np.dtype(np.float64))
    if charge.ndim != 2:
        raise ShapeError(f"electrons must have shape (height, width), got {charge.shape}")
    source = chain.Stage("input", {"electrons": charge})
    address = chain.Address(rng_key(rng), 0, Kind.LIGHT)
    if config is not None:
        _require_frame(charge, config)
        return chain.values([source, *stages], config, address, charge.dtype)
    out = np.empty_like(charge)
    chain.evaluate([source, *stages], address, out)
    return out


def _require_frame(charge: NDArray[Any], config: CameraConfig) -> None:
    if charge.shape != config.output_resolution:
        raise ShapeError(f"electrons must have shape {config.output_resolution}, got {charge.shape}")
