"""Any number of raw files, calibrated into a folder.

A result is there complete or not at all, and says in its header (CALHASH) what it was made from: the settings, the pixels of the masters, and name, size and time of
the raw file. So the same call goes on where an earlier one ended, however that ended: results that say the right thing are left alone, those of other settings,
other masters or a raw file that has changed are made again, and a file that no such call made is never replaced.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from getframes.errors import (
    DomainError,
    GetframesError,
    InputError,
    MissingFileError,
    OutputError,
    OutputExistsError,
    require,
)
from getframes.io.folders import alone_in, remove_unfinished
from getframes.io.tasks import Outcome, outcomes
from getframes.reduce.application import Master, Masters
from getframes.reduce.extensions import Extensions, Key, extensions_of, part
from getframes.reduce.frame import ReducedFrame
from getframes.reduce.sharing import SharedArrays, share

FORMAT = 1
"""Version of what CALHASH is a digest of."""

RECORD = "calibrate.run.json"

_LOG = logging.getLogger("getframes.reduce")
_SUFFIX = re.compile(r"\.(fits|fit|fts)(\.gz|\.fz)?$", re.IGNORECASE)


@dataclass(frozen=True)
class BatchReport:
    """What became of many files.

    Attributes
    ----------
    done, skipped : tuple of Path
        Results made now, and those that were there already.
    failed : dict
        What was wrong, by raw file.
    record : RunRecord
        Time and counts of each step.
    """

    done: tuple[Path, ...]
    skipped: tuple[Path, ...]
    failed: dict[Path, str]
    record: Any = field(compare=False, repr=False)

    @property
    def exit_code(self) -> int:
        """0 where every file has its result, else 1."""
        return 1 if self.failed else 0

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the record, with the counts and what failed; errors as in `RunRecord.save`."""
        failed = {str(file): text for file, text in self.failed.items()}
        self.record.about |= {"done": len(self.done), "skipped": len(self.skipped), "failed": failed}
        self.record.save(path)

    def __str__(self) -> str:
        """Counts, then a line for each file that failed."""
        counts = f"{len(self.done)} calibrated, {len(self.skipped)} were there, {len(self.failed)} failed"
        return "\n".join([counts, *(f"  {line}" for line in told(self.failed))])


def told(failed: Mapping[Path, str]) -> list[str]:
    """What is wrong with files, a line each, in order of their names."""
    return [text if str(path) in text else f"{path}: {text}" for path, text in sorted(failed.items())]


Names = tuple[tuple[str, str], ...]
Wanted = tuple[Path, Path, Names]
"""A raw file, its result, and kinds and names of its masters."""
Parts = Mapping[Key | None, Master]
"""A master by extension; of a file of one image, None."""


class Job(NamedTuple):
    """One file to calibrate; all that travels to a process.

    Attributes
    ----------
    source, target : str
        The raw file and its result.
    masters : tuple
        Kind and name of each master.
    digest : str
        What the result will say that it was made from.
    """

    source: str
    target: str
    masters: Names
    digest: str


@dataclass(frozen=True)
class Recipe:
    """How files are calibrated.

    Attributes
    ----------
    masters : SharedArrays or None
        All masters, by name.
    options : mapping
        As `Masters.calibrate` takes them.
    cosmic_rays : mapping or None
        Settings of `cosmic_rays`; None to leave them.
    """

    masters: SharedArrays | None
    options: Mapping[str, Any]
    cosmic_rays: Mapping[str, Any] | None = None

    def __call__(self, job: Job) -> None:
        """Calibrate one file and write the result.

        Raises
        ------
        DomainError, ShapeError, InputError, IntegrityError
            If the raw file is not right.
        OutputError
            If the result cannot be written.
        """
        keys = extensions_of(job.source) if self.options.get("extension") is None else []
        made = Extensions({key: self._one(job, key) for key in keys}) if keys else self._one(job, None)
        made.to_fits(job.target, overwrite=True)

    def _one(self, job: Job, key: Key | None) -> ReducedFrame:
        """One image of the file."""
        options = self.options if key is None else {**self.options, "extension": key}
        frame = self._prepared(job.masters, key).calibrate(job.source, **options)
        if self.cosmic_rays is not None:
            from getframes.reduce.cosmic_ray import cosmic_rays

            frame = cosmic_rays(frame, **self.cosmic_rays)
        frame.metadata.update(raw_file=Path(job.source).name, calibration_digest=job.digest)
        return frame

    def _prepared(self, names: Names, key: Key | None) -> Masters:
        """The masters of a file, put together once in each process."""
        if not names:
            return Masters()
        assert self.masters is not None
        shared = self.masters

        def made() -> Masters:
            return Masters(**{kind: _master(shared, name, key) for kind, name in names})

        found: Masters = shared.kept((names, key), made)
        return found


