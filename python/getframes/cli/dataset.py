"""`getframes dataset`: pairs of raw frame and truth, for training.

Started again, the same command makes what is missing or damaged, and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from getframes.config.experiment import DatasetSettings, Experiment
    from getframes.dataset import PairDataset

name = "dataset"
summary = "make a data set of raw frames with their truth"

PREFIX = "pair"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("experiment", type=Path, metavar="EXPERIMENT", help="TOML file; see configs/dataset/")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the files")
    parser.add_argument("--seed", type=int, help="replace the seed of the experiment")


def run(options: Namespace) -> int:
    """Make the files that are not there yet."""
    from getframes.config.experiment import read_experiment
    from getframes.errors import ConfigError
    from getframes.run_record import RunRecord

    record = RunRecord(name, {"experiment": str(options.experiment)})
    with record.step("read"):
        experiment = read_experiment(options.experiment)
    settings = experiment.dataset
    if settings is None:
        raise ConfigError(f"{options.experiment}: `getframes dataset` needs a [dataset] table")
    seed = settings.seed if options.seed is None else options.seed
    with record.step("prepare"):
        dataset = make_dataset(experiment, settings, seed)
    with record.step("simulate and write", settings.n, "pair"):
        paths = dataset.to_npz(options.output, prefix=PREFIX, compress=settings.compress)
    record.about |= {"seed": seed, "digest": experiment.digest, "directory": str(options.output)}
    record.save(options.output / f"{PREFIX}.run.json")
    print(f"{options.output}: {len(paths)} pairs, {PREFIX}_manifest.json has the checksums and the seed")
    if options.profile:
        print(record)
    return 0


def make_dataset(experiment: Experiment, settings: DatasetSettings, seed: int | None) -> PairDataset:
    """The data set of an experiment file; stars and noise are different kinds of draws from one seed.

    Without a seed each draws its own, and a folder that was begun goes on with those it was begun with.
    """
    from getframes.camera import Camera
    from getframes.config import require_stages
    from getframes.dataset import pairs, random_star_fields

    require_stages(experiment.camera)
    camera = Camera(experiment.camera, **experiment.camera_options)
    scenes = random_star_fields(
        settings.n,
        camera.resolution,
        optics=settings.build_optics(),
        psf=settings.build_psf(),
        n_stars=settings.n_stars,
        mag_range=settings.mag_range,
        sky_mag_arcsec2=settings.sky_mag_arcsec2,
        seed=seed,
    )
    return pairs(
        camera=camera,
        scenes=scenes,
        exposure=settings.exposure_s,
        temperature=settings.temperature_c,
        dtype=settings.dtype,
        seed=seed,
    )
