"""What scenes say together: where truths are among their draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from table import Row

from getframes.fit import Posterior

Scene = Mapping[str, Any]

CENTRAL = 0.6827


def below(draws: np.ndarray, truth: np.ndarray, names: Iterable[str]) -> dict[str, float]:
    """Share of the draws (n, P) that are below the truth, by the names of the parameters."""
    shares = (np.sum(draws < truth, axis=0) + 0.5) / (len(draws) + 1.0)
    return dict(zip(names, np.round(shares, 5).tolist(), strict=True))


def thinned(drawn: Posterior) -> np.ndarray:
    """Draws that are about independent (n, P)."""
    step = max(1, int(np.ceil(len(drawn.flat) / np.nanmin(drawn.ess_bulk))))
    return drawn.draws[:, ::step].reshape(-1, len(drawn.names))


def column(scenes: Iterable[Scene], what: str, name: str) -> np.ndarray:
    """One number of every scene."""
    return np.array([scene[what][name] for scene in scenes])


def covered(title: str, what: str, scenes: list[Scene], least: float, most: float) -> list[Row]:
    """How often the truth is inside the central 68 % of the draws, for each parameter."""
    target = f"{100 * least:g}-{100 * most:g}" if most < 1.0 else f">= {100 * least:g}"
    rows = []
    for name in scenes[0]["below"]:
        inside = np.abs(column(scenes, "below", name) - 0.5) < CENTRAL / 2.0
        share = float(np.mean(inside))
        met = bool(least <= share <= most)
        rows.append(
            Row(title, f"{what}, {len(scenes)} times: {name}", "%", 100 * share, target=target, met=met)
        )
    return rows


def doubtful(title: str, what: str, scenes: list[Scene]) -> Row:
    """How many scenes have draws that `Posterior.problems` warns of."""
    count = sum(bool(scene["problems"]) for scene in scenes)
    return Row(title, f"{what}: draws that a warning came with", "of " + str(len(scenes)), float(count))
