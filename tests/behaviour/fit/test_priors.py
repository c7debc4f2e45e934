"""Priors: what they take, and what they refuse."""

from __future__ import annotations

import math

import pytest

from getframes.errors import DomainError
from getframes.fit import Flat, LogUniform, Normal, Uniform
from getframes.fit.priors import prior_within, rows_of


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Uniform(1.0, 1.0), r"Uniform.lower must be below upper \(1.0\), got 1.0"),
        (lambda: Uniform(2.0, 1.0), r"Uniform.lower must be below upper \(1.0\), got 2.0"),
        (lambda: Uniform(0.0, math.inf), "Uniform.upper must be finite, got inf"),
        (lambda: LogUniform(0.0, 1.0), "LogUniform.lower must be > 0, got 0.0"),
        (lambda: Normal(0.0, 0.0), "Normal.sigma must be > 0 and finite, got 0.0"),
        (lambda: Normal(0.0, -1.0), "Normal.sigma must be > 0 and finite, got -1.0"),
        (lambda: Normal(math.nan, 1.0), "Normal.mean must be finite, got nan"),
        (lambda: Normal(0.0, 1.0, 0.0), "Normal.upper must be finite, got inf"),
        (lambda: prior_within(None, 0.0, math.inf), "Uniform.upper must be finite, got inf"),
        (lambda: prior_within(Uniform(0.0, 1.0), 2.0, 3.0), r"Uniform.lower must be below upper"),
    ],
)
def test_what_is_no_prior_is_refused(make: object, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        make()  # type: ignore[operator]


def test_bounds_cut_a_prior() -> None:
    assert prior_within(None, -math.inf, math.inf) == Flat()
    assert prior_within(None, 0.0, 2.0) == Uniform(0.0, 2.0)
    assert prior_within(LogUniform(0.1, 5.0), 0.5, 9.0) == LogUniform(0.5, 5.0)
    assert prior_within(Normal(1.0, 2.0), -math.inf, math.inf) == Normal(1.0, 2.0)
    assert prior_within(Normal(1.0, 2.0), 0.0, 3.0) == Normal(1.0, 2.0, 0.0, 3.0)


def test_rows_hold_what_the_kernels_need() -> None:
    rows = rows_of(
        [Flat(), Uniform(1.0, 2.0), LogUniform(1.0, 2.0), Normal(3.0, 4.0), Normal(3.0, 4.0, 0.0, 9.0)]
    )
    assert rows[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert rows[1, 1:3].tolist() == [1.0, 2.0]
    assert rows[4].tolist() == [4.0, 0.0, 9.0, 3.0, 4.0]
