"""Master frames: what goes in, what their headers say, and bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData

from getframes import Camera, Frame
from getframes.errors import DomainError, GetframesError, IntegrityError, MissingFileError, ShapeError
from getframes.reduce import Extensions, Flag, ReducedFrame, calibrate, master_bias, master_dark, master_flat
from tests.behaviour.reduce.test_application import image, mosaic, overscanned, write

SHAPE = (5, 7)


def counts(value: float, shape: tuple[int, int] = SHAPE, **metadata: Any) -> Frame:
    return Frame(np.full(shape, value, np.uint16), metadata)


def noisy(
    value: float, number: int, spread: float = 5.0, shape: tuple[int, int] = (40, 50), **metadata: Any
) -> Frame:
    drawn = np.random.default_rng(number).normal(value, spread, shape)
    return Frame(np.maximum(drawn.round(), 0).astype(np.uint16), metadata)


def test_the_laws() -> None:
    bias = master_bias([counts(100)] * 3)
    assert (bias.data == 100).all()
    assert bias.unit == "adu"
    dark = master_dark([counts(100 + 2 * t, exposure_s=t) for t in (5.0, 10.0, 30.0)], bias)
    np.testing.assert_allclose(dark.data, 2.0, rtol=1e-6)
    assert dark.unit == "adu/s"
    raws = [counts(100 + 2 * t + 1000 * t, exposure_s=t) for t in (1.0, 2.0, 3.0)]
    raws[0].data[0, 0] = 100 + 2 + 2000
    flat = master_flat(raws, bias, dark, sigma=1e6, method="mean")
    assert flat.unit == ""
    np.testing.assert_allclose(flat.metadata["flat_levels_adu"], [1000.0, 2000.0, 3000.0], rtol=1e-6)
    assert flat.data.mean() == pytest.approx(1.0, abs=1e-6)
    made = calibrate(counts(100 + 14 + 500, exposure_s=7.0), bias=bias, dark=dark)
    np.testing.assert_allclose(made.data, 500.0, rtol=1e-6)


def test_one_cosmic_ray_goes() -> None:
    for count in (3, 5, 12):
        frames = [noisy(100, n) for n in range(count)]
        clean = master_bias(frames).data
        frames[1].data[3, 4] += 5000
        hit = master_bias(frames)
        assert abs(hit.data[3, 4] - clean[3, 4]) < 3.0 * 5.0 / np.sqrt(count)
        assert hit.flags[3, 4] & Flag.REJECTED
        assert hit.used[3, 4] < count


def test_headers_of_masters(tmp_path) -> None:
    paths = []
    for number in range(3):
        path = tmp_path / f"bias{number}.fits"
        paths.append(write(path, noisy(100, number).data, IMAGETYP="Bias Frame", FILTER="V", EXPTIME=0.0))
    bias = master_bias(paths)
    bias.to_fits(tmp_path / "bias.fits")
    header = fits.getheader(tmp_path / "bias.fits")
    assert header["NCOMBINE"] == 3
    assert header["IMAGETYP"] == "MASTER BIAS"
    assert header["FILTER"] == "V"
    assert list(header["HISTORY"]) == ["mean of 3 biases, sigma_clip"]
    darks = [write(tmp_path / f"dark{n}.fits", noisy(120, n).data, EXPTIME=10.0 * (n + 1)) for n in range(3)]
    master_dark(darks, tmp_path / "bias.fits").to_fits(tmp_path / "dark.fits")
    header = fits.getheader(tmp_path / "dark.fits")
    assert header["BUNIT"] == "adu/s"
    assert header["BIASNAME"] == "bias.fits"
    assert header["BIASSUM"] == fits.getheader(tmp_path / "bias.fits")["DATASUM"]
    assert header["BIASNCOM"] == 3
    assert "EXPTIME" not in header
    back = ReducedFrame.from_fits(tmp_path / "dark.fits")
    assert back.metadata["exposures_s"] == [10.0, 20.0, 30.0]
    assert 1 / 30 < back.metadata["bias_weight"] < 1 / 10
    assert back.unit == "adu/s"
    made = calibrate(darks[0], bias=tmp_path / "bias.fits", dark=tmp_path / "dark.fits")
    assert made.metadata["dark_n_combined"] == 3


def test_files_and_frames_give_the_same(tmp_path) -> None:
    frames = [noisy(3000, n, exposure_s=4.0, gain_e_per_adu=1.5, read_noise_e=5.0) for n in range(4)]
    paths = []
    for number, frame in enumerate(frames):
        frame.to_fits(tmp_path / f"{number}.fits")
        paths.append(tmp_path / f"{number}.fits")
    ccds = [
        CCDData(frame.data, unit="adu", meta={"EXPTIME": 4.0, "GAIN": 1.5, "RDNOISE": 5.0})
        for frame in frames
    ]
    bias = image(100, (40, 50))
    for make in (
        lambda raws: master_bias(raws),
        lambda raws: master_dark(raws, bias),
        lambda raws: master_flat(raws, bias),
    ):
        direct = make(frames)
        for other in (make(paths), make(ccds), make(iter(frames)), make(tuple(paths))):
            np.testing.assert_array_equal(other.data, direct.data)
            np.testing.assert_array_equal(other.uncertainty, direct.uncertainty)


def test_one_frame_has_the_uncertainty_of_its_header() -> None:
    facts = {"gain_e_per_adu": 2.0, "read_noise_e": 8.0, "exposure_s": 10.0}
    bias = master_bias([counts(0, **facts)])
    np.testing.assert_allclose(bias.uncertainty, np.sqrt(16 + 1 / 12), rtol=1e-6)
    dark = master_dark([counts(300, **facts)], ReducedFrame(image(100), uncertainty=image(1.0)))
    np.testing.assert_allclose(dark.uncertainty, np.sqrt(16 + 1 / 12 + 100 + 1) / 10, rtol=1e-6)
    assert master_bias([counts(0)]).uncertainty is None
    flat = master_flat([counts(1100, **facts)], image(100))
    np.testing.assert_allclose(flat.uncertainty, np.sqrt(16 + 1 / 12 + 500) / 1000, rtol=1e-6)


def test_flats_with_saturated_and_dead_pixels() -> None:
    raws = [noisy(20_000, n, 100.0, saturate_adu=50_000) for n in range(6)]
    for number, raw in enumerate(raws):
        raw.data[0, 0] = 60_000
        raw.data[1, 1] = 100
        raw.data[2, 2] = 60_000 if number < 3 else 20_000
    flat = master_flat(raws, image(100, (40, 50)))
    assert np.isnan(flat.data[[0, 1], [0, 1]]).all()
    assert flat.flags[1, 1] & Flag.DEAD
    assert flat.flags[0, 0] & Flag.NO_DATA
    assert flat.data[2, 2] == pytest.approx(1.0, abs=0.02)
    assert np.nanmean(flat.data) == pytest.approx(1.0, abs=1e-6)
    made = calibrate(noisy(5000, 9), bias=image(100, (40, 50)), flat=flat)
    assert made.mask[[0, 1], [0, 1]].all()


def test_not_finite_and_masked_pixels_are_left_out() -> None:
    frames: list[Any] = [noisy(100, n).data.astype(np.float32) for n in range(5)]
    frames[0][1, 2], frames[1][3, 4] = np.nan, np.inf
    for frame in frames:
        frame[5, 6] = np.nan
    mask = np.zeros((40, 50), bool)
    mask[7, 8] = True
    made = master_bias([*frames[:4], CCDData(frames[4], unit="adu", mask=mask)])
    assert made.used[1, 2] == made.used[3, 4] == made.used[7, 8] == 4
    assert np.isnan(made.data[5, 6])
    assert made.flags[5, 6] & Flag.NO_DATA
    assert np.isfinite(made.data).sum() == made.data.size - 1
    rate = master_dark([CCDData(frame, unit="adu", mask=mask) for frame in frames], made, exposure=2.0)
    assert rate.flags[7, 8] & Flag.NO_DATA


def test_everything_masked_is_flagged_or_refused() -> None:
    masked = [CCDData(image(100), unit="adu", mask=np.ones(SHAPE, bool)) for _ in range(3)]
    bias = master_bias(masked)
    assert np.isnan(bias.data).all()
    assert bias.mask.all()
    with pytest.raises(DomainError, match="flat 0 must be good in some pixel"):
        master_flat(masked, image(1))


def test_exposures_are_given_or_found() -> None:
    frames = [noisy(200, n) for n in range(3)]
    bias = image(100, (40, 50))
    one = master_dark(frames, bias, exposure=0.5 * units.min)
    each = master_dark(frames, bias, exposure=[30.0, 30.0, 30.0])
    np.testing.assert_array_equal(one.data, each.data)
    assert one.data.mean() == pytest.approx(100 / 30, abs=0.1)
    with pytest.raises(DomainError, match="exposure must be 3 numbers, or one, got 2"):
        master_dark(frames, bias, exposure=[1.0, 2.0])


def test_hot_pixels_are_flagged_on_request() -> None:
    frames = [counts(100, exposure_s=10.0) for _ in range(3)]
    for frame in frames:
        frame.data[2, 3] = 5100
    dark = master_dark(frames, image(100), hot=400.0)
    assert dark.flags[2, 3] & Flag.HOT
    assert dark.mask.sum() == 1
    assert calibrate(frames[0], bias=image(100), dark=dark).mask.sum() == 1
    assert not master_dark(frames, image(100)).mask.any()


def test_given_levels_are_taken() -> None:
    raws = [noisy(2100, 1), noisy(4100, 2)]
    flat = master_flat(raws, image(100, (40, 50)), levels=[2000.0, 4000.0])
    assert flat.metadata["flat_levels_adu"] == [2000.0, 4000.0]
    with pytest.raises(DomainError, match="levels must be 2 numbers"):
        master_flat(raws, image(100, (40, 50)), levels=[1.0])


def test_overscan_comes_off_first(tmp_path) -> None:
    paths = [overscanned(tmp_path / f"{n}.fits", level=300.0) for n in range(3)]
    bias = master_bias(paths)
    assert bias.shape == (38, 50)
    np.testing.assert_allclose(bias.data, 700.0)
    assert bias.metadata["calibration"] == ["overscan"]
    made = calibrate(paths[0], bias=bias)
    np.testing.assert_allclose(made.data, 0.0)
    rate = master_dark(paths, image(690, (38, 50)))
    np.testing.assert_allclose(rate.data, 10.0)


def test_extensions_have_masters_of_their_own(tmp_path) -> None:
    biases = [mosaic(tmp_path / f"b{n}.fits", add=-900.0) for n in range(3)]
    darks = [mosaic(tmp_path / f"d{n}.fits", add=-800.0) for n in range(3)]
    flats = [mosaic(tmp_path / f"f{n}.fits", add=4000.0) for n in range(3)]
    bias = master_bias(biases)
    assert isinstance(bias, Extensions)
    bias.to_fits(tmp_path / "bias.fits")
    dark = master_dark(darks, tmp_path / "bias.fits")
    flat = master_flat(flats, bias, dark)
    for number, frame in enumerate(dark.values(), start=1):
        assert frame.shape == (10 + number, 12)
        np.testing.assert_allclose(frame.data, 100.0 / 20.0)
    made = calibrate(mosaic(tmp_path / "raw.fits"), bias=tmp_path / "bias.fits", dark=dark, flat=flat)
    for frame in made.values():
        np.testing.assert_allclose(frame.data, 800.0, rtol=1e-6)
    missing = mosaic(tmp_path / "two.fits", names=("CCD1", "CCD2"))
    with pytest.raises(DomainError, match=r"two.fits must be of the extensions.*without match.*CCD3"):
        master_bias([*biases, missing])


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: master_bias([]), DomainError, "frames of master_bias must be at least one, got 0"),
    (lambda: master_bias(counts(1)), TypeError, "takes an iterable of frames, got one Frame"),  # type: ignore[arg-type]
    (lambda: master_bias("bias.fits"), TypeError, "takes an iterable of frames, got one str"),
    (lambda: master_bias([counts(1), counts(1, (3, 3))]), ShapeError, r"bias 1 must have shape \(5, 7\)"),
    (lambda: master_bias([CCDData(image(1), unit="electron")]), DomainError, "bias 0: unit must be adu"),
    (
        lambda: master_bias(
            [counts(1, exposure_s=0.0), counts(1, exposure_s=0.05), counts(1, exposure_s=30.0)]
        ),
        DomainError,
        "bias 2: EXPTIME must be that of bias 0, 0.0 s, .* got 30.0",
    ),
    (lambda: master_dark([counts(1)], image(0)), DomainError, "dark 0 must have the keyword EXPTIME"),
    (
        lambda: master_dark([counts(1, exposure_s=0.0)], image(0)),
        DomainError,
        r"dark 0: EXPTIME must be > 0 s, got 0.0",
    ),
    (
        lambda: master_dark([counts(1, exposure_s=1.0)], None),
        DomainError,
        "bias must be given, since dark 0 holds it",
    ),
    (
        lambda: master_dark([counts(1)], image(0, (3, 3)), exposure=1.0),
        ShapeError,
        r"must have shape \(3, 3\), as the bias",
    ),
    (
        lambda: master_dark([counts(1)], rate(), exposure=1.0),
        DomainError,
        r"bias.unit must be adu, got 'adu/s'",
    ),
    (
        lambda: master_flat([counts(1)], image(5)),
        DomainError,
        r"flat 0: level of the flat must be finite and > 0 ADU",
    ),
    (
        lambda: master_flat([counts(0)], image(0)),
        DomainError,
        r"flat 0: level of the flat must be finite and > 0 ADU",
    ),
    (lambda: master_flat([counts(65535)], image(0)), DomainError, "flat 0 must be good in some pixel"),
    (lambda: master_flat([counts(9)], image(0), rate()), DomainError, "flat 0 must have the keyword EXPTIME"),
    (
        lambda: master_flat([counts(9)], image(1), image(1)),
        DomainError,
        "holds the bias, which would be subtracted",
    ),
    (
        lambda: master_flat([counts(9)], image(0), least=1.0),
        DomainError,
        r"least must be in \[0, 1\), got 1.0",
    ),
    (lambda: master_bias([counts(1)], method="mode"), DomainError, "method must be one of"),
    (lambda: master_bias([counts(1)], sigma=-1.0), DomainError, "sigma must be > 0"),
    (lambda: master_dark([calibrated()], image(1), exposure=1.0), DomainError, "calibrated for bias already"),
]


def rate() -> ReducedFrame:
    return ReducedFrame(image(1.0), {"calibration": ["bias"]}, unit="adu/s")


def calibrated() -> ReducedFrame:
    made = calibrate(image(10), bias=image(1))
    assert isinstance(made, ReducedFrame)
    return made


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_bad_input(call, error, words) -> None:
    with pytest.raises(error, match=words):
        call()


def test_darks_without_bias_need_none() -> None:
    made = calibrate(counts(110, exposure_s=5.0), bias=image(100))
    assert isinstance(made, ReducedFrame)
    dark = master_dark([made, made], None)
    np.testing.assert_allclose(dark.data, 2.0)


def test_bad_files_are_named(tmp_path) -> None:
    good = write(tmp_path / "good.fits", np.full((100, 100), 5, np.uint16), EXPTIME=1.0)
    cut = tmp_path / "cut.fits"
    cut.write_bytes(good.read_bytes()[:9000])
    with pytest.raises(IntegrityError, match=r"cut\.fits"):
        master_bias([good, cut])
    with pytest.raises(MissingFileError, match=r"gone\.fits"):
        master_bias([good, tmp_path / "gone.fits"])
    other = write(tmp_path / "other.fits", np.full((50, 100), 5, np.uint16), EXPTIME=1.0)
    with pytest.raises(ShapeError, match=r"other\.fits must have shape \(100, 100\)"):
        master_bias([good, other])
    without = write(tmp_path / "without.fits", np.full((100, 100), 5, np.uint16))
    with pytest.raises(DomainError, match=r"without\.fits must have the keyword EXPTIME"):
        master_dark([good, without], image(1, (100, 100)))
    zero = write(tmp_path / "zero.fits", np.full((100, 100), 5, np.uint16), EXPTIME=0.0)
    with pytest.raises(DomainError, match=r"zero\.fits: EXPTIME must be > 0 s, got 0.0"):
        master_dark([good, zero], image(1, (100, 100)))
    (tmp_path / "text.fits").write_text("no frame")
    with pytest.raises(GetframesError, match=r"text\.fits"):
        master_flat([tmp_path / "text.fits"], None)


def test_inputs_are_not_changed() -> None:
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(16, 16))
    frames = [camera.flat_frame(10_000.0, 1.0) for _ in range(3)]
    bias = camera.master_bias(3)
    before = [frame.data.copy() for frame in (*frames, bias)]
    flat = master_flat(frames, bias)
    calibrate(frames[0], bias=bias, flat=flat)
    for frame, kept in zip((*frames, bias), before, strict=True):
        np.testing.assert_array_equal(frame.data, kept)
