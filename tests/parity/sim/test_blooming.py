"""Blooming."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from getframes import Camera
from getframes.errors import DomainError
from getframes.noise import apply_blooming
from getframes.reference.sim.blooming import blooming
from tests.behaviour.random.cameras import CCD
from tests.parity.sim.stages import PRECISIONS, SHAPES, after, charges, rounding, single


@given(SHAPES, PRECISIONS, st.integers(0, 99), st.floats(1.0, 1e6).map(single))
def test_native_meets_the_reference(shape: tuple[int, int], precision: str, seed: int, well_e: float) -> None:
    charge = charges(shape, precision, seed, 1e6)
    native, exact = after("blooming", charge, limit_e=well_e), blooming(charge.astype(float), well_e)
    # A flow is a sum over its column.
    error = rounding(precision) * (charge.sum(axis=0, dtype=float) + shape[0] * well_e)
    assert (abs(native - exact) <= error).all()
    assert (native <= np.nextafter(np.array(well_e, precision), np.inf)).all()


@given(st.integers(2, 60), st.integers(0, 99), st.floats(10.0, 1e4))
def test_what_does_not_reach_an_edge_is_kept(rows: int, seed: int, well_e: float) -> None:
    charge = np.zeros((4 * rows, 7))
    charge[2 * rows] = np.random.default_rng(seed).uniform(0.0, 2.0 * rows * well_e, 7)
    assert_allclose(apply_blooming(charge, well_e).sum(axis=0), charge.sum(axis=0), rtol=1e-12)


@given(SHAPES, st.integers(0, 99), st.floats(1.0, 1e6))
def test_columns_know_nothing_of_each_other(shape: tuple[int, int], seed: int, well_e: float) -> None:
    charge = charges(shape, "float64", seed, 1e6)
    whole = apply_blooming(charge, well_e)
    for column in (0, shape[1] // 2, shape[1] - 1):
        alone = apply_blooming(charge[:, column : column + 1], well_e)
        assert_array_equal(whole[:, column : column + 1], alone)


def test_charge_below_the_well_stays_where_it_is() -> None:
    charge = charges((50, 70), "float64", 4, 1e5)
    assert_array_equal(apply_blooming(charge, 1e5), charge)


def test_a_star_bleeds_along_its_column() -> None:
    star = np.zeros((101, 5))
    star[50, 2] = 11.0 * 4e4
    bled = apply_blooming(star, 4e4)
    assert_array_equal(np.flatnonzero(bled[:, 2]), np.arange(45, 56))
    assert (bled[45:56, 2] == 4e4).all() and (bled[:, [0, 1, 3, 4]] == 0.0).all()


def test_a_camera_blooms_where_it_would_clip() -> None:
    camera = Camera(CCD.replace(full_well_e=5e4))
    light = np.zeros(CCD.resolution)
    light[40, 60] = 1e6
    clipped, bled = (
        made.expose(light, 1.0, seed=1).data for made in (camera, camera.with_config(blooming=True))
    )
    assert (bled > clipped + 10_000).sum() > 15
    assert not (bled != clipped)[:, [*range(59), *range(62, 131)]].any()


@pytest.mark.parametrize("well_e", [0.0, -1.0, np.nan, np.inf, "deep"])
def test_a_bad_well_is_named(well_e: object) -> None:
    with pytest.raises(DomainError, match=r"^full_well_e must be finite and > 0 e-, got"):
        apply_blooming(np.ones((3, 3)), well_e)  # type: ignore[arg-type]
