"""What a fit of a made-up survey found, against what went in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from getframes.cli.fit import made_up
from getframes.fit import SourceFlag, read_patch, read_scene_state
from getframes.fit.outcome import source_draws
from getframes.fit.residual import patch_files
from getframes.fit.source import GALAXY, parameter_names, parameters_of
from getframes.fit.source_flag import MISFIT_SIGMA

Numbers = NDArray[np.float64]

KINDS = ("star", "galaxy")
WITHIN = 15.865, 84.135
EXPECTED = 0.6827
WIDTH_68 = 2.0
"""Of the central 68 % of a normal law, in standard deviations."""
WIDE = 3.0, 5.0
ROBUST = "robust width"


@dataclass(frozen=True, eq=False)
class Scored:
    """One parameter of one source.

    Attributes
    ----------
    source : int
        Its id.
    kind : str
        star or galaxy.
    field : str
        The parameter.
    pull : float
        Mean of the draws minus the truth, over their standard deviation.
    inside : bool
        Whether the truth is in the central 68 % of the draws.
    rank : float
        Share of the draws below the truth.
    flags : int
        Bits of `SourceFlag` of the source.
    """

    source: int
    kind: str
    field: str
    pull: float
    inside: bool
    rank: float
    flags: int


def scored(survey: Path) -> list[Scored]:
    """Every parameter of every source that was fitted."""
    truth = truth_by_name(survey)
    state = read_scene_state(survey / "fit" / "state.fits")
    flags = dict(zip(state.sources["id"].tolist(), state.flags.tolist(), strict=True))
    kinds = {int(row["id"]): KINDS[int(row["kind"] == GALAXY)] for row in state.sources}
    made: dict[tuple[int, str], Scored] = {}
    for patch in patches(survey):
        for source, draws in source_draws(patch):
            for field, values in draws.items():
                wanted = truth[source][field]
                low, high = np.percentile(values, WITHIN)
                made[source, field] = Scored(
                    source,
                    kinds[source],
                    field,
                    float((values.mean() - wanted) / values.std(ddof=1)),
                    bool(low < wanted < high),
                    float((values < wanted).mean()),
                    flags[source],
                )
    return list(made.values())


def patches(survey: Path, kind: str = "sample") -> Iterator[Mapping[str, Any]]:
    """The files of its patches, later ones last."""
    for path in patch_files(survey / "fit" / "patches"):
        if path.name.startswith(kind):
            yield read_patch(path)


def truth_by_name(survey: Path) -> dict[int, dict[str, float]]:
    """True parameters of each source, positions from where its guess is."""
    rows, bands = made_up.truth_of(survey)
    made: dict[int, dict[str, float]] = {number: {} for number in rows["id"].tolist()}
    names = parameter_names(rows, bands)
    for name, value in zip(names, parameters_of(rows).tolist(), strict=True):
        field, _, number = name.rstrip("]").partition("[")
        made[int(number)][field] = value
    return made


def summary(some: Sequence[Scored]) -> dict[str, float]:
    """Mean, rms and robust width of pulls, shares beyond 3 and 5, and coverage, each with its error."""
    pulls, count = np.array([each.pull for each in some]), len(some)
    low, high = np.percentile(pulls, WITHIN)
    covered = float(np.mean([each.inside for each in some]))
    rms = float(np.sqrt(np.mean(pulls**2)))
    return {
        "count": count,
        "mean": float(pulls.mean()),
        "mean error": float(pulls.std() / np.sqrt(count)),
        "rms": rms,
        "rms error": rms / np.sqrt(2.0 * count),
        ROBUST: float(high - low) / WIDTH_68,
        **{f"beyond {limit:g}": int(np.sum(np.abs(pulls) > limit)) for limit in WIDE},
        "covered": covered,
        "covered error": float(np.sqrt(EXPECTED * (1.0 - EXPECTED) / count)),
    }


def by_field(every: Sequence[Scored]) -> dict[tuple[str, str], list[Scored]]:
    """Scores by kind and parameter, in the order in which they come."""
    made: dict[tuple[str, str], list[Scored]] = {}
    for kind in KINDS:
        for each in every:
            if each.kind == kind:
                made.setdefault((kind, each.field), []).append(each)
    return made


def chi2_of(survey: Path) -> dict[str, tuple[float, int, float, float, int]]:
    """chi^2, pixels and parameters of each exposure, whose share of the parameters is that of its pixels, and chi^2 and number of pixels that are far off; the last sweep."""
    last: dict[int, Mapping[str, Any]] = {}
    for patch in patches(survey):
        for source in np.atleast_1d(patch["active"]).tolist():
            last[source] = patch
    made: dict[str, list[float]] = {}
    for patch in {id(each): each for each in last.values()}.values():
        fitted = len(patch["names"])
        used = {name: int(np.count_nonzero(tiles["weight"])) for name, tiles in patch["tiles"].items()}
        for name, tiles in patch["tiles"].items():
            known = made.setdefault(name, [0.0, 0, 0.0, 0.0, 0])
            squares = tiles["weight"] * tiles["residual"] ** 2
            far = squares > MISFIT_SIGMA**2
            known[0] += float(squares.sum())
            known[3] += float(squares[far].sum())
            known[4] += int(far.sum())
            known[1] += used[name]
            known[2] += 1.0 + fitted * used[name] / sum(used.values())
    return {
        name: (each[0], int(each[1]), each[2], each[3], int(each[4])) for name, each in sorted(made.items())
    }


def flag_names(flags: int) -> str:
    """The flags of a source in words."""
    return ", ".join(str(each.name) for each in SourceFlag if flags & each) or "none"
