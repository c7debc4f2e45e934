"""A raw frame without its bias, its dark, and the response of its pixels.

Law: (raw - pedestal) / (flat / mean flat). The dark is one that holds the bias, of the exposure of the raw frame:

    with a dark:               pedestal = dark                  (dark_scale = 1)
    with a bias and a dark:    pedestal = bias + s (dark - bias),  s = dark_scale
    with a dark alone:         pedestal = s dark
    with a bias alone:         pedestal = bias

s scales a dark of another exposure: t(raw) / t(dark). The bias does not grow with time, so it has to be known then; a dark alone is scaled as it is,
for frames whose bias is off already.

Not modelled: uncertainties and masks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import ShapeError, require
from getframes.frame import Frame, as_pixels, require_finite
from getframes.reduce.kernel import Steps
from getframes.sections import data_section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FrameLike = Frame | NDArray[Any]


def calibrate(
    raw: FrameLike,
    *,
    bias: FrameLike | None = None,
    dark: FrameLike | None = None,
    flat: FrameLike | None = None,
    dark_scale: float = 1.0,
) -> Frame:
    """A frame without bias, dark and pixel response [ADU, float64].

    Parameters
    ----------
    raw : Frame or array (height, width)
        The frame; counts of any real type.
    bias, dark : Frame or array (height, width), optional
        Masters; the dark holds the bias.
    flat : Frame or array (height, width), optional
        Master flat without its bias. It is divided by its mean. A pixel whose flat is not positive has no response to divide by, and becomes NaN.
    dark_scale : float
        Exposure of the frame over that of the dark.

    Returns
    -------
    Frame
        With the metadata and the truth of `raw`, the type "reduced" and the list of steps in ``calibration``.

    Raises
    ------
    ShapeError
        If a master does not have the shape of the frame.
    DomainError
        If a pixel of the frame or of a bias or dark is not finite, no pixel of the flat is positive, or the scale is negative.
    """
    pixels = as_pixels(raw, "raw")
    require(0 <= dark_scale < np.inf, "", "dark_scale", "finite and >= 0", dark_scale)
    level = pedestal(pixels.shape, bias, dark, float(dark_scale))
    relative = 1.0 if flat is None else relative_response(flat, pixels.shape)
    height, width = pixels.shape
    steps = Steps((height, width), np.dtype(np.float64), zero=level, flat=relative)
    done = [name for name, master in (("bias", bias), ("dark", dark), ("flat", flat)) if master is not None]
    metadata = dict(raw.metadata) if isinstance(raw, Frame) else {}
    metadata.update(frame_type="reduced", calibration=done)
    return Frame(steps.applied(pixels), metadata, raw.truth if isinstance(raw, Frame) else None)


def pedestal(shape: tuple[int, ...], bias: FrameLike | None, dark: FrameLike | None, scale: float) -> Any:
    """What is taken off a frame [ADU]: an array, or 0."""
    zero, charge = (
        None if master is None else master_pixels(master, name, shape)
        for master, name in ((bias, "bias"), (dark, "dark"))
    )
    if charge is None:
        return 0.0 if zero is None else zero
    if zero is None or scale == 1.0:
        return charge * scale
    return np.asarray(zero + scale * (charge - zero))


def relative_response(flat: FrameLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The flat divided by its mean; NaN where it is not positive."""
    pixels = as_pixels(flat, "flat").astype(np.float64)
    if pixels.shape != shape:
        raise ShapeError(f"flat must have shape {shape}, got {pixels.shape}")
    lit = np.isfinite(pixels) & (pixels > 0.0)
    if isinstance(flat, Frame):
        collects = np.zeros(shape, np.bool_)
        collects[data_section(flat.metadata, (shape[0], shape[1]), "flat").slices] = True
        lit &= collects  # an overscan has no response, and no part in the mean
    require(bool(lit.any()), "", "flat", "positive in some pixel", float(np.max(pixels)))
    return np.asarray(np.where(lit, pixels / pixels[lit].mean(), np.nan))


def master_pixels(master: FrameLike, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A master in float64, checked."""
    pixels = as_pixels(master, name).astype(np.float64)
    if pixels.shape != shape:
        raise ShapeError(f"{name} must have shape {shape}, got {pixels.shape}")
    require_finite(pixels, name)
    return pixels
