"""Contests of matching kernels between two PSFs: what each package makes of the same stamps, and how long it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from contest import OURS, Contest, Figure
from numpy.typing import NDArray

Stamp = NDArray[np.float64]
TIMES = 10
SIDE = 81


def gaussian(sigma: float, ratio: float = 1.0, angle: float = 0.0, shift: float = 0.0) -> Stamp:
    """A Gaussian at pixel centres, so that the kernel between two of them is one."""
    at = np.arange(SIDE) - SIDE // 2
    y, x = at[:, None], at[None, :] - shift
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    along, across = cos * x + sin * y, cos * y - sin * x
    made = np.exp(-0.5 * ((along / sigma) ** 2 + (across / (ratio * sigma)) ** 2))
    return made / made.sum()


def moffat(fwhm: float, beta: float) -> Stamp:
    """A Moffat PSF of galsim, integrated over pixels."""
    import galsim

    drawn = galsim.Moffat(beta, fwhm=fwhm).drawImage(nx=SIDE, ny=SIDE, scale=1.0, method="auto").array
    return np.asarray(drawn, np.float64) / float(drawn.sum())


# name: source, reference, side of our kernel, the kernel that is known, target of our residual
CASES: dict[str, tuple[Callable[[], Stamp], Callable[[], Stamp], int, Callable[[], Stamp] | None, float]] = {
    "Gaussian 1.2 to 2.0 px": (
        lambda: gaussian(1.2), lambda: gaussian(2.0), 31, lambda: gaussian(1.6), 1e-6,
    ),
    "Gaussian 1.0 to 2.0 px, shifted by 0.37": (
        lambda: gaussian(1.0), lambda: gaussian(2.0, shift=0.37), 31,
        lambda: gaussian(np.sqrt(3.0), shift=0.37), 1e-6,
    ),
    "Gaussian 1.2 px to an ellipse of 2.6 px": (
        lambda: gaussian(1.2), lambda: gaussian(2.6, 0.8, 30.0), 31, None, 1e-6,
    ),
    "Gaussian 2.0 to 2.5 px": (
        lambda: gaussian(2.0), lambda: gaussian(2.5), 31, lambda: gaussian(1.5), 5e-6,
    ),
    "Moffat 2.5 to 4.0 px FWHM": (lambda: moffat(2.5, 3.0), lambda: moffat(4.0, 3.0), 41, None, 7e-4),
    "Moffat 3.0 px FWHM to Gaussian": (lambda: moffat(3.0, 3.5), lambda: gaussian(2.5), 41, None, 2e-4),
    "Gaussian 2.5 to 2.0 px": (lambda: gaussian(2.5), lambda: gaussian(2.0), 31, None, 2e-2),
}  # fmt: skip


def stamps(name: str) -> Callable[[Path, bool], None]:
    """Writes source and reference."""

    def write(folder: Path, quick: bool) -> None:
        source, target, *_ = CASES[name]
        np.savez(folder / "stamps.npz", source=source(), target=target())

    return write


def side(make: Callable[[], Callable[[Stamp, Stamp], Stamp]]) -> Callable[[Path], Callable[[], Stamp]]:
    """A package: `make` imports it and returns what makes a kernel of two stamps; it does so many times."""

    def prepared(folder: Path) -> Callable[[], Stamp]:
        with np.load(folder / "stamps.npz") as file:
            source, target = file["source"], file["target"]
        kernel = make()

        def work() -> Stamp:
            for _ in range(TIMES):
                made = kernel(source, target)
            return made

        return work

    return prepared


def ours(basis: str, size: int) -> Callable[[], Callable[[Stamp, Stamp], Stamp]]:
    """The node solve, with the bound of the noise gain and everything that is reported of a node."""

    def make() -> Callable[[Stamp, Stamp], Stamp]:
        from getframes.psfmatch.basis import solve

        return lambda source, target: (
            solve([(source, target)], [(0.0, 0.0)], size, 1e-6, basis, 2.0)[0].kernel
        )

    return make


def photutils(name: str) -> Callable[[], Callable[[Stamp, Stamp], Stamp]]:
    """A kernel of photutils, as large as the stamps."""

    def make() -> Callable[[Stamp, Stamp], Stamp]:
        from photutils import psf_matching

        function = getattr(psf_matching, name)
        return lambda source, target: function(source, target)

    return make


def pypher() -> Callable[[Stamp, Stamp], Stamp]:
    """The homogenization kernel of pypher, which is also that of photutils with its Laplacian penalty."""
    from pypher.pypher import homogenization_kernel

    return lambda source, target: homogenization_kernel(target, source, reg_fact=1e-4)[0]


def judged(name: str) -> Callable[[dict[str, Any], dict[str, Any], bool], list[Figure]]:
    """Residual, error and noise gain of every kernel."""

    def figures(results: dict[str, Any], measured: dict[str, Any], quick: bool) -> list[Figure]:
        source, target, _, known, bound = CASES[name]
        worth = {each: _worth(kernel, source(), target(), known) for each, kernel in results.items()}
        own = worth[OURS]
        made = [Figure("residual", "", own[0], f"<= {bound:g}", own[0] <= bound)]
        for each, (residual, error, gain) in worth.items():
            if each == OURS:
                continue
            made.append(Figure(f"residual, {each}", "", own[0], other=residual))
            if error is not None:
                made.append(Figure(f"error of the kernel over its peak, {each}", "", own[1], other=error))
            made.append(Figure(f"noise gain, {each}", "", own[2], other=gain, ranked=False))
        return made

    return figures


def _worth(
    kernel: Stamp, source: Stamp, target: Stamp, known: Callable[[], Stamp] | None
) -> tuple[float, float | None, float]:
    from scipy.signal import fftconvolve

    made = fftconvolve(source, kernel)
    rest = made - np.pad(target, (made.shape[0] - SIDE) // 2)
    residual = float(np.sqrt((rest**2).sum() / (target**2).sum()))
    gain = float(np.sqrt((kernel**2).sum()))
    if known is None:
        return residual, None, gain
    exact, lost = known(), (SIDE - kernel.shape[0]) // 2
    return residual, float(np.abs(np.pad(kernel, lost) - exact).max() / exact.max()), gain


CONTESTS = tuple(
    Contest(
        f"{TIMES} kernels, {name}",
        stamps(name),
        {
            OURS: side(ours("pixel", case[2])),
            "Alard-Lupton basis": side(ours("alard-lupton", 21)),
            "photutils make_kernel": side(photutils("make_kernel")),
            "photutils make_wiener_kernel": side(photutils("make_wiener_kernel")),
            "pypher": side(lambda: pypher()),
        },
        figures=judged(name),
        rounds=3,
    )
    for name, case in CASES.items()
)
