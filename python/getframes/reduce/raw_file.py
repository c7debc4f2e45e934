"""Raw files of an observing run: found in folders, and known by their headers alone. No pixel is read.

A file is what its IMAGETYP says, else its OBSTYPE, in whatever words a camera program has for that: 'Bias Frame', 'Zero', 'DARK', 'Light', 'Flat Field'. Only where
the header has neither does the name of a folder decide. A word that nobody knows ('focus') makes a file of kind "other", which is left alone: a wrong guess would
end in a master.

A night is the date of DATE-OBS less some hours, so that it does not change at midnight: with the default of 10 hours the night of March 1 lasts from 10:00 UTC on
that day to 10:00 UTC on the next. It suits observatories from Europe to Chile; take -2 for Hawaii and -14 for Australia.
"""

from __future__ import annotations

import fnmatch
import gzip
import math
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from getframes.errors import InputError, IntegrityError, MissingFileError, require
from getframes.reduce.raw import KNOWN

if TYPE_CHECKING:
    from astropy.io.fits import Header

KINDS = ("bias", "dark", "flat", "science")
"""What a raw file can be; others are "master" and "other"."""

FOLDERS: Mapping[str, str] = {
    **dict.fromkeys(("bias", "biases", "zero", "zeros"), "bias"),
    **dict.fromkeys(("dark", "darks"), "dark"),
    **dict.fromkeys(("flat", "flats", "skyflats", "domeflats"), "flat"),
    **dict.fromkeys(("scienceimages", "science", "light", "lights", "object", "objects"), "science"),
}
"""What is in a folder, by its name in small letters."""

_WORDS = (
    ("master", "master"),
    ("dark", "dark"),
    *((word, "bias") for word in ("bias", "zero", "offset")),
    ("flat", "flat"),
    *((word, "science") for word in ("light", "object", "science", "target")),
)
_EXACT = {"sci": "science", "obj": "science", "std": "science", "standard": "science", "expose": "science"}
_KEYWORDS = {
    "exposure_s": KNOWN["exposure_s"],
    "temperature_c": ("CCD-TEMP", "DET-TEMP", "CCD_TEMP", "SET-TEMP"),
}
_TIMES = ("TIME-OBS", "TIME_OBS", "UTSTART", "UTC-OBS", "UT", "UTC")
_DATE = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)")
_OLD_DATE = re.compile(r"(\d\d)/(\d\d)/(\d\d)")
_TIME = re.compile(r"(\d\d?):(\d\d):(\d\d(?:\.\d*)?)")


@dataclass(frozen=True)
class RawFile:
    """One file, as its header describes it.

    Attributes
    ----------
    path : Path
        The file.
    kind : str
        bias, dark, flat or science; "master" for a combined frame, "other" for what is none of those.
    shape : (int, int)
        Height and width of its first image [px].
    n_images : int
        Images in it, one an extension; 0 where that was not looked up.
    exposure_s, temperature_c : float or None
        EXPTIME [s] and CCD-TEMP [deg C]; None where they are not given.
    filter, object : str
        FILTER and OBJECT; empty where they are not given.
    binning : (int, int)
        YBINNING and XBINNING.
    instrument, detector, gain : str
        INSTRUME, DETECTOR (or the keyword that was asked for), and the setting GAIN as text; empty where they are not given.
    date_obs : datetime or None
        Start of the exposure, UTC.
    night : date or None
        The night it belongs to.
    exposure_name : str
        What files of the same exposure of a focal plane have in common: DATE-OBS, or the keyword that was asked for.
    """

    path: Path
    kind: str
    shape: tuple[int, int]
    n_images: int = 1
    exposure_s: float | None = None
    temperature_c: float | None = None
    filter: str = ""
    object: str = ""
    binning: tuple[int, int] = (1, 1)
    instrument: str = ""
    detector: str = ""
    gain: str = ""
    date_obs: datetime | None = None
    night: date | None = None
    exposure_name: str = ""

    @property
    def night_name(self) -> str:
        """The night as text; "undated" where it is not known."""
        return "undated" if self.night is None else self.night.isoformat()

    @property
    def order(self) -> tuple[datetime, str]:
        """Sorts by time, files without a date last."""
        return self.date_obs or datetime.max, str(self.path)


@dataclass(frozen=True)
class RawFiles:
    """What was found.

    Attributes
    ----------
    files : tuple of RawFile
        In order of time.
    failed : dict
        What is wrong with files that could not be understood, by path.
    """

    files: tuple[RawFile, ...]
    failed: dict[Path, str] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[RawFile, ...]:
        """The files of one kind, in order of time."""
        return tuple(file for file in self.files if file.kind == kind)


