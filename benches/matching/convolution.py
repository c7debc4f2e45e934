"""Contests of the convolution, constant and varying, and the whole match of a 4096 x 4096 image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from contest import OURS, Contest, Figure

KERNEL = 21
RANK = 5


def images(folder: Path, quick: bool) -> None:
    """Writes an image, a kernel, and surfaces of the third degree."""
    rng = np.random.default_rng(1)
    shape = (256, 256) if quick else (4096, 4096)
    np.save(folder / "image.npy", rng.normal(100.0, 10.0, shape).astype(np.float32))
    at = np.arange(KERNEL) - KERNEL // 2
    parts = np.array([np.exp(-0.5 * (at[:, None] ** 2 + at**2) / (2.0 + r)) for r in range(RANK + 1)])
    parts /= parts.sum(axis=(1, 2))[:, None, None]
    parts[1:] -= parts[0]
    np.savez(folder / "kernel.npz", parts=parts, surfaces=rng.normal(0.0, 0.1, (RANK, 4, 4)))


def ours(rank: int) -> Callable[[Path], Callable[[], Any]]:
    """`VaryingKernel.convolve`."""

    def side(folder: Path) -> Callable[[], Any]:
        from getframes.psfmatch import VaryingKernel

        image = np.load(folder / "image.npy")
        with np.load(folder / "kernel.npz") as file:
            parts, surfaces = file["parts"][: rank + 1], tuple(file["surfaces"][:rank])
        kernel = VaryingKernel(parts, surfaces, image.shape)
        return lambda: kernel.convolve(image, edge="nan")

    return side


def scipy(name: str, calls: int = 1) -> Callable[[Path], Callable[[], Any]]:
    """A convolution of SciPy in single precision, several times."""

    def side(folder: Path) -> Callable[[], Any]:
        from scipy import signal

        image = np.load(folder / "image.npy")
        with np.load(folder / "kernel.npz") as file:
            kernel = file["parts"][0].astype(np.float32)
        function = getattr(signal, name)

        def work() -> Any:
            for _ in range(calls):
                made = function(image, kernel, mode="same")
            return made

        return work

    return side


def agreement(results: dict[str, Any], measured: dict[str, Any], quick: bool) -> list[Figure]:
    """How far ours is from SciPy's where both have the whole kernel."""
    exact, own = results["scipy oaconvolve"], results[OURS]
    inside = np.isfinite(own)
    apart = float(np.abs(own[inside] - exact[inside]).max() / np.abs(exact[inside]).max())
    return [Figure("largest difference from scipy oaconvolve", "", apart, "<= 5e-06", apart <= 5e-6)]


def whole(folder: Path) -> Callable[[], Any]:
    """A match with 8 x 8 nodes; residual, rank and size of the kernel."""
    from getframes.psfmatch import FunctionPSF, MatchConfig, MixturePSF, match_psf

    image = np.load(folder / "image.npy")
    width = image.shape[1]
    at = np.arange(41) - 20

    def widening(x: float, y: float) -> Any:
        sigma = 1.2 + 0.5 * x / width + 0.2 * y / width
        return np.exp(-0.5 * (at[:, None] ** 2 + at**2) / sigma**2)

    source, target = FunctionPSF(widening, 41), MixturePSF([1.0], [2.4], side=41)
    config = MatchConfig(kernel_size=KERNEL, nodes=(8, 8))

    def work() -> Any:
        result = match_psf(image, target, psf=source, config=config)
        return result.residual, result.kernel.rank, result.noise_gain

    return work


def time_of_a_match(results: dict[str, Any], measured: dict[str, Any], quick: bool) -> list[Figure]:
    """Wall clock, which needs a quiet machine and two threads; residual and rank."""
    wall, (residual, rank, _) = median(measured[OURS]["wall_s"]), results[OURS]
    return [
        Figure("wall clock on two threads", "s", wall, "<= 1.5", wall <= 1.5),
        Figure("CPU time", "s", median(measured[OURS]["cpu_s"])),
        Figure("residual", "", residual, "<= 0.0001", residual <= 1e-4),
        Figure("components", "", float(rank)),
    ]


CONTESTS = (
    Contest(
        f"convolution of 4096 x 4096 float32, k = {KERNEL}",
        images,
        {
            OURS: ours(0),
            "scipy oaconvolve": scipy("oaconvolve"),
            "scipy fftconvolve": scipy("fftconvolve"),
        },
        targets={"scipy oaconvolve": 2.0},
        figures=agreement,
    ),
    Contest(
        f"varying kernel of rank {RANK}, 4096 x 4096 float32, k = {KERNEL}",
        images,
        {OURS: ours(RANK), "scipy oaconvolve, 5 times": scipy("oaconvolve", 5)},
        targets={"scipy oaconvolve, 5 times": 2.0},
    ),
    Contest(
        f"whole match of 4096 x 4096 float32, 8 x 8 nodes, k = {KERNEL}",
        images,
        {OURS: whole},
        figures=time_of_a_match,
    ),
)
