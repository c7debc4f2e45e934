"""Rules of a scene in a file that hold between keys and tables, and with the files it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from getframes.config.document import Document, Place
from getframes.config.scene_settings import (
    SHIPPED_CATALOG,
    SceneSettings,
    Values,
    build_optics,
    build_psf,
    build_sky,
    build_source,
    build_thermal,
    build_wcs,
)
from getframes.errors import GetframesError

_POSITIONS = (("x", "y"), ("ra", "dec"))
_BRIGHTNESS = ("magnitude", "photon_rate")
_SHAPE = ("n", "ellipticity", "position_angle")
_COLUMNS = ("x", "y", "ra", "dec", "r_eff", *_SHAPE)


def check_scene(document: Document, scene: Values) -> None:
    """Note what does not fit in `[scene]`, whose single values are all right."""
    place: Place = ("scene",)
    for i, source in enumerate(scene["sources"]):
        _check_source(document, (*place, "sources", i), scene, source)
    if scene["catalog"] is not None:
        _check_catalog(document, (*place, "catalog"), scene)
    if scene["optics"]["band"] is None:
        for user in _users_of_band(scene):
            document.problem(user, "a magnitude needs 'band' in [scene.optics]")
    check_psf(document, (*place, "psf"), scene["psf"])


def check_light_curves(document: Document, scene: Values, *, in_time: bool) -> None:
    """Note light curves that nothing follows, or that go below no light."""
    for i, source in enumerate(scene["sources"]):
        curve, place = source["light_curve"], ("scene", "sources", i, "light_curve")
        if curve is None:
            continue
        if not in_time:
            document.problem(place, "[scene.sources.light_curve] needs a [series]")
        if curve["type"] == "sinusoidal" and abs(curve["amplitude"]) > curve["baseline"]:
            document.problem(
                (*place, "amplitude"),
                f"scene.sources.light_curve.amplitude must be at most the baseline, {curve['baseline']:g}, "
                f"got {curve['amplitude']:g}",
            )


def _check_source(document: Document, place: Place, scene: Values, source: Values) -> None:
    if source["type"] == "uniform":
        return
    _require_one(document, place, "scene.sources", source, _BRIGHTNESS)
    if source["type"] == "point":
        return
    _require_position(document, place, "scene.sources", source)
    if source["ra"] is not None and scene["wcs"] is None:
        document.problem((*place, "ra"), "a source given by RA and Dec needs a [scene.wcs]")
    if source["type"] == "array":
        _locate(document, place, source)


def check_psf(document: Document, place: Place, psf: Values | None) -> None:
    """Make the path of a psf file absolute, and note when the file is not there."""
    if psf is not None and psf["type"] == "array":
        _locate(document, place, psf)


def build_all(document: Document, settings: SceneSettings, shape: tuple[int, int]) -> None:
    """Build everything but the catalog, and note what the scene itself refuses."""
    place: Place = ("scene",)
    attempt(document, (*place, "optics"), build_optics, settings.optics)
    attempt(document, (*place, "psf"), build_psf, settings.psf, settings.optics)
    if settings.sky is not None:
        attempt(document, (*place, "sky"), build_sky, settings.sky)
    if settings.thermal is not None:
        attempt(document, (*place, "thermal"), build_thermal, settings.thermal)
    if settings.wcs is not None:
        attempt(document, (*place, "wcs"), build_wcs, settings.wcs, settings.optics, shape)
    for i, source in enumerate(settings.sources):
        attempt(document, (*place, "sources", i), build_source, source)


def attempt(document: Document, place: Place, build: Callable[..., Any], *values: Any) -> None:
    """Build something, and note why it could not be."""
    try:
        build(*values)
    except GetframesError as error:
        key = "band" if "band must be one of" in str(error) else None
        document.problem(place if key is None else (*place, key), str(error))


def _check_catalog(document: Document, place: Place, scene: Values) -> None:
    catalog = scene["catalog"]
    if catalog["file"] == SHIPPED_CATALOG:
        for key in (*_BRIGHTNESS, *_COLUMNS):
            if catalog[key] is not None:
                document.problem(
                    (*place, key), f"the columns of {SHIPPED_CATALOG!r} are known; leave {key!r} out"
                )
    else:
        _locate(document, place, catalog)
        _require_one(document, place, "scene.catalog", catalog, _BRIGHTNESS)
        _require_position(document, place, "scene.catalog", catalog)
        for key in _SHAPE:
            if catalog[key] is not None and catalog["r_eff"] is None:
                document.problem((*place, key), f"[scene.catalog] {key!r} needs 'r_eff'")
    if scene["wcs"] is None and (catalog["ra"] is not None or catalog["file"] == SHIPPED_CATALOG):
        document.problem((*place, "ra"), "stars given by RA and Dec need a [scene.wcs]")


def _require_one(document: Document, place: Place, table: str, values: Values, keys: tuple[str, ...]) -> None:
    given = [key for key in keys if values[key] is not None]
    if len(given) != 1:
        names = " or ".join(repr(key) for key in keys)
        document.problem((*place, *given[1:2]), f"[{table}] needs {names}, one of them")


def _require_position(document: Document, place: Place, table: str, values: Values) -> None:
    given = tuple(key for pair in _POSITIONS for key in pair if values[key] is not None)
    if given not in _POSITIONS:
        document.problem(place, f"[{table}] needs 'x' and 'y', or 'ra' and 'dec'")


def _users_of_band(scene: Values) -> list[Place]:
    """Places of the values that mean nothing without a band."""
    users: list[Place] = [
        ("scene", "sources", i, "magnitude")
        for i, source in enumerate(scene["sources"])
        if source["type"] != "uniform" and source["magnitude"] is not None
    ]
    catalog = scene["catalog"]
    if catalog is not None and catalog["magnitude"] is not None:
        users.append(("scene", "catalog", "magnitude"))
    if catalog is not None and catalog["file"] == SHIPPED_CATALOG:
        users.append(("scene", "catalog", "file"))
    if scene["sky"] is not None:
        users.append(("scene", "sky", "surface_brightness_mag_arcsec2"))
    if scene["thermal"] is not None:
        users.append(("scene", "thermal", "temperature_k"))
    return users


def _locate(document: Document, place: Place, values: Values) -> None:
    """Make `file` absolute, from the folder of the document."""
    path = document.path.resolve().parent / Path(values["file"]).expanduser()
    values["file"] = str(path)
    if not path.is_file():
        document.problem((*place, "file"), f"no such file: {path}")