def calibrate_files(
    files: Iterable[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str],
    bias: Any = None,
    dark: Any = None,
    flat: Any = None,
    root: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    processes: bool = False,
    scheduler: Any = None,
    overwrite: bool = False,
    cosmic_rays: Mapping[str, Any] | bool = False,
    **options: Any,
) -> BatchReport:
    """Calibrate raw files, each into a file of its own; go on after bad ones, and go on with a run that was ended.

    Parameters
    ----------
    files : iterable of path
        Raw FITS files.
    out : path
        Folder of the results; made if it is not there. They have the names of the raw files, in ``.fits``.
    bias, dark, flat : path, Frame, CCDData, Quantity or array (height, width), optional
        Masters, as in `calibrate`. They are read once, and are in memory once.
    root : path, optional
        Folder below which raw files keep their folders in `out`; without it all results are in `out` itself.
    workers : int, optional
        Threads or processes; as many as `getframes.num_threads` when left out.
    processes : bool
        Processes in place of threads. A script then needs its ``if __name__ == "__main__":``.
    scheduler : str or dask.distributed.Client, optional
        A Dask scheduler, or its address. Its workers need getframes, and have to see the files and `out`, where the masters are shared.
    overwrite : bool
        Replace files in `out` that no such call made.
    cosmic_rays : bool or mapping
        Find cosmic rays too; a mapping has the settings of `getframes.reduce.cosmic_rays`.
    **options
        As in `calibrate`: overscan, gain, read_noise, excess_noise, saturation, unit, uncertainty, precision, extension, exposure.

    Returns
    -------
    BatchReport
        What was done, what was there, and what failed and why; also written to ``calibrate.run.json`` in `out`.

    Raises
    ------
    DomainError
        If two raw files would have the same result, a result would take the place of a raw file, an option is unknown, or masters do not go together.
    ShapeError
        If masters differ in shape.
    InputError, IntegrityError
        If a master cannot be read.
    OutputError
        If the folder cannot be written, its disk is full, or another run is writing there. What is done by then stays.
    """
    from getframes.run_record import RunRecord

    record = RunRecord("calibrate_files", {"out": str(out)})
    given = {"bias": bias, "dark": dark, "flat": flat}
    with record.step("masters"):
        extension = options.get("extension")
        masters = {kind: parts_of(each, kind, extension) for kind, each in given.items() if each is not None}
        for key in {key for parts in masters.values() for key in parts}:
            Masters(**{kind: parts.get(key) for kind, parts in masters.items()})  # they have to go together
    check_options(options)
    names = tuple((kind, kind) for kind in masters)
    pairs = targets(files, Path(out), root)
    cosmic = dict(cosmic_rays) if isinstance(cosmic_rays, Mapping) else {} if cosmic_rays else None
    with alone_in(Path(out)):
        report = run_batch(
            [(source, target, names) for source, target in pairs],
            Path(out),
            masters,
            options,
            cosmic_rays=cosmic,
            overwrite=overwrite,
            record=record,
            workers=workers,
            processes=processes,
            scheduler=scheduler,
        )
        report.save(Path(out) / RECORD)
    return report


