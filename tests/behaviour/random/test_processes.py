"""A camera makes the same bits in a worker process, and a fork after use does not hang."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from getframes import Camera, CameraConfig
from getframes.threads import set_num_threads
from tests.behaviour.random.cameras import CAMERAS, CCD, STARS, TEMPERATURE_C, field, light

PATIENCE_S = 60.0
SHAPE = (301, 300)
"""Large enough for the thread pool."""


def exposures(camera: Camera) -> list[np.ndarray]:
    lit, dark = camera.expose(light(3e3, SHAPE), 2.0, seed=5), camera.dark_frame(9.0, seed=5)
    seen = camera.observe(field(*STARS, shape=SHAPE), 2.0, seed=5)
    return [lit.data, lit.truth.mean_electrons, dark.data, seen.data]


def assert_same(made: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for one, other in zip(made, expected, strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize("config", CAMERAS, ids=lambda config: config.name)
def test_pickled_cameras_make_the_same_bits(config: CameraConfig) -> None:
    camera = Camera(
        config.replace(resolution=SHAPE), default_temperature_c=TEMPERATURE_C, precision="float32"
    )
    expected = exposures(camera)
    assert_same(exposures(pickle.loads(pickle.dumps(camera))), expected)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_workers_make_the_same_bits(method: str) -> None:
    """The parent has used its thread pool, whose threads do not exist in a forked child."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    camera = Camera(CCD.replace(resolution=SHAPE), default_temperature_c=TEMPERATURE_C)
    with set_num_threads(2):
        expected = exposures(camera)
    with set_num_threads(2), multiprocessing.get_context(method).Pool(2) as pool:
        for result in [pool.apply_async(exposures, (camera,)) for _ in range(3)]:
            assert_same(result.get(timeout=PATIENCE_S), expected)
    assert_same(exposures(camera), expected)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space")
def test_threads_that_cannot_start_are_an_error_and_fewer_go_on() -> None:
    program = """
import os, resource, time, getframes
camera = getframes.Camera.from_preset("generic_ccd")
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
before = len(os.listdir("/proc/self/task"))
try:
    camera.dark_frame(1.0)
except RuntimeError as error:
    print(error)
while len(os.listdir("/proc/self/task")) > before:  # those that did start are ending
    time.sleep(0.01)
getframes.set_num_threads(2)
print(camera.dark_frame(1.0).shape)
"""
    environment = {**os.environ, "GETFRAMES_NUM_THREADS": "5000"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=PATIENCE_S
    )
    message, shape = done.stdout.splitlines()
    assert message.startswith("5000 threads could not be started (")
    assert message.endswith("; set GETFRAMES_NUM_THREADS to fewer")
    assert shape == str(Camera.from_preset("generic_ccd").resolution)
