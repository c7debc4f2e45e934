"""Mean signals: light and dark, before any noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.backend import require_cpu
from getframes.noise.exposure import Exposure
from getframes.noise.patterns import fixed_pattern_maps
from getframes.precision import working_dtype

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from getframes.config import CameraConfig
    from getframes.noise.patterns import FixedPatternMaps


def photo_signal_map(
    config: CameraConfig,
    photon_rate: Any,
    exposure_s: float,
    background_photon_rate: Any,
    quantum_efficiency: float | None = None,
    float_dtype: DTypeLike | None = None,
    *,
    backend: Any = None,
    fixed_patterns: FixedPatternMaps | None = None,
    out: Any | None = None,
    precision: str | None = None,
) -> NDArray[np.floating[Any]]:
    """Mean photoelectrons of each pixel [e-], shape (height, width): (rate + background) t QE prnu.

    Parameters
    ----------
    photon_rate, background_photon_rate : float or array (height, width)
        Light [photons / s / pixel].
    exposure_s : float
        Exposure time [s].
    quantum_efficiency : float, optional
        Instead of the camera's.
    out : array (height, width), optional
        Where the result goes.

    Raises
    ------
    DomainError, ShapeError
        If a value is impossible, or an array does not fit the frame.
    """
    require_cpu(backend)
    dtype = working_dtype(float_dtype, precision)
    exposure = Exposure.checked(
        config,
        fixed_patterns if fixed_patterns is not None else fixed_pattern_maps(config, float_dtype=dtype),
        dtype,
        photon_rate=photon_rate,
        exposure=exposure_s,
        temperature=config.dark_current_ref_temp_c,
        background=background_photon_rate,
        quantum_efficiency=quantum_efficiency,
    )
    result = exposure.evaluated(exposure.light_stages())
    if out is None:
        return np.array(result)
    np.copyto(out, result)
    filled: NDArray[np.floating[Any]] = out
    return filled


def dark_signal_map(
    config: CameraConfig,
    exposure_s: float,
    temperature_c: float,
    float_dtype: DTypeLike | None = None,
    *,
    backend: Any = None,
    fixed_patterns: FixedPatternMaps | None = None,
    precision: str | None = None,
) -> NDArray[np.floating[Any]]:
    """Mean dark charge and glow of each pixel [e-], shape (height, width).

    Raises
    ------
    DomainError
        If the time or the temperature is impossible.
    """
    require_cpu(backend)
    dtype = working_dtype(float_dtype, precision)
    exposure = Exposure.checked(
        config,
        fixed_patterns if fixed_patterns is not None else fixed_pattern_maps(config, float_dtype=dtype),
        dtype,
        photon_rate=0.0,
        exposure=exposure_s,
        temperature=temperature_c,
    )
    return np.array(exposure.evaluated(exposure.mean_stages()))
