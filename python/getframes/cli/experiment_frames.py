"""The frames of an experiment file, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from getframes.camera import Camera
    from getframes.config.experiment import Experiment, FrameSettings, RampSettings
    from getframes.frame import Frame
    from getframes.scene import Scene


def make_camera(experiment: Experiment, seed: int | None = None) -> Camera:
    """The camera of an experiment file, with a seed of its own."""
    from getframes.camera import Camera

    return Camera(experiment.camera, seed=seed, **experiment.camera_options)


def frames_of(camera: Camera, experiment: Experiment, seed: int) -> Iterator[Frame]:
    """The frames of an experiment; what is wrong with them is an error at the call."""
    assert experiment.frame is not None
    if experiment.scene is not None:
        return _science(camera, experiment, experiment.scene.build(camera.resolution), seed)
    if experiment.ramp is not None:
        if experiment.ramp.type == "cds":
            return _double_samples(make_camera(experiment, seed), experiment.frame, experiment.ramp, seed)
        return _reads(camera, experiment.frame, experiment.ramp, seed)
    return _exposures(camera, experiment.frame, seed)


def _exposures(camera: Camera, settings: FrameSettings, seed: int) -> Iterator[Frame]:
    rate, background = _light(settings)
    frames = camera.expose_series(
        rate,
        settings.exposure_s,
        settings.n_frames,
        settings.temperature_c,
        background=background,
        seed=seed,
    )
    return _typed(frames, settings)


def _reads(camera: Camera, settings: FrameSettings, ramp: RampSettings, seed: int) -> Iterator[Frame]:
    rate, background = _light(settings)
    return camera.nondestructive_series(
        rate,
        settings.exposure_s / ramp.reads_per_reset,
        settings.n_frames,
        ramp.reads_per_reset,
        settings.temperature_c,
        background=background,
        seed=seed,
    )


def _double_samples(
    camera: Camera, settings: FrameSettings, ramp: RampSettings, seed: int
) -> Iterator[Frame]:
    """Each takes the next two reads of the stream of the seed: the first is `correlated_double_sample` with it."""
    rate, background = _light(settings)
    for index in range(settings.n_frames):
        frame = camera.correlated_double_sample(
            rate,
            settings.exposure_s,
            settings.temperature_c,
            background=background,
            pedestal_interval_s=ramp.pedestal_interval_s,
        )
        frame.metadata.update(seed=seed, frame_index=index)
        yield frame


def _science(camera: Camera, experiment: Experiment, scene: Scene, seed: int) -> Iterator[Frame]:
    from getframes.config import require_stages

    assert experiment.frame is not None
    settings, series = experiment.frame, experiment.series
    require_stages(camera.config)
    if series is not None:
        return camera.observe_each(
            scene,
            settings.exposure_s,
            settings.n_frames,
            settings.temperature_c,
            cadence=series.cadence_s,
            pointing=series.build_pointing(),
            seed=seed,
        )
    return (
        camera.observe_item(scene, settings.exposure_s, settings.temperature_c, seed, number)
        for number in range(settings.n_frames)
    )


def _light(settings: FrameSettings) -> tuple[float, float]:
    """Light and background."""
    dark = settings.type in ("dark", "bias")
    return (0.0, 0.0) if dark else (settings.photon_rate, settings.background)


def _typed(frames: Iterator[Frame], settings: FrameSettings) -> Iterator[Frame]:
    """The frames under the name that the experiment has for them; a flat is an exposure like any other."""
    for frame in frames:
        frame.metadata["frame_type"] = settings.type
        yield frame
