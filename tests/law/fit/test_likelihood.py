"""What no likelihood may break: slopes are differences, views of one sky agree, order and threads change nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from getframes import set_num_threads
from getframes._native import core
from tests.parity.fit.scenes import likelihood, scene


@pytest.mark.parametrize("seed", range(2))
def test_slopes_are_differences(seed):
    """Of both densities, for every parameter. What is cut beyond 6 standard deviations is a step of 1e-8 in a difference."""
    made, shapes = scene(seed, ("disk", "round", "edge"), tiles=3)
    native = likelihood(made)
    rng = np.random.default_rng(seed)
    linear = rng.normal(30.0, 10.0, native.linear)
    prior = (linear, rng.gamma(2.0, 0.02, native.linear))
    _, by_shapes, by_linear = native.value_and_gradient(shapes, linear)
    _, by_marginal = native.marginal(shapes, *prior)
    cases = [
        (by_shapes, shapes, lambda own: native.value_and_gradient(own, linear)[0]),
        (by_linear, linear, lambda own: native.value_and_gradient(shapes, own)[0]),
        (by_marginal, shapes, lambda own: native.marginal(own, *prior)[0]),
    ]
    for slopes, at, value in cases:
        for number, slope in enumerate(slopes):
            step = np.zeros(len(at))
            step[number] = 2e-4 * max(1.0, abs(at[number]))
            near, far = (
                (value(at + k * step) - value(at - k * step)) / (2 * k * step[number]) for k in (1, 2)
            )
            difference = (4.0 * near - far) / 3.0
            assert abs(difference - slope) < 1e-6 * max(abs(slope), 1e-2 * np.abs(slopes).max())


def test_the_sky_may_be_turned_and_flipped():
    """A turn of the sky axes, undone by the Jacobian, changes positions and shears and no pixel."""
    made, shapes = scene(3)
    linear = np.full(likelihood(made).linear, 10.0)
    model = likelihood(made).model(shapes, linear)
    angle = 0.6
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    twice = turn @ turn
    flip = np.diag([-1.0, 1.0])
    for place, shear in [(turn, twice), (flip, np.diag([1.0, -1.0]))]:
        turned = shapes.copy()
        for first in (0, 6, 12):
            turned[first : first + 2] = place @ shapes[first : first + 2]
        for first in (4, 10):
            turned[first : first + 2] = shear @ shapes[first : first + 2]
        other = likelihood(made, jacobian=np.ascontiguousarray(made.jacobian @ place.T))
        assert_allclose(other.model(turned, linear), model, rtol=1e-10, atol=1e-9)


def test_nothing_happens_where_a_galaxy_is_round():
    """The slopes pass through g = 0 on a straight line."""
    made, shapes = scene(4, ("round",))
    native = likelihood(made)
    linear = np.full(native.linear, 10.0)

    def slopes(g1, g2):
        return native.value_and_gradient(np.concatenate([shapes[:4], [g1, g2], shapes[6:]]), linear)[1][4:6]

    middle = slopes(0.0, 0.0)
    for direction in np.eye(2) * 1e-4:
        assert_allclose(slopes(*direction) + slopes(*-direction), 2.0 * middle, rtol=1e-5)


def test_threads_and_levels_change_no_bit():
    made, shapes = scene(1, ("disk", "round", "flat", "edge"), tiles=12)
    native = likelihood(made)
    linear = np.full(native.linear, 10.0)
    assert native.evaluations(shapes) > 500_000  # enough for threads

    def everything():
        known = np.full(native.linear, 0.01)
        marginal = native.marginal(shapes, linear, known)
        parts = (*native.value_and_gradient(shapes, linear), *marginal, native.model(shapes, linear))
        return np.concatenate([np.ravel(part) for part in parts])

    first = everything()
    try:
        for threads in (1, 2, 5):
            set_num_threads(threads)
            assert_array_equal(everything(), first)
        set_num_threads(None)
        for level in core.simd_levels():
            core.set_simd_level(level)
            assert_array_equal(everything(), first)
    finally:
        set_num_threads(None)
        core.set_simd_level(None)


def test_tiles_are_apart():
    """The likelihood of many tiles is the sum of those of each; masked pixels may hold anything."""
    made, shapes = scene(2, tiles=2)
    linear = np.full(likelihood(made).linear, 10.0)
    made = replace(made, background=np.array([1, 0, 1], np.int32))
    linear = linear[: likelihood(made).linear]
    hidden = np.where(made.weight > 0.0, made.data, np.nan)
    value, by_shapes, by_linear = likelihood(made, data=hidden).value_and_gradient(shapes, linear)
    parts = []
    for tile in range(len(made.tile_x)):
        one = {
            name: getattr(made, name)[tile : tile + 1]
            for name in ("tile_x", "tile_y", "tile_exposure", "data", "weight")
        }
        parts.append(likelihood(made, **one).value_and_gradient(shapes, linear))
    assert_allclose(sum(part[0] for part in parts), value, rtol=1e-12)
    assert_allclose(sum(part[1] for part in parts), by_shapes, rtol=1e-9)
    assert_allclose(sum(part[2] for part in parts), by_linear, rtol=1e-9)
