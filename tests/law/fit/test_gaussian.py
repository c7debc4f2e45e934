"""A Gaussian on pixels against the exact integral over each pixel."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from getframes._native import fit as native


def drawn(component, side: int = 3) -> np.ndarray:
    """Tiles around the origin, as one image."""
    zeros, tiles = np.zeros((8, 8)), range(-8 * side, 8 * side, 8)
    return np.block([[native.gaussian(np.array(component), (x, y), zeros)[0] for x in tiles] for y in tiles])


def exact(sigma_x: float, sigma_y: float, x: float, y: float, side: int = 3) -> np.ndarray:
    pixels = np.arange(-8 * side, 8 * side)

    def along(sigma, centre):
        ends = [erf((pixels + edge - centre) / sigma / np.sqrt(2.0)) for edge in (-0.5, 0.5)]
        return (ends[1] - ends[0]) / 2.0

    return np.outer(along(sigma_y, y), along(sigma_x, x))


SIGMAS = [0.4, 0.45, 0.5, 0.53, 0.56, 0.6, 0.8, 1.0, 1.2, 1.25, 1.32, 1.4, 1.5, 2.0, 3.0]


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("ratio", [1.0, 0.6, 2.0])
@pytest.mark.parametrize("place", [(0.0, 0.0), (0.5, 0.5), (0.2, -0.4)])
def test_the_integral_over_a_pixel_is_right_to_a_thousandth_of_the_peak(sigma, ratio, place):
    across = max(0.4, ratio * sigma)
    want = exact(sigma, across, *place)
    assert np.abs(drawn([1.0, *place, sigma**2, 0.0, across**2]) - want).max() < 1e-3 * want.max()


@pytest.mark.parametrize(
    "widths", [(0.4, 0.8), (0.45, 2.0), (0.55, 0.7), (0.8, 1.6), (1.0, 3.0), (1.25, 1.6)]
)
@pytest.mark.parametrize("angle", [20.0, 45.0, 130.0])
def test_elongated_ones_at_an_angle(widths, angle):
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[c, -s], [s, c]])
    covariance = turn @ np.diag(np.square(widths)) @ turn.T
    nodes, weights = np.polynomial.legendre.leggauss(12)
    places = (np.arange(-24, 24)[:, None] + nodes / 2.0).ravel()
    u, v = np.meshgrid(places - 0.3, places + 0.1)
    a, b, c = np.linalg.inv(covariance)[[0, 0, 1], [0, 1, 1]]
    values = np.exp(-0.5 * (a * u**2 + 2.0 * b * u * v + c * v**2)) / (2.0 * np.pi * np.prod(widths))
    want = np.einsum("iajb,a,b->ij", values.reshape(48, 12, 48, 12), weights / 2.0, weights / 2.0)
    got = drawn([1.0, 0.3, -0.1, *covariance[[0, 0, 1], [0, 1, 1]]])
    assert np.abs(got - want).max() < 1e-3 * want.max()


@pytest.mark.parametrize("sigma", [0.4, 0.5, 1.0, 2.0])
def test_no_light_is_lost(sigma):
    assert abs(drawn([2.0, 0.3, 0.1, sigma**2, 0.0, sigma**2]).sum() - 2.0) < 1e-3


def test_narrower_than_any_pixel():
    """Beyond what the rule is made for: finite, and in the right pixel."""
    image = drawn([1.0, 0.1, -0.2, 1e-6, 0.0, 1e-6])
    assert np.isfinite(image).all()
    assert np.unravel_index(image.argmax(), image.shape) == (24, 24)


@pytest.mark.parametrize("low", [0.2, 1.2])
def test_smooth_through_all_widths(low):
    """Central differences against the slopes, across both places where the points of a pixel change."""
    numbers = np.random.default_rng(4).normal(size=(8, 8))
    for sigma in np.linspace(low, low + 0.5, 41):
        component = np.array([1.0, 3.2, 4.1, sigma**2, 0.1 * sigma**2, 1.1 * sigma**2])
        _, slopes = native.gaussian(component, (0, 0), numbers)
        for number in range(6):
            step = np.zeros(6)
            step[number] = 1e-5 * (sigma**2 if number > 2 else 1.0)
            ends = [
                (native.gaussian(component + sign * step, (0, 0), numbers)[0] * numbers).sum()
                for sign in (-1, 1)
            ]
            difference = (ends[1] - ends[0]) / (2.0 * step[number])
            assert abs(difference - slopes[number]) < 3e-5 * np.abs(slopes).max()
