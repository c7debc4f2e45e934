"""Stages of the signal chain that a camera asks for and this version does not have."""

from __future__ import annotations

import dataclasses

from getframes.config.camera import CameraConfig
from getframes.config.camera_fields import FIELDS
from getframes.config.field import Field
from getframes.errors import StageNotAvailableError

_DEFAULTS = {entry.name: entry.default for entry in dataclasses.fields(CameraConfig)}


def missing_stages(config: CameraConfig) -> tuple[str, ...]:
    """Names of the stages that frames of this camera need and this version does not have.

    Parameters
    ----------
    config : CameraConfig
        The camera.
    """
    return tuple(dict.fromkeys(entry.stage for entry in _asking(config)))


def require_stages(config: CameraConfig) -> None:
    """Raise `StageNotAvailableError` when frames of this camera need a stage that is not there.

    The message names the stages, and the fields that ask for them.
    """
    asking = _asking(config)
    if asking:
        fields: dict[str, list[str]] = {}
        for entry in asking:
            fields.setdefault(entry.stage, []).append(f"{entry.name} = {getattr(config, entry.name)}")
        needs = "; ".join(f"{stage} ({', '.join(settings)})" for stage, settings in fields.items())
        raise StageNotAvailableError(
            f"camera {config.name!r} needs stages that this version does not have: {needs}"
        )


def _asking(config: CameraConfig) -> list[Field]:
    return [
        entry
        for entry in FIELDS
        if entry.asks == "frame" and getattr(config, entry.name) != _DEFAULTS[entry.name]
    ]
