"""The table of the kernel, and what is between its knots, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes._native import deposit
from getframes.errors import DomainError
from getframes.reference.profile import sersic

SHIFT, FIRST, LAST, KNOTS = 0.45, 0.51, 8.0, 65


def native(n: float) -> tuple[np.ndarray, np.ndarray]:
    sigma, share = np.array(deposit.sersic(n)).T
    return sigma, share


def knot(number: int) -> float:
    low, high = np.log(FIRST - SHIFT), np.log(LAST - SHIFT)
    return float(np.exp(low + (high - low) * number / (KNOTS - 1)) + SHIFT)


@pytest.mark.parametrize("number", range(0, KNOTS, 8))
def test_the_table_is_the_definition(number: int) -> None:
    n = min(knot(number), LAST)
    for got, want in zip(native(n), sersic(n), strict=True):
        assert_allclose(got, want, rtol=1e-6, atol=1e-9)


@settings(max_examples=12)
@given(st.floats(0.5, 8.0))
def test_between_the_knots(n: float) -> None:
    """The blurred brightness, whatever the widths are: 1e-3 of it at every radius."""
    radius = np.geomspace(0.01, 6.0, 50)[:, None]

    def blurred(mixture: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        sigma, share = mixture
        variance = sigma**2 + 0.03**2
        return (share / variance * np.exp(-0.5 * radius**2 / variance)).sum(axis=1)

    got, want = blurred(native(n)), blurred(sersic(n))
    assert_allclose(got, want, rtol=2e-3, atol=2e-5 * want.max())


@given(st.floats(0.5, 8.0))
def test_shares_are_positive_and_sum_to_one(n: float) -> None:
    sigma, share = native(n)
    assert (share >= 0.0).all()
    assert abs(share.sum() - 1.0) < 1e-12
    assert (np.diff(sigma[:-1]) > 0.0).all()


@pytest.mark.parametrize("n", [0.49, 8.01, np.nan, -1.0, np.inf])
def test_impossible_indices(n: float) -> None:
    with pytest.raises(DomainError, match=r"index must be in \[0.5, 8\]"):
        deposit.sersic(n)
