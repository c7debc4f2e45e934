"""Masters applied to raw frames: counts without what the detector added, with uncertainty and flags.

Law (symbols and variance: `docs/physics/masters.md`):

    calibrated = (raw - overscan - bias - dark t) / flat [* gain]

A dark says what it is by its unit. One in adu/s is a rate, and taken off times the exposure. One in adu, which a bare array is taken for, is of the exposure
of the frame and holds the bias, as in `getframes.calibrate`; where its list of ``calibration`` steps names the bias, it does not hold it.

A flat with a unit (a bare array is in adu) is divided by its mean over the pixels that respond; one without unit is used as it is.

Not modelled: the covariance of pixels that are coupled, noise that pixels share (the error of an overscan level is added to each pixel), shot noise of the dark charge where a dark that holds the
bias is taken off, fluctuation of the measured signal that its own shot noise is worked out from.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes._native import reduce as native
from getframes.coupling import noise_kept
from getframes.errors import DomainError, ShapeError, require
from getframes.frame import Frame
from getframes.quantity import plain
from getframes.reduce.extensions import Extensions, Key, part, together
from getframes.reduce.frame import UNUSABLE, Flag, ReducedFrame
from getframes.reduce.kernel import Errors, Marks, Steps
from getframes.reduce.overscan import BY, overscan_for, subtract_overscan, trim
from getframes.reduce.raw import Raw

if TYPE_CHECKING:
    from numpy.typing import NDArray

BITS = (int(Flag.SATURATED), int(Flag.DEAD), int(Flag.NOT_FINITE | Flag.NO_DATA))
_ROUNDING = 1.0 / 12.0
"""Variance of a count from its rounding [ADU^2]."""
_UNITS = ("adu", "electron")


class Master(NamedTuple):
    """A master frame, ready to be applied.

    Attributes
    ----------
    name : str
        The file, or what it is.
    pixels : array (height, width)
        Float32 or float64.
    sigma : array or 0
        Their standard deviation.
    flags : array of uint16, optional
        Those that make a pixel unusable.
    unit, metadata
        As of a frame.
    checksum : str
        The DATASUM of the pixels in a FITS file of their type.
    """

    name: str
    pixels: NDArray[np.floating[Any]]
    sigma: Any
    flags: NDArray[np.uint16] | None
    unit: str
    metadata: dict[str, Any]
    checksum: str

    @classmethod
    def of(cls, source: Any, kind: str, *, extension: Any = None) -> Master:
        """From a path, Frame, CCDData, Quantity or array; errors as in `open_image`."""
        if isinstance(source, cls):
            return source
        raw = Raw.of(source, kind, extension=extension)
        pixels = _floating(raw.pixels)
        sigma = 0.0 if raw.uncertainty is None else _floating(raw.uncertainty)
        flags = None if raw.flags is None else raw.flags & np.uint16(UNUSABLE)
        return cls(raw.name, pixels, sigma, flags, raw.unit, raw.metadata, datasum(pixels))

    @property
    def steps(self) -> list[str]:
        """What was done to it already."""
        return list(self.metadata.get("calibration", ()))

    @property
    def holds_bias(self) -> bool:
        """Whether it is a dark with its bias."""
        return (
            self.unit == "adu"
            and "bias" not in self.steps
            and not self.metadata.get("bias_subtracted", False)
        )


class Masters:
    """Masters that are ready for any number of frames of one detector.

    Parameters
    ----------
    bias, dark, flat : path, Frame, CCDData, Quantity or array (height, width), optional
        As in `calibrate`.
    extension : int, str or (str, int), optional
        Of files; the first image when left out.

    Raises
    ------
    ShapeError
        If the masters differ in shape.
    DomainError
        If a dark that holds the bias comes with a bias, a master has the wrong unit, or no pixel of the flat is positive.
    InputError, IntegrityError
        If a file cannot be read.
    """

    def __init__(
        self, *, bias: Any = None, dark: Any = None, flat: Any = None, extension: Any = None
    ) -> None:
        given = {"bias": bias, "dark": dark, "flat": flat}
        made = {
            kind: None if source is None else Master.of(source, kind, extension=extension)
            for kind, source in given.items()
        }
        self.bias, self.dark, self.flat = made["bias"], made["dark"], made["flat"]
        self._check_units()
        present = self.present
        for kind, master in present.items():
            first = next(iter(present.values()))
            if master.pixels.shape != first.pixels.shape:
                expected, got = first.pixels.shape, master.pixels.shape
                raise ShapeError(f"{kind} ({master.name}) must have shape {expected}, got {got}")
        self.flat_level = 1.0 if self.flat is None or self.flat.unit == "" else _level(self.flat)

    @property
    def present(self) -> dict[str, Master]:
        """Those that there are, by kind."""
        pairs = (("bias", self.bias), ("dark", self.dark), ("flat", self.flat))
        return {kind: master for kind, master in pairs if master is not None}

    def _check_units(self) -> None:
        for kind, units in (
            ("bias", ("adu",)),
            ("dark", ("adu", "adu/s")),
            ("flat", ("", "adu", "electron")),
        ):
            master = getattr(self, kind)
            words = " or ".join(unit or "no unit" for unit in units)
            require(
                master is None or master.unit in units, kind, "unit", words, getattr(master, "unit", None)
            )
        if self.bias is not None and self.dark is not None and self.dark.holds_bias:
            raise DomainError(
                f"bias must be left out, or dark be a rate (adu/s) or without its bias: the dark {self.dark.name} in adu holds the bias, "
                "which would be subtracted twice"
            )

    def calibrate(
        self,
        image: Any,
        *,
        exposure: Any = None,
        overscan: str | bool | None = None,
        gain: Any = None,
        read_noise: Any = None,
        excess_noise: float | None = None,
        saturation: Any = None,
        unit: str = "adu",
        signal: Any = None,
        uncertainty: bool | None = None,
        precision: str | None = None,
        extension: Any = None,
    ) -> ReducedFrame:
        """One frame calibrated; parameters, result and errors as in `calibrate`."""
        require(unit in _UNITS, "", "unit", "'adu' or 'electron'", unit)
        whole = Raw.of(image, extension=extension)
        require(whole.unit == "adu", "", f"{whole.name}: unit of the image", "adu", whole.unit)
        working = working_precision(precision, whole.pixels.dtype)
        raw, end = on_light(whole, overscan, saturation_of(whole, saturation), working)
        self.check(raw)
        steps = self._steps(raw, exposure, working)
        facts = Facts.of(raw, gain, read_noise, excess_noise)
        if unit == "electron":
            require(facts.gain is not None, "", f"{raw.name}: GAIN (or gain=)", "there for electrons", None)
        errors = None if uncertainty is False else self._errors(steps, raw, facts, whole.pixels)
        if errors is not None and signal is not None:
            errors = errors._replace(signal=_expected(signal, raw))
        if uncertainty and errors is None:
            raise DomainError(
                f"{raw.name} must have {' and '.join(facts.missing)} for an uncertainty, got none"
            )
        factor = self.flat_level * (1.0 if unit == "adu" or facts.gain is None else facts.gain)
        marks = self._marks(raw, end)
        counts = raw.pixels if raw.levels is None else whole.pixels
        planes = steps.planes(
            counts, factor=factor, corner=raw.corner, levels=raw.levels, errors=errors, marks=marks
        )
        if raw.flags is not None:
            nothing = (raw.flags & np.uint16(Flag.NO_DATA)) != 0
            planes.data[nothing] = np.nan
            if planes.uncertainty is not None:
                planes.uncertainty[nothing] = np.nan
        metadata = self._metadata(raw, exposure, facts, errors is not None, unit)
        return ReducedFrame(
            planes.data,
            metadata,
            raw.truth,
            uncertainty=planes.uncertainty,
            flags=planes.flags,
            unit=unit,
        )

    def check(self, raw: Raw) -> None:
        """Raise unless the masters fit a frame, and have not been applied to it yet.

        Raises
        ------
        DomainError, ShapeError
            That name the frame and the master.
        """
        done = raw.metadata.get("calibration", ())
        for kind, master in self.present.items():
            taken = {kind, "bias"} if kind == "dark" and master.holds_bias else {kind}
            twice = sorted(taken.intersection(done))
            require(
                not twice,
                "",
                kind,
                f"left out: {raw.name} is calibrated for {' and '.join(twice)} already",
                master.name,
            )
            if master.pixels.shape != raw.pixels.shape:
                expected = master.pixels.shape
                untrimmed = (
                    f": the {kind} has its overscan still, which subtract_overscan takes off (or reduce.master_{kind} of raw frames)"
                    if has_sections(master)
                    else ""
                )
                raise ShapeError(
                    f"{raw.name} must have shape {expected}, as the {kind} {master.name}, got {raw.pixels.shape}{untrimmed}"
                )

    def _steps(self, raw: Raw, exposure: Any, precision: np.dtype[Any]) -> Steps:
        height, width = raw.pixels.shape
        steps = Steps((height, width), precision)
        if self.bias is not None:
            steps = steps._replace(zero=self.bias.pixels)
        if self.flat is not None:
            steps = steps._replace(flat=self.flat.pixels)
        if self.dark is None:
            return steps
        if self.dark.unit == "adu/s":
            return steps._replace(dark=self.dark.pixels, dark_scale=raw.needed("exposure_s", exposure))
        self._check_exposure(raw, exposure)
        if self.dark.holds_bias:
            return steps._replace(zero=self.dark.pixels)
        return steps._replace(dark=self.dark.pixels)

    def _check_exposure(self, raw: Raw, exposure: Any) -> None:
        """A dark in adu has to be of the exposure of the frame."""
        assert self.dark is not None
        dark = Raw(self.dark.name, self.dark.pixels, self.dark.metadata, "adu").fact("exposure_s")
        taken = raw.fact("exposure_s", exposure)
        if dark is None:
            if exposure is not None:
                raise DomainError(
                    f"dark must have a unit of adu/s to be scaled by exposure={exposure}: {self.dark.name} is in adu, of an exposure that it does not say"
                )
            return
        same = taken is None or abs(taken - dark) <= 1e-3 * max(dark, 1e-3)
        require(same, "", "dark", f"of the exposure of {raw.name}, {taken} s, or a rate (adu/s)", f"{dark} s")

    def _errors(self, steps: Steps, raw: Raw, facts: Facts, counts: NDArray[Any]) -> Errors | None:
        sigma = {kind: master.sigma for kind, master in self.present.items()}
        errors = facts.errors(raw, counts)
        if errors is None:
            return None
        if self.dark is not None and self.dark.holds_bias:
            return errors._replace(zero=sigma["dark"], flat=sigma.get("flat", 0.0))
        return errors._replace(
            zero=sigma.get("bias", 0.0),
            zero_weight=self._bias_weight(steps.dark_scale),
            dark=sigma.get("dark", 0.0),
            flat=sigma.get("flat", 0.0),
        )

    def _bias_weight(self, scale: float) -> float:
        """Weight of the variance of the bias: a dark made with the same bias takes some of its error back."""
        if (
            self.bias is None
            or self.dark is None
            or self.dark.metadata.get("bias_checksum") != self.bias.checksum
        ):
            return 1.0
        return 1.0 - 2.0 * scale * float(self.dark.metadata.get("bias_weight", 0.0))

    def _marks(self, raw: Raw, saturation: float) -> Marks:
        known = [master.flags for master in self.present.values()]
        return Marks(saturation, BITS, [plane for plane in (raw.flags, *known) if plane is not None])

    def _metadata(self, raw: Raw, exposure: Any, facts: Facts, errors: bool, unit: str) -> dict[str, Any]:
        metadata = {key: value for key, value in raw.metadata.items() if key not in ("unit", "saturate_adu")}
        taken = raw.fact("exposure_s", exposure)
        if taken is not None:
            metadata["exposure_s"] = taken
        history = [*metadata.get("history", ())]
        if "overscan" in metadata.get("calibration", ()) and "overscan subtracted" not in history:
            history.append("overscan subtracted")
        for kind, master in self.present.items():
            metadata |= described(kind, master)
            history.append(self._said(kind, taken))
        if unit == "electron":
            history.append(f"times the gain, {facts.gain:.6g} electron/adu")
        if not errors:
            history.append(f"no uncertainty: {', '.join(facts.missing) or 'not wanted'}")
        done = [*metadata.get("calibration", ()), *self.present]
        if self.dark is not None and self.dark.holds_bias:
            done.insert(len(done) - len(self.present), "bias")
        metadata.update(frame_type="reduced", calibration=done, history=history, unit=unit)
        return metadata

    def _said(self, kind: str, exposure: float | None) -> str:
        master = self.present[kind]
        if kind == "flat":
            return (
                "divided by the flat"
                if self.flat_level == 1.0
                else f"divided by the flat over {self.flat_level:.6g}"
            )
        rate = kind == "dark" and master.unit == "adu/s"
        return f"{kind} subtracted" + (f", times {exposure:.6g} s" if rate else "")


class Facts(NamedTuple):
    """What the variance needs to know of a detector.

    Attributes
    ----------
    gain : float, optional
        Electrons of light, before any gain stage, for one count [e-/ADU].
    read_e : float or array, optional
        Read noise [e-] at the output.
    conversion : float, optional
        Electrons at the output for one count [e-/ADU].
    excess : float, optional
        Excess noise factor F of the gain stage, as a ratio of standard deviations.
    kept : float
        Part of the variance of a pixel that coupling to its neighbours leaves.
    coupled_last : bool
        Whether the coupling comes after the gain stage, as in an avalanche photodiode.
    """

    gain: float | None
    read_e: Any
    conversion: float | None
    excess: float | None
    kept: float = 1.0
    coupled_last: bool = False

    @classmethod
    def of(cls, raw: Raw, gain: Any, read_noise: Any, excess_noise: float | None) -> Facts:
        """From arguments, or else the header.

        Raises
        ------
        DomainError
            If one is impossible.
        """
        conversion, multiplied = raw.fact("gain_e_per_adu", gain), raw.fact("em_gain") or 1.0
        read = plain(read_noise, "e-", "", "read_noise")
        if np.ndim(read) > 0:
            good = np.shape(read) == raw.pixels.shape and bool((np.asarray(read) >= 0.0).all())
            require(good, "", "read_noise", f">= 0 e- and of shape {raw.pixels.shape}", np.shape(read))
        else:
            read = raw.fact("read_noise_e", read)
        excess = raw.metadata.get("excess_noise_factor") if excess_noise is None else excess_noise
        if excess is None:
            is_emccd = str(raw.metadata.get("sensor", "")).upper() == "EMCCD"
            excess = 1.0 if multiplied == 1.0 else sqrt(2.0) if is_emccd else None
        require(excess is None or 1.0 <= excess < np.inf, "", "excess_noise", ">= 1", excess)
        kept = noise_kept(float(raw.metadata.get("ipc_coupling", 0.0)))
        gained = None if conversion is None else conversion / multiplied
        return cls(gained, read, conversion, excess, kept, raw.metadata.get("sensor") == "EAPD")

    @property
    def missing(self) -> list[str]:
        """What is not known."""
        names = {
            "gain (GAIN)": self.gain,
            "read noise (RDNOISE)": self.read_e,
            "excess noise of the gain stage": self.excess,
        }
        return [name for name, value in names.items() if value is None]

    def errors(self, raw: Raw, counts: NDArray[Any]) -> Errors | None:
        """Noise of a frame in ADU; None where too little is known."""
        if raw.uncertainty is not None:
            return Errors(_floating(raw.uncertainty), 0.0)
        if self.missing:
            return None
        assert self.conversion is not None and self.gain is not None and self.excess is not None
        reads = _reads(raw.metadata)
        rounding = _ROUNDING if counts.dtype.kind in "ui" else 0.0
        level = [error for error in raw.metadata.get("overscan_error_adu", ()) if error == error]
        shared = max(level, default=0.0) ** 2
        variance = reads * ((np.asarray(self.read_e) / self.conversion) ** 2 + rounding) + shared
        read = np.sqrt(variance)
        return Errors(float(read) if read.ndim == 0 else _floating(read), self._per_charge / self.gain)

    @property
    def _per_charge(self) -> float:
        """Variance of a pixel over its charge, both as light [e-]: F^2, of which coupling keeps a part."""
        assert self.excess is not None
        if self.coupled_last:
            return self.kept * self.excess**2
        return self.excess**2 - 1.0 + self.kept


def calibrate(
    image: Any,
    *,
    exposure: Any = None,
    bias: Any = None,
    dark: Any = None,
    flat: Any = None,
    overscan: str | bool | None = None,
    gain: Any = None,
    read_noise: Any = None,
    excess_noise: float | None = None,
    saturation: Any = None,
    unit: str = "adu",
    signal: Any = None,
    uncertainty: bool | None = None,
    precision: str | None = None,
    extension: Any = None,
) -> ReducedFrame | Extensions:
    """A raw frame without what the detector added, with uncertainty and flags.

    Parameters
    ----------
    image : path, Frame, CCDData, Quantity or array (height, width)
        The raw frame [ADU].
    exposure : float or Quantity, optional
        Exposure [s]; from the metadata or the header (EXPTIME, EXPOSURE, EXP_TIME) when left out. Needed by a dark that is a rate.
    bias : path, Frame, CCDData, Quantity or array, optional
        Master bias [ADU].
    dark : path, Frame, CCDData, Quantity or array, optional
        Master dark: a rate [ADU/s], or one of the exposure of the frame that holds the bias [ADU], for which `bias` is left out.
    flat : path, Frame, CCDData, Quantity or array, optional
        Master flat, without bias and dark.
    overscan : {"row", "column", "strip"} or bool, optional
        How the overscan is subtracted (`subtract_overscan`). When left out, by row where the header has a BIASSEC, not otherwise; False: never. The frame
        is cut to its pixels that collect light in any case.
    gain : float or Quantity, optional
        Conversion gain [e-/ADU]; from the metadata or the header when left out.
    read_noise : float, Quantity or array (height, width), optional
        Of one read at the output [e-]; from the metadata or the header when left out.
    excess_noise : float, optional
        Excess noise factor F of a gain stage (a ratio of standard deviations); from the metadata (EXCESSNF) when left out, or 2 ** 0.5 where they say
        that it is an EMCCD.
    saturation : float or Quantity, optional
        Raw counts from which a pixel is saturated [ADU]; from the metadata or SATURATE when left out, at most the end of the type of 8 or 16 bits.
    unit : {"adu", "electron"}
        Of the result; electrons are those of light, before any gain stage.
    signal : float or array (height, width), optional
        Light that is expected, in the unit of the result, for the Poisson noise: from a fit, or from the truth. When left out the counts themselves tell.
    uncertainty : bool, optional
        Whether it is worked out; when left out, where gain and read noise are known.
    precision : {"float32", "float64"}, optional
        Single precision for counts of up to 16 bits and float32, double otherwise, when left out.
    extension : int, str or (str, int), optional
        Of files, frame and masters; all images of a file of several detectors when left out.

    Returns
    -------
    ReducedFrame, or Extensions
        Data, uncertainty and flags (of each extension of a file of several detectors, calibrated with those of the masters that have its EXTNAME and
        EXTVER); noise goes both ways, and negative values stay. Not positive flats give NaN and `Flag.DEAD`, values that are not
        finite NaN and `Flag.NOT_FINITE`. The metadata have names and checksums of the masters (``bias_name``, ``bias_checksum``, ...), the steps
        (``calibration``) and what was done in words (``history``). Truth goes along.

    Raises
    ------
    DomainError
        If something would be subtracted twice, a dark in adu is of another or an unknown exposure, a fact is missing or impossible (names file and
        keyword), or a unit is wrong.
    ShapeError
        If a master does not have the shape of the frame.
    InputError, IntegrityError
        If a file cannot be read.

    Notes
    -----
    Sources: Howell 2006, *Handbook of CCD Astronomy*, doi:10.1017/CBO9780511807909; Robbins and Hadwen 2003, doi:10.1109/TED.2003.813462 (excess noise).
    """
    options = {
        "exposure": exposure,
        "overscan": overscan,
        "gain": gain,
        "read_noise": read_noise,
        "excess_noise": excess_noise,
        "saturation": saturation,
        "unit": unit,
        "signal": signal,
        "uncertainty": uncertainty,
        "precision": precision,
    }
    given = {"bias": bias, "dark": dark, "flat": flat}

    def one(key: Key) -> ReducedFrame:
        parts = {kind: part(master, key, kind) for kind, master in given.items()}
        return Masters(**parts).calibrate(image, extension=key, **options)

    several = together([image], one) if extension is None else None
    return several or Masters(**given, extension=extension).calibrate(image, extension=extension, **options)


def datasum(pixels: NDArray[np.floating[Any]]) -> str:
    """The DATASUM of an image in a FITS file: the ones' complement sum of its 32-bit words, which does not depend on their order."""
    return str(native.datasum(np.ascontiguousarray(pixels).reshape(-1).view(np.uint32)))


