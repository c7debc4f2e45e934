"""The mean of a Gaussian over each pixel: the square of a pixel as a few points behind a small Gaussian.

Cumulants of the square [-1/2, 1/2]: 1/12, -1/120, 1/252. Points -h, 0, h with shares a, 1 - 2a, a behind a Gaussian of variance t have 2 a h^2 + t, 2 a h^4 (1 - 6a), ...;
t = 1/12 - 2 a h^2 makes the second right, h^4 = 1 / (240 a (6a - 1)) the fourth, and one a the sixth. Wide Gaussians see no difference between the points: they move together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from getframes.reference.image import Image

TOGETHER = (1.25**2, 1.5**2)
TWO = (0.5**2, 0.6**2)
OUTER_OF_THREE = 0.3189029737465735


def rule(xx: complex, xy: complex, yy: complex) -> tuple[complex, complex, complex]:
    """Offset h [pixel], share a and added variance t [pixel^2] for a covariance."""
    squared_width = np.sqrt(2.0) * (xx * yy - xy**2) / np.sqrt(xx**2 + 2.0 * xy**2 + yy**2)
    a = OUTER_OF_THREE + (0.5 - OUTER_OF_THREE) * _ramp(squared_width, TWO)
    h = (1.0 - _ramp(squared_width, TOGETHER)) / (240.0 * a * (6.0 * a - 1.0)) ** 0.25
    return h, a, 1.0 / 12.0 - 2.0 * a * h**2


def gaussian(component: Image, columns: Image, rows: Image) -> Image:
    """Means over the pixels at `columns` and `rows` of a Gaussian of weight, x, y, xx, xy, yy. The kernel leaves out what is beyond 6 standard deviations of each point."""
    weight, x, y, xx, xy, yy = component
    h, a, added = rule(xx, xy, yy)
    image = np.zeros(np.broadcast_shapes(columns.shape, rows.shape), np.asarray(component).dtype)
    for i, p in ((-1, a), (0, 1.0 - 2.0 * a), (1, a)):
        for j, q in ((-1, a), (0, 1.0 - 2.0 * a), (1, a)):
            image = image + p * q * _density(x + h * j, y + h * i, xx + added, xy, yy + added, columns, rows)
    value: Image = weight * image
    return value


def _density(
    x: complex, y: complex, xx: complex, xy: complex, yy: complex, columns: Image, rows: Image
) -> Image:
    u, v = columns - x, rows - y
    det = xx * yy - xy**2
    form = (yy * u**2 - 2.0 * xy * u * v + xx * v**2) / det
    value: Image = np.exp(-0.5 * form) / (2.0 * np.pi * np.sqrt(det))
    return value


def _ramp(value: complex, ends: tuple[float, float]) -> complex:
    t = (value - ends[0]) / (ends[1] - ends[0])
    t = 0.0 if np.real(t) < 0.0 else 1.0 if np.real(t) > 1.0 else t
    return t**3 * (10.0 - 15.0 * t + 6.0 * t**2)
