"""`calibrate_files`: any number of files, whatever happens to one of them."""

from __future__ import annotations

import json
import multiprocessing.connection
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from getframes import Camera, Frame
from getframes.errors import DomainError, MissingFileError, OutputError, ShapeError
from getframes.reduce import (
    BatchReport,
    Extensions,
    Flag,
    ReducedFrame,
    calibrate,
    calibrate_files,
    cosmic_rays,
)
from getframes.reduce.batch import Job, Recipe

SHAPE = (24, 32)
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the limits and signals of Linux")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight raw frames."""
    folder = tmp_path_factory.mktemp("night")
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=SHAPE)
    for number in range(8):
        camera.expose(50.0 + number, 20.0).to_fits(folder / f"raw_{number}.fits")
    return folder


@pytest.fixture(scope="module")
def masters() -> dict[str, Any]:
    """A bias, a dark rate and a flat, with uncertainties and a dead pixel."""
    random = np.random.default_rng(2)
    flags = np.zeros(SHAPE, np.uint16)
    flags[3, 4] = 16
    small = np.full(SHAPE, 0.01, np.float32)
    return {
        "bias": ReducedFrame(random.normal(300.0, 1.0, SHAPE), {"n_combined": 9}, None, small),
        "dark": ReducedFrame(np.full(SHAPE, 0.02, np.float32), {"unit": "adu/s", "calibration": ["bias"]}),
        "flat": ReducedFrame(
            random.normal(1.0, 0.01, SHAPE).astype(np.float32), {"unit": ""}, None, small, flags
        ),
    }


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("raw_*.fits"))


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.fits"))}


