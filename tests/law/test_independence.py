"""Words of different kinds, stages, frames and keys have nothing to do with each other."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from getframes._native import core
from tests.law.samples import correlation_bound

PIXELS = 2**16
BASE = {"key": 1, "kind": 3, "stage": 32, "frame": 0, "draw": 0}
CHOICES = {
    "key": (0, 1, 2, 2**32, 2**63),
    "kind": (0, 1, 2, 3, 4, 5),
    "stage": (32, 33, 35, 36, 38),
    "frame": (0, 1, 2, 2**31, 2**32, 2**33),
    "draw": (0, 1),
}


def sample(**changes: int) -> np.ndarray:
    return core.words(**{**BASE, **changes}, first=0, count=PIXELS) / 2.0**32 - 0.5


@pytest.mark.parametrize("part", CHOICES)
def test_parts_of_an_address_are_independent(part: str) -> None:
    samples = [sample(**{part: value}) for value in CHOICES[part]]
    for one, other in combinations(samples, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < correlation_bound(PIXELS)


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 256])
def test_neighbours_are_independent(lag: int) -> None:
    words = sample()
    assert abs(np.corrcoef(words[lag:], words[:-lag])[0, 1]) < correlation_bound(PIXELS)


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_high_and_low_bits_are_uniform(bits: int) -> None:
    words = core.words(**BASE, first=0, count=PIXELS)
    for part in (words >> np.uint32(32 - bits), words & np.uint32(2**bits - 1)):
        assert stats.chisquare(np.bincount(part, minlength=2**bits)).pvalue > 1e-4
