"""`getframes fit background`: the background that a fit left in each image, with its significance.

With --write the backgrounds go into the fit file, as tables [[background]] that stand between two marks at its end; the next optimize takes them off.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "background"
summary = "the background that a fit left in each image"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("fit", type=Path, metavar="FILE", help="fit file, of which optimize was run")
    parser.add_argument(
        "--least",
        type=float,
        default=0.0,
        metavar="SIGMA",
        help="write those that are more significant; default: all",
    )
    parser.add_argument("--write", action="store_true", help="write them into the fit file")


def run(options: Namespace) -> int:
    """Measure, say, and write on request."""
    from getframes.cli.problems import DONE
    from getframes.config.fit import read_fit
    from getframes.fit import Residuals, residual_background
    from getframes.pipeline.fit import PATCHES, SceneFit
    from getframes.pipeline.fit_background import write_backgrounds

    work = SceneFit.of(read_fit(options.fit))
    levels = {}
    for image in Residuals(work.settings.out / PATCHES).images(work.patcher.images):
        found = residual_background(image)
        print(found)
        if abs(found.significance) >= options.least:
            levels[found.image] = image.exposure.level + found.level
    if options.write:
        write_backgrounds(work.settings.path, levels)
        print(f"{options.fit}: {len(levels)} backgrounds")
    return DONE
