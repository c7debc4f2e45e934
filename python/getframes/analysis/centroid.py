"""Where the light is: first moments, and the position at which a template fits best.

First moments: x = sum w X / sum w, w = pixel - background. Without a threshold nothing is cut, negative pixels count as well, and noise does not
pull the result anywhere; with one, w = max(pixel - background - threshold, 0), which has less noise and is drawn towards the middle of the window.

Matched filter: the shift s at which C(s) = sum_x (I(x) - b) T(x - s) is highest. For white noise it is the maximum-likelihood position of a source of
known shape and unknown flux. Between pixels C is its Fourier series, whose maximum is found by Newton's method: for a source that is sampled well
(FWHM of two pixels or more) the position is exact, where a parabola through three pixels is off by a hundredth of a pixel.

Not modelled: blends, noise that differs from pixel to pixel, a template that is sampled too coarsely to be moved by fractions of a pixel.

Source: Turin 1960, doi:10.1109/TIT.1960.1057571 (matched filters).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import ShapeError, require
from getframes.frame import as_pixels, require_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Image = NDArray[np.floating[Any] | np.integer[Any]]

_STEPS = 20
_CLOSE = 1e-10
_LONGEST = 0.5


def centroid(
    image: Image,
    *,
    center: tuple[float, float] | None = None,
    r: float | None = None,
    background: float | NDArray[np.floating[Any]] | None = None,
    threshold: float | NDArray[np.floating[Any]] | None = None,
) -> tuple[float, float]:
    """Centre of light (x, y) of an image [px].

    Parameters
    ----------
    image : array (height, width) or Frame
        The image.
    center : (x, y), optional
        Centre of the window [px]; the middle of the image when left out.
    r : float, optional
        Only pixels whose centre is at most this far from `center` count [px]; all of them when left out.
    background : float or array (height, width), optional
        Taken off; the median of the pixels that count when left out, which is right where most of them see no source.
    threshold : float or array (height, width), optional
        Taken off as well; what is then negative does not count.

    Returns
    -------
    (x, y)
        (nan, nan) where no light is left.

    Raises
    ------
    DomainError
        If a pixel that counts is not finite, no pixel is inside the window, or `center` comes without `r`.
    ShapeError
        If an array does not have the shape of the image.
    """
    pixels = as_pixels(image, "image")
    inside = _window(pixels.shape, center, r)
    values = pixels[inside].astype(np.float64)
    require_finite(values[None], "image")
    level = np.median(values) if background is None else _levels(background, "background", inside)
    weight = values - level
    if threshold is not None:
        weight = np.maximum(weight - _levels(threshold, "threshold", inside), 0.0)
    total = float(weight.sum())
    if not total > 0.0:
        return float("nan"), float("nan")
    y, x = np.nonzero(inside)
    return float((weight * x).sum()) / total, float((weight * y).sum()) / total


def matched_filter_centroid(
    image: Image, template: Image, *, background: float | None = None
) -> tuple[float, float]:
    """Position (x, y) [px] at which a template fits an image best.

    Parameters
    ----------
    image : array (height, width) or Frame
        An image with one source.
    template : array (any height, any width)
        Its shape, anywhere in the array, without background. The position is that of the template's centre of light.
    background : float, optional
        Level of the image without the source; the median of the image when left out.

    Raises
    ------
    DomainError
        If a pixel is not finite, or the template holds no light.
    """
    pixels, shape = (
        as_pixels(array, name).astype(np.float64)
        for array, name in ((image, "image"), (template, "template"))
    )
    require_finite(pixels, "image")
    require_finite(shape, "template")
    total = float(shape.sum())
    require(total > 0.0, "", "template", "an image with light in it", total)
    level = float(np.median(pixels)) if background is None else float(background)
    require(bool(np.isfinite(level)), "", "background", "finite", background)
    own_x, own_y = centroid(shape, background=0.0)
    y, x = _best_shift(pixels - level, shape / total)
    return own_x + x, own_y + y


def _best_shift(image: Array, template: Array) -> tuple[float, float]:
    """Shift (y, x) of the highest correlation."""
    size = [a + b for a, b in zip(image.shape, template.shape, strict=True)]
    power = np.fft.fft2(image, size) * np.conj(np.fft.fft2(template, size))
    correlation = np.fft.ifft2(power).real
    peak = np.array(np.unravel_index(np.argmax(correlation), correlation.shape), np.float64)
    start = np.where(peak > np.array(image.shape) - 0.5, peak - size, peak)
    waves = [2.0 * np.pi * np.fft.fftfreq(side).astype(np.float64) for side in size]
    shift = start.copy()
    for _ in range(_STEPS):
        slope, bend = _derivatives(power, waves, shift)
        if not (bend[0, 0] < 0 and np.linalg.det(bend) > 0):
            return float(start[0]), float(start[1])
        step = -np.linalg.solve(bend, slope)
        step *= min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-300))
        shift += step
        if float(np.abs(step).max()) < _CLOSE:
            break
    return float(shift[0]), float(shift[1])


def _derivatives(power: NDArray[np.complex128], waves: list[Array], shift: Array) -> tuple[Array, Array]:
    """Gradient and Hessian of the Fourier series at a shift."""
    turn_y, turn_x = (np.exp(1j * k * s) for k, s in zip(waves, shift, strict=True))
    k_y, k_x = waves
    columns = np.stack([turn_x, k_x * turn_x, k_x**2 * turn_x], axis=1)
    rows = np.stack([turn_y, k_y * turn_y, k_y**2 * turn_y])
    sums = rows @ (power @ columns)
    slope = np.array([-sums[1, 0].imag, -sums[0, 1].imag])
    bend = -np.array([[sums[2, 0].real, sums[1, 1].real], [sums[1, 1].real, sums[0, 2].real]])
    return slope, bend


def _window(shape: tuple[int, ...], center: tuple[float, float] | None, r: float | None) -> NDArray[np.bool_]:
    height, width = shape
    if r is None:
        require(center is None, "", "r", "given together with center", None)
        return np.ones((height, width), np.bool_)
    require(0 < r < np.inf, "", "r", "> 0 px", r)
    x, y = ((width - 1) / 2, (height - 1) / 2) if center is None else center
    rows, columns = np.ogrid[:height, :width]
    inside = np.asarray((columns - x) ** 2 + (rows - y) ** 2 <= r * r)
    require(bool(inside.any()), "", "center", "within r of a pixel of the image", center)
    return inside


def _levels(value: Any, name: str, inside: NDArray[np.bool_]) -> Any:
    """A number, or the values of an image inside the window."""
    levels = np.asarray(value, np.float64)
    if levels.ndim == 0:
        require(bool(np.isfinite(levels)), "", name, "finite", value)
        return levels
    if levels.shape != inside.shape:
        raise ShapeError(f"{name} must be a number or have shape {inside.shape}, got {levels.shape}")
    require_finite(levels, name)
    return levels[inside]
