"""Master frames: bias, dark rate and response of the pixels, each from many frames, with uncertainty and flags.

    bias:   b = combined raw
    dark:   d = combined (raw - b) / t                    [ADU/s], weight t^2 / V, V the variance of a frame
    flat:   w = combined (raw - b - d t) / level, over its mean, weight level^2 / V

V = r^2 + c (level + d t): read noise and Poisson noise of the mean signal of a frame, one number for each, so that weights do not follow the noise of
single pixels. Where gain or read noise are not known, weights are those of Poisson noise alone: t, and the level.

The uncertainty is what the frames scatter by (`combine`; of one frame alone, what gain and read noise say), and what they share: the error of the bias and
of the dark, times the mean weight that it enters with. That weight (``bias_weight``) is kept: a frame that is calibrated with the same bias takes some of
its error back.

Frames are calibrated while they are read, band by band. Those with an overscan wait in a temporary file.

Not modelled: correlation of the flat with bias and dark, light that grows or fades during an exposure.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import ShapeError, require
from getframes.frame import Frame
from getframes.io.images import Band, Files, Image, Spool, open_image
from getframes.reduce.application import (
    BITS,
    Facts,
    Masters,
    described,
    has_sections,
    on_light,
    saturation_of,
    working_precision,
)
from getframes.reduce.combination import combine
from getframes.reduce.extensions import Extensions, Key, part, together
from getframes.reduce.flat_level import clipped_level
from getframes.reduce.frame import UNUSABLE, Flag, ReducedFrame
from getframes.reduce.kernel import Errors, Marks, Planes, Steps
from getframes.reduce.raw import Raw
from getframes.reduce.small_samples import small_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

_IN_MEMORY = 1 << 28
"""Bytes of frames without overscan that stay in memory; the others wait in a temporary file."""
_SHORT_S = 0.1
"""By how much exposures of biases may differ; more is no longer nothing [s]."""
_LEVEL_CLIP = 5.0
"""Where pixels are left out of the level of a frame, in widths of the distribution."""


def master_bias(
    files: Iterable[Any],
    *,
    method: str | None = None,
    sigma: float = 5.0,
    overscan: str | bool | None = None,
    gain: Any = None,
    read_noise: Any = None,
    extension: Any = None,
) -> ReducedFrame | Extensions:
    """The mean of biases [ADU].

    Parameters
    ----------
    files : iterable of paths, Frames, CCDData or arrays (height, width)
        Raw biases.
    method : {"sigma_clip", "mean", "median"}, optional
        As in `combine`. When left out a mean after clipping, and a mean without for cameras with a gain stage, whose counts have a long tail.
    sigma : float
        Where values are rejected. Closer in, the clipped mean of skewed counts, such as those of few electrons, is too low.
    overscan : {"row", "column", "strip"} or bool, optional
        As in `calibrate`.
    gain, read_noise : float or Quantity, optional
        For the uncertainty of one frame alone, as in `calibrate`.
    extension : int, str or (str, int), optional
        Of files; each image of files of several detectors when left out.

    Returns
    -------
    ReducedFrame, or Extensions
        With uncertainty, flags and the number of frames in each pixel; NCOMBINE is ``n_combined``.

    Raises
    ------
    DomainError, ShapeError
        If there is no frame, frames differ in shape or one was exposed longer than another, or a fact is impossible.
    InputError, IntegrityError
        If a file cannot be read.
    """
    files = _listed(files, "bias")
    options = {"method": method, "sigma": sigma, "overscan": overscan, "gain": gain, "read_noise": read_noise}
    several = _several(files, extension, {}, partial(master_bias, files, **options))
    if several is not None:
        return several
    with _opened(files, "bias", Masters(), extension, overscan) as lights:
        _check_alike(lights)
        method = _method(lights, method)
        made = _combined(lights, method, sigma, [1.0] * len(lights), Noise(gain, read_noise))
    return _master("bias", made, unit="adu", history=[f"mean of {len(lights)} biases, {method}"])


def master_dark(
    files: Iterable[Any],
    bias: Any,
    *,
    exposure: Any = None,
    hot: float | None = None,
    method: str | None = None,
    sigma: float = 5.0,
    overscan: str | bool | None = None,
    gain: Any = None,
    read_noise: Any = None,
    extension: Any = None,
) -> ReducedFrame | Extensions:
    """The dark rate of each pixel [ADU/s].

    Parameters
    ----------
    files : iterable of paths, Frames, CCDData or arrays (height, width)
        Raw darks, of one or of several exposures.
    bias : path, Frame, CCDData or array (height, width), or None
        Master bias [ADU]; None for darks whose bias is off already.
    exposure : float, Quantity or sequence of them, optional
        Exposure of all darks, or of each [s]; from metadata or headers when left out.
    hot : float, optional
        Rate from which a pixel is `Flag.HOT`, and not to be used [ADU/s]; none is when left out.
    method, sigma
        As in `master_bias`.
    overscan, gain, read_noise, extension
        As in `calibrate`.

    Returns
    -------
    ReducedFrame, or Extensions
        The rate, with uncertainty, flags and the number of frames in each pixel.

    Raises
    ------
    DomainError, ShapeError
        As `master_bias`; if an exposure is missing or not positive (names file and keyword), or a bias is needed.
    InputError, IntegrityError
        If a file cannot be read.
    """
    files = _listed(files, "dark")
    options = {"method": method, "sigma": sigma, "overscan": overscan, "gain": gain, "read_noise": read_noise}
    options |= {"exposure": exposure, "hot": hot}
    several = _several(files, extension, {"bias": bias}, partial(master_dark, files, **options))
    if several is not None:
        return several
    masters = Masters(bias=bias, extension=extension)
    with _opened(files, "dark", masters, extension, overscan) as lights:
        times = _exposures(lights, exposure)
        for light, time in zip(lights, times, strict=True):
            needed = masters.bias is None and "bias" not in light.about.metadata.get("calibration", ())
            require(not needed, "", "bias", f"given, since {light.name} holds it", None)
            require(time > 0.0, "", f"{light.name}: EXPTIME", "> 0 s", time)
            light.factor = 1.0 / time
        noise, method = Noise(gain, read_noise), _method(lights, method)
        rate = lights[int(np.argmax(times))].level() if _differ(times) else 0.0
        weights = [
            time**2 / noise.variance(light, rate * time) for light, time in zip(lights, times, strict=True)
        ]
        made = _combined(lights, method, sigma, weights, noise)
    share = float(np.average([light.factor for light in lights], weights=weights))
    metadata: dict[str, Any] = {"exposure_s": None, "exposures_s": times}
    if masters.bias is not None:
        metadata |= {**described("bias", masters.bias), "bias_weight": share}
        made = _with_shared(made, [(share, masters.bias.sigma)])
    if hot is not None:
        made = _flagged(made, np.asarray(made.data) >= hot, Flag.HOT)
    history = [f"mean rate of {len(lights)} darks, {method}"]
    return _master("dark", made, unit="adu/s", history=history, metadata=metadata, calibration=["bias"])


def master_flat(
    files: Iterable[Any],
    bias: Any,
    dark: Any = None,
    *,
    exposure: Any = None,
    levels: Sequence[float] | None = None,
    least: float = 0.1,
    method: str | None = None,
    sigma: float = 5.0,
    overscan: str | bool | None = None,
    gain: Any = None,
    read_noise: Any = None,
    saturation: Any = None,
    extension: Any = None,
) -> ReducedFrame | Extensions:
    """The response of each pixel over their mean.

    Parameters
    ----------
    files : iterable of paths, Frames, CCDData or arrays (height, width)
        Raw flats, of any levels and exposures.
    bias, dark : path, Frame, CCDData or array (height, width), or None
        As in `calibrate`.
    exposure : float, Quantity or sequence of them, optional
        Exposure of all flats, or of each [s]; from metadata or headers when left out. Needed by a dark that is a rate.
    levels : sequence of float, optional
        What each frame is divided by [ADU], such as the scales of `flat_scales`; when left out its own mean without outliers.
    least : float
        Response from which a pixel is alive, over the median. Below it is NaN and `Flag.DEAD`.
    method, sigma
        As in `master_bias`.
    overscan, gain, read_noise, saturation, extension
        As in `calibrate`. Saturated pixels of a frame are left out.

    Returns
    -------
    ReducedFrame, or Extensions
        The response, of mean 1 over the pixels that are alive, without unit, with uncertainty, flags and the number of frames in each pixel; the levels
        are in the metadata.

    Raises
    ------
    DomainError, ShapeError
        As `master_bias` and `calibrate`; if the level of a frame is not positive, or no pixel is alive.
    InputError, IntegrityError
        If a file cannot be read.
    """
    require(0.0 <= least < 1.0, "", "least", "in [0, 1)", least)
    files = _listed(files, "flat")
    options = {"method": method, "sigma": sigma, "overscan": overscan, "gain": gain, "read_noise": read_noise}
    options |= {"exposure": exposure, "levels": levels, "least": least, "saturation": saturation}
    several = _several(files, extension, {"bias": bias, "dark": dark}, partial(master_flat, files, **options))
    if several is not None:
        return several
    masters = Masters(bias=bias, dark=dark, extension=extension)
    rated = masters.dark is not None and masters.dark.unit == "adu/s"
    with _opened(files, "flat", masters, extension, overscan, saturation) as lights:
        require(levels is None or len(levels) == len(lights), "", "levels", f"{len(lights)} numbers", levels)
        times = _exposures(lights, exposure) if rated else [0.0] * len(lights)
        for number, (light, time) in enumerate(zip(lights, times, strict=True)):
            light.time = time
            level = light.level() if levels is None else float(levels[number])
            require(0.0 < level < np.inf, "", f"{light.name}: level of the flat", "finite and > 0 ADU", level)
            light.factor = 1.0 / level
        found, noise = [1.0 / light.factor for light in lights], Noise(gain, read_noise)
        method = _method(lights, method)
        weights = [
            level**2 / noise.variance(light, level) for light, level in zip(lights, found, strict=True)
        ]
        made = _combined(lights, method, sigma, weights, noise)
    factors = [light.factor for light in lights]
    metadata: dict[str, Any] = {"flat_levels_adu": found}
    shared = []
    for kind, master in masters.present.items():
        metadata |= described(kind, master)
        scales = [factor * time for factor, time in zip(factors, times, strict=True)]
        part = scales if kind == "dark" and rated else factors
        shared.append((float(np.average(part, weights=weights)), master.sigma))
    made = _normalized(_with_shared(made, shared), least)
    history = [f"mean of {len(lights)} flats over their levels, {method}"]
    done = ["bias", "dark"] if masters.dark is not None else ["bias"] if masters.bias is not None else []
    return _master("flat", made, unit="", history=history, metadata=metadata, calibration=done)


class Light(Image):
    """A frame that is calibrated while it is read: (n - b - d t) f.

    Attributes
    ----------
    about : Raw
        What is known about the frame.
    time : float
        t [s].
    factor : float
        f.
    """

    def __init__(self, image: Image, about: Raw, masters: Masters, saturation: float) -> None:
        self._image, self._masters, self._saturation = image, masters, saturation
        self.about, self.time, self.factor = about, 1.0, 1.0
        self.name, self.shape, self.metadata = about.name, image.shape, about.metadata
        self.dtype, self.unit = working_precision(None, image.dtype), "adu"

    @property
    def step(self) -> float:
        """Smallest difference of two values: a count, where they are whole."""
        return self.factor if self._image.dtype.kind in "biu" else 0.0

    def planes(self, start: int, stop: int, errors: Errors | None = None) -> Planes:
        """Rows, with flags."""
        pixels, mask = self._image.band(start, stop)
        masters, rows = self._masters, slice(start, stop)
        steps = Steps(pixels.shape, self.dtype, dark_scale=self.time)
        if masters.bias is not None:
            steps = steps._replace(zero=masters.bias.pixels[rows])
        if masters.dark is not None and masters.dark.holds_bias:
            steps = steps._replace(zero=masters.dark.pixels[rows])
        elif masters.dark is not None:
            steps = steps._replace(dark=masters.dark.pixels[rows])
        flags = [master.flags[rows] for master in masters.present.values() if master.flags is not None]
        if mask is not None:
            flags.append(np.where(mask, np.uint16(Flag.NO_DATA), np.uint16(0)))
        marks = Marks(self._saturation, BITS, flags)
        return steps.planes(pixels, factor=self.factor, errors=errors, marks=marks)

    def band(self, start: int, stop: int, out: NDArray[Any] | None = None) -> Band:
        planes = self.planes(start, stop)
        assert planes.flags is not None
        bad = (planes.flags & np.uint16(UNUSABLE)) != 0
        return Band(planes.data, bad if bad.any() else None)

    def level(self) -> float:
        """Mean of the good pixels without outliers."""
        pixels, bad = self.whole()
        values = pixels.ravel() if bad is None else pixels[~bad]
        require(values.size > 0, "", self.name, "good in some pixel", "saturated or masked everywhere")
        return clipped_level(values, _LEVEL_CLIP, 0.5 * self.step).level


class Noise:
    """Noise of frames, from arguments or their headers."""

    def __init__(self, gain: Any, read_noise: Any) -> None:
        self.gain, self.read_noise = gain, read_noise

    def errors(self, light: Light) -> Errors | None:
        """As the kernel takes them; None where too little is known."""
        return Facts.of(light.about, self.gain, self.read_noise, None).errors(light.about, light.about.pixels)

    def variance(self, light: Light, signal: float) -> float:
        """Of a pixel with a signal [ADU^2]; in proportion to it where gain or read noise are not known."""
        errors = self.errors(light)
        if errors is None:
            return max(signal, 0.0) or light.time
        return float(np.mean(np.square(errors.read))) + errors.shot * max(signal, 0.0)


@contextmanager
def _opened(
    sources: Iterable[Any],
    kind: str,
    masters: Masters,
    extension: Any,
    overscan: str | bool | None,
    saturation: Any = None,
) -> Iterator[list[Light]]:
    """Frames that are calibrated while they are read."""
    with Files() as files, Spool(_IN_MEMORY) as spool:
        lights: list[Light] = []
        for number, source in enumerate(sources):
            name = f"{kind} {number}"
            image = open_image(spool.kept(source, name), files, extension=extension, name=name)
            about = Raw.about(source, image, files)
            require(about.unit == "adu", "", f"{about.name}: unit", "adu", about.unit)
            end = saturation_of(about, saturation)
            if has_sections(about) or overscan:
                raw, end = on_light(Raw.of(source, name, extension=extension), overscan, end)
                whole = ReducedFrame(raw.pixels, raw.metadata, flags=raw.flags)
                image = open_image(spool.kept(whole, raw.name), files)
                about = raw._replace(pixels=np.broadcast_to(np.zeros((), image.dtype), image.shape))
            masters.check(about)
            if lights and image.shape != lights[0].shape:
                raise ShapeError(f"{about.name} must have shape {lights[0].shape}, got {image.shape}")
            lights.append(Light(image, about, masters, end))
        require(bool(lights), "", f"frames of master_{kind}", "at least one", 0)
        yield lights


def _listed(files: Iterable[Any], kind: str) -> Iterable[Any]:
    """A list where the files are paths, to be looked at more than once."""
    if isinstance(files, str | PathLike | Frame):
        raise TypeError(f"master_{kind} takes an iterable of frames, got one {type(files).__name__}")
    coming = iter(files)
    first = list(islice(coming, 1))
    return [*first, *coming] if first and isinstance(first[0], str | PathLike) else chain(first, coming)


def _several(
    files: Iterable[Any], extension: Any, masters: dict[str, Any], make: Callable[..., Any]
) -> Extensions | None:
    """Masters of each extension of files of several detectors; None for other files."""
    if extension is not None or not isinstance(files, list):
        return None

    def one(key: Key) -> Any:
        parts = {kind: part(master, key, kind) for kind, master in masters.items()}
        return make(**parts, extension=key)

    return together(files, one)


def _exposures(lights: list[Light], given: Any) -> list[float]:
    """Of each frame [s]."""
    one = given is None or np.ndim(given) == 0
    each = [given] * len(lights) if one else list(given)
    require(len(each) == len(lights), "", "exposure", f"{len(lights)} numbers, or one", len(each))
    return [light.about.needed("exposure_s", value) for light, value in zip(lights, each, strict=True)]


def _check_alike(lights: list[Light]) -> None:
    """Raise if one bias was exposed for longer than another: it is a dark, or something else."""
    known = [(light, light.about.fact("exposure_s")) for light in lights]
    times = [(light, time) for light, time in known if time is not None]
    for light, time in times:
        first, wanted = times[0]
        rule = f"that of {first.name}, {wanted} s, as biases of a master have one"
        require(abs(time - wanted) <= _SHORT_S, "", f"{light.name}: EXPTIME", rule, time)


def _differ(values: list[float]) -> bool:
    return max(values) > min(values) * (1.0 + 1e-9)


def _method(lights: list[Light], given: str | None) -> str:
    """The method that was given, or the one that suits the counts of a camera."""
    multiplied = any((light.about.fact("em_gain") or 1.0) > 1.0 for light in lights)
    return given or ("mean" if multiplied else "sigma_clip")


def _combined(
    lights: list[Light], method: str, sigma: float, weights: list[float], noise: Noise
) -> ReducedFrame:
    """The frames in one, with an uncertainty where anything is known about it."""
    options: dict[str, Any] = {"weights": weights} if _differ(weights) and method != "median" else {}
    images: list[Any] = list(lights)
    made = combine(images, method=method, sigma=sigma, **options)
    if len(lights) > 1:
        # Right in the mean becomes right in the mean square, which is what adds up.
        mean = np.asarray(small_samples(len(lights)).mean_sigma)[np.asarray(made.used)]
        return _changed(made, uncertainty=(made.uncertainty / mean).astype(np.float32))
    errors, light = noise.errors(lights[0]), lights[0]
    if errors is None:
        return ReducedFrame(made.data, made.metadata, uncertainty=None, flags=made.flags, used=made.used)
    spread = light.planes(0, light.shape[0], errors).uncertainty
    return ReducedFrame(made.data, made.metadata, uncertainty=spread, flags=made.flags, used=made.used)


def _with_shared(made: ReducedFrame, shared: list[tuple[float, Any]]) -> ReducedFrame:
    """The uncertainty with what all frames share: weight and standard deviation of each master."""
    if made.uncertainty is None:
        return made
    variance = np.square(made.uncertainty, dtype=np.float64)
    for weight, deviation in shared:
        variance += np.square(weight * np.asarray(deviation, np.float64))
    return _changed(made, uncertainty=np.sqrt(variance).astype(made.uncertainty.dtype))


def _normalized(made: ReducedFrame, least: float) -> ReducedFrame:
    """A response of mean 1 over the pixels that are alive; the others are NaN."""
    data = np.asarray(made.data)
    known = np.isfinite(data) & ~made.mask
    require(bool(known.any()), "", "flat", "good in some pixel", "none that is not masked or saturated")
    alive = known & (data > least * np.median(data[known])) & (data > 0.0)
    require(bool(alive.any()), "", "flat", "positive in some pixel", float(data[known].max()))
    mean = float(data[alive].mean(dtype=np.float64))
    return _changed(
        _flagged(made, known & ~alive, Flag.DEAD),
        data=np.where(alive, data / mean, np.nan),
        uncertainty=None if made.uncertainty is None else np.where(alive, made.uncertainty / mean, np.nan),
    )


def _flagged(made: ReducedFrame, where: NDArray[np.bool_], flag: Flag) -> ReducedFrame:
    """The frame with a bit set in some pixels."""
    if not where.any():
        return made
    bits = np.where(where, np.uint16(flag), np.uint16(0))
    return _changed(made, flags=bits if made.flags is None else made.flags | bits)


def _changed(made: ReducedFrame, **changes: Any) -> ReducedFrame:
    names = ("data", "metadata", "uncertainty", "flags", "used", "unit")
    return ReducedFrame(**{**{name: getattr(made, name) for name in names}, **changes})


def _master(
    kind: str,
    made: ReducedFrame,
    *,
    unit: str,
    history: list[str],
    metadata: dict[str, Any] | None = None,
    calibration: Sequence[str] = (),
) -> ReducedFrame:
    """The master with its metadata; an entry of None is left out."""
    done = [step for step in made.metadata.get("calibration", ()) if step not in calibration]
    said = {**made.metadata, **(metadata or {}), "frame_type": f"master_{kind}", "unit": unit}
    said |= {"calibration": [*done, *calibration], "history": [*made.metadata.get("history", ()), *history]}
    said.pop("saturate_adu", None)
    kept = {key: value for key, value in said.items() if value is not None}
    return _changed(made, metadata=kept, unit=unit)
