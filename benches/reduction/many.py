"""Contests of many frames: files calibrated into files, by one worker and by several, and what travels between processes."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from contest import OURS, Contest, Figure

ONE, PROCESSES, PICKLED = "one worker", "two processes", "numpy, Pool.imap of two with pickled masters"
NAMES = ("bias", "dark", "flat")


def night(folder: Path, quick: bool) -> None:
    """Sixteen raw frames and masters of 2048 x 2048, as cameras and pipelines write them."""
    from astropy.io import fits

    rng = np.random.default_rng(1)
    side, count = (64, 4) if quick else (2048, 16)
    for number in range(count):
        raw = fits.PrimaryHDU(rng.poisson(900.0, (side, side)).astype(np.uint16))
        raw.header.update(BUNIT="adu", EXPTIME=30.0, GAIN=1.5, RDNOISE=5.0)
        raw.writeto(folder / f"raw{number:03d}.fits")
    for name, level, unit in zip(NAMES, (300.0, 0.1, 1.0), ("adu", "adu/s", ""), strict=True):
        master = fits.PrimaryHDU((level * rng.normal(1.0, 0.01, (side, side))).astype(np.float32))
        master.header["BUNIT"] = unit
        master.writeto(folder / f"{name}.fits")


def raw_files(folder: Path) -> list[Path]:
    """The raw frames."""
    return sorted(folder.glob("raw*.fits"))


def ours(**how: Any) -> Callable[[Path], Callable[[], Any]]:
    """`calibrate_files` with uncertainty and flags, into files with checksums."""

    def side(folder: Path) -> Callable[[], Any]:
        import astropy.io.fits  # noqa: F401 - not part of the work

        from getframes.reduce import calibrate_files

        out = folder / f"out{'_'.join(map(str, how.values()))}"
        masters = {name: folder / f"{name}.fits" for name in NAMES}

        def work() -> int:
            shutil.rmtree(out, ignore_errors=True)
            with counted_traffic() as traffic:
                report = calibrate_files(raw_files(folder), out=out, **masters, **how)
            assert report.exit_code == 0
            return sum(traffic) // len(report.done)

        return work

    return side


def pickled(folder: Path) -> Callable[[], Any]:
    """The familiar script: the masters as arguments of every task. No uncertainty, no flags, no checksums."""
    from astropy.io import fits

    masters = {name: fits.getdata(folder / f"{name}.fits") for name in NAMES}

    def work() -> int:
        with counted_traffic() as traffic, multiprocessing.get_context("fork").Pool(2) as pool:
            files = raw_files(folder)
            for _ in pool.imap(partial(calibrate_one, masters=masters), files):
                pass
        return sum(traffic) // len(files)

    return work


def calibrate_one(file: Path, masters: dict[str, Any]) -> None:
    """One frame in NumPy, written with astropy."""
    from astropy.io import fits

    raw, header = fits.getdata(file, header=True)
    image = (raw - masters["bias"] - masters["dark"] * np.float32(header["EXPTIME"])) / masters["flat"]
    fits.writeto(file.with_suffix(".calibrated.fits"), image, header, overwrite=True)


class counted_traffic:  # noqa: N801 - a function that is a context manager
    """Bytes that this process sends to others and gets from them, through pipes."""

    def __enter__(self) -> list[int]:
        from multiprocessing.connection import Connection

        self._before = Connection._send_bytes, Connection._recv_bytes
        send, receive = self._before
        traffic: list[int] = []

        def sending(connection: Any, buffer: Any) -> None:
            traffic.append(len(buffer))
            send(connection, buffer)

        def receiving(connection: Any, *arguments: Any) -> Any:
            received = receive(connection, *arguments)
            traffic.append(received.getbuffer().nbytes)
            return received

        Connection._send_bytes, Connection._recv_bytes = sending, receiving
        return traffic

    def __exit__(self, *_: object) -> None:
        from multiprocessing.connection import Connection

        Connection._send_bytes, Connection._recv_bytes = self._before


def figures(results: dict[str, Any], measured: dict[str, dict[str, Any]], quick: bool) -> list[Figure]:
    """How much sooner several workers are done, and what travels for a frame."""
    wall = {side: median(times["wall_s"]) for side, times in measured.items()}
    sooner = wall[ONE] / wall[OURS]
    traffic = results[PROCESSES]
    return [
        Figure("two threads, times sooner than one", "x", sooner, ">= 1.3", sooner >= 1.3),
        Figure("two processes, times sooner than one thread", "x", wall[ONE] / wall[PROCESSES]),
        Figure("two threads, times sooner than pickled masters", "x", wall[PICKLED] / wall[OURS]),
        Figure("between processes for a frame", "B", traffic, "<= 10000", traffic <= 10_000),
        Figure("between processes for a frame, pickled masters", "B", results[PICKLED]),
    ]


CONTESTS = (
    Contest(
        "16 files of 2048 x 2048 uint16 calibrated into files",
        night,
        {
            OURS: ours(workers=2),
            ONE: ours(workers=1),
            PROCESSES: ours(workers=2, processes=True),
            PICKLED: pickled,
        },
        figures=figures,
    ),
)
