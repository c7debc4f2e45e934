"""getframes: detector frames of astronomical scenes, with the truth they came from.

Light becomes charge, charge becomes counts; the noise-free truth is kept beside every frame. Names are loaded when they are first used, so
that importing the package stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "getframes.analysis": (
        "NondestructiveStackStats",
        "RampPhotonTransfer",
        "infer_reset_indices",
        "nondestructive_stack_statistics",
        "ramp_photon_transfer",
    ),
    "getframes.backend": ("ArrayBackend", "get_array_module", "get_backend", "to_numpy"),
    "getframes.camera": ("Camera",),
    "getframes.config": ("CameraConfig", "SensorType"),
    "getframes.focal_plane": ("FlatTruth", "FocalPlane", "FocalPlaneDetector", "Illumination"),
    "getframes.frame": ("Frame", "FrameTruth"),
    "getframes.noise": ("apply_charge_diffusion", "charge_diffusion_kernel"),
    "getframes.observation": ("Observation", "ObservationTruth"),
    "getframes.noise.readout": ("DetectorWorkspace",),
    "getframes.precision": ("resolve_precision",),
    "getframes.presets": ("available_presets", "load_preset", "preset_info"),
    "getframes.reduce": ("Calibration", "combine"),
    "getframes.scene": (
        "PSF",
        "AiryPSF",
        "ArrayPSF",
        "Bandpass",
        "Catalog",
        "CatalogEntry",
        "EllipticalGaussianPSF",
        "ExtendedSource",
        "Extinction",
        "FieldPolynomial",
        "GaussianPSF",
        "LightCurve",
        "MoffatPSF",
        "PointSource",
        "Pointing",
        "RadialDistortion",
        "Scene",
        "Sky",
        "Source",
        "Telescope",
        "Thermal",
        "UniformIllumination",
        "Vignetting",
        "WCSInfo",
        "pleiades",
    ),
    "getframes.spectral": ("QE", "SED", "SpectralBandpass", "Spectrum"),
    "getframes.threads": ("num_threads", "set_num_threads"),
}
_MODULES = (
    "analysis",
    "backend",
    "calibrate",  # a function as well: the module can be called
    "camera",
    "config",
    "dataset",
    "errors",
    "frame",
    "noise",
    "presets",
    "reduce",
    "scene",
    "spectral",
)
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "PSF",
    "QE",
    "SED",
    "AiryPSF",
    "ArrayBackend",
    "ArrayPSF",
    "Bandpass",
    "Calibration",
    "Camera",
    "CameraConfig",
    "Catalog",
    "CatalogEntry",
    "DetectorWorkspace",
    "EllipticalGaussianPSF",
    "ExtendedSource",
    "Extinction",
    "FieldPolynomial",
    "FlatTruth",
    "FocalPlane",
    "FocalPlaneDetector",
    "Frame",
    "FrameTruth",
    "GaussianPSF",
    "Illumination",
    "LightCurve",
    "MoffatPSF",
    "NondestructiveStackStats",
    "Observation",
    "ObservationTruth",
    "PointSource",
    "Pointing",
    "RadialDistortion",
    "RampPhotonTransfer",
    "Scene",
    "SensorType",
    "Sky",
    "Source",
    "SpectralBandpass",
    "Spectrum",
    "Telescope",
    "Thermal",
    "UniformIllumination",
    "Vignetting",
    "WCSInfo",
    "__version__",
    "analysis",
    "apply_charge_diffusion",
    "available_presets",
    "backend",
    "calibrate",
    "camera",
    "charge_diffusion_kernel",
    "combine",
    "config",
    "dataset",
    "errors",
    "frame",
    "get_array_module",
    "get_backend",
    "infer_reset_indices",
    "load_preset",
    "noise",
    "nondestructive_stack_statistics",
    "num_threads",
    "pleiades",
    "preset_info",
    "presets",
    "ramp_photon_transfer",
    "reduce",
    "resolve_precision",
    "scene",
    "set_num_threads",
    "spectral",
    "to_numpy",
]

if TYPE_CHECKING:
    from getframes import (
        analysis,
        backend,
        camera,
        config,
        dataset,
        errors,
        frame,
        noise,
        presets,
        reduce,
        scene,
        spectral,
    )
    from getframes.analysis import (
        NondestructiveStackStats,
        RampPhotonTransfer,
        infer_reset_indices,
        nondestructive_stack_statistics,
        ramp_photon_transfer,
    )
    from getframes.backend import ArrayBackend, get_array_module, get_backend, to_numpy
    from getframes.calibrate import calibrate
    from getframes.camera import Camera
    from getframes.config import CameraConfig, SensorType
    from getframes.focal_plane import FlatTruth, FocalPlane, FocalPlaneDetector, Illumination
    from getframes.frame import Frame, FrameTruth
    from getframes.noise import apply_charge_diffusion, charge_diffusion_kernel
    from getframes.observation import Observation, ObservationTruth
    from getframes.precision import resolve_precision
    from getframes.presets import available_presets, load_preset, preset_info
    from getframes.reduce import Calibration, combine
    from getframes.scene import (
        PSF,
        AiryPSF,
        ArrayPSF,
        Bandpass,
        Catalog,
        CatalogEntry,
        EllipticalGaussianPSF,
        ExtendedSource,
        Extinction,
        FieldPolynomial,
        GaussianPSF,
        LightCurve,
        MoffatPSF,
        Pointing,
        PointSource,
        RadialDistortion,
        Scene,
        Sky,
        Source,
        Telescope,
        Thermal,
        UniformIllumination,
        Vignetting,
        WCSInfo,
        pleiades,
    )
    from getframes.spectral import QE, SED, SpectralBandpass, Spectrum
    from getframes.threads import num_threads, set_num_threads


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _MODULES:
        value = import_module(f"getframes.{name}")
    else:
        raise AttributeError(f"module 'getframes' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