def described(kind: str, master: Master) -> dict[str, Any]:
    """What a header says of a master."""
    said = {f"{kind}_name": master.name.rpartition("/")[2], f"{kind}_checksum": master.checksum}
    count = master.metadata.get("n_combined")
    return said if count is None else {**said, f"{kind}_n_combined": int(count)}


def on_light(
    raw: Raw, overscan: str | bool | None, end: float, precision: np.dtype[Any] | None = None
) -> tuple[Raw, float]:
    """The frame without its overscan, cut to the pixels that collect light, and where its counts are saturated now; errors as in `subtract_overscan`.

    `end` is where the raw counts are. A pass that calibrates in some `precision` is left the levels that rows have, where there are such levels: counts and
    their end stay what they are.
    """
    require(
        overscan in (None, True, False, *BY),
        "",
        "overscan",
        f"one of {', '.join(BY)}, True, False or None",
        overscan,
    )
    stated = any(key.startswith("BIASSEC") for key in raw.metadata)
    if not has_sections(raw) and not overscan:
        return raw, end
    known = {} if np.isnan(end) else {"saturate_adu": end}
    frame = Frame(raw.pixels, {**raw.metadata, **known}, raw.truth)
    if raw.flags is not None:
        frame = ReducedFrame(frame.data, frame.metadata, frame.truth, flags=raw.flags)
    try:
        wanted = stated if overscan is None else bool(overscan)
        by = overscan if isinstance(overscan, str) else "row"
        rows = None
        if wanted and precision is not None:
            made, rows = overscan_for(frame, by, precision)
        else:
            made = subtract_overscan(frame, by=by) if wanted else trim(frame)
        flags, uncertainty = (
            None if plane is None else np.ascontiguousarray(trim(Frame(plane, raw.metadata)).data)
            for plane in (raw.flags, raw.uncertainty)
        )
    except DomainError as error:
        raise DomainError(f"{raw.name}: {error}") from error
    light = raw._replace(
        pixels=made.data, metadata=made.metadata, truth=made.truth, flags=flags, uncertainty=uncertainty
    )
    if rows is None:
        return light, made.metadata.get("saturate_adu", np.nan)
    section, levels = rows
    return light._replace(corner=(section.bottom, section.left), levels=levels), end


