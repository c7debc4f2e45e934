"""Flats of a focal plane on one scale: detectors keep their response relative to each other.

The levels of all flats of one filter and night are B = G[detector] E[exposure] (`getframes.reduce.flat_scales`). The flats of a detector are divided by E, which all
detectors together know better than one, and its master, of mean 1, is multiplied by G. So the same light gives the same counts on every detector.

The dark charge is not taken off the levels: it is far below those of a flat.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from math import isfinite, nan
from pathlib import Path
from typing import Any

from getframes.errors import InputError, IntegrityError
from getframes.pipeline.plan import MasterPlan, Plan
from getframes.reduce.flat_level import measure_flat_levels
from getframes.reduce.flat_normalization import normalize_flats
from getframes.reduce.flat_scale import FlatScales
from getframes.reduce.raw_file import RawFile


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
        self._noise: dict[str, Any] = {} if None in known.values() else known
        self._sets: dict[Hashable, list[MasterPlan]] = {}
        self._scales: dict[Hashable, FlatScales] = {}
        if plan.settings.focal_plane is not None:
            for master in plan.masters.values():
                if master.kind == "flat":
                    self._sets.setdefault(_plane(master), []).append(master)

    def files(self, master: MasterPlan) -> list[Path]:
        """The flats of all detectors that decide the scale of one."""
        plans = self._sets.get(_plane(master), []) if master.kind == "flat" else []
        return [file.path for plan in plans for file in plan.group.files]

    def applied(self, master: MasterPlan, files: list[Path], build: Callable[..., Any]) -> Any:
        """The master flat of a detector on the scale of its focal plane; None for anything else.

        Raises
        ------
        InputError
            If there is no scale for it, or a file holds several detectors.
        DomainError, ShapeError, IntegrityError
            As `measure_flat_levels`, `flat_scales` and `master_flat`.
        """
        if not self.files(master):
            return None
        several = [file.path for file in master.group.files if file.n_images > 1]
        if several:
            raise InputError(
                f"[focal_plane] needs a file for each detector, got several images in {several[0]}"
            )
        scales = self._of(master)
        files = [file for file in files if file not in self._failed]
        exposures = {file.path: file.exposure_name for file in master.group.files}
        levels = [scales.by_exposure.get(exposures[file], nan) for file in files]
        response = scales.by_detector.get(master.group.first.detector, nan)
        if not all(map(isfinite, (*levels, response))):
            raise InputError(f"no scale is known for the flats of detector {master.group.first.detector!r}")
        made = build(files, levels=levels)
        changed = {**made.metadata, "flat_scale": response}
        noise = None if made.uncertainty is None else made.uncertainty * made.data.dtype.type(response)
        return replace(
            made, data=made.data * made.data.dtype.type(response), uncertainty=noise, metadata=changed
        )

    def _of(self, master: MasterPlan) -> FlatScales:
        plane = _plane(master)
        if plane not in self._scales:
            plans = self._sets[plane]
            records = [
                record for plan in plans for file in plan.group.files for record in self._levels(plan, file)
            ]
            self._scales[plane] = normalize_flats(records, sigma="sigma", counts="pixels", disconnected="nan")
        return self._scales[plane]

    def _levels(self, plan: MasterPlan, file: RawFile) -> list[dict[str, Any]]:
        """The level of a flat; nothing where it cannot be read."""
        about = {"exposure": file.exposure_name, "detector": file.detector}
        try:
            return list(
                measure_flat_levels(
                    [(file.path, about)],
                    bias=self._path(plan.needs["bias"]),
                    saturate_adu=self._options.get("saturation"),
                    **self._noise,
                )
            )
        except (InputError, IntegrityError) as error:
            self._failed[file.path] = str(error)
            return []


def _plane(master: MasterPlan) -> Hashable:
    """What the flats have in common whose exposures are the same."""
    first = master.group.first
    return first.night_name, first.filter, first.instrument, first.binning