def find_raw_files(
    folder: str | os.PathLike[str],
    *,
    pattern: str = "*.fit*",
    exclude: Iterable[str | os.PathLike[str]] = (),
    folders: Mapping[str, str] = FOLDERS,
    night_offset_h: float = 10.0,
    detector_keyword: str = "DETECTOR",
    exposure_keyword: str = "DATE-OBS",
) -> RawFiles:
    """Look through a folder and those in it, and read the header of every file.

    Parameters
    ----------
    folder : path
        Where to begin.
    pattern : str
        Names to look at, without regard to capitals: ``*.fit*`` is .fits, .fit, .fits.gz and .fits.fz. Names with a dot before them are left out.
    exclude : iterable of path
        Folders to leave out, such as that of results.
    folders : mapping
        Kind of the files in a folder, by its name, for headers that do not say; the innermost folder decides.
    night_offset_h : float
        Hours by which a night begins after 00:00 UTC.
    detector_keyword : str
        Keyword that tells the detectors of a focal plane apart.
    exposure_keyword : str
        Keyword that is the same in the files of one exposure of a focal plane.

    Returns
    -------
    RawFiles
        A file that cannot be read is in `failed`, and no error.

    Raises
    ------
    MissingFileError
        If there is no such folder.
    DomainError
        If a kind in `folders` is unknown.
    """
    root = Path(folder)
    if not root.is_dir():
        raise MissingFileError(f"cannot look through {root}: there is no such folder")
    for name, kind in folders.items():
        require(kind in KINDS, "find_raw_files", f"folders[{name!r}]", f"one of {KINDS}", kind)
    known = {name.casefold(): kind for name, kind in folders.items()}
    left_out = {os.path.realpath(each) for each in exclude}
    files, failed = [], {}
    for path in _paths(root, pattern.casefold(), left_out):
        try:
            files.append(read_raw_file(path, root, known, night_offset_h, detector_keyword, exposure_keyword))
        except (InputError, IntegrityError) as error:
            failed[path] = str(error)
    return RawFiles(tuple(sorted(files, key=lambda file: file.order)), failed)


def read_raw_file(
    path: Path,
    root: Path | None = None,
    folders: Mapping[str, str] = FOLDERS,
    night_offset_h: float = 10.0,
    detector_keyword: str = "DETECTOR",
    exposure_keyword: str = "DATE-OBS",
) -> RawFile:
    """One file by its header; parameters as for `find_raw_files`, and the names of folders below `root` count.

    Raises
    ------
    InputError
        If it cannot be read.
    IntegrityError
        If it is no FITS file with an image, or ends before its pixels do.
    """
    header, n_images = image_header(path)
    inside = path.parent if root is None else path.parent.relative_to(root)
    date_obs = observed_at(header)
    return RawFile(
        path=path,
        kind=kind_of(header) or _kind_of_folder(inside, folders) or "other",
        shape=(header["NAXIS2"], header["NAXIS1"]),
        n_images=n_images,
        **{name: _number(header, keywords) for name, keywords in _KEYWORDS.items()},
        filter=_text(header, "FILTER"),
        object=_text(header, "OBJECT"),
        binning=(_whole(header, "YBINNING"), _whole(header, "XBINNING")),
        instrument=_text(header, "INSTRUME"),
        detector=_text(header, detector_keyword),
        gain=_text(header, "GAIN"),
        date_obs=date_obs,
        night=None if date_obs is None else _night(date_obs, header, night_offset_h),
        exposure_name=_text(header, exposure_keyword),
    )


