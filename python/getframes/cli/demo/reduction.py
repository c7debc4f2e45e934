"""`getframes demo --reduce`: a night is simulated, reduced as any other, and compared with what was put in.

Biases, darks, flats and frames of a field with two variable stars, under cosmic rays, go through `getframes.pipeline` from files; residuals,
pulls and light curves are those of its results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from getframes.cli.demo.night import FRAMES, Night, Taken
from getframes.cli.demo.scores import Fluxes, Scatter

if TYPE_CHECKING:
    from argparse import Namespace

    from numpy.typing import NDArray

    from getframes.reduce import Masters, ReducedFrame
    from getframes.reduce.batch import Wanted
    from getframes.run_record import RunRecord

    Image = NDArray[np.float64]

name = "reduce"
summary = "a night simulated, reduced and compared with the truth"

PRESET: str | None = "andor_ikon_m934"
SEED = 5
HARD = 5.0
PIPELINE, RAW, REDUCED = "night.toml", "raw", "reduced"
MADE: tuple[str, ...] = ("light_curves.csv", "reduction.png", "reduction.txt", PIPELINE)


def demonstrate(folder: Path, options: Namespace, record: RunRecord) -> str:
    """Simulate, reduce, compare, and draw."""
    from getframes.cli.demo.reduction_report import light_curves_csv, report
    from getframes.cli.demo.reduction_sheet import reduction_sheet
    from getframes.io.atomic import write_text
    from getframes.picture.png import save_png

    seed: int = options.seed
    night = Night.of(options.preset, seed)
    record.about |= {"seed": seed, "camera": night.camera.config.name}
    reduction = reduce_night(night, folder, record)
    text = report(reduction)
    write_text(folder / "reduction.txt", f"{text}\n")
    write_text(folder / "light_curves.csv", light_curves_csv(reduction))
    with record.step("picture"):
        save_png(reduction_sheet(reduction), folder / "reduction.png")
    return text


@dataclass(frozen=True, eq=False)
class Result:
    """A frame after the pipeline, and what it should be.

    Attributes
    ----------
    taken : Taken
        The raw frame with its truth.
    reduced : ReducedFrame
        From its file [e-].
    expected : array (height, width)
        Light of the truth [e-].
    sigma : array (height, width)
        Standard deviation whose Poisson part is that of the truth [e-].
    """

    taken: Taken
    reduced: ReducedFrame
    expected: Image
    sigma: Image

    @property
    def good(self) -> NDArray[np.bool_]:
        """Pixels that are neither flagged nor were hit."""
        return np.asarray((self.reduced.flags == 0) & (self.taken.hits_adu == 0))

    @property
    def residual(self) -> Image:
        """Measured less expected; NaN where a pixel is not good."""
        return np.where(self.good, self.reduced.data - self.expected, np.nan)


@dataclass(frozen=True)
class Reduction:
    """A reduced night with its scores.

    Attributes
    ----------
    night : Night
        What was simulated.
    results : sequence of Result
        Its frames in order of time.
    """

    night: Night
    results: Sequence[Result]

    @cached_property
    def pixels(self) -> Scatter:
        """Residuals of all good pixels, with the Poisson noise of the truth."""
        return Scatter.of((each.residual for each in self.results), (each.sigma for each in self.results))

    @cached_property
    def pixels_from_counts(self) -> Scatter:
        """The same with the uncertainty that the pipeline wrote, whose Poisson noise is that of the counts."""
        sigmas = (each.reduced.uncertainty for each in self.results)
        return Scatter.of((each.residual for each in self.results), sigmas)

    @cached_property
    def fluxes(self) -> Fluxes:
        """Light of the stars."""
        frames = []
        for each in self.results:
            dx, dy = each.taken.offset_px
            frames.append(Fluxes.of(each, [(star.x + dx, star.y + dy) for star in self.night.stars]))
        return Fluxes.stacked(frames)

    @cached_property
    def hits(self) -> Hits:
        """What became of the cosmic rays."""
        return Hits.of(self.results)


@dataclass(frozen=True)
class Hits:
    """Pixels under cosmic rays.

    Attributes
    ----------
    hard, found : int
        Those that got more than five standard deviations, and how many of them are flagged.
    wrong : int
        Those that are flagged and got nothing.
    """

    hard: int
    found: int
    wrong: int

    @classmethod
    def of(cls, results: Sequence[Result]) -> Hits:
        """In all frames."""
        from getframes.reduce import Flag

        hard = found = wrong = 0
        for each in results:
            flagged = (each.reduced.flags & Flag.COSMIC_RAY) != 0
            per_count = each.taken.frame.metadata["gain_e_per_adu"] / each.taken.frame.metadata["em_gain"]
            struck = each.taken.hits_adu * per_count > HARD * each.sigma
            hard, found = hard + int(struck.sum()), found + int((struck & flagged).sum())
            wrong += int((flagged & (each.taken.hits_adu == 0)).sum())
        return cls(hard, found, wrong)


def reduce_night(night: Night, folder: Path, record: RunRecord) -> Reduction:
    """Simulate a night into a folder, and reduce it from there with the pipeline."""
    from getframes.io.atomic import make_folder, write_text
    from getframes.pipeline import Plan, read_pipeline, reduce_folder

    with record.step("simulate and write", FRAMES, "frame"):
        taken = {each.name: each for each in night.write(make_folder(folder / RAW))}
    write_text(folder / PIPELINE, pipeline_of(night))
    settings = read_pipeline(folder / PIPELINE)
    reduce_folder(settings, record=record)
    with record.step("compare", FRAMES, "frame"):
        (wanted,) = Plan.of(settings).nights.values()
        masters = masters_of(settings.out, wanted[0])
        results = [
            result_of(night, taken[source.stem], target, masters, source) for source, target, _ in wanted
        ]
    return Reduction(night, results)


def pipeline_of(night: Night) -> str:
    """The settings file of the reduction."""
    overscan = 'overscan = "strip"\n' if night.camera.config.overscan else ""
    lines = [
        f'[input]\nfolder = "{RAW}"\n',
        f'[output]\nfolder = "{REDUCED}"\n',
        f'[calibrate]\nunit = "electron"\n{overscan}read_noise_e = {night.dark_noise_e:.6g}\n',
    ]
    return "\n".join([*lines, "[cosmic_rays]\n"] if night.has_cosmic_rays else lines)


def masters_of(out: Path, wanted: Wanted) -> Masters:
    """The masters of a frame, from the folder of the results."""
    from getframes.reduce import Masters

    return Masters(**{kind: out / "masters" / f"{label}.fits" for kind, label in wanted[2]})


def result_of(night: Night, taken: Taken, target: Path, masters: Masters, source: Path) -> Result:
    """A frame from its file, beside what it should be."""
    from getframes.reduce import ReducedFrame

    expected = night.expected(taken)
    noise, overscan = night.dark_noise_e, "strip" if night.camera.config.overscan else None
    known = masters.calibrate(
        source, unit="electron", read_noise=noise, signal=expected, overscan=overscan
    ).uncertainty
    assert known is not None
    return Result(taken, ReducedFrame.from_fits(target), expected, known)
