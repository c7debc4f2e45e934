"""The Sersic mixtures against Sersic's law, to the stated figures."""

from __future__ import annotations

import numpy as np
import pytest

from getframes._native import deposit
from getframes.reference.profile.sersic import enclosed, surface_brightness

INDICES = [0.5, 0.503, 0.507, 0.52, 0.55, 0.6, 0.65, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 5.5, 6.0]


@pytest.mark.parametrize("n", INDICES)
def test_density_and_enclosed_light(n: float) -> None:
    sigma, share = np.array(deposit.sersic(n)).T
    r = np.geomspace(0.05, 4.0, 300)
    shape = np.exp(-0.5 * (r[:, None] / sigma) ** 2)
    density = (share / (2.0 * np.pi * sigma**2) * shape).sum(axis=1)
    light = (share * (1.0 - shape)).sum(axis=1)
    assert np.abs(density / surface_brightness(n, r) - 1.0).max() < 0.012
    assert np.abs(light - enclosed(n, r)).max() < 1e-3


@pytest.mark.parametrize("n", INDICES)
def test_half_of_the_light_is_within_r_eff(n: float) -> None:
    sigma, share = np.array(deposit.sersic(n)).T
    assert abs((share * -np.expm1(-0.5 / sigma**2)).sum() - 0.5) < 1e-3
    assert (share >= 0.0).all() and abs(share.sum() - 1.0) < 1e-12


def test_one_half_is_a_gaussian() -> None:
    sigma, share = np.array(deposit.sersic(0.5)).T
    assert share[-1] == 1.0
    assert abs(sigma[-1] - 1.0 / np.sqrt(2.0 * np.log(2.0))) < 1e-15
