"""Masters applied to raw frames: what is taken off, what is known of it afterwards, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty

from getframes import Camera, Frame
from getframes.errors import (
    DomainError,
    GetframesError,
    IntegrityError,
    MissingFileError,
    OutputError,
    ShapeError,
)
from getframes.reduce import Extensions, Flag, Masters, ReducedFrame, calibrate, subtract_overscan
from getframes.reduce.application import datasum

SHAPE = (5, 7)


def image(value: float, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.full(shape, float(value))


def rate(value: float = 2.0, sigma: float = 0.0) -> ReducedFrame:
    return ReducedFrame(image(value), {"calibration": ["bias"]}, uncertainty=image(sigma), unit="adu/s")


def response(value: float = 2.0, sigma: float = 0.0) -> ReducedFrame:
    return ReducedFrame(image(value), uncertainty=image(sigma), unit="")


def test_the_law() -> None:
    raw = np.full(SHAPE, 1000, np.uint16)
    made = calibrate(raw, exposure=30.0, bias=image(100), dark=rate(), flat=response())
    assert made.dtype == np.float32
    assert made.unit == "adu"
    assert (made.data == (1000 - 100 - 60) / 2).all()
    assert made.uncertainty is None
    assert (made.flags == 0).all()
    assert made.metadata["calibration"] == ["bias", "dark", "flat"]
    assert made.metadata["exposure_s"] == 30.0
    electrons = calibrate(raw, exposure=30.0, bias=image(100), dark=rate(), gain=1.5, unit="electron")
    assert (electrons.data == 840 * 1.5).all()
    assert electrons.unit == "electron"
    assert (raw == 1000).all()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_variance(precision: str) -> None:
    """r^2 + 1/12 + signal / K, and every master: against the formula written out."""
    raw = np.full(SHAPE, 1000, np.uint16)
    bias = ReducedFrame(image(100), uncertainty=image(0.5))
    options = {"gain": 1.5, "read_noise": 6.0, "precision": precision}
    made = calibrate(raw, exposure=30.0, bias=bias, dark=rate(2.0, 0.01), flat=response(0.8, 0.02), **options)
    variance = 16.0 + 1 / 12 + 900 / 1.5 + 0.25 + (30 * 0.01) ** 2
    expected = np.sqrt(variance / 0.8**2 + (840 / 0.8**2 * 0.02) ** 2)
    np.testing.assert_allclose(made.uncertainty, expected, rtol=1e-6)
    assert made.dtype == made.uncertainty.dtype == precision
    electrons = calibrate(raw, bias=bias, unit="electron", **options)
    np.testing.assert_allclose(electrons.uncertainty, 1.5 * np.sqrt(16 + 1 / 12 + 600 + 0.25), rtol=1e-6)
    below = calibrate(np.full(SHAPE, 90, np.uint16), bias=bias, **options)
    assert (below.data == -10).all()
    np.testing.assert_allclose(below.uncertainty, np.sqrt(16 + 1 / 12 + 0.25), rtol=1e-6)


def test_light_that_is_expected_tells_the_poisson_noise() -> None:
    raw = np.full(SHAPE, 1000.0)
    options = {
        "gain": 1.5,
        "read_noise": 6.0,
        "exposure": 30.0,
        "bias": image(100),
        "dark": rate(),
        "flat": response(),
    }
    light = image(300)
    light[0, 0] = -500.0
    made = calibrate(raw, signal=light, **options)
    expected = np.sqrt(16 + np.maximum(light * 2 + 60, 0) / 1.5) / 2
    np.testing.assert_allclose(made.uncertainty, expected)
    electrons = calibrate(raw, signal=450.0, unit="electron", **options)
    np.testing.assert_allclose(electrons.uncertainty, 1.5 * expected[1, 1])
    with pytest.raises(ShapeError, match=r"signal must have shape \(5, 7\), got \(3, 3\)"):
        calibrate(raw, signal=image(1, (3, 3)), **options)


def test_a_gain_stage_adds_its_excess_noise() -> None:
    raw = np.full(SHAPE, 1000.0)
    facts = {"gain_e_per_adu": 4.0, "read_noise_e": 40.0, "em_gain": 200.0}
    emccd = calibrate(Frame(raw, {**facts, "sensor": "EMCCD"}), bias=image(0))
    np.testing.assert_allclose(emccd.uncertainty, np.sqrt(100 + 2 * 1000 * 200 / 4))
    eapd = calibrate(Frame(raw, {**facts, "sensor": "EAPD"}), bias=image(0), excess_noise=1.25)
    np.testing.assert_allclose(eapd.uncertainty, np.sqrt(100 + 1.25**2 * 1000 * 50))
    unknown = calibrate(Frame(raw, {**facts, "sensor": "EAPD"}), bias=image(0))
    assert unknown.uncertainty is None
    assert "no uncertainty: excess noise of the gain stage" in unknown.metadata["history"]
    light = calibrate(Frame(raw, {**facts, "sensor": "EMCCD"}), bias=image(0), unit="electron")
    np.testing.assert_allclose(light.data, 1000 * 4 / 200)


@pytest.mark.parametrize("preset", ["generic_emccd", "generic_eapd"])
def test_simulated_frames_know_their_excess_noise(tmp_path, preset) -> None:
    camera = Camera.from_preset(preset, seed=1).with_config(resolution=(8, 9))
    camera.expose(100.0, 1.0).to_fits(tmp_path / "raw.fits")
    header = fits.getheader(tmp_path / "raw.fits")
    assert header["EXCESSNF"] == camera.config.gain_excess_noise_factor
    made = calibrate(tmp_path / "raw.fits", bias=image(camera.config.bias_offset_adu, (8, 9)))
    config = camera.config
    shot = config.gain_excess_noise_factor**2 * config.em_gain / config.gain_e_per_adu
    variance = (config.read_noise_e / config.gain_e_per_adu) ** 2 + 1 / 12 + shot * np.maximum(made.data, 0)
    np.testing.assert_allclose(made.uncertainty, np.sqrt(variance), rtol=1e-5)


def test_read_noise_of_binned_and_double_reads() -> None:
    facts = {"gain_e_per_adu": 1.0, "read_noise_e": 3.0}
    raw = np.zeros(SHAPE)
    for more, reads in (
        ({}, 1),
        ({"binning": 2}, 4),
        ({"binning": 2, "binning_mode": "on_chip"}, 1),
        ({"readout_mode": "global_reset_cds"}, 2),
    ):
        made = calibrate(Frame(raw, {**facts, **more}))
        np.testing.assert_allclose(made.uncertainty, 3.0 * np.sqrt(reads))
    one = calibrate(Frame(raw, facts), read_noise=np.arange(35.0).reshape(SHAPE))
    np.testing.assert_allclose(one.uncertainty, np.arange(35.0).reshape(SHAPE))


def test_a_dark_with_the_same_bias_takes_its_error_back() -> None:
    raw = np.full(SHAPE, 100.0)
    bias = ReducedFrame(image(100), uncertainty=image(2.0))
    known = {"bias_checksum": datasum(bias.data), "bias_weight": 1 / 60, "calibration": ["bias"]}
    options = {"gain": 1.0, "read_noise": 5.0, "exposure": 60.0, "bias": bias}
    # n - b - t (n' - b) / t: the bias is in the difference no longer, and the error of the dark has that of n' and b.
    spread = np.sqrt(3.0**2 + 2.0**2) / 60
    dark = ReducedFrame(image(0.0), known, uncertainty=image(spread), unit="adu/s")
    np.testing.assert_allclose(calibrate(raw, dark=dark, **options).uncertainty, np.sqrt(25 + 9))
    other = ReducedFrame(image(0.0), {**known, "bias_checksum": "1"}, uncertainty=image(spread), unit="adu/s")
    np.testing.assert_allclose(calibrate(raw, dark=other, **options).uncertainty, np.sqrt(25 + 9 + 4 + 4))


def test_a_dark_in_counts_has_the_meaning_of_2x() -> None:
    raw = image(1000)
    assert (calibrate(raw, dark=image(150)).data == 850).all()
    with pytest.raises(DomainError, match=r"dark must have a unit of adu/s to be scaled by exposure=30"):
        calibrate(raw, dark=image(150), exposure=30.0)
    with pytest.raises(DomainError, match="holds the bias, which would be subtracted twice"):
        calibrate(raw, dark=image(150), bias=image(100))
    taken = Frame(image(150), {"exposure_s": 30.0})
    assert (calibrate(raw, dark=taken, exposure=30.0).data == 850).all()
    with pytest.raises(DomainError, match=r"dark must be of the exposure of image, 60.0 s.*got '30.0 s'"):
        calibrate(raw, dark=taken, exposure=60.0)
    with pytest.raises(DomainError, match=r"of the exposure of image, 10.0 s"):
        calibrate(Frame(raw, {"exposure_s": 10.0}), dark=taken)
    without = Frame(image(50), {"exposure_s": 30.0, "calibration": ["bias"]})
    assert (calibrate(raw, dark=without, bias=image(100), exposure=30.0).data == 850).all()


def test_nothing_is_subtracted_twice() -> None:
    raw = Frame(image(1000), {"exposure_s": 1.0})
    once = calibrate(raw, bias=image(100), dark=rate(), flat=image(1))
    for kind, master in (("bias", image(100)), ("dark", rate()), ("flat", image(1))):
        with pytest.raises(
            DomainError, match=f"{kind} must be left out: image is calibrated for {kind} already"
        ):
            calibrate(once, **{kind: master})
    with pytest.raises(DomainError, match="calibrated for bias already"):
        calibrate(calibrate(raw, bias=image(100)), dark=image(150))


def test_a_flat_is_over_its_mean() -> None:
    flat = image(20_000)
    flat[0, 0] = 10_000
    flat[1, 1], flat[2, 2], flat[3, 3] = 0.0, -5.0, np.nan
    made = calibrate(image(100), flat=flat)
    level = flat[flat > 0].mean()
    assert made.data[0, 0] == pytest.approx(100 * level / 10_000)
    assert np.isnan(made.data[[1, 2, 3], [1, 2, 3]]).all()
    assert (made.flags[[1, 2, 3], [1, 2, 3]] == Flag.DEAD).all()
    assert np.isfinite(made.data).sum() == made.data.size - 3
    assert (calibrate(image(100), flat=response(2.0)).data == 50).all()


def test_pixels_that_are_not_finite_are_flagged() -> None:
    raw, bias = image(1000), image(100)
    raw[0, 0], raw[0, 1], raw[0, 2], bias[0, 3] = np.nan, np.inf, -np.inf, np.nan
    made = calibrate(raw, bias=bias, gain=1.0, read_noise=2.0)
    assert (made.flags[0, :4] == (Flag.NOT_FINITE | Flag.NO_DATA)).all()
    assert np.isnan(made.data[0, :4]).all()
    assert np.isnan(made.uncertainty[0, :4]).all()
    assert not made.flags[0, 4:].any()
    assert not made.flags[1:].any()
    nothing = calibrate(np.full(SHAPE, np.nan), bias=bias)
    assert nothing.mask.all()


def test_saturated_pixels_are_flagged() -> None:
    raw = np.full(SHAPE, 1000, np.uint16)
    raw[0, 0], raw[1, 1] = 65535, 60_000
    assert list(np.argwhere(calibrate(raw).flags)[:, 0]) == [0]
    made = calibrate(raw, saturation=60_000 * units.adu)
    assert (made.flags[[0, 1], [0, 1]] == Flag.SATURATED).all()
    assert made.data[1, 1] == 60_000
    assert (calibrate(Frame(raw, {"saturate_adu": 1000})).flags == Flag.SATURATED).all()


def test_masks_go_along() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[2, 3] = True
    raw = CCDData(image(500), unit="adu", mask=mask)
    made = calibrate(raw, bias=CCDData(image(100), unit="adu", uncertainty=StdDevUncertainty(image(1.0))))
    assert made.flags[2, 3] == Flag.MASKED_IN_INPUT | Flag.NO_DATA
    assert np.isnan(made.data[2, 3])
    assert (made.data[~mask] == 400).all()
    flags = np.zeros(SHAPE, np.uint16)
    flags[0, 0], flags[0, 1] = Flag.HOT, Flag.REJECTED
    hot = ReducedFrame(image(1.0), {"calibration": ["bias"]}, flags=flags, unit="adu/s")
    made = calibrate(image(500), dark=hot, exposure=1.0)
    assert made.flags[0, 0] == Flag.HOT
    assert made.flags[0, 1] == 0


def test_units() -> None:
    raw = CCDData(
        image(1000), unit="adu", meta={"EXPTIME": 0.5 * units.min, "GAIN": 2 * units.electron / units.adu}
    )
    made = calibrate(
        raw, bias=image(100) * units.adu, dark=image(2) * units.adu / units.s, read_noise=4 * units.electron
    )
    assert (made.data == 840).all()
    np.testing.assert_allclose(made.uncertainty, np.sqrt(4 + 450))
    minutes = calibrate(
        image(1000), exposure=0.5 * units.min, dark=rate(), gain=2 * units.electron / units.adu
    )
    assert (minutes.data == 940).all()
    for name, value, words in (
        ("exposure", 3 * units.m, "exposure must be in s, got 3.0 m"),
        ("gain", 3 * units.s, "gain must be in e-/ADU, got 3.0 s"),
        ("read_noise", 3 * units.s, "read_noise must be in e-, got 3.0 s"),
    ):
        with pytest.raises(DomainError, match=words):
            calibrate(image(1000), dark=rate(), **{"exposure": 1.0, name: value})
    ccd = calibrate(raw, bias=image(100)).to_ccddata()
    assert ccd.unit == units.adu
    with pytest.raises(DomainError, match="unit of the image must be adu, got 'electron'"):
        calibrate(CCDData(image(1), unit="electron"))
    with pytest.raises(DomainError, match="BUNIT must be adu, adu/s, electron"):
        calibrate(CCDData(image(1), unit="Jy"))
    with pytest.raises(DomainError, match="unit must be adu or adu/s, got 'electron'"):
        calibrate(image(1), dark=CCDData(image(1), unit="electron"))


BAD = [
    (
        {"bias": image(1, (3, 3))},
        ShapeError,
        r"image must have shape \(3, 3\), as the bias bias, got \(5, 7\)",
    ),
    (
        {"bias": image(1), "flat": image(1, (3, 3))},
        ShapeError,
        r"flat \(flat\) must have shape \(5, 7\), got \(3, 3\)",
    ),
    ({"flat": image(0)}, DomainError, r"flat \(flat\) must be positive in some pixel, got 0.0"),
    ({"flat": image(np.nan)}, DomainError, "positive in some pixel"),
    ({"dark": rate()}, DomainError, "image must have the keyword EXPTIME or EXPOSURE or EXP_TIME"),
    ({"dark": rate(), "exposure": -1.0}, DomainError, "exposure must be finite and >= 0 s, got -1.0"),
    ({"dark": rate(), "exposure": "long"}, DomainError, "exposure must be finite and >= 0 s, got 'long'"),
    ({"gain": 0.0}, DomainError, "gain must be finite and > 0 e-/ADU, got 0.0"),
    ({"read_noise": -1.0}, DomainError, "read_noise must be finite and >= 0 e-, got -1.0"),
    ({"read_noise": image(1, (3, 3))}, DomainError, r"read_noise must be >= 0 e- and of shape \(5, 7\)"),
    ({"excess_noise": 0.5}, DomainError, "excess_noise must be >= 1, got 0.5"),
    ({"unit": "electron"}, DomainError, r"image: GAIN \(or gain=\) must be there for electrons"),
    ({"unit": "photon"}, DomainError, "unit must be 'adu' or 'electron', got 'photon'"),
    (
        {"uncertainty": True},
        DomainError,
        r"image must have gain \(GAIN\) and read noise \(RDNOISE\) for an uncertainty",
    ),
    ({"precision": "float16"}, DomainError, "precision must be 'float32' or 'float64'"),
    ({"overscan": "diagonal"}, DomainError, "overscan must be one of row, column, strip"),
    ({"overscan": True}, DomainError, "must have the keyword BIASSEC"),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("options", "error", "words"), BAD)
def test_bad_options(options, error, words) -> None:
    with pytest.raises(error, match=words):
        calibrate(image(10), **options)


def test_zero_exposure_is_a_bias() -> None:
    assert (calibrate(image(1000), exposure=0.0, dark=rate()).data == 1000).all()


def write(path, data: np.ndarray, **cards: object):
    header = fits.Header()
    for keyword, value in cards.items():
        header[keyword] = value
    fits.PrimaryHDU(data, header=header).writeto(path)
    return path


@pytest.mark.parametrize(
    ("cards", "seconds"),
    [
        ({"EXPTIME": 30.0}, 30.0),
        ({"EXPTIME": (0.5, "[min] exposure")}, 30.0),
        ({"EXPOSURE": (30_000, "exposure (ms)")}, 30.0),
        ({"EXP_TIME": "30.0"}, 30.0),
        ({"EXPTIME": 30, "EXPOSURE": 99}, 30.0),
    ],
)
def test_exposures_of_headers(tmp_path, cards, seconds) -> None:
    path = write(tmp_path / "raw.fits", np.full(SHAPE, 1000, np.uint16), **cards)
    made = calibrate(path, dark=rate())
    np.testing.assert_allclose(made.data, 1000 - 2 * seconds)
    assert made.metadata["exposure_s"] == seconds


@pytest.mark.parametrize(
    ("cards", "gain", "read"),
    [
        ({"GAIN": 2.0, "RDNOISE": 4.0}, 2.0, 4.0),
        ({"GAIN": 120, "EGAIN": 2.0, "READNOIS": 4.0}, 2.0, 4.0),
        ({"CCDGAIN": 2.0, "RON": 4.0}, 2.0, 4.0),
    ],
)
def test_noise_of_headers(tmp_path, cards, gain, read) -> None:
    path = write(tmp_path / "raw.fits", np.full(SHAPE, 1000, np.uint16), **cards)
    made = calibrate(path, bias=image(100))
    np.testing.assert_allclose(made.uncertainty, np.sqrt((read / gain) ** 2 + 1 / 12 + 900 / gain), rtol=1e-6)


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        ({}, r"raw.fits must have the keyword EXPTIME"),
        ({"EXPTIME": "soon"}, r"raw.fits: exposure_s must be finite and >= 0 s, got 'soon'"),
        ({"EXPOSURE": -3.0}, r"raw.fits: EXPOSURE must be finite and >= 0 s, got -3.0"),
        ({"EXPTIME": 1.0, "GAIN": -2.0}, r"raw.fits: gain_e_per_adu must be finite and > 0"),
        ({"EXPTIME": 1.0, "SATURATE": 0}, r"raw.fits: saturate_adu must be > 0 ADU"),
        ({"EXPTIME": 1.0, "BUNIT": "Jy"}, r"raw.fits: BUNIT must be adu"),
    ],
)
def test_headers_that_say_nothing_or_nonsense(tmp_path, cards, words) -> None:
    path = write(tmp_path / "raw.fits", np.full(SHAPE, 1000, np.uint16), **cards)
    with pytest.raises(DomainError, match=words):
        calibrate(path, dark=rate())


@pytest.mark.parametrize("kind", ["plain", "scaled", "signed", "rice", "gzip"])
def test_files_of_every_kind(tmp_path, kind) -> None:
    counts = np.random.default_rng(1).integers(1000, 30_000, (40, 50)).astype(np.uint16)
    path = tmp_path / ("raw.fits.gz" if kind == "gzip" else "raw.fits")
    if kind == "rice":
        unit = fits.CompImageHDU(counts, compression_type="RICE_1")
        unit.header["EXPTIME"] = 10.0
        unit.writeto(path)
    elif kind == "scaled":
        unit = fits.PrimaryHDU(counts.astype(np.float64))
        unit.header["EXPTIME"] = 10.0
        unit.scale("int16", bscale=2.0, bzero=20_000.0)
        unit.writeto(path)
        counts = fits.getdata(path)
    else:
        write(path, counts.astype(np.int16) if kind == "signed" else counts, EXPTIME=10.0)
    dark = ReducedFrame(np.full((40, 50), 2.0), unit="adu/s")
    made = calibrate(path, dark=dark, bias=np.full((40, 50), 100.0))
    np.testing.assert_allclose(made.data, counts.astype(float) - 120.0)


def test_bad_files(tmp_path) -> None:
    with pytest.raises(MissingFileError, match="no such file"):
        calibrate(tmp_path / "none.fits")
    path = write(tmp_path / "raw.fits", np.zeros((100, 100), np.uint16))
    content = path.read_bytes()
    path.write_bytes(content[:10_000])
    with pytest.raises(IntegrityError, match=r"raw.fits"):
        calibrate(path)
    with pytest.raises(IntegrityError, match=r"raw.fits"):
        calibrate(image(1, (100, 100)), bias=path)
    (tmp_path / "text.fits").write_text("no frame")
    with pytest.raises(GetframesError, match=r"text.fits"):
        calibrate(tmp_path / "text.fits")


def overscanned(path, level: float = 300.0):
    """40 x 60 pixels, of which 50 columns are data; the offset of a row grows by 1 a row."""
    raw = np.full((40, 60), 1000.0) + np.arange(40.0)[:, None]
    raw[:, 50:] -= 1000.0 - level
    cards = {"BIASSEC": "[51:60,1:40]", "DATASEC": "[1:50,1:40]", "TRIMSEC": "[1:50,3:40]", "EXPTIME": 1.0}
    return write(path, raw.astype(np.uint16), SATURATE=60_000, **cards)


def test_overscan_is_taken_off_where_there_is_one(tmp_path) -> None:
    path = overscanned(tmp_path / "raw.fits")
    made = calibrate(path, bias=image(5.0, (38, 50)), gain=1.0, read_noise=3.0)
    assert made.shape == (38, 50)
    np.testing.assert_allclose(made.data, 695.0)
    assert made.metadata["calibration"] == ["overscan", "bias"]
    plain = calibrate(path, overscan=False)
    np.testing.assert_allclose(plain.data, 1000.0 + np.arange(2, 40.0)[:, None] + np.zeros(50))
    with pytest.raises(DomainError, match=r"overscan must be left out|must have the keyword BIASSEC"):
        calibrate(made, overscan=True)
    with pytest.raises(
        ShapeError, match=r"raw.fits must have shape \(40, 60\), as the bias bias, got \(38, 50\)"
    ):
        calibrate(path, bias=image(5.0, (40, 60)))
    bad = overscanned(tmp_path / "bad.fits")
    fits.setval(bad, "BIASSEC", value="[51:99,1:40]")
    with pytest.raises(DomainError, match=r"bad.fits.*BIASSEC.*\[51:99,1:40\]"):
        calibrate(bad)


def test_an_overscan_in_the_same_pass_is_the_one_before_it() -> None:
    """Row by row and strip by strip, of one amplifier: the same numbers as in two steps, and counts that are full as they are."""
    rng = np.random.default_rng(3)
    counts = (rng.normal(1000.0, 5.0, (60, 90)) + np.arange(60.0)[:, None]).astype(np.uint16)
    counts[10, 20] = 50_000
    metadata = {"BIASSEC": "[71:88,1:60]", "TRIMSEC": "[4:70,6:55]", "saturate_adu": 50_000}
    metadata |= {"gain_e_per_adu": 1.5, "read_noise_e": 5.0}
    raw, bias = Frame(counts, metadata), rng.normal(3.0, 1.0, (50, 67))
    for by in ("row", "strip", "column"):
        if by == "column":
            raw = Frame(counts, {**metadata, "BIASSEC": "[1:90,56:60]"})
        made = calibrate(raw, bias=bias, overscan=by, precision="float64")
        before = subtract_overscan(raw, by=by)
        apart = calibrate(before, bias=bias)
        np.testing.assert_allclose(made.data, apart.data, rtol=0, atol=1e-9)
        assert made.metadata["overscan_adu"] == before.metadata["overscan_adu"]
        assert made.metadata["calibration"] == ["overscan", "bias"]
        assert made.flags[5, 17] == Flag.SATURATED
        assert np.count_nonzero(made.flags) == 1
        rounding = (made.uncertainty**2 - apart.uncertainty**2) * 12.0
        np.testing.assert_allclose(rounding, 1.0, rtol=1e-6)


def test_a_file_has_everything_and_gives_it_back(tmp_path) -> None:
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=(16, 20))
    bias = ReducedFrame(camera.master_bias(5).data, {"n_combined": 5}, uncertainty=np.full((16, 20), 2.0))
    bias.to_fits(tmp_path / "master_bias.fits")
    raw = camera.expose(1000.0, 2.0, seed=3)
    raw.to_fits(tmp_path / "raw.fits")
    made = calibrate(tmp_path / "raw.fits", bias=tmp_path / "master_bias.fits", flat=np.full((16, 20), 7.0))
    direct = calibrate(raw, bias=bias, flat=np.full((16, 20), 7.0), precision="float32")
    np.testing.assert_array_equal(made.data, direct.data)
    np.testing.assert_array_equal(made.uncertainty, direct.uncertainty)
    made.to_fits(tmp_path / "reduced.fits")
    with fits.open(tmp_path / "reduced.fits") as file:
        header, stated = file[0].header, fits.getheader(tmp_path / "master_bias.fits")["DATASUM"]
        assert [unit.name for unit in file] == ["SCI", "MASK", "UNCERT"]
        assert header["BIASNAME"] == "master_bias.fits"
        assert header["BIASSUM"] == stated
        assert header["BIASNCOM"] == 5
        assert header["FLATSUM"] == datasum(np.full((16, 20), 7.0))
        assert list(header["HISTORY"]) == ["bias subtracted", "divided by the flat over 7"]
        assert header["BUNIT"] == "adu"
    back = ReducedFrame.from_fits(tmp_path / "reduced.fits")
    assert back.metadata == made.metadata
    np.testing.assert_array_equal(back.uncertainty, made.uncertainty)
    np.testing.assert_array_equal(back.flags, made.flags)
    ccd = made.to_ccddata()
    np.testing.assert_array_equal(ccd.uncertainty.array, made.uncertainty)
    assert not ccd.mask.any()


def mosaic(path, names=("CCD1", "CCD2", "CCD3"), add: float = 0.0, **cards: object):
    """A file of several detectors; number n has n + 1 rows more and counts of 1000 n."""
    units_ = [fits.PrimaryHDU()]
    units_[0].header["EXPTIME"] = 20.0
    for number, name in enumerate(names, start=1):
        unit = fits.ImageHDU(np.full((10 + number, 12), 1000 * number + add), name=name)
        unit.header.update(cards)
        units_.append(unit)
    fits.HDUList(units_).writeto(path)
    return path


def test_extensions_go_together(tmp_path) -> None:
    raw = mosaic(tmp_path / "raw.fits", GAIN=2.0, RDNOISE=4.0)
    bias = mosaic(tmp_path / "bias.fits", names=("CCD1", "CCD2", "CCD3"), add=-100.0)
    dark = Extensions(
        {
            key: ReducedFrame(np.full((10 + n, 12), 2.0), unit="adu/s")
            for n, key in enumerate([("CCD1", 1), ("CCD2", 1), ("CCD3", 1)], start=1)
        }
    )
    made = calibrate(raw, bias=bias, dark=dark)
    assert list(made) == [("CCD1", 1), ("CCD2", 1), ("CCD3", 1)]
    for number, frame in enumerate(made.values(), start=1):
        assert frame.shape == (10 + number, 12)
        np.testing.assert_allclose(frame.data, 60.0)
        np.testing.assert_allclose(frame.uncertainty, np.sqrt(4 + 50))
    made.to_fits(tmp_path / "reduced.fits")
    with fits.open(tmp_path / "reduced.fits", checksum=True) as file:
        names = [(unit.name, unit.ver) for unit in file[1:]]
        assert names == [(name, n) for n in (1, 2, 3) for name in ("SCI", "MASK", "UNCERT")]
        assert file["SCI", 2].header["SRCNAME"] == "CCD2"
    back = Extensions.from_fits(tmp_path / "reduced.fits")
    assert back["CCD2"] == made["CCD2"]
    again = calibrate(raw, bias=bias, overscan=False)
    again.to_fits(tmp_path / "flats.fits")
    assert (calibrate(raw, flat=tmp_path / "flats.fits")["CCD1"].data == 1000).all()
    assert calibrate(raw, bias=np.full((12, 12), 1.0), extension="CCD2").shape == (12, 12)


def test_the_unit_of_an_exposure_may_be_in_the_primary_header(tmp_path) -> None:
    path = mosaic(tmp_path / "raw.fits")
    with fits.open(path, mode="update") as file:
        file[0].header["EXPTIME"] = (0.5, "[min] exposure")
    dark = Extensions(
        {
            (name, 1): ReducedFrame(image(2.0, (10 + n, 12)), unit="adu/s")
            for n, name in enumerate(("CCD1", "CCD2", "CCD3"), start=1)
        }
    )
    made = calibrate(path, dark=dark)
    assert [frame.metadata["exposure_s"] for frame in made.values()] == [30.0] * 3
    assert (made["CCD1"].data == 1000 - 60).all()


def test_everything_masked_is_nothing_known() -> None:
    raw = CCDData(image(500), unit="adu", mask=np.ones(SHAPE, bool))
    made = calibrate(raw, bias=image(100), gain=1.0, read_noise=2.0)
    assert made.mask.all()
    assert np.isnan(made.data).all()
    assert np.isnan(made.uncertainty).all()


def test_a_missing_extension_is_named(tmp_path) -> None:
    raw = mosaic(tmp_path / "raw.fits")
    two = mosaic(tmp_path / "two.fits", names=("CCD1", "CCD3"))
    with pytest.raises(
        DomainError, match=r"two.fits \(bias\) must be a file with the extension \('CCD2', 1\)"
    ):
        calibrate(raw, bias=two)
    with pytest.raises(
        DomainError, match=r"bias \(bias\) must be a file with the extension \('CCD1', 1\).*got 'one image'"
    ):
        calibrate(raw, bias=image(1))
    with pytest.raises(DomainError, match=r"EXTNAME and EXTVER must differ"):
        calibrate(mosaic(tmp_path / "twice.fits", names=("SCI", "SCI")))
    with pytest.raises(DomainError, match=r"there must be an extension \('CCD9', 1\)"):
        calibrate(raw)["CCD9"]


def test_writing_fails_whole(tmp_path, monkeypatch) -> None:
    made = Extensions({("A", 1): calibrate(image(3.0))})
    with pytest.raises(OutputError):
        made.to_fits(tmp_path / "no" / "folder.fits")
    made.to_fits(tmp_path / "there.fits")
    before = (tmp_path / "there.fits").read_bytes()
    with pytest.raises(OutputError, match=r"there.fits"):
        made.to_fits(tmp_path / "there.fits")
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        with pytest.raises(OutputError):
            made.to_fits(tmp_path / "there.fits", overwrite=True)
        with pytest.raises(OutputError):
            made["A"].to_fits(tmp_path / "one.fits")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "there.fits").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["there.fits"]


def test_masters_are_prepared_once() -> None:
    masters = Masters(bias=image(100), flat=image(4.0))
    frames = [masters.calibrate(np.full(SHAPE, value, np.uint16)) for value in (200, 300)]
    assert [frame.data[0, 0] for frame in frames] == [100, 200]
    assert frames[0].metadata["bias_checksum"] == frames[1].metadata["bias_checksum"] == datasum(image(100))


def test_truth_goes_along() -> None:
    camera = Camera.from_preset("generic_cmos", seed=1).with_config(resolution=(8, 8))
    raw = camera.expose(100.0, 1.0)
    assert calibrate(raw).truth is raw.truth


def test_a_master_with_its_overscan_is_told_how_to_lose_it() -> None:
    camera = Camera.from_preset("generic_ccd", seed=2).with_config(
        resolution=(24, 32), overscan={"columns": 8}
    )
    raw, master = camera.expose(100.0, 10.0), camera.master_bias(3)
    with pytest.raises(ShapeError, match=r"bias has its overscan still, which subtract_overscan takes off"):
        calibrate(raw, bias=master)
    assert calibrate(raw, bias=subtract_overscan(master)).shape == (24, 32)
