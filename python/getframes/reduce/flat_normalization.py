"""Flat scales from the records of a pipeline: one mapping of metadata for each measured flat."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from getframes.errors import DomainError, MissingEntryError, ShapeError, did_you_mean, require
from getframes.reduce.flat_scale import flat_scales

if TYPE_CHECKING:
    from getframes.reduce.flat_scale import FlatScales

    Detectors = dict[Hashable, tuple[Hashable, ...]]

LEVELS = ("detector", "amp")
_AMP = "{amp}"


def normalize_flats(
    records: Sequence[Mapping[str, Any]] | Mapping[Hashable, Mapping[str, Any]],
    dimensions: Sequence[Mapping[str, Any]] | Mapping[Hashable, Mapping[str, Any]] | None = None,
    camera: Any = None,
    *,
    level: str = "detector",
    statistic: str = "level",
    counts: str | None = None,
    sigma: str | None = None,
    **options: Any,
) -> FlatScales:
    """Scales of the detectors and exposures of a focal plane, from what was measured in each flat.

    Parameters
    ----------
    records : sequence or mapping of mappings
        Metadata of each measured flat: a header, a row of a table, a record of `measure_flat_levels`.
    dimensions : sequence or mapping of mappings, optional
        The data id of each record, with ``exposure`` and ``detector``, in the same order or under the same keys. Without it the records hold them.
    camera : iterable or mapping, optional
        All detectors, in the order of the result, whether or not there are flats of them: a `FocalPlane`; names; a mapping from name to the names of the
        amplifiers; or objects with ``name`` and ``amplifiers``, or with ``getId()``, ``getAmplifiers()`` and ``getName()`` as in survey pipelines. Without it:
        those of the records, in the order in which they come.
    level : {"detector", "amp"}
        Whether a row is a detector or one of its amplifiers, whose name then is (detector, amplifier).
    statistic, counts, sigma : str
        Entries with the level, the number of pixels (or any weight) and the standard deviation of a pixel. For amplifiers an entry is a mapping by name of
        the amplifier; or the name of the entry contains ``{amp}``, as in ``"MEDIAN {amp}"``.
    **options
        Given to `flat_scales`.

    Returns
    -------
    FlatScales
        `by_exposure` and `by_detector` are keyed by id; `factors(exposures)` is what `getframes.combine` takes for `scale`. A detector of the camera that has no flat is NaN.

    Raises
    ------
    MissingEntryError
        If a record has no exposure, detector, or statistic; it names the record and the entry, and is a KeyError.
    DomainError
        If there are no records, one is there twice, its detector or amplifier is not in the camera, or as in `flat_scales`.
    ShapeError
        If there is not one data id for each record.
    """
    require(level in LEVELS, "", "level", f"one of {', '.join(map(repr, LEVELS))}", level)
    cells = _cells(records, dimensions)
    require(len(cells) > 0, "", "records", "at least one", 0)
    given = {"levels": statistic, "counts": counts, "sigma": sigma}
    entries = {name: entry for name, entry in given.items() if entry is not None}
    detectors = _detectors_of(cells, statistic) if camera is None else _detectors(camera)
    rows = {name: number for number, name in enumerate(_row_names(detectors, level))}
    columns = {
        exposure: number for number, exposure in enumerate(dict.fromkeys(cell.exposure for cell in cells))
    }
    tables = {name: np.full((len(rows), len(columns)), np.nan) for name in entries}
    done: set[tuple[Hashable, Hashable]] = set()
    for cell in cells:
        place = cell.detector, cell.exposure
        require(
            cell.detector in detectors, "", f"detector of {cell.name}", "one of the camera", cell.detector
        )
        require(place not in done, "", cell.name, "the only one of its detector and exposure", place)
        done.add(place)
        for amplifier in detectors[cell.detector] if level == "amp" else (None,):
            row = rows[cell.detector if amplifier is None else (cell.detector, amplifier)]
            for name, entry in entries.items():
                tables[name][row, columns[cell.exposure]] = cell.value(entry, amplifier)
    return flat_scales(
        tables["levels"],
        tables.get("counts"),
        tables.get("sigma"),
        detectors=list(rows),
        exposures=list(columns),
        **options,
    )


class _Cell(NamedTuple):
    """A record and where it belongs."""

    name: str
    detector: Hashable
    exposure: Hashable
    record: Mapping[str, Any]

    def value(self, entry: str, amplifier: Hashable | None) -> float:
        """A number of the record, NaN for a missing one (None or a masked value)."""
        if amplifier is None or _AMP in entry:
            held = _needed(self.record, entry.replace(_AMP, str(amplifier)), self.name)
        else:
            held = _needed(self.record, entry, self.name)
            if not isinstance(held, Mapping):
                raise DomainError(f"{entry} of {self.name} must be a mapping by amplifier, got {held!r}")
            held = _needed(held, amplifier, f"{entry} of {self.name}")
        if held is None or held is np.ma.masked:
            return np.nan
        try:
            return float(held)
        except (TypeError, ValueError):
            raise DomainError(f"{entry} of {self.name} must be a number, got {held!r}") from None


def _cells(records: Any, dimensions: Any) -> list[_Cell]:
    """The records with their data ids."""
    if isinstance(records, Mapping):
        names = list(records)
        ids = records if dimensions is None else dimensions
        if not isinstance(ids, Mapping):
            raise DomainError(f"dimensions must be a mapping, as records are, got {type(ids).__name__}")
        pairs = [(f"record {name!r}", records[name], _needed(ids, name, "dimensions")) for name in names]
    else:
        listed = list(records)
        ids = listed if dimensions is None else list(dimensions)
        if len(ids) != len(listed):
            raise ShapeError(f"dimensions must be one for each of the {len(listed)} records, got {len(ids)}")
        pairs = [(f"record {number}", *pair) for number, pair in enumerate(zip(listed, ids, strict=True))]
    return [
        _Cell(name, _needed(data_id, "detector", name), _needed(data_id, "exposure", name), record)
        for name, record, data_id in pairs
    ]


def _needed(mapping: Mapping[Any, Any], entry: Hashable, owner: str) -> Any:
    if entry not in mapping:
        near = did_you_mean(str(entry), map(str, mapping))
        raise MissingEntryError(f"{owner} must have the entry {entry!r}, got none{near}")
    return mapping[entry]


def _row_names(detectors: Detectors, level: str) -> list[Hashable]:
    if level == "detector":
        return list(detectors)
    bare = [name for name, amplifiers in detectors.items() if not amplifiers]
    require(not bare, "", "camera", "of detectors with amplifiers", bare)
    return [(name, amplifier) for name, amplifiers in detectors.items() for amplifier in amplifiers]


def _detectors_of(cells: list[_Cell], statistic: str) -> Detectors:
    """Detectors, and amplifiers where the statistic is by amplifier, as the records have them."""
    found: dict[Hashable, dict[Hashable, None]] = {}
    for cell in cells:
        held = cell.record.get(statistic)
        found.setdefault(cell.detector, {}).update(dict.fromkeys(held if isinstance(held, Mapping) else ()))
    return {name: tuple(amplifiers) for name, amplifiers in found.items()}


def _detectors(camera: Any) -> Detectors:
    """Names of detectors and their amplifiers."""
    if isinstance(camera, Mapping):
        return {name: tuple(amplifiers) for name, amplifiers in camera.items()}
    found: dict[Hashable, tuple[Hashable, ...]] = {}
    for detector in camera:
        name, amplifiers = _detector(detector)
        require(name not in found, "", "camera", "of detectors of different names", name)
        found[name] = amplifiers
    return found


def _detector(detector: Any) -> tuple[Hashable, tuple[Hashable, ...]]:
    if hasattr(detector, "getId"):
        return detector.getId(), tuple(amplifier.getName() for amplifier in detector.getAmplifiers())
    if hasattr(detector, "amplifiers"):
        return detector.name, tuple(detector.amplifiers)
    return detector, ()
