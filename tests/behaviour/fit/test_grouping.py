"""Groups of sources, and how a sweep shares them out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from getframes.fit.grouping import Links, overlaps, points_of, share_out
from getframes.fit.schedule import Schedule


def linked(points: np.ndarray, reach: np.ndarray) -> set[tuple[int, int]]:
    """Every pair, looked at."""
    apart = np.linalg.norm(points[:, None] - points, axis=-1)
    first, second = np.nonzero(np.triu(apart < reach[:, None] + reach, 1))
    return set(zip(first.tolist(), second.tolist(), strict=True))


@given(st.integers(1, 60), st.integers(0, 2**32 - 1), st.floats(0.5, 40))
def test_overlaps_are_those_of_every_pair(count: int, seed: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    points, reach = rng.uniform(0, 100, (count, 2)), density * rng.uniform(0.02, 1, count) ** 3
    found = overlaps(points, reach)
    assert len(found.first) == len(linked(points, reach))
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) == linked(points, reach)


def test_groups_are_chains_of_overlaps() -> None:
    points = np.array([[0.0, 0], [3, 0], [6, 0], [20, 0], [22, 0], [50, 0]])
    links = overlaps(points, np.full(6, 2.0))
    label = links.groups(6)
    assert [label.tolist().index(each) for each in label] == [0, 0, 0, 3, 3, 5]
    chosen = np.array([False, True, False, False, False, False])
    assert np.flatnonzero(links.neighbours(chosen)).tolist() == [0, 2]


@pytest.mark.parametrize("centre", [(0.0, 0.0), (0.0, -60.0), (123.0, 89.9995), (45.0, -90.0)])
def test_no_seam_on_the_sphere(centre: tuple[float, float]) -> None:
    """Four sources around a place, 1 arcsec from it: distances do not know of RA = 0 or a pole."""
    side = 1.0 / 3600.0
    if abs(centre[1]) > 89:
        colatitude = max(90.0 - abs(centre[1]), side)
        ra, dec = np.array([0.0, 90, 180, 270]), np.copysign(90 - np.full(4, colatitude), centre[1])
        wanted = 2 * colatitude * 3600
    else:
        ra = np.array([side, 0, 360 - side, 0]) / np.array([np.cos(np.deg2rad(centre[1])), 1, 1, 1])
        ra[2] = 360 - ra[0]
        dec = centre[1] + side * np.array([0, 1, 0, -1.0])
        wanted = 2.0
    points = points_of(ra, dec, sky=True)
    assert np.linalg.norm(points[0] - points[2]) == pytest.approx(wanted, rel=1e-6)
    assert np.linalg.norm(points[1] - points[3]) == pytest.approx(wanted, rel=1e-6)
    assert overlaps(points, np.full(4, 0.51 * wanted)).groups(4).max() == 0


def test_pixels_are_a_plane() -> None:
    assert_array_equal(points_of(np.array([359.0]), np.array([2.0]), sky=False), [[359.0, 2.0]])


@given(st.integers(1, 80), st.integers(0, 2**32 - 1), st.integers(1, 12), st.floats(1, 30))
def test_every_free_source_is_in_one_patch(count: int, seed: int, most: int, reach: float) -> None:
    rng = np.random.default_rng(seed)
    points, free = rng.uniform(0, 100, (count, 2)), rng.random(count) < 0.9
    reaches = np.full(count, reach)
    links = overlaps(points, reaches)
    patch = share_out(points, reaches, links, free=free, order=rng.permutation(count), most=most)
    assert_array_equal(patch >= 0, free)
    assert sorted(set(patch[free].tolist())) == list(range(patch.max(initial=-1) + 1))
    label = links.among(free).groups(count)
    for number in range(patch.max(initial=-1) + 1):
        members = patch == number
        assert members.sum() <= most
        assert len(set(links.among(members).groups(count)[members].tolist())) == 1  # hangs together
        group = (label == label[members][0]) & free
        assert group.sum() > most or (group == members).all()  # and small groups are whole


def test_a_large_group_is_split_about_its_seeds() -> None:
    points = np.stack([np.arange(7.0), np.zeros(7)], axis=1)
    reach = np.full(7, 0.6)
    links = overlaps(points, reach)
    order = np.array([2, 6, 0, 1, 3, 4, 5])
    patch = share_out(points, reach, links, free=np.ones(7, bool), order=order, most=3)
    assert patch.tolist() == [2, 0, 0, 0, 1, 1, 1]


def test_touching_patches_follow_each_other() -> None:
    patch = np.array([0, 1, 1, 2, 3, -1], np.int32)
    links = Links(np.array([0, 1, 2, 4]), np.array([1, 2, 3, 5]))
    schedule = Schedule(patch, links, np.zeros(6, bool))
    assert [schedule.take(), schedule.take(), schedule.take()] == [0, 3, None]
    schedule.finish(0)
    assert schedule.take() == 1 and schedule.take() is None
    schedule.give_back(1)
    assert schedule.take() == 1
    schedule.finish(1)
    assert schedule.take() == 2
    schedule.finish(2)
    assert schedule.left == {3}
    started_again = Schedule(patch, links, np.array([True, False, False, False, True, False]))
    assert started_again.left == {1, 2} and started_again.take() == 1 and started_again.take() is None
