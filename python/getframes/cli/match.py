"""`getframes match`: give an exposure the PSF of another.

The exposure is a FITS file with its PSF in the extension PSF, or has it from --psf; the reference is a file of a PSF (FITS or npz), or an exposure whose
PSF is wanted. Origin, WCS, flux calibration and filter stay as they are. The PSF in the result is the one achieved.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from getframes.psfmatch import Exposure, PsfMatchResult, PSFModel

name = "match"
summary = "give an exposure the PSF of another"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "exposure", type=Path, nargs="?", metavar="EXPOSURE", help="FITS; left out with --fake"
    )
    parser.add_argument("--reference", type=Path, metavar="REF", help="file of a PSF, or an exposure")
    parser.add_argument("--psf", type=Path, metavar="FILE", help="PSF of the exposure, instead of its own")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FITS", help="matched exposure")
    parser.add_argument("--kernel", type=Path, metavar="NPZ", help="write the kernel too")
    parser.add_argument("--kernel-sum", type=float, default=1.0, metavar="S", help="default: 1")
    parser.add_argument("--kernel-size", type=int, metavar="PX", help="odd; found when left out")
    parser.add_argument("--basis", choices=("pixel", "alard-lupton"), default="pixel")
    parser.add_argument(
        "--nodes", type=int, nargs=2, metavar=("NX", "NY"), help="where kernels are solved for"
    )
    parser.add_argument("--edge", choices=("nan", "renormalize", "reflect"), default="nan")
    parser.add_argument("--debug", type=Path, metavar="DIR", help="write pictures of the match there")
    parser.add_argument(
        "--mask-transparency",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="of masks in pictures, 0 to 1; default: 0.5",
    )
    parser.add_argument("--fake", action="store_true", help="match a made-up field, to see what comes out")
    parser.add_argument("--seed", type=int, default=1, help="of the made-up field; default: 1")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def run(options: Namespace) -> int:
    """Match, and say how well."""
    from getframes.cli.problems import DONE
    from getframes.errors import require
    from getframes.psfmatch import MatchConfig, match_psf, write_exposure
    from getframes.run_record import RunRecord

    share = options.mask_transparency
    require(0 <= share <= 1, "match", "--mask-transparency", "in [0, 1]", share)
    record = RunRecord(name, {"exposure": str(options.exposure), "reference": str(options.reference)})
    nodes = None if options.nodes is None else tuple(options.nodes)
    config = MatchConfig(options.kernel_size, options.basis, nodes=nodes, edge=options.edge)
    with record.step("read"):
        exposure, reference = made_up(options.seed) if options.fake else read(options)
    with record.step("match", 1, "exposure"):
        result = match_psf(exposure, reference, options.kernel_sum, config)
    with record.step("write", 1, "file"):
        write_exposure(result.matched, options.output, overwrite=options.overwrite)
        if options.kernel is not None:
            result.kernel.save(options.kernel, overwrite=options.overwrite)
    print(told(result), options.output, sep="\n")
    if options.debug is not None:
        with record.step("draw"):
            print(*draw(result, options.debug, share), sep="\n")
    if options.profile:
        print(record)
    return DONE


def read(options: Namespace) -> tuple[Exposure, PSFModel]:
    """Exposure and reference of the files.

    Raises
    ------
    DomainError
        If one is not given.
    FileNotFoundError, RuntimeError
        If a file is not there or cannot be read, or the exposure has no PSF: names role and path.
    """
    from dataclasses import replace

    from getframes.errors import require
    from getframes.psfmatch import read_exposure, read_psf

    require(options.exposure is not None, "match", "EXPOSURE", "given (or --fake)", None)
    require(options.reference is not None, "match", "--reference", "given (or --fake)", None)
    exposure = read_exposure(options.exposure)
    if options.psf is not None:
        exposure = replace(exposure, psf=read_psf(options.psf, "PSF of the exposure"))
    return exposure, read_psf(options.reference, "reference")


def draw(result: PsfMatchResult, folder: Path, mask_transparency: float) -> list[Path]:
    """A picture of each kind, in a folder."""
    from getframes.io.atomic import make_folder
    from getframes.picture.png import save_png
    from getframes.psfmatch.drawing import KINDS

    paths = [make_folder(folder) / f"{kind}.png" for kind in KINDS]
    for kind, path in zip(KINDS, paths, strict=True):
        save_png(result.plot(kind, mask_transparency), path)
    return paths


def made_up(seed: int) -> tuple[Exposure, PSFModel]:
    """A calibrated frame of stars behind a PSF that widens across the field, and a reference that is wider everywhere."""
    import numpy as np

    from getframes import Camera, MoffatPSF
    from getframes.dataset import random_star_fields
    from getframes.psfmatch import Exposure, ScenePSF
    from getframes.scene import FieldPolynomial

    side, exposure_s = 512, 60.0
    middle = (side - 1) / 2
    widening = FieldPolynomial([[1.2, 0.1], [0.2]], (middle, middle), middle)
    (scene,) = random_star_fields(1, (side, side), psf=MoffatPSF(widening, 3.0), n_stars=300, seed=seed)
    camera = Camera.from_preset("generic_ccd", seed=seed).with_config(resolution=(side, side))
    frame = camera.observe(scene, exposure_s, seed=seed)
    electrons = camera.calibration(exposure_s, seed=seed).to_electrons(frame)
    variance = np.maximum(electrons, 0.0) + camera.effective_read_noise_e() ** 2
    scale = scene.optics.plate_scale_arcsec_per_pixel
    psf, wanted = (ScenePSF(law, scale, side=61) for law in (scene.psf, MoffatPSF(2.4, 3.5)))
    return Exposure(electrons, psf, variance, header={"FILTER": "made up"}), wanted


def told(result: PsfMatchResult) -> str:
    """What came out, in words and figures."""
    worst = max(result.nodes, key=lambda node: node.residual)
    kernel = result.kernel
    return "\n".join(
        [
            f"kernel        {kernel.side} x {kernel.side} px, {result.config.basis} basis, {kernel.rank} components vary, sum {kernel.sum:g}",
            f"nodes         {len(result.nodes)}",
            f"residual      {result.residual:.2g} of the PSF at most, at (x, y) = ({worst.x:.0f}, {worst.y:.0f})",
            f"noise gain    {min(node.noise_gain for node in result.nodes):.3g} to {result.noise_gain:.3g}",
        ]
    )
