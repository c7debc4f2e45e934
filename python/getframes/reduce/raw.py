"""A raw frame, and what its header says about it.

Headers vary: the exposure is EXPTIME, EXPOSURE or EXP_TIME, in seconds unless the comment of the card or a unit says otherwise. The first keyword of a
fact that is there holds. EGAIN comes before GAIN, which in the headers of many cameras is a setting of the camera and not a conversion gain.
"""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import DomainError, require
from getframes.io.images import Files, Image, open_image
from getframes.io.keywords import metadata_of
from getframes.quantity import plain
from getframes.reduce.frame import Flag, ReducedFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

KNOWN = {
    "exposure_s": ("EXPTIME", "EXPOSURE", "EXP_TIME", "EXPOSED", "ITIME", "TEXP"),
    "gain_e_per_adu": ("EGAIN", "CCDGAIN", "GAIN", "ATODGAIN"),
    "read_noise_e": ("RDNOISE", "READNOIS", "READNSE", "RON", "RDNOIS", "ENOISE"),
    "saturate_adu": ("SATURATE", "SATLEVEL", "SATURAT", "MAXADU"),
    "em_gain": ("EMGAIN",),
}
"""Keywords of each fact, in the order in which they are believed."""
_UNITS = {
    "exposure_s": "s",
    "gain_e_per_adu": "e-/ADU",
    "read_noise_e": "e-",
    "saturate_adu": "ADU",
    "em_gain": "",
}
_RULES = {
    "exposure_s": "finite and >= 0 s",
    "gain_e_per_adu": "finite and > 0 e-/ADU",
    "read_noise_e": "finite and >= 0 e-",
    "saturate_adu": "> 0 ADU",
    "em_gain": "finite and >= 1",
}
_TIMES = {"us": 1e-6, "ms": 1e-3, "msec": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0}
_TIMES |= {
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
}
_IN_COMMENT = re.compile(r"[\[(]\s*([a-zA-Z]+)\s*[\])]")
_COUNTS = {"adu", "adu/pix", "count", "counts", "ct", "dn", "du"}
_ELECTRONS = {"electron", "electrons", "e-", "e", "electron/pix"}


class Raw(NamedTuple):
    """Pixels to calibrate, and what is known about them.

    Attributes
    ----------
    name : str
        The file, or what to call it in an error.
    pixels : array (height, width)
        Counts.
    metadata : dict
        As of a frame.
    unit : str
        In the notation of FITS.
    flags : array of uint16 (height, width), optional
        Bits of `Flag`.
    uncertainty : array (height, width), optional
        Standard deviations, where they are known already.
    headers : tuple of Header
        Of the image, and of the primary unit where it is an extension.
    truth : FrameTruth, optional
        Of a simulated frame.
    corner : (int, int)
        Where the pixels begin in the raw frame, (y, x), if they still have their overscan.
    levels : array (height,), optional
        That overscan, row by row [ADU].
    """

    name: str
    pixels: NDArray[Any]
    metadata: dict[str, Any]
    unit: str
    flags: NDArray[np.uint16] | None = None
    uncertainty: NDArray[Any] | None = None
    headers: tuple[Any, ...] = ()
    truth: Any = None
    corner: tuple[int, int] = (0, 0)
    levels: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, source: Any, name: str = "image", *, extension: Any = None) -> Raw:
        """From a path, Frame, CCDData, Quantity, array or Image; errors as in `open_image`."""
        if isinstance(source, cls):
            return source
        with Files() as files:
            image = open_image(source, files, extension=extension, name=name)
            about = cls.about(source, image, files)
            pixels, mask = image.whole()
            flags, uncertainty = _planes(source, about.headers, files)
        if flags is None and mask is not None:
            flags = np.where(mask, np.uint16(Flag.MASKED_IN_INPUT | Flag.NO_DATA), np.uint16(0))
        return about._replace(pixels=pixels, flags=flags, uncertainty=uncertainty)

    @classmethod
    def about(cls, source: Any, image: Image, files: Files) -> Raw:
        """What is known about an image that is open; its pixels are a view of one 0."""
        headers = _headers(source, image, files)
        inherited = metadata_of(headers[1]) if len(headers) > 1 else {}
        metadata = _without_units({**inherited, **image.metadata}, image.name)
        pixels = np.broadcast_to(np.zeros((), image.dtype), image.shape)
        truth = getattr(source, "truth", None)
        return cls(image.name, pixels, metadata, unit_of(image), None, None, headers, truth)

    def fact(self, name: str, given: Any = None) -> float | None:
        """What was given, or what the header says; None where it says nothing.

        Parameters
        ----------
        name : str
            One of the facts, named with its unit.
        given : float or Quantity, optional
            Holds instead of the header.

        Raises
        ------
        DomainError
            If the value is impossible: names file and keyword.
        """
        if given is not None:
            argument = (
                name.removesuffix("_e_per_adu").removesuffix("_s").removesuffix("_e").removesuffix("_adu")
            )
            return _checked(plain(given, _UNITS[name], "", argument), name, argument)
        found = found_fact(self.metadata, name)
        if found is None:
            return None
        keyword, value = found
        place = f"{self.name}: {keyword}"
        value = _number(value, name, place)
        return _checked(value * self._scale(name, keyword), name, place)

    def needed(self, name: str, given: Any = None) -> float:
        """`fact` that has to be there.

        Raises
        ------
        DomainError
            As `fact`, and if nothing is known: names the file and the keywords that were looked for.
        """
        value = self.fact(name, given)
        if value is None:
            keywords = " or ".join(KNOWN[name][:3])
            raise DomainError(
                f"{self.name} must have the keyword {keywords} (or it be given), got none of them"
            )
        return value

    def _scale(self, name: str, keyword: str) -> float:
        """Seconds of the unit that the comment of a card names in brackets."""
        card = "EXPTIME" if keyword == "exposure_s" else keyword
        comments = (
            header.comments[card] for header in self.headers if name == "exposure_s" and card in header
        )
        said = _IN_COMMENT.search(next(comments, ""))
        return _TIMES.get(said.group(1).lower(), 1.0) if said else 1.0


