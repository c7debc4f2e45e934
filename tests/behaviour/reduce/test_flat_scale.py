"""Flat scales as a user meets them: bad cells, dead detectors, sets that do not meet, names, options."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from getframes.errors import DomainError, MissingEntryError, ShapeError
from getframes.reduce import FlatScales, flat_scales

G = np.array([0.8, 1.0, 1.1, 1.3])
E = np.array([900.0, 1000.0, 1500.0, 2000.0, 2500.0])
LEVELS = np.outer(G, E)


def islands() -> np.ndarray:
    """Detectors 0 and 1 in exposures 0 to 2, detectors 2 and 3 in exposures 3 and 4."""
    levels = np.full_like(LEVELS, np.nan)
    levels[:2, :3], levels[2:, 3:] = LEVELS[:2, :3], LEVELS[2:, 3:]
    return levels


def test_names_go_with_their_scales() -> None:
    scales = flat_scales(LEVELS, detectors=["a", ("b", "C04"), 7, "d"], exposures=range(101, 106))
    assert list(scales.by_detector) == ["a", ("b", "C04"), 7, "d"]
    assert scales.by_exposure[103] == pytest.approx(1500.0 * G.mean())
    assert scales.by_detector["b", "C04"] == pytest.approx(1.0 / G.mean())


def test_factors_are_by_name() -> None:
    levels = LEVELS.copy()
    levels[:, 4] = np.nan
    scales = flat_scales(levels, exposures="abcde")
    assert scales.factors(["c", "a"]) == [1.0 / scales.by_exposure["c"], 1.0 / scales.by_exposure["a"]]
    with pytest.raises(MissingEntryError, match="exposure must be one of those of the flats, got 'f'"):
        scales.factors("af")
    with pytest.raises(DomainError, match="exposure 'e' must be one with a scale, got nan"):
        scales.factors("ae")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 0.0, -3.0])
def test_bad_cells_are_in_no_sum(bad: float) -> None:
    levels = LEVELS.copy()
    levels[1, 2] = levels[3, 0] = bad
    scales = flat_scales(levels)
    assert np.allclose(scales.model, LEVELS, rtol=1e-13)
    assert scales.weight[1, 2] == 0.0 and np.isnan(scales.residual[1, 2])
    assert scales.dof == 18 - 8


@pytest.mark.parametrize("name", ["counts", "sigma"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_cells_without_pixels_or_spread_are_in_no_sum(name: str, bad: float) -> None:
    given = np.full(LEVELS.shape, 2.0)
    given[0, 1] = bad
    levels = LEVELS.copy()
    levels[0, 1] *= 7.0
    scales = flat_scales(levels, **{name: given})
    assert np.allclose(scales.model, LEVELS, rtol=1e-13)
    assert scales.weight[0, 1] == 0.0


def test_masked_cells_are_missing() -> None:
    levels = np.ma.masked_array(LEVELS * 1.0, np.zeros(LEVELS.shape, bool))
    levels[0, 0] = 1e9
    levels[0, 0] = np.ma.masked
    assert np.allclose(flat_scales(levels).model, LEVELS, rtol=1e-13)


def test_dead_detector_and_dead_exposure_are_nan() -> None:
    levels = LEVELS.copy()
    levels[2], levels[:, 1] = 0.0, np.nan
    scales = flat_scales(levels)
    assert np.isnan(scales.detector_scale).tolist() == [False, False, True, False]
    assert np.isnan(scales.exposure_scale).tolist() == [False, True, False, False, False]
    assert np.isnan(scales.detector_sigma[2]) and np.isnan(scales.model[2]).all()
    assert scales.detector_component.tolist() == [0, 0, -1, 0]
    assert scales.exposure_component.tolist() == [0, -1, 0, 0, 0]
    assert scales.n_components == 1 and scales.dof == 12 - 7 + 1


def test_levels_within_the_noise_are_dead() -> None:
    """A dead amplifier has levels about zero, half of them positive."""
    levels = LEVELS.copy()
    levels[1] = [0.3, -0.2, 0.6, 0.1, -0.4]
    assert np.isnan(flat_scales(levels, sigma=0.3).detector_scale[1])
    assert not np.isnan(flat_scales(levels, sigma=0.3, least_snr=0.5).detector_scale[1])


def test_nothing_at_all_is_nan() -> None:
    scales = flat_scales(np.zeros((2, 3)))
    assert np.isnan(scales.detector_scale).all() and np.isnan(scales.exposure_scale).all()
    assert (scales.n_components, scales.dof, scales.chi2) == (0, 0, 0.0)
    assert "chi2/dof=none" in repr(scales)


def test_one_level_is_its_own_scale() -> None:
    scales = flat_scales([[250.0]], sigma=2.0)
    assert scales.detector_scale.tolist() == [1.0] and scales.exposure_scale[0] == pytest.approx(250.0)
    assert scales.detector_sigma.tolist() == [0.0] and scales.exposure_sigma[0] == pytest.approx(2.0)


def test_sets_that_do_not_meet_have_their_own_gauge() -> None:
    with pytest.warns(UserWarning, match="got 2 sets of detectors without an exposure in common"):
        scales = flat_scales(islands())
    assert scales.detector_component.tolist() == [0, 0, 1, 1]
    assert scales.exposure_component.tolist() == [0, 0, 0, 1, 1]
    for part in (slice(0, 2), slice(2, 4)):
        assert np.allclose(scales.detector_scale[part], G[part] / G[part].mean())
    assert np.isnan(scales.model[0, 4]) and np.isnan(scales.model[3, 0])
    assert scales.dof == 10 - 9 + 2


def test_sets_that_do_not_meet_are_an_error_on_request() -> None:
    with pytest.raises(DomainError, match=r"'a', 'b' in 3 exposures from 0; 'c', 'd' in 2 exposures from 3"):
        flat_scales(islands(), detectors="abcd", disconnected="raise")


def test_the_smaller_set_is_nan_on_request() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scales = flat_scales(islands(), disconnected="nan")
    assert np.isnan(scales.detector_scale).tolist() == [False, False, True, True]
    assert np.isnan(scales.exposure_scale).tolist() == [False, False, False, True, True]
    assert scales.detector_component.tolist() == [0, 0, -1, -1]
    assert not scales.weight[2:].any() and scales.n_components == 1


def test_a_chain_of_exposures_is_connected() -> None:
    """Each detector meets only its neighbours."""
    levels = np.full((60, 59), np.nan)
    for i in range(59):
        levels[i, i], levels[i + 1, i] = 100.0 * 1.01**i, 100.0 * 1.01 ** (i + 1)
    scales = flat_scales(levels, disconnected="raise")
    assert np.allclose(scales.detector_scale[1:] / scales.detector_scale[:-1], 1.01, rtol=1e-11)
    assert scales.dof == 0 and np.isnan(scales.detector_sigma).all()


def test_parts_that_hang_together_by_nothing_are_an_error() -> None:
    counts = np.ones(LEVELS.shape)
    counts[:2, 3:] = counts[2:, :3] = 1e-18
    with pytest.raises(DomainError, match="weights must link all parts of the table"):
        flat_scales(LEVELS * np.linspace(1.0, 1.1, 20).reshape(4, 5), counts)


def test_few_alternating_rounds_say_that_they_are_not_enough() -> None:
    levels = islands()
    levels[1, 3] = LEVELS[1, 3]
    with pytest.warns(UserWarning, match="not converged after 10 rounds"):
        scales = flat_scales(levels, iterations=10)
    assert (scales.converged, scales.iterations) == (False, 10)
    assert "not converged after 10 rounds" in repr(scales)
    assert np.abs(scales.model / LEVELS - 1.0).max() > 1e-6
    assert flat_scales(LEVELS, iterations=10).converged


def test_input_is_left_alone_and_results_are_read_only() -> None:
    levels, counts = LEVELS.copy(), np.full(LEVELS.shape, 7)
    levels[0, 0] = np.nan
    scales = flat_scales(levels, counts)
    assert np.array_equal(levels[1:], LEVELS[1:]) and (counts == 7).all()
    for array in (scales.detector_scale, scales.exposure_sigma, scales.model, scales.weight):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0.0


def test_counts_and_sigma_are_broadcast() -> None:
    one = flat_scales(LEVELS, counts=[1, 2, 3, 4, 5], sigma=0.5)
    two = flat_scales(LEVELS, counts=np.tile([1, 2, 3, 4, 5], (4, 1)), sigma=np.full(LEVELS.shape, 0.5))
    assert np.array_equal(one.weight, two.weight)
    assert one.weight[2, 3] == pytest.approx(4 * (LEVELS[2, 3] / 0.5) ** 2)
    assert one.absolute and not flat_scales(LEVELS).absolute


def test_extreme_levels_are_scaled_or_left_out() -> None:
    for unit in (1e-280, 1e280):
        scales = flat_scales(LEVELS * unit, sigma=LEVELS * unit * 0.01)
        assert np.allclose(scales.model / unit, LEVELS, rtol=1e-10)


@pytest.mark.parametrize(
    ("levels", "options", "error", "message"),
    [
        (
            [1.0, 2.0],
            {},
            ShapeError,
            r"levels must be a table \(n_detectors, n_exposures\), got shape \(2,\)",
        ),
        (np.zeros((0, 3)), {}, ShapeError, "levels must be a table"),
        ([["a", "b"]], {}, DomainError, "levels must be real numbers"),
        (LEVELS * 1j, {}, DomainError, "levels must be real numbers, got 'complex128'"),
        (
            LEVELS,
            {"counts": np.ones(3)},
            ShapeError,
            r"counts must have the shape of the levels, \(4, 5\), got \(3,\)",
        ),
        (LEVELS, {"sigma": [[None]]}, DomainError, "sigma must be real numbers, got 'object'"),
        (LEVELS, {"detectors": "abc"}, ShapeError, "detectors must be one name for each of the 4, got 3"),
        (LEVELS, {"exposures": [1, 2, 3, 2, 5]}, DomainError, "exposures must be all different, got 2"),
        (
            LEVELS,
            {"disconnected": "ignore"},
            DomainError,
            "disconnected must be one of raise, warn, nan, got 'ignore'",
        ),
        (LEVELS, {"iterations": 0}, DomainError, "iterations must be a positive integer or None, got 0"),
        (LEVELS, {"iterations": 2.5}, DomainError, "iterations must be a positive integer or None, got 2.5"),
        (LEVELS, {"space": "sqrt"}, DomainError, "space must be 'log' or 'linear', got 'sqrt'"),
        (LEVELS, {"space": "linear"}, DomainError, "sigma must be given for a fit in linear space, got None"),
        (
            LEVELS,
            {"space": "linear", "sigma": 1.0, "iterations": 3},
            DomainError,
            "space must be 'log' for alternating",
        ),
        (LEVELS, {"least_snr": -1.0}, DomainError, "least_snr must be finite and >= 0, got -1.0"),
    ],
)
def test_what_is_wrong_is_said(levels: object, options: dict[str, object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        flat_scales(levels, **options)


def test_repr_tells_the_size_and_the_quality() -> None:
    levels = LEVELS.copy()
    levels[0, 0] = np.nan
    scales = flat_scales(levels, sigma=1.0)
    assert isinstance(scales, FlatScales)
    assert repr(scales).startswith(
        "FlatScales(detectors=4, exposures=5, levels=19 of 20, components=1, chi2/dof="
    )
