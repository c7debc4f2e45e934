"""Contests of calibration: a frame of 16 bits with masters in single precision, against NumPy by hand and against ccdproc."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from contest import OURS, Contest, Figure

EXPOSURE_S, GAIN, READ_NOISE_E = 60.0, 1.5, 6.0
PLANES = ("bias", "dark", "flat")


def frames(folder: Path, quick: bool) -> None:
    """A frame, its masters and their uncertainties."""
    rng = np.random.default_rng(1)
    side = 64 if quick else 2048
    levels = {"bias": (1000.0, 5.0), "dark": (0.5, 0.1), "flat": (1.0, 0.05)}
    for name, (mean, width) in levels.items():
        plane = rng.normal(mean, width, (side, side))
        # ccdproc divides by the mean of a flat.
        np.save(folder / f"{name}.npy", (plane * (mean / plane.mean())).astype(np.float32))
        np.save(folder / f"{name}_sigma.npy", np.full((side, side), 0.01 * mean, np.float32))
    np.save(folder / "raw.npy", rng.integers(1000, 60_000, (side, side)).astype(np.uint16))


def loaded(folder: Path) -> dict[str, Any]:
    """The arrays, in memory."""
    return {path.stem: np.load(path) for path in folder.glob("*.npy")}


def masters(arrays: dict[str, Any], *, known: bool) -> dict[str, Any]:
    """Masters as frames, with their uncertainties where these are wanted."""
    from getframes.reduce import ReducedFrame

    units = {"bias": "adu", "dark": "adu/s", "flat": ""}
    sigma = {name: arrays[f"{name}_sigma"] if known else None for name in PLANES}
    return {name: ReducedFrame(arrays[name], uncertainty=sigma[name], unit=units[name]) for name in PLANES}


def ours_ready(folder: Path) -> Callable[[], Any]:
    """Data and flags, with masters that are ready, as for many frames."""
    from getframes.reduce import Masters

    arrays = loaded(folder)
    ready = Masters(**masters(arrays, known=False))
    return lambda: ready.calibrate(arrays["raw"], exposure=EXPOSURE_S, uncertainty=False).data


def numpy_by_hand(folder: Path) -> Callable[[], Any]:
    """The formula in single precision, with one temporary image."""
    arrays = loaded(folder)
    raw, bias, dark, flat = (arrays[name] for name in ("raw", *PLANES))

    def work() -> Any:
        out = np.subtract(raw, bias, dtype=np.float32)
        out -= dark * np.float32(EXPOSURE_S)
        out /= flat
        return out

    return work


def ours_whole(folder: Path) -> Callable[[], Any]:
    """Electrons, uncertainty and flags, masters made ready as well."""
    from getframes.reduce import calibrate

    arrays = loaded(folder)
    given = masters(arrays, known=True)
    options = {"exposure": EXPOSURE_S, "gain": GAIN, "read_noise": READ_NOISE_E, "unit": "electron"}

    def work() -> Any:
        made = calibrate(arrays["raw"], **given, **options)
        return made.data, made.uncertainty

    return work


def ccd_process(folder: Path) -> Callable[[], Any]:
    """`ccdproc.ccd_process` with an uncertainty."""
    import ccdproc
    from astropy import units
    from astropy.nddata import CCDData, StdDevUncertainty

    arrays = loaded(folder)

    def ccd(name: str, unit: str) -> Any:
        return CCDData(arrays[name], unit=unit, uncertainty=StdDevUncertainty(arrays[f"{name}_sigma"]))

    bias, dark, flat = ccd("bias", "adu"), ccd("dark", "adu"), ccd("flat", "")
    raw = CCDData(arrays["raw"], unit="adu")
    options = {
        "master_bias": bias,
        "dark_frame": dark,
        "master_flat": flat,
        "gain": GAIN * units.electron / units.adu,
        "readnoise": READ_NOISE_E * units.electron,
        "dark_exposure": 1.0 * units.s,
        "data_exposure": EXPOSURE_S * units.s,
        "dark_scale": True,
        "gain_corrected": False,
        "error": True,
    }

    def work() -> Any:
        made = ccdproc.ccd_process(raw, **options)
        return made.data, made.uncertainty.array

    return work


def agreement(other: str) -> Callable[[dict[str, Any], dict[str, Any], bool], list[Figure]]:
    """How far the data of two sides differ."""

    def figures(results: dict[str, Any], measured: dict[str, Any], quick: bool) -> list[Figure]:
        one, two = (
            np.asarray(results[name][0] if other == "ccdproc" else results[name]) for name in (OURS, other)
        )
        worst = float(np.max(np.abs(one - two)) / np.max(np.abs(two)))
        return [
            Figure(
                f"largest difference from {other}, over the largest value",
                "",
                worst,
                "<= 1e-6",
                worst <= 1e-6,
            )
        ]

    return figures


CONTESTS = (
    Contest(
        "calibrate 2048 x 2048 uint16 in float32",
        frames,
        {OURS: ours_ready, "numpy": numpy_by_hand},
        {"numpy": 1 / 1.3},
        agreement("numpy"),
        rounds=9,
    ),
    Contest(
        "calibrate 2048 x 2048 uint16 with uncertainty",
        frames,
        {OURS: ours_whole, "ccdproc": ccd_process},
        {"ccdproc": 12.0},
        agreement("ccdproc"),
        rounds=5,
    ),
)
