"""The work of a fit file: catalog, images and state, and the steps that fit them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from getframes.config.fit import FitSettings
from getframes.errors import DomainError, MissingFileError, require
from getframes.pipeline.fit_background import with_backgrounds
from getframes.run_record import RunRecord

if TYPE_CHECKING:
    from getframes.fit import Patcher, SourceCatalog, SuperScene
    from getframes.fit.survey import SurveyReport

STATE, CATALOG, PATCHES = "state.fits", "catalog.fits", "patches"
"""Names in the folder of the results."""


@dataclass(frozen=True)
class SceneFit:
    """A scene to be fitted, and its images.

    Attributes
    ----------
    settings : FitSettings
        What is to be done.
    scene : SuperScene
        Sources and state.
    patcher : Patcher
        Images.
    record : RunRecord
        Time and counts of each step.
    """

    settings: FitSettings
    scene: SuperScene
    patcher: Patcher
    record: RunRecord

    @classmethod
    def of(cls, settings: FitSettings, *, record: RunRecord | None = None) -> SceneFit:
        """Read what a fit file names, and go on from the state where it is there.

        Raises
        ------
        MissingFileError
            If the catalog, images or PSFs are not there.
        DomainError
            If they are not what they should be, or do not go together.
        IntegrityError
            If the state is damaged, or that of something else.
        OutputError
            If the folder of the results cannot be made.
        """
        from getframes.fit import SuperScene, read_catalog
        from getframes.io.atomic import make_folder

        record = record or RunRecord("fit", {"settings": str(settings.path)})
        with record.step("catalog"):
            catalog = read_catalog(
                settings.path_of(settings.catalog["file"]), bands=settings.catalog["bands"]
            )
        with record.step("images"):
            patcher = _patcher(settings, catalog)
        with record.step("state"):
            scene = SuperScene(
                catalog,
                catalog.bands,
                _bounds(settings),
                state=make_folder(settings.out) / STATE,
                **settings.scene,
            )
        return cls(settings, scene, patcher, record)

    def run(
        self,
        task: str,
        *,
        workers: int | None = None,
        processes: bool = False,
        scheduler: Any = None,
    ) -> SurveyReport:
        """Do a step, and write the catalog.

        Parameters
        ----------
        task : {"optimize", "sample"}
            The step.
        workers, processes, scheduler
            As in `getframes.fit.run`.

        Returns
        -------
        SurveyReport
            What became of the patches.

        Raises
        ------
        DomainError, OutputError, InputError
            As `getframes.fit.run`.
        """
        from getframes.fit import run

        values = getattr(self.settings, task)
        require(values is not None, str(self.settings.path), f"[{task}]", "there", None)
        given = {name: value for name, value in values.items() if value is not None}
        report: SurveyReport = run(
            self.scene,
            self.patcher,
            task,
            workers=workers,
            processes=processes,
            scheduler=scheduler,
            out=self.settings.out / PATCHES if self.settings.output["patches"] else None,
            config=self.settings.text,
            record=self.record,
            **given,
        )
        self.scene.writeout(self.settings.out / CATALOG, overwrite=True)
        return report


def _patcher(settings: FitSettings, catalog: SourceCatalog) -> Patcher:
    from getframes.fit import Patcher, read_exposure, read_psfs, read_store

    psfs = {} if settings.psf is None else read_psfs(settings.path_of(settings.psf["file"]))
    files = [
        (number, path)
        for number, values in enumerate(settings.images)
        for path in _files(settings, values["file"])
    ]
    counts = Counter(path.name for _, path in files)
    images: list[Any] = []
    for number, path in files:
        options = {
            name: value
            for name, value in settings.images[number].items()
            if name != "file" and value is not None
        }
        if path.suffix == ".h5":
            owner = f"{settings.path}: images[{number}]"
            require(not options, owner, "keys", "file alone of a store", sorted(options))
            images += read_store(path)
        else:
            name = path.name if counts[path.name] == 1 else _place(settings, path)
            images.append(
                read_exposure(path, flux_unit=catalog.flux_unit, sky=catalog.sky, name=name, **options)
            )
    if not images:
        raise DomainError(f"{settings.path} must have [[images]]")
    images = with_backgrounds(images, settings.background)
    return Patcher(images, psfs, bands=catalog.bands, priors=_priors(settings, catalog.bands))


def _files(settings: FitSettings, pattern: str) -> list[Any]:
    """The files of a pattern, in order of their names."""
    found = sorted(settings.path.parent.glob(pattern)) if any(each in pattern for each in "*?[") else []
    if not found:
        path = settings.path_of(pattern)
        if not path.is_file():
            raise MissingFileError(f"{settings.path}: images.file: cannot read {path}: there is no such file")
        found = [path]
    return found


def _place(settings: FitSettings, path: Path) -> str:
    """The path of an image from the folder of the fit file, where others have its name."""
    return Path(os.path.relpath(path, settings.path.parent)).as_posix()


def _bounds(settings: FitSettings) -> dict[str, tuple[float, float]]:
    """Bounds within the limits of priors, so that a source that starts beyond these is flagged by itself."""
    made = {name: pair for name, pair in settings.bounds.items() if pair is not None}
    for law in settings.prior:
        if "lower" in law:
            low, high = made.get(law["parameter"], (law["lower"], law["upper"]))
            made[law["parameter"]] = max(low, law["lower"]), min(high, law["upper"])
    return made


def _priors(settings: FitSettings, bands: Sequence[str]) -> dict[str, Any]:
    from getframes.fit import LogUniform, Normal, Uniform

    laws: dict[str, Any] = {"uniform": Uniform, "log_uniform": LogUniform, "normal": Normal}
    made: dict[str, Any] = {}
    for values in settings.prior:
        numbers = {key: value for key, value in values.items() if key not in ("parameter", "type")}
        law = laws[values["type"]](**numbers)
        names = [f"flux_{band}" for band in bands] if values["parameter"] == "flux" else [values["parameter"]]
        made |= dict.fromkeys(names, law)
    return made
