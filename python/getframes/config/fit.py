"""Fit files: which sources are fitted to which images, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from getframes.config.document import Document
from getframes.config.fit_tables import FIT_TABLES
from getframes.config.table_reading import read_whole

Values = dict[str, Any]

_OPTIONAL = ("psf", "sample")
"""Tables that say something by not being there."""


@dataclass(frozen=True)
class FitSettings:
    """A fit file, checked. Tables that the file does not have hold their defaults.

    Attributes
    ----------
    path : Path
        The file.
    text : str
        What it says.
    catalog, scene, bounds, optimize, output : dict
        The keys of each table.
    images, background, prior : tuple of dict
        Each of these tables.
    psf, sample : dict or None
        None where the file has no such table.
    """

    path: Path
    text: str
    catalog: Values
    images: tuple[Values, ...]
    background: tuple[Values, ...]
    psf: Values | None
    scene: Values
    bounds: Values
    prior: tuple[Values, ...]
    optimize: Values
    sample: Values | None
    output: Values

    def path_of(self, name: str) -> Path:
        """A path of the file, which is relative to its folder."""
        return Path(self.path.parent, name)

    @property
    def out(self) -> Path:
        """Folder of the results."""
        return self.path_of(self.output["folder"])


def read_fit(path: str | Path) -> FitSettings:
    """Read a fit file, strictly. Paths in it are relative to its folder.

    Raises
    ------
    ConfigError
        With every problem of the file, each with line and column, and the nearest key for unknown ones.
    """
    document = Document.read(path, FIT_TABLES)
    tables = read_whole(document, defaults_unless=_OPTIONAL)
    _check_priors(document, tables["prior"])
    document.require_none()
    return FitSettings(document.path, document.text, **tables)


def _check_priors(document: Document, priors: tuple[Values, ...]) -> None:
    seen: set[str] = set()
    for place, prior in enumerate(priors):
        if prior["parameter"] in seen:
            document.problem(
                ("prior", place, "parameter"),
                f"prior.parameter {prior['parameter']!r} must not be given twice",
            )
        seen.add(prior["parameter"])
        if prior["type"] != "normal" and prior["lower"] >= prior["upper"]:
            text = f"prior.lower must be below upper ({prior['upper']}), got {prior['lower']}"
            document.problem(("prior", place, "lower"), text)
        if prior["type"] == "log_uniform" and prior["lower"] <= 0:
            document.problem(
                ("prior", place, "lower"), f"prior.lower must be > 0 of a log_uniform, got {prior['lower']}"
            )
