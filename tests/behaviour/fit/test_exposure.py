"""Exposures: what pixels count, how they are cut into tiles, and what of a FITS file is refused."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import DomainError, IntegrityError, MissingFileError, ShapeError
from getframes.fit import Exposure, PixelSource, read_exposure
from getframes.fit.flux_scale import flux_scale_of, unit_of
from getframes.io.fits import write_frame
from getframes.reduce import ReducedFrame

SHAPE = (20, 27)
DATA = np.arange(540.0).reshape(SHAPE)
SIGMA = np.full(SHAPE, 2.0)
SKY = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 20.0, "CRPIX1": 5.0, "CRPIX2": 6.0,
    "CD1_1": -1e-4, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 1e-4,
}  # fmt: skip


def of(data=DATA, uncertainty=SIGMA, **known) -> Exposure:
    return Exposure.of(data, uncertainty, **{"name": "e", "band": "r", **known})


def written(path, *units, primary=None, **header):
    first = fits.PrimaryHDU(primary)
    first.header.update(header)
    made = [first]
    for name, data, cards in units:
        made.append(fits.ImageHDU(data, name=name))
        made[-1].header.update(cards)
    fits.HDUList(made).writeto(path, overwrite=True)
    return path


def science(path, *, sci=None, unc=None, name="ERR", sigma=SIGMA, more=()):
    header = {"FILTER": "F090W", "BUNIT": "nJy", **SKY, **(sci or {})}
    return written(path, ("SCI", DATA, header), (name, sigma, unc or {}), *more)


# What counts.


def test_what_does_not_count_has_weight_0_and_is_counted():
    data, sigma, mask = DATA.copy(), SIGMA.copy(), np.zeros(SHAPE, bool)
    data[0, 0], data[0, 1] = np.nan, np.inf
    sigma[1, 0], sigma[1, 1], sigma[1, 2], sigma[1, 3] = 0.0, -1.0, np.nan, np.inf
    mask[2, :3] = True
    made = of(data, sigma, mask=mask)
    assert np.count_nonzero(made.weight == 0.0) == 9
    assert made.left_out == {"mask": 3, "not finite": 2, "uncertainty not positive": 3}
    assert np.isfinite(made.data).all()
    assert_array_equal(data, np.where(np.isfinite(data), DATA, data))  # the caller's stays


@pytest.mark.parametrize(("error", "values"), [("sigma", 2.0), ("variance", 4.0), ("inverse", 0.25)])
def test_kinds_of_errors(error, values):
    assert_array_equal(of(uncertainty=np.full(SHAPE, values), error=error).weight, np.full(SHAPE, 0.25))


def test_an_inverse_variance_of_0_is_no_fault_and_a_negative_one_is():
    inverse = np.ones(SHAPE)
    inverse[0, 0], inverse[0, 1] = 0.0, -1.0
    made = of(uncertainty=inverse, error="inverse")
    assert made.weight[0, :3].tolist() == [0.0, 0.0, 1.0]
    assert made.left_out["uncertainty not positive"] == 1


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"uncertainty": np.ones((3, 3))}, ShapeError, r"e: uncertainty must have shape \(20, 27\), got \(3, 3\)"),
        ({"mask": np.ones((3, 3))}, ShapeError, r"e: mask must have shape"),
        ({"error": "rms"}, DomainError, "error must be one of sigma, variance, inverse, got 'rms'"),
        ({"mask": np.ones(SHAPE, bool)}, DomainError, r"e.pixels must be some that count, got .*'mask': 540"),
        ({"flux_scale": 0.0}, DomainError, "e.flux_scale must be > 0, got 0.0"),
        ({"flux_scale": np.nan}, DomainError, "e.flux_scale must be > 0, got nan"),
        ({"background": 2}, DomainError, "e.background must be 0, 1 or 3, got 2"),
        ({"level": np.inf}, DomainError, "e.level must be finite, got inf"),
        ({"max_snr": -1.0}, DomainError, "e.max_snr must be > 0, got -1.0"),
        ({"band": ""}, DomainError, "e.band must be the name of a band"),
        ({"wcs": "TAN"}, DomainError, "e.wcs must be an astropy WCS with RA and Dec, got 'TAN'"),
        ({"wcs": WCS(naxis=2)}, DomainError, "e.wcs must be an astropy WCS with RA and Dec"),
    ],
)  # fmt: skip
def test_an_impossible_exposure_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        of(**changes)


def test_weights_are_checked():
    for weight, message in (
        (np.full(SHAPE, -1.0), "weight must be finite and >= 0, got -1.0"),
        (SIGMA[1:], "weight must have the shape"),
    ):
        with pytest.raises((DomainError, ShapeError), match=message):
            Exposure(name="e", band="r", data=DATA, weight=weight)
    with pytest.raises(DomainError, match="data must be finite where weight is not 0"):
        Exposure(name="e", band="r", data=np.full(SHAPE, np.nan), weight=SIGMA)


# Tiles.


def image_of(tiles, shape=(24, 32)):
    made = np.zeros(shape), np.zeros(shape)
    for x, y, data, weight in zip(*tiles, strict=True):
        for image, pixels in zip(made, (data, weight), strict=True):
            image[y : y + 8, x : x + 8] = pixels.reshape(8, 8)
    return made


def test_all_tiles_are_the_image():
    tiles = of().tiles((-5.0, 99.0), (-5.0, 99.0))
    assert len(tiles.x) == 12 and tiles.data.dtype == tiles.weight.dtype == np.float64
    data, weight = image_of(tiles)
    assert_array_equal(data[:20, :27], DATA)
    assert_array_equal(weight[:20, :27], 0.25)
    assert np.count_nonzero(weight) == 540  # nothing beyond the image


@pytest.mark.parametrize(
    ("x", "y", "origins"),
    [
        ((3.0, 4.0), (3.0, 4.0), [(0, 0)]),
        ((7.4, 7.4), (0.0, 0.0), [(0, 0)]),
        ((7.6, 7.6), (0.0, 0.0), [(8, 0)]),
        ((7.0, 8.0), (15.0, 16.0), [(0, 8), (8, 8), (0, 16), (8, 16)]),
        ((26.0, 1e9), (19.0, 19.0), [(24, 16)]),
        ((27.0, 30.0), (0.0, 1.0), []),
        ((-9.0, -1.0), (0.0, 1.0), []),
        ((5.0, 4.0), (0.0, 1.0), []),
    ],
)
def test_tiles_are_those_that_a_range_touches(x, y, origins):
    tiles = of().tiles(x, y)
    assert list(zip(tiles.x.tolist(), tiles.y.tolist(), strict=True)) == origins
    assert tiles.data.shape == tiles.weight.shape == (len(origins), 64)


def test_tiles_without_a_pixel_that_counts_are_left_out():
    mask = np.zeros(SHAPE, bool)
    mask[:8, 8:16] = True
    assert of(mask=mask).tiles((0.0, 20.0), (0.0, 5.0)).x.tolist() == [0, 16]


def test_signal_to_noise_is_capped():
    made = of().capped(20.0)
    data, weight = (np.ravel(each) for each in made.tiles((0.0, 26.0), (0.0, 19.0))[2:])
    snr = np.abs(data[weight > 0]) * np.sqrt(weight[weight > 0])
    assert snr.max() <= 20.0 * (1 + 1e-12)
    assert_allclose(np.sort(snr)[:40], np.arange(40) / 2.0)  # those below the cap are as they were
    assert_array_equal(made.weight, 0.25)
    assert np.isinf(of().max_snr)


def test_a_known_background_is_taken_off_what_counts():
    mask = np.zeros(SHAPE, bool)
    mask[0, 0] = True
    plain, low = of(mask=mask), of(mask=mask).with_level(3.0)
    x, y = (0.0, 26.0), (0.0, 19.0)
    data, weight = image_of(low.tiles(x, y))
    assert_array_equal(data, np.where(weight > 0.0, image_of(plain.tiles(x, y))[0] - 3.0, 0.0))
    capped = low.capped(10.0).tiles(x, y)
    assert_allclose((np.abs(capped.data) * np.sqrt(capped.weight)).max(), 10.0)


def test_exposures_go_to_other_processes():
    import pickle

    made = pickle.loads(pickle.dumps(of(wcs=WCS(fits.Header(SKY)))))
    assert_array_equal(made.data, DATA)
    assert np.isfinite(made.linearized(10.0, 20.0)[0]).all()


# Files.


@pytest.mark.parametrize(
    ("name", "values"), [("ERR", 2.0), ("UNCERT", 2.0), ("VARIANCE", 4.0), ("WHT", 0.25), ("IVAR", 0.25)]
)
def test_uncertainties_are_known_by_their_names(tmp_path, name, values):
    made = Exposure.from_fits(science(tmp_path / "a.fits", name=name, sigma=np.full(SHAPE, values)))
    assert_array_equal(made.weight, 0.25)
    assert_array_equal(made.data, DATA)
    assert (made.name, made.band, made.unit, made.flux_scale) == ("a.fits", "F090W", "nJy", 1.0)
    assert made.wcs.has_celestial
    assert isinstance(made, PixelSource)


def test_extensions_by_number_and_version_and_in_another_file(tmp_path):
    path = written(
        tmp_path / "a.fits",
        ("SCI", DATA, {"EXTVER": 1}),
        ("ERR", SIGMA, {"EXTVER": 1}),
        ("MASK", np.zeros(SHAPE, np.uint8), {"EXTVER": 1}),
        ("SCI", DATA + 1, {"EXTVER": 2}),
        ("ERR", SIGMA + 2, {"EXTVER": 2}),
        ("MASK", (DATA < 3).astype(np.uint8), {"EXTVER": 2}),
    )
    options = {"band": "r", "sky": False}
    assert_array_equal(read_exposure(path, **options).weight, 0.25)
    second = read_exposure(path, sci_ext=("SCI", 2), **options)
    assert second.data[5, 5] == DATA[5, 5] + 1
    assert np.unique(second.weight).tolist() == [0.0, 0.0625]
    assert second.left_out["mask"] == 3
    by_number = read_exposure(path, sci_ext=1, unc_ext=5, error="variance", mask_ext=6, **options)
    assert by_number.weight.max() == 0.25 and by_number.left_out["mask"] == 3
    other = written(tmp_path / "w.fits", primary=np.full(SHAPE, 9.0))
    assert read_exposure(path, unc_path=other, error="inverse", **options).weight[0, 0] == 9.0


def test_a_mask_may_have_bits_that_do_no_harm(tmp_path):
    bits = np.zeros(SHAPE, np.int16)
    bits[0, 0], bits[0, 1] = 1, 2
    path = science(tmp_path / "a.fits", more=[("MASK", bits, {"BADBITS": 2})])
    assert read_exposure(path).left_out["mask"] == 1


def test_reduced_frames_are_exposures(tmp_path):
    flags = np.zeros(SHAPE, np.uint16)
    flags[3, 3] = 4  # saturated
    frame = ReducedFrame(DATA, {"unit": "electron", **SKY}, uncertainty=SIGMA, flags=flags)
    write_frame(frame, tmp_path / "a.fits")
    from_file = read_exposure(tmp_path / "a.fits", band="r")
    in_memory = Exposure.from_frame(frame, name="a.fits", band="r")
    for made in (from_file, in_memory):
        assert made.weight[3, 3] == 0.0 and made.weight[3, 4] == 0.25
        assert made.unit == "electron" and made.wcs.has_celestial
        assert made.left_out["mask"] == 1
    assert_array_equal(from_file.data, in_memory.data)
    with pytest.raises(DomainError, match="frame must be one with an uncertainty"):
        Exposure.from_frame(ReducedFrame(DATA), name="a", band="r")


@pytest.mark.parametrize(
    "uncertainty", [StdDevUncertainty(SIGMA), VarianceUncertainty(SIGMA**2), InverseVariance(SIGMA**-2)]
)
def test_ccddata_is_an_exposure(uncertainty):
    made = Exposure.from_frame(CCDData(DATA, unit="adu", uncertainty=uncertainty), name="a", band="r")
    assert_allclose(made.weight, 0.25)
    assert made.unit == "adu" and made.wcs is None


@pytest.mark.parametrize(
    ("units", "factor"),
    [({"BUNIT": "uJy"}, 1e-6), ({"BUNIT": "nJy"}, 1.0), ({}, 1.0), ({"BUNIT": "who knows"}, 1.0)],
)
def test_uncertainties_of_another_unit_are_converted(tmp_path, units, factor):
    made = read_exposure(science(tmp_path / "a.fits", unc=units))
    assert_allclose(made.weight, 0.25 * factor)


@pytest.mark.parametrize(
    ("name", "unit"), [("ERR", "adu"), ("VARIANCE", "nJy"), ("IVAR", "nJy2"), ("ERR", "nJy2")]
)
def test_uncertainties_of_another_kind_are_refused(tmp_path, name, unit):
    with pytest.raises(DomainError, match=rf"a.fits: BUNIT of the uncertainty must be in .*, got '{unit}'"):
        read_exposure(science(tmp_path / "a.fits", name=name, unc={"BUNIT": unit}))


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ({"name": "OTHER"}, {}, DomainError, r"a.fits must have an uncertainty: give unc_ext=, or an extension UNCERT, ERR"),
        ({}, {"unc_ext": "NOPE"}, DomainError, r"must have an extension 'NOPE'"),
        ({}, {"unc_ext": 1}, DomainError, r"a.fits: error must be one of sigma, variance, inverse for the extension 1, got None"),
        ({}, {"error": "rms"}, DomainError, r"error must be one of sigma, variance, inverse"),
        ({}, {"mask_ext": "NOPE"}, DomainError, r"must have an extension 'NOPE'"),
        ({"sigma": np.ones((3, 3))}, {}, ShapeError, r"a.fits: the uncertainty must have shape \(20, 27\), got \(3, 3\)"),
        ({"sci": {"FILTER": ""}}, {}, DomainError, r"a.fits must have FILTER: give band="),
        ({"sci": {"CTYPE1": "LINEAR", "CTYPE2": "LINEAR"}}, {}, DomainError, r"a.fits must have a WCS of the sky \(CTYPE1, CTYPE2\)"),
        ({"sci": {"CD1_1": 0.0}}, {}, DomainError, r"a.fits: the WCS \(CTYPE, CRVAL, CD, ...\) must be one"),
        ({"sci": {"BUNIT": "adu"}}, {"flux_unit": "nJy"}, DomainError, r"a.fits must have BUNIT in nJy .*got BUNIT 'adu': give flux_scale="),
    ],
)  # fmt: skip
def test_what_a_file_lacks_is_said(tmp_path, given, options, error, message):
    with pytest.raises(error, match=message):
        read_exposure(science(tmp_path / "a.fits", **given), **options)


def test_files_that_are_none_are_named(tmp_path):
    with pytest.raises(MissingFileError, match="nowhere"):
        read_exposure(tmp_path / "nowhere.fits")
    (tmp_path / "a.fits").write_bytes(b"SIMPLE")
    with pytest.raises(IntegrityError, match=r"a\.fits"):
        read_exposure(tmp_path / "a.fits")


# Flux scales.


@pytest.mark.parametrize(
    ("header", "unit", "flux_unit", "scale"),
    [
        ({}, "adu", "", 1.0),
        ({}, "electron/s", "electron/s", 1.0),
        ({}, "ELECTRONS/S", "electron/s", 1.0),
        ({}, "nJy", "uJy", 1000.0),
        ({"PIXAR_SR": 2e-14}, "MJy/sr", "nJy", 1e-15 / 2e-14),
        ({"ZEROPOINT": 8.9}, "adu", "Jy", 3630.780548 / 3631.0),
        ({"MAGZPT": 31.4}, "counts", "nJy", 1.0),
        ({"PHOTFLAM": 1e-19, "PHOTPLAM": 10000.0}, "ELECTRONS/S", "nJy", 1.0 / 333.564095),
        ({"PHOTFLAM": 1e-19, "PHOTPLAM": 10000.0, "EXPTIME": 50.0}, "ELECTRONS", "nJy", 50.0 / 333.564095),
        ({"PHOTFNU": 1e-9, "EXPTIME": 2.0}, "DN", "nJy", 2.0),
    ],
)
def test_flux_scales(header, unit, flux_unit, scale):
    assert_allclose(flux_scale_of(header, unit, flux_unit, "a.fits"), scale, rtol=1e-4)


def test_a_pixel_of_a_wcs_has_an_area():
    wcs = WCS(fits.Header(SKY))
    assert_allclose(flux_scale_of({}, "MJy/sr", "MJy", "a.fits", wcs), 1.0 / np.deg2rad(1e-4) ** 2, rtol=1e-9)


@pytest.mark.parametrize(
    ("header", "unit", "flux_unit", "message"),
    [
        ({}, "MJy/sr", "nJy", "a.fits must have PIXAR_SR, or a WCS"),
        ({"PIXAR_SR": -1.0}, "MJy/sr", "nJy", "a.fits: PIXAR_SR must be > 0, got -1.0"),
        ({"ZEROPOINT": "bright"}, "adu", "nJy", "a.fits: ZEROPOINT must be a finite number, got 'bright'"),
        ({"PHOTFNU": 1.0}, "DN", "nJy", "a.fits: EXPTIME must be a finite number, got None"),
        ({"ZEROPOINT": 25.0}, "adu", "electron", "a.fits must have BUNIT in electron"),
        ({}, "adu", "furlong2", "unit of fluxes must be one that astropy knows, got 'furlong2'"),
    ],
)
def test_flux_scales_that_cannot_be(header, unit, flux_unit, message):
    with pytest.raises(DomainError, match=message):
        flux_scale_of(header, unit, flux_unit, "a.fits")


def test_units_as_headers_write_them():
    for text in ("ELECTRONS/S", "electron/s", "electrons per s", "e-/s"):
        assert unit_of(text) == unit_of("electron s-1")
    assert unit_of("cps") == unit_of("ct/s") == unit_of("COUNTS/S")
    assert unit_of("") is None and unit_of("furlong2") is None
