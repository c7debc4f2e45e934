"""Linear parameters at fixed shapes: their posterior, and the integral over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from getframes.reference.fit.likelihood import Scene
    from getframes.reference.image import Image


def solve(scene: Scene, shapes: Image, prior_mean: Image, prior_precision: Image) -> tuple[Image, Image]:
    """The best parameters (L,) and their covariance (L, L): H x = A' W d + P x0, C = H^-1, H = A' W A + P; known where P is infinite."""
    matrix, right = _normal(scene, shapes, prior_mean, prior_precision)
    best: Any = np.linalg.solve(matrix, right)
    covariance: Any = np.linalg.inv(matrix) - np.diag(np.isinf(prior_precision).astype(np.float64))
    return best, covariance


def marginal(scene: Scene, shapes: Image, prior_mean: Image, prior_precision: Image) -> complex:
    """-1/2 sum w (d - m)^2 - 1/2 sum P (x - x0)^2 - 1/2 ln |H| at the best parameters."""
    matrix, right = _normal(scene, shapes, prior_mean, prior_precision)
    best: Any = np.linalg.solve(matrix, right)
    free = np.isfinite(prior_precision)
    prior = -0.5 * (prior_precision[free] * (best - prior_mean)[free] ** 2).sum()
    value: complex = scene.value(shapes, best) + prior - 0.5 * np.log(np.linalg.det(matrix))
    return value


def _normal(scene: Scene, shapes: Image, prior_mean: Image, prior_precision: Image) -> tuple[Image, Image]:
    columns, weight = scene.columns(shapes), scene.weight.ravel()
    data = np.where(weight > 0.0, scene.data.ravel(), 0.0)
    matrix, right = columns.T @ (weight[:, None] * columns), columns.T @ (weight * data)
    known = np.isinf(prior_precision)
    right = right - matrix[:, known] @ prior_mean[known] + np.where(known, 0.0, prior_precision) * prior_mean
    outside = known[:, None] | known
    matrix = np.where(outside, np.diag(known.astype(np.float64)), matrix) + np.diag(
        np.where(known, 0.0, prior_precision)
    )
    return matrix, np.where(known, prior_mean, right)
