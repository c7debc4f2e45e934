"""Variance at the edge of an image, against that of the linear map which the convolution is: every pixel of the image in turn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from getframes.psfmatch import Exposure, FunctionPSF, MatchConfig, MixturePSF, match_psf

SHAPE = (17, 23)
TARGET = MixturePSF([1.0], [1.9], axis_ratio=[0.8], angle_deg=[30.0], side=31)
CONSTANT = MixturePSF([1.0], [1.0], side=31)
VARYING = FunctionPSF(
    lambda x, y, side: MixturePSF([1.0], [0.8 + 0.02 * x + 0.01 * y], side=side).stamp(0, 0), 31, resizes=True
)


@pytest.fixture(scope="module", params=[CONSTANT, VARYING], ids=["constant", "varying"])
def psf(request):
    return request.param


def matrix(kernel, edge):
    """What every pixel of the image gives to every pixel of the result, shape (pixels of the result, pixels of the image)."""
    units = np.eye(SHAPE[0] * SHAPE[1]).reshape(-1, *SHAPE)
    return np.array([kernel.convolve(unit, edge=edge).ravel() for unit in units]).T


@pytest.mark.parametrize("edge", ["nan", "renormalize", "reflect"])
@pytest.mark.parametrize("total", [1.0, 2.5])
def test_the_variance_is_that_of_the_map(psf, edge, total):
    variance = np.random.default_rng(3).uniform(0.5, 4.0, SHAPE)
    config = MatchConfig(kernel_size=13, edge=edge)
    result = match_psf(Exposure(np.zeros(SHAPE), psf, variance), TARGET, total, config)
    exact = (matrix(result.kernel, edge) ** 2 @ variance.ravel()).reshape(SHAPE)
    assert np.isnan(exact).sum() == (SHAPE[0] * SHAPE[1] - 5 * 11 if edge == "nan" else 0)
    assert_allclose(result.matched.variance, exact, rtol=1e-3)


@pytest.mark.parametrize("edge", ["renormalize", "reflect"])
def test_realizations_scatter_as_the_variance_says(edge):
    """At the outermost pixels, where fewer pixels, or some of them twice, make the sum."""
    rng = np.random.default_rng(11)
    result = match_psf(
        Exposure(np.zeros(SHAPE), CONSTANT, np.ones(SHAPE)),
        TARGET,
        config=MatchConfig(kernel_size=13, edge=edge),
    )
    count = 2000
    drawn = np.array([result.kernel.convolve(rng.normal(size=SHAPE), edge=edge) for _ in range(count)])
    ratio = drawn.var(axis=0, ddof=1) / result.matched.variance
    assert np.abs(ratio - 1.0).max() < 5.0 * np.sqrt(2.0 / count)
