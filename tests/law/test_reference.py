"""The reference itself: published vectors, and laws that scipy computes another way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from getframes.reference import incomplete, stream, variate
from getframes.reference.sim import pattern
from getframes.reference.stream import Kind, Stage

KEYS = st.integers(0, 2**64 - 1)
FRAMES = st.integers(0, 2**64 - 1)
WORDS = stream.words(1, Kind.LIGHT, Stage.SHOT, 0, 0, 0, 4000)
EXTREMES = np.array([0, 1, 2, 2**31 - 1, 2**31, 2**32 - 3, 2**32 - 2, 2**32 - 1], np.uint32)


@pytest.mark.parametrize(
    ("counter", "key", "output"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_meets_the_published_vectors(counter: str, key: str, output: str) -> None:
    given_words, given_key, expected = (
        np.array([int(word, 16) for word in text.split()], np.uint64) for text in (counter, key, output)
    )
    assert_array_equal(stream.philox(given_words, given_key), expected)


@given(KEYS, FRAMES, st.integers(0, 2**34 - 200), st.integers(0, 100))
def test_a_word_depends_on_its_pixel_alone(key: int, frame: int, first: int, count: int) -> None:
    many = stream.words(key, Kind.LIGHT, Stage.SHOT, frame, 0, first - first % 4, count + 4)
    some = stream.words(key, Kind.LIGHT, Stage.SHOT, frame, 0, first, count)
    assert_array_equal(some, many[first % 4 :][:count])


def test_every_part_of_an_address_matters() -> None:
    address = {"key": 7, "kind": 1, "stage": 32, "frame": 5, "draw": 0}
    start = stream.words(**address, first=0, count=64)
    for name, value in address.items():
        moved = stream.words(**{**address, name: value + 1}, first=0, count=64)
        assert not np.isin(moved, start).any(), name
    assert not np.isin(stream.words(**{**address, "frame": 5 + 2**32}, first=0, count=64), start).any()


def test_probability_is_exact_on_both_sides() -> None:
    u = stream.probability(EXTREMES)
    assert_array_equal(np.where(u.upper, 1.0 - u.tail, u.tail), stream.uniform(EXTREMES))
    assert u.tail[0] == u.tail[-1] == 2.0**-33


def test_wide_uniforms_take_two_words() -> None:
    high, low = (stream.words(3, Kind.PATTERN, Stage.PRNU, 0, draw, 8, 100) for draw in (0, 1))
    u = stream.wide_uniform(3, Kind.PATTERN, Stage.PRNU, 0, 8, 100)
    assert_allclose(u, (high + low / 2.0**32) / 2.0**32, rtol=0.0, atol=2.0**-52)


@pytest.mark.parametrize("mean", [0.0, 1e-6, 0.3, 1.0, 4.999, 5.0, 30.0, 1e3, 9e3])
def test_poisson_is_the_quantile_of_scipy(mean: float) -> None:
    words = np.concatenate([EXTREMES, WORDS])
    assert_array_equal(variate.poisson(mean, words), stats.poisson.ppf(stream.uniform(words), mean))


@pytest.mark.parametrize("mean", [1e5, 2.0**20, 1e7])
def test_poisson_of_large_means_is_nearly_normal(mean: float) -> None:
    """The expansion of Cornish and Fisher rounds to the quantile there, or next to it at a step."""
    words = np.concatenate([EXTREMES, WORDS])
    z = variate.normal(words)
    expansion = mean + np.sqrt(mean) * z + (z**2 - 1.0) / 6.0 + (z - z**3) / 72.0 / np.sqrt(mean)
    assert np.abs(variate.poisson(mean, words) - expansion).max() < 0.501


@pytest.mark.parametrize("shape", [1.01e5, 1.4e5])
def test_far_tails_meet_scipy_where_both_work(shape: float) -> None:
    x = shape + np.sqrt(shape) * np.linspace(4.0, 6.5, 40)
    assert_allclose(incomplete.upper(shape, x), stats.gamma.sf(x, shape), rtol=1e-12)
    x = shape - np.sqrt(shape) * np.linspace(4.0, 6.5, 40)
    assert_allclose(incomplete.lower(shape, x), stats.gamma.cdf(x, shape), rtol=1e-12)


@pytest.mark.parametrize("shape", [1e6, 1e7])
def test_far_tails_meet_the_body(shape: float) -> None:
    """The log of the tail stays smooth across the change of method."""
    sigmas = np.linspace(incomplete.FAR - 0.02, incomplete.FAR + 0.02, 41)
    for tail, sign in ((incomplete.upper, 1.0), (incomplete.lower, -1.0)):
        curve = np.log(tail(shape, shape + sign * np.sqrt(shape) * sigmas))
        assert_allclose(np.diff(curve, 2), np.diff(curve, 2).mean(), rtol=0.02)


def test_continuous_variates_are_the_quantiles_of_scipy() -> None:
    words = np.concatenate([EXTREMES[1:-1], WORDS])
    u = stream.uniform(words)
    assert_allclose(variate.normal(words), stats.norm.ppf(u), rtol=1e-7)
    assert_allclose(variate.exponential(words), stats.expon.ppf(u), rtol=1e-7)
    assert_allclose(variate.gamma(2.5, words), stats.gamma.ppf(u, 2.5), rtol=1e-6)
    assert_allclose(variate.lognormal(0.3, words), stats.lognorm.ppf(u, 0.3, scale=np.exp(-0.045)), rtol=1e-6)


def test_maps_have_the_mean_and_width_they_are_given() -> None:
    shape, key = (200, 300), stream.key_from_seed(4)
    error = 4.0 / np.sqrt(shape[0] * shape[1])
    prnu = pattern.prnu(key, shape, 0.02)
    assert abs(prnu.mean() - 1.0) < 0.02 * error
    assert abs(np.log(prnu).std() / 0.02 - 1.0) < error
    assert abs(pattern.hot_pixels(key, shape, 0.01).mean() - 0.01) < 0.1 * error
    assert (
        abs(pattern.avalanche_gain(key, shape, 0.01, 100.0).std() / (0.01 * np.log(100.0)) - 1.0) < 2 * error
    )
    assert abs(pattern.glow(shape, 20.0).mean() - 1.0) < 1e-12


def test_equal_amplifier_blocks_give_the_first_ones_the_remainder() -> None:
    index = pattern.amplifier_index((5, 7), (2, 3))
    assert_array_equal(index[:, 0], [0, 0, 0, 3, 3])
    assert_array_equal(index[0], [0, 0, 0, 1, 1, 2, 2])
    assert_array_equal(pattern.amplifier_index((4, 4), (2, 1), (1,))[:, 0], [0, 1, 1, 1])