def image_header(path: Path) -> tuple[Header, int]:
    """Header of the first image of a file, with what the primary header adds, and how many images there are.

    Errors as in `read_raw_file`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # astropy's, of cards that are not quite to the standard
            return _primary_image(path) or _image_of_units(path)
    except IntegrityError:
        raise
    except FileNotFoundError as error:
        raise MissingFileError(f"cannot read {path}: there is no such file") from error
    except OSError as error:
        if error.errno is None:
            raise IntegrityError(f"{path} is not a readable FITS file: {error}") from error
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # astropy has many ways to stumble over damaged bytes
        raise IntegrityError(f"{path} is not a readable FITS file: {error}") from error


def kind_of(header: Mapping[str, Any]) -> str | None:
    """What IMAGETYP, else OBSTYPE, says; None where neither is there."""
    said = [str(header[word]) for word in ("IMAGETYP", "OBSTYPE") if str(header.get(word, "")).strip()]
    known = (kind for kind in map(kind_of_word, said) if kind != "other")
    return next(known, "other") if said else None


def kind_of_word(word: str) -> str:
    """The kind of frame that a word means: 'Bias Frame' and 'zero' are a bias, 'Dark Flat' is a dark."""
    plain = re.sub("[^a-z]", "", word.casefold())
    exact = _EXACT.get(plain.removesuffix("frame").removesuffix("image"))
    return exact or next((kind for part, kind in _WORDS if part in plain), "other")


def observed_at(header: Mapping[str, Any]) -> datetime | None:
    """When the exposure began, from DATE-OBS (with TIME-OBS or UT where it has no time) or MJD-OBS; None for neither."""
    text = str(header.get("DATE-OBS", header.get("DATE-BEG", "")))
    day, old = _DATE.match(text.strip()), _OLD_DATE.match(text.strip())
    try:
        if day:
            begin = datetime(*(int(part) for part in day.groups()))  # type: ignore[arg-type]
        elif old:
            begin = datetime(1900 + int(old[3]), int(old[2]), int(old[1]))
        else:
            days = header.get("MJD-OBS")
            return datetime(1858, 11, 17) + timedelta(days=days) if isinstance(days, int | float) else None
        clock = _clock(header, text)
        return (
            begin + timedelta(hours=int(clock[1]), minutes=int(clock[2]), seconds=float(clock[3]))
            if clock
            else begin
        )
    except (ValueError, OverflowError):  # the 31st of February
        return None


def _clock(header: Mapping[str, Any], date_obs: str) -> re.Match[str] | None:
    texts = (date_obs, *(str(header.get(keyword, "")) for keyword in _TIMES))
    return next((found for found in map(_TIME.search, texts) if found), None)


def _night(date_obs: datetime, header: Mapping[str, Any], night_offset_h: float) -> date:
    timed = _clock(header, str(header.get("DATE-OBS", ""))) or date_obs.time() != datetime.min.time()
    return (date_obs - timedelta(hours=night_offset_h)).date() if timed else date_obs.date()


def _paths(root: Path, pattern: str, left_out: set[str]) -> Iterator[Path]:
    for folder, inside, names in os.walk(root):
        inside[:] = sorted(
            name
            for name in inside
            if not name.startswith(".") and os.path.realpath(Path(folder, name)) not in left_out
        )
        for name in sorted(names):
            if fnmatch.fnmatchcase(name.casefold(), pattern) and not name.startswith("."):
                yield Path(folder, name)


def _primary_image(path: Path) -> tuple[Header, int] | None:
    """Header of the primary image, read without looking any further; None where the image is somewhere else."""
    from astropy.io.fits import Header

    packed = path.suffix.lower() == ".gz"
    with gzip.open(path) if packed else path.open("rb") as file:
        if file.read(6) != b"SIMPLE":
            raise IntegrityError(f"{path} is not a FITS file: it does not begin with SIMPLE")
        file.seek(0)
        header = Header.fromfile(file, endcard=True)
        if header["NAXIS"] < 2:
            return None
        end = file.tell() + abs(header["BITPIX"]) // 8 * math.prod(
            header[f"NAXIS{n + 1}"] for n in range(header["NAXIS"])
        )
    size = path.stat().st_size
    if not packed and size < end:
        raise IntegrityError(f"{path} is cut short: it has {size} bytes, its image ends at {end}")
    return header, 1


def _image_of_units(path: Path) -> tuple[Header, int]:
    from astropy.io import fits

    with fits.open(path, memmap=False) as units:
        images = [unit for unit in units if unit.is_image and unit.header.get("NAXIS", 0) >= 2]
        if not images:
            raise IntegrityError(f"{path} has no image (NAXIS of every extension is below 2)")
        header = images[0].header.copy()
        header.extend(units[0].header, unique=True)
        return header, len(images)


def _kind_of_folder(inside: Path, folders: Mapping[str, str]) -> str | None:
    kinds = (folders.get(name.casefold()) for name in reversed(inside.parts))
    return next((kind for kind in kinds if kind), None)


def _number(header: Mapping[str, Any], keywords: Iterable[str]) -> float | None:
    for keyword in keywords:
        value = header.get(keyword)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None


def _whole(header: Mapping[str, Any], keyword: str) -> int:
    value = header.get(keyword, 1)
    return value if isinstance(value, int) and value >= 1 else 1


def _text(header: Mapping[str, Any], keyword: str) -> str:
    value = header.get(keyword, "")
    return str(value).strip() if isinstance(value, str | int | float) else ""
