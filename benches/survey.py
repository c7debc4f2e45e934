"""Fits a made-up survey from its files, and scores what comes out against what went in.

::

    python benches/survey.py FOLDER [--sources N] [--seed N] [--workers N] [-o STEM] [--pictures FOLDER]

Stars and galaxies in three bands, on six exposures of different pixel scale, rotation, PSF and depth, with read noise, and cosmic rays that are masked. Every step is
a command (`getframes fit fake`, the fit, `getframes fit postprocess`), and what was done before is not done again: a run that was killed goes on where it was. The survey
is fitted twice: within the bounds that it was made in, and within the usual ones, which are wider. With -o the page and the numbers are written to STEM.md and STEM.json;
results/survey is what the documentation shows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine, measured_on
from surveying import pictures
from surveying.score import (
    EXPECTED,
    KINDS,
    ROBUST,
    Scored,
    by_field,
    chi2_of,
    flag_names,
    scored,
    summary,
)

from getframes.fit import SourceFlag

SHOWN = "r1.fits"
KNOWN, USUAL = "known", "usual"
"""Folders of the fits."""
FAR = 4.0
"""Pulls beyond this are listed, source by source."""
SURE = 3.0
"""Errors that a figure may be off."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, fit, score, and write what was asked for."""
    options = _options(arguments)
    known, usual = (fitted(options.folder / name, options, name == USUAL) for name in (KNOWN, USUAL))
    every, wide = scored(known), scored(usual)
    chi2 = chi2_of(known)
    text = page(known, every, wide, chi2, options)
    print(text)
    if options.output:
        options.output.with_suffix(".md").write_text(text)
        options.output.with_suffix(".json").write_text(
            json.dumps(numbers(every, wide, chi2, known), indent=1) + "\n"
        )
    if options.pictures:
        pictures.field(known, SHOWN).save(options.pictures / "survey_field.png", optimize=True)
        pictures.pulls(every).save(options.pictures / "survey_pulls.png", optimize=True)
    return 0


def fitted(survey: Path, options: argparse.Namespace, usual: bool) -> Path:
    """The folder of a survey that was made, fitted and summed up."""
    if not (survey / "truth.fits").exists():
        getframes("fake", survey, "--sources", options.sources, "--seed", options.seed)
        if usual:
            without_bounds(survey / "fit.toml")
    getframes("run", survey / "fit.toml", "--workers", options.workers)
    modes = ["--mode", "patches", "catalog", "postop", "--overwrite"]
    getframes("postprocess", "--root", survey / "fit", *modes)
    return survey


def getframes(*words: Any) -> None:
    """A step; exit code 1 says that a patch failed, which the score tells."""
    done = subprocess.run([sys.executable, "-m", "getframes", "fit", *map(str, words)])
    if done.returncode not in (0, 1):
        raise SystemExit(done.returncode)


def without_bounds(path: Path) -> None:
    """The made-up fit file without what it says of its galaxies: the usual bounds hold."""
    text = path.read_text()
    path.write_text(text[: text.index("[bounds]")] + text[text.index("[sample]") :])


def page(
    survey: Path, every: list[Scored], wide: list[Scored], chi2: dict[str, Any], options: argparse.Namespace
) -> str:
    """Markdown of everything scored."""
    record = json.loads((survey / "fit" / "fit.run.json").read_text())
    sources = len({each.source for each in every})
    facts = {"measured": time.strftime("%Y-%m-%d"), "machine": machine()}
    parts = [
        "# A survey",
        f"{measured_on(facts)}.",
        f"{sources} of {options.sources} sources of seed {options.seed}, fitted to {len(chi2)} exposures; "
        "two chains of 150 draws, within the bounds of the fit file, those that the survey was made in.",
        "## Pulls",
        "A pull is the mean of the draws minus the truth, in standard deviations of the draws; the robust width is half the central 68 %. "
        f"The truth should be in the central 68 % of the draws of {100 * EXPECTED:.1f} % of all. Positions and radii in arcsec, radii circularized, shapes as "
        "reduced shear.",
        pull_table(every),
        "## Pulls within the usual bounds",
        "The same images, fitted within bounds that allow galaxies larger, steeper and flatter than any that went in: means follow the prior where the pixels say little.",
        pull_table(wide),
        "## chi^2",
        "Of the residuals of the means of the draws, for each pixel that is left when the parameters are taken off; the error is that of normal noise.",
        chi2_table(chi2),
        "## Doubtful sources",
        flag_table(every),
        f"Pulls beyond {FAR:g}:",
        "\n".join(outliers(every)) or "None.",
        "## Told at the end of the run",
        "\n".join(f"- {line}" for line in record.get("told", [])[:40]) or "Nothing.",
    ]
    return "\n\n".join(parts) + "\n"


