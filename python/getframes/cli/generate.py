"""`getframes generate`: the frames of an experiment file, as FITS or npz."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from getframes.camera import Camera
    from getframes.config.experiment import Experiment, FrameSettings
    from getframes.frame import Frame

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
    from getframes.cli.frame_file import write_frame_file
    from getframes.cli.seed import drawn_seed
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
    with record.step("prepare"):
        frames = series(make_camera(experiment), experiment, seed)
    made = progress(record.over(frames, "simulate", "frame"), len(paths), name)
    for path, frame in zip(paths, made, strict=True):
        with record.step("write", 1, "file"):
            write_frame_file(frame, path, overwrite=options.overwrite, truth=options.truth)
    record.about |= {"seed": seed, "digest": experiment.digest, "files": [path.name for path in paths]}
    record.save(record_path(options.output))
    told = str(paths[0]) if len(paths) == 1 else f"{paths[0]} ... {paths[-1].name}, {len(paths)} frames"
    print(f"{told}, seed {seed}")
    if options.profile:
        print(record)
    return 0


def make_camera(experiment: Experiment) -> Camera:
    """The camera of an experiment file."""
    from getframes.camera import Camera

    return Camera(experiment.camera, **experiment.camera_options)


def series(camera: Camera, experiment: Experiment, seed: int) -> Iterator[Frame]:
    """The frames of an experiment, one at a time; what is wrong with them is an error at the call."""
    assert experiment.frame is not None
    settings = experiment.frame
    if experiment.scene is not None:
        return _science(camera, experiment, seed)
    dark = settings.type in ("dark", "bias")
    light = camera.expose_series(
        0.0 if dark else settings.photon_rate,
        settings.exposure_s,
        settings.n_frames,
        settings.temperature_c,
        background=0.0 if dark else settings.background,
        seed=seed,
    )
    return _typed(light, settings)


def _science(camera: Camera, experiment: Experiment, seed: int) -> Iterator[Frame]:
    from getframes.config import require_stages

    assert experiment.frame is not None and experiment.scene is not None
    settings = experiment.frame
    require_stages(camera.config)
    scene = experiment.scene.build(camera.resolution)
    return (
        camera.observe_item(scene, settings.exposure_s, settings.temperature_c, seed, number)
        for number in range(settings.n_frames)
    )


def _typed(frames: Iterator[Frame], settings: FrameSettings) -> Iterator[Frame]:
    """The frames under the name that the experiment has for them; a flat is an exposure like any other."""
    for frame in frames:
        frame.metadata["frame_type"] = settings.type
        yield frame


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
    return output.with_name(output.name[: len(output.name) - len(suffix_of(output))] + ".run.json")
