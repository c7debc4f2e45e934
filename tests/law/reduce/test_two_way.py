"""Two-way tables: which of their parts hang together, and what their equations solve."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.sparse import bmat, csr_matrix
from scipy.sparse.csgraph import connected_components

from getframes.reduce.two_way import TwoWayTable, components


@given(st.integers(0, 2**32), st.integers(1, 15), st.integers(1, 15), st.floats(0.0, 0.5))
def test_components_are_those_of_the_graph(seed: int, rows: int, columns: int, filled: float) -> None:
    linked = np.random.default_rng(seed).random((rows, columns)) < filled
    parts = np.concatenate(components(linked))
    graph = csr_matrix(linked.astype(int))
    _, labels = connected_components(bmat([[None, graph], [graph.T, None]]), directed=False)
    alone = np.concatenate([~linked.any(axis=1), ~linked.any(axis=0)])
    assert np.array_equal(parts == -1, alone)
    pairs = {(int(part), int(label)) for part, label in zip(parts[~alone], labels[~alone], strict=True)}
    assert len(pairs) == len({part for part, _ in pairs}) == len({label for _, label in pairs})
    assert {part for part, _ in pairs} == set(range(len(pairs)))


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 9))
def test_the_gradient_of_a_solution_is_zero(seed: int, rows: int, columns: int) -> None:
    """Along every row and column the weighted residuals sum to zero: that is least squares."""
    rng = np.random.default_rng(seed)
    weight = 10.0 ** rng.uniform(-3.0, 3.0, (rows, columns))
    values = rng.normal(0.0, 5.0, (rows, columns))
    a, b = TwoWayTable(weight).solve(values)
    pull = weight * (values - a[:, None] - b)
    for axis in (0, 1):
        size = (weight * np.abs(values)).sum(axis=axis)
        assert_allclose(pull.sum(axis=axis) / size, 0.0, atol=1e-12)


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 9))
def test_turned_tables_have_turned_solutions(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    weight, values = rng.uniform(0.1, 1.0, (rows, columns)), rng.normal(size=(rows, columns))
    (a, b), (d, c) = TwoWayTable(weight).solve(values), TwoWayTable(weight.T).solve(values.T)
    assert_allclose(a[:, None] + b, c[:, None] + d, atol=1e-12)
    share = weight.sum(axis=1) / weight.sum()
    own, other = TwoWayTable(weight).variances(share)
    values_of_a = np.linalg.pinv(np.diag(weight.sum(axis=1)) - (weight / weight.sum(axis=0)) @ weight.T)
    gauge = np.eye(rows) - share
    assert_allclose(own, np.diag(gauge @ values_of_a @ gauge.T), atol=1e-9)
    assert (other >= 1.0 / weight.sum(axis=0) - 1e-12).all()
