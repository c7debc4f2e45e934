"""Least squares of a two-way table: y_ij = a_i + b_j, with a weight for each cell.

The normal equations, with D the sums of the weights along the other side,

    D_a a + W b = sum_j w y,    W^T a + D_b b = sum_i w y,

lose the longer side: S = D_a - W D_b^-1 W^T stands before the shorter one. S is the Laplacian of a graph: its rows sum to zero, so that its diagonal is
the sum of its other elements, without the cancellation of the formula. One element of a connected table is held, the rest is factored (Cholesky, after
Jacobi scaling), and the solution is improved with the residuals of the table itself until it stands still.

Source: Golub and Van Loan 2013, *Matrix Computations*, 4th ed., doi:10.56021/9781421407944 (Schur complement, scaling, iterative improvement).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from getframes.errors import DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Pair = tuple[Values, Values]

IMPROVEMENTS = 4
_STILL = 1e-15
_MOST_SPREAD = 1e12
"""Largest variance of an element against the rest, in units of what its own weight gives: rounding hides what is beyond."""


class TwoWayTable:
    """The factored normal equations of one connected table.

    Parameters
    ----------
    weight : array (rows, columns)
        Weight of each cell, >= 0; every row and column has some, and no rows can be told apart from others as a table of their own.

    Raises
    ------
    DomainError
        If parts of the table hang together by so little weight that float64 cannot tell.
    """

    def __init__(self, weight: Values) -> None:
        self._turned = weight.shape[0] > weight.shape[1]
        self._largest = float(weight.max())
        self._weight = np.ascontiguousarray(weight.T if self._turned else weight) / self._largest
        self._short, self._long = self._weight.sum(axis=1), self._weight.sum(axis=0)
        self._covariance = _inverse(_laplacian(self._weight, self._long))

    def solve(self, values: Values) -> Pair:
        """a and b of the table `values`, whose cells of weight 0 do not matter; a of one row is 0."""
        table = values.T if self._turned else values
        short, long = np.zeros(table.shape[0]), np.zeros(table.shape[1])
        for _ in range(IMPROVEMENTS):
            rest = table - short[:, None] - long
            rest *= self._weight
            along = rest.sum(axis=0) / self._long
            step = self._covariance @ (rest.sum(axis=1) - self._weight @ along)
            change = along - (step @ self._weight) / self._long
            short, long = short + step, long + change
            if max(np.abs(step).max(), np.abs(change).max()) < _STILL:
                break
        return self._ordered(short, long)

    def variances(self, share: Values) -> Pair:
        """Variances of a and b where the mean of a, weighted by `share` (of sum 1), is held at 0.

        Cells are taken to have the variance 1 / weight.
        """
        covariance = self._covariance
        across = self._weight / self._long  # long = data - across^T short
        middle = covariance @ across
        short, long = np.diag(covariance), 1.0 / self._long + np.einsum("sl,sl->l", across, middle)
        if self._turned:
            other = -middle @ share  # covariance with the mean that is held
            itself = share / self._long - across.T @ other
        else:
            itself = covariance @ share
            other = -across.T @ itself
        spread = float(share @ itself)
        a, b = self._ordered(short, long)
        return (
            np.maximum(a - 2.0 * itself + spread, 0.0) / self._largest,
            np.maximum(b + 2.0 * other + spread, 0.0) / self._largest,
        )

    def _ordered(self, short: Values, long: Values) -> Pair:
        return (long, short) if self._turned else (short, long)


def _laplacian(weight: Values, along: Values) -> Values:
    """D - W D^-1 W^T of the shorter side, whose rows sum to zero exactly."""
    root = weight / np.sqrt(along)
    linked = root @ root.T
    np.fill_diagonal(linked, 0.0)
    return np.asarray(np.diag(linked.sum(axis=1)) - linked)


def _inverse(laplacian: Values) -> Values:
    """Inverse with the best known element held: its row and column are zero."""
    result = np.zeros_like(laplacian)
    if len(laplacian) == 1:
        return result
    diagonal = np.diag(laplacian)
    free = np.arange(len(laplacian)) != np.argmax(diagonal)
    scale = 1.0 / np.sqrt(diagonal[free])
    try:
        root = np.linalg.inv(np.linalg.cholesky(laplacian[np.ix_(free, free)] * scale * scale[:, None]))
        known = bool((root**2).sum(axis=0).max() < _MOST_SPREAD)
    except np.linalg.LinAlgError:
        known = False
    if not known:
        raise DomainError(
            f"weights must link all parts of the table by more than 1/{_MOST_SPREAD:g} of what they have, got less: solve them apart"
        )
    root *= scale
    result[np.ix_(free, free)] = root.T @ root
    return result


def components(linked: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which connected part of a table each row and each column belongs to: 0, 1 ... in order of their first row, -1 for none.

    Two cells are connected when they share a row or a column.
    """
    rows, columns = (np.full(count, -1, np.int64) for count in linked.shape)
    part = 0
    for first in np.flatnonzero(linked.any(axis=1)):
        if rows[first] >= 0:
            continue
        front = np.array([first])
        while front.size:
            rows[front] = part
            reached = linked[front].any(axis=0) & (columns < 0)
            columns[reached] = part
            front = np.flatnonzero(linked[:, reached].any(axis=1) & (rows < 0))
        part += 1
    return rows, columns


def alternate(weight: Values, values: Values, rounds: int) -> tuple[Values, Values, float]:
    """a and b after that many rounds of fitting each with the other held, and the largest change that one more round would make of a."""
    across, along = weight.sum(axis=1), weight.sum(axis=0)

    def fitted(a: Values) -> Pair:
        b = np.einsum("ij,ij->j", weight, values - a[:, None]) / along
        return np.einsum("ij,ij->i", weight, values - b) / across, b

    a, b = np.zeros(values.shape[0]), np.zeros(values.shape[1])
    for _ in range(rounds):
        a, b = fitted(a)
    return a, b, float(np.abs(fitted(a)[0] - a).max())
