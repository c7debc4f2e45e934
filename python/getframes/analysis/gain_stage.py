"""Gain and excess noise of a multiplying stage, from photon transfer without and with it.

Law: at the same light, x' = G x and dV'/dm = G F^2 / K, with 1/K = dV/dm without the stage. So

    G = x' / x,   F^2 = (dV'/dm) / (dV/dm) / G.

F^2 is the variance with the stage over that of a noiseless one of the same gain.

Source: Robbins and Hadwen 2003, doi:10.1109/TED.2003.813462.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from getframes.errors import require

if TYPE_CHECKING:
    from getframes.analysis.photon_transfer import PTCResult


@dataclass(frozen=True)
class GainStage:
    """A multiplying stage, measured.

    Attributes
    ----------
    em_gain : float
        Mean gain G.
    excess_noise_factor : float
        F, as in `CameraConfig`.
    excess_noise_factor_error : float
        Its standard error, without that of G.
    read_noise_e : float
        Read noise at the output [e-], from the conversion gain without the stage.
    effective_read_noise_e : float
        The same at the input [e-], divided by G.
    """

    em_gain: float
    excess_noise_factor: float
    excess_noise_factor_error: float
    read_noise_e: float
    effective_read_noise_e: float


def characterize_gain_stage(
    plain: PTCResult, multiplied: PTCResult, *, em_gain: float | None = None, light_ratio: float = 1.0
) -> GainStage:
    """Gain and excess noise factor of a multiplying stage.

    Parameters
    ----------
    plain, multiplied : PTCResult
        Photon transfer curves without and with the stage.
    em_gain : float, optional
        G, where it is known. Otherwise it is the slope of one signal against the other: level number i of both curves must have the same light, up to
        `light_ratio`. Saturated levels are left out. Dark charge has to be little.
    light_ratio : float
        Light of the levels of `multiplied` over that of the levels of `plain`.

    Raises
    ------
    DomainError
        If the curves have less than two levels in common below saturation, or a number is not positive.
    """
    require(light_ratio > 0, "", "light_ratio", "> 0", light_ratio)
    if em_gain is None:
        em_gain = _ratio_of_signals(plain, multiplied) / light_ratio
    require(em_gain > 0, "", "em_gain", "> 0", em_gain)
    squared = plain.gain_e_per_adu / multiplied.gain_e_per_adu / em_gain
    factor = sqrt(squared)
    error = factor / 2.0 * sqrt(sum((c.gain_error / c.gain_e_per_adu) ** 2 for c in (plain, multiplied)))
    read_noise = multiplied.read_noise_e / multiplied.gain_e_per_adu * plain.gain_e_per_adu
    return GainStage(em_gain, factor, error, read_noise, read_noise / em_gain)


def _ratio_of_signals(plain: PTCResult, multiplied: PTCResult) -> float:
    """Slope of the signal with the stage against that without, over the levels that neither saturates; offsets do not matter."""
    same = plain.mean_adu.size == multiplied.mean_adu.size
    require(same, "", "multiplied", f"a curve of {plain.mean_adu.size} levels", multiplied.mean_adu.size)
    used = [
        _below(one, plain) and _below(two, multiplied)
        for one, two in zip(plain.mean_adu, multiplied.mean_adu, strict=True)
    ]
    require(sum(used) >= 2, "", "multiplied", "a curve with two levels that neither saturates", sum(used))
    one, two = plain.mean_adu[used], multiplied.mean_adu[used]
    one = one - one.mean()
    return float((one * two).sum() / (one * one).sum())


def _below(mean: float, result: PTCResult) -> bool:
    level = result.full_well_adu
    return level is None or mean - result.bias_adu < 0.9 * (level - result.bias_adu)
