"""Contests of flat scales: the table of a survey camera, against least squares by sparse iterations and against fitting rows and columns in turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from contest import OURS, Contest, Figure

DETECTORS, EXPOSURES, MISSING = 3024, 200, 0.1
WHAT = f"flat scales of {DETECTORS} amplifiers x {EXPOSURES} exposures"


def table(halves: bool) -> Callable[[Path, bool], None]:
    """Writes levels without noise, weights over eight decades, and what went in; `halves` are lit in turn, and together in one exposure only."""

    def write(folder: Path, quick: bool) -> None:
        rng = np.random.default_rng(1)
        rows, columns = shape = (60, 20) if quick else (DETECTORS, EXPOSURES)
        truth = np.outer(rng.uniform(0.5, 1.5, rows), rng.uniform(1e3, 5e4, columns))
        levels = np.where(rng.random(shape) < MISSING, np.nan, truth)
        if halves:
            levels[: rows // 2, columns // 2 + 1 :] = levels[rows // 2 :, : columns // 2] = np.nan
        counts = 10.0 ** rng.uniform(0.0, 8.0, shape)
        np.savez(folder / "table.npz", levels=levels, counts=counts, truth=truth)

    return write


def ours(**options: Any) -> Callable[[Path], Callable[[], Any]]:
    """`getframes.reduce.flat_scales`, standard deviations included; the largest relative error of the model."""

    def side(folder: Path) -> Callable[[], Any]:
        import warnings

        from getframes.reduce import flat_scales

        warnings.simplefilter("ignore")
        held = np.load(folder / "table.npz")
        levels, counts, truth = held["levels"], held["counts"], held["truth"]
        return lambda: float(np.abs(flat_scales(levels, counts, **options).model / truth - 1.0).max())

    return side


def lsqr(folder: Path) -> Callable[[], Any]:
    """`scipy.sparse.linalg.lsqr` of one equation a cell, columns scaled, until 1e-12 or 300 rounds."""
    from scipy import sparse
    from scipy.sparse.linalg import lsqr

    held = np.load(folder / "table.npz")
    levels, counts, truth = held["levels"], held["counts"], held["truth"]

    def work() -> Any:
        rows, columns = np.nonzero(np.isfinite(levels))
        root = np.sqrt(counts[rows, columns] / counts.max())
        count, (height, width) = rows.size, levels.shape
        matrix = sparse.csr_matrix(
            (np.tile(root, 2), (np.tile(np.arange(count), 2), np.concatenate([rows, height + columns]))),
            shape=(count, height + width),
        )
        scale = 1.0 / np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel())
        found = lsqr(
            matrix @ sparse.diags(scale),
            root * np.log(levels[rows, columns]),
            0.0,
            1e-12,
            1e-12,
            iter_lim=300,
        )[0]
        x = found * scale
        return float(np.abs(np.exp(x[:height, None] + x[height:]) / truth - 1.0).max())

    return work


def figures(results: dict[str, Any], measured: dict[str, dict[str, Any]], quick: bool) -> list[Figure]:
    """How well the levels come back, and the time that passed."""
    wall = median(measured[OURS]["wall_s"])
    made = [Figure("time that passes", "s", wall, "<= 0.5", wall <= 0.5)]
    for side, error in results.items():
        power = float(np.log10(max(error, 1e-16)))
        target = ("<= -9", power <= -9.0) if side == OURS else ("", None)
        made.append(Figure(f"largest relative error of a level, {side}", "log10", power, *target))
    return made


SIDES = {OURS: ours(), "scipy lsqr": lsqr, "getframes, 10 alternating rounds": ours(iterations=10)}
CONTESTS = (
    Contest(WHAT, table(halves=False), SIDES, figures=figures),
    Contest(f"{WHAT}, lit by halves", table(halves=True), SIDES, figures=figures),
)