def run_batch(
    wanted: Sequence[Wanted],
    out: Path,
    masters: Mapping[str, Parts],
    options: Mapping[str, Any],
    *,
    cosmic_rays: Mapping[str, Any] | None,
    overwrite: bool,
    record: Any,
    **pool: Any,
) -> BatchReport:
    """Calibrate raw files into a folder that is ours alone; parameters as in `calibrate_files`."""
    from getframes.io.atomic import make_folder

    folders = {target.parent for _, target, _ in wanted}
    for folder in folders:
        remove_unfinished(make_folder(folder), ".fits")
    with record.step("look what is there", len(wanted), "file"):
        recipe = {"format": FORMAT, "options": options, "cosmic_rays": cosmic_rays}
        jobs, skipped, failed = _to_do(wanted, recipe, masters, overwrite)
    directory = None if pool.get("scheduler") is None else out
    with _shared(masters, directory) as shared:
        work = Recipe(shared, options, cosmic_rays)
        with record.step("calibrate", len(jobs), "frame"):
            done, broken = _done(outcomes(work, jobs, **pool), len(jobs))
    for folder in folders:
        remove_unfinished(folder, ".fits")  # of workers that were killed
    return BatchReport(tuple(sorted(done)), tuple(skipped), {**failed, **broken}, record)


def check_options(options: Mapping[str, Any]) -> None:
    """Raise `DomainError` for an option that `calibrate` does not have."""
    from inspect import signature

    from getframes.errors import did_you_mean

    known = [name for name in signature(Masters.calibrate).parameters if name not in ("self", "image")]
    for name in options:
        if name not in known:
            raise DomainError(f"calibrate_files has no option {name!r}{did_you_mean(name, known)}")


def targets(
    files: Iterable[str | os.PathLike[str]], out: Path, root: str | os.PathLike[str] | None = None
) -> list[tuple[Path, Path]]:
    """Each raw file with its result.

    Raises
    ------
    DomainError
        If two have the same result, a result would take the place of a raw file, or a file is not below `root`.
    """
    pairs: dict[Path, Path] = {}
    for file in files:
        source = Path(file)
        target = target_of(source, out, root)
        if pairs.setdefault(target, source) != source:
            raise DomainError(
                f"files must have results of their own, got {pairs[target]} and {source}, both {target} "
                "(with root= they keep their folders)"
            )
    raws = {os.path.realpath(source) for source in pairs.values()}
    for target, source in pairs.items():
        if os.path.realpath(target) in raws:
            raise DomainError(f"out must not be the folder of raw files, the result of {source} is {target}")
    return [(source, target) for target, source in pairs.items()]


def target_of(source: Path, out: Path, root: str | os.PathLike[str] | None = None) -> Path:
    """The result of a raw file: its name, and its folders below `root`, in `out`.

    Raises
    ------
    DomainError
        If it is not below `root`.
    """
    if root is not None and not source.is_relative_to(root):
        raise DomainError(f"files must be below root, {root}, got {source}")
    below = Path(source.name) if root is None else source.relative_to(root)
    return out / below.with_name(_SUFFIX.sub("", below.name) + ".fits")


def parts_of(source: Any, kind: str, extension: Any = None) -> Parts:
    """A master, or those of each image of a file of several detectors.

    Parameters and errors as in `calibrate`.
    """
    keys = extensions_of(source) if extension is None else []
    if keys and keys[0][0] == "SCI":
        source = Extensions.from_fits(source)
        keys = list(source)
    if keys:
        return {key: Master.of(part(source, key, kind), kind) for key in keys}
    return {None: Master.of(source, kind, extension=extension)}


def checksum(parts: Parts) -> str:
    """Digest of all that a master changes in a frame."""
    running = hashlib.blake2b(digest_size=16)
    for key, master in parts.items():
        running.update(json.dumps([key, master.unit, master.holds_bias]).encode())
        for plane in (master.pixels, master.sigma, master.flags):
            if plane is not None and np.ndim(plane) == 2:
                running.update(f"{plane.dtype}{plane.shape}".encode())
                running.update(np.ascontiguousarray(plane).data)
    return running.hexdigest()


def digest_of(path: Path) -> str | None:
    """What a result says that it was made from; None for a file that is not there, and "" for one that does not say."""
    from astropy.io.fits import Header

    try:
        with path.open("rb") as file:
            header = Header.fromfile(file)
            if header["NAXIS"] == 0:  # of several detectors
                header = Header.fromfile(file)
            return str(header.get("CALHASH", ""))
    except FileNotFoundError:
        return None
    except Exception:  # whatever it is, it is not a result
        return ""


