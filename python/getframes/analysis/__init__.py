"""Measuring a detector from its frames: photon transfer, characterization, ramps, apertures and centroids."""

from __future__ import annotations

from getframes.analysis.aperture import aperture_sum
from getframes.analysis.centroid import centroid, matched_filter_centroid
from getframes.analysis.coupling import Coupling, interpixel_coupling
from getframes.analysis.dark import DarkCharacterization, characterize_dark
from getframes.analysis.flat import FlatCharacterization, characterize_flat
from getframes.analysis.gain_stage import GainStage, characterize_gain_stage
from getframes.analysis.photon_transfer import PTCResult, photon_transfer_curve
from getframes.analysis.ramp import (
    NondestructiveStackStats,
    RampPhotonTransfer,
    infer_reset_indices,
    nondestructive_stack_statistics,
    ramp_photon_transfer,
)
from getframes.analysis.stack import StackStats, stack_statistics

__all__ = [
    "Coupling",
    "DarkCharacterization",
    "FlatCharacterization",
    "GainStage",
    "NondestructiveStackStats",
    "PTCResult",
    "RampPhotonTransfer",
    "StackStats",
    "aperture_sum",
    "centroid",
    "characterize_dark",
    "characterize_flat",
    "characterize_gain_stage",
    "infer_reset_indices",
    "interpixel_coupling",
    "matched_filter_centroid",
    "nondestructive_stack_statistics",
    "photon_transfer_curve",
    "ramp_photon_transfer",
    "stack_statistics",
]
