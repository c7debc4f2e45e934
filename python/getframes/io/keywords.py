"""Which FITS keyword carries which entry of a frame's metadata, in both directions.

`KEYWORDS` is the whole correspondence. Entries that it does not name, and values that a card cannot hold
without loss, are written as ``META0001``, ``META0002``, ... : a JSON object ``{"name": value}`` each, so that
no name is cut to eight characters and reading gives back what was written. Entries whose name is a keyword
already, such as the WCS cards, are written under it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.errors import DomainError, require
from getframes.sections import KEYWORD, data_section

if TYPE_CHECKING:
    from collections.abc import Callable

    from astropy.io.fits import Header


@dataclass(frozen=True)
class Keyword:
    """One row of the correspondence.

    Attributes
    ----------
    name : str
        Entry of the metadata.
    keyword : str
        FITS keyword.
    comment : str
        What it says, with the unit in brackets.
    write, read : callable
        From the entry to the value of the card, and back.
    """

    name: str
    keyword: str
    comment: str
    write: Callable[[Any], Any] = lambda value: value
    read: Callable[[Any], Any] = lambda value: value


def _write_integer(value: Any) -> Any:
    """Integers that do not fit into 64 bits, such as the entropy of a seed, as text."""
    return str(value) if isinstance(value, int) and abs(value) >= 2**63 else value


def _read_integer(value: Any) -> Any:
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d+", value) else value


KEYWORDS = (
    Keyword("camera", "INSTRUME", "camera"),
    Keyword("sensor", "DETECTOR", "type of the sensor"),
    Keyword("frame_type", "FRAMETYP", "type of the frame"),
    Keyword("exposure_s", "EXPTIME", "[s] exposure time"),
    Keyword("filter", "FILTER", "passband"),
    Keyword("gain_e_per_adu", "GAIN", "[electron/adu] conversion gain"),
    Keyword("read_noise_e", "RDNOISE", "[electron] read noise RMS per read"),
    Keyword("saturate_adu", "SATURATE", "[adu] level at which a pixel saturates"),
    Keyword("em_gain", "EMGAIN", "mean gain of the multiplication stage"),
    Keyword("excess_noise_factor", "EXCESSNF", "excess noise factor of the gain stage, F"),
    Keyword("ipc_coupling", "IPCCOUPL", "signal of a pixel in each neighbour"),
    Keyword("temperature_c", "CCD-TEMP", "[deg C] temperature of the sensor"),
    Keyword("dark_e_per_s", "DARKCUR", "[electron/s] dark current per pixel"),
    Keyword("bit_depth", "BITDEPTH", "[bit] depth of the converter"),
    Keyword("binning_mode", "BINMODE", "digital or on_chip"),
    Keyword("seed", "SEED", "seed given by the user", _write_integer, _read_integer),
    Keyword("frame_number", "FRAMENO", "number of the frame under its seed", _write_integer, _read_integer),
    Keyword("stream_version", "RNGVERS", "version of the random contract"),
    Keyword("config_hash", "CFGHASH", "digest of the camera's configuration"),
    Keyword("device", "DEVICE", "where the frame was computed"),
    Keyword("precision", "PRECISN", "working precision of the simulation"),
    Keyword("spectral", "SPECTRAL", "were wavelengths resolved?"),
    Keyword("frame_index", "FRAMEIDX", "position in the series, from 0"),
    Keyword("time_s", "TIMEOFFS", "[s] start after the start of the series"),
    Keyword("ramp_index", "RAMPIDX", "ramp, from 0"),
    Keyword("read_index", "READIDX", "read in the ramp, from 0"),
    Keyword("reads_per_reset", "NREADS", "reads of a ramp"),
    Keyword("read_interval_s", "READINTV", "[s] time between reads"),
    Keyword("time_since_reset_s", "RESETAGE", "[s] time since the reset"),
    Keyword("readout_mode", "READMODE", "readout mode"),
    Keyword("charge_diffusion_fwhm_px", "DIFFFWHM", "[pixel] FWHM of the charge diffusion"),
    Keyword("charge_diffusion_applied", "DIFFAPPL", "was charge diffusion applied?"),
    Keyword("n_combined", "NCOMBINE", "frames combined"),
    Keyword("combine_method", "COMBMETH", "how frames were combined"),
    *(
        Keyword(f"{kind}_{what}", f"{kind.upper()}{word}", f"{said} master {kind}")
        for kind in ("bias", "dark", "flat")
        for what, word, said in (
            ("name", "NAME", "name of the"),
            ("checksum", "SUM", "DATASUM of the"),
            ("n_combined", "NCOM", "frames in the"),
        )
    ),
    Keyword("raw_file", "RAWFILE", "raw frame that this was made from"),
    Keyword("calibration_digest", "CALHASH", "digest of settings, masters and raw frame"),
    Keyword("date_obs", "DATE-OBS", "start of the exposure, UTC"),
)
"""Every entry of the metadata that has a keyword of its own."""

OBSTYPES = {"bias": "BIAS", "dark": "DARK", "flat": "FLAT"}
"""OBSTYPE of the frame types that are not of the sky; all others are ``OBJECT``."""

IMAGETYPES = {"science": "LIGHT"}
"""IMAGETYP where it is not the frame type itself in capitals."""

_META = re.compile(r"META\d{4}")
_OWN = re.compile(r"(?!NAXIS|META\d{4})[A-Z][A-Z0-9_-]{0,7}")
_TYPES = {"zero": "bias", "bias": "bias", "dark": "dark", "flat": "flat", "light": "light", "object": "light"}
_ROWS = {row.keyword: row for row in KEYWORDS}
# What follows from the pixels, from another card, or from the file itself.
_DERIVED = {
    *("SIMPLE", "XTENSION", "BITPIX", "EXTEND", "PCOUNT", "GCOUNT", "BSCALE", "BZERO", "BLANK", "END"),
    *("CHECKSUM", "DATASUM", "LONGSTRN", "EXTNAME", "EXTVER", "COMMENT", "HISTORY", "CONTINUE", "HIERARCH"),
    *("IMAGETYP", "OBSTYPE", "MJD-OBS", "TIMESYS", "BUNIT", "NPDTYPE", "SRCNAME", "SRCVER"),
    *("XBINNING", "YBINNING", "CCDSEC", "DETSIZE"),
}
_SECTIONS = {
    "DATA": "pixels that collect light",
    "BIAS": "overscan or prescan",
    "TRIM": "pixels to keep",
    "PRE": "prescan",
}


def add_metadata(header: Header, metadata: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Write the cards of a frame's metadata.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Is added to.
    metadata : dict
        Metadata of a frame.
    shape : (int, int)
        Shape of its data, for the sections.

    Raises
    ------
    DomainError
        If an entry is no number, text, truth value, array, or list or dict of those.
    """
    metadata = {name: _plain(name, value) for name, value in metadata.items()}
    _add_types(header, metadata)
    for row in KEYWORDS:
        if row.name in metadata:
            _add(header, row.keyword, row.write(metadata[row.name]), row.comment)
    if metadata.get("date_obs") is not None:
        _add_date(header, metadata["date_obs"])
    _add_sections(header, metadata, shape)
    history = metadata.get("history")
    for step in history if isinstance(history, list) else ():
        if isinstance(step, str) and step.isascii() and step.isprintable():
            header.add_history(step)
    for name, value in metadata.items():
        if (
            _OWN.fullmatch(name)
            and name not in _ROWS
            and name not in _DERIVED
            and not KEYWORD.fullmatch(name)
        ):
            _add(header, name, value, "")
    _add_remaining(header, metadata)


