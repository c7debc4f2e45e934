"""`getframes fit missing`: significant peaks in the residuals of a fit, as further rows of its catalog.

The catalog is that of the results, so that the next optimize begins where this one ended; each new row is a star, or with --rhalf a round galaxy.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "missing"
summary = "peaks of the residuals, as further rows of the catalog"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("fit", type=Path, metavar="FILE", help="fit file, of which optimize was run")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="CATALOG", help=".fits or .ecsv")
    parser.add_argument(
        "--threshold",
        type=float,
        default=5.0,
        metavar="SNR",
        help="least signal to noise in a band; default: 5",
    )
    parser.add_argument(
        "--distance",
        type=float,
        metavar="ARCSEC",
        help="least distance from a source; the FWHM when left out",
    )
    parser.add_argument(
        "--roi",
        type=float,
        metavar="ARCSEC",
        help="radius of influence of new rows; the median when left out",
    )
    parser.add_argument(
        "--rhalf", type=float, default=0.0, metavar="ARCSEC", help="size of new rows; default: 0, a star"
    )
    parser.add_argument("--whole", action="store_true", help="look beyond what patches looked at, too")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")


def run(options: Namespace) -> int:
    """Search, say what is found, and write the catalog."""
    import numpy as np

    from getframes.cli.problems import DONE
    from getframes.config.fit import read_fit
    from getframes.fit import Residuals, missing_sources, read_catalog, with_missing, write_catalog
    from getframes.pipeline.fit import CATALOG, PATCHES, SceneFit

    work = SceneFit.of(read_fit(options.fit))
    known = read_catalog(work.settings.out / CATALOG)
    images = Residuals(work.settings.out / PATCHES).images(work.patcher.images, whole=options.whole)
    psfs = {image.name: psf for image, psf in zip(work.patcher.images, work.patcher.psfs, strict=True)}
    found = missing_sources(
        images, known, psfs=psfs, threshold=options.threshold, least_distance=options.distance
    )
    first, second = known.position_columns
    for (x, y), significance in zip(found.position.tolist(), found.significance.tolist(), strict=True):
        print(f"{first} {x:.6f} {second} {y:.6f}: {significance:.1f} sigma")
    roi = float(np.median(known.roi)) if options.roi is None else options.roi
    made = with_missing(known, found, roi=roi, rhalf=options.rhalf)
    write_catalog(made, options.output, overwrite=options.overwrite)
    print(f"{options.output}: {len(found)} new of {len(made)}")
    return DONE
