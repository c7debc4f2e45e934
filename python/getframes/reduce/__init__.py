"""Reducing frames: combining them, calibrating them, and counts back to electrons and photons."""

from __future__ import annotations

from getframes.reduce.application import Masters, calibrate
from getframes.reduce.batch import BatchReport, calibrate_files
from getframes.reduce.calibration import Calibration
from getframes.reduce.combination import combine
from getframes.reduce.cosmic_ray import cosmic_rays
from getframes.reduce.extensions import Extensions
from getframes.reduce.flat_level import measure_flat_levels
from getframes.reduce.flat_normalization import normalize_flats
from getframes.reduce.flat_scale import FlatScales, flat_scales
from getframes.reduce.frame import UNUSABLE, Flag, ReducedFrame
from getframes.reduce.masters import master_bias, master_dark, master_flat
from getframes.reduce.overscan import subtract_overscan, trim
from getframes.reduce.raw_file import RawFile, RawFiles, find_raw_files
from getframes.reduce.sharing import SharedArray, SharedArrays, share

__all__ = [
    "UNUSABLE",
    "BatchReport",
    "Calibration",
    "Extensions",
    "Flag",
    "FlatScales",
    "Masters",
    "RawFile",
    "RawFiles",
    "ReducedFrame",
    "SharedArray",
    "SharedArrays",
    "calibrate",
    "calibrate_files",
    "combine",
    "cosmic_rays",
    "find_raw_files",
    "flat_scales",
    "master_bias",
    "master_dark",
    "master_flat",
    "measure_flat_levels",
    "normalize_flats",
    "share",
    "subtract_overscan",
    "trim",
]