@contextmanager
def _shared(masters: Mapping[str, Parts], directory: Path | None) -> Iterator[SharedArrays | None]:
    """Masters for all workers; on a cluster in a folder that they see."""
    frames = {
        _part_name(name, key): _as_frame(master)
        for name, parts in masters.items()
        for key, master in parts.items()
    }
    if not frames:
        yield None
        return
    with share(frames, directory) as shared:
        yield shared


def _part_name(name: str, key: Key | None) -> str:
    return name if key is None else f"{name}[{key[0]},{key[1]}]"


def _as_frame(master: Master) -> ReducedFrame:
    bare = master._replace(pixels=np.empty((0, 0)), sigma=0.0, flags=None)
    about = {"unit": master.unit, "master": bare}
    sigma = master.sigma if np.ndim(master.sigma) else None
    return ReducedFrame(master.pixels, about, None, sigma, master.flags)


def _master(shared: SharedArrays, name: str, key: Key | None) -> Master:
    """A master as it was before `_as_frame`."""
    part_name = _part_name(name, key)
    require(part_name in shared, "", f"master {name}", f"there for extension {key}", ", ".join(shared))
    frame = shared[part_name]
    bare: Master = frame.metadata["master"]
    sigma = 0.0 if frame.uncertainty is None else frame.uncertainty
    return bare._replace(pixels=frame.data, sigma=sigma, flags=frame.flags)


def _to_do(
    wanted: Sequence[Wanted], recipe: Mapping[str, Any], masters: Mapping[str, Parts], overwrite: bool
) -> tuple[list[Job], list[Path], dict[Path, str]]:
    """What is to be made, what is there, and what cannot be made."""
    sums = {name: checksum(parts) for name, parts in masters.items()}
    jobs, skipped, failed = [], [], {}
    for source, target, names in wanted:
        try:
            raw = identity_of(source)
            mark = digest({**recipe, "raw": raw, "masters": {kind: sums[name] for kind, name in names}})
            there = digest_of(target)
            if there == mark:
                skipped.append(target)
                continue
            if there == "" and not overwrite:
                raise OutputExistsError(
                    f"{target} is there, and was not made by this (overwrite=True replaces it)"
                )
            jobs.append(Job(str(source), str(target), names, mark))
        except GetframesError as error:
            failed[source] = str(error)
    return jobs, skipped, failed


def identity_of(source: Path) -> list[Any]:
    """What tells whether a raw file is the one of before: its name, size and time.

    Raises
    ------
    InputError
        If it is not there, or cannot be looked at.
    """
    try:
        state = source.stat()
    except FileNotFoundError as error:
        raise MissingFileError(f"cannot read {source}: there is no such file") from error
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from error
    return [source.name, state.st_size, state.st_mtime_ns]


def digest(content: Mapping[str, Any]) -> str:
    """Digest of settings."""
    text = json.dumps(content, sort_keys=True, default=_as_text)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _as_text(value: Any) -> str:
    """An option that is no plain value: an array by its bytes, a quantity by its words."""
    if isinstance(value, np.ndarray) and not hasattr(value, "unit"):
        return (
            f"{value.dtype}{value.shape}{hashlib.blake2b(np.ascontiguousarray(value).tobytes()).hexdigest()}"
        )
    return str(value)


def _done(results: Iterator[Outcome], total: int) -> tuple[list[Path], dict[Path, str]]:
    """What was made and what failed; where nothing can be written any more, nothing else is tried."""
    from getframes.io.progress import progress

    done: list[Path] = []
    failed: dict[Path, str] = {}
    with closing(results):  # type: ignore[type-var]
        for job, _, error in progress(results, total, "calibrate"):
            if error is None:
                _LOG.debug("%s made", job.target)
                done.append(Path(job.target))
            elif isinstance(error, OutputError):
                raise error
            else:
                known = isinstance(error, GetframesError)
                failed[Path(job.source)] = (
                    str(error) if known else f"unexpected {type(error).__name__}: {error}"
                )
    return done, failed
