"""What cannot be matched is an error, a warning or a flag: never a silent bad kernel."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty

from getframes import Frame, GaussianPSF
from getframes.errors import DomainError, OutputError, ShapeError
from getframes.psfmatch import (
    Exposure,
    FunctionPSF,
    MatchConfig,
    MixturePSF,
    PixelPSF,
    ScenePSF,
    match_psf,
    psf_model,
    read_exposure,
    read_psf,
    write_exposure,
    write_psf,
)
from getframes.reduce.frame import ReducedFrame

SOURCE, TARGET = MixturePSF([1.0], [1.2], side=41), MixturePSF([1.0], [2.0], side=41)
CONFIG = MatchConfig(kernel_size=21)
IMAGE = np.ones((64, 80))


def stamp(**changes):
    made = SOURCE.stamp(0, 0).copy()
    for name, value in changes.items():
        made[20, 20] = {"nan": np.nan, "inf": np.inf, "negative": -50.0}[name] if value else made[20, 20]
    return made


def test_an_exposure_without_a_psf_is_an_error():
    for exposure in (IMAGE, Exposure(IMAGE), Frame(IMAGE), CCDData(IMAGE, unit="adu")):
        with pytest.raises(RuntimeError, match="the exposure has no PSF model"):
            match_psf(exposure, TARGET)
    with pytest.raises(RuntimeError, match="the reference exposure has no PSF model"):
        match_psf(IMAGE, Exposure(IMAGE), psf=SOURCE)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: PixelPSF(stamp(nan=True)), DomainError, r"must be finite, got nan at \(y, x\) = \(20, 20\)"),
        (lambda: PixelPSF(stamp(inf=True)), DomainError, "must be finite, got inf"),
        (lambda: PixelPSF(stamp(negative=True)), DomainError, "the sum of a PSF stamp must be > 0, got -49"),
        (lambda: PixelPSF(np.zeros((9, 9))), DomainError, "the sum of a PSF stamp must be > 0, got 0"),
        (lambda: PixelPSF(np.ones((8, 8))), ShapeError, r"odd side, got \(8, 8\)"),
        (lambda: PixelPSF(np.ones((9, 7))), ShapeError, r"odd side, got \(9, 7\)"),
        (
            lambda: PixelPSF(np.ones((2, 1, 5, 5)), [0.0], [1.0]),
            ShapeError,
            r"PixelPSF.y must have shape \(2,\)",
        ),
        (
            lambda: PixelPSF(np.ones((2, 1, 5, 5)), [0.0], [1.0, 1.0]),
            DomainError,
            "PixelPSF.y must be finite and ascending",
        ),
        (lambda: MixturePSF([1.0, -2.0], [1.0, 2.0]), DomainError, "weights must be finite, of positive sum"),
        (lambda: MixturePSF([1.0], [0.0]), DomainError, r"sigma_px must be > 0 px, got \[0.0\]"),
        (lambda: MixturePSF([1.0], [1.0], axis_ratio=[1.5]), DomainError, r"axis_ratio must be in \(0, 1\]"),
        (lambda: MixturePSF([1.0], [1.0, 2.0]), ShapeError, r"MixturePSF.sigma_px must have shape \(1,\)"),
        (lambda: ScenePSF(GaussianPSF(2.0), 0.0), DomainError, "plate_scale_arcsec_per_pixel must be > 0"),
        (lambda: ScenePSF(GaussianPSF(2.0), side=40), DomainError, "side must be odd, got 40"),
        (lambda: ScenePSF("gauss"), TypeError, "psf must have add_source"),
        (lambda: psf_model(3), TypeError, "psf must be a PSF model"),
        (lambda: MatchConfig(kernel_size=20), DomainError, "MatchConfig.kernel_size must be odd, got 20"),
        (lambda: MatchConfig(kernel_size=-3), DomainError, "kernel_size must be a positive integer, got -3"),
        (
            lambda: MatchConfig(basis="delta"),
            DomainError,
            "basis must be one of pixel, alard-lupton, got 'delta'",
        ),
        (lambda: MatchConfig(edge="wrap"), DomainError, "edge must be one of nan, renormalize, reflect"),
        (lambda: MatchConfig(ridge=-1.0), DomainError, "ridge must be finite and >= 0"),
        (lambda: MatchConfig(nodes=(3, 0)), DomainError, "nodes must be a positive integer, got 0"),
        (lambda: MatchConfig(rank_tolerance=0.0), DomainError, r"rank_tolerance must be in \(0, 1\)"),
        (lambda: MatchConfig(max_rank=0), DomainError, "max_rank must be a positive integer"),
        (lambda: MatchConfig(max_noise_gain=0.0), DomainError, "max_noise_gain must be > 0"),
        (lambda: MatchConfig(mask_threshold=2.0), DomainError, r"mask_threshold must be in \[0, 1\]"),
        (lambda: MatchConfig(spatial_order=-1), DomainError, "spatial_order must be an integer >= 0"),
        (lambda: Exposure(IMAGE, variance=np.ones((3, 4))), ShapeError, "Exposure.variance must have shape"),
        (
            lambda: Exposure(IMAGE, planes={"BAD": 31}),
            DomainError,
            r"planes\['BAD'\] must be in \[0, 30\], got 31",
        ),
    ],
)
def test_a_broken_rule_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_function_that_gives_something_else():
    with pytest.raises(
        ShapeError, match=r"FunctionPSF at \(39.5, 31.5\) must have shape \(21, 21\), got \(5, 5\)"
    ):
        match_psf(IMAGE, TARGET, psf=FunctionPSF(lambda x, y: np.ones((5, 5)), 21), config=CONFIG)


def test_a_position_outside_the_grid_of_the_psf():
    grid = PixelPSF([[stamp(), stamp()]], [0.0, 40.0], [0.0])
    with pytest.raises(DomainError, match=r"x must be on the grid of the PSF, in \[0, 40\] px"):
        match_psf(IMAGE, TARGET, psf=grid, config=CONFIG)
    near = PixelPSF([[stamp(), stamp()]], [0.0, 40.0], [0.0], outside="nearest")
    assert match_psf(IMAGE, TARGET, psf=near, config=CONFIG).residual < 1e-5


def test_a_kernel_larger_than_the_stamps_or_the_image():
    for image, size in ((IMAGE, 51), (np.ones((15, 80)), 21)):
        with pytest.raises(
            DomainError, match=r"kernel_size must be at most .* got .*: give PSF stamps of a larger side"
        ):
            match_psf(image, TARGET, psf=SOURCE, config=MatchConfig(kernel_size=size))


def test_a_small_kernel_warns():
    with pytest.warns(
        UserWarning, match="a kernel of 7 px is smaller than eight of its standard deviations, 13"
    ):
        match_psf(IMAGE, TARGET, psf=SOURCE, config=MatchConfig(kernel_size=7))


def test_a_reference_that_is_narrower_in_one_direction_warns():
    narrow = MixturePSF([1.0], [2.0], axis_ratio=[0.5], side=41)
    with pytest.warns(UserWarning, match="narrower than that of the exposure"):
        match_psf(IMAGE, narrow, psf=SOURCE, config=CONFIG)


@pytest.mark.parametrize("edge", ["nan", "renormalize", "reflect"])
def test_a_flat_image_stays_flat_and_its_edge_is_flagged(edge):
    config = MatchConfig(kernel_size=21, edge=edge)
    matched = match_psf(Exposure(IMAGE, SOURCE, np.ones(IMAGE.shape)), TARGET, config=config).matched
    border = np.ones(IMAGE.shape, bool)
    border[10:-10, 10:-10] = False
    assert ((matched.mask & (1 << matched.planes["EDGE"])) != 0).tolist() == border.tolist()
    inside = ~border if edge == "nan" else np.ones_like(border)
    np.testing.assert_allclose(matched.image[inside], 1.0, atol=1e-12)
    assert (np.isnan(matched.image) == ~inside).all()
    assert (np.isnan(matched.variance) == ~inside).all()


def test_pixels_that_are_not_finite_are_lost_and_flagged():
    image, variance = IMAGE.copy(), np.ones(IMAGE.shape)
    image[30, 40], variance[50, 20] = np.nan, np.inf
    matched = match_psf(Exposure(image, SOURCE, variance), TARGET, config=CONFIG).matched
    lost = np.isnan(matched.image[10:-10, 10:-10])
    assert lost[20, 30] and lost[40, 10] and lost.sum() < 120
    bad = (matched.mask[10:-10, 10:-10] & (1 << matched.planes["BAD"])) != 0
    assert (bad | ~lost).all()
    assert np.isfinite(matched.image[12:20, 60:70]).all()


def test_planes_grow_but_those_that_are_not_to():
    mask = np.zeros(IMAGE.shape, np.int32)
    mask[30, 40] = 0b11
    exposure = Exposure(IMAGE, SOURCE, mask=mask, planes={"SAT": 0, "DETECTED": 1})
    matched = match_psf(
        exposure, TARGET, config=MatchConfig(kernel_size=21, no_grow_planes=("DETECTED",))
    ).matched
    assert np.count_nonzero(matched.mask & 1) > 9
    assert np.count_nonzero(matched.mask & 2) == 1
    assert mask.sum() == 3


def test_single_precision_stays_single():
    image = IMAGE.astype(np.float32)
    image[30, 40] = np.nan
    matched = match_psf(Exposure(image, SOURCE, np.ones(IMAGE.shape)), TARGET, config=CONFIG).matched
    assert matched.image.dtype == matched.variance.dtype == np.float32
    whole = match_psf(IMAGE.astype(np.int16), TARGET, psf=SOURCE, config=CONFIG).matched.image
    assert whole.dtype == np.float64


def test_lost_pixels_are_flagged_even_where_bad_is_not_to_grow():
    image = IMAGE.copy()
    image[30, 40] = np.nan
    config = MatchConfig(kernel_size=21, no_grow_planes=("BAD",))
    matched = match_psf(image, TARGET, psf=SOURCE, config=config).matched
    lost = np.isnan(matched.image[10:-10, 10:-10])
    bad = matched.mask[10:-10, 10:-10] == 1 << matched.planes["BAD"]
    assert lost.sum() > 9
    np.testing.assert_array_equal(lost, bad)


def test_a_mask_grows_as_far_as_the_kernel_of_the_place():
    """The wider the kernel, the further: it is narrow where the PSF is already as wide as the reference."""
    widening = FunctionPSF(
        lambda x, y, side: MixturePSF([1.0], [0.9 + 0.012 * x], side=side).stamp(0, 0), 41, resizes=True
    )
    mask = np.zeros(IMAGE.shape, bool)
    mask[32, [15, 64]] = True
    exposure = Exposure(IMAGE, widening, mask=mask)
    result = match_psf(exposure, TARGET, config=MatchConfig(kernel_size=17, edge="reflect"))
    grown = (result.matched.mask & 1) != 0
    for x, columns in ((15, slice(0, 40)), (64, slice(40, 80))):
        share = np.abs(result.kernel(x, 32)) / np.abs(result.kernel(x, 32)).sum()
        expected = np.count_nonzero(share > 0.01)
        assert abs(np.count_nonzero(grown[:, columns]) - expected) <= 4
    assert np.count_nonzero(grown[:, :40]) > np.count_nonzero(grown[:, 40:]) + 5


def test_the_input_is_not_changed():
    image, variance = IMAGE.copy(), np.ones(IMAGE.shape)
    image[5, 5] = np.nan
    held = image.copy()
    match_psf(Exposure(image, SOURCE, variance), TARGET, config=CONFIG)
    np.testing.assert_array_equal(image, held)
    assert (variance == 1).all()


def test_what_carries_an_exposure():
    uncertainty = np.full(IMAGE.shape, 2.0)
    ccd = CCDData(IMAGE, unit="adu", uncertainty=StdDevUncertainty(uncertainty), mask=IMAGE > 2, psf=stamp())
    ccd.header["FILTER"] = "r"
    first = match_psf(ccd, TARGET, config=CONFIG).matched
    second = match_psf(
        ReducedFrame(IMAGE, uncertainty=uncertainty), TARGET, psf=SOURCE, config=CONFIG
    ).matched
    np.testing.assert_allclose(first.variance, second.variance, rtol=1e-10)
    assert first.header["FILTER"] == "r" and first.header["KERNSUM"] == 1.0
    assert match_psf(IMAGE, TARGET, 2.0, psf=SOURCE, config=CONFIG).matched.header == {"KERNSUM": 2.0}
    assert "KERNSUM" not in ccd.header


def test_stamps_of_different_sizes_are_never_cut():
    small, large = MixturePSF([1.0], [1.2], side=21), PixelPSF(MixturePSF([1.0], [2.0], side=51).stamp(0, 0))
    for source, target in ((small, large), (PixelPSF(small.stamp(0, 0)), large), (SOURCE, large)):
        result = match_psf(IMAGE, target, psf=source, config=CONFIG)
        assert result.nodes[0].target.shape == (51, 51)
        assert result.reference.side == 51
        assert np.abs(result.matched.psf.stamp(3, 4) - large.stamp(3, 4)).max() < 1e-4 * large.stamps.max()
        assert result.residual < 1e-4


def test_the_reference_is_given_as_it_was_used():
    """A model is evaluated again in the size of the larger stamp, pixels get zeros around them."""
    source = MixturePSF([1.0], [1.2], side=51)
    for small in (TARGET, PixelPSF(TARGET.stamp(0, 0))):
        used = match_psf(IMAGE, small, psf=source, config=CONFIG)
        assert used.reference.side == 51
        np.testing.assert_array_equal(used.reference.stamp(3, 4), used.nodes[0].target)
        expected = TARGET.stamp(0, 0, 51) if small.resizes else np.pad(TARGET.stamp(0, 0), 5)
        np.testing.assert_allclose(used.nodes[0].target, expected, rtol=1e-14)


def test_a_node_has_its_stamps_and_diagnostics():
    nodes = match_psf(IMAGE, TARGET, psf=SOURCE, config=MatchConfig(kernel_size=21, nodes=(2, 3))).nodes
    assert [len({getattr(node, axis) for node in nodes}) for axis in ("x", "y")] == [2, 3]
    for node in nodes:
        assert node.kernel.shape == (21, 21) and node.source.shape == node.target.shape == (41, 41)
        assert np.abs(node.achieved - node.target).max() < 1e-6
        assert node.residual < 1e-6 and 0.1 < node.noise_gain < 0.3
        # The ridge of 1e-6 bounds how much the weakest wave counts.
        assert node.ridge == 1e-6 and 1e5 < node.condition < 1e9


def test_a_single_node_for_a_psf_that_varies_is_told():
    """One kernel for the whole field is what was asked for; that it does not fit is said."""
    widening = FunctionPSF(
        lambda x, y, side: MixturePSF([1.0], [0.9 + 0.008 * x], side=side).stamp(0, 0), 41, resizes=True
    )
    config = MatchConfig(kernel_size=21, nodes=(1, 1))
    with pytest.warns(UserWarning, match=r"the kernel does not follow the PSFs: at .* More nodes"):
        result = match_psf(IMAGE, TARGET, psf=widening, config=config)
    assert len(result.nodes) == 1 and result.kernel.rank == 0 and result.residual < 1e-5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        match_psf(IMAGE, TARGET, psf=widening, config=MatchConfig(kernel_size=21, nodes=(6, 1)))


@pytest.mark.parametrize("basis", ["pixel", "alard-lupton"])
def test_the_noise_gain_is_bounded_in_both_bases(basis):
    narrow = MixturePSF([1.0], [0.8], side=41)
    with pytest.warns(UserWarning) as said:
        free, bounded = (
            match_psf(IMAGE, narrow, psf=SOURCE, config=MatchConfig(21, basis, max_noise_gain=bound))
            for bound in (100.0, 0.5)
        )
    assert free.noise_gain > 0.5 >= bounded.noise_gain
    assert bounded.nodes[0].ridge > free.nodes[0].ridge == 1e-6
    assert any("bounded to 0.5 at 1 of 1 nodes" in str(each.message) for each in said)


@pytest.mark.parametrize("basis", ["pixel", "alard-lupton"])
def test_a_bound_that_cannot_be_kept_is_told(basis):
    """No kernel of 21 x 21 pixels and sum 1 has less than 1/21."""
    config = MatchConfig(kernel_size=21, basis=basis, max_noise_gain=0.01)
    with pytest.warns(UserWarning) as said:
        match_psf(IMAGE, TARGET, psf=SOURCE, config=config)
    assert any("above its bound of 0.01" in str(each.message) for each in said)


def test_without_a_ridge_what_cannot_be_solved_is_an_error():
    """A wide PSF has no power at short waves."""
    wide = MixturePSF([1.0], [3.0], side=61)
    with pytest.raises(DomainError, match="ridge must be large enough to solve for a kernel, got 0"):
        match_psf(
            IMAGE, MixturePSF([1.0], [4.0], side=61), psf=wide, config=MatchConfig(kernel_size=31, ridge=0.0)
        )


def test_a_negative_variance_is_named():
    variance = np.ones(IMAGE.shape)
    variance[3, 4] = -1.0
    with pytest.raises(DomainError, match=r"Exposure\.variance must be >= 0, got -1"):
        match_psf(Exposure(IMAGE, SOURCE, variance), TARGET, config=CONFIG)


@pytest.mark.parametrize("total", [0.0, -1.0, np.nan, np.inf])
def test_an_impossible_kernel_sum_is_named(total):
    with pytest.raises(DomainError, match="kernel_sum must be finite and > 0, got"):
        match_psf(IMAGE, TARGET, total, psf=SOURCE, config=CONFIG)


def test_small_images():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matched = match_psf(
            np.ones((21, 23)), TARGET, psf=SOURCE, config=MatchConfig(kernel_size=21, edge="reflect")
        ).matched
    np.testing.assert_allclose(matched.image, 1.0, atol=1e-12)


@pytest.mark.parametrize("name", ["psf.fits", "psf.npz"])
def test_a_psf_goes_through_a_file(tmp_path, name):
    write_psf(SOURCE, tmp_path / name)
    np.testing.assert_allclose(read_psf(tmp_path / name).stamp(3, 4), SOURCE.stamp(3, 4), atol=1e-16)
    varying = FunctionPSF(
        lambda x, y, side: MixturePSF([1.0], [1.0 + x / 100], side=side).stamp(0, 0), 21, resizes=True
    )
    with pytest.raises(ValueError, match="shape must be given"):
        write_psf(varying, tmp_path / f"varying-{name}")
    write_psf(varying, tmp_path / f"varying-{name}", IMAGE.shape)
    back = read_psf(tmp_path / f"varying-{name}")
    assert np.abs(back.stamp(30, 10) - varying.stamp(30, 10)).max() < 1e-3
    with pytest.raises(OutputError):
        write_psf(SOURCE, tmp_path / name)


def test_an_exposure_goes_through_a_file(tmp_path):
    header = fits.Header({"FILTER": "g", "CRPIX1": 12.5})
    exposure = Exposure(
        IMAGE.astype(np.float32), SOURCE, IMAGE * 2, (IMAGE > 2).astype(np.int32), {"SAT": 4}, header
    )
    write_exposure(exposure, tmp_path / "a.fits")
    back = read_exposure(tmp_path / "a.fits")
    np.testing.assert_array_equal(back.image, exposure.image)
    np.testing.assert_array_equal(back.variance, exposure.variance)
    assert back.planes == {"SAT": 4} and back.header["FILTER"] == "g"
    assert match_psf(back, TARGET, config=CONFIG).residual < 1e-5


def test_files_that_are_not_there_or_hold_nothing(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"cannot read the reference .*none.fits: there is no such file"
    ):
        read_psf(tmp_path / "none.fits", "reference")
    (tmp_path / "text.fits").write_text("not FITS")
    fits.PrimaryHDU(IMAGE).writeto(tmp_path / "image.fits")
    with pytest.raises(RuntimeError, match=r"cannot read the reference .*text.fits"):
        read_psf(tmp_path / "text.fits", "reference")
    with pytest.raises(RuntimeError, match=r"cannot read the PSF .*image.fits: it has no extension PSF"):
        read_psf(tmp_path / "image.fits")
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    with pytest.raises(RuntimeError, match=r"cannot read the exposure .*empty.fits: it has no image"):
        read_exposure(tmp_path / "empty.fits")


def test_a_kernel_goes_through_a_file(tmp_path):
    result = match_psf(IMAGE, TARGET, 1.5, psf=SOURCE, config=CONFIG)
    result.kernel.save(tmp_path / "kernel.npz")
    back = type(result.kernel).load(tmp_path / "kernel.npz")
    np.testing.assert_array_equal(back(3, 4), result.kernel(3, 4))


def test_the_psf_of_an_exposure_may_be_a_stamp() -> None:
    """As that of the reference may: an exposure takes whatever `match_psf(psf=)` takes."""
    image, y_x = np.ones((64, 64)), np.mgrid[-10:11, -10:11]
    narrow, wide = (np.exp(-(y_x**2).sum(axis=0) / (2.0 * sigma**2)) for sigma in (1.2, 2.0))
    inside = match_psf(Exposure(image, narrow, image), wide)
    beside = match_psf(Exposure(image, None, image), wide, psf=narrow)
    np.testing.assert_array_equal(inside.matched.image, beside.matched.image)
    with pytest.raises(TypeError, match="PSF"):
        match_psf(Exposure(image, "narrow", image), wide)