def pull_table(every: list[Scored]) -> str:
    """A row for each kind and parameter, and what is not as it should be."""
    groups = by_field(every)
    for kind in KINDS:
        groups[kind, "all"] = [each for each in every if each.kind == kind]
        groups[kind, "all without MISFIT"] = [
            each for each in groups[kind, "all"] if not each.flags & SourceFlag.MISFIT
        ]
    heads = ["", "sources", "mean", "rms", ROBUST, "beyond 3", "beyond 5", "in 68 % [%]", ""]
    rows = []
    for (kind, field), some in groups.items():
        if not some:
            continue
        told = summary(some)
        off = [
            abs(told["mean"]) > SURE * told["mean error"],
            abs(told["rms"] - 1.0) > SURE * told["rms error"],
            abs(told["covered"] - EXPECTED) > SURE * told["covered error"],
        ]
        words = [word for word, is_off in zip(("mean", "rms", "coverage"), off, strict=True) if is_off]
        rows.append(
            [
                f"{kind}: {field}",
                f"{told['count']}",
                f"{told['mean']:+.3f} +- {told['mean error']:.3f}",
                f"{told['rms']:.3f} +- {told['rms error']:.3f}",
                f"{told[ROBUST]:.3f}",
                f"{told['beyond 3']}",
                f"{told['beyond 5']}",
                f"{100 * told['covered']:.1f} +- {100 * told['covered error']:.1f}",
                ", ".join(words),
            ]
        )
    return table(heads, rows)


def chi2_table(chi2: dict[str, Any]) -> str:
    """A row for each exposure, and one for all."""
    rows = []
    total = tuple(map(sum, zip(*chi2.values(), strict=True)))
    for name, (value, pixels, parameters, far, count) in {**chi2, "all": total}.items():
        left = pixels - parameters
        told = [
            f"{value / left:.4f} +- {np.sqrt(2.0 / left):.4f}",
            f"{(value - far) / (left - count):.4f}",
            f"{count}",
        ]
        rows.append([name, f"{pixels}", *told])
    return table(["exposure", "pixels", "chi^2 / pixel", "without pixels beyond 6", "these"], rows)


def flag_table(every: list[Scored]) -> str:
    """Sources, and their pulls, by what they are flagged."""
    flags = {each.source: each.flags for each in every}
    rows = []
    for value in sorted(set(flags.values())):
        some = [each for each in every if each.flags == value]
        told = summary(some)
        count = sum(each == value for each in flags.values())
        beyond = f"{told['beyond 3']} of {told['count']}"
        rows.append(
            [flag_names(value), f"{count}", f"{told['rms']:.3f}", beyond, f"{100 * told['covered']:.1f}"]
        )
    return table(["flags", "sources", "rms of pulls", "pulls beyond 3", "in 68 % [%]"], rows)


def outliers(every: Iterable[Scored]) -> list[str]:
    """Parameters that are far from the truth."""
    far = sorted((each for each in every if abs(each.pull) > FAR), key=lambda each: -abs(each.pull))
    return [
        f"- {each.kind} {each.source}, {each.field}: {each.pull:+.1f}; flags: {flag_names(each.flags)}"
        for each in far
    ]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown."""
    rules = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, rules, *rows))


def numbers(every: list[Scored], wide: list[Scored], chi2: dict[str, Any], survey: Path) -> dict[str, Any]:
    """Everything scored."""
    return {
        "measured": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        **{
            name: [
                {"kind": kind, "field": field, **summary(one)}
                for (kind, field), one in by_field(some).items()
            ]
            for name, some in (("parameters", every), ("parameters_within_usual_bounds", wide))
        },
        "pulls": {
            f"{kind} {field}": {str(each.source): round(each.pull, 3) for each in some}
            for (kind, field), some in by_field(every).items()
        },
        "flags": {str(each.source): each.flags for each in every if each.flags},
        "chi2": {
            name: dict(zip(("chi2", "pixels", "parameters", "chi2_far", "pixels_far"), values, strict=True))
            for name, values in chi2.items()
        },
        "run": {
            key: value
            for key, value in json.loads((survey / "fit" / "fit.run.json").read_text()).items()
            if key in ("wall_s", "cpu_s", "peak_memory_bytes", "steps", "told")
        },
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of the surveys; made where it is not there")
    parser.add_argument("--sources", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, help="results, without suffix")
    parser.add_argument("--pictures", type=Path, help="folder for pictures")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