def has_sections(raw: Raw | Master) -> bool:
    """Whether a frame says which of its pixels collect light."""
    return any(key.startswith(("BIASSEC", "DATASEC", "TRIMSEC")) for key in raw.metadata)


def _level(flat: Master) -> float:
    """Mean of a flat over the pixels that respond."""
    lit = flat.pixels > 0.0
    if flat.flags is not None:
        lit &= flat.flags == 0
    require(
        bool(lit.any()),
        "",
        f"flat ({flat.name})",
        "positive in some pixel",
        float(np.nanmax(flat.pixels, initial=-np.inf)),
    )
    level = float(np.mean(flat.pixels, where=lit & np.isfinite(flat.pixels), dtype=np.float64))
    require(np.isfinite(level), "", f"flat ({flat.name})", "finite in some pixel", level)
    return level


def _expected(signal: Any, raw: Raw) -> Any:
    """Light that is expected, as the kernel takes it."""
    image = np.asarray(signal)
    if image.ndim == 0:
        return float(signal)
    if image.shape != raw.pixels.shape:
        raise ShapeError(f"signal must have shape {raw.pixels.shape}, got {image.shape}")
    return _floating(image)


def _reads(metadata: dict[str, Any]) -> int:
    """Reads whose noise is in one pixel: those of a binned block, and both of a correlated double sample."""
    binning = metadata.get("binning", 1)
    blocks = binning**2 if isinstance(binning, int) and metadata.get("binning_mode") != "on_chip" else 1
    return blocks * (2 if str(metadata.get("readout_mode", "")).endswith("cds") else 1)


def working_precision(name: str | None, counts: np.dtype[Any]) -> np.dtype[Any]:
    """The precision of that name, or the one that counts of a type fit into."""
    require(name in (None, "float32", "float64"), "", "precision", "'float32' or 'float64'", name)
    return np.dtype(np.result_type(np.float32, counts) if name is None else name)


def saturation_of(raw: Raw, given: Any) -> float:
    """The raw count from which a pixel is saturated [ADU]; NaN where there is none."""
    end, kind = raw.fact("saturate_adu", given), raw.pixels.dtype
    highest = float(np.iinfo(kind).max) if kind in (np.uint8, np.uint16) else np.inf
    lowest = min(highest, np.inf if end is None else end)
    return lowest if lowest < np.inf else np.nan


def _floating(pixels: NDArray[Any]) -> NDArray[np.floating[Any]]:
    kept = pixels.dtype in (np.float32, np.float64)
    return np.ascontiguousarray(pixels, pixels.dtype if kept else np.float64)
