"""The masters of a plan: made one after the other, kept as files, and made again where anything that they came from has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from getframes.errors import (
    GetframesError,
    InputError,
    IntegrityError,
    OutputError,
    OutputExistsError,
)
from getframes.io.atomic import make_folder
from getframes.io.folders import remove_unfinished
from getframes.pipeline.focal_plane import Scales
from getframes.pipeline.plan import MASTERS, MasterPlan, Plan
from getframes.reduce.batch import Parts, Wanted, digest, digest_of, identity_of, parts_of
from getframes.reduce.extensions import Extensions
from getframes.reduce.masters import master_bias, master_dark, master_flat
from getframes.reduce.raw import Raw

FORMAT = 1
"""Version of what the CALHASH of a master is a digest of."""

_LOG = logging.getLogger("getframes.pipeline")

_COMMON = {"overscan", "gain", "read_noise"}
_OPTIONS = {"bias": _COMMON, "dark": _COMMON, "flat": {*_COMMON, "saturation"}}
"""Which of the options of `calibrate` a master depends on."""


class MasterFiles:
    """The masters of a plan as files; what cannot be made has a reason.

    Parameters
    ----------
    plan : Plan
        What is to be made.
    failed : dict
        What is wrong with raw files, by path; is added to.

    Attributes
    ----------
    reasons : dict
        Why there is no such master, by name.
    """

    def __init__(self, plan: Plan, failed: dict[Path, str]) -> None:
        self.settings, self.failed = plan.settings, failed
        self.folder = make_folder(plan.settings.out / MASTERS)
        remove_unfinished(self.folder, ".fits")
        self.reasons: dict[str, str] = {}
        self._digests: dict[str, str] = {}
        self._scales = Scales(plan, self.path, failed)

    def path(self, name: str) -> Path:
        """The file of a master."""
        return self.folder / f"{name}.fits"

    def make(self, master: MasterPlan) -> None:
        """Make a master, unless it is there.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        try:
            self._make(master)
        except OutputError:
            raise
        except GetframesError as error:
            self.reasons[master.name] = f"there is no master {master.name}: {error}"

    def ready(self, frames: list[Wanted]) -> list[Wanted]:
        """The frames whose masters are there; the others have failed."""
        for source, _, names in frames:
            missing = [self.reasons[name] for _, name in names if name in self.reasons]
            if missing:
                self.failed[source] = "; ".join(missing)
        return [frame for frame in frames if frame[0] not in self.failed]

    def loaded(self, frames: list[Wanted]) -> dict[str, Parts]:
        """The masters of some frames by name, from their files."""
        names = {(kind, name) for _, _, pairs in frames for kind, name in pairs}
        return {name: parts_of(self.path(name), kind) for kind, name in sorted(names)}

    def _make(self, master: MasterPlan) -> None:
        missing = [self.reasons[name] for name in master.needs.values() if name in self.reasons]
        if missing:
            raise InputError("; ".join(missing))
        files = self._still_there(file.path for file in master.group.files)
        if not files:
            raise InputError("none of its frames can be read")
        options = {key: value for key, value in self.settings.options.items() if key in _OPTIONS[master.kind]}
        options |= {key: self.settings.masters[key] for key in ("method", "sigma")}
        mark = self._digest(master, files, options)
        self._digests[master.name] = mark
        path = self.path(master.name)
        there = digest_of(path)
        if there == mark:
            _LOG.info("%s is there", path)
            return
        if there == "" and not self.settings.output["overwrite"]:
            text = "was not made by this (overwrite = true in [output] replaces it)"
            raise OutputExistsError(f"{path} is there, and {text}")
        needed = {kind: self.path(name) for kind, name in master.needs.items()}
        build = partial(_BUILDERS[master.kind], **options)
        made = self._scales.applied(master, files, needed, build)
        made = made or self._without_bad(files, partial(build, **needed))
        for frame in made.values() if isinstance(made, Extensions) else [made]:
            frame.metadata["calibration_digest"] = mark
        made.to_fits(path, overwrite=True)
        _LOG.info("%s made from %d frames", path, len(files))

    def _digest(self, master: MasterPlan, files: Iterable[Path], options: dict[str, Any]) -> str:
        """Of everything that the master comes from."""
        about = {
            "format": FORMAT,
            "kind": master.kind,
            "options": options,
            "plane": self.settings.focal_plane,
        }
        needs = {kind: self._digests[name] for kind, name in master.needs.items()}
        everything = [*files, *self._still_there(self._scales.files(master))]
        return digest({**about, "needs": needs, "files": [identity_of(file) for file in everything]})

    def _without_bad(self, files: list[Path], build: Callable[[list[Path]], Any]) -> Any:
        """A master; files that cannot be read are left out, and told."""
        try:
            return build(files)
        except (InputError, IntegrityError):
            good = [file for file in files if self._is_readable(file)]
            if len(good) in (0, len(files)):
                raise
            return self._without_bad(good, build)

    def _still_there(self, files: Iterable[Path]) -> list[Path]:
        """Those that have not failed, nor gone since they were found, which is told."""
        left = [file for file in files if file not in self.failed]
        for file in left:
            try:
                identity_of(file)
            except InputError as error:
                self.failed[file] = str(error)
        return [file for file in left if file not in self.failed]

    def _is_readable(self, file: Path) -> bool:
        try:
            Raw.of(file)
        except (InputError, IntegrityError) as error:
            self.failed[file] = str(error)
        return file not in self.failed


def _bias(files: list[Path], **options: Any) -> Any:
    return master_bias(files, **options)


def _dark(files: list[Path], *, bias: Path, **options: Any) -> Any:
    return master_dark(files, bias, **options)


def _flat(files: list[Path], *, bias: Path, dark: Path | None = None, **options: Any) -> Any:
    return master_flat(files, bias, dark, **options)


_BUILDERS: dict[str, Callable[..., Any]] = {"bias": _bias, "dark": _dark, "flat": _flat}
