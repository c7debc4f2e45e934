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
    """How often the truth is inside the central 68 % of the draws: the parameters where it is least and most often."""
    shares = {
        name: float(np.mean(np.abs(column(scenes, "below", name) - 0.5) < CENTRAL / 2.0))
        for name in scenes[0]["below"]
    }
    what = f"{what}, {len(scenes)} scenes: 68 % interval covers"
    low, high = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    rows = []
    for name, word, target, met in (
        (low, "least", f">= {100 * least:g}", shares[low] >= least),
        (high, "most", f"<= {100 * most:g}", shares[high] <= most),
    ):
        target, known = (target, met) if most < 1.0 or word == "least" else ("", None)
        rows.append(
            Row(
                title,
                f"{what}, {word} of {len(shares)} parameters ({name})",
                "%",
                100 * shares[name],
                target=target,
                met=known,
            )
        )
    return rows


def doubtful(title: str, what: str, scenes: list[Scene]) -> Row:
    """How many scenes have draws that `Posterior.problems` warns of."""
    count = sum(bool(scene["problems"]) for scene in scenes)
    return Row(title, f"{what}, {len(scenes)} scenes: draws that a warning came with", "", float(count))
