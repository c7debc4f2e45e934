"""What is to be done with the raw frames of a folder: which masters are needed, and which frame takes which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from getframes.config.pipeline import PipelineSettings
from getframes.errors import GetframesError
from getframes.reduce.batch import Wanted, target_of, told
from getframes.reduce.grouping import Group, NoMatchError, Tolerances, group_files, match
from getframes.reduce.raw_file import KINDS, RawFile, RawFiles, find_raw_files

SCIENCE, MASTERS = "science", "masters"
"""Folders of the results."""


@dataclass(frozen=True)
class MasterPlan:
    """A master to make.

    Attributes
    ----------
    name : str
        Its own, also that of its file.
    group : Group
        The frames that go in.
    needs : dict
        Names of the masters that are taken off those first, by kind.
    """

    name: str
    group: Group
    needs: dict[str, str]

    @property
    def kind(self) -> str:
        """bias, dark or flat."""
        return self.group.kind


@dataclass(frozen=True)
class Plan:
    """What `reduce_folder` does.

    Attributes
    ----------
    settings : PipelineSettings
        From which it follows.
    found : RawFiles
        What is in the folder.
    groups : tuple of Group
        All of them, needed or not.
    masters : dict of MasterPlan
        By name; biases first, then darks, then flats.
    nights : dict
        Science frames by night, in order of time, each with its result, and kinds and names of its masters.
    failed : dict
        What cannot be done, by file.
    """

    settings: PipelineSettings
    found: RawFiles
    groups: tuple[Group, ...]
    masters: dict[str, MasterPlan] = field(default_factory=dict)
    nights: dict[str, list[Wanted]] = field(default_factory=dict)
    failed: dict[Path, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: PipelineSettings) -> Plan:
        """Look through the folder, and match what belongs together.

        Raises
        ------
        MissingFileError
            If the folder has gone.
        """
        given = settings.input
        found = find_raw_files(
            settings.raw_folder,
            pattern=given["pattern"],
            exclude=[settings.out],
            folders=settings.folders,
            night_offset_h=given["night_offset_h"],
            detector_keyword=given["detector_keyword"],
            exposure_keyword=(settings.focal_plane or {}).get("exposure_keyword", "DATE-OBS"),
        )
        tolerances = Tolerances(
            settings.group["temperature_tolerance_c"],
            settings.group["exposure_tolerance"],
            settings.max_nights,
        )
        groups = group_files(found.files, tolerances)
        return _Matching(settings, found, groups, tolerances).plan()

    def __str__(self) -> str:
        """Nights by type, then what is left alone and what is wrong."""
        lines = (
            [*_table([_HEAD, *(_row(group) for group in self.groups)])] if self.groups else ["no raw frames"]
        )
        for kind in ("master", "other"):
            left = self.found.of(kind)
            if left:
                lines.append(
                    f"{len(left)} of type {kind!r} left alone: {left[0].path}{' ...' if left[1:] else ''}"
                )
        return "\n".join([*lines, *told(self.failed)])


class _Matching:
    """Science frames and their masters, found one from the other."""

    def __init__(
        self, settings: PipelineSettings, found: RawFiles, groups: tuple[Group, ...], tolerances: Tolerances
    ) -> None:
        self.settings, self.found, self.groups, self.tolerances = settings, found, groups, tolerances
        self.masters: dict[str, MasterPlan] = {}
        self._names: dict[int, str] = {}

    def plan(self) -> Plan:
        nights: dict[str, list[Wanted]] = {}
        failed = dict(self.found.failed)
        sources: dict[Path, Path] = {}
        for file in self.found.of(SCIENCE):
            try:
                names = tuple(self._needs(file, self.settings.kinds).items())
                target = target_of(file.path, self.settings.out / SCIENCE, self.settings.raw_folder)
                if sources.setdefault(target, file.path) != file.path:
                    raise NoMatchError(f"{target} is already the result of {sources[target]}")
                nights.setdefault(file.night_name, []).append((file.path, target, names))
            except GetframesError as error:
                failed[file.path] = str(error)
        # All biases before the first dark: the flats of a focal plane need those of each other.
        order = sorted(self.masters.items(), key=lambda item: KINDS.index(item[1].kind))
        return Plan(self.settings, self.found, self.groups, dict(order), nights, failed)

    def _needs(self, file: RawFile, kinds: tuple[str, ...]) -> dict[str, str]:
        """Names of the masters of these kinds for a frame."""
        return {kind: self._name(match(file, kind, self.groups, self.tolerances)) for kind in kinds}

    def _name(self, group: Group) -> str:
        """The master of a group, planned when it is first needed, with those that it needs itself."""
        if id(group) not in self._names:
            before = self.settings.kinds[: self.settings.kinds.index(group.kind)]
            needs = self._needs(group.first, before)
            labels = (group.label if n == 1 else f"{group.label}_{n}" for n in range(1, len(self.groups) + 2))
            name = next(label for label in labels if label not in self.masters)
            self.masters[name] = MasterPlan(name, group, needs)
            self._names[id(group)] = name
        return self._names[id(group)]


_HEAD = ("night", "type", "frames", "filter", "exposure/s", "temperature/C", "size", "binning", "detector")


def _row(group: Group) -> tuple[str, ...]:
    file = group.first
    exposures = sorted({each.exposure_s for each in group.files if each.exposure_s is not None})
    height, width = file.shape
    return (
        file.night_name,
        file.kind,
        str(len(group)),
        file.filter or "-",
        "-" if not exposures else f"{exposures[0]:g}" + (f"-{exposures[-1]:g}" if exposures[1:] else ""),
        "-" if file.temperature_c is None else f"{file.temperature_c:g}",
        f"{width}x{height}",
        f"{file.binning[1]}x{file.binning[0]}",
        " ".join(word for word in (file.instrument, file.detector) if word) or "-",
    )


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Columns side by side, nights in order and types in each."""
    head, *body = rows
    body.sort(key=lambda row: (row[0], KINDS.index(row[1])))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in (head, *body):
        yield "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
