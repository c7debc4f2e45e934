"""Many frames into one: median, mean, or mean after clipping, with the uncertainty of each pixel.

Symbols, the law and its sources are in `docs/physics/combine.md`. The order is fixed: masked and non-finite values go, then zero and scale, then rejection
(lowest and highest, then clipping about the median), then the combination.

Frames are read in bands of rows, the next one while one is combined, so that memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import reduce as native
from getframes.errors import DomainError, ShapeError, require
from getframes.frame import Frame
from getframes.reduce.bands import Plan, Planes
from getframes.reduce.frame import ReducedFrame
from getframes.reduce.levels import per_frame
from getframes.reduce.small_samples import MAD_TO_SIGMA, small_samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from numpy.typing import NDArray

    from getframes.io.images import Image

    FrameLike = Frame | NDArray[Any] | str | PathLike[str]
    PerFrame = Sequence[Any] | NDArray[Any] | str | Callable[[NDArray[np.float64]], float]

METHODS = ("median", "mean", "sigma_clip")
CLIPS = ("mad", "std", "noise")
_LONG = 2000
"""A sample of more values is clipped by itself."""
_OWN = (
    "seed",
    "frame_number",
    "frame_index",
    "time_s",
    "pointing_offset_px",
    "ramp_index",
    "read_index",
    "date_obs",
)
"""What belongs to one frame, and not to several."""


def combine(
    frames: Iterable[FrameLike],
    *,
    method: str = "median",
    sigma: float = 3.0,
    clip: str | None = None,
    reject_low: int = 0,
    reject_high: int = 0,
    gain_e_per_adu: float | None = None,
    read_noise_e: float | None = None,
    pedestal_adu: float = 0.0,
    zero: PerFrame | None = None,
    scale: PerFrame | None = None,
    weights: PerFrame | None = None,
    masks: Sequence[Any] | NDArray[Any] | None = None,
    extension: int | str | tuple[str, int] | None = None,
    memory_limit_mb: float = 512.0,
    dtype: Any = np.float64,
) -> ReducedFrame:
    """One frame of many of the same thing.

    Parameters
    ----------
    frames : iterable of Frame, array (height, width), CCDData or FITS path
        What is combined, of any real type. Files are opened once and read by bands of rows. Frames that an iterator makes are kept in a temporary file
        beyond half of `memory_limit_mb`.
    method : {"median", "mean", "sigma_clip"}
        `sigma_clip` is the mean after clipping, by the MAD where `clip` says nothing.
    sigma : float
        Where values are rejected, in standard deviations from the median; found again until nothing changes.
    clip : {"mad", "std", "noise"}, optional
        In what they are measured: the median absolute deviation with the factors of small samples; the standard deviation of the values themselves (ddof = 0),
        which cannot reject one outlier among seven; or the noise that gain and read noise tell, which works from three frames on. Two values are never
        clipped.
    reject_low, reject_high : int
        Values of each pixel that are left out at either end.
    gain_e_per_adu, read_noise_e : float, optional
        For ``clip="noise"` [e-/ADU, e-]; from the metadata when left out.
    pedestal_adu : float
        What of the counts has no photon noise, for ``clip="noise"`` [ADU].
    zero, scale : sequence of N numbers or arrays (height, width), array (N, height, width), callable or name, optional
        Values become scale (x + zero). A callable is given the good pixels of a frame, 1-D in float64 (for `scale` after `zero`), and returns its number. The
        names "median" and "mean" bring that level of every frame to the mean of all levels.
    weights : as zero, optional
        Weights of a mean, relative, >= 0; a value of weight 0 is left out. A name is an error.
    masks : array of bool (height, width), or sequence of N of them or None, optional
        True where a pixel is bad, besides the masks and flags that frames bring.
    extension : int, str or (str, int), optional
        Of files: number, name, or name and version; their first image when left out.
    memory_limit_mb : float
        Memory to work in [MB], at most; the result, what was in memory before, and a frame whose level is measured come on top.
    dtype : dtype
        Of the data: float64 or float32.

    Returns
    -------
    ReducedFrame
        Data; `uncertainty`, the standard deviation of the data from the scatter of the frames (float32, NaN for a single value), of which the mean is right
        for Gaussian noise; `used`, values that went in; `flags` where something was masked, not finite or rejected, or no data are left (then the pixel
        is NaN). The metadata are what all frames share, with ``n_combined``, ``combine_method`` and the type ``master_...``.

    Raises
    ------
    DomainError
        If there is no frame, units differ, or a parameter is impossible.
    ShapeError
        If frames, masks or maps differ in shape.
    SizeError
        If one row of every frame does not fit into `memory_limit_mb`.
    InputError, IntegrityError
        If a file cannot be read, is damaged, or was changed or cut short meanwhile.

    Notes
    -----
    Median and mean of frames alone are those of NumPy, bit for bit (the median) in the type of the frames. Results do not depend on threads, bands or order
    of reading. Not modelled: noise that frames or pixels share; the uncertainties of the frames themselves.
    """
    from getframes.io.images import open_images

    _check(method, sigma, clip, (reject_low, reject_high), memory_limit_mb, weights)
    limit = int(memory_limit_mb * 1e6)
    with _kept(frames, limit // 2) as sources, open_images(sources, extension=extension) as images:
        require(len(images) > 0, "", "frames", "at least one frame", 0)
        metadata = _shared([image.metadata for image in images])
        unit = _unit(images)
        method, clip = ("mean", clip or "mad") if method == "sigma_clip" else (method, clip)
        bad = _masks(masks, len(images), images[0].shape)
        maps = per_frame(images, bad, zero=zero, scale=scale, weights=weights)
        noise = _noise(clip, metadata, gain_e_per_adu, read_noise_e, pedestal_adu)
        rule = _rule(images, method, (reject_low, reject_high), clip, float(sigma), noise, maps)
        plan = Plan.of(images, bad, maps, limit)
        planes = _combined(plan, rule, np.dtype(dtype))
    said = {
        "n_combined": len(images),
        "combine_method": "sigma_clip" if clip and method == "mean" else method,
    }
    if clip:
        said["combine_sigma"] = float(sigma)
    if clip and clip != "mad":
        said["combine_clip"] = clip
    if reject_low or reject_high:
        said["combine_rejected"] = [reject_low, reject_high]
    return ReducedFrame(planes.data, {**metadata, **said}, **planes.optional(len(images)), unit=unit)


def _check(
    method: str, sigma: float, clip: str | None, extremes: tuple[int, int], memory_mb: float, weights: Any
) -> None:
    require(method in METHODS, "", "method", f"one of {', '.join(METHODS)}", method)
    require(0 < sigma < np.inf, "", "sigma", "> 0", sigma)
    require(clip is None or clip in CLIPS, "", "clip", f"one of {', '.join(CLIPS)}, or None", clip)
    for name, number in zip(("reject_low", "reject_high"), extremes, strict=True):
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        require(whole and number >= 0, "", name, "an integer >= 0", number)
    require(0 < memory_mb < np.inf, "", "memory_limit_mb", "> 0 MB", memory_mb)
    require(weights is None or method != "median", "", "weights", "None for a median", weights)


def _combined(plan: Plan, rule: dict[str, Any], dtype: np.dtype[Any]) -> Planes:
    """Band by band through the kernel."""
    count, (height, width) = len(plan.images), plan.images[0].shape
    planes = Planes((height, width), dtype)
    data = np.empty((plan.rows, width))
    used, flags = np.empty((plan.rows, width), np.uint32), np.empty((plan.rows, width), np.uint16)
    with closing(plan.bands()) as parts:
        for start, stop, bands in parts:
            rows, part = slice(start, stop), slice(0, stop - start)
            masks = [band.mask for band in bands]
            zero, scale, weights = ([_rows(item, rows) for item in values] for values in plan.maps)
            native.combine(
                [band.pixels for band in bands],
                masks if any(mask is not None for mask in masks) else [],
                zero,
                scale,
                weights,
                data[part],
                planes.uncertainty[rows],
                used[part],
                flags[part],
                **rule,
            )
            planes.put(rows, count, data[part], used[part], flags[part])
    return planes


def _rows(item: Any, rows: slice) -> Any:
    return np.ascontiguousarray(item[rows], np.float64) if isinstance(item, np.ndarray) else item


def _rule(
    images: list[Image],
    method: str,
    extremes: tuple[int, int],
    clip: str | None,
    sigma: float,
    noise: tuple[float, float, float],
    maps: tuple[list[Any], list[Any], list[Any]],
) -> dict[str, Any]:
    """What the kernel is told."""
    factors, step = small_samples(len(images)), _step(images, maps[1])
    return {
        "median": method == "median",
        "extremes": extremes,
        "clip": (clip, sigma, sigma * factors.mad, 0.5 * step, *noise) if clip else None,
        **factors.tables(step, loss_of_scatter(len(images), method == "median", extremes, clip, sigma)),
    }


@lru_cache(maxsize=256)
def loss_of_scatter(
    count: int, median: bool, extremes: tuple[int, int] = (0, 0), clip: str | None = None, sigma: float = 3.0
) -> float:
    """True over reported deviation of what a rule of rejection makes of `count` Gaussian values, found by trying it.

    Rejection takes away the values that would have told most about the scatter. The sample is always the same one, of 1e6 values; what is asked for is
    remembered.
    """
    if (extremes == (0, 0) and clip is None) or sum(extremes) >= count:
        return 1.0
    pixels = max(1000, 1_000_000 // count)
    sample = np.random.RandomState(1).standard_normal((count, pixels))
    factors = small_samples(count)
    rule = (clip, sigma, sigma * factors.mad, 0.0, 1e300, 1.0, 0.0) if clip else None
    data, reported = _combined_arrays(
        sample, median=median, extremes=extremes, clip=rule, **factors.tables(0.0)
    )
    known = np.isfinite(reported)
    return (
        float(np.sqrt(np.mean(data[known] ** 2)) / reported[known].mean(dtype=np.float64))
        if known.any()
        else 1.0
    )


def _step(images: list[Image], scale: list[Any]) -> float:
    """What values are multiples of [ADU]: one count for whole numbers; 0 for those that are not."""
    if any(isinstance(factor, np.ndarray) for factor in scale):
        return 0.0
    factors = [float(factor) for factor in scale] or [1.0] * len(images)
    return min(image.step * factor for image, factor in zip(images, factors, strict=True))


def _noise(
    clip: str | None, metadata: dict[str, Any], gain: float | None, read_noise: float | None, pedestal: float
) -> tuple[float, float, float]:
    """Gain [e-/ADU], read noise and pedestal [ADU]."""
    if clip != "noise":
        return 1.0, 0.0, 0.0
    gain = metadata.get("gain_e_per_adu") if gain is None else gain
    read_noise = metadata.get("read_noise_e") if read_noise is None else read_noise
    for name, value in (("gain_e_per_adu", gain), ("read_noise_e", read_noise), ("pedestal_adu", pedestal)):
        number = isinstance(value, int | float | np.number) and np.isfinite(value)
        require(number, "", name, 'a finite number for clip="noise"', value)
    assert gain is not None
    assert read_noise is not None
    require(gain > 0, "", "gain_e_per_adu", "> 0 e-/ADU", gain)
    require(read_noise >= 0, "", "read_noise_e", ">= 0 e-", read_noise)
    return float(gain), float(read_noise) / float(gain), float(pedestal)


def _masks(masks: Any, count: int, shape: tuple[int, int]) -> list[NDArray[np.bool_] | None]:
    """One mask an image, or none at all."""
    if masks is None:
        return []
    if isinstance(masks, np.ndarray) and masks.ndim == 2:
        masks = [masks] * count
    require(len(masks) == count, "", "masks", f"one, or one for each of {count} frames", len(masks))
    arrays = [None if mask is None else np.asarray(mask) for mask in masks]
    for number, array in enumerate(arrays):
        if array is None:
            continue
        require(array.dtype == bool, "", f"mask {number}", "an array of bool", str(array.dtype))
        if array.shape != shape:
            raise ShapeError(f"mask {number} must have shape {shape}, got {array.shape}")
    return arrays


@contextmanager
def _kept(frames: Iterable[FrameLike], limit: int) -> Iterator[Iterable[Any]]:
    """Frames that may be gone through as often as need be: those of an iterator beyond `limit` bytes go into a temporary file."""
    if isinstance(frames, Frame | str | bytes) or hasattr(frames, "__fspath__"):
        raise TypeError(f"combine takes an iterable of frames, got one {type(frames).__name__}")
    if isinstance(frames, Sequence | np.ndarray):
        yield frames
        return
    from getframes.io.images import Spool

    with Spool(limit) as spool:
        yield (spool.kept(frame, f"frame {number}") for number, frame in enumerate(frames))


def _unit(images: list[Image]) -> str:
    """The one unit of the frames."""
    first = images[0]
    for image in images:
        if image.unit.lower() != first.unit.lower():
            raise DomainError(
                f"{image.name} must have the unit {first.unit!r} of {first.name} (BUNIT), got {image.unit!r}"
            )
    return first.unit


def _shared(metadata: list[dict[str, Any]]) -> dict[str, Any]:
    """What all frames say, and what they are together."""
    first, *others = metadata
    same = {
        key: value
        for key, value in first.items()
        if key not in _OWN and all(key in other and _equal(other[key], value) for other in others)
    }
    kind = same.pop("frame_type", None)
    if isinstance(kind, str):
        same["frame_type"] = kind if kind.startswith("master_") else f"master_{kind}"
    return same


def _equal(one: Any, two: Any) -> bool:
    try:
        return bool(one == two) or (one != one and two != two)
    except ValueError:
        return bool(np.array_equal(one, two))


def clipped_mean(stack: NDArray[Any], sigma: float, least: float = 0.0) -> NDArray[np.float64]:
    """Mean over the first axis of what is within `sigma` of the median, as `combine` clips.

    `least` is the smallest deviation that is believed: half a count for whole numbers, of which many are equal.
    """
    rows = np.ascontiguousarray(stack, np.float64)
    if len(rows) > _LONG:
        columns = rows.reshape(len(rows), -1).T
        return np.array([_clipped_sample(column, sigma, least) for column in columns]).reshape(rows.shape[1:])
    factors = small_samples(len(rows))
    clip = ("mad", sigma, sigma * factors.mad, least, 1.0, 0.0, 0.0)
    return _combined_arrays(rows, median=False, extremes=(0, 0), clip=clip, **factors.tables(2.0 * least))[0]


def _combined_arrays(
    rows: NDArray[np.float64], **rule: Any
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Data and deviation of arrays in memory."""
    shape = rows.shape[1:]
    data, deviation = np.empty(shape), np.empty(shape, np.float32)
    used, flags = np.empty(shape, np.uint32), np.empty(shape, np.uint16)
    native.combine(list(rows), [], [], [], [], data, deviation, used, flags, **rule)
    return data, deviation


def _clipped_sample(values: NDArray[np.float64], sigma: float, least: float) -> float:
    """The same for one long sample, where sorting side by side does not pay."""
    while True:
        distance = np.abs(values - np.median(values))
        factor = MAD_TO_SIGMA * len(values) / (len(values) - 0.8)
        inside = distance <= sigma * factor * max(float(np.median(distance)), least)
        if inside.all() or not inside.any():
            return float(values.mean())
        values = values[inside]