def metadata_of(header: Header) -> dict[str, Any]:
    """The metadata that a header holds; cards of other programs keep their keyword as name."""
    metadata: dict[str, Any] = {}
    word = str(header.get("IMAGETYP", header.get("OBSTYPE", ""))).lower()
    if word:
        known = (frame_type for start, frame_type in _TYPES.items() if word.startswith(start))
        metadata["frame_type"] = next(known, word)
    remaining: dict[str, Any] = {}
    whole = f"[1:{header.get('NAXIS1')},1:{header.get('NAXIS2')}]"
    for card in header.cards:
        if _META.fullmatch(card.keyword):
            remaining.update(json.loads(card.value, object_hook=_restored))
        elif not isinstance(card.value, bool | int | float | str):
            continue  # a card without a value
        elif card.keyword in _ROWS:
            row = _ROWS[card.keyword]
            metadata[row.name] = row.read(card.value)
        elif card.keyword == "DATASEC" and card.value == whole:
            continue  # of an image that is nothing but data
        elif _OWN.fullmatch(card.keyword) and card.keyword not in _DERIVED:
            metadata[card.keyword] = card.value
    unit = str(header.get("BUNIT", "adu")).strip()
    if unit.lower() not in ("adu", ""):
        metadata["unit"] = unit
    if isinstance(header.get("XBINNING"), int) and header["XBINNING"] > 1:
        metadata["binning"] = header["XBINNING"]
    return {**metadata, **remaining}


def modified_julian_date(moment: datetime) -> float:
    """Days since 1858-11-17 00:00 of a moment in UTC."""
    return (moment - datetime(1858, 11, 17)) / timedelta(days=1)


def _add_types(header: Header, metadata: dict[str, Any]) -> None:
    frame_type = metadata.get("frame_type")
    if isinstance(frame_type, str):
        image = IMAGETYPES.get(frame_type, frame_type.upper().replace("_", " "))
        observed = OBSTYPES.get(frame_type.removeprefix("master_"), "OBJECT")
        _add(header, "IMAGETYP", image, "type of the image")
        _add(header, "OBSTYPE", observed, "what was observed")


