"""What stands in an experiment: a summary, the stages it misses, and what is suspicious about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from getframes.config import CameraConfig
    from getframes.config.experiment import Experiment


def summary_of(experiment: Experiment) -> Iterator[str]:
    """Camera, frames, scene and data set, a line each."""
    camera = experiment.camera
    height, width = camera.output_resolution
    gain = f", gain {camera.em_gain:g}" if camera.has_gain_stage else ""
    yield (
        f"camera         {camera.name}, {camera.sensor_type.value}, {width} x {height} px, "
        f"{camera.bit_depth} bits, read noise {camera.read_noise_e:g} e-{gain}, "
        f"{experiment.camera_options['precision']}"
    )
    if experiment.frame is not None:
        frame = experiment.frame
        yield f"frames         {frame.n_frames} {frame.type} of {frame.exposure_s:g} s"
    if experiment.ramp is not None:
        yield f"ramp           {_ramp(experiment)}"
    if experiment.series is not None and experiment.frame is not None:
        cadence_s = experiment.series.cadence_s
        step_s = experiment.frame.exposure_s if cadence_s is None else cadence_s
        yield f"series         one frame every {step_s:g} s, {experiment.series.build_pointing()}"
    if experiment.scene is not None:
        scene = experiment.scene.build(camera.output_resolution)
        stars = sum(len(source) if hasattr(source, "__len__") else 1 for source in scene.sources)
        yield f"scene          {stars} sources, background {scene.background_photon_rate():.4g} photons/s/px"
    if experiment.dataset is not None:
        pairs = experiment.dataset
        yield f"data set       {pairs.n} pairs of {pairs.exposure_s:g} s, {pairs.dtype} {pairs.format}"
    if experiment.frame is None and experiment.dataset is None:
        yield "frames         none: there is neither a [frame] nor a [dataset]"


def missing_of(experiment: Experiment) -> tuple[str, ...]:
    """Names of the stages that the experiment needs and this version does not have."""
    from getframes.config import missing_stages

    return missing_stages(experiment.camera)


def warnings_of(experiment: Experiment) -> Iterator[str]:
    """What is allowed and probably not meant."""
    camera = experiment.camera
    yield from _converter(camera)
    if camera.bias_offset_adu < 3 * camera.read_noise_e / camera.gain_e_per_adu:
        yield (
            f"the bias of {camera.bias_offset_adu:g} ADU is less than three times the read noise: "
            "dark pixels are clipped at 0 ADU"
        )
    if camera.output_full_well_e is None and camera.em_gain > 1 and camera.full_well_e < 10 * camera.em_gain:
        yield (
            f"the output node takes its well from full_well_e, {camera.full_well_e:g} e-: with a gain of "
            f"{camera.em_gain:g} it is full after {camera.full_well_e / camera.em_gain:.3g} photoelectrons"
        )


def _ramp(experiment: Experiment) -> str:
    """How a ramp is read; a camera that cannot be read so is an error."""
    from getframes.noise.ramp import require_ramps

    assert experiment.ramp is not None and experiment.frame is not None
    require_ramps(experiment.camera)
    ramp, exposure_s = experiment.ramp, experiment.frame.exposure_s
    if ramp.type == "cds":
        return f"differences of two reads, {ramp.pedestal_interval_s:g} s and {exposure_s:g} s after it"
    return f"{ramp.reads_per_reset} reads to a reset, one every {exposure_s / ramp.reads_per_reset:g} s"


def _converter(camera: CameraConfig) -> Iterator[str]:
    """Whether the converter ends before the charge does."""
    node_e = camera.full_well_e if camera.output_full_well_e is None else camera.output_full_well_e
    most_e = min(camera.full_well_e * camera.em_gain, node_e)
    end_e = (camera.max_adu - camera.bias_offset_adu) * camera.gain_e_per_adu
    if end_e < most_e:
        at = f", {end_e / camera.em_gain:,.0f} before the gain" if camera.has_gain_stage else ""
        yield (
            f"the converter saturates before the well: {camera.max_adu} ADU is {end_e:,.0f} e- "
            f"at the output node{at}, and the well holds {most_e:,.0f} e-"
        )
