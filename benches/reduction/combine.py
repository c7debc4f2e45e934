"""Contests of combination: frames in files, against ccdproc and against reading the stack and NumPy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from contest import OURS, Contest, Figure, timed

LIMIT_MB = 50.0


def files(folder: Path) -> list[Path]:
    """The frames of a folder."""
    return sorted(folder.glob("frame*.fits"))


def frames(count: int, size: int = 2048) -> Callable[[Path, bool], None]:
    """Writes frames of 16 bits with noise and cosmic rays."""

    def write(folder: Path, quick: bool) -> None:
        from astropy.io import fits

        rng = np.random.default_rng(1)
        side = 64 if quick else size
        for number in range(count):
            data = rng.normal(1000.0, 12.0, (side, side)).round()
            data[rng.random((side, side)) < 1e-3] += 3000.0
            unit = fits.PrimaryHDU(data.astype(np.uint16))
            unit.header["BUNIT"] = "adu"
            unit.writeto(folder / f"frame{number:03d}.fits")

    return write


def ours(**options: Any) -> Callable[[Path], Callable[[], Any]]:
    """`getframes.combine` of the files."""

    def side(folder: Path) -> Callable[[], Any]:
        import astropy.io.fits  # noqa: F401 - not part of the work

        from getframes import combine

        paths = files(folder)

        def work() -> Any:
            made = combine(paths, **options)
            return made.data, made.uncertainty, made.used

        return work

    return side


def ccdproc_combine(**options: Any) -> Callable[[Path], Callable[[], Any]]:
    """`ccdproc.combine` of the files, which gives an uncertainty as well."""

    def side(folder: Path) -> Callable[[], Any]:
        import warnings

        import ccdproc

        warnings.simplefilter("ignore")
        paths = [str(path) for path in files(folder)]

        def work() -> Any:
            made = ccdproc.combine(paths, unit="adu", **options)
            return made.data, made.uncertainty.array

        return work

    return side


def numpy_median(folder: Path) -> Callable[[], Any]:
    """Reading the stack and `numpy.median`."""
    from astropy.io import fits

    paths = files(folder)
    return lambda: (np.median(np.stack([fits.getdata(path) for path in paths]), axis=0),)


def astropy_clip(folder: Path) -> Callable[[], Any]:
    """Reading the stack, `astropy.stats.sigma_clip` until nothing changes, and the mean."""
    from astropy.io import fits
    from astropy.stats import sigma_clip

    paths = files(folder)

    def work() -> Any:
        stack = np.stack([fits.getdata(path) for path in paths]).astype(np.float64)
        clipped = sigma_clip(stack, sigma=3, maxiters=None, cenfunc="median", stdfunc="std", axis=0)
        return np.ma.mean(clipped, axis=0).filled(np.nan), (~np.ma.getmaskarray(clipped)).sum(axis=0)

    return work


def median_figures(results: dict[str, Any], measured: dict[str, Any], quick: bool) -> list[Figure]:
    """Bits, and memory."""
    equal = float(np.mean(results[OURS][0] == results["numpy"][0]))
    extra = measured[OURS].get("peak_bytes", float("nan")) / 1e6
    return [
        Figure("pixels equal to numpy.median", "", equal, "1", equal == 1.0),
        Figure("peak memory, result included", "MB", extra, "<= 64", extra <= 64.0),
    ]


def clip_figures(results: dict[str, Any], measured: dict[str, Any], quick: bool) -> list[Figure]:
    """Which values were rejected."""
    (data, _, used), (mean, count) = results[OURS], results["astropy"]
    equal = float(np.mean((used == count) & (np.abs(data - mean) <= 1e-9 * np.abs(mean))))
    return [
        Figure("pixels with the mask of astropy.stats.sigma_clip", "", equal, ">= 0.99999", equal >= 0.99999)
    ]


def many(count: int) -> Callable[[Path, bool], None]:
    """Writes frames of the same kind into one array, since a thousand files are a contest of opening files."""

    def write(folder: Path, quick: bool) -> None:
        rng = np.random.default_rng(2)
        side = 16 if quick else 192
        values = rng.normal(1000.0, 12.0, (count, side, side)).round()
        values[rng.random(values.shape) < 1e-3] += 3000.0
        np.save(folder / "stack.npy", values.astype(np.uint16))

    return write


def ours_of_arrays(**options: Any) -> Callable[[Path], Callable[[], Any]]:
    """`getframes.combine` of arrays in memory."""

    def side(folder: Path) -> Callable[[], Any]:
        from getframes import combine

        frames = list(np.load(folder / "stack.npy"))

        def work() -> Any:
            made = combine(frames, **options)
            return made.data, made.uncertainty, made.used

        return work

    return side


def median_of_array(folder: Path) -> Callable[[], Any]:
    """`numpy.median`, which rejects nothing and says no uncertainty."""
    stack = np.load(folder / "stack.npy")
    return lambda: (np.median(stack, axis=0),)


def growth(folder: Path) -> Callable[[], Any]:
    """CPU time of 10 and of 40 frames at a limit of memory, for each way to clip."""
    import astropy.io.fits  # noqa: F401

    from getframes import combine

    paths = files(folder)

    def work() -> Any:
        def of(count: int, clip: str) -> float:
            options = {"method": "sigma_clip", "clip": clip, "memory_limit_mb": LIMIT_MB}
            return timed(lambda: combine(paths[:count], **options))[0]

        return {clip: (of(10, clip), of(40, clip)) for clip in ("mad", "std")}

    return work


def growth_figures(results: dict[str, Any], measured: dict[str, Any], quick: bool) -> list[Figure]:
    """Their ratio."""
    ratios = {clip: forty / ten for clip, (ten, forty) in results[OURS].items()}
    return [
        Figure(f"time of 40 frames over time of 10, {clip}", "", ratio, "<= 4.6", ratio <= 4.6)
        for clip, ratio in ratios.items()
    ]


_CLIP = {
    "method": "average",
    "sigma_clip": True,
    "sigma_clip_func": np.ma.median,
    "sigma_clip_dev_func": np.ma.std,
}

CONTESTS = (
    Contest(
        "median of 25 x 2048 x 2048 uint16",
        frames(25),
        {OURS: ours(), "ccdproc": ccdproc_combine(method="median"), "numpy": numpy_median},
        {"ccdproc": 20.0, "numpy": 3.0},
        median_figures,
    ),
    Contest(
        "clipped mean of 25 x 2048 x 2048 uint16",
        frames(25),
        {
            OURS: ours(method="sigma_clip", clip="std"),
            "ccdproc": ccdproc_combine(**_CLIP),
            "astropy": astropy_clip,
        },
        {"ccdproc": 10.0},
        clip_figures,
    ),
    Contest(
        "clipped mean (MAD) of 1000 x 192 x 192 uint16",
        many(1000),
        {
            OURS: ours_of_arrays(method="sigma_clip"),
            "numpy.median": median_of_array,
            "getframes, standard deviation": ours_of_arrays(method="sigma_clip", clip="std"),
            "getframes, median": ours_of_arrays(),
        },
    ),
    Contest(
        f"clipped mean of 40 and of 10 frames in {LIMIT_MB:g} MB",
        frames(40),
        {OURS: growth},
        figures=growth_figures,
    ),
)
