"""The mixture of a Moffat profile against its twin, and against the profile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from getframes._native import deposit
from getframes.errors import DomainError
from getframes.reference.profile import moffat


@given(st.floats(0.1, 30.0), st.floats(1.01, 50.0))
def test_native_meets_the_reference(fwhm: float, beta: float) -> None:
    variance, share = np.array(deposit.moffat(fwhm, beta)).T
    want_variance, want_share = moffat(fwhm, beta)
    # One at the limit of brightness or width may be in one and not in the other.
    assert abs(variance.size - want_variance.size) <= 1
    for v, s in zip(variance, share, strict=True):
        nearest = int(np.argmin(np.abs(want_variance - v)))
        if abs(want_variance[nearest] - v) < 1e-6 * v:
            assert_allclose(s, want_share[nearest], rtol=1e-9)
        else:
            assert s < 1e-3 or v > 60.0 * fwhm**2


@pytest.mark.parametrize("beta", [2.5, 3.0, 4.765, 10.0])
def test_the_profile(beta: float) -> None:
    variance, share = np.array(deposit.moffat(1.0, beta)).T
    r = np.geomspace(0.01, 6.0, 200)[:, None]
    alpha = 0.5 / np.sqrt(2.0 ** (1.0 / beta) - 1.0)
    exact = (beta - 1.0) / (np.pi * alpha**2) * (1.0 + (r[:, 0] / alpha) ** 2) ** -beta
    got = (share / (2.0 * np.pi * variance) * np.exp(-0.5 * r**2 / variance)).sum(axis=1)
    assert_allclose(got, exact, rtol=0.0, atol=3e-4 * exact[0])
    assert 0.0 <= 1.0 - share.sum() < 1e-3  # wider than 8 FWHM, which stars lose as well


@pytest.mark.parametrize(
    ("fwhm", "beta"), [(0.0, 3.0), (-1.0, 3.0), (2.0, 1.0), (np.inf, 3.0), (2.0, np.nan)]
)
def test_impossible_parameters(fwhm: float, beta: float) -> None:
    with pytest.raises(DomainError):
        deposit.moffat(fwhm, beta)
