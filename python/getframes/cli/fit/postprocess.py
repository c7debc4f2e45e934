"""`getframes fit postprocess`: what a fit found, from the folder of its results, as images, tables, catalogs and pictures.

| mode | makes in the folder |
|---|---|
| images | images/NAME.fits of each exposure: RESIDUAL, MODEL, WEIGHT |
| patches | patches.ecsv: a row for each patch, with chi2, draws, divergences, R-hat |
| catalog | percentiles.fits: percentiles 16, 50 and 84 of everything of every source |
| chains | chains/ID_trace.png and ID_corner.png of every source that has draws |
| stamps | stamps/PATCH.png: data, model and residual of every patch |
| report | report/index.html: a page of what is doubtful, chi2, convergence, stamps, chains and corner plots |
| postop | postop.fits: the catalog of results with errors, a valid input catalog |
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "postprocess"
summary = "what a fit found: images, tables, catalogs and pictures"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder of the results")
    parser.add_argument("--mode", choices=tuple(MODES), nargs="+", required=True, help="what to make")
    parser.add_argument(
        "--catname", metavar="NAME", help="of the catalog of --mode catalog or postop, in the folder"
    )
    parser.add_argument(
        "--fit",
        type=Path,
        metavar="FILE",
        help="fit file, which images needs; that of the record when left out",
    )
    parser.add_argument(
        "--ids", type=int, nargs="+", metavar="ID", help="sources of --mode chains; all when left out"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def run(options: Namespace) -> int:
    """Make what is asked for, and say where it is."""
    from getframes.cli.problems import DONE, warn
    from getframes.errors import require
    from getframes.run_record import RunRecord

    catalogs = [mode for mode in options.mode if mode in ("catalog", "postop")]
    one = options.catname is None or len(catalogs) == 1
    require(one, "fit postprocess", "--catname", "given with one mode that makes a catalog", catalogs)
    record = RunRecord("fit postprocess", {"root": str(options.root)})
    for mode in options.mode:
        with record.step(mode):
            made = MODES[mode](options)
        for path in made:
            print(path)
        if not made:
            warn(
                f"--mode {mode} has nothing to show: no patch has {'draws' if mode == 'chains' else 'pixels'}"
            )
    if options.profile:
        print(record)
    return DONE


def images(options: Namespace) -> list[Path]:
    """Residuals and models."""
    from getframes.cli.fit.results import exposures_of
    from getframes.fit import Residuals, write_images
    from getframes.io.atomic import make_folder

    folder = make_folder(options.root / "images")
    made = []
    for image in Residuals(options.root / PATCHES).images(exposures_of(options.root, options.fit)):
        made.append(folder / f"{Path(image.exposure.name.replace('/', '_')).stem}.fits")
        write_images(image, made[-1], overwrite=options.overwrite)
    return made


def patches(options: Namespace) -> list[Path]:
    """The table of patches."""
    from getframes.fit import patch_table
    from getframes.io.atomic import replacing

    path = options.root / "patches.ecsv"
    table = patch_table(options.root / PATCHES)
    with replacing(path, overwrite=options.overwrite) as unfinished:
        table.write(unfinished, format="ascii.ecsv")
    return [path]


def catalog(options: Namespace) -> list[Path]:
    """Percentiles of every source."""
    from getframes.fit import percentile_table, read_scene_state
    from getframes.io.atomic import replacing

    path = options.root / (options.catname or "percentiles.fits")
    table = percentile_table(options.root / PATCHES, read_scene_state(options.root / STATE))
    with replacing(path, overwrite=options.overwrite) as unfinished:
        table.write(unfinished, format="fits")
    return [path]


def chains(options: Namespace) -> list[Path]:
    """Pictures of draws."""
    from getframes.fit import chain_plots

    made: list[Path] = chain_plots(
        options.root / PATCHES, options.root / "chains", ids=options.ids, overwrite=options.overwrite
    )
    return made


def stamps(options: Namespace) -> list[Path]:
    """Pictures of patches."""
    from getframes.fit import stamp_pictures

    folder = options.root / PATCHES
    made: list[Path] = stamp_pictures(folder, options.root / "stamps", overwrite=options.overwrite)
    return made


def report(options: Namespace) -> list[Path]:
    """The page that a person opens."""
    from getframes.cli.fit.results import report_of

    return [report_of(options.root, overwrite=options.overwrite)]


def postop(options: Namespace) -> list[Path]:
    """The catalog with errors."""
    from getframes.fit import read_catalog, read_scene_state, with_errors, write_catalog

    path = options.root / (options.catname or "postop.fits")
    found = with_errors(read_catalog(options.root / CATALOG), read_scene_state(options.root / STATE))
    write_catalog(found, path, overwrite=options.overwrite)
    return [path]


STATE, CATALOG, PATCHES = "state.fits", "catalog.fits", "patches"
MODES: dict[str, Callable[[Namespace], list[Path]]] = {
    "images": images,
    "patches": patches,
    "catalog": catalog,
    "chains": chains,
    "stamps": stamps,
    "report": report,
    "postop": postop,
}
