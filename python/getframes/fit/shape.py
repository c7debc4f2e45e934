"""Shapes of galaxies: axis ratio and position angle, as catalogs have them, and reduced shear, as the fit has them.

| symbol | name              | where                                                                                |
|--------|-------------------|--------------------------------------------------------------------------------------|
| rhalf  | half-light radius | along the major axis a [arcsec]; in images without WCS [px]                          |
| q      | axis ratio        | b / a, in (0, 1]                                                                     |
| pa     | position angle    | of the major axis [deg]: from north towards east; without WCS from +x towards +y     |
| phi    | angle             | of the major axis, from +x towards +y; on the sky x is east and y north: 90 deg - pa |
| r      | circularized      | sqrt(a b) = rhalf sqrt(q), in the unit of rhalf                                      |
| g1, g2 | reduced shear     | (1 - q) / (1 + q) times cos 2 phi, sin 2 phi                                         |

A = [[1 + g1, g2], [g2, 1 - g1]] / sqrt(1 - g1^2 - g2^2) has determinant 1 and turns a circle of radius r into the ellipse; r^2 A A^T is its covariance on the
sky, J (r^2 A A^T) J^T that on pixels, where J = d(x, y) / d(east, north). Shear is smooth through the round case, where a position angle is not.

Source: Bernstein and Jarvis 2002, doi:10.1086/338085.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]


class Ellipse(NamedTuple):
    """An ellipse, numbers or arrays of one shape.

    Attributes
    ----------
    rhalf : float or array
        Along the major axis.
    q : float or array
        Axis ratio, in (0, 1].
    phi_deg : float or array
        Angle of the major axis from +x towards +y [deg], in [0, 180); 0 for a circle.
    """

    rhalf: Any
    q: Any
    phi_deg: Any


def reduced_shear(q: ArrayLike, pa_deg: ArrayLike, *, sky: bool = True) -> tuple[Any, Any]:
    """Reduced shear (g1, g2) of axis ratio and position angle.

    Parameters
    ----------
    q : float or array
        Axis ratio b / a, in (0, 1].
    pa_deg : float or array
        Position angle of the major axis [deg]: from north towards east, or from +x towards +y where not `sky`.
    sky : bool
        Whether the angle is one on the sky.
    """
    ratio = np.asarray(q, np.float64)
    twice = np.deg2rad(2.0 * _phi_deg(pa_deg, sky))
    size = (1.0 - ratio) / (1.0 + ratio)
    return size * np.cos(twice), size * np.sin(twice)


def axis_ratio_and_angle(g1: ArrayLike, g2: ArrayLike, *, sky: bool = True) -> tuple[Any, Any]:
    """Axis ratio and position angle [deg, in [0, 180)] of a reduced shear; a circle has the angle 0.

    Parameters, angle
        As in `reduced_shear`, whose inverse it is.
    """
    first, second = np.asarray(g1, np.float64), np.asarray(g2, np.float64)
    size = np.hypot(first, second)
    phi = 0.5 * np.rad2deg(np.arctan2(second, first))
    angle = np.where(size > 0.0, _half_turn(90.0 - phi if sky else phi), 0.0)
    return (1.0 - size) / (1.0 + size), angle[()]


def circularized(rhalf: ArrayLike, q: ArrayLike) -> Any:
    """Radius sqrt(a b) of a half-light radius along the major axis."""
    return np.asarray(rhalf, np.float64) * np.sqrt(np.asarray(q, np.float64))


def along_major_axis(r: ArrayLike, q: ArrayLike) -> Any:
    """Half-light radius along the major axis of a circularized one."""
    return np.asarray(r, np.float64) / np.sqrt(np.asarray(q, np.float64))


def shear_matrix(g1: ArrayLike, g2: ArrayLike) -> Numbers:
    """The matrix A of determinant 1, shape (..., 2, 2)."""
    first, second = np.broadcast_arrays(np.asarray(g1, np.float64), np.asarray(g2, np.float64))
    rows = [[1.0 + first, second], [second, 1.0 - first]]
    unit = np.sqrt(1.0 - first**2 - second**2)
    made: Numbers = np.moveaxis(np.array(rows), (0, 1), (-2, -1)) / unit[..., None, None]
    return made


def on_pixels(rhalf: ArrayLike, q: ArrayLike, pa_deg: ArrayLike, jacobian: ArrayLike) -> Ellipse:
    """An ellipse of the sky as it lies on pixels.

    Parameters
    ----------
    rhalf : float or array (...)
        Along the major axis [arcsec].
    q, pa_deg : float or array (...)
        Axis ratio, and position angle from north towards east [deg].
    jacobian : array (..., 2, 2)
        d(x, y) / d(east, north) [px / arcsec], `Exposure.linearized`.

    Returns
    -------
    Ellipse
        With rhalf in pixels.
    """
    return _seen_through(rhalf, q, _phi_deg(pa_deg, True), np.asarray(jacobian, np.float64))


def on_sky(rhalf_px: ArrayLike, q: ArrayLike, phi_deg: ArrayLike, jacobian: ArrayLike) -> Ellipse:
    """An ellipse of pixels as it lies on the sky: rhalf [arcsec], q, and **phi** from east towards north [deg]; pa = 90 deg - phi.

    Parameters
        As in `on_pixels`; the angle is from +x towards +y.
    """
    return _seen_through(rhalf_px, q, phi_deg, np.linalg.inv(np.asarray(jacobian, np.float64)))


def _seen_through(rhalf: ArrayLike, q: ArrayLike, phi_deg: ArrayLike, matrix: Numbers) -> Ellipse:
    """The ellipse of M C M^T, where C is that of an ellipse."""
    shape = matrix @ shear_matrix(*reduced_shear(q, phi_deg, sky=False))
    xx, xy, yy = ((shape[..., i, :] * shape[..., j, :]).sum(axis=-1) for i, j in ((0, 0), (0, 1), (1, 1)))
    mean, half = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
    major = np.sqrt(mean + half)
    minor = np.abs(np.linalg.det(shape)) / major
    angle = _half_turn(0.5 * np.rad2deg(np.arctan2(xy, 0.5 * (xx - yy))))
    return Ellipse(circularized(rhalf, q) * major, np.minimum(minor / major, 1.0), angle)


def _phi_deg(pa_deg: ArrayLike, sky: bool) -> Numbers:
    angle = np.asarray(pa_deg, np.float64)
    return 90.0 - angle if sky else angle


def _half_turn(angle_deg: Any) -> Any:
    """The same axis, at an angle in [0, 180)."""
    turned = np.mod(angle_deg, 180.0)
    return np.where(turned == 180.0, 0.0, turned)[()]
