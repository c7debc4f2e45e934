"""Many frames into one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from hypothesis import given
from hypothesis import strategies as st

from getframes import Camera, Frame, combine
from getframes.errors import DomainError, IntegrityError, MissingFileError, ShapeError, SizeError
from getframes.reduce import Flag
from getframes.reduce.bands import Planes

METHODS = ("median", "mean", "sigma_clip")
STACKS = st.tuples(st.integers(1, 12), st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))


def stack(count: int, height: int, width: int, seed: int, dtype: str = "uint16") -> list[np.ndarray]:
    return list(np.random.default_rng(seed).poisson(200.0, (count, height, width)).astype(dtype))


@given(STACKS, st.sampled_from(["uint8", "uint16", "uint32", "int32", ">u2", "float32", ">f8"]))
def test_median_and_mean_are_those_of_numpy(shape: tuple[int, int, int, int], dtype: str) -> None:
    frames = stack(*shape, dtype)
    wide = np.array(frames, np.float64)
    np.testing.assert_array_equal(combine(frames).data, np.median(wide, axis=0))
    np.testing.assert_allclose(combine(frames, method="mean").data, wide.mean(axis=0), rtol=1e-14)


@given(STACKS, st.sampled_from(METHODS))
def test_order_does_not_matter_and_nothing_is_changed(shape: tuple[int, int, int, int], method: str) -> None:
    frames = stack(*shape)
    before = [frame.copy() for frame in frames]
    forward, backward = combine(frames, method=method), combine(frames[::-1], method=method)
    np.testing.assert_allclose(forward.data, backward.data, rtol=1e-14)
    assert forward.dtype == np.float64
    for frame, kept in zip(frames, before, strict=True):
        np.testing.assert_array_equal(frame, kept)


def written(folder: Path, frames: list[np.ndarray], **cards: object) -> list[Path]:
    paths = [folder / f"{number}.fits" for number in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        unit = fits.PrimaryHDU(frame)
        unit.header.update(cards)
        unit.writeto(path)
    return paths


def test_files_arrays_frames_and_ccddata_are_the_same(tmp_path) -> None:
    frames = stack(5, 60, 50, 1)
    paths = written(tmp_path, frames, EXPTIME=3.0, BUNIT="adu")
    wanted = combine(frames, method="sigma_clip")
    for sources in (
        paths,
        [str(path) for path in paths],
        iter(paths),
        [Frame(frame) for frame in frames],
        [CCDData(frame, unit="adu") for frame in frames],
        np.array(frames),
        [paths[0], frames[1], Frame(frames[2]), *paths[3:]],
    ):
        made = combine(sources, method="sigma_clip")
        np.testing.assert_array_equal(made.data, wanted.data)
        np.testing.assert_array_equal(made.uncertainty, wanted.uncertainty)
    assert combine(paths).metadata["exposure_s"] == 3.0


def test_chips_of_a_mosaic(tmp_path) -> None:
    chips = stack(6, 20, 30, 2)
    for number in range(3):
        units = [
            fits.PrimaryHDU(),
            *(fits.ImageHDU(chip, name=f"CHIP{n}") for n, chip in enumerate(chips[number::3])),
        ]
        fits.HDUList(units).writeto(tmp_path / f"{number}.fits")
    made = combine(sorted(tmp_path.glob("*.fits")), extension="CHIP1")
    np.testing.assert_array_equal(made.data, np.median(chips[3:], axis=0))


def test_each_file_is_opened_once(tmp_path, monkeypatch) -> None:
    paths = written(tmp_path, stack(6, 40, 30, 3))
    opened = []
    sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open" else None)
    monkeypatch.setattr("getframes.reduce.bands._BAND_BYTES", 6 * 2 * 30 * 5)
    combine(paths)
    assert sorted(name for name in opened if name.startswith(str(tmp_path))) == sorted(map(str, paths))


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path) -> None:
    """In a process of its own: 60 frames of 2 MB in 20 MB."""
    written(tmp_path, [np.full((1024, 1024), 100, np.uint16)] * 60)
    script = """
import sys
from pathlib import Path
from astropy.io import fits
from getframes import combine

def status(field):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(field)) / 1024

