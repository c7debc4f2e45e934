"""`getframes explain`: mean and variance after every stage of a frame, as predicted and as drawn.

One frame of the experiment is drawn, stage by stage, and compared with the laws of its stages over the pixels that are far from every limit. A
figure that is more than five of its errors from the prediction is marked with `!`, and is a warning.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from getframes.camera import Camera
    from getframes.config.experiment import Experiment
    from getframes.noise.exposure import Exposure

name = "explain"
summary = "explain a frame: predicted and drawn mean and variance after every stage"

COMPARED = "pixels far from every limit"


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("experiment", type=Path, metavar="EXPERIMENT", help="TOML; see configs/explain/")
    parser.add_argument("--seed", type=int, help="replace the seed of the experiment")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--plain", action="store_true", help="CSV, every digit kept")
    form.add_argument("--json", action="store_true", help="JSON, with deviations and verdicts")


def run(options: Namespace) -> int:
    """Print the budget of the frame."""
    from getframes.analysis.noise_budget import noise_budget
    from getframes.cli.budget_table import as_csv, as_json, as_text, disagreements
    from getframes.cli.experiment_frames import make_camera
    from getframes.cli.problems import DONE, warn
    from getframes.cli.seed import drawn_seed
    from getframes.config.experiment import read_experiment
    from getframes.errors import ConfigError
    from getframes.noise.stream import seed_key
    from getframes.run_record import RunRecord

    record = RunRecord(name, {"experiment": str(options.experiment)})
    with record.step("read"):
        experiment = read_experiment(options.experiment)
    if experiment.frame is None:
        raise ConfigError(f"{options.experiment}: `getframes explain` needs a [frame] table")
    seed = drawn_seed(options.seed, experiment.frame.seed)
    camera = make_camera(experiment)
    with record.step("noise budget", 1, "frame"):
        budget = noise_budget(exposure_of(camera, experiment), seed_key(seed))
    if options.json:
        print(as_json(camera.name, budget, seed))
    elif options.plain:
        print(as_csv({camera.name: budget}), end="")
    else:
        print(as_text(camera.name, budget, COMPARED), f"seed {seed}", sep="\n")
    for text in disagreements(budget):
        warn(f"{options.experiment}: {text}")
    if options.profile:
        print(record)
    return DONE


def exposure_of(camera: Camera, experiment: Experiment) -> Exposure:
    """What the first frame of the experiment is drawn from."""
    assert experiment.frame is not None
    settings = experiment.frame
    if experiment.scene is not None:
        scene = experiment.scene.build(camera.resolution)
        return camera._scene_exposure(scene, settings.exposure_s, settings.temperature_c)
    dark = settings.type in ("dark", "bias")
    return camera._exposure(
        0.0 if dark else settings.photon_rate,
        settings.exposure_s,
        settings.temperature_c,
        background=0.0 if dark else settings.background,
    )
