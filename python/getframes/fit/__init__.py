"""Scene fitting: sources back out of pixels.

Names load when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "Attempt": "optimizing",
    "Ellipse": "shape",
    "Exposure": "exposure",
    "Flat": "priors",
    "Level": "residual",
    "LogUniform": "priors",
    "MissingSources": "missing",
    "Normal": "priors",
    "NothingAvailableError": "dealing",
    "Optimum": "optimizing",
    "Patch": "patch",
    "PatchExposure": "patch",
    "PatchFit": "patch_work",
    "PatchModel": "model",
    "Patcher": "patcher",
    "PixelSource": "exposure",
    "Posterior": "posterior",
    "Problem": "catalog_row",
    "PsfField": "psf",
    "PsfMixture": "psf",
    "Region": "region",
    "ResidualImage": "residual",
    "Residuals": "residual",
    "RowFlag": "catalog_row",
    "SceneState": "outcome",
    "SourceCatalog": "catalog",
    "SourceFlag": "source_flag",
    "StoredExposure": "store",
    "SuperScene": "scene",
    "SurveyReport": "survey",
    "Tiles": "exposure",
    "Uniform": "priors",
    "axis_ratio_and_angle": "shape",
    "chain_plots": "chain_pictures",
    "fit_psf": "psf_fit",
    "fit_psf_field": "psf_fit",
    "missing_sources": "missing",
    "on_pixels": "shape",
    "on_sky": "shape",
    "optimize": "optimizing",
    "patch_table": "outcome",
    "percentile_table": "outcome",
    "prepare_model": "model",
    "preprocess": "preprocessing",
    "psf_at": "psf",
    "psf_table": "psf",
    "read_catalog": "catalog",
    "read_exposure": "exposure_file",
    "read_patch": "patch_file",
    "read_psfs": "psf_file",
    "read_scene_state": "outcome",
    "read_store": "store",
    "reduced_shear": "shape",
    "residual_background": "residual",
    "run": "survey",
    "sample": "sampling",
    "stamp_pictures": "patch_pictures",
    "store_content": "store",
    "with_errors": "outcome",
    "with_missing": "missing",
    "write_catalog": "catalog",
    "write_images": "residual",
    "write_patch": "patch_file",
    "write_psfs": "psf_file",
    "write_report": "report",
    "write_store": "store",
}
"""In which module each public name is."""

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
