"""How well mixtures of Gaussians meet PSFs: the table of docs/how-to/fit-inputs.md.

python benches/psf_mixtures.py [--side 61] [--fwhm 3.0] [--most 6]
"""

from __future__ import annotations

from argparse import ArgumentParser

import numpy as np

from getframes import AiryPSF, GaussianPSF, MoffatPSF
from getframes.fit import fit_psf

ARCSEC = 180.0 * 3600.0 / np.pi


def profiles(fwhm: float) -> dict[str, object]:
    """PSFs of a FWHM [px]; that of an Airy pattern is 1.029 wavelengths over the diameter."""
    wavelength_m = fwhm / ARCSEC / 1.029
    return {
        "Gaussian": GaussianPSF(fwhm),
        **{f"Moffat, beta {beta:g}": MoffatPSF(fwhm, beta) for beta in (5.0, 3.5, 2.5)},
        "Airy": AiryPSF(1.0, wavelength_m),
        "Airy, obstruction 0.3": AiryPSF(1.0, wavelength_m, 0.3),
    }


def stamp(psf: object, side: int) -> np.ndarray:
    """Of sum 1."""
    made = np.zeros((side, side))
    psf.add_source(made, side // 2, side // 2, 1.0, 1.0)
    return made / made.sum()


def main() -> None:
    """Print the table: rms of the residual as part of the peak, largest error of enclosed light."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=61)
    parser.add_argument("--fwhm", type=float, default=3.0)
    parser.add_argument("--most", type=int, default=6)
    options = parser.parse_args()
    counts = range(1, options.most + 1)
    print("| PSF |", " | ".join(f"n = {n}" for n in counts), "|")
    print("|---|" + "---|" * len(counts))
    for name, psf in profiles(options.fwhm).items():
        for signed in (False, True):
            pixels = stamp(psf, options.side)
            found = [fit_psf(pixels, n, signed=signed).residual for n in counts]
            cells = " | ".join(f"{each.rms:.1e}, {each.enclosed:.2%}" for each in found)
            print(f"| {name}{', signed' if signed else ''} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
