"""What an experiment needs: memory, disk and time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from getframes.config import CameraConfig
    from getframes.config.experiment import Experiment

START_BYTES, START_S = 60_000_000, 0.4
"""What the interpreter and the modules take."""

PROBE = 512
"""Largest side of the sensor on which the time is measured [px]."""

RENDERED = 1 << 26
"""Most pixels of a scene that is rendered to measure the time."""

WRITE_BYTES_PER_S = 2e8
"""Encoding, checksums and writing of files."""

_FITS_BLOCK = 2880
_HEADER_BLOCKS = 1


@dataclass(frozen=True)
class Needs:
    """Memory at its peak, files on the disk [bytes], and time on the clock [s]."""

    memory_bytes: int
    disk_bytes: int
    files: int
    time_s: float

    def lines(self) -> Iterator[str]:
        """What to print, beside what there is."""
        from getframes.memory import available_bytes

        available = available_bytes()
        there = f" ({sized(available)} available)" if available is not None else ""
        yield f"memory         {sized(self.memory_bytes)}{there}"
        files = "1 file" if self.files == 1 else f"{self.files} files"
        yield f"disk           {sized(self.disk_bytes)} in {files} ({sized(_free())} free here)"
        yield f"time           {lasting(self.time_s)}"

    def warnings(self) -> Iterator[str]:
        """What there is not enough of."""
        from getframes.memory import available_bytes

        available = available_bytes()
        if available is not None and self.memory_bytes > available:
            yield f"needs {sized(self.memory_bytes)} of memory, {sized(available)} are available"
        if self.disk_bytes > _free():
            yield f"needs {sized(self.disk_bytes)} on the disk, {sized(_free())} are free here"


def needs_of(experiment: Experiment, *, truth: bool = False) -> Needs:
    """The needs of the frames and the data set of an experiment."""
    size = 4 if experiment.camera_options["precision"] == "float32" else 8
    files, disk = _frame_files(experiment.camera, experiment, size if truth else 0)
    once, per_frame = _seconds(experiment)
    per_frame += _seconds_per_scene(experiment)
    frames = experiment.frame.n_frames if experiment.frame is not None else 0
    memory = START_BYTES + _frame_memory(experiment, size, truth=truth)
    if experiment.dataset is not None:
        pair = _pixels(experiment.camera) * 2 * (4 if experiment.dataset.dtype == "float32" else 8) + 470
        count = experiment.dataset.n
        files, disk, frames = files + count, disk + count * pair, frames + count
        memory += pair * _pairs_in_flight()
    seconds = START_S + once + frames * per_frame + disk / WRITE_BYTES_PER_S
    return Needs(memory, disk, files, seconds)


def sized(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.4g} TB"


def lasting(seconds: float) -> str:
    """A time as people read it."""
    if seconds < 1:
        return "less than 1 s"
    if seconds < 120:
        return f"about {seconds:.0f} s"
    if seconds < 7200:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.3g} h"


def _frame_files(camera: CameraConfig, experiment: Experiment, truth_bytes: int) -> tuple[int, int]:
    """Number and bytes of the FITS files."""
    if experiment.frame is None:
        return 0, 0
    arrays = [2 if camera.bit_depth <= 16 else 4] + [truth_bytes] * 3 * bool(truth_bytes)
    blocks = sum(_HEADER_BLOCKS + -(-_pixels(camera) * each // _FITS_BLOCK) for each in arrays)
    return experiment.frame.n_frames, experiment.frame.n_frames * blocks * _FITS_BLOCK


def _frame_memory(experiment: Experiment, size: int, *, truth: bool) -> int:
    """The fixed maps, counts, the light of a scene, and what writing takes."""
    camera = experiment.camera
    sensor = camera.resolution[0] * camera.resolution[1]
    image = _pixels(camera) * size
    scene = 2 * image if experiment.scene is not None or experiment.dataset is not None else 0
    written = _pixels(camera) * 8 + (4 * image if truth else 0)
    return fixed_maps(camera) * sensor * size + _pixels(camera) * 4 + scene + written


def fixed_maps(camera: CameraConfig) -> int:
    """How many maps over the sensor the camera keeps."""
    amplifiers = camera.amplifier_layout != (1, 1)
    return sum(
        map(
            bool,
            (
                camera.prnu,
                camera.dark_current_nonuniformity or camera.hot_pixel_fraction,
                camera.read_noise_nonuniformity or camera.read_noise_rts_fraction,
                camera.detector_glow_e_per_s and camera.detector_glow_edge_scale_px,
                camera.has_gain_stage and camera.avalanche_gain_nonuniformity,
                amplifiers and (camera.amplifier_gain_factors or camera.amp_gain_nonuniformity),
                amplifiers and (camera.amplifier_offsets_adu or camera.amp_offset_spread_adu),
            ),
        )
    )


def _pairs_in_flight() -> int:
    from getframes.dataset.writer import writing_threads

    return 3 * writing_threads()


def _seconds(experiment: Experiment) -> tuple[float, float]:
    """Time to build the fixed maps, and of a frame, from a small sensor on this machine."""
    from getframes.camera import Camera

    camera = experiment.camera
    height, width = camera.output_resolution
    rows, columns = min(height, PROBE), min(width, PROBE)
    small = camera.replace(
        resolution=(rows, columns),
        roi=None,
        readout_channel_count=1,
        read_noise_channel_nonuniformity=0.0,
        bias_channel_spread_adu=0.0,
        amplifier_layout=(1, 1),
        amplifier_boundaries_y_px=(),
        amplifier_boundaries_x_px=(),
        amplifier_gain_factors=None,
        amplifier_offsets_adu=None,
        overscan=None,
        prescan=None,
    )
    probe = Camera(small, **experiment.camera_options)
    frame, dataset = experiment.frame, experiment.dataset
    exposure = frame.exposure_s if frame is not None else dataset.exposure_s if dataset is not None else 0.0
    rate = frame.photon_rate if frame is not None and frame.type in ("flat", "light") else 10.0
    times = [perf_counter()]
    for _ in range(3):  # the first builds the fixed maps
        probe.expose(rate, exposure, seed=0, include_truth=False)
        times.append(perf_counter())
    first, *others = (later - earlier for earlier, later in pairwise(times))
    sensor = camera.resolution[0] * camera.resolution[1] / (rows * columns)
    return max(first - min(others), 0.0) * sensor, min(others) * height * width / (rows * columns)


def _seconds_per_scene(experiment: Experiment) -> float:
    """Time to render the light of a frame, by rendering it; none for what would take much memory."""
    if _pixels(experiment.camera) > RENDERED:
        return 0.0
    shape = experiment.camera.output_resolution
    if experiment.scene is not None:
        scene = experiment.scene.build(shape)
    elif experiment.dataset is not None and experiment.dataset.n:
        from getframes.cli.dataset import make_dataset

        scene = make_dataset(experiment, experiment.dataset, 0).scenes[0]
    else:
        return 0.0
    start = perf_counter()
    scene.photon_rate_map(precision=experiment.camera_options["precision"])
    return perf_counter() - start


def _pixels(camera: CameraConfig) -> int:
    height, width = camera.frame_resolution
    return height * width


def _free() -> int:
    return shutil.disk_usage(Path.cwd()).free
