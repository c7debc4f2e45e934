"""Read noise, reset noise and avalanche input noise: Gaussian errors in electrons, one draw per pixel and read.

Source: Janesick 2007, *Photon Transfer*, doi:10.1117/3.725073.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from getframes.reference import stream, variate

if TYPE_CHECKING:
    from getframes.reference.image import Image
    from getframes.reference.stream import Address


def read_noise(charge_e: Image, rms_e: Image | float, at: Address) -> Image:
    """q + sigma z [e-]: the output amplifier, sigma per pixel."""
    return charge_e + rms_e * variate.normal(stream.frame_words(at, stream.Stage.READ_NOISE, charge_e.shape))


def reset_noise(charge_e: Image, rms_e: float, at: Address) -> Image:
    """q + sigma z [e-]: the charge that a reset leaves on the node (kTC)."""
    return charge_e + rms_e * variate.normal(stream.frame_words(at, stream.Stage.RESET_NOISE, charge_e.shape))


def correlated_read_noise(charge_e: Image, rms_e: Image | float, at: Address) -> Image:
    """q + sigma z [e-]: what the reads of a ramp share, drawn at its first."""
    words = stream.frame_words(at, stream.Stage.CORRELATED_READ_NOISE, charge_e.shape)
    return charge_e + rms_e * variate.normal(words)


def avalanche_rms_e(input_noise_e: float, gain: float, reference_gain: float, exponent: float) -> float:
    """a G (G / G_ref)^(p - 1) [e-]: input noise of an avalanche gain, behind it."""
    return float(input_noise_e * gain * (gain / reference_gain) ** (exponent - 1.0))


def avalanche_input_noise(charge_e: Image, rms_e: float, at: Address) -> Image:
    """q + sigma z [e-]: `avalanche_rms_e` behind the gain."""
    words = stream.frame_words(at, stream.Stage.AVALANCHE_INPUT_NOISE, charge_e.shape)
    return charge_e + rms_e * variate.normal(words)
