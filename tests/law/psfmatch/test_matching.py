"""Matching kernels against what is known of them: analytic kernels, other references, fields that vary, noise."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from getframes import AiryPSF, GaussianPSF, MoffatPSF, PointSource, Scene, Telescope
from getframes.psfmatch import Exposure, FunctionPSF, MatchConfig, MixturePSF, ScenePSF, match_psf
from getframes.psfmatch.basis import difference
from getframes.scene import FieldPolynomial

FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
POINT = np.zeros((101, 101))
POINT[50, 50] = 1.0


def gaussian(sigma, ratio=1.0, angle=0.0, side=61):
    return MixturePSF([1.0], [sigma], axis_ratio=[ratio], angle_deg=[angle], side=side)


def shifted(sigma, dx, dy, side=61):
    at = np.arange(side) - side // 2
    return FunctionPSF(
        lambda x, y: np.outer(
            np.exp(-((at - dy) ** 2) / 2 / sigma**2), np.exp(-((at - dx) ** 2) / 2 / sigma**2)
        ),
        side,
    )


def kernel_between(source, target, side, **config):
    return match_psf(POINT, target, psf=source, config=MatchConfig(kernel_size=side, **config))


GAUSSIANS = [
    (gaussian(1.0), gaussian(2.0)),
    (gaussian(1.2), gaussian(2.0)),
    (gaussian(1.5), gaussian(2.5)),
    (gaussian(1.2), gaussian(2.6, 0.8, 30.0)),
    (gaussian(1.2, 0.8, 20.0), gaussian(2.4)),
    (gaussian(1.2, 0.8, 20.0), gaussian(2.8, 0.8, 110.0)),
    (gaussian(1.3), shifted(2.2, 0.37, -0.21)),
]


@pytest.mark.parametrize(("source", "target"), GAUSSIANS)
def test_gaussians(source, target):
    assert kernel_between(source, target, 31).residual < 1e-6


@pytest.mark.parametrize("sigma", [0.8, 1.0, 1.2])
@pytest.mark.parametrize("width", [1.7, 2.0, 2.5])
def test_the_kernel_between_gaussians_is_a_gaussian(sigma, width):
    """Point-sampled: a pixel on both sides cancels."""
    result = kernel_between(gaussian(sigma), gaussian(np.hypot(sigma, width)), 31)
    at = np.arange(31) - 15
    exact = np.exp(-(at[:, None] ** 2 + at**2) / 2 / width**2)
    exact /= exact.sum()
    assert np.abs(result.kernel(50, 50) - exact).max() < 1e-4 * exact.max()
    assert_allclose(result.noise_gain, np.sqrt((exact**2).sum()), rtol=1e-4)


def test_a_wide_source_is_an_ill_posed_problem_but_a_good_match():
    result = kernel_between(gaussian(2.0), gaussian(2.5), 31)
    at = np.arange(31) - 15
    exact = np.exp(-(at[:, None] ** 2 + at**2) / 2 / 1.5**2)
    exact /= exact.sum()
    assert result.residual < 5e-6
    assert_allclose(result.noise_gain, np.sqrt((exact**2).sum()), rtol=0.01)


MOFFATS = [
    ((2.5, 3.0), (4.0, 3.0)),
    ((3.0, 2.5), (4.5, 4.0)),
    ((2.2, 4.0), (3.5, 2.5)),
    ((2.5, 3.5), (4.0, 3.5)),
]


def test_moffats():
    """All below 7e-4, and 2e-4 as a rule."""
    residuals = []
    for pair in MOFFATS:
        models = (ScenePSF(MoffatPSF(*figures), side=81) for figures in pair)
        residuals.append(kernel_between(*models, 41).residual)
    assert max(residuals) < 7e-4 and np.median(residuals) < 2e-4


@pytest.mark.parametrize("source", [(2.5, 3.5), (3.0, 3.0), (2.2, 2.5)])
def test_moffat_to_gaussian(source):
    assert kernel_between(ScenePSF(MoffatPSF(*source), side=81), gaussian(2.5, side=81), 41).residual < 2e-4


def test_an_airy_pattern_becomes_a_gaussian():
    """Its rings reach beyond any kernel: what lies outside stays."""
    airy = ScenePSF(AiryPSF(1.0, 5.5e-7, 0.3), 0.05, side=81)
    assert kernel_between(airy, gaussian(3.0, side=81), 41).residual < 3e-3


@pytest.mark.parametrize("total", [0.5, 1.0, 2.7])
def test_the_sum_of_the_kernel_scales_everything(total):
    one = match_psf(POINT, gaussian(2.0), psf=gaussian(1.2), config=MatchConfig(kernel_size=31))
    many = match_psf(POINT, gaussian(2.0), total, psf=gaussian(1.2), config=MatchConfig(kernel_size=31))
    for x, y in ((0, 0), (50, 20)):
        assert abs(many.kernel(x, y).sum() - total) < 1e-12
        assert_allclose(many.kernel(x, y), total * one.kernel(x, y), rtol=1e-14)
    inside = np.isfinite(one.matched.image)
    assert_allclose(many.matched.image[inside], total * one.matched.image[inside], rtol=0, atol=1e-15)


def test_the_alard_lupton_basis_is_close():
    smooth = kernel_between(gaussian(1.2), gaussian(2.5), 21, basis="alard-lupton")
    assert smooth.residual < 2e-3
    kernel = smooth.kernel(50, 50)
    assert abs(kernel.sum() - 1.0) < 1e-12
    assert_allclose(kernel, kernel[::-1], atol=1e-6 * kernel.max())
    assert_allclose(kernel, kernel.T, atol=1e-6 * kernel.max())


SHAPE = (400, 512)
WIDENING = GaussianPSF(
    FieldPolynomial([[1.4 * FWHM], [0.6 * FWHM]], ((SHAPE[1] - 1) / 2, 0.0), (SHAPE[1] - 1) / 2)
)
"""Standard deviation of 0.8 px at the left edge, 2.0 px at the right."""


def test_between_nodes():
    source, target = ScenePSF(WIDENING, side=61), gaussian(2.5)
    result = match_psf(
        np.zeros(SHAPE), target, psf=source, config=MatchConfig(kernel_size=31, nodes=(8, 2), max_rank=5)
    )
    assert result.kernel.rank <= 5
    wanted = target.stamp(0, 0)
    for x in np.linspace(0, SHAPE[1] - 1, 37):
        rest = difference(source.stamp(x, 200.0), result.kernel(x, 200.0), wanted)
        assert np.sqrt((rest**2).sum() / (wanted**2).sum()) < 1e-4
        assert abs(result.kernel(x, 200.0).sum() - 1.0) < 1e-12
        achieved = result.matched.psf.stamp(x, 200.0)
        assert np.abs(achieved - wanted).max() < 1e-4 * wanted.max()


STARS = [(60.0 * i + 40.3 + 0.1 * j, 60.0 * j + 45.7 - 0.1 * i) for i in range(8) for j in range(6)]


def star_field(psf):
    stars = [PointSource(x, y, photon_rate=1000.0 + 37.0 * n) for n, (x, y) in enumerate(STARS)]
    return Scene(SHAPE, Telescope.unit(1.0), psf, stars).photon_rate_map()


def test_a_field_of_stars_gets_the_psf_of_the_reference():
    """The PSF widens by a fifth over the field, as in a real camera."""
    varying = GaussianPSF(FieldPolynomial([[1.3 * FWHM], [0.13 * FWHM]], (255.5, 199.5), 255.5))
    wanted = star_field(GaussianPSF(2.2 * FWHM))
    result = match_psf(
        star_field(varying),
        GaussianPSF(2.2 * FWHM),
        psf=ScenePSF(varying, side=61),
        config=MatchConfig(kernel_size=31, nodes=(8, 3), edge="reflect"),
    )
    rest = result.matched.image - wanted
    assert np.sqrt(np.mean(rest**2)) < 1e-4 * wanted.max()
    y, x = np.indices(SHAPE)
    for star_x, star_y in STARS:
        aperture = np.hypot(x - star_x, y - star_y) < 20.0
        assert abs(rest[aperture].sum()) < 1e-5 * wanted[aperture].sum()


def test_variance_is_that_of_realizations():
    rng = np.random.default_rng(8)
    variance = np.broadcast_to(np.linspace(1.0, 9.0, 96), (80, 96))
    source, target, config = gaussian(1.0), gaussian(np.hypot(1.0, 2.0)), MatchConfig(kernel_size=21)
    result = match_psf(Exposure(np.zeros((80, 96)), source, variance), target, config=config)
    count = 200
    drawn = np.array(
        [
            result.kernel.convolve(rng.normal(size=variance.shape) * np.sqrt(variance), edge="nan")
            for _ in range(count)
        ]
    )
    inside = np.isfinite(drawn[0])
    ratio = drawn.var(axis=0, ddof=1)[inside] / result.matched.variance[inside]
    # Neighbours share noise: sum K^2 of them count as one.
    independent = ratio.size * result.noise_gain**2 / 4
    assert abs(ratio.mean() - 1.0) < 3.0 * np.sqrt(2.0 / (count - 1) / independent)


def test_a_gaussian_kernel_of_two_pixels_keeps_two_percent_of_the_variance():
    result = match_psf(
        Exposure(np.zeros((101, 101)), gaussian(1.0), np.ones((101, 101))),
        gaussian(np.hypot(1.0, 2.0)),
        config=MatchConfig(kernel_size=31),
    )
    assert_allclose(result.matched.variance[50, 50], 0.019894, rtol=1e-3)
    assert_allclose(result.noise_gain**2, 0.019894, rtol=1e-3)


def test_deconvolution_warns_and_is_bounded():
    with pytest.warns(UserWarning) as warned:
        result = kernel_between(gaussian(2.5), gaussian(2.0), 31)
    texts = " ".join(str(warning.message) for warning in warned)
    assert "narrower" in texts and "bounded to 2" in texts
    assert result.noise_gain <= 2.0
    assert result.residual < 2e-2


def test_the_kernel_grows_until_it_holds_the_match():
    for width in (1.0, 2.0, 3.0):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = match_psf(POINT, gaussian(np.hypot(1.2, width), side=81), psf=gaussian(1.2, side=81))
        assert result.config.kernel_size >= 8 * width
        assert result.residual < 2e-5