paths = sorted(Path(sys.argv[1]).glob("*.fits"))
combine(paths[:2], dtype="float32")
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
frame = combine(paths, method="sigma_clip", dtype="float32", memory_limit_mb=20)
print(status("VmHWM") - before)
"""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("peaks of memory are read from /proc")
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 20 + 12  # and the result: 4 + 4 + 2 + 2 bytes a pixel


def test_frames_of_an_iterator_go_to_the_disk_beyond_the_limit() -> None:
    frames = stack(12, 50, 400, 4)
    wanted = combine(frames, method="sigma_clip")
    made = combine((frame for frame in frames), method="sigma_clip", memory_limit_mb=0.3)
    np.testing.assert_array_equal(made.data, wanted.data)


def test_large_frames_go_by_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = stack(7, 50, 40, 1)
    whole = [combine(frames, method=method).data for method in METHODS]
    monkeypatch.setattr("getframes.reduce.bands._BAND_BYTES", 8 * 7 * 40 * 3)
    for method, data in zip(METHODS, whole, strict=True):
        np.testing.assert_array_equal(combine(frames, method=method).data, data)


@pytest.mark.parametrize("count", range(3, 26))
def test_one_cosmic_ray_is_rejected_in_few_frames_too(count: int) -> None:
    """A clip about the mean rejects nothing in ten frames or fewer."""
    rng = np.random.default_rng(count)
    frames = rng.normal(100.0, 1.0, (count, 64, 64))
    clean = combine(frames, method="sigma_clip").data
    frames[rng.integers(count)] += 5000.0
    hit = combine(frames, method="sigma_clip").data
    # What is left is the noise of a mean of one frame less, and of good values that a small sample rejects.
    moved = np.abs(hit - clean) / (1.0 / np.sqrt(count))
    assert moved.max() < 6.0
    assert (moved < 3.0).mean() > 0.97
    assert abs(hit.mean() - 100.0) < 4.0 / np.sqrt(count * 64 * 64) * 1.5


def test_a_clip_of_equal_counts_keeps_their_neighbours() -> None:
    frames = [np.full((1, 1), value, np.uint16) for value in (400, 400, 400, 401, 400, 399, 900)]
    assert combine(frames, method="sigma_clip").data[0, 0] == 400.0


def test_two_frames_are_never_clipped() -> None:
    frames = [np.full((2, 2), 1.0), np.full((2, 2), 1001.0)]
    assert (combine(frames, method="sigma_clip").data == 501.0).all()


def test_clipping_goes_on_until_nothing_changes() -> None:
    frames = [np.full((1, 1), value) for value in (10.0, 11.0, 12.0, 9.0, 10.5, 60.0, 1000.0)]
    assert combine(frames, method="sigma_clip").data[0, 0] == pytest.approx(10.5)


def test_the_clip_keeps_gaussian_noise() -> None:
    frames = np.random.default_rng(3).normal(0.0, 1.0, (40, 60, 60))
    clipped = combine(frames, method="sigma_clip", sigma=3.0).data
    assert clipped.std() * np.sqrt(40) == pytest.approx(1.0, abs=0.08)  # what the scatter of the MAD costs


def test_metadata_are_what_frames_share() -> None:
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(8, 8))
    master = combine(camera.dark_series(3.0, 4, seed=7), method="sigma_clip", sigma=4.0)
    wanted = {
        "frame_type": "master_dark",
        "n_combined": 4,
        "combine_method": "sigma_clip",
        "combine_sigma": 4.0,
        "exposure_s": 3.0,
        "gain_e_per_adu": 1.5,
        "camera": "Generic CCD",
    }
    assert {key: master.metadata[key] for key in wanted} == wanted
    assert not {"seed", "frame_number", "frame_index"} & set(master.metadata)
    assert combine([master, master]).metadata["frame_type"] == "master_dark"
    mixed = combine([camera.dark_frame(1.0), camera.dark_frame(2.0), camera.bias_frame()])
    assert not {"exposure_s", "frame_type"} & set(mixed.metadata)
    assert combine([np.ones((2, 2))]).metadata == {"n_combined": 1, "combine_method": "median"}


def test_masters_go_to_fits_and_back(tmp_path) -> None:
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(8, 8))
    master = camera.master_bias(5, seed=3)
    master.to_fits(tmp_path / "bias.fits")
    np.testing.assert_array_equal(Frame.from_fits(tmp_path / "bias.fits").data, master.data)


BAD = [
    ([], {}, DomainError, "frames must be at least one frame"),
    ([np.zeros((2, 2)), np.zeros((2, 3))], {}, ShapeError, r"frame 1 must have shape \(2, 2\), got \(2, 3\)"),
    ([np.zeros(4)], {}, ShapeError, r"frame 0 must be an image"),
    ([np.zeros((0, 3))], {}, ShapeError, r"frame 0 must be an image"),
    ([np.zeros((2, 2), complex)], {}, DomainError, "real numbers"),
    (
        [np.zeros((2, 2))],
        {"clip": "mode"},
        DomainError,
        "clip must be one of mad, std, noise, or None, got 'mode'",
    ),
    ([np.zeros((2, 2))], {"reject_low": -1}, DomainError, "reject_low must be an integer >= 0, got -1"),
    ([np.zeros((2, 2))], {"reject_high": 1.5}, DomainError, "reject_high must be an integer >= 0, got 1.5"),
    ([np.zeros((2, 2))], {"dtype": "int16"}, DomainError, "dtype must be float64 or float32, got 'int16'"),
    ([np.zeros((2, 2))], {"memory_limit_mb": 0}, DomainError, "memory_limit_mb must be > 0 MB, got 0"),
    ([np.zeros((2, 2))], {"scale": "mode"}, DomainError, "scale must be one of median, mean, got 'mode'"),
    ([np.zeros((2, 2))], {"scale": [1, 2]}, DomainError, "scale must be one for each of 1 frames, got 2"),
    ([np.zeros((2, 2))], {"scale": [0.0]}, DomainError, "scale 0 must be finite and > 0, got 0.0"),
    ([np.zeros((2, 2))], {"scale": 2.0}, DomainError, "scale must be one for each of 1 frames, got 2.0"),
    (
        [np.zeros((2, 2))],
        {"scale": "median"},
        DomainError,
        r"frame 0\.median must be > 0 to be scaled, got 0.0",
    ),
    ([np.zeros((2, 2))], {"zero": [np.inf]}, DomainError, "zero 0 must be finite, got inf"),
    (
        [np.zeros((2, 2))],
        {"zero": [np.zeros((2, 3))]},
        ShapeError,
        r"zero 0 must have shape \(2, 2\), got \(2, 3\)",
    ),
    (
        [np.full((2, 2), np.nan)],
        {"zero": "mean"},
        DomainError,
        "frame 0 must be good in some pixel to be measured",
    ),
    (
        [np.zeros((2, 2))],
        {"masks": [None, None]},
        DomainError,
        "masks must be one, or one for each of 1 frames, got 2",
    ),
    (
        [np.zeros((2, 2))],
        {"masks": np.zeros((2, 2))},
        DomainError,
        "mask 0 must be an array of bool, got 'float64'",
    ),
    (
        [np.zeros((2, 2))],
        {"masks": [np.zeros((3, 2), bool)]},
        ShapeError,
        r"mask 0 must have shape \(2, 2\), got \(3, 2\)",
    ),
    (
        [np.zeros((2, 2))],
        {"memory_limit_mb": 1e-5},
        SizeError,
        r"memory_limit_mb must be at least .* for one row of 1 frames of width 2",
    ),
    (
        [np.zeros((2, 2))],
        {"method": "average"},
        DomainError,
        "method must be one of median, mean, sigma_clip",
    ),
    ([np.zeros((2, 2))], {"sigma": 0.0}, DomainError, "sigma must be > 0, got 0.0"),
    ([np.zeros((2, 2))], {"sigma": float("nan")}, DomainError, "sigma must be > 0"),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("frames", "options", "error", "words"), BAD)
def test_bad_input(frames, options, error, words, method) -> None:
    with pytest.raises(error, match=words):
        combine(iter(frames), **{"method": method, **options})


def test_bad_pixels_are_left_out_and_flagged() -> None:
    frames = np.full((4, 2, 3), 5.0)
    frames[0, 0, 0], frames[1, 0, 0] = np.nan, np.inf
    frames[:, 1, 1] = np.nan
    masks = np.zeros(frames.shape, bool)
    masks[2, 0, 1], masks[:, 1, 2] = True, True
    for method in METHODS:
        made = combine(frames, method=method, masks=list(masks))
        np.testing.assert_array_equal(made.used, [[2, 3, 4], [4, 0, 0]])
        np.testing.assert_array_equal(made.data, [[5, 5, 5], [5, np.nan, np.nan]])
        wild, masked, none = Flag.NOT_FINITE, Flag.MASKED_IN_INPUT, Flag.NO_DATA
        np.testing.assert_array_equal(made.flags, [[wild, masked, 0], [0, wild | none, masked | none]])
        np.testing.assert_array_equal(made.mask, [[False] * 3, [False, True, True]])
        assert np.isnan(made.uncertainty[1, 1:]).all()


@pytest.mark.parametrize(
    ("values", "method", "dtype"),
    [
        ((1e308, 1.7e308), "median", np.float64),
        ((1e308, 1.7e308), "mean", np.float64),
        ((1e200, 1e200), "mean", np.float32),
    ],
)
def test_a_result_beyond_its_type_is_flagged(values, method, dtype) -> None:
    frames = [np.array([[value, 1.0]]) for value in values]
    made = combine(frames, method=method, dtype=dtype)
    assert np.isinf(made.data[0, 0])
    np.testing.assert_array_equal(made.flags, [[Flag.NOT_FINITE, 0]])


def test_one_frame_is_itself_without_an_uncertainty() -> None:
    frame = stack(1, 4, 4, 1)[0]
    for method in METHODS:
        made = combine([frame], method=method)
        np.testing.assert_array_equal(made.data, frame)
        assert np.isnan(made.uncertainty).all()
        assert made.flags is None


def test_masks_of_frames_and_of_the_call_add_up() -> None:
    one, two = np.eye(3, dtype=bool), np.eye(3, dtype=bool)[::-1]
    frames = [CCDData(np.full((3, 3), 9.0), unit="adu", mask=one), np.ones((3, 3)), np.ones((3, 3))]
    made = combine(frames, method="mean", masks=[two, None, None])
    np.testing.assert_array_equal(made.used, 3 - (one | two))
    assert made.data[one | two] == pytest.approx(1.0)


def test_masked_arrays_keep_their_masks() -> None:
    frames = [
        np.ma.masked_array(np.full((1, 2), value), [[value > 5.0, False]]) for value in (1.0, 2.0, 90.0)
    ]
    made = combine(frames, method="mean")
    np.testing.assert_array_equal(made.data, [[1.5, 31.0]])
    assert made.flags[0, 0] == Flag.MASKED_IN_INPUT


def test_a_star_in_a_twilight_flat_goes_if_frames_are_scaled_before_they_are_clipped() -> None:
    """Levels from 5000 to 30000: a star of 4000 counts is nothing beside them."""
    rng = np.random.default_rng(7)
    levels = np.linspace(5000.0, 30000.0, 7)
    response = rng.normal(1.0, 0.01, (80, 80))
    frames = rng.poisson(levels[:, None, None] * response).astype(np.uint16)
    for number, frame in enumerate(frames):
        frame[10 * number : 10 * number + 5, 20:25] += 4000
    flat = combine(frames, method="sigma_clip", scale="median")
    wrong = combine(frames, method="sigma_clip")
    stars = np.zeros((80, 80), bool)
    for number in range(7):
        stars[10 * number : 10 * number + 5, 20:25] = True
    for frame, found in ((flat, False), (wrong, True)):
        residual = frame.data / np.median(frame.data) / response - 1.0
        assert (np.abs(residual[stars]).max() > 0.025) == found
        assert (residual[stars].mean() > 0.01) == found
    assert flat.data.mean() == pytest.approx(levels.mean(), rel=0.005)


def test_masked_values_are_not_in_the_statistics_of_the_clip() -> None:
    """Three hot values in seven would make any deviation large enough for the fourth."""
    values = np.array([10.0, 11.0, 9.0, 60.0, 5000.0, 5100.0, 5200.0]).reshape(7, 1, 1)
    masks = (values > 1000.0).copy()
    for clip in ("mad", "std"):
        masked = combine(values, method="sigma_clip", clip=clip, sigma=1.5, masks=masks)
        short = combine(values[:4], method="sigma_clip", clip=clip, sigma=1.5)
        assert masked.data[0, 0] == short.data[0, 0] == 10.0
        assert masked.used[0, 0] == 3
        assert masked.flags[0, 0] == Flag.MASKED_IN_INPUT | Flag.REJECTED


def test_one_nan_drops_no_frame_and_does_not_spread_through_the_normalization() -> None:
    rng = np.random.default_rng(8)
    frames = rng.normal(100.0, 1.0, (5, 30, 30)) * np.arange(1, 6)[:, None, None]
    clean = combine(frames, method="mean", scale="median")
    frames[3, 4, 5] = np.nan
    for scale in ("median", "mean", lambda good: 300.0 / np.median(good)):
        made = combine(frames, method="mean", scale=scale)
        assert np.isfinite(made.data).all()
        assert made.used.sum() == 5 * 900 - 1
        np.testing.assert_allclose(made.data, clean.data, rtol=0.01)


def test_weights_of_masked_pixels_are_not_counted() -> None:
    frames = np.stack([np.full((2, 2), value) for value in (1.0, 2.0, 4.0)])
    masks = np.zeros((3, 2, 2), bool)
    masks[2, 0, 0] = True
    frames[2, 0, 0] = np.inf
    made = combine(frames, method="mean", weights=[1.0, 3.0, 4.0], masks=masks)
    assert made.data[0, 0] == pytest.approx((1.0 + 2.0 * 3.0) / 4.0)
    assert made.data[1, 1] == pytest.approx((1.0 + 2.0 * 3.0 + 4.0 * 4.0) / 8.0)


def test_a_weight_of_nothing_leaves_a_frame_out() -> None:
    frames = [np.full((2, 2), value) for value in (1.0, 2.0, 400.0)]
    made = combine(frames, method="mean", weights=[1.0, 1.0, 0.0])
    assert (made.data == 1.5).all()
    assert (made.used == 2).all()
    assert made.flags is None


def test_zero_comes_before_scale() -> None:
    frames = [np.full((2, 2), value) for value in (110.0, 210.0)]
    made = combine(frames, method="mean", zero=[-10.0, -10.0], scale=[2.0, 1.0])
    assert (made.data == 200.0).all()
    level = combine(frames, method="median", zero="mean")
    assert (level.data == 160.0).all()
    measured = combine(frames, method="mean", zero=[-10.0, -10.0], scale="median")
    assert (measured.data == 150.0).all()


def test_lowest_and_highest_are_left_out() -> None:
    frames = [np.full((1, 1), value) for value in (5, 1, 9, 9, 3, 100)]
    assert combine(frames, method="mean", reject_low=1, reject_high=2).data[0, 0] == pytest.approx(17 / 3)
    made = combine(frames[:3], method="mean", reject_low=1, reject_high=2)
    assert np.isnan(made.data[0, 0])
    assert made.flags[0, 0] == Flag.REJECTED | Flag.NO_DATA


def test_the_noise_model_works_from_three_frames_on() -> None:
    """Read noise of 5 e- and a gain of 2 e-/ADU over a pedestal of 300: the limit is 3 sigma, not the scatter of three values."""
    frames = [np.full((1, 1), value, np.uint16) for value in (1300, 1360, 1420)]
    options = {"method": "sigma_clip", "clip": "noise", "read_noise_e": 5.0, "pedestal_adu": 300.0}
    limit = 3.0 * np.hypot(2.5, np.sqrt((1360 - 300) / 2.0))
    assert 60 < limit < 70
    assert combine(frames, gain_e_per_adu=2.0, **options).used[0, 0] == 3
    assert combine([frames[0], frames[1], frames[2] + 20], gain_e_per_adu=2.0, **options).used[0, 0] == 2
    known = [Frame(frame, {"gain_e_per_adu": 2.0, "read_noise_e": 5.0}) for frame in frames]
    assert combine(known, method="sigma_clip", clip="noise", pedestal_adu=300.0).used[0, 0] == 3
    with pytest.raises(
        DomainError, match=r'gain_e_per_adu must be a finite number for clip="noise", got None'
    ):
        combine(frames, method="sigma_clip", clip="noise")


def test_units_must_agree(tmp_path) -> None:
    (one,) = written(tmp_path, stack(1, 3, 3, 1), BUNIT="electron")
    with pytest.raises(
        DomainError, match=r"frame 1 must have the unit 'electron' of .*0\.fits \(BUNIT\), got 'adu'"
    ):
        combine([one, np.zeros((3, 3))])
    assert combine([one, one]).unit == "electron"


def test_bad_files_are_named_and_closed(tmp_path) -> None:
    paths = written(tmp_path, stack(4, 60, 50, 1))
    os.truncate(paths[2], 5000)
    folder = Path("/proc/self/fd")
    before = len(list(folder.iterdir())) if folder.is_dir() else 0
    with pytest.raises(IntegrityError, match=r"2\.fits is cut short"):
        combine(paths)
    paths[2].unlink()
    with pytest.raises(MissingFileError, match=r"cannot read .*2\.fits: there is no such file"):
        combine(paths, method="sigma_clip")
    with pytest.raises(ShapeError, match=r"frame 2 must have shape \(60, 50\), got \(50, 60\)"):
        combine([*paths[:2], np.zeros((50, 60))])
    assert not folder.is_dir() or len(list(folder.iterdir())) == before


def test_a_file_that_is_cut_short_while_it_is_read(tmp_path, monkeypatch) -> None:
    paths = written(tmp_path, stack(3, 400, 50, 1))
    monkeypatch.setattr("getframes.reduce.bands._BAND_BYTES", 3 * 2 * 50)
    put = Planes.put

    def cut(self, rows, *planes) -> None:
        if rows.start == 10:
            os.truncate(paths[1], 5000)
        put(self, rows, *planes)

    monkeypatch.setattr(Planes, "put", cut)
    with pytest.raises(IntegrityError, match=r"1\.fits was cut short while it was read"):
        combine(paths)


def test_more_files_than_descriptors(tmp_path) -> None:
    """Forty files where the system gives thirty descriptors."""
    resource = pytest.importorskip("resource")
    frames = stack(40, 30, 20, 1)
    paths = written(tmp_path, frames)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = (
        max(int(path.name) for path in Path("/proc/self/fd").iterdir())
        if Path("/proc/self/fd").is_dir()
        else 100
    )
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * (taken + 10), hard))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("getframes.io.images._most_files", lambda: 10)
            made = combine(paths)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    np.testing.assert_array_equal(made.data, np.median(frames, axis=0))


def test_an_interrupt_stops_it() -> None:
    script = """
