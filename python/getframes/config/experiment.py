"""Experiment files: a camera, and the frames or the data set that it makes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from getframes.config.camera import CameraConfig
from getframes.config.camera_fields import BY_NAME
from getframes.config.conflicts import Conflict, conflicts
from getframes.config.document import Document, Place
from getframes.config.scene_rules import attempt, build_all, check_light_curves, check_psf, check_scene
from getframes.config.scene_settings import SHIPPED_CATALOG, SceneSettings, Values
from getframes.config.settings import DatasetSettings, FrameSettings, RampSettings, SeriesSettings
from getframes.config.table_reading import read_whole
from getframes.errors import UnknownPresetError

__all__ = [
    "DatasetSettings",
    "Experiment",
    "FrameSettings",
    "RampSettings",
    "SceneSettings",
    "SeriesSettings",
    "read_experiment",
]

_OPTIONS = ("default_temperature_c", "precision", "device")


@dataclass(frozen=True)
class Experiment:
    """An experiment file, checked.

    Attributes
    ----------
    camera : CameraConfig
        Its resolution is the `shape` of the data set, where one is given.
    camera_options : dict
        `default_temperature_c`, `precision` and `device`, as `Camera` takes them.
    frame, scene, dataset : FrameSettings, SceneSettings, DatasetSettings or None
        None when the file has no such table.
    path : Path
        The file.
    ramp, series : RampSettings, SeriesSettings or None
        None when the file has no such table.
    """

    camera: CameraConfig
    camera_options: dict[str, Any]
    frame: FrameSettings | None
    scene: SceneSettings | None
    dataset: DatasetSettings | None
    path: Path
    ramp: RampSettings | None = None
    series: SeriesSettings | None = None

    @property
    def digest(self) -> str:
        """Hexadecimal digest of all that can change a frame, files that are named included."""
        parts = {
            "camera": self.camera.digest,
            "options": self.camera_options,
            "frame": _plain(self.frame),
            "scene": _plain(self.scene),
            "dataset": _plain(self.dataset),
        }
        later = {"ramp": _plain(self.ramp), "series": _plain(self.series)}
        parts |= {name: values for name, values in later.items() if values is not None}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def reseeded(self, seed: int | None) -> Experiment:
        """The same with another seed; itself for None."""
        if seed is None:
            return self
        frame = None if self.frame is None else dataclasses.replace(self.frame, seed=seed)
        dataset = None if self.dataset is None else dataclasses.replace(self.dataset, seed=seed)
        return dataclasses.replace(self, frame=frame, dataset=dataset)


def read_experiment(path: str | Path) -> Experiment:
    """Read an experiment file, strictly.

    Paths in the file are relative to its folder. Nothing is generated, and no catalog is opened.

    Raises
    ------
    ConfigError
        With every problem of the file, each with line and column, and the nearest key for unknown ones.
    """
    document = Document.read(path)
    tables = read_whole(document)
    _check_use(document, tables)
    if tables["scene"] is not None:
        check_scene(document, tables["scene"])
        check_light_curves(document, tables["scene"], in_time=tables["series"] is not None)
    if tables["dataset"] is not None:
        check_psf(document, ("dataset", "psf"), tables["dataset"]["psf"])
    camera = _camera(document, tables)
    document.require_none()
    assert camera is not None
    scene = None if tables["scene"] is None else SceneSettings(**tables["scene"])
    dataset = None if tables["dataset"] is None else _dataset(tables["dataset"], camera)
    _try_builders(document, camera, scene, dataset)
    document.require_none()
    frame = None if tables["frame"] is None else FrameSettings(**tables["frame"])
    ramp = None if tables["ramp"] is None else RampSettings(**tables["ramp"])
    series = None if tables["series"] is None else SeriesSettings(**tables["series"])
    options = {key: tables["camera"][key] for key in _OPTIONS}
    return Experiment(camera, options, frame, scene, dataset, document.path, ramp, series)


def _check_use(document: Document, tables: Values) -> None:
    """Science frames have a scene, and a scene has science frames; ramps are read in others, series are of scenes."""
    frame = tables["frame"]
    science = frame is not None and frame["type"] == "science"
    if tables["series"] is not None and not science:
        document.problem(("series",), "[series] needs a [frame] of type 'science'")
    if tables["ramp"] is not None:
        if frame is None or frame["type"] not in ("dark", "flat", "light"):
            document.problem(("ramp",), "[ramp] needs a [frame] of type 'dark', 'flat' or 'light'")
        elif frame["exposure_s"] == 0.0:
            document.problem(("frame", "exposure_s"), "frame.exposure_s must be > 0 s in a [ramp], got 0")
    if science and tables["scene"] is None:
        document.problem(("frame", "type"), "a frame of type 'science' needs a [scene]")
    if tables["scene"] is not None and not science:
        document.problem(("scene",), "[scene] needs a [frame] of type 'science'")


def _camera(document: Document, tables: Values) -> CameraConfig | None:
    """The camera of the file, or None when the document has a problem with it."""
    given = {key: tables["camera"][key] for key in document.values["camera"] if key in BY_NAME}
    shape = tables["dataset"]["shape"] if tables["dataset"] is not None else None
    try:
        values = _over_preset(tables["camera"]["preset"], given)
    except UnknownPresetError as error:
        document.problem(("camera", "preset"), str(error))
        return None
    if shape is not None:
        values["resolution"] = shape
    defaults = {entry.name: entry.default for entry in dataclasses.fields(CameraConfig)}
    found = list(conflicts(SimpleNamespace(**{**defaults, **values})))
    for conflict in found:
        document.problem(
            _place_of(document, conflict),
            f"camera.{conflict.field} must be {conflict.rule}, got {conflict.value}",
        )
    return None if found else CameraConfig(**values)


def _over_preset(preset: str | None, given: Values) -> Values:
    """The fields of a preset with those of the file in their place."""
    if preset is None:
        return dict(given)
    from getframes.presets import preset_values

    base = CameraConfig.from_dict(preset_values(preset))
    values = {entry.name: getattr(base, entry.name) for entry in dataclasses.fields(base)}
    return {**values, **given, "extra": {**base.extra, **given.get("extra", {})}}


def _place_of(document: Document, conflict: Conflict) -> Place:
    """Where to point at for a conflict: the key itself, else what it does not fit."""
    camera = document.values["camera"]
    if conflict.field in camera:
        return ("camera", conflict.field)
    if "shape" in document.values.get("dataset", {}):
        return ("dataset", "shape")
    return ("camera", "resolution")


def _dataset(values: Values, camera: CameraConfig) -> DatasetSettings:
    sky = values["sky_mag_arcsec2"] if values["sky"] else None
    rest = {key: value for key, value in values.items() if key != "sky"}
    return DatasetSettings(**{**rest, "shape": camera.resolution, "sky_mag_arcsec2": sky})


def _try_builders(
    document: Document, camera: CameraConfig, scene: SceneSettings | None, dataset: DatasetSettings | None
) -> None:
    if scene is not None:
        build_all(document, scene, camera.output_resolution)
    if dataset is not None and dataset.optics is not None:
        attempt(document, ("dataset", "optics"), dataset.build_optics)
        if dataset.optics["band"] is None:
            document.problem(
                ("dataset", "optics"), "[dataset.optics] needs 'band', for the magnitudes of the stars"
            )
    if dataset is not None and dataset.psf is not None:
        attempt(document, ("dataset", "psf"), dataset.build_psf)


def _plain(settings: Any) -> Any:
    """Settings as JSON can hold them; a file stands for what it holds."""
    if dataclasses.is_dataclass(settings) and not isinstance(settings, type):
        return _plain(dataclasses.asdict(settings))
    if isinstance(settings, dict):
        return {key: _content(value) if key == "file" else _plain(value) for key, value in settings.items()}
    if isinstance(settings, (list, tuple)):
        return [_plain(item) for item in settings]
    return settings


def _content(file: str) -> str:
    if file == SHIPPED_CATALOG:
        return file
    running = hashlib.sha256()
    with Path(file).open("rb") as stream:
        while block := stream.read(1 << 20):
            running.update(block)
    return running.hexdigest()
