"""Reducing frames: combining them, calibrating them, and counts back to electrons and photons."""

from __future__ import annotations

from getframes.reduce.calibration import Calibration
from getframes.reduce.combination import combine
from getframes.reduce.correction import calibrate

__all__ = ["Calibration", "calibrate", "combine"]