@pytest.fixture(scope="module")
def expected(
    night: Path, masters: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """The results of one thread."""
    out = tmp_path_factory.mktemp("expected")
    report = calibrate_files(files(night), out=out, **masters, workers=1)
    assert (len(report.done), report.skipped, report.failed, report.exit_code) == (8, (), {}, 0)
    return contents(out)


def test_results_are_those_of_calibrate(night: Path, masters: dict[str, Any], tmp_path: Path) -> None:
    calibrate_files(files(night), out=tmp_path, **masters, unit="electron")
    for path in files(night):
        alone = calibrate(path, **masters, unit="electron")
        made = ReducedFrame.from_fits(tmp_path / path.name)
        np.testing.assert_array_equal(made.data, alone.data)
        np.testing.assert_array_equal(made.uncertainty, alone.uncertainty)
        np.testing.assert_array_equal(made.flags, alone.flags)
        assert made.unit == "electron" and made.metadata["raw_file"] == path.name
        assert made.metadata["bias_checksum"] == alone.metadata["bias_checksum"]
        assert made.metadata["calibration"] == ["bias", "dark", "flat"]
        assert fits.getheader(tmp_path / path.name)["RAWFILE"] == path.name


@pytest.mark.parametrize("how", [{"workers": 3}, {"workers": 2, "processes": True}])
def test_workers_change_nothing(
    how: dict[str, Any], night: Path, masters: dict[str, Any], expected: dict[str, bytes], tmp_path: Path
) -> None:
    report = calibrate_files(files(night), out=tmp_path / "new" / "out", **masters, **how)
    assert contents(tmp_path / "new" / "out") == expected
    assert [path.name for path in report.done] == sorted(expected)


def test_masters_from_files(
    night: Path, masters: dict[str, Any], expected: dict[str, bytes], tmp_path: Path
) -> None:
    for kind, master in masters.items():
        master.to_fits(tmp_path / f"{kind}.fits")
    given = {kind: tmp_path / f"{kind}.fits" for kind in masters}
    calibrate_files(files(night), out=tmp_path / "out", **given, workers=2)
    for name, content in contents(tmp_path / "out").items():
        made, known = (
            ReducedFrame.from_fits(path) for path in (tmp_path / "out" / name, _written(tmp_path, content))
        )
        np.testing.assert_array_equal(made.data, known.data)
        assert made.metadata["flat_name"] == "flat.fits"


def _written(folder: Path, content: bytes) -> Path:
    path = folder / "known.fits"
    path.write_bytes(content)
    return path


def test_cosmic_rays_on_request(night: Path, masters: dict[str, Any], tmp_path: Path) -> None:
    raw = Frame.from_fits(night / "raw_0.fits")
    raw.data[10, 12] += 20_000
    raw.to_fits(tmp_path / "hit.fits")
    files = [tmp_path / "hit.fits"]
    left = calibrate_files(files, out=tmp_path / "out", **masters)
    assert not ReducedFrame.from_fits(left.done[0]).flags[10, 12] & Flag.COSMIC_RAY
    for options in (True, {"sigma_clip": 6.0}):
        report = calibrate_files(files, out=tmp_path / "out", **masters, cosmic_rays=options)
        made = ReducedFrame.from_fits(report.done[0])  # made again, as the settings are others
        assert made.flags[10, 12] & Flag.COSMIC_RAY and made.data[10, 12] < 5_000
    alone = cosmic_rays(calibrate(files[0], **masters), sigma_clip=6.0)
    np.testing.assert_array_equal(made.data, alone.data)


def test_started_again_nothing_is_done(night: Path, masters: dict[str, Any], tmp_path: Path) -> None:
    first = calibrate_files(files(night), out=tmp_path, **masters)
    times = {path: path.stat().st_mtime_ns for path in first.done}
    again = calibrate_files(files(night), out=tmp_path, **masters)
    assert (again.done, again.skipped, again.failed) == ((), first.done, {})
    assert {path: path.stat().st_mtime_ns for path in first.done} == times


def test_started_again_what_is_missing_is_made(night: Path, masters: dict[str, Any], tmp_path: Path) -> None:
    first = calibrate_files(files(night), out=tmp_path, **masters)
    first.done[2].unlink()
    first.done[5].unlink()
    again = calibrate_files(files(night), out=tmp_path, **masters)
    assert again.done == (first.done[2], first.done[5]) and len(again.skipped) == 6


def _as_they_are(folder: Path, masters: dict[str, Any], options: dict[str, Any]) -> None:
    pass


def _other_option(folder: Path, masters: dict[str, Any], options: dict[str, Any]) -> None:
    options["unit"] = "electron"


def _other_noise_map(folder: Path, masters: dict[str, Any], options: dict[str, Any]) -> None:
    options["read_noise"] = np.full(SHAPE, 5.0)


def _other_pixel(folder: Path, masters: dict[str, Any], options: dict[str, Any]) -> None:
    data = masters["bias"].data.copy()
    data[5, 5] += 1e-3
    masters["bias"] = ReducedFrame(data, masters["bias"].metadata, None, masters["bias"].uncertainty)


def _other_flag(folder: Path, masters: dict[str, Any], options: dict[str, Any]) -> None:
    flat = masters["flat"]
    masters["flat"] = ReducedFrame(
        flat.data, flat.metadata, None, flat.uncertainty, np.zeros(SHAPE, np.uint16)
    )


def _without_flat(folder: Path, masters: dict[str, Any], options: dict[str, Any]) -> None:
    del masters["flat"]


def _other_raws(folder: Path, masters: dict[str, Any], options: dict[str, Any]) -> None:
    for path in folder.iterdir():
        os.utime(path, ns=(1, 1))


@pytest.mark.parametrize(
    ("change", "redone"),
    [
        (_as_they_are, 0),
        (_other_option, 8),
        (_other_noise_map, 8),
        (_other_pixel, 8),
        (_other_flag, 8),
        (_without_flat, 8),
        (_other_raws, 8),
    ],
)
def test_what_other_settings_made_is_made_again(
    change: Any, redone: int, night: Path, masters: dict[str, Any], tmp_path: Path
) -> None:
    folder, given, options = tmp_path / "raw", dict(masters), {}
    folder.mkdir()
    for path in files(night):
        (folder / path.name).write_bytes(path.read_bytes())
    calibrate_files(files(folder), out=tmp_path / "out", **given)
    change(folder, given, options)
    again = calibrate_files(files(folder), out=tmp_path / "out", **given, **options)
    assert (len(again.done), len(again.skipped)) == (redone, 8 - redone)


def test_what_others_made_is_not_replaced(night: Path, masters: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "raw_3.fits").write_text("my thesis")
    report = calibrate_files(files(night), out=tmp_path, **masters)
    assert (
        list(report.failed) == [night / "raw_3.fits"]
        and "was not made by this" in report.failed[night / "raw_3.fits"]
    )
    assert (tmp_path / "raw_3.fits").read_text() == "my thesis" and len(report.done) == 7
    assert calibrate_files(files(night), out=tmp_path, **masters, overwrite=True).exit_code == 0


def spoil(folder: Path, night: Path) -> list[Path]:
    """Good files and bad ones; the bad ones."""
    for path in files(night):
        (folder / path.name).write_bytes(path.read_bytes())
    whole = (folder / "raw_1.fits").read_bytes()
    (folder / "raw_1.fits").write_bytes(whole[: len(whole) // 2])
    (folder / "raw_2.fits").write_text("no FITS")
    (folder / "raw_4.fits").unlink()
    fits.writeto(
        folder / "raw_5.fits", np.zeros((9, 9), np.uint16), fits.Header({"EXPTIME": 1.0}), overwrite=True
    )
    with fits.open(folder / "raw_6.fits", mode="update") as units:
        units[0].header.remove("EXPTIME")
    return [folder / f"raw_{number}.fits" for number in (1, 2, 4, 5, 6)]


@pytest.mark.parametrize("how", [{"workers": 2}, {"workers": 2, "processes": True}])
def test_bad_files_are_told_and_stop_nothing(
    how: dict[str, Any], night: Path, masters: dict[str, Any], tmp_path: Path
) -> None:
    folder, out = tmp_path / "raw", tmp_path / "out"
    folder.mkdir()
    bad = spoil(folder, night)
    wanted = [folder / path.name for path in files(night)]
    report = calibrate_files(wanted, out=out, **masters, **how)
    assert sorted(report.failed) == bad and report.exit_code == 1
    assert [path.name for path in report.done] == ["raw_0.fits", "raw_3.fits", "raw_7.fits"]
    assert sorted(path.name for path in out.iterdir()) == [
        "calibrate.run.json", "raw_0.fits", "raw_3.fits", "raw_7.fits"
    ]  # fmt: skip
    for path, words in zip(
        bad, ["cut short|truncated", "FITS", "no such file", r"shape \(24, 32\)", "EXPTIME"], strict=True
    ):
        assert re.search(words, report.failed[path]) and path.name in report.failed[path]
    record = json.loads((out / "calibrate.run.json").read_text())
    assert record["done"] == 3 and sorted(record["failed"]) == sorted(map(str, bad))
    assert "3 calibrated, 0 were there, 5 failed" in str(report)
    for path in bad:
        path.write_bytes((night / path.name).read_bytes())
    again = calibrate_files(wanted, out=out, **masters, **how)
    assert (len(again.done), len(again.skipped), again.exit_code) == (5, 3, 0)


def test_a_file_that_vanishes_while_it_runs(
    night: Path, masters: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There when the run looks at it, gone when it is its turn."""
    for path in files(night):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    wanted = files(tmp_path)
    work = Recipe.__call__

    def late(self: Recipe, job: Job) -> None:
        Path(job.source).unlink(missing_ok=True) if job.source.endswith("_3.fits") else None
        work(self, job)

    monkeypatch.setattr(Recipe, "__call__", late)
    report = calibrate_files(wanted, out=tmp_path / "out", **masters, workers=2)
    assert list(report.failed) == [wanted[3]] and "no such file" in report.failed[wanted[3]]
    assert len(report.done) == 7 and not (tmp_path / "out" / "raw_3.fits").exists()


def test_folders_below_root(night: Path, tmp_path: Path) -> None:
    for name in ("one/raw.fits", "two/raw.fits.gz"):
        (tmp_path / name).parent.mkdir()
        Frame.from_fits(night / "raw_0.fits").to_fits(tmp_path / name)
    wanted = [tmp_path / "one/raw.fits", tmp_path / "two/raw.fits.gz"]
    with pytest.raises(DomainError, match=r"must have results of their own, got .*one.* and .*two"):
        calibrate_files(wanted, out=tmp_path / "out")
    report = calibrate_files(wanted, out=tmp_path / "out", root=tmp_path)
    assert report.done == (tmp_path / "out/one/raw.fits", tmp_path / "out/two/raw.fits")
    with pytest.raises(DomainError, match="must be below root"):
        calibrate_files(wanted, out=tmp_path / "out", root=tmp_path / "one")


def test_raw_files_are_never_replaced(night: Path) -> None:
    before = contents(night)
    with pytest.raises(DomainError, match="out must not be the folder of raw files"):
        calibrate_files(files(night), out=night, overwrite=True)
    assert contents(night) == before


def test_what_is_wrong_is_known_before_the_first_frame(
    night: Path, masters: dict[str, Any], tmp_path: Path
) -> None:
    for error, text, given in (
        (DomainError, r"has no option 'gian' \(did you mean 'gain'\?\)", {"gian": 2.0}),
        (DomainError, "workers must be a positive integer", {"workers": 0}),
        (ShapeError, "must have shape", {"flat": np.ones((3, 3))}),
        (DomainError, "dark", {"dark": ReducedFrame(np.ones(SHAPE), {"unit": "s"})}),
        (MissingFileError, "nowhere", {"bias": tmp_path / "nowhere.fits"}),
    ):
        with pytest.raises(error, match=text):
            calibrate_files(files(night), out=tmp_path / "out", **{**masters, **given})
    assert list(tmp_path.glob("out/*.fits")) == []


def test_no_files(tmp_path: Path) -> None:
    report = calibrate_files([], out=tmp_path / "out")
    assert report == BatchReport((), (), {}, None) and report.exit_code == 0


def test_what_a_killed_run_left_is_removed(night: Path, tmp_path: Path) -> None:
    left, kept = tmp_path / ".raw_0.fits.0123abcd.part", tmp_path / ".other.part"
    left.touch()
    kept.touch()
    calibrate_files(files(night)[:1], out=tmp_path)
    assert not left.exists() and kept.exists()


@linux
def test_two_runs_in_one_folder(night: Path, tmp_path: Path) -> None:
    from getframes.io.folders import alone_in

    with alone_in(tmp_path), pytest.raises(OutputError, match="another run is writing there"):
        calibrate_files(files(night), out=tmp_path)
    calibrate_files(files(night), out=tmp_path)


def test_a_folder_that_cannot_be_made(night: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        calibrate_files(files(night), out=tmp_path / "file" / "out")


LIMITED = """
import resource, signal, sys
from pathlib import Path
from getframes.errors import OutputError
from getframes.reduce import calibrate_files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
try:
    calibrate_files(sorted(Path(sys.argv[1]).glob("raw_*.fits")), out=sys.argv[2], workers=2)
except OutputError as error:
    print(error)
"""


@linux
def test_a_full_disk_leaves_no_half_file(night: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(night), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot write" in done.stdout and "File too large" in done.stdout
    assert list((tmp_path / "out").iterdir()) == []
    assert len(calibrate_files(files(night), out=tmp_path / "out").done) == 8


KILLED = """
import sys
from pathlib import Path
from getframes.reduce import calibrate_files
files = sorted(Path(sys.argv[1]).glob("raw_*.fits"))
print("begin", flush=True)
calibrate_files(files, out=sys.argv[2], workers=2)
"""


@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_ended_goes_on(how: signal.Signals, night: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "raw", tmp_path / "out"
    folder.mkdir()
    for number in range(300):
        (folder / f"raw_{number:03d}.fits").symlink_to(night / f"raw_{number % 8}.fits")
    command = [sys.executable, "-c", KILLED, str(folder), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        while len(list(out.glob("*.fits"))) < 5 and run.poll() is None:
            time.sleep(0.005)
        run.send_signal(how)
        run.communicate()
    made = sorted(out.glob("*.fits"))
    assert 5 <= len(made) < 300
    assert how == signal.SIGKILL or list(out.glob(".*")) == []
    for path in made:
        ReducedFrame.from_fits(path)  # with its checksums
    again = calibrate_files(sorted(folder.iterdir()), out=out)
    assert again.skipped == tuple(made) and len(again.done) == 300 - len(made) and again.exit_code == 0
    assert list(out.glob(".*")) == []


def test_what_travels_is_small(
    night: Path, masters: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that processes send each other, counted at the pipes: much less than 10 kB a frame, though masters are 100 times that."""
    counted = {"sent": 0, "received": 0}
    send, receive = (
        getattr(multiprocessing.connection.Connection, name) for name in ("_send_bytes", "_recv_bytes")
    )

    def sending(self: Any, buffer: Any) -> None:
        counted["sent"] += len(buffer)
        send(self, buffer)

    def receiving(self: Any, *arguments: Any) -> Any:
        received = receive(self, *arguments)
        counted["received"] += received.getbuffer().nbytes
        return received

    monkeypatch.setattr(multiprocessing.connection.Connection, "_send_bytes", sending)
    monkeypatch.setattr(multiprocessing.connection.Connection, "_recv_bytes", receiving)
    folder = tmp_path / "raw"
    folder.mkdir()
    for number in range(32):
        (folder / f"raw_{number:02d}.fits").symlink_to(night / f"raw_{number % 8}.fits")
    calibrate_files(files(folder), out=tmp_path / "out", **masters, workers=2, processes=True)
    assert counted["sent"] > 32 * 100 and counted["received"] > 32 * 100
    assert sum(counted.values()) / 32 < 2_000


def test_a_task_for_a_cluster_is_small(masters: dict[str, Any]) -> None:
    from getframes.reduce import share

    with share(masters) as shared:
        recipe = Recipe(shared, {"unit": "electron", "gain": 1.5})
        names = tuple((kind, kind) for kind in masters)
        assert len(pickle.dumps((recipe, Job("x" * 200, "y" * 200, names, "z" * 32)))) < 2_000


@linux
def test_a_cluster_one_of_whose_workers_is_killed(
    night: Path, masters: dict[str, Any], expected: dict[str, bytes], tmp_path: Path
) -> None:
    """A real one, of processes; half way one of them is killed, and nothing is lost."""
    distributed = pytest.importorskip("distributed")
    folder, out = tmp_path / "raw", tmp_path / "out"
    folder.mkdir()
    wanted = [folder / f"raw_{number}" / "raw.fits" for number in range(64)]
    for number, path in enumerate(wanted):
        path.parent.mkdir()
        path.symlink_to(night / f"raw_{number % 8}.fits")
    (folder / "raw_64").mkdir()
    bad = folder / "raw_64" / "raw.fits"
    bad.write_text("no FITS")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=None
    ) as cluster:
        victim = next(iter(cluster.workers.values())).pid
        killer = threading.Thread(target=_kill_half_way, args=(victim, out, 32))
        killer.start()
        report = calibrate_files(
            [*wanted, bad], out=out, root=folder, **masters, scheduler=cluster.scheduler_address
        )
        killer.join()
    assert list(report.failed) == [bad] and len(report.done) == 64 and report.exit_code == 1
    assert not Path(f"/proc/{victim}").exists()
    for number, path in enumerate(wanted):
        made = ReducedFrame.from_fits(out / path.relative_to(folder))
        known = ReducedFrame.from_fits(_written(tmp_path, expected[f"raw_{number % 8}.fits"]))
        np.testing.assert_array_equal(made.data, known.data)
        np.testing.assert_array_equal(made.uncertainty, known.uncertainty)
    assert list(out.glob("getframes-*")) == []  # the masters that were shared there


def _kill_half_way(victim: int, out: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(out.glob("*/raw.fits"))) < count and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(victim, signal.SIGKILL)


def test_files_of_several_detectors(tmp_path: Path) -> None:
    """All images of a file, each with its own part of the masters."""
    random = np.random.default_rng(3)
    names = ("CCD1", "CCD2")

    def write(path: Path, images: Any, **cards: Any) -> Path:
        units = [fits.PrimaryHDU(header=fits.Header(cards))]
        units += [fits.ImageHDU(image, name=name) for image, name in zip(images, names, strict=True)]
        fits.HDUList(units).writeto(path)
        return path

    bias = write(tmp_path / "bias.fits", random.normal(300.0, 1.0, (2, *SHAPE)).astype(np.float32))
    raws = [
        write(tmp_path / f"raw_{n}.fits", random.poisson(900.0, (2, *SHAPE)).astype(np.uint16), EXPTIME=1.0)
        for n in range(3)
    ]
    report = calibrate_files(raws, out=tmp_path / "out", bias=bias)
    assert len(report.done) == 3
    for raw in raws:
        made, alone = Extensions.from_fits(tmp_path / "out" / raw.name), calibrate(raw, bias=bias)
        for name in names:
            np.testing.assert_array_equal(made[name].data, alone[name].data)
    assert len(calibrate_files(raws, out=tmp_path / "out", bias=bias).skipped) == 3
    one = calibrate_files(raws, out=tmp_path / "one", bias=bias, extension="CCD2")
    np.testing.assert_array_equal(
        ReducedFrame.from_fits(one.done[0]).data, calibrate(raws[0], bias=bias)["CCD2"].data
    )
    single = calibrate_files(raws, out=tmp_path / "single", bias=np.zeros(SHAPE))
    assert len(single.failed) == 3 and "extension" in single.failed[raws[0]]