import numpy, signal, threading, os, time
from getframes import combine
frames = [numpy.random.default_rng(1).normal(size=(1500, 1500)) for _ in range(60)]
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
start = time.perf_counter()
try:
    while True:
        combine(frames, method="sigma_clip", sigma=1.0)
except KeyboardInterrupt:
    print(time.perf_counter() - start)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 3.0


def test_one_frame_is_not_a_stack() -> None:
    with pytest.raises(TypeError, match="iterable of frames, got one Frame"):
        combine(Frame(np.zeros((2, 2))))


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (60, 40)])
def test_the_median_of_counts_needs_no_frame_in_memory(
    kind: str, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is that of numpy, with masks too, from bands of rows."""
    monkeypatch.setattr("getframes.reduce.levels._BAND_PIXELS", 300)
    random = np.random.default_rng(3)
    frames = random.integers(1, np.iinfo(kind).max + 1, (3, *shape)).astype(kind)
    masks = random.random(frames.shape) < 0.4
    masks[:, 0, 0] = False
    levels = [float(np.median(frame[~mask])) for frame, mask in zip(frames, masks, strict=True)]
    wanted = [np.mean(levels) / level for level in levels]
    made = combine(frames, method="mean", scale="median", masks=masks)
    given = combine(frames, method="mean", scale=wanted, masks=masks)
    np.testing.assert_array_equal(made.data, given.data)
