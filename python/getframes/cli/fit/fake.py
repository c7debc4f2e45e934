"""`getframes fit fake`: a made-up survey to try a fit on, with the truth beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "fake"
summary = "make up images, PSFs and a catalog to fit, with their truth"

SIDE_PER_SOURCE_ARCSEC = 11.0


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder to fill")
    parser.add_argument("--sources", type=int, default=40, metavar="N", help="how many; default: 40")
    parser.add_argument("--seed", type=int, default=1, help="of everything random; default: 1")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def run(options: Namespace) -> int:
    """Simulate, reduce and write."""
    from getframes.cli.fit.made_up import draw_sources, write_survey
    from getframes.errors import require_count
    from getframes.io.atomic import check_target, make_folder

    number = require_count(options.sources, "fit fake", "--sources")
    side = SIDE_PER_SOURCE_ARCSEC * number**0.5
    folder = make_folder(options.folder)
    for name in ("fit.toml", "catalog.fits", "psfs.h5", "truth.fits"):
        check_target(folder / name, overwrite=options.overwrite)
    print(*write_survey(folder, draw_sources(number, side, options.seed), side, options.seed), sep="\n")
    return 0
