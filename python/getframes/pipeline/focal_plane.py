"""Flats of a focal plane on one scale: detectors keep their response relative to each other.

The levels of all flats of one filter and night are B = G[detector] E[exposure] (`getframes.reduce.flat_scales`). The flats of a detector are divided by E, which all
detectors together know better than one, and its master, of mean 1, is multiplied by G. So the same light gives the same counts on every detector. Detectors are files, or the
extensions of one. With level = "amp" the rows are amplifiers, of which a dead one is left out, and G of a detector is the mean over its good pixels.

The dark charge is not taken off the levels: it is far below those of a flat.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from math import isfinite, nan
from pathlib import Path
from typing import Any

from getframes.errors import DomainError, InputError, IntegrityError
from getframes.frame import Frame
from getframes.pipeline.plan import MasterPlan, Plan
from getframes.reduce.application import Master, on_light, saturation_of
from getframes.reduce.extensions import Key, extensions_of, part, together
from getframes.reduce.flat_level import measure_flat_levels
from getframes.reduce.flat_normalization import normalize_flats
from getframes.reduce.flat_scale import FlatScales
from getframes.reduce.frame import ReducedFrame
from getframes.reduce.overscan import amplifiers
from getframes.reduce.raw import Raw
from getframes.reduce.raw_file import RawFile
from getframes.sections import Section


class Scales:
    """Scales of the flats of a plan, worked out when they are first needed.

    Parameters
    ----------
    plan : Plan
        Without [focal_plane] there are no scales.
    path : callable
        The file of a master, by its name.
    failed : dict
        What is wrong with raw files, by path; is added to.
    """

    def __init__(self, plan: Plan, path: Callable[[str], Path], failed: dict[Path, str]) -> None:
        self._options, self._path, self._failed = plan.settings.options, path, failed
        known = {"gain_e_per_adu": self._options.get("gain"), "read_noise_e": self._options.get("read_noise")}
        plane = plan.settings.focal_plane
        self._level = "detector" if plane is None else plane["level"]
        self._noise: dict[str, Any] = {} if None in known.values() else known
        self._sets: dict[Hashable, list[MasterPlan]] = {}
        self._scales: dict[Hashable, FlatScales] = {}
        if plane is not None:
            for master in plan.masters.values():
                if master.kind == "flat":
                    self._sets.setdefault(_plane(master), []).append(master)

    def files(self, master: MasterPlan) -> list[Path]:
        """The flats of all detectors that decide the scale of one."""
        plans = self._sets.get(_plane(master), []) if master.kind == "flat" else []
        return [file.path for plan in plans for file in plan.group.files]

    def applied(
        self, master: MasterPlan, files: list[Path], needed: dict[str, Path], build: Callable[..., Any]
    ) -> Any:
        """The master flat of a detector on the scale of its focal plane, or those of each extension; None for anything else.

        Raises
        ------
        InputError
            If there is no scale for it.
        DomainError, ShapeError, IntegrityError
            As `measure_flat_levels`, `flat_scales` and `master_flat`.
        """
        if not self.files(master):
            return None
        scales = self._of(master)
        files = [file for file in files if file not in self._failed]

        def one(key: Key | None) -> ReducedFrame:
            own = {} if key is None else {"extension": key}
            masters = {kind: path if key is None else part(path, key, kind) for kind, path in needed.items()}
            exposures = {file.path: file.exposure_name for file in master.group.files}
            levels = [scales.by_exposure.get(exposures[file], nan) for file in files]
            name = _name(master.group.first, key)
            if not all(map(isfinite, levels)):
                raise InputError(f"no scale is known for the flats of detector {name!r}")
            return self._scaled(build(files, levels=levels, **masters, **own), scales, files[0], name, key)

        return together(files, one) or one(None)

    def _scaled(
        self, made: ReducedFrame, scales: FlatScales, file: Path, name: Hashable, key: Key | None
    ) -> ReducedFrame:
        """A master of mean 1 times the response of its detector: that of its amplifiers, each with its good pixels."""
        if self._level == "detector":
            responses = {name: 1}
        else:
            good = ~made.mask
            places = _amplifiers(Raw.of(file, extension=key))
            responses = {(name, each): int(good[place.slices].sum()) for each, place in places.items()}
        known = {row: count for row, count in responses.items() if count > 0}
        unknown = [row for row in known if not isfinite(scales.by_detector.get(row, nan))]
        if unknown or not known:
            raise InputError(f"no scale is known for the flats of {', '.join(map(repr, unknown or [name]))}")
        total = sum(scales.by_detector[row] * count for row, count in known.items())
        response = made.data.dtype.type(total / sum(known.values()))
        noise = None if made.uncertainty is None else made.uncertainty * response
        changed = {**made.metadata, "flat_scale": float(response)}
        return replace(made, data=made.data * response, uncertainty=noise, metadata=changed)

    def _of(self, master: MasterPlan) -> FlatScales:
        plane = _plane(master)
        if plane not in self._scales:
            plans = self._sets[plane]
            records = [
                record for plan in plans for file in plan.group.files for record in self._levels(plan, file)
            ]
            self._scales[plane] = normalize_flats(
                records, level=self._level, sigma="sigma", counts="pixels", disconnected="nan"
            )
        return self._scales[plane]

    def _levels(self, plan: MasterPlan, file: RawFile) -> list[dict[str, Any]]:
        """The levels of a flat, of each of its images; nothing where it cannot be read."""
        try:
            keys: list[Key | None] = [*extensions_of(file.path)]
            return [self._record(plan, file, key) for key in keys or [None]]
        except (InputError, IntegrityError) as error:
            self._failed[file.path] = str(error)
            return []

    def _record(self, plan: MasterPlan, file: RawFile, key: Key | None) -> dict[str, Any]:
        """What is measured in one image, without its overscan and bias."""
        whole = Raw.of(file.path, extension=key)
        end = saturation_of(whole, self._options.get("saturation"))
        light, end = on_light(whole, self._options.get("overscan"), end)
        path = self._path(plan.needs["bias"])
        bias = Master.of(path if key is None else part(path, key, "bias"), "bias")
        sections = None
        if self._level == "amp":
            sections = {name: str(place) for name, place in _amplifiers(whole).items()}
        image = ReducedFrame(light.pixels, light.metadata, flags=light.flags)
        about = {"exposure": file.exposure_name, "detector": _name(file, key)}
        (record,) = measure_flat_levels(
            [(image, about)],
            bias=bias.pixels,
            sections=sections,
            saturate_adu=end if isfinite(end) else None,
            **self._noise,
        )
        return record


def _name(file: RawFile, key: Key | None) -> Hashable:
    """A detector: what the keyword says, with the extension where a file has several."""
    return file.detector if key is None else (file.detector, key)


def _amplifiers(raw: Raw) -> dict[str, Section]:
    """Places of the amplifiers of a frame.

    Raises
    ------
    DomainError
        If its header does not have them.
    """
    found = amplifiers(Frame(raw.pixels, raw.metadata))
    if not found or "" in found:
        raise DomainError(
            f'{raw.name} must have DATASECA, DATASECB ... for level = "amp" in [focal_plane], got none'
        )
    return found


def _plane(master: MasterPlan) -> Hashable:
    """What the flats have in common whose exposures are the same."""
    first = master.group.first
    return first.night_name, first.filter, first.instrument, first.binning
