"""Second derivatives from differences of gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Density = Callable[[Numbers], tuple[float, Numbers]]

FIRST_STEP = 1e-4
"""Step in coordinates of which nothing is known yet; they range over a few units."""
STEP = 0.05
"""Step of the difference, in standard deviations of a coordinate alone."""
GENTLEST = 0.1
"""Curvature below which a coordinate is not curved by the pixels: that of a logistic density is 1/3 on average."""


def curvature(density: Density, at: Numbers) -> Numbers:
    """Second derivative of -ln p along each coordinate (D,), by one step forward; at least 0.1."""
    _, here = density(at)
    diagonal = np.empty(len(at))
    for number in range(len(at)):
        there = at.copy()
        there[number] += FIRST_STEP
        diagonal[number] = (here[number] - density(there)[1][number]) / FIRST_STEP
    known = np.where(np.isfinite(diagonal), np.abs(diagonal), GENTLEST)
    return np.maximum(known, GENTLEST)


def steps(density: Density, at: Numbers) -> Numbers:
    """Steps of central differences (D,)."""
    return np.asarray(STEP / np.sqrt(curvature(density, at)))


def hessian(density: Density, at: Numbers, step: Numbers) -> Numbers:
    """Second derivatives of -ln p (D, D) by central differences of its gradient, made symmetric."""
    rows = []
    for number, size in enumerate(step):
        moved = np.zeros(len(at))
        moved[number] = size
        rows.append((density(at - moved)[1] - density(at + moved)[1]) / (2.0 * size))
    matrix = np.array(rows).reshape(len(at), len(at))
    return np.asarray(0.5 * (matrix + matrix.T))


def inverse(matrix: Numbers, least: float) -> tuple[Numbers, int]:
    """Inverse of a symmetric matrix whose eigenvalues below `least` are set to it, after scaling to a diagonal of 1; and how many were.

    Scaled, an eigenvalue says how much of its curvature a combination of coordinates keeps.
    """
    scale = 1.0 / np.sqrt(np.maximum(np.diag(matrix), GENTLEST))
    values, vectors = np.linalg.eigh(matrix * np.outer(scale, scale))
    raised = np.maximum(values, least)
    inside = (vectors / raised) @ vectors.T
    return inside * np.outer(scale, scale), int(np.count_nonzero(values < least))