def _add_date(header: Header, value: Any) -> None:
    text = str(value).removesuffix("Z").replace(" ", "T")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        rule = "an ISO 8601 date and time in UTC"
        raise DomainError(f"Frame.metadata['date_obs'] must be {rule}, got {value!r}") from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
        text = moment.isoformat()
    _add(header, "DATE-OBS", text, "start of the exposure")
    _add(header, "MJD-OBS", modified_julian_date(moment), "[d] start of the exposure, MJD")
    _add(header, "TIMESYS", "UTC", "time scale of the dates")


def _add_sections(header: Header, metadata: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Binning, and where the image lies on the sensor, 1-based and inclusive, in unbinned pixels."""
    binning = metadata["binning"] if isinstance(metadata.get("binning"), int) else 1
    height, width = _data_shape(metadata, shape)
    left, top, across, down = metadata.get("detector_roi") or (0, 0, width * binning, height * binning)
    rows, columns = metadata.get("sensor_resolution") or (top + down, left + across)
    _add(header, "XBINNING", binning, "binning along NAXIS1")
    _add(header, "YBINNING", binning, "binning along NAXIS2")
    _add(header, "DETSIZE", f"[1:{columns},1:{rows}]", "size of the sensor")
    _add(header, "CCDSEC", f"[{left + 1}:{left + across},{top + 1}:{top + down}]", "the data on the sensor")
    stated = {name: value for name, value in metadata.items() if KEYWORD.fullmatch(name)}
    for name, value in {"DATASEC": f"[1:{shape[1]},1:{shape[0]}]", **stated}.items():
        kind, _, amplifier = name.partition("SEC")
        _add(header, name, value, _SECTIONS[kind] + (f", amplifier {amplifier}" if amplifier else ""))


def _data_shape(metadata: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of the pixels that collect light; of all of them where another program's section is none."""
    whole = (shape[0], shape[1])
    try:
        return data_section(metadata, whole).shape
    except DomainError:
        return whole


def _add_remaining(header: Header, metadata: dict[str, Any]) -> None:
    """A METAnnnn card for everything that the cards so far do not give back as it was."""
    from astropy.io.fits import Header

    there = metadata_of(Header.fromstring(header.tostring()))
    lost = [name for name, value in metadata.items() if not _identical(there.get(name, header), value)]
    for number, name in enumerate(lost, start=1):
        text = json.dumps({name: _marked(metadata[name])}, separators=(",", ":"))
        # An apostrophe is doubled in a card and must not be torn apart where a long one is continued.
        _add(header, f"META{number:04d}", text.replace("'", r"\u0027"), "")


def _add(header: Header, keyword: str, value: Any, comment: str) -> None:
    """Set a card, with every digit of a number; what no card can hold is left out."""
    from astropy.io.fits import Card

    if isinstance(value, float) and np.isfinite(value) and len(repr(value)) > 20:
        # astropy cuts numbers to 20 characters; the standard allows more.
        text = f"{keyword:<8}= {repr(value).upper()}"
        header.append(Card.fromstring(f"{text} / {comment}"[:80] if comment else text))
    elif isinstance(value, int | float) and abs(value) < 2**63:
        header[keyword] = (value, comment)
    elif isinstance(value, str) and value.isascii() and value.isprintable():
        room = 80 - len("KEYWORD = '' / ") - len(value) - value.count("'")
        header[keyword] = (value, comment if len(comment) <= room else "")


def _plain(name: str, value: Any) -> Any:
    """The value with NumPy scalars, enumerations and dates as plain Python values."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Enum):
        return _plain(name, value.value)
    if isinstance(value, date):
        return value.isoformat()
    if name == "date_obs" and hasattr(value, "isot"):  # astropy.time.Time
        return str(value.utc.isot)
    if isinstance(value, tuple | list):
        return type(value)(_plain(name, item) for item in value)
    if isinstance(value, dict):
        return {str(key): _plain(name, item) for key, item in value.items()}
    if isinstance(value, np.random.SeedSequence):
        return repr(value)
    if type(value) is np.ndarray and value.dtype.kind in "biufU":
        return value
    allowed = value is None or isinstance(value, bool | int | float | str)
    rule = "a number, text, array, list or dict to be written"
    require(allowed, "Frame", f"metadata[{name!r}]", rule, value)
    return value


def _identical(left: Any, right: Any) -> bool:
    return type(left) is type(right) and isinstance(left, str | int | float) and left == right


def _marked(value: Any) -> Any:
    """What JSON can hold, with marks on tuples and arrays."""
    if isinstance(value, np.ndarray):
        return {"__array__": value.tolist(), "dtype": value.dtype.str}
    if isinstance(value, tuple):
        return {"__tuple__": [_marked(item) for item in value]}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    return value


def _restored(item: dict[str, Any]) -> Any:
    if "__array__" in item:
        return np.array(item["__array__"], dtype=item["dtype"])
    if "__tuple__" in item:
        return tuple(item["__tuple__"])
    return item