def found_fact(metadata: dict[str, Any], name: str) -> tuple[str, Any] | None:
    """Keyword and value of a fact in metadata: those of frames, or the keywords of a header in any case."""
    upper = {key.upper(): key for key in metadata}
    own = {"gain_e_per_adu": "GAIN"}.get(name, KNOWN[name][0])
    for keyword in KNOWN[name]:
        for key in (name,) * (keyword == own) + (upper.get(keyword, ""),):
            if metadata.get(key) is not None:
                return key, metadata[key]
    return None


def _without_units(metadata: dict[str, Any], owner: str) -> dict[str, Any]:
    """Quantities as numbers under the names of frames; those of which nothing is known as text."""
    found = {key: value for key, value in metadata.items() if hasattr(value, "to_value")}
    made = {key: value for key, value in metadata.items() if key not in found}
    for key, value in found.items():
        name = next(
            (name for name, keywords in KNOWN.items() if key.upper() in (name.upper(), *keywords)), None
        )
        if name is None:
            made[key] = str(value)
        else:
            made[name] = float(plain(value, _UNITS[name], owner, key))
    return made


def unit_of(image: Image) -> str:
    """Unit of an image: "adu", "adu/s", "electron", "electron/s" or "".

    Raises
    ------
    DomainError
        If it is none of them: names the file.
    """
    if image.unit == "" or image.metadata.get("unit") == "":
        return ""
    text = (
        image.unit.strip()
        .lower()
        .replace(" s-1", "/s")
        .replace(" ", "")
        .replace("electron.s**-1", "electron/s")
    )
    rate = text.endswith("/s")
    word = text.removesuffix("/s")
    if word in _COUNTS or word in _ELECTRONS:
        return ("adu" if word in _COUNTS else "electron") + ("/s" if rate else "")
    if word in ("dimensionless", "1", "none"):
        return ""
    require(False, "", f"{image.name}: BUNIT", "adu, adu/s, electron or electron/s", image.unit)
    raise AssertionError


def uncertainty_of(source: Any) -> NDArray[Any] | None:
    """Standard deviations of a CCDData or reduced frame."""
    uncertainty = getattr(source, "uncertainty", None)
    if uncertainty is None or isinstance(uncertainty, np.ndarray):
        return uncertainty
    from astropy.nddata import StdDevUncertainty

    return np.asarray(uncertainty.represent_as(StdDevUncertainty).array)


def _headers(source: Any, image: Image, files: Files) -> tuple[Any, ...]:
    """The header of an image, and that of the primary unit of its file where that is another one: it holds for all of them."""
    header: Any = getattr(image, "header", None)
    if not hasattr(header, "comments"):
        return ()
    if not isinstance(source, str | PathLike) or "SIMPLE" in header:
        return (header,)
    with files.reading(Path(source)) as opened:
        return header, opened.units()[0].header.copy()


def _planes(
    source: Any, headers: tuple[Any, ...], files: Files
) -> tuple[NDArray[np.uint16] | None, NDArray[Any] | None]:
    """Flags and uncertainty of a reduced frame, of a CCDData, or of the file of a reduced frame."""
    if isinstance(source, str | PathLike):
        if str(headers[0].get("EXTNAME", "")).strip() != "SCI":
            return None, None
        version = int(headers[0].get("EXTVER", 1))
        flags, uncertainty = (_plane(source, files, (name, version)) for name in ("MASK", "UNCERT"))
    else:
        flags = source.flags if isinstance(source, ReducedFrame) else None
        uncertainty = uncertainty_of(source)
    return None if flags is None else np.ascontiguousarray(flags, np.uint16), uncertainty


def _plane(path: Any, files: Files, extension: tuple[str, int]) -> NDArray[Any] | None:
    try:
        return open_image(path, files, extension=extension).whole().pixels
    except DomainError:  # it has none
        return None


def _number(value: Any, name: str, place: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        require(False, "", place, _RULES[name], value)
        raise


def _checked(value: Any, name: str, place: str) -> float:
    number = _number(value, name, place)
    least = {"gain_e_per_adu": np.nextafter(0.0, 1.0), "saturate_adu": np.nextafter(0.0, 1.0), "em_gain": 1.0}
    fits = number >= least.get(name, 0.0) and (number < np.inf or name == "saturate_adu")
    require(fits, "", place, _RULES[name], value)
    return number
