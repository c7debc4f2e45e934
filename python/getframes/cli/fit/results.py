"""The results of a fit, found by the folder that they are in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from getframes.config.fit import FitSettings
    from getframes.fit import PixelSource

RECORD, PATCHES = "fit.run.json", "patches"


def record_of(root: Path) -> dict[str, Any]:
    """What the record of the last run says; nothing where there is none.

    Raises
    ------
    IntegrityError
        If it is damaged.
    """
    import json

    from getframes.errors import IntegrityError

    path = root / RECORD
    try:
        found: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    except ValueError as error:
        raise IntegrityError(f"{path} is damaged: {error}") from error
    return found


def settings_of(root: Path, fit: Path | None) -> FitSettings:
    """The fit file of a folder of results: the one given, or the one that the record of the run names.

    Raises
    ------
    MissingFileError
        If neither is there.
    ConfigError
        If it is wrong.
    """
    from getframes.config.fit import read_fit
    from getframes.errors import MissingFileError

    if fit is None:
        named = Path(record_of(root).get("settings", ""))
        fit = next((path for path in (named, root.parent / named.name) if path.is_file()), None)
        if fit is None:
            raise MissingFileError(
                f"cannot read the fit file of {root}: there is no {named if named.name else root / RECORD}; --fit names it"
            )
    if not fit.is_file():
        raise MissingFileError(f"cannot read {fit}: there is no such file")
    return read_fit(fit)


def exposures_of(root: Path, fit: Path | None) -> list[PixelSource]:
    """The exposures of a fit; errors as `settings_of`, and as of reading them."""
    from getframes.pipeline.fit import SceneFit

    images: list[PixelSource] = SceneFit.of(settings_of(root, fit)).patcher.images
    return images


def report_of(root: Path, *, overwrite: bool) -> Path:
    """Write the page of a fit into its folder; errors as `getframes.fit.write_report`."""
    from getframes.fit import write_report

    told = record_of(root).get("told", [])
    page: Path = write_report(
        root / PATCHES, root / "report", title=f"Fit {root}", told=told, overwrite=overwrite
    )
    return page
