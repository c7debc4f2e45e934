"""Parameters as coordinates: the kernel meets its twin, to the last digits and far in the tails."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes._native import fit
from getframes.fit.priors import Flat, LogUniform, Normal, Uniform, rows_of
from getframes.reference.fit import transform as reference

wide = st.floats(-1e3, 1e3)
widths = st.floats(1e-3, 1e3)
coordinates = st.floats(-60.0, 60.0)


@st.composite
def priors(draw: Any) -> Any:
    lower = draw(wide)
    uniform = Uniform(lower, lower + draw(widths))
    least = draw(st.floats(1e-6, 1e3))
    other = LogUniform(least, least * (1.0 + draw(widths)))
    normal = Normal(draw(wide), draw(widths))
    bounded = Normal(draw(wide), draw(widths), uniform.lower, uniform.upper)
    return draw(st.sampled_from([Flat(), uniform, other, normal, bounded]))


@given(st.lists(st.tuples(priors(), coordinates), min_size=1, max_size=8))
def test_native_meets_the_reference(given_pairs: list[tuple[Any, float]]) -> None:
    rows, u = rows_of([prior for prior, _ in given_pairs]), np.array([u for _, u in given_pairs])
    native, twin = fit.place(rows, u), reference.place(rows, u)
    scale = np.maximum(np.abs(rows[:, 1:4]).max(axis=1), 1.0)
    assert_allclose(native[0] / scale, twin[0] / scale, rtol=1e-12, atol=1e-14)
    assert_allclose(native[1], twin[1], rtol=1e-12, atol=0.0)
    # ln p of a normal is a square of what may be a small difference of large numbers.
    sigma = np.where(rows[:, 0] == 4, rows[:, 4], 1.0)
    loose = 1e-12 * (1.0 + (scale / sigma) ** 2)
    assert np.all(np.abs(native[2:] - twin[2:]) <= loose * (1.0 + np.abs(twin[2:])))


@given(priors(), coordinates)
@example(LogUniform(1.5, 3.0), -23.0)
@example(LogUniform(223.0, 223.223), -29.0)
def test_coordinates_meet_the_reference(prior: Any, u: float) -> None:
    rows = rows_of([prior])
    value = reference.place(rows, np.array([u]))[0]
    error = last_digit(rows[0], float(value[0]))
    assume(error < 1.0)
    native, twin = fit.coordinate(rows, value), reference.coordinate(rows, value)
    assert_allclose(native, twin, rtol=1e-9, atol=1e-9 + 4.0 * error)


def last_digit(row: Any, value: float) -> float:
    """What a coordinate changes by where its value, or its distance from the nearer bound, changes in the last digit."""
    law, lower, upper = row[:3].tolist()
    if law in (0, 3) or not lower < value < upper:
        return 0.0
    below, at, above = (math.log(each) if law == 2 else each for each in (lower, value, upper))
    gap = min(at - below, above - at)
    return np.finfo(float).eps * max(abs(below), abs(above), 1.0) / gap if gap > 0.0 else math.inf


@given(priors(), st.floats(-8.0, 8.0))
def test_values_come_back(prior: Any, u: float) -> None:
    rows = rows_of([prior])
    value = fit.place(rows, np.array([u]))[0]
    back = fit.place(rows, fit.coordinate(rows, value))[0]
    reach = np.abs(rows[:, 1:4]).max() + 1.0
    assert_allclose(back, value, rtol=1e-9, atol=1e-9 * reach)
