"""The results of a fit, found by the folder that they are in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from getframes.config.fit import FitSettings
    from getframes.fit import PixelSource


def settings_of(root: Path, fit: Path | None) -> FitSettings:
    """The fit file of a folder of results: the one given, or the one that the record of the run names.

    Raises
    ------
    MissingFileError
        If neither is there.
    ConfigError
        If it is wrong.
    """
    import json

    from getframes.config.fit import read_fit
    from getframes.errors import MissingFileError

    record = root / "fit.run.json"
    if fit is None and record.is_file():
        fit = Path(json.loads(record.read_text(encoding="utf-8")).get("settings", ""))
    if fit is None or not fit.is_file():
        raise MissingFileError(
            f"cannot read the fit file of {root}: there is no {fit or record}; --fit names it"
        )
    return read_fit(fit)


def exposures_of(root: Path, fit: Path | None) -> list[PixelSource]:
    """The exposures of a fit; errors as `settings_of`, and as of reading them."""
    from getframes.pipeline.fit import SceneFit

    images: list[PixelSource] = SceneFit.of(settings_of(root, fit)).patcher.images
    return images
