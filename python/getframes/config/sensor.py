"""Kinds of sensor."""

from __future__ import annotations

from enum import Enum

from getframes.errors import DomainError, did_you_mean


class SensorType(str, Enum):
    """How a sensor turns charge into a signal.

    The type sets defaults only (`gain_excess_noise_factor` of an EMCCD is the square root of 2); every
    effect has its own field in `CameraConfig`.
    """

    CCD = "CCD"
    CMOS = "CMOS"
    EMCCD = "EMCCD"
    EAPD = "EAPD"
    SCMOS = "SCMOS"

    @classmethod
    def coerce(cls, value: SensorType | str) -> SensorType:
        """The member that `value` is or spells, in any case: ``"emccd"``, ``"sCMOS"``.

        Raises
        ------
        DomainError
            For anything else; the message lists the types and offers the nearest.
        """
        if isinstance(value, cls):
            return value
        names = [member.value for member in cls]
        if isinstance(value, str) and value.upper() in names:
            return cls(value.upper())
        near = did_you_mean(value.upper(), names) if isinstance(value, str) else ""
        raise DomainError(f"sensor type must be one of {', '.join(names)}, got {value!r}{near}")
