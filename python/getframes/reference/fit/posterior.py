"""What pixels and priors say of the sources together, in NumPy float64: the definition the Rust kernel must meet.

The likelihood is given as a function from shapes to the columns of its linear parameters, one row a pixel, so that what is done with it can be read here: linear
parameters without bounds are integrated, or set to their best values, and the others are coordinates like the shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from getframes.reference.fit.transform import BOUNDED, LOG_UNIFORM, NORMAL, UNIFORM, place

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Posterior:
    """Pixels (n,), their inverse variances (n,), columns of the linear parameters (n, L) as a function of the shapes, and priors as rows of `place`."""

    data: Array
    weight: Array
    columns: Callable[[Array], Array]
    shape_priors: Array
    linear_priors: Array

    @property
    def bounded(self) -> NDArray[np.bool_]:
        """Whether each linear parameter has bounds, and is a coordinate."""
        return np.isin(self.linear_priors[:, 0], [UNIFORM, LOG_UNIFORM, BOUNDED])

    def log_density(self, coordinates: Array) -> float:
        """ln p(u | d): linear parameters without bounds integrated, constants left out."""
        shapes, fixed, placed = self._at(coordinates)
        best, precision = self._solved(shapes, fixed)
        _, log_determinant = np.linalg.slogdet(precision) if len(precision) else (1.0, 0.0)
        return float(
            self._log_joint(shapes, best) - 0.5 * log_determinant + placed[2].sum() + placed[4].sum()
        )

    def log_summit(self, coordinates: Array) -> float:
        """ln of the density of the parameters themselves at the best linear ones."""
        shapes, fixed, placed = self._at(coordinates)
        return float(self._log_joint(shapes, self._solved(shapes, fixed)[0]) + placed[2].sum())

    def conditional(self, coordinates: Array, z: Array) -> tuple[Array, Array]:
        """Shapes, and linear parameters drawn at these coordinates by standard normal numbers (L,)."""
        shapes, fixed, _ = self._at(coordinates)
        linear, precision = self._solved(shapes, fixed)
        free = ~self.bounded
        linear[free] += np.linalg.cholesky(np.linalg.inv(precision)) @ z[free]
        return shapes, linear

    def _at(self, coordinates: Array) -> tuple[Array, Array, Array]:
        placed = place(np.concatenate([self.shape_priors, self.linear_priors[self.bounded]]), coordinates)
        count = len(self.shape_priors)
        return placed[0, :count], placed[0, count:], placed

    def _normal(self) -> tuple[Array, Array]:
        """Means and precisions of the linear parameters; 0 where the prior is no normal."""
        law, _, _, mean, sigma = self.linear_priors.T
        known = law == NORMAL
        return np.where(known, mean, 0.0), np.where(known, sigma**-2.0, 0.0)

    def _solved(self, shapes: Array, fixed: Array) -> tuple[Array, Array]:
        """All linear parameters, those without bounds at their best, and the precision matrix of these."""
        free, columns = ~self.bounded, self.columns(shapes)
        mean, precision = self._normal()
        own, left = columns[:, free], self.data - columns[:, ~free] @ fixed
        matrix = own.T @ (self.weight[:, None] * own) + np.diag(precision[free])
        right = own.T @ (self.weight * left) + precision[free] * mean[free]
        linear = np.zeros(len(free))
        linear[~free] = fixed
        if len(matrix):
            linear[free] = cho_solve(cho_factor(matrix), right)
        return linear, matrix

    def _log_joint(self, shapes: Array, linear: Array) -> float:
        residual = self.data - self.columns(shapes) @ linear
        mean, precision = self._normal()
        return float(
            -0.5 * np.sum(self.weight * residual**2) - 0.5 * np.sum(precision * (linear - mean) ** 2)
        )
