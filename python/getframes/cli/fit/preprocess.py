"""`getframes fit preprocess`: FITS images into the pixel stores of a survey, of which a patch reads only its own pixels.

Mosaics and single exposures go into stores of their own, mosaics.h5 and exposures.h5 of the output folder. The options say the same of all images.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

name = "preprocess"
summary = "FITS images into pixel stores"


def extension(text: str) -> int | str | tuple[str, int]:
    """The extension that a word names: ``1``, ``SCI`` or ``SCI,2``."""
    if text.lstrip("-").isdigit():
        return int(text)
    word, _, version = text.partition(",")
    return (word, int(version)) if version.isdigit() else text


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--exposures", type=Path, nargs="+", default=[], metavar="FITS", help="single exposures"
    )
    parser.add_argument("--mosaics", type=Path, nargs="+", default=[], metavar="FITS", help="mosaics")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="of the stores; made where it is not",
    )
    for what in ("sci", "unc", "mask"):
        parser.add_argument(
            f"--{what}-ext",
            type=extension,
            metavar="EXT",
            help="number, NAME or NAME,VERSION; found when left out",
        )
    parser.add_argument(
        "--error",
        choices=("sigma", "variance", "inverse"),
        help="what the uncertainty is; by its name when left out",
    )
    parser.add_argument("--band", help="band of all images; FILTER of each when left out")
    parser.add_argument("--flux-unit", default="", metavar="UNIT", help="of the fluxes of the catalog")
    parser.add_argument(
        "--flux-scale", type=float, metavar="X", help="data of a source of flux 1; by the units when left out"
    )
    parser.add_argument(
        "--background",
        type=int,
        choices=(0, 1, 3),
        default=0,
        help="coefficients that are fitted; default: 0",
    )
    parser.add_argument(
        "--max-snr", type=float, default=float("inf"), metavar="X", help="cap of a pixel's signal to noise"
    )
    parser.add_argument(
        "--psfs", type=Path, metavar="H5", help="mixtures by filter or image, of getframes fit psf"
    )
    parser.add_argument("--pixels", action="store_true", help="positions are pixels: take no WCS")
    parser.add_argument("--float32", action="store_true", help="keep pixels in half the space")
    parser.add_argument("--overwrite", action="store_true", help="replace existing stores")


def run(options: Namespace) -> int:
    """Write the stores, and say what of each image does not count."""
    from getframes.cli.problems import DONE
    from getframes.errors import require
    from getframes.fit import preprocess, read_psfs
    from getframes.io.atomic import make_folder
    from getframes.io.progress import progress
    from getframes.run_record import RunRecord

    record = RunRecord("fit preprocess", {"output": str(options.output)})
    kinds = {"exposures": options.exposures, "mosaics": options.mosaics}
    require(any(kinds.values()), "fit preprocess", "images", "given (--exposures, --mosaics)", [])
    names = (
        "sci_ext",
        "unc_ext",
        "mask_ext",
        "error",
        "band",
        "flux_unit",
        "flux_scale",
        "background",
        "max_snr",
    )
    chosen = {each: getattr(options, each) for each in names}
    psfs = None if options.psfs is None else read_psfs(options.psfs)
    folder = make_folder(options.output)
    for content, images in kinds.items():
        if not images:
            continue
        path = folder / f"{content}.h5"
        with record.step(content, len(images), "image"):
            told = preprocess(
                progress(images, len(images), content),
                path,
                content=content,
                psfs=psfs,
                dtype="float32" if options.float32 else "float64",
                overwrite=options.overwrite,
                sky=not options.pixels,
                **chosen,
            )
        for image, reasons in told.items():
            counts = (
                ", ".join(f"{count} {why}" for why, count in reasons.items() if count) or "all pixels count"
            )
            print(f"{image}: {counts}")
        print(path)
    if options.profile:
        print(record)
    return DONE
