"""Raw files that belong together, and the calibration frames that belong to a science frame.

Files are grouped by what a master must not mix: camera, detector, gain setting, size, binning and night; darks also by exposure and temperature, biases by
temperature, flats by filter. (Flats are not parted by exposure: each is divided by its own level, and those of a twilight differ on purpose.)

A science frame takes the group of its own camera, detector, gain setting, size and binning, for a flat also filter, for bias and dark a temperature within the
tolerance; among those a dark of its own exposure if there is one; then the nearest night; then the nearest exposure and temperature. What one of the two headers
does not say does not part them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, log
from typing import Any, NamedTuple

from getframes.errors import InputError, require
from getframes.reduce.raw_file import KINDS, RawFile

_HARDWARE = ("instrument", "detector", "gain", "shape", "binning")
_SAID = {"bias": (), "dark": (), "flat": ("filter",), "science": ("filter",)}
_FAR = 10**6  # days to a night that is not known


class NoMatchError(InputError):
    """A frame needs calibration frames that are not there."""


@dataclass(frozen=True)
class Tolerances:
    """How much alike is the same.

    Attributes
    ----------
    temperature_c : float
        Largest difference of temperatures [deg C].
    exposure : float
        Largest difference of exposures, as a part of them.
    nights : float
        Days between a frame and what it is calibrated with; infinite for no limit.
    """

    temperature_c: float = 2.0
    exposure: float = 0.01
    nights: float = inf

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            require(value >= 0, self, name, ">= 0", value)


@dataclass(frozen=True)
class Group:
    """Files of one kind that belong together, in order of time; what they have in common is that of the first."""

    files: tuple[RawFile, ...]

    @property
    def first(self) -> RawFile:
        """The earliest of them."""
        return self.files[0]

    @property
    def kind(self) -> str:
        """bias, dark, flat or science."""
        return self.first.kind

    def __len__(self) -> int:
        return len(self.files)

    @property
    def label(self) -> str:
        """A name for the files of the group: ``dark_2026-03-01_300s_-20C``."""
        first = self.first
        height, width = first.shape
        parts = [
            first.kind,
            first.night_name,
            first.detector,
            first.filter,
            f"{first.exposure_s:g}s" if first.kind == "dark" and first.exposure_s is not None else "",
            f"{first.temperature_c:.0f}C" if first.kind != "flat" and first.temperature_c is not None else "",
            f"{width}x{height}",
            "" if first.binning == (1, 1) else f"bin{first.binning[1]}x{first.binning[0]}",
        ]
        return "_".join(
            "".join(c if c.isalnum() or c in "-+." else "-" for c in part) for part in parts if part
        )


def group_files(files: Iterable[RawFile], tolerances: Tolerances | None = None) -> tuple[Group, ...]:
    """Files by what must not be mixed; kinds in the order bias, dark, flat, science, groups in that of time.

    Masters and files of other kinds are left out.
    """
    alike, files = tolerances or Tolerances(), tuple(files)
    groups: list[Group] = []
    for kind in KINDS:
        parts = _parted([file for file in files if file.kind == kind], partial(_said, kind=kind))
        if kind in ("dark", "science"):
            parts = [run for part in parts for run in _runs(part, "exposure_s", alike)]
        if kind != "flat":
            parts = [run for part in parts for run in _runs(part, "temperature_c", alike)]
        found = (Group(tuple(sorted(part, key=lambda file: file.order))) for part in parts)
        groups += sorted(found, key=lambda group: group.first.order)
    return tuple(groups)


def match(wanted: RawFile, kind: str, groups: Sequence[Group], tolerances: Tolerances | None = None) -> Group:
    """The calibration frames of one kind for a frame.

    Raises
    ------
    NoMatchError
        If there are none; the message says what the nearest ones differ in.
    """
    alike = tolerances or Tolerances()
    left = [group for group in groups if group.kind == kind]
    if not left:
        raise NoMatchError(f"{wanted.path}: there is no {kind}")
    for rule in _rules(wanted, kind, alike):
        fitting = [group for group in left if rule.holds(group.first)]
        if not fitting:
            there = ", ".join(sorted({rule.shown(group.first) for group in left}))
            raise NoMatchError(
                f"{wanted.path}: no {kind} has the {rule.name} {rule.shown(wanted)}{rule.within}, there is {there}"
            )
        left = fitting
    return min(left, key=lambda group: _distance(wanted, group.first, kind, alike))


class _Rule(NamedTuple):
    """What a calibration frame must have in common with a frame."""

    name: str
    within: str
    shown: Callable[[RawFile], str]
    holds: Callable[[RawFile], bool]


def _rules(wanted: RawFile, kind: str, alike: Tolerances) -> Iterator[_Rule]:
    for name in (*_HARDWARE, *_SAID[kind]):
        yield _Rule(name, "", partial(_shown, name=name), partial(_unless_other, wanted, name=name))
    if kind in ("bias", "dark"):
        near = alike.temperature_c
        yield _Rule(
            "temperature",
            f" C within {near:g} C",
            lambda file: f"{file.temperature_c:g}",
            lambda file: _apart(file.temperature_c, wanted.temperature_c) <= near,
        )
    yield _Rule(
        "night",
        f" within {alike.nights:g} d",
        lambda file: str(file.night),
        lambda file: alike.nights == inf or _days(file, wanted) <= alike.nights,
    )


def _shown(file: RawFile, name: str) -> str:
    value = getattr(file, name)
    return "x".join(map(str, value)) if isinstance(value, tuple) else repr(value)


def _unless_other(wanted: RawFile, file: RawFile, name: str) -> bool:
    """Whether two files agree, or one of them does not say."""
    one, two = getattr(file, name), getattr(wanted, name)
    return bool(one == two or one == "" or two == "")


def _distance(wanted: RawFile, file: RawFile, kind: str, alike: Tolerances) -> tuple[Any, ...]:
    times = abs(log(_exposure(file) / _exposure(wanted))) if kind == "dark" else 0.0
    other = times > alike.exposure
    return other, _days(file, wanted), times, _apart(file.temperature_c, wanted.temperature_c), file.order


def _exposure(file: RawFile) -> float:
    return max(file.exposure_s or 0.0, 1e-6)


def _days(one: RawFile, two: RawFile) -> int:
    if one.night is None or two.night is None:
        return 0 if one.night == two.night else _FAR
    return abs((one.night - two.night).days)


def _apart(one: float | None, two: float | None) -> float:
    return 0.0 if one is None or two is None else abs(one - two)


def _said(file: RawFile, kind: str) -> tuple[Any, ...]:
    return tuple(getattr(file, name) for name in (*_HARDWARE, *_SAID[kind], "night"))


def _parted(files: Sequence[RawFile], key: Callable[[RawFile], Any]) -> list[tuple[RawFile, ...]]:
    parts: dict[Any, list[RawFile]] = {}
    for file in files:
        parts.setdefault(key(file), []).append(file)
    return [tuple(part) for part in parts.values()]


def _runs(files: Sequence[RawFile], name: str, alike: Tolerances) -> list[tuple[RawFile, ...]]:
    """Files by a measured number: each run spans no more than the tolerance, whatever lies between."""
    parts: list[list[RawFile]] = []
    for file in sorted(files, key=lambda file: _measured(file, name)):
        start = _measured(parts[-1][0], name) if parts else -inf
        width = alike.temperature_c if name == "temperature_c" else alike.exposure * abs(start)
        same = _measured(file, name) == start or _measured(file, name) - start <= width
        if parts and same:
            parts[-1].append(file)
        else:
            parts.append([file])
    return [tuple(part) for part in parts]


def _measured(file: RawFile, name: str) -> float:
    value = getattr(file, name)
    return inf if value is None else float(value)
