"""`getframes generate`: the frames of an experiment file, as FITS or npz."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
name = "generate"
summary = "make the frames of an experiment file"

SUFFIXES = (".fits", ".fits.gz", ".fit", ".npz")


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("experiment", type=Path, metavar="EXPERIMENT", help="TOML; see configs/generate/")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="PATH",
        help=".fits, .fits.gz or .npz; of several frames, each has its number before the suffix, _0000 first",
    )
    parser.add_argument("--seed", type=int, help="replace the seed of the experiment")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    parser.add_argument("--truth", action="store_true", help="add the noise-free truth to every file")


def run(options: Namespace) -> int:
    """Make the frames."""
    from getframes.cli.experiment_frames import frames_of, make_camera
    from getframes.cli.frame_file import write_frame_file
    from getframes.cli.seed import drawn_seed
    from getframes.cli.series_table import SeriesTable
    from getframes.config.experiment import read_experiment
    from getframes.errors import ConfigError
    from getframes.io.progress import progress
    from getframes.run_record import RunRecord

    record = RunRecord(name, {"experiment": str(options.experiment)})
    with record.step("read"):
        experiment = read_experiment(options.experiment)
    if experiment.frame is None:
        raise ConfigError(f"{options.experiment}: `getframes generate` needs a [frame] table")
    seed = drawn_seed(options.seed, experiment.frame.seed)
    paths = output_paths(options.output, experiment.frame.n_frames, overwrite=options.overwrite)
    table = None
    if experiment.series is not None:
        table = SeriesTable(table_path(options.output), overwrite=options.overwrite)
    with record.step("prepare"):
        frames = frames_of(make_camera(experiment), experiment, seed)
    made = progress(record.over(frames, "simulate", "frame"), len(paths), name)
    for path, frame in zip(paths, made, strict=True):
        with record.step("write", 1, "file"):
            write_frame_file(frame, path, overwrite=options.overwrite, truth=options.truth)
        if table is not None:
            table.add(path.name, frame)
    if table is not None:
        table.write(experiment, truth=options.truth)
    record.about |= {"seed": seed, "digest": experiment.digest, "files": [path.name for path in paths]}
    record.save(record_path(options.output))
    told = str(paths[0]) if len(paths) == 1 else f"{paths[0]} ... {paths[-1].name}, {len(paths)} frames"
    print(f"{told}, seed {seed}")
    if options.profile:
        print(record)
    return 0


def output_paths(path: Path, count: int, *, overwrite: bool) -> list[Path]:
    """The files to make, after a look whether they can be made.

    Raises
    ------
    DomainError
        If the suffix is not one of `SUFFIXES`.
    OutputError
        If a file is there already, or its folder is not.
    """
    from getframes.errors import require
    from getframes.io.atomic import check_target

    suffix = suffix_of(path)
    require(suffix != "", "generate", "PATH", f"a name in {', '.join(SUFFIXES)}", str(path))
    stem = path.name[: -len(suffix)]
    digits = max(4, len(str(count - 1)))
    names = [f"{stem}_{number:0{digits}d}{suffix}" for number in range(count)] if count > 1 else [path.name]
    paths = [path.with_name(each) for each in names]
    for each in paths:
        check_target(each, overwrite=overwrite)
    return paths


def suffix_of(path: Path) -> str:
    """The one of `SUFFIXES` that a name ends in, after at least one character; else nothing."""
    lower = path.name.lower()
    return next((path.name[-len(end) :] for end in SUFFIXES if lower.endswith(end) and lower != end), "")


def record_path(output: Path) -> Path:
    """Where the record of a run lies: `frame.fits` has `frame.run.json`."""
    return beside(output, ".run.json")


def table_path(output: Path) -> Path:
    """Where the table of a series lies: `frame.fits` has `frame.series.ecsv`."""
    return beside(output, ".series.ecsv")


def beside(output: Path, end: str) -> Path:
    """A file of the same stem with another end."""
    return output.with_name(output.name[: len(output.name) - len(suffix_of(output))] + end)
