"""Cosmic rays in a single image: L.A.Cosmic.

The law, and what decides that a pixel is hit, is in `getframes.reference.reduce.lacosmic`; how well it does, in `docs/physics/lacosmic.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes._native import reduce as native
from getframes.errors import DomainError, ShapeError, require
from getframes.frame import Frame
from getframes.io.images import Files, Image, open_image
from getframes.memory import require_memory
from getframes.quantity import plain
from getframes.reduce.frame import UNUSABLE, Flag, ReducedFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

REPLACEMENTS = ("median", "mean")
_MASKED, _SATURATED, _HIT, _NOT_FINITE = 1, 2, 4, 16
"""Bits of the kernel."""
_FLAGS = (
    (_MASKED, Flag.MASKED_IN_INPUT | Flag.NO_DATA),
    (_SATURATED, Flag.SATURATED),
    (_HIT, Flag.COSMIC_RAY),
    (_NOT_FINITE, Flag.NOT_FINITE | Flag.NO_DATA),
)
_SINGLE = ("float16", "float32", "bool", "int8", "uint8", "int16", "uint16")
"""Types that single precision holds exactly."""


def cosmic_rays(
    image: Any,
    *,
    sigma_clip: float = 4.5,
    sigma_frac: float = 0.3,
    object_limit: float = 5.0,
    gain: Any = None,
    read_noise: Any = None,
    variance: Any = None,
    background: Any = 0.0,
    mask: Any = None,
    saturation: Any = None,
    iterations: int = 4,
    replacement: str = "median",
    precision: str | None = None,
) -> ReducedFrame:
    """An image without its cosmic rays, which are flagged and replaced by what is around them.

    A hit has edges sharper than the optics can make: the Laplacian of the image finds them, and the fine structure of stars, which have a width, tells
    these apart. The image is to be without its bias; dark and flat help, and so does every pixel that is known to be bad and masked.

    Parameters
    ----------
    image : array (height, width), Frame, ReducedFrame, CCDData, Quantity or path of a FITS file
        Any real type, in ADU, electrons, or a rate of either. Pixels flagged or masked in it count as masked.
    sigma_clip : float
        How far the edges of a hit stand above the noise [standard deviations].
    sigma_frac : float
        Part of `sigma_clip` that is enough next to a hit, in (0, 1].
    object_limit : float
        How far they stand above the fine structure. Larger where stars are sharper: see the page on stars that are undersampled.
    gain : float or Quantity, optional
        Electrons for one unit of the image. Left out: of the metadata of a frame in ADU (``gain_e_per_adu`` over ``em_gain``); 1 in electrons.
    read_noise : float or Quantity, optional
        Read noise [e-]; of the metadata when left out.
    variance : array (height, width), optional
        Variance of each pixel [unit of the image, squared], in place of `gain` and `read_noise`. A pixel where it is not positive counts as masked.
        Left out, when neither of these is given: the uncertainty of a ReducedFrame or CCDData that has one.
    background : float or array (height, width)
        What has been taken off the image but made noise, such as the sky [unit of the image]. Negative for a bias that is still in it.
    mask : array of bool (height, width), optional
        True where a pixel is bad: it is not looked at, and not used for others.
    saturation : float, optional
        Value from which a pixel is full [unit of the image]. A full pixel whose surroundings (the median of 5 x 5) are above a tenth of that
        is in a star; it and what is up to 4 pixels from it is left alone. Left out: the flags of a ReducedFrame, or ``saturate_adu`` of a Frame in ADU.
    iterations : int
        The most rounds; the last one finds nothing new, or is this one.
    replacement : {"median", "mean"}
        What a hit becomes: of the good pixels of 5 x 5 around it; where there is none, the median of the image.
    precision : {"float32", "float64"}, optional
        Of the work and the result. Left out: float32 for float32 and integers of up to 16 bits, float64 for others.

    Returns
    -------
    ReducedFrame
        In the unit of the image, with its metadata, truth and uncertainty. Hits are flagged COSMIC_RAY: ``frame.flags & Flag.COSMIC_RAY``. What was
        masked keeps its value and is flagged MASKED_IN_INPUT and NO_DATA; pixels that are infinite or not a number are flagged NOT_FINITE and NO_DATA,
        and spread nowhere. ``cosmic_ray_pixels`` in the metadata counts the hits of this call.

    Raises
    ------
    DomainError
        If a limit, gain, noise or saturation is out of its range, or gain and noise are neither given nor known; the message says which.
    ShapeError
        If mask, variance or background do not have the shape of the image.
    InputError, IntegrityError
        If a file cannot be read.

    Notes
    -----
    Not modelled: a gain of several amplifiers or the excess noise of an avalanche gain (give `variance`), noise of pixels that is correlated, emission
    lines of spectra (take a model of them off, and give it as `background`). The uncertainty of a replaced pixel stays what it was.

    Source: van Dokkum 2001, doi:10.1086/323894.

    Examples
    --------
    >>> import numpy as np
    >>> from getframes.reduce import cosmic_rays
    >>> sky = np.random.default_rng(1).normal(100.0, 11.0, (64, 64))
    >>> sky[30, 20] += 3000.0
    >>> frame = cosmic_rays(sky, gain=1.0, read_noise=5.0)
    >>> np.argwhere(frame.mask).tolist()
    [[30, 20]]
    """
    limits = (("sigma_clip", sigma_clip), ("sigma_frac", sigma_frac), ("object_limit", object_limit))
    for name, value in limits:
        require(0 < value < np.inf, "", name, "finite and > 0", value)
    require(sigma_frac <= 1, "", "sigma_frac", "<= 1", sigma_frac)
    whole = isinstance(iterations, int | np.integer) and not isinstance(iterations, bool)
    require(whole and iterations >= 1, "", "iterations", "a positive integer", iterations)
    require(replacement in REPLACEMENTS, "", "replacement", "'median' or 'mean'", replacement)
    require(precision in (None, "float32", "float64"), "", "precision", "'float32' or 'float64'", precision)
    with Files() as files:
        source = open_image(image, files)
        pixels, bad = source.whole()
    work = np.dtype(precision or ("float32" if pixels.dtype.name in _SINGLE else "float64"))
    require_memory(pixels.shape, 3 * work.itemsize + 3, "a search for cosmic rays")
    noise = _Noise.of(image, source, gain, read_noise, variance, background, work)
    level = _saturation(saturation, image, source)
    states = _states(image, pixels.shape, bad, mask)
    given = np.ascontiguousarray(pixels, work)
    cleaned = np.empty_like(given)
    native.lacosmic(
        given,
        cleaned,
        states,
        settings=(
            float(sigma_clip),
            float(sigma_frac),
            float(object_limit),
            level,
            int(iterations),
            replacement == "mean",
        ),
        **noise._asdict(),
        precision=work.name,
    )
    return _reduced(image, source, cleaned, states)


class _Noise(NamedTuple):
    """What the kernel takes: the noise model, or the variance of the pixels in the precision of the work."""

    gain: float
    read_noise_e: float
    background: Any
    variance: Any

    @classmethod
    def of(
        cls,
        image: Any,
        source: Image,
        gain: Any,
        read_noise: Any,
        variance: Any,
        background: Any,
        work: np.dtype[Any],
    ) -> _Noise:
        modelled = gain is not None or read_noise is not None
        if variance is not None:
            require(
                not modelled,
                "",
                "gain and read_noise",
                "left out where variance is given",
                (gain, read_noise),
            )
            variance = plain(variance, f"({source.unit})2", field="variance")
        elif not modelled:
            variance = _known_variance(image)
        if variance is not None:
            return cls(1.0, 0.0, 0.0, _plane(variance, "variance", source.shape, work))
        per_unit = _known_gain(source) if gain is None else plain(gain, "e-/ADU", field="gain")
        noise = (
            source.metadata.get("read_noise_e")
            if read_noise is None
            else plain(read_noise, "e-", field="read_noise")
        )
        if per_unit is None or noise is None:
            lacking = "gain" if per_unit is None else "read_noise"
            raise DomainError(f"{lacking} must be given, as {source.name} does not tell it: or give variance")
        per_unit, noise = float(per_unit), float(noise)
        require(0 < per_unit < np.inf, "", "gain", "finite and > 0 e- per unit of the image", per_unit)
        require(0 <= noise < np.inf, "", "read_noise", "finite and >= 0 e-", noise)
        level = plain(background, source.unit, field="background")
        if np.ndim(level) == 0:
            require(bool(np.isfinite(level)), "", "background", "finite", level)
            return cls(per_unit, noise, float(level), None)
        level = _plane(level, "background", source.shape, work)
        require(
            bool(np.isfinite(level).all()), "", "background", "finite in every pixel", "some that are not"
        )
        return cls(per_unit, noise, level, None)


def _plane(value: Any, name: str, shape: tuple[int, ...], work: np.dtype[Any]) -> NDArray[Any]:
    plane = np.asarray(value.data if isinstance(value, Frame) else value)
    if plane.shape != shape:
        raise ShapeError(f"{name} must have shape {shape}, got {plane.shape}")
    require(plane.dtype.kind in "biuf", "", name, "an image of real numbers", str(plane.dtype))
    return np.ascontiguousarray(plane, work)


def _known_variance(image: Any) -> Any:
    """The square of the uncertainty of an image, if it has one."""
    uncertainty = getattr(image, "uncertainty", None)
    if uncertainty is None:
        return None
    if isinstance(image, Frame):
        return np.square(uncertainty)
    from astropy.nddata import VarianceUncertainty

    return uncertainty.represent_as(VarianceUncertainty).array


def _known_gain(source: Image) -> float | None:
    """Electrons for one unit of an image, as far as its unit and metadata tell."""
    unit, _, per = source.unit.partition("/")
    known = source.metadata
    time = known.get("exposure_s") if per else 1.0
    one = {"electron": 1.0, "adu": known.get("gain_e_per_adu")}.get(unit)
    if one is None or time is None or per not in ("", "s"):
        return None
    return float(one * time / (known.get("em_gain") or 1.0 if unit == "adu" else 1.0))


def _saturation(given: Any, image: Any, source: Image) -> float:
    """The value from which a pixel is full; infinite if none is known."""
    if given is not None:
        level = float(plain(given, source.unit, field="saturation"))
        require(level > 0, "", "saturation", "> 0", level)
        return level
    flagged = isinstance(image, ReducedFrame) and image.flags is not None
    known = source.metadata.get("saturate_adu")
    return np.inf if flagged or known is None or source.unit != "adu" else float(known)


def _states(image: Any, shape: tuple[int, ...], bad: Any, mask: Any) -> NDArray[np.uint8]:
    """Bits of the kernel: what is masked, and what is known to be saturated."""
    states = np.zeros(shape, np.uint8)
    if isinstance(image, ReducedFrame) and image.flags is not None:
        # A saturated pixel may be a hit.
        flags = np.asarray(image.flags)
        states[(flags & int(UNUSABLE & ~Flag.SATURATED)) != 0] = _MASKED
        states[(flags & int(Flag.SATURATED)) != 0] |= _SATURATED
    elif bad is not None:
        states[bad] = _MASKED
    if mask is not None:
        given = np.asarray(mask)
        if given.shape != shape:
            raise ShapeError(f"mask must have shape {shape}, got {given.shape}")
        require(given.dtype.kind in "bui", "", "mask", "an image of bool", str(given.dtype))
        states[given != 0] |= _MASKED
    return states


def _reduced(image: Any, source: Image, cleaned: NDArray[Any], states: NDArray[np.uint8]) -> ReducedFrame:
    reduced = isinstance(image, ReducedFrame)
    flags = np.zeros(states.shape, np.uint16)
    for bit, meaning in _FLAGS:
        flags |= np.where(states & bit, np.uint16(meaning), np.uint16(0))
    if reduced and image.flags is not None:
        known = np.asarray(image.flags, np.uint16)
        flags = np.where(
            states & _MASKED, known | (flags & int(Flag.NOT_FINITE | Flag.NO_DATA)), known | flags
        )
    hits = int(np.count_nonzero(states & _HIT))
    steps = [*source.metadata.get("calibration", ()), "cosmic_rays"]
    metadata = {**source.metadata, "frame_type": "reduced", "calibration": steps, "cosmic_ray_pixels": hits}
    uncertainty = _known_variance(image)
    return ReducedFrame(
        cleaned,
        metadata,
        image.truth if isinstance(image, Frame) else None,
        uncertainty=image.uncertainty if reduced else None if uncertainty is None else np.sqrt(uncertainty),
        flags=flags,
        used=image.used if reduced else None,
        unit=source.unit,
    )
