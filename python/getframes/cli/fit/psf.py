"""`getframes fit psf`: PSFs as mixtures of Gaussians, from stamps.

A file is one that `getframes match` reads as a PSF (FITS with the extension PSF, or npz; stamps at one position or on a grid), or a FITS image that is a stamp. Mixtures
are kept by the FILTER of its header, by the name of the file, or by a band that is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from getframes.fit import PsfField, PsfMixture

BADLY_MET = 0.03
"""Rms residual of a stamp [its peak]; an Airy pattern in two Gaussians is met to 0.004."""

name = "psf"
summary = "PSFs as mixtures of Gaussians, from stamps"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("stamps", type=Path, nargs="+", metavar="FILE", help="FITS or npz")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="H5", help="file of mixtures")
    parser.add_argument("--components", type=int, default=4, metavar="N", help="Gaussians; default: 4")
    parser.add_argument(
        "--oversampling", type=int, default=1, metavar="N", help="stamp pixels along one of the detector"
    )
    parser.add_argument(
        "--pixel", choices=("stamp", "detector"), default="stamp", help="pixel that light is integrated over"
    )
    parser.add_argument(
        "--enclosed", type=float, default=1.0, metavar="SHARE", help="of the light that a stamp holds"
    )
    parser.add_argument("--signed", action="store_true", help="let amplitudes be negative")
    parser.add_argument(
        "--by", choices=("filter", "image"), default="filter", help="what mixtures are kept by"
    )
    parser.add_argument("--band", help="band that the mixture of one file is kept by, in place of its FILTER")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")


def run(options: Namespace) -> int:
    """Fit, and say how well."""
    from getframes.cli.problems import DONE, warn
    from getframes.errors import require
    from getframes.fit import write_psfs
    from getframes.io.progress import progress
    from getframes.run_record import RunRecord

    one = options.band is None or len(options.stamps) == 1
    require(one, "fit psf", "--band", "given with one file", len(options.stamps))
    record = RunRecord("fit psf", {"files": [str(path) for path in options.stamps]})
    psfs: dict[str, Any] = {}
    for path in progress(options.stamps, len(options.stamps), "PSFs"):
        key, stamps, x, y = read(path, by_image=options.by == "image", band=options.band)
        require(key not in psfs, str(path), "FILTER", "that of one file (or --by image)", key)
        with record.step("fit", stamps.shape[0] * stamps.shape[1], "stamp"):
            psfs[key] = fitted(stamps, x, y, options)
    with record.step("write", 1, "file"):
        write_psfs(options.output, psfs, overwrite=options.overwrite)
    for key, psf in psfs.items():
        print(told(key, psf))
        rms = residuals_of(psf)[:, 0].max()
        if rms > BADLY_MET:
            warn(f"{key}: is it the stamp of a PSF? The mixture misses it by {rms:.0%} of its peak (rms)")
    print(options.output)
    if options.profile:
        print(record)
    return DONE


def read(path: Path, *, by_image: bool, band: str | None = None) -> tuple[str, Any, Any, Any]:
    """Name, stamps (n_y, n_x, side, side) and positions in a file.

    Raises
    ------
    InputError, IntegrityError, ShapeError, DomainError
        If it cannot be read, holds no stamp, or has no FILTER.
    """
    import numpy as np

    from getframes.errors import require
    from getframes.io.images import Files, FitsImage, readable
    from getframes.psfmatch import read_psf

    filters: list[str] = []
    model: Any = read_psf(path) if path.suffix == ".npz" else None
    if model is None:
        with Files() as files:
            with files.reading(path) as opened, readable(path):
                units = opened.units()
                filters = [str(unit.header["FILTER"]).strip() for unit in units if "FILTER" in unit.header]
                holds_psf = "PSF" in units
            image = None if holds_psf else FitsImage(path, files).whole().pixels
        model = read_psf(path) if image is None else None
    key = band or (path.name if by_image else next(iter(filters), ""))
    require(bool(key), "", f"{path}: FILTER", "the name of a filter (or give --band, or --by image)", key)
    if model is None:
        return key, np.asarray(image, np.float64)[None, None], np.zeros(1), np.zeros(1)
    return key, model.stamps, model.x, model.y


def fitted(stamps: Any, x: Any, y: Any, options: Namespace) -> PsfMixture | PsfField:
    """The mixture of one stamp, or those of a grid."""
    from getframes.fit import fit_psf, fit_psf_field

    chosen = {name: getattr(options, name) for name in ("oversampling", "pixel", "enclosed", "signed")}
    if stamps.shape[:2] == (1, 1):
        return fit_psf(stamps[0, 0], options.components, **chosen)
    return fit_psf_field(stamps, x, y, options.components, **chosen)


def residuals_of(psf: Any) -> Any:
    """How far a PSF is from its stamps at each position (n, 3): rms, worst pixel, enclosed light."""
    import numpy as np

    return np.reshape(psf.residuals if hasattr(psf, "residuals") else psf.residual, (-1, 3))


def told(key: str, psf: Any) -> str:
    """A line of how well a PSF was met."""
    residuals = residuals_of(psf)
    rms, worst, enclosed = residuals.max(axis=0).tolist()
    where = "" if len(residuals) == 1 else f", the worst of {len(residuals)} positions"
    return (
        f"{key:<12} rms {rms:.1e} of the peak, worst pixel {worst:.1e}, enclosed light {enclosed:.1e}{where}"
    )
