"""The signal chain as small functions: light to charge to counts."""

from getframes.noise.charge import (
    add_cosmic_rays,
    apply_blooming,
    apply_cti,
    apply_em_gain,
    apply_gain_stage,
    apply_ipc,
    apply_nonlinearity,
    block_sum,
    dark_frame_electrons,
    digitize,
    frame_electrons,
)
from getframes.noise.diffusion import apply_charge_diffusion, charge_diffusion_kernel
from getframes.noise.patterns import FixedPatternMaps, fixed_pattern_maps
from getframes.noise.persistence import release_latent
from getframes.noise.signal import dark_signal_map, photo_signal_map
from getframes.noise.simulate import SimulationResult, generate_dark_frame, simulate_frame
from getframes.precision import resolve_precision

__all__ = [
    "FixedPatternMaps",
    "SimulationResult",
    "add_cosmic_rays",
    "apply_blooming",
    "apply_charge_diffusion",
    "apply_cti",
    "apply_em_gain",
    "apply_gain_stage",
    "apply_ipc",
    "apply_nonlinearity",
    "block_sum",
    "charge_diffusion_kernel",
    "dark_frame_electrons",
    "dark_signal_map",
    "digitize",
    "fixed_pattern_maps",
    "frame_electrons",
    "generate_dark_frame",
    "photo_signal_map",
    "release_latent",
    "resolve_precision",
    "simulate_frame",
]
