"""Charge: noise functions that act on an image of electrons. None changes its input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.backend import require_cpu
from getframes.errors import ShapeError, require
from getframes.noise import chain
from getframes.noise.exposure import Exposure, counts_like
from getframes.noise.image import nonnegative, number_or_nan, readable, require_finite
from getframes.noise.patterns import fixed_pattern_maps
from getframes.noise.stream import Kind, rng_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


def apply_blooming(electrons: Any, full_well_e: float, *, backend: Any = None) -> NDArray[np.floating[Any]]:
    """Charge after the wells have overflowed along their columns [e-].

    Half of what is above the well flows down and half up, filling the pixels on its way; what reaches the edge is lost.

    Parameters
    ----------
    electrons : array (height, width)
        Charge [e-].
    full_well_e : float
        What a pixel holds [e-], > 0.
    """
    require_cpu(backend)
    limit = number_or_nan(full_well_e)
    require(0.0 < limit < np.inf, "", "full_well_e", "finite and > 0 e-", full_well_e)
    return run_stages([chain.blooming(limit)], electrons, 0)


def apply_cti(electrons: Any, cti: float, *, backend: Any = None) -> NDArray[np.floating[Any]]:
    """Charge after its transfer to row 0 [e-]: row r leaves min(cti r q, q) to row r + 1; the last row loses it.

    Parameters
    ----------
    electrons : array (height, width)
        Charge [e-].
    cti : float
        Fraction left behind by one transfer, in [0, 1).
    """
    require_cpu(backend)
    fraction = number_or_nan(cti)
    require(0.0 <= fraction < 1.0, "", "cti", "in [0, 1)", cti)
    return run_stages([chain.cti(fraction)], electrons, 0)


def apply_ipc(electrons: Any, coupling: float, *, backend: Any = None) -> NDArray[np.floating[Any]]:
    """Charge as the nodes see it [e-]: (1 - 4c) of the pixel and c of each of its four neighbours; none outside.

    Moore, Ninkov & Forrest 2006, doi:10.1117/1.2219103.

    Parameters
    ----------
    electrons : array (height, width)
        Charge [e-].
    coupling : float
        c, in [0, 0.25).
    """
    require_cpu(backend)
    fraction = number_or_nan(coupling)
    require(0.0 <= fraction < 0.25, "", "coupling", "in [0, 0.25)", coupling)
    return run_stages([chain.ipc(fraction)], electrons, 0)


def add_cosmic_rays(
    electrons: Any, config: CameraConfig, exposure_s: float, rng: Any, *, backend: Any = None
) -> NDArray[np.floating[Any]]:
    """Charge with the cosmic rays of one exposure [e-]: Poisson(rate area time) hits of Gamma(2, 5000 e-) each.

    Parameters
    ----------
    electrons : array (height, width)
        Charge [e-]; it stays as it is.
    config : CameraConfig
        Rate, length of the tracks (0 for single pixels), size of the pixels, and the sensor on which the hits fall.
    exposure_s : float
        Time over which they fall [s], >= 0.
    rng : numpy Generator, int or None
        As in `apply_gain_stage`.

    Raises
    ------
    ShapeError
        If the image is not one frame of the camera.
    DomainError
        If more than 1e7 hits, or 1e8 pixels under them, are to be expected.
    """
    require_cpu(backend)
    time_s = nonnegative(exposure_s, "exposure_s", "s")
    return run_stages(chain.cosmic_rays(config, time_s), electrons, rng, config)


def frame_electrons(
    config: CameraConfig,
    mean_electrons: Any,
    rng: Any,
    exposure_s: float = 0.0,
    *,
    backend: Any = None,
    fixed_patterns: FixedPatternMaps | None = None,
) -> NDArray[np.floating[Any]]:
    """Charge at the output node [e-] for a mean charge: from shot noise to the gain stage, as `chain.charge` lists.

    Parameters
    ----------
    mean_electrons : array (height, width)
        Mean charge of each pixel [e-], >= 0.
    rng : numpy Generator, int or None
        As in `apply_gain_stage`.
    exposure_s : float
        Time over which cosmic rays fall [s].
    """
    require_cpu(backend)
    time_s = nonnegative(exposure_s, "exposure_s", "s")
    values = readable(mean_electrons, "mean_electrons", np.dtype(np.float64))
    maps = (
        fixed_patterns if fixed_patterns is not None else fixed_pattern_maps(config, float_dtype=values.dtype)
    )
    return run_stages(chain.charge(config, maps, time_s), values, rng, config)


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
    """Counts [ADU] of the charge at the output node: well, defects, noise, gain, bias, rounding, clipping.

    Parameters
    ----------
    electrons : array (height, width)
        Charge at the output node [e-].
    rng : numpy Generator, int or None
        As in `apply_gain_stage`.
    reset_noise_e : float or array (height, width), optional
        Reset noise [e-], added instead of a drawn one.
    correlated_read_noise_e : float or array (height, width), optional
        The part of the read noise that reads of a ramp share [e-]; what is drawn is then sqrt(1 - f) of the read noise, with
        f the camera's `read_noise_correlated_fraction`.
    common_mode_adu : float or array (height, width), optional
        Common mode [ADU], added instead of a drawn one.
    avalanche_input_noise_e : float, optional
        Input noise of the avalanche gain [e-], instead of the camera's.
    out : array of uint32 (height, width), optional
        Where the counts go.
    """
    require_cpu(backend)
    charge = readable(electrons, "electrons", np.dtype(np.float64))
    _require_frame(charge, config)
    maps = (
        fixed_patterns if fixed_patterns is not None else fixed_pattern_maps(config, float_dtype=charge.dtype)
    )
    stages = list(chain.readout(config, maps))
    if reset_noise_e is not None:
        stages = _given(
            stages, "reset_noise", {"reset_noise_e": _noise(reset_noise_e, "reset_noise_e", charge)}
        )
    if correlated_read_noise_e is not None:
        shared = _noise(correlated_read_noise_e, "correlated_read_noise_e", charge)
        fresh = math.sqrt(1.0 - config.read_noise_correlated_fraction)
        stages = _given(stages, "correlated_read_noise", {"correlated_read_noise_e": shared})
        stages = [_scaled(stage, fresh) if stage.name == "read_noise" else stage for stage in stages]
    if common_mode_adu is not None:
        offset = _noise(common_mode_adu, "common_mode_adu", charge)
        stages = [stage for stage in stages if stage.name != "common_mode"]
        stages.append(chain.Stage("common_mode", {"common_mode_adu": offset}))
    if avalanche_input_noise_e is not None:
        noise = nonnegative(avalanche_input_noise_e, "avalanche_input_noise_e", "e-")
        stages = _given(
            stages, "avalanche_input_noise", chain.avalanche_input_noise(config, noise).parameters
        )
    address = chain.Address(rng_key(rng), 0, Kind.LIGHT)
    source = chain.Stage("input", {"electrons": charge})
    return chain.count([source, *stages], config, address, charge.dtype, counts_like(charge.shape, out))


def _noise(value: Any, name: str, charge: NDArray[Any]) -> float | NDArray[np.floating[Any]]:
    """Noise that is given: a finite number, or an image like the charge; it may be negative."""
    if np.ndim(value) == 0:
        require(math.isfinite(number_or_nan(value)), "", name, "finite", value)
        return float(value)
    image = readable(value, name, charge.dtype)
    if image.shape != charge.shape:
        raise ShapeError(f"{name} must be a number or have shape {charge.shape}, got {image.shape}")
    require_finite(image, name)
    return image


def _given(stages: list[chain.Stage], name: str, parameters: Mapping[str, Any]) -> list[chain.Stage]:
    """The readout with one noise given: in the place where it would be drawn."""
    order = ("output_full_well", "defects", "reset_noise", "avalanche_input_noise", "correlated_read_noise")
    others = [stage for stage in stages if stage.name != name]
    at = sum(stage.name in order[: order.index(name)] for stage in others)
    return [*others[:at], chain.Stage(name, parameters), *others[at:]]


def _scaled(noise: chain.Stage, factor: float) -> chain.Stage:
    return chain.Stage(noise.name, {"rms_e": noise.parameters["rms_e"] * factor})


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
    stages = (*exposure.mean_stages(), *chain.charge(config, maps, exposure.exposure_s))
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
    require_finite(charge, "electrons")
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
