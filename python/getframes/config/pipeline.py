"""Pipeline files: which raw frames are reduced, how, and where the results go."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from getframes.config.document import Document
from getframes.config.pipeline_tables import PIPELINE_TABLES
from getframes.config.table_reading import read_whole

Values = dict[str, Any]

_OPTIONAL = ("cosmic_rays", "focal_plane")
"""Tables that say something by not being there."""
_ARGUMENTS = {"gain_e_per_adu": "gain", "read_noise_e": "read_noise", "saturation_adu": "saturation"}


@dataclass(frozen=True)
class PipelineSettings:
    """A pipeline file, checked. Tables that the file does not have hold their defaults.

    Attributes
    ----------
    path : Path
        The file.
    input, output, group, masters, calibrate : dict
        The keys of each table.
    cosmic_rays, focal_plane : dict or None
        None where the file has no such table.
    """

    path: Path
    input: Values
    output: Values
    group: Values
    masters: Values
    calibrate: Values
    cosmic_rays: Values | None
    focal_plane: Values | None

    @property
    def raw_folder(self) -> Path:
        """Folder of the raw files."""
        return Path(self.path.parent, self.input["folder"])

    @property
    def out(self) -> Path:
        """Folder of the results."""
        return Path(self.path.parent, self.output["folder"])

    @property
    def folders(self) -> dict[str, str]:
        """What is in a folder, by its name."""
        kinds = ("bias", "dark", "flat", "science")
        return {folder: kind for kind in kinds for folder in self.input[f"{kind}_folders"]}

    @property
    def max_nights(self) -> float:
        """Days between a frame and what it is calibrated with."""
        return inf if self.group["max_nights"] is None else float(self.group["max_nights"])

    @property
    def kinds(self) -> tuple[str, ...]:
        """The masters that every science frame needs, in the order in which they are made."""
        return tuple(kind for kind in ("bias", "dark", "flat") if self.masters[kind])

    @property
    def options(self) -> Values:
        """The table [calibrate] as arguments of `getframes.reduce.calibrate`."""
        given = {
            _ARGUMENTS.get(key, key): value for key, value in self.calibrate.items() if value is not None
        }
        return {**given, "overscan": False} if given.get("overscan") == "none" else given


def read_pipeline(path: str | Path) -> PipelineSettings:
    """Read a pipeline file, strictly. Paths in it are relative to its folder.

    Raises
    ------
    ConfigError
        With every problem of the file, each with line and column, and the nearest key for unknown ones.
    """
    document = Document.read(path, PIPELINE_TABLES)
    settings = PipelineSettings(document.path, **read_whole(document, defaults_unless=_OPTIONAL))
    _check_folders(document, settings)
    _check_masters(document, settings)
    document.require_none()
    return settings


def _check_folders(document: Document, settings: PipelineSettings) -> None:
    raw, out = settings.raw_folder, settings.out
    if not raw.is_dir():
        document.problem(
            ("input", "folder"), f"input.folder must be a folder that is there, got {str(raw)!r}"
        )
    elif os.path.realpath(raw) == os.path.realpath(out):
        document.problem(("output", "folder"), "output.folder must be another folder than input.folder")
    seen: Values = {}
    for kind in ("bias", "dark", "flat", "science"):
        for folder in settings.input[f"{kind}_folders"]:
            other = seen.setdefault(folder.casefold(), kind)
            if other != kind:
                text = f"input.{kind}_folders must not have {folder!r}, which is in {other}_folders"
                document.problem(("input", f"{kind}_folders"), text)


def _check_masters(document: Document, settings: PipelineSettings) -> None:
    """A dark rate and a flat are made from frames without their bias."""
    for kind in ("dark", "flat"):
        if settings.masters[kind] and not settings.masters["bias"]:
            text = f"masters.bias must be true where masters.{kind} is: a raw {kind} holds its bias"
            document.problem(("masters", "bias"), text)
    if settings.focal_plane is not None and not settings.masters["flat"]:
        document.problem(("focal_plane",), "[focal_plane] needs masters.flat = true")
