"""Cameras that come with the package: one TOML file each, every figure with its source.

The keys of a file are the fields of `CameraConfig`. `[sources]` says where figures come from: `general` for
all of them, and a line for each figure that has a source of its own. Operating points that differ from the
one in the file stand in `[[read_modes]]`. Both are kept in `CameraConfig.extra`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from getframes.errors import UnknownPresetError, did_you_mean

if TYPE_CHECKING:
    from getframes.config import CameraConfig

__all__ = ["available_presets", "load_preset", "preset_info", "preset_values"]

_FOLDER = Path(__file__).parent / "data"

_SHOWN = (
    "name",
    "manufacturer",
    "model",
    "sensor_type",
    "resolution",
    "pixel_size_um",
    "bit_depth",
    "full_well_e",
    "read_noise_e",
    "em_gain",
)


def available_presets() -> list[str]:
    """Names of the shipped cameras, in alphabetical order."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def preset_values(name: str) -> dict[str, Any]:
    """What the file of a shipped camera says, as plain values.

    Raises
    ------
    UnknownPresetError
        For any other name; the message offers the nearest and lists all.
    """
    names = available_presets()
    if name not in names:
        near = did_you_mean(name, names) if isinstance(name, str) else ""
        raise UnknownPresetError(f"preset must be one of {', '.join(names)}, got {name!r}{near}")
    return _read(name)


def load_preset(name: str) -> CameraConfig:
    """The shipped camera of that name; its sources and read modes are in `extra`.

    Raises
    ------
    UnknownPresetError
        For any other name; the message offers the nearest and lists all.
    """
    from getframes.config import CameraConfig

    return CameraConfig.from_dict(preset_values(name))


def preset_info() -> list[dict[str, Any]]:
    """One row per shipped camera, for tables.

    Keys: preset (its name here), name, manufacturer, model, sensor_type, resolution (height, width),
    pixel_size_um, bit_depth, full_well_e, read_noise_e, em_gain, source (a list of texts). A key that a
    camera leaves out is None; `em_gain` is then 1.
    """
    return [_row(name, _read(name)) for name in available_presets()]


def _read(name: str) -> dict[str, Any]:
    import tomli

    return tomli.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def _row(preset: str, values: dict[str, Any]) -> dict[str, Any]:
    row = {"preset": preset, **{key: values.get(key) for key in _SHOWN}}
    row["resolution"] = tuple(values["resolution"])
    row["em_gain"] = values.get("em_gain", 1.0)
    row["source"] = list(values["sources"]["general"])
    return row
