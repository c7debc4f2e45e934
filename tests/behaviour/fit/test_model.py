"""What a patch needs to have a posterior, and how it says what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from getframes.errors import DomainError, ShapeError, SingularError
from getframes.fit import Normal, Patch, Uniform, optimize, prepare_model, sample
from tests.patches import blank, galaxy, noisy, star, with_images

CALLS = {"optimize": optimize, "sample": lambda patch: sample(patch, 10, 10)}


def patch(**changed: Any) -> Patch:
    return noisy(blank([galaxy(6.5, 7.0, 900.0), star(11.0, 9.0, 400.0)], side=16, **changed), seed=1)


def bounded(name: str, lower: float, upper: float) -> Patch:
    made = patch()
    bounds = made.bounds.copy()
    bounds[made.names.index(name)] = lower, upper
    return replace(made, bounds=bounds)


def moved(name: str, value: float) -> Patch:
    made = patch()
    parameters = made.parameters
    parameters[made.names.index(name)] = value
    return replace(made, sources=made.filled(parameters))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (bounded("rhalf[1]", 2.0, 2.0), r"prior of rhalf of source 1: Uniform.lower must be below upper \(2.0\), got 2.0"),
        (bounded("rhalf[1]", 1.0, np.inf), r"prior of rhalf of source 1: Uniform.upper must be finite, got inf"),
        (bounded("dra[2]", -np.inf, np.inf), r"prior of dra of source 2 must be given, or both bounds, got \(-inf, inf\)"),
        (bounded("g2[1]", -0.9, 0.9), r"bounds of g1 and g2 of source 1 must be within \|g\| < 1, got 1.1"),
        (bounded("flux_u[2]", 0.0, np.inf), r"prior of flux_u of source 2: Uniform.upper must be finite, got inf"),
    ],
)  # fmt: skip
def test_priors_that_are_none(given: Patch, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        prepare_model(given)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_start_outside_its_bounds(call: Any) -> None:
    with pytest.raises(
        DomainError, match=r"start of sersic\[1\] must be within its bounds \[0.6, 5.5\], got 7.0"
    ):
        call(moved("sersic[1]", 7.0))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_pixel_counts(call: Any) -> None:
    made = patch()
    masked = tuple(replace(each, weight=np.zeros_like(each.weight)) for each in made.exposures)
    with pytest.raises(DomainError, match=r"pixels of patch 0 must be > 0 with a weight, got 0"):
        call(replace(made, exposures=masked))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_source_that_nothing_sees(call: Any) -> None:
    """Its flux has no prior, and no pixel tells it."""
    far = blank([star(7.0, 6.0, 300.0), star(400.0, 14.0, 100.0)], side=16)
    with pytest.raises(SingularError, match="flux of source 1"):
        call(far)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_pixels_that_are_no_numbers(call: Any) -> None:
    made = patch()
    data = np.concatenate([each.data for each in made.exposures])
    data[3, 5] = np.nan
    with pytest.raises(DomainError, match="data"):
        call(with_images(made, data))


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("draws", 0), ("chains", 0), ("warmup", -1), ("max_treedepth", 0), ("weight", 0.0), ("target_accept", 1.0),
        ("max_snr", 0.0),
    ],
)  # fmt: skip
def test_arguments_that_break_a_rule(argument: str, value: float) -> None:
    with pytest.raises(DomainError, match=f"{argument} must be .*got {value!r}"):
        sample(patch(), **{argument: value})  # type: ignore[arg-type]


def test_covariances_that_are_none() -> None:
    with pytest.raises(ShapeError, match=r"cov must have shape \(10, 10\), got \(3, 3\)"):
        sample(patch(), 10, 10, cov=np.eye(3))
    with pytest.raises(DomainError, match=r"cov must be finite, with variances > 0, got 0\.0"):
        sample(patch(), 10, 10, cov=np.zeros((10, 10)))


def test_coordinates_are_what_is_not_integrated() -> None:
    model = prepare_model(patch(background=1))
    assert model.names == (*patch().names, "background[u0][0]")
    assert_array_equal(model.sampled, np.arange(8))
    flux = Uniform(1.0, 2000.0)
    assert prepare_model(patch(background=1, priors={"flux_u": flux})).sampled.tolist() == list(range(10))
    assert prepare_model(patch(priors={"flux_u": Normal(1.0, 2000.0)})).sampled.tolist() == list(range(8))


def test_parameters_come_back() -> None:
    made = patch(priors={"flux_u": Uniform(1.0, 2000.0)})
    model = prepare_model(made)
    assert_allclose(
        model.parameters(model.coordinates(made.parameters)[None])[0], made.parameters, rtol=1e-9, atol=1e-9
    )


def test_what_starts_at_a_bound_is_moved_inside() -> None:
    model = prepare_model(moved("rhalf[1]", 0.3))
    assert model.parameters(model.coordinates(model.patch.parameters)[None])[0, 2] == pytest.approx(
        0.3 + 1e-4 * 11.7
    )


def test_the_signal_to_noise_of_a_pixel_is_capped() -> None:
    made = patch()
    capped = prepare_model(made, max_snr=5.0).patch.exposures[0]
    ratio = np.abs(capped.data) * np.sqrt(capped.weight)
    assert ratio.max() == pytest.approx(5.0)
    faint = np.abs(made.exposures[0].data) < 5.0
    assert_array_equal(capped.weight[faint], made.exposures[0].weight[faint])


def test_nothing_given_is_changed() -> None:
    made = patch()
    before = made.parameters, made.exposures[0].data.copy(), made.bounds.copy()
    optimize(made, max_snr=20.0)
    sample(made, 10, 20, chains=1)
    assert_array_equal(made.parameters, before[0])
    assert_array_equal(made.exposures[0].data, before[1])
    assert_array_equal(made.bounds, before[2])
