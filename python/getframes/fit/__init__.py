"""Scene fitting: sources back out of pixels.

Names load when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "Ellipse": "shape",
    "NothingAvailableError": "scene",
    "Patch": "patch",
    "PatchExposure": "patch",
    "Problem": "catalog_row",
    "Region": "region",
    "RowFlag": "catalog_row",
    "SourceCatalog": "catalog",
    "SourceFlag": "scene",
    "SuperScene": "scene",
    "read_catalog": "catalog",
    "write_catalog": "catalog",
}

__all__ = [
    "Ellipse",
    "NothingAvailableError",
    "Patch",
    "PatchExposure",
    "Problem",
    "Region",
    "RowFlag",
    "SourceCatalog",
    "SourceFlag",
    "SuperScene",
    "read_catalog",
    "write_catalog",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
