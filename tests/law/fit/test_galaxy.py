"""Rendered galaxies against galsim; a few of the cases of `benches/fitting/galaxies.py`."""

from __future__ import annotations

import pytest

from tests.law.fit.galaxies import difference


@pytest.mark.parametrize(
    ("side", "fwhm", "r_half", "n", "q"),
    [
        (64, 1.2, 1.0, 1.0, 1.0),
        (64, 2.0, 2.0, 4.0, 0.5),
        (96, 4.0, 5.0, 2.5, 0.3),
        (96, 1.5, 8.0, 1.0, 0.6),
        (96, 3.0, 5.0, 0.6, 0.8),
        (64, 2.5, 3.0, 5.5, 0.9),
    ],
)
def test_galsim_agrees(side, fwhm, r_half, n, q):
    peak, light = difference(side, fwhm, r_half, n, q)
    assert peak < 2e-3
    assert light < 1e-2
