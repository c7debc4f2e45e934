"""Cosmic rays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes import Camera
from getframes.errors import DomainError, ShapeError
from getframes.noise import add_cosmic_rays
from getframes.reference.sim import cosmic_ray
from getframes.reference.stream import Address
from tests.behaviour.random.cameras import CCD
from tests.parity.sim.stages import ADDRESSES, PRECISIONS, SHAPES, after, charges

SKY = CCD.replace(resolution=(300, 200), pixel_size_um=10.0)  # 0.06 cm2


@given(SHAPES, PRECISIONS, st.floats(0.0, 50.0), st.one_of(st.just(0.0), st.floats(0.01, 900.0)), ADDRESSES)
def test_native_meets_the_reference(
    shape: tuple[int, int], precision: str, hits: float, length: float, at: Address
) -> None:
    charge = charges(shape, precision, 5, 1e4)
    native = after("cosmic_rays", charge, at=at, mean_hits=hits, track_length_px=length)
    exact = cosmic_ray.cosmic_rays(charge.astype(float), hits, length, at)
    tolerance = 2e-6 if precision == "float32" else 1e-9
    assert_allclose(native, exact, rtol=tolerance, atol=1e-6)


@pytest.mark.parametrize("length_px", [0.0, 8.0])
def test_moments(length_px: float) -> None:
    """Poisson(rate area time) hits of 10 000 e- each, whose squares have the mean 1.5e8 e-^2."""
    config = SKY.replace(cosmic_ray_rate_per_cm2_s=5.0, cosmic_ray_track_length_px=length_px)
    totals = np.array(
        [add_cosmic_rays(np.zeros((300, 200)), config, 100.0, seed).sum() for seed in range(300)]
    )
    mean, variance = 30.0 * 1e4, 30.0 * 1.5e8
    if length_px == 0.0:
        assert abs(totals.mean() - mean) < 4.0 * np.sqrt(variance / totals.size)
        assert totals.var() == pytest.approx(variance, rel=4.0 * np.sqrt(3.0 / totals.size))
    else:  # tracks lose what lies beyond the edges: of a length L, about 2 L / pi over the side
        lost = 2.0 * length_px / np.pi / 2.0 * (1 / 300 + 1 / 200)
        assert abs(totals.mean() / mean - (1.0 - lost)) < 4.0 * np.sqrt(variance / totals.size) / mean + 0.01


def test_a_hit_of_no_length_is_one_pixel() -> None:
    config = SKY.replace(cosmic_ray_rate_per_cm2_s=1.0)
    counts = [
        np.count_nonzero(add_cosmic_rays(np.zeros((300, 200)), config, 100.0, seed)) for seed in range(400)
    ]
    assert abs(np.mean(counts) - 6.0) < 4.0 * np.sqrt(6.0 / 400)
    assert np.var(counts) == pytest.approx(6.0, rel=0.3)


def test_hits_fall_everywhere_and_in_every_direction() -> None:
    config = SKY.replace(cosmic_ray_rate_per_cm2_s=1e4, cosmic_ray_track_length_px=3.0)
    struck = add_cosmic_rays(np.zeros((300, 200)), config, 100.0, 1)
    for sums in (struck.reshape(3, 100, 200).sum(axis=(1, 2)), struck.reshape(300, 2, 100).sum(axis=(0, 2))):
        assert_allclose(sums / sums.mean(), 1.0, atol=0.03)
    # Tracks of a length L cross 2 L / pi edges of pixels on each axis: as many along rows as along columns.
    sparse = (
        add_cosmic_rays(np.zeros((300, 200)), config.replace(cosmic_ray_rate_per_cm2_s=30.0), 100.0, 2) > 0
    )
    across, along = (sparse[1:] & sparse[:-1]).sum(), (sparse[:, 1:] & sparse[:, :-1]).sum()
    assert across == pytest.approx(along, rel=0.25)


def test_a_longer_exposure_has_the_hits_of_a_shorter_one() -> None:
    config = SKY.replace(cosmic_ray_rate_per_cm2_s=5.0, cosmic_ray_track_length_px=8.0)
    short, long = (add_cosmic_rays(np.zeros((300, 200)), config, time, 7) for time in (50.0, 150.0))
    assert (long >= short).all() and long.sum() > short.sum()


def test_its_input_stays_as_it_is() -> None:
    charge = charges((300, 200), "float64", 1, 1e4)
    before = charge.copy()
    struck = add_cosmic_rays(charge, SKY.replace(cosmic_ray_rate_per_cm2_s=50.0), 10.0, 3)
    assert_array_equal(charge, before)
    assert (struck >= charge).all() and (struck > charge).any()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_region_sees_its_part_of_the_sensor(precision: str) -> None:
    config = SKY.replace(cosmic_ray_rate_per_cm2_s=100.0, cosmic_ray_track_length_px=20.0)
    whole = Camera(config, precision=precision).dark_frame(50.0, seed=2).data
    part = Camera(config.replace(roi=(30, 50, 100, 120)), precision=precision).dark_frame(50.0, seed=2).data
    assert_array_equal(part, whole[50:170, 30:130])


def test_a_bias_has_none() -> None:
    with_rays = Camera(SKY.replace(cosmic_ray_rate_per_cm2_s=1e3)).bias_frame(seed=1).data
    assert_array_equal(with_rays, Camera(SKY).bias_frame(seed=1).data)


def test_bad_input_is_named() -> None:
    config = SKY.replace(cosmic_ray_rate_per_cm2_s=1e6)
    for time in (-1.0, np.nan, np.inf, "long"):
        with pytest.raises(DomainError, match=r"^exposure_s must be finite and >= 0 s, got"):
            add_cosmic_rays(np.zeros((300, 200)), config, time, 1)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r"electrons must have shape \(300, 200\), got \(3, 3\)"):
        add_cosmic_rays(np.zeros((3, 3)), config, 1.0, 1)
    with pytest.raises(
        DomainError, match=r"cosmic-ray hits expected in one exposure must be at most 1e7, got"
    ):
        add_cosmic_rays(np.zeros((300, 200)), config, 1e6, 1)
    long = config.replace(cosmic_ray_track_length_px=100.0)
    with pytest.raises(
        DomainError, match=r"pixels under cosmic rays expected in one exposure must be at most 1e8"
    ):
        add_cosmic_rays(np.zeros((300, 200)), long, 15.0, 1)
