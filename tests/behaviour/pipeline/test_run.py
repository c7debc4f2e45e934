"""A folder of raw frames, reduced: the same frames as by hand, whatever happens on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from getframes import Camera, Frame
from getframes.errors import MissingFileError, OutputError
from getframes.pipeline import MasterPlan, Plan, read_pipeline, reduce_folder
from getframes.pipeline.masters import MasterFiles
from getframes.reduce import Extensions, Flag, ReducedFrame, calibrate, master_bias, master_dark, master_flat
from tests.behaviour.pipeline.conftest import LEAST, Settings, add

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the signals and files of Linux")


def results(folder: Path) -> dict[str, bytes]:
    """Every FITS file below the results."""
    found = (folder / "reduced").rglob("*.fits")
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(found)}


def test_the_frames_are_those_made_by_hand(settings: Settings) -> None:
    file = settings('[calibrate]\nunit = "electron"\n')
    report = reduce_folder(read_pipeline(file), workers=2)
    assert (len(report.done), report.skipped, report.failed, report.exit_code) == (12, (), {}, 0)
    for day in (1, 4):
        raw = file.parent / "raw" / f"night{day}"
        bias = master_bias(sorted(raw.glob("zero*")))
        dark = master_dark(sorted(raw.glob("dark*")), bias)
        for n in range(6):
            flat = master_flat(sorted(raw.glob(f"flat_{'VR'[n % 2]}*")), bias, dark)
            by_hand = calibrate(raw / f"light_{n}.fits", bias=bias, dark=dark, flat=flat, unit="electron")
            made = ReducedFrame.from_fits(file.parent / "reduced" / "science" / raw.name / f"light_{n}.fits")
            np.testing.assert_allclose(made.data, by_hand.data, rtol=1e-6)
            np.testing.assert_allclose(made.uncertainty, by_hand.uncertainty, rtol=1e-6)
            assert made.metadata["calibration"] == ["bias", "dark", "flat"]
            assert made.metadata["flat_name"] == f"flat_2026-03-0{day}_CCD_{'VR'[n % 2]}_32x24.fits"
    record = json.loads((file.parent / "reduced" / "reduce.run.json").read_text())
    assert record["done"] == 12 and {step["step"] for step in record["steps"]} >= {
        "find",
        "masters",
        "calibrate",
    }


def test_started_again_nothing_is_done(settings: Settings) -> None:
    file = settings()
    reduce_folder(read_pipeline(file))
    before = {path: path.stat().st_mtime_ns for path in (file.parent / "reduced").rglob("*.fits")}
    again = reduce_folder(read_pipeline(file))
    assert (again.done, len(again.skipped)) == ((), 12)
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize(
    ("change", "masters", "frames"),
    [
        ("science", 0, 1),  # one of them has gone
        ("zero", 4, 6),  # one more bias: every master and frame of its night
        ("flat_V", 1, 3),
        ("method", 8, 12),
        ("unit", 0, 12),
        ("gain", 8, 12),
    ],
)
def test_what_has_changed_is_made_again(change: str, masters: int, frames: int, settings: Settings) -> None:
    file = settings()
    reduce_folder(read_pipeline(file))
    before = results(file.parent)
    times = {name: (file.parent / name).stat().st_mtime_ns for name in before}
    raw = file.parent / "raw" / "night1"
    if change == "science":
        (file.parent / "reduced" / "science" / "night1" / "light_3.fits").unlink()
    elif change in ("zero", "flat_V"):
        frame = Frame.from_fits(raw / f"{change}_0.fits")
        frame.data[0, 0] += 50
        frame.to_fits(raw / f"{change}_9.fits")
    else:
        tables = {"method": '[masters]\nmethod = "median"\n', "unit": '[calibrate]\nunit = "electron"\n'}
        file = settings(tables.get(change, "[calibrate]\ngain_e_per_adu = 2.0\n"))
    report = reduce_folder(read_pipeline(file))
    assert len(report.done) == frames and report.failed == {}
    made = file.parent / "reduced" / "masters"
    changed = [name for name in times if (file.parent / name).stat().st_mtime_ns != times[name]]
    assert sum(made.name in name for name in changed) == masters


def test_bad_files_are_told_and_stop_nothing(settings: Settings) -> None:
    file = settings()
    raw = file.parent / "raw" / "night1"
    cut = raw / "zero_1.fits"
    cut.write_bytes(cut.read_bytes()[:3000])  # a calibration frame, found to be cut when it is listed
    damaged = _damaged(raw / "flat_V_1.fits")  # one that only reading finds
    bad = _damaged(raw / "light_2.fits")
    (raw / "odd.fits").write_text("no FITS")
    report = reduce_folder(read_pipeline(file), workers=2)
    assert set(report.failed) == {cut, damaged, bad, raw / "odd.fits"} and report.exit_code == 1
    assert len(report.done) == 11
    flat = ReducedFrame.from_fits(next((file.parent / "reduced" / "masters").glob("flat_2026-03-01_CCD_V*")))
    assert flat.metadata["n_combined"] == 2
    record = json.loads((file.parent / "reduced" / "reduce.run.json").read_text())
    assert set(record["failed"]) == set(map(str, report.failed))


def _damaged(path: Path) -> Path:
    """A file in gzip whose header can be read, and nothing else."""
    import gzip

    packed = path.with_name(path.name + ".gz")
    content = gzip.compress(path.read_bytes() + bytes(np.random.default_rng(1).bytes(200_000)), 0)
    packed.write_bytes(content[:100_000])
    path.unlink()
    return packed


def test_a_master_that_cannot_be_made(settings: Settings) -> None:
    """Frames that need it fail, each with the reason; the others are made."""
    file = settings()
    raw = file.parent / "raw" / "night1"
    for path in raw.glob("dark*"):
        with fits.open(path, mode="update") as units:
            units[0].header["EXPTIME"] = 0.0
    report = reduce_folder(read_pipeline(file))
    assert len(report.done) == 6 and len(report.failed) == 6
    for path, text in report.failed.items():
        assert path.parent == raw and "there is no master dark_2026-03-01" in text and "EXPTIME" in text


def test_workers_change_nothing(settings: Settings, tmp_path: Path) -> None:
    file = settings()
    reduce_folder(read_pipeline(file), workers=1)
    alone = results(tmp_path)
    for how in ({"workers": 3}, {"workers": 2, "processes": True}):
        for name in alone:
            if "science" in name:
                (tmp_path / name).unlink()
        assert reduce_folder(read_pipeline(file), **how).exit_code == 0
        assert results(tmp_path) == alone


@linux
def test_a_cluster_one_of_whose_workers_is_killed(settings: Settings, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    file = settings()
    raw = tmp_path / "raw" / "night1"
    for n in range(6, 60):
        frame = Frame.from_fits(raw / "light_0.fits")
        frame.to_fits(raw / f"light_{n}.fits")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=None
    ) as cluster:
        victim = next(iter(cluster.workers.values())).pid
        killer = threading.Thread(target=_kill_later, args=(victim, tmp_path / "reduced", 20))
        killer.start()
        report = reduce_folder(read_pipeline(file), scheduler=cluster.scheduler_address)
        killer.join()
    assert len(report.done) == 66 and report.exit_code == 0
    made = results(tmp_path)
    for name in made:
        if "science" in name:
            (tmp_path / name).unlink()
    reduce_folder(read_pipeline(file), workers=2)
    assert results(tmp_path) == made
    assert (
        list((tmp_path / "reduced").rglob(".*")) == []
        and list((tmp_path / "reduced").glob("getframes-*")) == []
    )


def _kill_later(victim: int, out: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(out.glob("science/*/*.fits"))) < count and time.monotonic() < deadline:
        time.sleep(0.005)
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)


@linux
def test_an_interrupt_is_quiet_and_the_run_goes_on(settings: Settings, tmp_path: Path) -> None:
    file = settings()
    raw = tmp_path / "raw" / "night1"
    for n in range(6, 300):
        (raw / f"light_{n}.fits").symlink_to(raw / "light_0.fits")
    command = [sys.executable, "-m", "getframes", "reduce", str(file), "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        while len(list(tmp_path.glob("reduced/science/*/*.fits"))) < 5 and run.poll() is None:
            time.sleep(0.005)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate()
    assert (run.returncode, out, err) == (130, "", "")
    there = len(list(tmp_path.glob("reduced/science/*/*.fits")))
    assert 5 <= there < 306 and list((tmp_path / "reduced").rglob(".*")) == []
    again = reduce_folder(read_pipeline(file))
    assert (len(again.skipped), len(again.done)) == (there, 306 - there)


def test_detectors_of_a_focal_plane_are_on_one_scale(tmp_path: Path) -> None:
    """The same light on four detectors of different gain gives the same counts on all, to 0.2 %."""
    shape, response = (32, 32), (1.0, 0.8, 1.3, 0.95)
    camera = Camera.from_preset("generic_ccd", seed=3).with_config(resolution=shape, prnu=0.0)
    for number, gain in enumerate(response):
        raw = tmp_path / "raw" / f"chip{number}"
        for n in range(5):
            add(_of(number, camera.dark_frame(0.0)), raw / f"zero_{n}.fits", "bias", 1, n)
            add(_of(number, camera.dark_frame(60.0)), raw / f"dark_{n}.fits", "dark", 1, 10 + n)
            lamp = 3000.0 * (1.0 + 0.1 * n)  # drifts
            add(_of(number, camera.expose(lamp * gain, 10.0)), raw / f"flat_{n}.fits", "flat", 1, 20 + n, "V")
        add(_of(number, camera.expose(400.0 * gain, 60.0)), raw / "light.fits", "science", 1, 99, "V")
    text = LEAST.replace('"raw"', '"raw"\ndetector_keyword = "DETID"')
    file = tmp_path / "plane.toml"
    for tables, least, most in (("[focal_plane]\n", 0.0, 0.002), ("", 0.1, 0.3)):
        file.write_text(text + tables)
        report = reduce_folder(read_pipeline(file))
        assert report.failed == {} and len(report.done) == 4
        levels = [np.median(ReducedFrame.from_fits(path).data) for path in report.done]
        assert least <= np.std(levels) / np.mean(levels) <= most
    masters = sorted((tmp_path / "reduced" / "masters").glob("flat*"))
    assert len(masters) == 4


def _of(detector: int, frame: Frame) -> Frame:
    frame.metadata["DETID"] = f"chip{detector}"
    return frame


def mosaic(folder: Path, response: np.ndarray) -> dict[str, float]:
    """Files of two detectors of two amplifiers with an overscan each; light of science frames is 1000 ADU. Levels of the overscan differ and drift."""
    rng, height, width, strip = np.random.default_rng(8), 24, 20, 8
    folder.mkdir()
    offset = rng.uniform(300.0, 600.0, response.shape)
    light = {"bias": (0.0, 0.0), "dark": (0.0, 30.0), "flat": (20_000.0, 2.0), "light": (1000.0, 30.0)}
    cards = {
        "DATASECA": f"[1:{width},1:{height}]",
        "DATASECB": f"[{width + 2 * strip + 1}:{2 * (width + strip)},1:{height}]",
        "BIASSECA": f"[{width + 1}:{width + strip},1:{height}]",
        "BIASSECB": f"[{width + strip + 1}:{width + 2 * strip},1:{height}]",
    }
    minute = 0
    for kind, (level, exposure) in light.items():
        for n in range(5):
            minute += 1
            about = {"IMAGETYP": kind, "EXPTIME": exposure, "DATE-OBS": f"2026-03-01T22:{minute:02d}:00"}
            units = [fits.PrimaryHDU(header=fits.Header(about))]
            for chip, factors in enumerate(response):
                lamp = level * (1.0 + 0.1 * n * (kind == "flat"))
                parts = [
                    (lamp * factor + np.zeros((height, width)), np.zeros((height, strip)))
                    for factor in factors
                ]
                parts = [[part + offset[chip, k] + 3.0 * n for part in pair] for k, pair in enumerate(parts)]
                image = np.hstack([*parts[0], *parts[1][::-1]])
                image = rng.normal(image, 3.0).round().astype(np.uint16)
                units.append(fits.ImageHDU(image, fits.Header(cards), name=f"CCD{chip + 1}"))
            fits.HDUList(units).writeto(folder / f"{kind}_{n}.fits")


@pytest.mark.parametrize("level", ["detector", "amp"])
def test_extensions_and_amplifiers_on_one_scale(level: str, tmp_path: Path) -> None:
    response = np.array([[1.0, 0.8], [1.3, 0.9]])
    mosaic(tmp_path / "raw", response)
    (tmp_path / "night.toml").write_text(f'{LEAST}[focal_plane]\nlevel = "{level}"\n')
    report = reduce_folder(read_pipeline(tmp_path / "night.toml"))
    assert report.failed == {} and len(report.done) == 5
    for path in report.done:
        made = Extensions.from_fits(path)
        levels = [
            made[name].data[:, half].mean()
            for name in ("CCD1", "CCD2")
            for half in (slice(20), slice(20, 40))
        ]
        assert all(frame.shape == (24, 40) for frame in made.values())
        # What is left of the level of an overscan of 8 pixels is 1 ADU in each row.
        assert np.ptp(levels) < 0.003 * np.mean(levels)
        assert 1000.0 * response.min() < np.mean(levels) < 1000.0 * response.max()


def test_a_dead_amplifier_does_not_pull_its_detector(tmp_path: Path) -> None:
    response = np.array([[1.0, 0.8], [1.3, 0.0]])
    mosaic(tmp_path / "raw", response)
    (tmp_path / "night.toml").write_text(f'{LEAST}[focal_plane]\nlevel = "amp"\n')
    report = reduce_folder(read_pipeline(tmp_path / "night.toml"))
    assert report.failed == {} and len(report.done) == 5
    made = Extensions.from_fits(report.done[0])
    assert ((made["CCD2"].flags[:, 20:] & Flag.DEAD) != 0).all() and np.isnan(made["CCD2"].data[:, 20:]).all()
    one, two = made["CCD1"].data.mean(), made["CCD2"].data[:, :20].mean()
    assert one == pytest.approx(two, rel=0.003)


def test_amplifiers_that_no_header_has(settings: Settings) -> None:
    report = reduce_folder(read_pipeline(settings('[focal_plane]\nlevel = "amp"\n')))
    assert report.done == () and all("must have DATASECA" in text for text in report.failed.values())


@pytest.mark.parametrize(("rows", "columns", "by"), [(0, 12, "row"), (0, 12, "strip"), (12, 0, "column")])
def test_overscan_of_several_amplifiers(rows: int, columns: int, by: str, tmp_path: Path) -> None:
    """Each amplifier has its own level, and all of it comes off on the way from the raw file to the result."""
    camera = Camera.from_preset("generic_ccd", seed=6).with_config(
        resolution=(32, 48),
        amplifier_layout=(1, 2),
        amp_offset_spread_adu=200.0,
        overscan={"rows": rows, "columns": columns},
    )
    raw = tmp_path / "raw"
    for n in range(9):
        add(camera.bias_frame(), raw / f"zero_{n}.fits", "bias", 1, n)
        add(camera.dark_frame(60.0), raw / f"dark_{n}.fits", "dark", 1, 10 + n)
        add(camera.expose(5000.0, 4.0), raw / f"flat_{n}.fits", "flat", 1, 20 + n, "V")
    light = camera.expose(50.0, 60.0)
    add(light, raw / "light.fits", "science", 1, 99, "V")
    (tmp_path / "night.toml").write_text(f'{LEAST}[calibrate]\nunit = "electron"\noverscan = "{by}"\n')
    report = reduce_folder(read_pipeline(tmp_path / "night.toml"))
    assert report.failed == {}
    made = ReducedFrame.from_fits(report.done[0])
    truth = light.truth.mean_photoelectrons
    residual = made.data - truth[truth > 0].mean()
    good = made.flags == 0
    assert made.shape == (32, 48) and made.metadata["calibration"] == ["overscan", "bias", "dark", "flat"]
    assert abs(np.mean((residual / made.uncertainty)[good] ** 2) - 1.0) < 0.15
    for half in (np.s_[:, :24], np.s_[:, 24:]):
        assert abs(residual[half][good[half]].mean()) < 4.0 * residual[good].std() / np.sqrt(600.0) + 1.0


def test_cosmic_rays(settings: Settings, tmp_path: Path) -> None:
    file = settings("[cosmic_rays]\nsigma_clip = 5.0\n")
    path = tmp_path / "raw" / "night1" / "light_0.fits"
    hit = Frame.from_fits(path)
    hit.data[7, 9] += 15_000
    hit.to_fits(path, overwrite=True)
    report = reduce_folder(read_pipeline(file))
    made = ReducedFrame.from_fits(tmp_path / "reduced" / "science" / "night1" / "light_0.fits")
    assert report.exit_code == 0 and made.flags[7, 9] & Flag.COSMIC_RAY
    assert abs(made.data[7, 9] - np.median(made.data)) < 5.0 * made.data.std()


def test_files_of_several_detectors(tmp_path: Path) -> None:
    """Each image of a file with the part of the masters that is of its detector."""
    random, shape = np.random.default_rng(4), (2, 24, 32)
    levels = {"bias": (300.0, 0.0), "dark": (330.0, 30.0), "flat": (20_300.0, 2.0), "light": (1_330.0, 30.0)}
    gain = np.array([1.0, 0.5])[:, None, None]
    (tmp_path / "raw").mkdir()
    for kind, (level, exposure) in levels.items():
        for n in range(5):
            images = random.normal(300.0 + (level - 300.0) * gain, 3.0, shape).round().astype(np.uint16)
            units = [fits.PrimaryHDU(header=fits.Header({"IMAGETYP": kind, "EXPTIME": exposure}))]
            units += [fits.ImageHDU(image, name=f"CCD{k}") for k, image in enumerate(images, 1)]
            fits.HDUList(units).writeto(tmp_path / "raw" / f"{kind}_{n}.fits")
    (tmp_path / "night.toml").write_text(LEAST)
    report = reduce_folder(read_pipeline(tmp_path / "night.toml"))
    assert report.failed == {} and len(report.done) == 5
    made = Extensions.from_fits(report.done[0])
    assert [round(float(np.median(made[name].data)), -1) for name in ("CCD1", "CCD2")] == [1000.0, 500.0]
    assert len(reduce_folder(read_pipeline(tmp_path / "night.toml")).skipped) == 5


def test_a_folder_that_has_gone(settings: Settings, tmp_path: Path) -> None:
    read = read_pipeline(settings())
    (tmp_path / "raw").rename(tmp_path / "away")
    with pytest.raises(MissingFileError, match="no such folder"):
        reduce_folder(read)


def test_no_frames(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "night.toml").write_text(LEAST)
    read = read_pipeline(tmp_path / "night.toml")
    assert str(Plan.of(read)) == "no raw frames"
    assert reduce_folder(read).exit_code == 0


def test_a_folder_of_somebody_else(settings: Settings, tmp_path: Path) -> None:
    file = settings()
    name = next(iter(Plan.of(read_pipeline(file)).masters))
    theirs = tmp_path / "reduced" / "masters" / f"{name}.fits"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("my thesis")
    with pytest.raises(OutputError, match="was not made by this"):
        reduce_folder(read_pipeline(file))
    assert theirs.read_text() == "my thesis"
    replacing = settings(text=LEAST + "overwrite = true\n")
    assert reduce_folder(read_pipeline(replacing)).exit_code == 0


def test_a_folder_that_cannot_be_made(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "reduced").touch()
    with pytest.raises(OutputError, match="cannot write"):
        reduce_folder(read_pipeline(settings()))


def test_any_options(settings: Settings, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "gain_e_per_adu": 1.5,
        "read_noise_e": 5.0,
        "saturation_adu": 6e4,
        "excess_noise": 1.0,
    }
    tables = "\n".join(f"{key} = {value}" for key, value in options.items())
    file = settings(f'[calibrate]\nprecision = "float64"\nuncertainty = true\noverscan = "none"\n{tables}\n')
    report = reduce_folder(read_pipeline(file))
    made = ReducedFrame.from_fits(report.done[0])
    assert report.exit_code == 0 and made.data.dtype == np.float64 and made.uncertainty is not None


def test_a_calibration_frame_that_vanishes_while_it_runs(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There when the folder is looked through, gone when its master is made: told, and left out."""
    file = settings()
    gone = tmp_path / "raw" / "night1" / "flat_V_1.fits"
    make = MasterFiles.make

    def late(self: MasterFiles, master: MasterPlan) -> None:
        gone.unlink(missing_ok=True)
        make(self, master)

    monkeypatch.setattr(MasterFiles, "make", late)
    report = reduce_folder(read_pipeline(file))
    assert list(report.failed) == [gone] and "no such file" in report.failed[gone]
    assert len(report.done) == 12
    flat = next((tmp_path / "reduced" / "masters").glob("flat_2026-03-01_CCD_V*"))
    assert ReducedFrame.from_fits(flat).metadata["n_combined"] == 2


@linux
def test_a_full_disk_ends_the_run_and_leaves_no_half_file(settings: Settings, tmp_path: Path) -> None:
    file = settings()
    script = """
import resource, signal, sys
from getframes.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
sys.exit(main(["reduce", sys.argv[1]]))
"""
    done = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True)
    assert done.returncode == 1 and "cannot write" in done.stderr, done.stderr
    left = [path for path in (tmp_path / "reduced").rglob("*") if path.is_file()]
    assert [path for path in left if path.suffix == ".fits" or path.name.startswith(".")] == []
    assert len(reduce_folder(read_pipeline(file)).done) == 12
