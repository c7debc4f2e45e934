"""Flat scales against dense least squares, exact fractions, and what was put in."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from getframes.reduce import FlatScales, flat_scales

Values = NDArray[np.float64]


def table(seed: int, rows: int, columns: int, missing: float) -> tuple[Values, Values, Values]:
    """G, E and the table of their products with holes; the first row and column have none, so that it hangs together."""
    rng = np.random.default_rng(seed)
    g, e = np.exp(rng.normal(0.0, 0.4, rows)), np.exp(rng.uniform(-3.0, 12.0, columns))
    levels = np.outer(g, e)
    holes = rng.random(levels.shape) < missing
    holes[0] = holes[:, 0] = False
    levels[holes] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -1.0], levels.shape)[holes]
    return g, e, levels


def good(levels: Values) -> NDArray[np.bool_]:
    return np.isfinite(levels) & (levels > 0.0)


def dense(levels: Values, weight: Values) -> tuple[Values, Values, Values, Values]:
    """G, E and their relative variances by least squares of a dense matrix, with the gauge as an equation."""
    rows, columns = levels.shape
    i, j = np.nonzero(weight)
    matrix = np.zeros((i.size, rows + columns))
    matrix[np.arange(i.size), i] = matrix[np.arange(i.size), rows + j] = 1.0
    root = np.sqrt(weight[i, j])
    x = np.linalg.lstsq(matrix * root[:, None], root * np.log(levels[i, j]))[0]
    shift = np.log((weight.sum(1) * np.exp(x[:rows])).sum() / weight.sum())
    x[:rows], x[rows:] = x[:rows] - shift, x[rows:] + shift
    gauge = np.zeros(rows + columns)
    gauge[:rows] = weight.sum(1) * np.exp(x[:rows])
    gauge /= gauge.sum()
    normal = (matrix * weight[i, j][:, None]).T @ matrix
    bordered = np.block([[normal, gauge[:, None]], [gauge, np.zeros(1)]])
    variance = np.diag(np.linalg.inv(bordered))[:-1]
    return np.exp(x[:rows]), np.exp(x[rows:]), variance[:rows], variance[rows:]


def agree(scales: FlatScales, g: Values, e: Values, rtol: float) -> None:
    """The scales are those that were put in, in the gauge of the result."""
    gauge = np.average(g, weights=scales.weight.sum(axis=1))
    assert_allclose(scales.detector_scale, g / gauge, rtol=rtol)
    assert_allclose(scales.exposure_scale, e * gauge, rtol=rtol)


TABLES = st.tuples(
    st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 12), st.sampled_from([0.0, 0.2, 0.7])
)


@given(TABLES)
def test_products_come_back(how: tuple[int, int, int, float]) -> None:
    g, e, levels = table(*how)
    scales = flat_scales(levels)
    agree(scales, g, e, 1e-12)
    assert_allclose(scales.model, np.outer(g, e), rtol=1e-12)
    assert np.array_equal(scales.weight > 0, good(levels))
    assert np.nanmax(np.abs(scales.residual)) < 1e-12
    assert scales.chi2 < 1e-24 * levels.size
    assert scales.dof == good(levels).sum() - levels.shape[0] - levels.shape[1] + 1


@given(TABLES, st.data())
def test_one_missing_cell_changes_nothing(how: tuple[int, int, int, float], data: st.DataObject) -> None:
    g, e, levels = table(*how)
    row = data.draw(st.integers(0, levels.shape[0] - 1))
    column = data.draw(st.integers(0, levels.shape[1] - 1))
    fewer = levels.copy()
    fewer[row, column] = np.nan
    if row and column:
        assert_allclose(flat_scales(fewer).model, np.outer(g, e), rtol=1e-12)


@given(TABLES, st.integers(0, 2**32))
def test_any_weights_give_the_same_products(how: tuple[int, int, int, float], seed: int) -> None:
    """Eight decades of weights."""
    g, e, levels = table(*how)
    counts = 10.0 ** np.random.default_rng(seed).uniform(0.0, 8.0, levels.shape)
    agree(flat_scales(levels, counts), g, e, 1e-9)


@given(TABLES, st.integers(0, 2**32))
def test_it_is_dense_least_squares(how: tuple[int, int, int, float], seed: int) -> None:
    _, _, levels = table(*how)
    rng = np.random.default_rng(seed)
    levels = levels * np.exp(rng.normal(0.0, 0.05, levels.shape))
    counts = 10.0 ** rng.uniform(0.0, 3.0, levels.shape)
    scales = flat_scales(levels, counts, absolute=True)
    weight = np.where(good(levels), counts, 0.0)
    g, e, *variances = dense(levels, weight)
    assert_allclose(scales.detector_scale, g, rtol=1e-8)
    assert_allclose(scales.exposure_scale, e, rtol=1e-8)
    for mine, theirs, scale in zip(
        (scales.detector_sigma, scales.exposure_sigma), variances, (g, e), strict=True
    ):
        assert_allclose((mine / scale) ** 2, theirs, rtol=1e-8, atol=1e-11)
    again = flat_scales(levels, counts)
    if again.dof:
        assert_allclose(again.detector_sigma, scales.detector_sigma * np.sqrt(again.chi2 / again.dof))


def exact(
    values: list[list[Fraction]], weight: list[list[Fraction]]
) -> tuple[list[Fraction], list[Fraction]]:
    """Weighted least squares of y = a + b in fractions, with a[0] = 0."""
    rows, columns = len(values), len(values[0])
    size = rows + columns
    system = [[Fraction(0)] * (size + 1) for _ in range(size)]
    for i in range(rows):
        for j in range(columns):
            w, k = weight[i][j], rows + j
            for one, two in ((i, k), (k, i)):
                system[one][one] += w
                system[one][two] += w
                system[one][size] += w * values[i][j]
    system[0] = [Fraction(int(column == 0)) for column in range(size + 1)]
    for pivot in range(size):
        swap = next(row for row in range(pivot, size) if system[row][pivot])
        system[pivot], system[swap] = system[swap], system[pivot]
        for row in range(size):
            if row != pivot and system[row][pivot]:
                factor = system[row][pivot] / system[pivot][pivot]
                system[row] = [x - factor * y for x, y in zip(system[row], system[pivot], strict=True)]
    solution = [system[row][size] / system[row][row] for row in range(size)]
    return solution[:rows], solution[rows:]


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (2, 9)])
@pytest.mark.parametrize("seed", range(4))
def test_eight_decades_of_weights_against_fractions(shape: tuple[int, int], seed: int) -> None:
    """Two parts of the table hang together by cells of a hundred-millionth of the weight, and levels have noise."""
    rng = np.random.default_rng(seed)
    levels = np.exp(rng.normal(0.0, 0.3, shape) + np.log(2e4))
    weight = np.round(10.0 ** rng.uniform(0.0, 1.0, shape), 3)
    half, left = shape[0] // 2, shape[1] // 2
    weight[:half, left:] *= 1e-8
    weight[half:, :left] *= 1e-8
    values = [[Fraction(float(value)) for value in row] for row in np.log(levels)]
    a, b = exact(values, [[Fraction(float(value)) for value in row] for row in weight])
    scales = flat_scales(levels, weight)
    wanted = np.array([[float(one + two) for two in b] for one in a])
    assert_allclose(np.log(scales.model), wanted, rtol=0.0, atol=1e-9)


@given(TABLES, st.integers(0, 2**32), st.floats(1e-6, 1e6))
def test_order_and_unit_do_not_matter(how: tuple[int, int, int, float], seed: int, unit: float) -> None:
    _, _, levels = table(*how)
    rng = np.random.default_rng(seed)
    levels = levels * np.exp(rng.normal(0.0, 0.02, levels.shape))
    sigma = np.abs(levels) * rng.uniform(0.001, 0.1, levels.shape)
    rows, columns = rng.permutation(levels.shape[0]), rng.permutation(levels.shape[1])
    straight = flat_scales(levels, sigma=sigma)
    mixed = flat_scales(unit * levels[rows][:, columns], sigma=unit * sigma[rows][:, columns])
    assert_allclose(mixed.detector_scale, straight.detector_scale[rows], rtol=1e-12)
    assert_allclose(mixed.exposure_scale, unit * straight.exposure_scale[columns], rtol=1e-12)
    assert_allclose(mixed.exposure_sigma, unit * straight.exposure_sigma[columns], rtol=1e-9)
    assert_allclose(mixed.chi2, straight.chi2, rtol=1e-9, atol=1e-18)


@given(TABLES, st.floats(0.1, 10.0))
def test_a_gain_stays_with_its_detector(how: tuple[int, int, int, float], gain: float) -> None:
    _, _, levels = table(*how)
    changed = levels.copy()
    changed[-1] *= gain
    before, after = (flat_scales(each).detector_scale for each in (levels, changed))
    assert_allclose(
        after[-1] / after[0], before[-1] / before[0] * (gain if len(after) > 1 else 1.0), rtol=1e-12
    )


@pytest.mark.parametrize("space", ["log", "linear"])
@pytest.mark.parametrize("shape", [(8, 30), (30, 8)])
def test_pulls_are_normal(shape: tuple[int, int], space: str) -> None:
    """600 tables of levels known to about one per cent: scales, their standard deviations, chi2."""
    rng = np.random.default_rng(3)
    trials = 600
    g, e = np.exp(rng.normal(0.0, 0.3, shape[0])), rng.uniform(1e3, 5e4, shape[1])
    truth = np.outer(g, e)
    sigma = truth * 10.0 ** rng.uniform(-3.0, -1.7, shape)
    holes = rng.random(shape) < 0.15
    pulls, chi2 = [], []
    for _ in range(trials):
        levels = np.where(holes, np.nan, truth + sigma * rng.normal(size=shape))
        scales = flat_scales(levels, sigma=sigma, space=space)
        gauge = np.average(g, weights=scales.weight.sum(axis=1))
        pulls.append(
            np.concatenate(
                [
                    (scales.detector_scale - g / gauge) / scales.detector_sigma,
                    (scales.exposure_scale - e * gauge) / scales.exposure_sigma,
                ]
            )
        )
        chi2.append(scales.chi2)
    rms = np.sqrt(np.mean(np.square(pulls), axis=0))
    assert np.abs(rms - 1.0).max() < 4.5 / np.sqrt(2.0 * trials)
    assert np.abs(np.mean(pulls, axis=0)).max() < 4.5 / np.sqrt(trials)
    assert abs(np.mean(chi2) / scales.dof - 1.0) < 4.0 * np.sqrt(2.0 / scales.dof / trials)


def bias_of(space: str, relative: float, trials: int = 400) -> tuple[float, float]:
    """Mean of ln(E / true E), in units of relative^2, and its error: 12 detectors of gain 1 in 12 exposures."""
    rng = np.random.default_rng(5)
    rows = []
    for _ in range(trials):
        levels = 1e4 * (1.0 + relative * rng.normal(size=(12, 12)))
        rows.append(
            np.log(flat_scales(levels, sigma=1e4 * relative, space=space).exposure_scale / 1e4).mean()
        )
    return np.mean(rows) / relative**2, np.std(rows) / np.sqrt(trials) / relative**2


def test_bias_of_levels_that_are_hardly_known() -> None:
    """Levels to 10 %: logarithms and their weights are off by the square of that, the levels themselves are not."""
    log, error = bias_of("log", 0.1)
    assert abs(log - 1.5) < 0.3
    linear, error = bias_of("linear", 0.1)
    assert abs(linear) < 4.0 * error + 0.1


@settings(max_examples=30)
@given(TABLES)
def test_alternating_goes_to_the_same_place(how: tuple[int, int, int, float]) -> None:
    _, _, levels = table(*how)
    levels = levels * np.exp(np.random.default_rng(1).normal(0.0, 0.02, levels.shape))
    direct, rounds = flat_scales(levels), flat_scales(levels, iterations=5000)
    assert rounds.converged
    assert_allclose(rounds.model, direct.model, rtol=1e-7)
    assert_allclose(rounds.detector_scale, direct.detector_scale, rtol=1e-7)
    assert_allclose(rounds.detector_sigma, direct.detector_sigma, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize(("rounds", "off"), [(10, 0.17), (50, 0.0035), (None, 0.0)])
def test_detectors_that_are_lit_in_turn(rounds: int | None, off: float) -> None:
    """The example of docs/physics/flat_scale.md: two sets with one exposure in common."""
    g = np.array([0.8] * 5 + [1.2] * 4)
    levels = np.outer(g, np.random.default_rng(1).uniform(0.5, 1.5, 21))
    levels[:5, 11:] = levels[5:, :10] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scales = flat_scales(levels, iterations=rounds)
    ratio = scales.detector_scale / g
    assert_allclose(ratio.max() / ratio.min() - 1.0, off, rtol=0.2, atol=1e-12)
    assert scales.converged == (rounds is None)
